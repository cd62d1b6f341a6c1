//! Token introspection (RFC 7662): the token of the request, which callers may see it, and the response. An inactive token, or one
//! the caller may not see, gets the same response, which reveals nothing. Looking the token up is `inspection`.

use serde_json::{Map, Value, json};

use super::{api::Api, client::Client, scope::Scopes};
use crate::protocol::{
    error::{ErrorCode, ProtocolError},
    values::params::Params,
};

/// The scope that grants the claim `preferred_username` (OpenID Connect Core §5.4).
const PROFILE: &str = "profile";

/// The token of an introspection or revocation request (RFC 7662 §2.1, RFC 7009 §2.1). `token_type_hint` is ignored: the form of a
/// token shows its kind.
///
/// # Errors
/// `invalid_request` if there is none.
pub fn token(params: &Params) -> Result<&str, ProtocolError> {
    let missing = || ProtocolError::new(ErrorCode::InvalidRequest, "expected the parameter 'token', received none");
    params.get("token").ok_or_else(missing)
}

/// The response for a token that is inactive, unknown, or not for the caller (§2.2).
#[must_use]
pub fn inactive() -> Map<String, Value> {
    Map::from_iter([("active".to_owned(), Value::Bool(false))])
}

/// How much a caller may see of an access token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    /// Everything: it was issued to the caller.
    Own,
    /// Only what concerns the APIs the caller serves.
    Resource,
}

/// The caller's view of an access token for these resources, if any (RFC 7662 §4).
#[must_use]
pub fn view(caller: &Client, issued_to: &str, resources: &[String]) -> Option<View> {
    if caller.id == issued_to {
        return Some(View::Own);
    }
    resources.iter().any(|uri| caller.settings.introspects.contains(uri)).then_some(View::Resource)
}

/// The scopes that a resource server sees: those of the APIs it serves (RFC 7662 §2.2, RFC 9701 §5); `apis` are these.
#[must_use]
pub fn visible(scopes: &Scopes, apis: &[Api]) -> Scopes {
    scopes.retain(|scope| apis.iter().any(|api| api.has(scope)))
}

/// Whether the response tells the name by which the user signs in (§2.2), as the claim `preferred_username` would: if the token has
/// the scope `profile`. To the resource server of an API as well, which does not see that scope.
#[must_use]
pub fn tells_username(scopes: &Scopes) -> bool {
    scopes.contains(PROFILE)
}

/// The response for an active access token, with how its user signed in (RFC 9470 §6.2); `claims` are its own, `scopes` those the caller may see.
#[must_use]
pub fn access_token(claims: &Map<String, Value>, scopes: &Scopes, username: Option<&str>) -> Map<String, Value> {
    let mut answer = Map::from_iter([("active".to_owned(), json!(true)), ("token_type".to_owned(), json!("Bearer"))]);
    if !scopes.is_empty() {
        answer.insert("scope".into(), scopes.to_string().into()); // RFC 6749 §3.3: an empty list is omitted
    }
    for name in ["iss", "sub", "aud", "client_id", "exp", "iat", "jti", "auth_time", "acr", "amr"] {
        if let Some(value) = claims.get(name) {
            answer.insert(name.into(), value.clone());
        }
    }
    answer.extend(username.map(|name| ("username".to_owned(), name.into())));
    answer
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::oauth::{
        api::tests::api,
        client::{ClientKind, tests::client},
    };

    #[test]
    fn who_may_know_what() {
        let mut rs = client(ClientKind::Service);
        rs.id = "rs".into();
        rs.settings.introspects = vec!["https://api.example.com".into()];
        let resources = ["https://api.example.com".to_owned(), "https://files.example.com".into()];
        assert_eq!(view(&rs, "app", &resources), Some(View::Resource));
        assert_eq!(view(&rs, "app", &resources[1..]), None);
        assert_eq!(view(&rs, "rs", &[]), Some(View::Own));
        let scopes = Scopes::parse("openid notes:read files:read").unwrap();
        assert_eq!(visible(&scopes, &[api("https://api.example.com", &["notes:read"])]).to_string(), "notes:read");
        assert_eq!(Value::Object(inactive()).to_string(), r#"{"active":false}"#);
    }

    #[test]
    fn the_token_is_needed() {
        assert_eq!(token(&Params::parse("token=abc&token_type_hint=x")), Ok("abc"));
        for bad in ["", "token=", "token_type_hint=x"] {
            assert_eq!(token(&Params::parse(bad)).unwrap_err().code, ErrorCode::InvalidRequest);
        }
    }
}
