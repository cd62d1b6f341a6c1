//! Scope lists (RFC 6749 §3.3): their grammar and comparison; and the operator's own scopes, which grant further claims about a
//! user. The claims of a standard scope are in `user`; the scopes that a client may request are in `client`.

use std::{borrow::Cow, collections::BTreeMap, fmt};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::protocol::error::Invalid;

/// The scope that makes a request an OpenID Connect one (Core 3.1.2.1).
pub const OPENID: &str = "openid";
/// The scope of a grant that outlives the browser session (Core §11).
pub const OFFLINE_ACCESS: &str = "offline_access";
/// The scopes defined by OpenID Connect Core §5.4 and §11, and `roles` and `groups` (RFC 9068 §2.2.3.1).
pub const STANDARD: [&str; 8] = [OPENID, "profile", "email", "address", "phone", "roles", "groups", OFFLINE_ACCESS];

/// The maximum number of tokens in a list.
const LIMIT: usize = 100;

/// A list of scope tokens without duplicates, in the order given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scopes(Vec<String>);

/// A scope token that breaks the grammar of RFC 6749 §3.3, or exceeds the limit.
#[derive(Debug, PartialEq, Eq)]
pub struct MalformedScope(pub String);

impl MalformedScope {
    /// The expected form, for an error description.
    #[must_use]
    pub fn describe(&self) -> String {
        match self.0.as_str() {
            "" => "scope: expected scopes separated by single spaces".to_owned(),
            token => format!("scope: '{token}' is malformed, or there are more than {LIMIT} scopes"),
        }
    }
}

impl Scopes {
    /// Parses a list, `scope-token *( SP scope-token )`; empty text is no scope.
    ///
    /// # Errors
    /// [`MalformedScope`] with the token that is empty or contains a character outside `%x21 / %x23-5B / %x5D-7E`.
    pub fn parse(text: &str) -> Result<Self, MalformedScope> {
        let mut scopes = Vec::new();
        for token in text.split(' ').filter(|_| !text.is_empty()) {
            if !is_token(token) {
                return Err(MalformedScope(token.to_owned()));
            }
            if scopes.len() == LIMIT {
                return Err(MalformedScope(token.to_owned()));
            }
            if !scopes.iter().any(|s| s == token) {
                scopes.push(token.to_owned());
            }
        }
        Ok(Self(scopes))
    }

    /// Whether the token is in the list.
    #[must_use]
    pub fn contains(&self, token: &str) -> bool {
        self.0.iter().any(|s| s == token)
    }

    /// The first token of this list that `wider` lacks; `None` when this is a subset of it.
    #[must_use]
    pub fn first_outside<'a>(&'a self, wider: &Self) -> Option<&'a str> {
        self.iter().find(|token| !wider.contains(token))
    }

    /// The tokens in both lists, in this list's order.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        Self(self.0.iter().filter(|token| other.contains(token)).cloned().collect())
    }

    /// The tokens for which `keep` holds.
    #[must_use]
    pub fn retain(&self, mut keep: impl FnMut(&str) -> bool) -> Self {
        Self(self.0.iter().filter(|token| keep(token)).cloned().collect())
    }

    /// This list with further tokens appended.
    #[must_use]
    pub fn with<'a>(&self, more: impl Iterator<Item = &'a str>) -> Self {
        let mut all = self.clone();
        for token in more {
            if !all.contains(token) {
                all.0.push(token.to_owned());
            }
        }
        all
    }

    /// The tokens of both lists, this one's first.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        self.with(other.iter())
    }

    /// The tokens.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// Whether there is no token.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(" "))
    }
}

impl Serialize for Scopes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Scopes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(|malformed| {
            de::Error::custom(format_args!(
                "expected at most {LIMIT} scopes of printable ASCII, separated by single spaces (RFC 6749 3.3), received '{}'",
                malformed.0
            ))
        })
    }
}

/// RFC 6749 §3.3: `1*( %x21 / %x23-5B / %x5D-7E )`.
fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| matches!(b, 0x21 | 0x23..=0x5b | 0x5d..=0x7e))
}

/// Claims with a defined meaning, in a token (RFC 7519 §4.1, 8693 §4, 9068 §2, Core §2, Back-Channel Logout §2.4) or about a user
/// (Core §5.1, §5.6.2): no custom claim may have one of these names.
#[rustfmt::skip]
const TAKEN_CLAIMS: [&str; 46] = [
    "iss", "sub", "aud", "exp", "iat", "nbf", "jti", "auth_time", "nonce", "acr", "amr", "azp", "at_hash", "c_hash", "s_hash",
    "sid", "client_id", "scope", "roles", "groups", "entitlements", "cnf", "act", "may_act", "events",
    "name", "given_name", "family_name", "middle_name", "nickname", "preferred_username", "profile", "picture", "website",
    "email", "email_verified", "gender", "birthdate", "zoneinfo", "locale", "phone_number", "phone_number_verified",
    "address", "updated_at", "_claim_names", "_claim_sources",
];

/// The maximum number of the operator's own scopes, and of the claims that each grants.
const CLAIM_LIMIT: usize = 50;

/// The operator's own scopes, and the claims about a user that each grants (Core §5.4 leaves them to the server).
#[derive(Clone, Debug, Default)]
pub struct ScopeClaims(BTreeMap<String, Vec<String>>);

