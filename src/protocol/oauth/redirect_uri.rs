//! Redirect URIs: which may be registered (RFC 9700 §2.6, RFC 8252 §7, RFC 7591 §5), and when one that was sent is a
//! registered one (RFC 9700 §4.1.3: byte for byte; RFC 8252 §7.3: any port on a loopback IP for native apps).

use url::Url;

use super::client_values::ClientKind;
use crate::protocol::error::Invalid;

/// Response parameters forbidden in a registered URI's query: they would be taken for ours.
const RESERVED: [&str; 10] =
    ["code", "state", "iss", "error", "error_description", "error_uri", "id_token", "access_token", "token_type", "response"];

/// Whether the URI that was sent is this registered one.
#[must_use]
pub fn matches(kind: ClientKind, registered: &str, sent: &str) -> bool {
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
