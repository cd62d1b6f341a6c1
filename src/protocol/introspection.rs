//! Introspection (RFC 7662): which token is asked about, who may be told, and what they are told. A token that
//! does not live, or is none of the caller's, gets the one answer that tells nothing. Finding it is `inspection`.

use serde_json::{Map, Value, json};

use super::{
    api::Api,
    client::Client,
    error::{ErrorCode, ProtocolError},
    params::Params,
    scope::Scopes,
};

/// The token that a request to introspect or revoke is about (RFC 7662 §2.1, RFC 7009 §2.1). `token_type_hint` is not
/// read: a token here tells its kind by itself.
///
/// # Errors
/// `invalid_request` when there is none.
pub fn token(params: &Params) -> Result<&str, ProtocolError> {
    let missing = || ProtocolError::new(ErrorCode::InvalidRequest, "expected the parameter 'token', received none");
    params.get("token").ok_or_else(missing)
}

/// The answer about a token that does not live, is unknown, or is not for the caller (§2.2).
#[must_use]
pub fn inactive() -> Map<String, Value> {
    Map::from_iter([("active".to_owned(), Value::Bool(false))])
}

/// What a caller may know of an access token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    /// Everything: it was issued to them.
    Own,
    /// What concerns the APIs they serve.
    Resource,
}

/// How the caller may see an access token for these resources, if at all (RFC 7662 §4).
#[must_use]
pub fn view(caller: &Client, issued_to: &str, resources: &[String]) -> Option<View> {
    if caller.id == issued_to {
        return Some(View::Own);
    }
    resources.iter().any(|uri| caller.introspects.contains(uri)).then_some(View::Resource)
}

/// The scopes that a resource server sees: those of the APIs it serves (RFC 7662 §2.2, RFC 9701 §5); `apis` are these.
#[must_use]
pub fn visible(scopes: &Scopes, apis: &[Api]) -> Scopes {
    scopes.retain(|scope| apis.iter().any(|api| api.has(scope)))
}

/// The answer about an access token that lives; `claims` are its own, `scopes` what the caller may see.
#[must_use]
pub fn access_token(claims: &Map<String, Value>, scopes: &Scopes) -> Map<String, Value> {
    let mut answer = Map::from_iter([("active".to_owned(), json!(true)), ("token_type".to_owned(), json!("Bearer"))]);
    if !scopes.is_empty() {
        answer.insert("scope".into(), scopes.to_string().into()); // RFC 6749 §3.3: a list of none is not written
    }
    for name in ["iss", "sub", "aud", "client_id", "exp", "iat", "jti", "auth_time", "acr"] {
        if let Some(value) = claims.get(name) {
            answer.insert(name.into(), value.clone());
        }
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{
        api::tests::api,
        client::{ClientKind, tests::client},
    };

    #[test]
    fn who_may_know_what() {
        let mut rs = client(ClientKind::Service);
        rs.id = "rs".into();
        rs.introspects = vec!["https://api.example.com".into()];
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
