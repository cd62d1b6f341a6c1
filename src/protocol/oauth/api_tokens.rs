//! What an API decides about its access tokens: the `typ` of their header, and the claims about the user that they carry besides
//! those of RFC 9068. For a token of several APIs the strictest of them decides: no API gets a claim that another in its audience
//! did not ask for, and the header is that of RFC 9068 unless all of them need the other.

use super::scope::ScopeClaims;
use crate::protocol::{
    error::Invalid,
    oidc::standard_claims,
    values::{names::names, once_each::once_each},
};

/// The `typ` in the header of an access token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TokenTyp {
    /// RFC 9068 §2.1: no other kind of token has it.
    #[default]
    AccessToken,
    /// That of ID tokens, for resource servers that refuse the other. They are distinguished by their audience: an API, which is a
    /// URI, or a client, whose id never is one.
    Jwt,
}

names!(TokenTyp { AccessToken = "at+jwt", Jwt = "JWT" });

/// What an API, or all APIs of a token, decide about it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ApiTokens {
    /// The `typ` of the header.
    pub typ: TokenTyp,
    /// The claims about the user that a token has if a scope that grants them was granted, besides `roles` and `groups`.
    pub claims: Vec<String>,
}

impl ApiTokens {
    /// The settings of a token for all of these APIs; one that is not registered asks for nothing.
    #[must_use]
    pub fn of_all<'a>(apis: impl IntoIterator<Item = Option<&'a Self>>) -> Self {
        let mut all: Option<Self> = None;
        for one in apis {
            let Some(one) = one else { return Self::default() };
            all = Some(all.map_or_else(|| one.clone(), |all| all.and(one)));
        }
        all.unwrap_or_default()
    }

    fn and(mut self, other: &Self) -> Self {
        if other.typ == TokenTyp::AccessToken {
            self.typ = TokenTyp::AccessToken;
        }
        self.claims.retain(|claim| other.claims.contains(claim));
        self
    }
}

/// Validates the claims that an API may ask for: those that a scope grants, each once.
///
/// # Errors
/// The mistake and the expected value.
pub fn check_claims(claims: &[String], custom: &ScopeClaims) -> Result<(), Invalid> {
    for (at, claim) in claims.iter().enumerate() {
        if ALWAYS.contains(&claim.as_str()) {
            return Err(format!("token claim '{claim}': is in every access token with the scope '{claim}' already").into());
        }
        if standard_claims::scopes_of(claim, custom).next().is_none() {
            let known = once_each(standard_claims::claims(custom).filter(|claim| !ALWAYS.contains(claim)));
            return Err(format!("token claim '{claim}': expected one of {}", known.join(", ")).into());
        }
        if claims.iter().take(at).any(|other| other == claim) {
            return Err(format!("token claim '{claim}': is given twice").into());
        }
    }
    Ok(())
}

/// The claims that an access token has wherever their scopes were granted (RFC 9068 §2.2.3.1).
pub const ALWAYS: [&str; 2] = ["roles", "groups"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_for_several_apis_is_what_all_of_them_allow() {
        use TokenTyp::{AccessToken, Jwt};
        let api = |typ, claims: &[&str]| ApiTokens { typ, claims: claims.iter().map(ToString::to_string).collect() };
        let a = api(Jwt, &["email", "preferred_username"]);
        let b = api(Jwt, &["preferred_username", "name", "email"]);
        let c = api(AccessToken, &["email"]);
        let d = api(Jwt, &[]);
        let of = |apis: &[Option<&ApiTokens>]| {
            let ApiTokens { typ, claims } = ApiTokens::of_all(apis.iter().copied());
            (typ, claims.join(" "))
        };
        assert_eq!(of(&[]), (AccessToken, String::new()), "a token for this server alone");
        assert_eq!(of(&[Some(&a)]), (Jwt, "email preferred_username".into()));
        assert_eq!(of(&[Some(&a), Some(&b)]), (Jwt, "email preferred_username".into()));
        assert_eq!(of(&[Some(&b), Some(&c)]), (AccessToken, "email".into()));
        assert_eq!(of(&[Some(&a), Some(&d)]), (Jwt, String::new()));
        assert_eq!(of(&[Some(&a), None]), (AccessToken, String::new()), "one that is not registered");
    }

    #[test]
    fn claims_are_those_of_scopes() {
        let custom = ScopeClaims::new([("employee".to_owned(), vec!["department".to_owned()])].into()).unwrap();
        let check = |claims: &[&str]| {
            let claims: Vec<_> = claims.iter().map(ToString::to_string).collect();
            check_claims(&claims, &custom).map_err(|refused| refused.to_string())
        };
        assert_eq!(check(&["preferred_username", "email", "email_verified", "department"]), Ok(()));
        for claim in ["sub", "mail", "", "scope", "password_hash"] {
            let refused = check(&["email", claim]).unwrap_err();
            assert!(refused.contains("preferred_username") && refused.contains("department"), "{refused}");
            assert!(!refused.contains("roles"), "{refused}");
        }
        assert!(check(&["roles"]).unwrap_err().contains("already"));
        assert!(check(&["email", "email"]).unwrap_err().contains("twice"));
    }
}
