//! Client assertions (RFC 7523 §3, OpenID Connect Core §9): which client an assertion claims to be, and whether its claims are
//! valid. The signature is verified by `jose::client_keys`; the single use of a `jti` is enforced by `store::used_assertions`.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::client::{AssertionAudience, Client};
use crate::protocol::{
    error::{ErrorCode, ProtocolError},
    values::time::{Span, Timestamp},
};

/// The only supported `client_assertion_type` (RFC 7523 §2.2).
pub const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// How far in the future `exp` may be: a `jti` is remembered for as long.
const LONGEST: Span = Span::from_seconds(3600);
/// The clock skew allowed for `exp`, `iat` and `nbf`, and for `exp` beyond the longest lifetime: some libraries give their
/// assertions exactly an hour.
const LEEWAY: Span = Span::from_seconds(30);

/// The names of this server that can be an assertion's audience.
#[derive(Clone, Copy, Debug)]
pub struct Recipient<'a> {
    /// The issuer.
    pub issuer: &'a str,
    /// The URL of the token endpoint.
    pub token_endpoint: &'a str,
}

/// An assertion with valid claims; it is accepted unless it was used before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assertion {
    /// A hash of the client and the `jti`.
    pub key: [u8; 32],
    /// Until when its use is remembered.
    pub expires_at: Timestamp,
}

/// The client that an assertion claims to be, before any of it is verified.
#[must_use]
pub fn claimed_client(assertion: &str) -> Option<String> {
    let payload = assertion.split('.').nth(1)?;
    let claims: Map<String, Value> = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()?;
    claims.get("sub")?.as_str().filter(|sub| !sub.is_empty() && !sub.contains('\0')).map(str::to_owned)
}

/// Validates the claims of an assertion whose signature was verified.
///
/// # Errors
/// `invalid_client`, with the expected and the received value.
pub fn check(
    claims: &Map<String, Value>,
    client: &Client,
    recipient: Recipient<'_>,
    now: Timestamp,
) -> Result<Assertion, ProtocolError> {
    let client_id = client.id.as_str();
    let refuse = |text: String| Err(ProtocolError::new(ErrorCode::InvalidClient, format!("client_assertion: {text}")));
    for name in ["iss", "sub"] {
        if claims.get(name).and_then(Value::as_str) != Some(client_id) {
            return refuse(format!("{name}: expected the client's id '{client_id}'"));
        }
    }
    check_audience(claims.get("aud"), client, recipient)?;
    let Some(exp) = time(claims, "exp") else { return refuse("exp: expected a time in seconds".into()) };
    if now >= exp.plus(LEEWAY) {
        return refuse("exp: the assertion has expired".into());
    }
    if exp > now.plus(LONGEST).plus(LEEWAY) {
        return refuse(format!("exp: expected at most {} seconds from now", LONGEST.seconds()));
    }
    for name in ["iat", "nbf"] {
        match (claims.get(name), time(claims, name)) {
            (None, _) => {}
            (Some(_), Some(at)) if at <= now.plus(LEEWAY) => {}
            (Some(_), Some(_)) => return refuse(format!("{name}: expected a time that is not in the future")),
            (Some(_), None) => return refuse(format!("{name}: expected a time in seconds")),
        }
    }
    match claims.get("jti").and_then(Value::as_str) {
        Some(jti) if (1..=256).contains(&jti.len()) => {
            let key =
                Sha256::new().chain_update((client_id.len() as u64).to_be_bytes()).chain_update(client_id).chain_update(jti);
            Ok(Assertion { key: key.finalize().into(), expires_at: exp.plus(LEEWAY) })
        }
        _ => refuse("jti: expected 1 to 256 bytes of text, unique to each assertion".into()),
    }
}

/// RFC 10070: the issuer as the only audience, so that an assertion for another server is useless here. Where the client may, the URL
/// of the token endpoint does as well (RFC 7523 §3).
fn check_audience(received: Option<&Value>, client: &Client, recipient: Recipient<'_>) -> Result<(), ProtocolError> {
    let Recipient { issuer, token_endpoint } = recipient;
    let names_only = |allowed: &[&str]| match received {
        Some(Value::String(one)) => allowed.contains(&one.as_str()),
        Some(Value::Array(list)) => {
            (1..=allowed.len()).contains(&list.len())
                && list.iter().all(|one| one.as_str().is_some_and(|one| allowed.contains(&one)))
        }
        _ => false,
    };
    let fits_endpoint = names_only(&[issuer, token_endpoint]);
    let (fits, or) = match client.settings.assertion_audience {
        AssertionAudience::Issuer => (names_only(&[issuer]), String::new()),
        AssertionAudience::TokenEndpoint => (fits_endpoint, format!(" or '{token_endpoint}'")),
    };
    if fits {
        return Ok(());
    }
    let received: String = received.map_or_else(|| "none".into(), |value| value.to_string().chars().take(150).collect());
    let text = format!("client_assertion: aud: expected only '{issuer}'{or}, received {received}");
    let remedy = || format!("symbolon client set {} --assertion-audience token-endpoint", client.id);
    Err(ProtocolError::new(ErrorCode::InvalidClient, text).with_remedy(fits_endpoint.then(remedy)))
}