impl ScopeClaims {
    /// Validates them: well-formed tokens and names, none with a defined meaning.
    ///
    /// # Errors
    /// The expected and the received value.
    pub fn new(map: BTreeMap<String, Vec<String>>) -> Result<Self, Invalid> {
        if map.len() > CLAIM_LIMIT {
            return Err(format!("expected at most {CLAIM_LIMIT} scopes, received {}", map.len()).into());
        }
        for (scope, claims) in &map {
            if !is_token(scope) {
                return Err(
                    format!("expected a scope of printable ASCII without space, '\"' and '\\', received '{scope}'").into()
                );
            }
            if STANDARD.contains(&scope.as_str()) {
                return Err(format!("expected a custom scope, received '{scope}', which is a standard scope").into());
            }
            if !(1..=CLAIM_LIMIT).contains(&claims.len()) {
                return Err(format!("expected 1 to {CLAIM_LIMIT} claims for '{scope}', received {}", claims.len()).into());
            }
            for (at, claim) in claims.iter().enumerate() {
                if !(1..=100).contains(&claim.chars().count()) || claim.chars().any(char::is_control) {
                    return Err(format!(
                        "expected claims of 1 to 100 characters, none of them a control character, for '{scope}', received '{claim}'"
                    ).into());
                }
                if TAKEN_CLAIMS.contains(&claim.as_str()) {
                    return Err(
                        format!("expected custom claims for '{scope}', received '{claim}', which is a standard claim").into()
                    );
                }
                if claims.iter().take(at).any(|other| other == claim) {
                    return Err(format!("expected each claim once for '{scope}', received '{claim}' twice").into());
                }
            }
        }
        Ok(Self(map))
    }

    /// Whether a scope is about a user, rather than an API.
    #[must_use]
    pub fn is_of_users(&self, scope: &str) -> bool {
        STANDARD.contains(&scope) || self.0.contains_key(scope)
    }

    /// Whether a scope grants claims about the user.
    #[must_use]
    pub fn grants_claims(&self, scope: &str) -> bool {
        self.is_of_users(scope) && ![OPENID, OFFLINE_ACCESS].contains(&scope)
    }

    /// The scopes, in alphabetical order.
    pub fn scopes(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// The claims that a scope grants, in the order given; none if it is not one of these scopes.
    #[must_use]
    pub fn opened_by(&self, scope: &str) -> &[String] {
        self.0.get(scope).map(Vec::as_slice).unwrap_or_default()
    }

    /// The scope that grants a claim; the first of several.
    #[must_use]
    pub fn scope_of(&self, claim: &str) -> Option<&str> {
        self.0.iter().find(|(_, claims)| claims.iter().any(|c| c == claim)).map(|(scope, _)| scope.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope_claims(map: &[(&str, &[&str])]) -> Result<ScopeClaims, Invalid> {
        let owned = |claims: &[&str]| claims.iter().map(ToString::to_string).collect();
        ScopeClaims::new(map.iter().map(|(scope, claims)| ((*scope).to_owned(), owned(claims))).collect())
    }

    #[test]
    fn scopes_of_ones_own_open_claims() {
        let claims =
            scope_claims(&[("team:read", &["team name"]), ("employee", &["number", "https://example.com/dept"])]).unwrap();
        assert_eq!(claims.scopes().collect::<Vec<_>>(), ["employee", "team:read"]);
        assert_eq!(claims.opened_by("employee"), ["number", "https://example.com/dept"]);
        assert!(claims.opened_by("profile").is_empty());
        assert_eq!((claims.scope_of("team name"), claims.scope_of("name")), (Some("team:read"), None));
        let shared = scope_claims(&[("b", &["x", "y"]), ("a", &["y"])]).unwrap();
        assert_eq!((shared.scope_of("y"), shared.scope_of("x")), (Some("a"), Some("b")));
    }

    #[test]
    fn scopes_and_claims_that_mean_something_already_are_refused() {
        for scope in STANDARD {
            assert!(scope_claims(&[(scope, &["x"])]).unwrap_err().as_ref().contains(scope), "{scope}");
        }
        for claim in TAKEN_CLAIMS {
            assert!(scope_claims(&[("s", &["x", claim])]).unwrap_err().as_ref().contains(claim), "{claim}");
        }
        let (long, longer) = ("é".repeat(100), "é".repeat(101));
        assert!(scope_claims(&[("s", &[&long])]).is_ok());
        for (scope, claims) in [
            ("", &["x"][..]),
            ("a b", &["x"]),
            ("a\"", &["x"]),
            ("é", &["x"]),
            ("s", &[]),
            ("s", &[""]),
            ("s", &[&longer]),
            ("s", &["a\nb"]),
            ("s", &["x", "y", "x"]),
        ] {
            assert!(scope_claims(&[(scope, claims)]).unwrap_err().as_ref().contains("expected"), "{scope:?} {claims:?}");
        }
        let many: Vec<String> = (0..=CLAIM_LIMIT).map(|n| format!("n{n}")).collect();
        let names: Vec<&str> = many.iter().map(String::as_str).collect();
        assert!(scope_claims(&[("s", &names[1..])]).is_ok() && scope_claims(&[("s", &names)]).is_err());
        let scopes: Vec<(&str, &[&str])> = names.iter().map(|name| (*name, &["x"][..])).collect();
        assert!(scope_claims(&scopes[1..]).is_ok() && scope_claims(&scopes).is_err());
    }

    #[test]
    fn the_grammar_is_enforced() {
        assert_eq!(Scopes::parse("openid notes:read openid").map(|s| s.to_string()), Ok("openid notes:read".into()));
        for bad in ["a\"b", "a\\b", "é", "a\tb", "a  b", " a", "a ", " "] {
            assert!(Scopes::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn width_is_by_token() {
        let (wide, narrow) = (Scopes::parse("a b c").unwrap(), Scopes::parse("c a").unwrap());
        assert_eq!(narrow.first_outside(&wide), None);
        assert_eq!(wide.first_outside(&narrow), Some("b"));
        assert_eq!(wide.intersection(&narrow).to_string(), "a c");
        assert_eq!(narrow.union(&wide).to_string(), "c a b");
    }
}
