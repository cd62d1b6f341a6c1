//! The response of the authorization endpoint: its parameters, on their way to a `ReturnAddress` by its response mode (RFC 6749
//! §4.1.2, RFC 9207); and the way back to a client after logout.

use super::{response_mode::ResponseMode, return_address::ReturnAddress};
use crate::protocol::{error::ProtocolError, values::params::encode};

/// A response ready to be sent through the browser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuthorizationResponse {
    /// Redirect to this location (303).
    Redirect(String),
    /// Post these fields to this action.
    Form {
        /// The redirect URI.
        action: String,
        /// The Content-Security-Policy source that allows posting the form there.
        source: String,
        /// Names and values, in order.
        fields: Vec<(&'static str, String)>,
    },
}

/// The success response (RFC 6749 §4.1.2): `code`, `state`, and `iss` (RFC 9207 §2).
#[must_use]
pub fn success(address: &ReturnAddress, issuer: &str, code: String) -> AuthorizationResponse {
    deliver(address, issuer, vec![("code", code)])
}

/// The error response (RFC 6749 §4.1.2.1), with `state` and `iss` as well.
#[must_use]
pub fn failure(address: &ReturnAddress, issuer: &str, error: &ProtocolError) -> AuthorizationResponse {
    deliver(
        address,
        issuer,
        vec![("error", error.code.as_str().to_owned()), ("error_description", error.with_command().into_owned())],
    )
}

/// The URL to redirect to after logout (RP-Initiated Logout §3), with `state` if one was sent.
#[must_use]
pub fn after_logout(address: &ReturnAddress) -> String {
    let state = address.state.as_deref().map(|state| encode([("state", state)]));
    state.map_or_else(|| address.uri().to_owned(), |state| with_query(address.uri(), &state))
}

fn deliver(address: &ReturnAddress, issuer: &str, mut fields: Vec<(&'static str, String)>) -> AuthorizationResponse {
    if let Some(state) = &address.state {
        fields.push(("state", state.clone()));
    }
    fields.push(("iss", issuer.to_owned()));
    let uri = address.uri();
    let encoded = || encode(fields.iter().map(|(n, v)| (*n, v.as_str())));
    match address.mode {
        ResponseMode::Query => AuthorizationResponse::Redirect(with_query(uri, &encoded())),
        ResponseMode::Fragment => AuthorizationResponse::Redirect(format!("{uri}#{}", encoded())),
        ResponseMode::FormPost => {
            AuthorizationResponse::Form { action: uri.to_owned(), source: address.form_action_source(), fields }
        }
    }
}

/// RFC 6749 §3.1.2: an existing query of the registered URI is kept.
fn with_query(uri: &str, query: &str) -> String {
    let joint = if !uri.contains('?') {
        "?"
    } else if uri.ends_with(['?', '&']) {
        ""
    } else {
        "&"
    };
    format!("{uri}{joint}{query}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{
        error::ErrorCode,
        oauth::{
            client::{ClientKind, tests::client},
            return_address,
        },
    };

    fn address(uri: &str, mode: ResponseMode) -> ReturnAddress {
        let mut client = client(ClientKind::Web);
        client.settings.redirect_uris = vec![uri.into()];
        let mut address = return_address::find(&client, Some(uri), true).unwrap();
        address.mode = mode;
        address.state = Some("a+b c&d".into());
        address
    }

    #[test]
    fn the_registered_query_is_kept_and_state_comes_back_as_sent() {
        let sent = success(&address("https://a.example/cb?x=1", ResponseMode::Query), "https://id.example", "c1".into());
        assert_eq!(
            sent,
            AuthorizationResponse::Redirect(
                "https://a.example/cb?x=1&code=c1&state=a%2Bb+c%26d&iss=https%3A%2F%2Fid.example".into()
            )
        );
    }

    #[test]
    fn errors_take_the_same_way() {
        let error = ProtocolError::new(ErrorCode::AccessDenied, "no");
        let sent = failure(&address("https://a.example/cb", ResponseMode::Fragment), "https://id.example", &error);
        let AuthorizationResponse::Redirect(location) = sent else { panic!("a redirect") };
        assert!(location.starts_with("https://a.example/cb#error=access_denied&error_description=no&state="));
        let AuthorizationResponse::Form { action, source, fields } =
            failure(&address("https://a.example/cb?x=1", ResponseMode::FormPost), "i", &error)
        else {
            panic!("a form")
        };
        assert_eq!((action.as_str(), source.as_str(), fields.len()), ("https://a.example/cb?x=1", "https://a.example", 4));
    }
}