/// A `NumericDate` (RFC 7519 §2), which may have a fraction.
fn time(claims: &Map<String, Value>, name: &str) -> Option<Timestamp> {
    const LAST: f64 = 253_402_300_799.0; // the year 9999
    let seconds = claims.get(name)?.as_f64().filter(|seconds| (0.0..=LAST).contains(seconds))?;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "within the bounds above, and a fraction of a millisecond does not matter"
    )]
    Some(Timestamp::from_millis((seconds * 1000.0) as i64))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::protocol::oauth::client::{ClientKind, tests::client};

    const ISSUER: &str = "https://id.example.com";
    const ENDPOINT: &str = "https://id.example.com/token";
    const NOW: Timestamp = Timestamp::from_millis(1_000_000_000);

    fn good() -> Value {
        json!({"iss": "app", "sub": "app", "aud": ISSUER, "exp": 1_000_060, "iat": 1_000_000, "jti": "j"})
    }

    fn verdict(change: impl FnOnce(&mut Map<String, Value>)) -> Result<Assertion, String> {
        let mut claims = good().as_object().unwrap().clone();
        change(&mut claims);
        check_for(AssertionAudience::Issuer, &claims)
    }

    fn check_for(audience: AssertionAudience, claims: &Map<String, Value>) -> Result<Assertion, String> {
        let mut client = client(ClientKind::Service);
        client.settings.assertion_audience = audience;
        let recipient = Recipient { issuer: ISSUER, token_endpoint: ENDPOINT };
        check(claims, &client, recipient, NOW).map_err(|error| error.with_command().into_owned())
    }

    #[test]
    fn good_assertions_pass_and_are_told_apart_by_client_and_jti() {
        let one = verdict(|_| ()).unwrap();
        assert_eq!(one.expires_at, Timestamp::from_millis(1_000_090_000), "remembered for as long as it is accepted");
        assert_ne!(verdict(|c| drop(c.insert("jti".into(), json!("k")))).unwrap().key, one.key);
        assert!(verdict(|c| drop(c.insert("aud".into(), json!([ISSUER])))).is_ok());
        assert!(verdict(|c| drop(c.insert("exp".into(), json!(999_970.5)))).is_ok(), "by a clock half a minute behind");
        for name in ["iat", "nbf"] {
            assert!(verdict(|c| drop(c.insert(name.into(), json!(1_000_030)))).is_ok(), "half a minute ahead");
        }
        assert!(verdict(|c| drop(c.remove("iat"))).is_ok());
        assert!(verdict(|c| drop(c.insert("exp".into(), json!(1_003_630)))).is_ok(), "an hour, by a clock half a minute ahead");
    }

    #[test]
    fn each_claim_is_needed_and_checked() {
        for (name, value) in [
            ("iss", json!("other")),
            ("sub", json!("other")),
            ("iss", json!(null)),
            ("aud", json!("https://id.example.com/")),
            ("aud", json!("https://id.example.com/token")),
            ("aud", json!([ISSUER, "https://evil.example"])),
            ("aud", json!([])),
            ("exp", json!(999_970)),
            ("exp", json!(1_003_631)),
            ("exp", json!("1000060")),
            ("exp", json!(-1)),
            ("exp", json!(1e300)),
            ("iat", json!(1_000_031)),
            ("nbf", json!(1_000_031)),
            ("iat", json!("now")),
            ("jti", json!("")),
            ("jti", json!(7)),
            ("jti", json!("x".repeat(257))),
        ] {
            let refused = verdict(|c| drop(c.insert(name.into(), value.clone()))).unwrap_err();
            assert!(refused.starts_with(&format!("client_assertion: {name}:")), "{name}={value}: {refused}");
        }
        for name in ["iss", "sub", "aud", "exp", "jti"] {
            assert!(verdict(|c| drop(c.remove(name))).is_err(), "{name}");
        }
    }

    #[test]
    fn the_token_endpoint_is_an_audience_where_the_client_may_send_it() {
        let with = |audience: &Value| {
            let mut claims = good().as_object().unwrap().clone();
            claims.insert("aud".into(), audience.clone());
            claims
        };
        let line = "; to allow it: symbolon client set app --assertion-audience token-endpoint";
        for audience in [json!(ENDPOINT), json!([ENDPOINT]), json!([ISSUER, ENDPOINT])] {
            let refused = check_for(AssertionAudience::Issuer, &with(&audience)).unwrap_err();
            assert!(refused.contains("received ") && refused.contains(ENDPOINT) && refused.ends_with(line), "{refused}");
            assert!(check_for(AssertionAudience::TokenEndpoint, &with(&audience)).is_ok(), "{audience}");
        }
        assert!(check_for(AssertionAudience::TokenEndpoint, &with(&json!(ISSUER))).is_ok());
        for audience in [
            json!("https://id.example.com/token/"),
            json!("https://id.example.com/introspect"),
            json!("https://evil.example/token"),
            json!([ENDPOINT, "https://evil.example"]),
            json!([ENDPOINT, ISSUER, ENDPOINT]),
            json!([]),
            json!(null),
        ] {
            for allowed in [AssertionAudience::Issuer, AssertionAudience::TokenEndpoint] {
                let refused = check_for(allowed, &with(&audience)).unwrap_err();
                assert!(refused.starts_with("client_assertion: aud: expected only") && !refused.contains(line), "{refused}");
            }
        }
    }

    #[test]
    fn the_claimed_client_is_read_without_trust() {
        let jwt = |claims: &str| format!("e30.{}.x", URL_SAFE_NO_PAD.encode(claims));
        assert_eq!(claimed_client(&jwt(r#"{"sub":"app"}"#)).as_deref(), Some("app"));
        for bad in ["", "a", "a.b.c", "..", &jwt("[]"), &jwt("{}"), &jwt(r#"{"sub":7}"#), &jwt(r#"{"sub":""}"#)] {
            assert_eq!(claimed_client(bad), None, "{bad}");
        }
    }
}
