//! Redirect URIs: which may be registered (RFC 9700 §2.6, RFC 8252 §7, RFC 7591 §5), and which registered one a request names
//! (RFC 9700 §4.1.3: byte for byte; RFC 8252 §7.3: any port on a loopback IP for native apps). Only a match constructs a
//! `ReturnAddress`, and every redirect requires one: an open redirect cannot be written.

use url::Url;

use super::{
    client::{Client, ClientKind},
    error::Invalid,
    response_mode::ResponseMode,
};

/// Response parameters forbidden in a registered URI's query: they would be taken for ours.
const RESERVED: [&str; 10] =
    ["code", "state", "iss", "error", "error_description", "error_uri", "id_token", "access_token", "token_type", "response"];

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
    let uri = match (sent, client.redirect_uris.as_slice()) {
        (Some(sent), registered) if registered.iter().any(|r| matches(client.kind, r, sent)) => sent,
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
    let is_registered = client.post_logout_redirect_uris.iter().any(|registered| matches(client.kind, registered, sent));
    is_registered.then(|| ReturnAddress { uri: sent.to_owned(), state: state.map(str::to_owned), mode: ResponseMode::Query })
}

fn matches(kind: ClientKind, registered: &str, sent: &str) -> bool {
    registered == sent
        || kind == ClientKind::Native
            && matches!((split_loopback(registered), split_loopback(sent)), (Some(r), Some(s)) if r == s)
}

/// Splits `http://127.0.0.1[:port]rest` or `http://[::1][:port]rest` into host and rest. As text, not by a URL parser: parsers
/// differ in what they take for the host.
fn split_loopback(uri: &str) -> Option<(&str, &str)> {
    ["http://127.0.0.1", "http://[::1]"].into_iter().find_map(|host| {
        let rest = uri.strip_prefix(host)?;
        let rest = match rest.strip_prefix(':') {
            None => rest,
            Some(rest) => {
                let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
                let (port, rest) = rest.split_at(digits);
                port.parse::<u16>().ok().filter(|port| *port > 0)?;
                rest
            }
        };
        (rest.is_empty() || rest.starts_with(['/', '?'])).then_some((host, rest))
    })
}

/// Validates a redirect URI for registration.
///
/// # Errors
/// The mistake and the expected value.
pub fn check_registration(kind: ClientKind, uri: &str) -> Result<(), Invalid> {
    let refuse = |expected: &str| Err(format!("redirect URI '{uri}': {expected}").into());
    if uri.len() > 1000 {
        return refuse("expected at most 1000 characters");
    }
    if !uri.bytes().all(|b| matches!(b, 0x21..=0x7e)) || uri.contains(['\\', '<', '>', '"', '`', '{', '}', '|', '^', ' ']) {
        return refuse("expected printable ASCII without spaces, quotes or backslashes (percent-encode them)");
    }
    let Ok(url) = Url::parse(uri) else { return refuse("expected an absolute URI, with a scheme") };
    if uri.contains('#') {
        return refuse("expected no fragment (RFC 6749 3.1.2)");
    }
    if uri.contains('*') {
        return refuse("expected no wildcard: redirect URIs are matched exactly (RFC 9700 2.1)");
    }
    let authority = uri.split_once("://").map(|(_, rest)| rest.split(['/', '?']).next().unwrap_or_default());
    if authority.is_some_and(|authority| authority.contains('@')) {
        return refuse("expected no user name or password");
    }
    let path = uri.split('?').next().unwrap_or_default().to_ascii_lowercase().replace("%2e", ".");
    if path.split('/').any(|segment| matches!(segment, "." | "..")) {
        return refuse("expected no dot segments");
    }
    if matches!(url.scheme(), "http" | "https") && authority.is_none_or(str::is_empty) {
        return refuse("expected a host after '://'");
    }
    if let Some((name, _)) = url.query_pairs().find(|(name, _)| RESERVED.contains(&name.as_ref())) {
        return refuse(&format!("expected no '{name}' in the query: it is a parameter of the response"));
    }
    match url.scheme() {
        "https" if url.host_str().is_some_and(|host| !host.is_empty()) => Ok(()),
        "http" if is_loopback(&url) => Ok(()),
        "http" => refuse("expected https; plain http is for loopback addresses only (RFC 9700 2.6)"),
        "javascript" | "data" | "file" | "vbscript" | "blob" | "about" | "https" => {
            refuse("expected https, loopback http or a private-use scheme")
        }
        _ if kind != ClientKind::Native => refuse("expected https; private-use schemes are for native apps (RFC 8252 7.1)"),
        scheme if !scheme.contains('.') => {
            refuse("expected a private-use scheme based on a reversed domain name, such as com.example.app (RFC 8252 7.1)")
        }
        _ => Ok(()),
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        // RFC 8252 §8.3: not recommended, but common in development; never equal to an IP.
        Some(url::Host::Domain(host)) => host == "localhost",
        None => false,
    }
}

/// The web origin of a redirect URI, for CORS; private-use schemes have none.
#[must_use]
pub fn origin(uri: &str) -> Option<String> {
    let url = Url::parse(uri).ok()?;
    matches!(url.scheme(), "http" | "https").then(|| url.origin().ascii_serialization())
}

/// Whether a response to this URI reaches a client of assured identity: a web origin over TLS. A private-use scheme or a loopback
/// port can be claimed by another app on the device (RFC 8252 §8.6).
#[must_use]
pub fn is_assured(uri: &str) -> bool {
    uri.starts_with("https://")
}

#[cfg(test)]
#[path = "redirect_uri_tests.rs"]
mod tests;
