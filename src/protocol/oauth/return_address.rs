//! Where a response may be sent: only a match with a client's registered URIs constructs a `ReturnAddress`, and every redirect
//! requires one. An open redirect cannot be written.

use url::Url;

use super::{client::Client, redirect_uri, response_mode::ResponseMode};

/// The address of the response to one authorization request. Constructed only by [`find`] and [`find_after_logout`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReturnAddress {
    uri: String,
    /// Echoed byte for byte (RFC 6749 §4.1.2).
    pub state: Option<String>,
    /// How the parameters are returned.
    pub mode: ResponseMode,
}

/// Why no registered redirect URI was matched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mismatch {
    /// None was sent, and it cannot be inferred.
    Missing,
    /// The one sent is not registered.
    Unregistered,
}

impl ReturnAddress {
    /// The matched redirect URI, as it was sent.
    #[must_use]
    pub fn uri(&self) -> &str {
        &self.uri
    }

    /// The host (and port, if any) that receives the response, or the scheme of a private-use URI, as shown to users.
    #[must_use]
    pub fn shown_host(&self) -> String {
        let parsed = Url::parse(&self.uri).ok();
        let host = parsed.as_ref().and_then(Url::host_str).filter(|host| !host.is_empty());
        let port = parsed.as_ref().and_then(Url::port).map(|port| format!(":{port}")).unwrap_or_default();
        host.map_or_else(|| self.uri.split(':').next().unwrap_or_default().to_owned(), |host| format!("{host}{port}"))
    }

    /// The source expression for a Content-Security-Policy `form-action` that allows a form to redirect here: the origin, or only
    /// the scheme where the CSP grammar has no such host (IPv6, private-use schemes).
    #[must_use]
    pub fn form_action_source(&self) -> String {
        let scheme = self.uri.split(':').next().unwrap_or_default();
        match Url::parse(&self.uri) {
            Ok(url) if matches!(scheme, "http" | "https") && !self.uri.contains('[') => url.origin().ascii_serialization(),
            _ => format!("{scheme}:"),
        }
    }
}

/// The registered redirect URI that `sent` names.
///
/// # Errors
/// [`Mismatch`]; then nothing may be redirected (RFC 6749 §4.1.2.1).
pub fn find(client: &Client, sent: Option<&str>, needed: bool) -> Result<ReturnAddress, Mismatch> {
    let uri = match (sent, client.settings.redirect_uris.as_slice()) {
        (Some(sent), registered) if registered.iter().any(|r| redirect_uri::matches(client.settings.kind, r, sent)) => sent,
        (Some(_), _) => return Err(Mismatch::Unregistered),
        // OAuth 2.1 §2.3.2: may be omitted if only one is registered; OpenID Connect Core 3.1.2.1: never.
        (None, [only]) if !needed => only,
        (None, _) => return Err(Mismatch::Missing),
    };
    Ok(ReturnAddress { uri: uri.to_owned(), state: None, mode: ResponseMode::Query })
}

/// The registered post-logout redirect URI that `sent` names (RP-Initiated Logout §3).
#[must_use]
pub fn find_after_logout(client: &Client, sent: &str, state: Option<&str>) -> Option<ReturnAddress> {
    let is_registered = client
        .settings
        .post_logout_redirect_uris
        .iter()
        .any(|registered| redirect_uri::matches(client.settings.kind, registered, sent));
    is_registered.then(|| ReturnAddress { uri: sent.to_owned(), state: state.map(str::to_owned), mode: ResponseMode::Query })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::oauth::client::{ClientKind, tests::client};

    #[test]
    fn an_absent_uri_is_told_only_where_there_is_no_doubt() {
        let mut client = client(ClientKind::Web);
        client.settings.redirect_uris = vec!["https://a.example/cb".into()];
        assert_eq!(find(&client, None, false).map(|r| r.uri), Ok("https://a.example/cb".into()));
        assert_eq!(find(&client, None, true), Err(Mismatch::Missing));
        client.settings.redirect_uris.push("https://b.example/cb".into());
        assert_eq!(find(&client, None, false), Err(Mismatch::Missing));
        client.settings.redirect_uris.clear();
        assert_eq!(find(&client, None, false), Err(Mismatch::Missing));
    }

    #[test]
    fn a_form_may_lead_to_the_origin_of_the_answer() {
        let at = |uri: &str| ReturnAddress { uri: uri.into(), state: None, mode: ResponseMode::Query };
        assert_eq!(at("https://app.example.com/cb").form_action_source(), "https://app.example.com");
        assert_eq!(at("http://127.0.0.1:5000/cb").form_action_source(), "http://127.0.0.1:5000");
        assert_eq!(at("http://[::1]:5000/cb").form_action_source(), "http:");
        assert_eq!(at("com.example.app:/cb").form_action_source(), "com.example.app:");
        assert_eq!(at("com.example.app:/cb").shown_host(), "com.example.app");
        assert_eq!(at("https://app.example.com:8443/cb").shown_host(), "app.example.com:8443");
    }
}
