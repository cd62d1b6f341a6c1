//! APIs (the resources of RFC 8707): each has an identifier, which is the `aud` of its tokens, and its own scopes. Which APIs a
//! client may request is stored with the client.

use serde::{Deserialize, Serialize};

use super::{
    api_tokens::ApiTokens,
    scope::{STANDARD, Scopes},
};
use crate::protocol::{
    error::Invalid,
    oidc::authentication::Class,
    values::{plain_text::check_text, time::Timestamp},
};

/// How many scopes an API may have.
const SCOPE_LIMIT: usize = 100;

/// A registered API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Api {
    /// Its identifier: an absolute URI without fragment.
    pub uri: String,
    /// The name shown to users.
    pub name: String,
    /// Its scopes.
    pub scopes: Vec<ApiScope>,
    /// What it decides about its access tokens.
    pub tokens: ApiTokens,
    /// The weakest class of sign-in that users of its tokens may have; `None` means any.
    pub min_acr: Option<Class>,
    /// When it was registered.
    pub created_at: Timestamp,
}

/// A scope of an API.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiScope {
    /// The scope token.
    pub name: String,
    /// What it allows, as shown to the user on the consent page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

impl Api {
    /// Whether the scope is one of its own.
    #[must_use]
    pub fn has(&self, scope: &str) -> bool {
        self.scopes.iter().any(|own| own.name == scope)
    }

    /// Validates an API for registration; `reserved` are the scopes that grant claims about a user.
    ///
    /// # Errors
    /// The mistake and the expected value, for the operator.
    pub fn check<'a>(&self, reserved: impl IntoIterator<Item = &'a str>) -> Result<(), Invalid> {
        check_uri(&self.uri)?;
        check_text("API name", &self.name)?;
        if self.scopes.len() > SCOPE_LIMIT {
            return Err(format!("scopes: expected at most {SCOPE_LIMIT}, received {}", self.scopes.len()).into());
        }
        let reserved: Vec<_> = STANDARD.into_iter().chain(reserved).collect();
        for (index, ApiScope { name, description }) in self.scopes.iter().enumerate() {
            match Scopes::parse(name) {
                Ok(parsed) if parsed.iter().eq([name.as_str()]) && name.len() <= 100 => {}
                _ => {
                    return Err(format!(
                        "scope '{name}': expected 1 to 100 printable ASCII characters without spaces, quotes and backslashes (RFC 6749 3.3)"
                    ).into());
                }
            }
            if reserved.contains(&name.as_str()) {
                return Err(format!("scope '{name}': expected a scope of the API, received one that grants user claims").into());
            }
            if self.scopes.iter().take(index).any(|other| other.name == *name) {
                return Err(format!("scope '{name}': is given twice").into());
            }
            description.as_deref().map_or(Ok(()), |text| check_text("scope description", text))?;
        }
        Ok(())
    }
}

/// What these APIs decide about a token for all of them; `registered` are all that there are.
#[must_use]
pub fn tokens_for(uris: &[String], registered: &[Api]) -> ApiTokens {
    ApiTokens::of_all(uris.iter().map(|uri| registered.iter().find(|api| api.uri == *uri).map(|api| &api.tokens)))
}

/// Validates the identifier of a resource server (RFC 8707 §2): an absolute URI without fragment.
///
/// # Errors
/// The mistake and the expected value.
pub fn check_uri(uri: &str) -> Result<(), Invalid> {
    match url::Url::parse(uri) {
        Ok(_) if !uri.contains(['#', ' ']) && uri.len() <= 500 => Ok(()),
        _ => Err(format!("audience '{uri}': expected an absolute URI without fragment (RFC 8707 2)").into()),
    }
}

#[cfg(test)]
pub(in crate::protocol) mod tests {
    use super::*;

    pub fn api(uri: &str, scopes: &[&str]) -> Api {
        let scopes = scopes.iter().map(|name| ApiScope { name: (*name).to_owned(), description: None }).collect();
        Api {
            uri: uri.into(),
            name: "An API".into(),
            scopes,
            tokens: ApiTokens::default(),
            min_acr: None,
            created_at: Timestamp::from_millis(0),
        }
    }

    #[test]
    fn a_registration_says_what_it_expects() {
        assert_eq!(api("https://a.example", &["a:read"]).check(["employee"]), Ok(()));
        for (api, words) in [
            (api("a.example", &[]), "absolute"),
            (api("https://a.example#x", &[]), "fragment"),
            (api("https://a.example", &["a b"]), "printable"),
            (api("https://a.example", &[""]), "1 to 100"),
            (api("https://a.example", &["email"]), "grants user claims"),
            (api("https://a.example", &["employee"]), "grants user claims"),
            (api("https://a.example", &["a", "a"]), "twice"),
        ] {
            let refused = api.check(["employee"]).unwrap_err();
            assert!(refused.as_ref().contains(words), "{refused}");
        }
    }
}
