//! The unsupported `request` parameter (OpenID Connect Core §6.1, RFC 9101): a request with one is refused by `authorization`. Owns
//! what the error response takes from the object, where the request itself does not have it: how it is returned, and `state`. The
//! object is not verified, so nothing else is taken from it: the address of the response is the one outside it.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value};

use super::response_mode::ResponseMode;
use crate::protocol::values::params::Params;

/// What the object says about the response.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct ResponseParameters {
    /// `response_mode`, if it is one that is supported.
    pub mode: Option<ResponseMode>,
    /// `state`, unless it is empty.
    pub state: Option<String>,
}

/// What the `request` object of these parameters says about the response: nothing if there is none, or it cannot be read.
#[must_use]
pub fn response_parameters(params: &Params) -> ResponseParameters {
    let object = params.get("request").filter(|_| params.flaw_of("request").is_none()).and_then(claims);
    let Some(object) = object else { return ResponseParameters::default() };
    let text = |name: &str| object.get(name).and_then(Value::as_str).filter(|text| !text.is_empty() && !text.contains('\0'));
    ResponseParameters {
        mode: text("response_mode").and_then(|mode| ResponseMode::parse(Some(mode)).ok()),
        state: text("state").map(str::to_owned),
    }
}

/// The claims of a JWT, signed or not; those of an encrypted one cannot be read.
fn claims(jwt: &str) -> Option<Map<String, Value>> {
    let mut parts = jwt.split('.');
    let (_header, claims, _signature, None) = (parts.next()?, parts.next()?, parts.next()?, parts.next()) else { return None };
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(claims: &str) -> ResponseParameters {
        let jwt = format!("eyJhbGciOiJub25lIn0.{}.", URL_SAFE_NO_PAD.encode(claims));
        response_parameters(&Params::parse(&format!("request={jwt}")))
    }

    #[test]
    fn what_it_says_about_the_response_is_read() {
        let mode = Some(ResponseMode::FormPost);
        assert_eq!(read(r#"{"response_mode":"form_post"}"#), ResponseParameters { mode, state: None });
        assert_eq!(read(r#"{"state":"a b"}"#), ResponseParameters { mode: None, state: Some("a b".into()) });
    }

    #[test]
    fn what_cannot_be_read_says_nothing() {
        for claims in [
            "",
            "[]",
            "{",
            "{}",
            r#"{"response_mode":"web_message","state":""}"#,
            r#"{"response_mode":["form_post"],"state":7}"#,
            r#"{"state":"a\u0000b"}"#,
        ] {
            assert_eq!(read(claims), ResponseParameters::default(), "{claims}");
        }
        let claims = URL_SAFE_NO_PAD.encode(r#"{"state":"s"}"#);
        for query in [
            String::new(),
            "request=x".to_owned(),
            format!("request={claims}"),
            format!("request=a.{claims}"),
            format!("request=a.{claims}.b.c.d"),
            format!("request=a.{claims}=.b"),
            format!("request=a.{claims}.&request=a.{claims}."),
        ] {
            assert_eq!(response_parameters(&Params::parse(&query)), ResponseParameters::default(), "{query}");
        }
    }
}
