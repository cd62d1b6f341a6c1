//! Redirect URIs: which may be registered (RFC 9700 §2.6, RFC 8252 §7, RFC 7591 §5), and when one that was sent is a
//! registered one (RFC 9700 §4.1.3: byte for byte; any port on the loopback interface for native apps, RFC 8252 §7.3).

use std::borrow::Cow;

use url::Url;

use super::client_values::ClientKind;
use crate::protocol::error::Invalid;

/// Response parameters forbidden in a registered URI's query: they would be taken for ours.
const RESERVED: [&str; 10] =
    ["code", "state", "iss", "error", "error_description", "error_uri", "id_token", "access_token", "token_type", "response"];

/// The loopback hosts, as they are written. RFC 8252 §8.3: each is matched only as it is registered, `localhost` with no IP address.
pub const LOOPBACK: [&str; 3] = ["127.0.0.1", "[::1]", "localhost"];

/// Whether the URI that was sent is this registered one.
#[must_use]
pub fn matches(kind: ClientKind, registered: &str, sent: &str) -> bool {
    registered == sent || as_compared(kind, registered) == as_compared(kind, sent)
}

/// A URI in the form in which it is compared: as it is, but on the loopback interface without the port of a native app, which the
/// system chooses (RFC 9700 §4.1.3), and with the empty path as `/`, which is the same request (RFC 3986 §6.2.3). As text, not by a
/// URL parser: parsers differ in what they take for the host.
#[must_use]
pub fn as_compared(kind: ClientKind, uri: &str) -> Cow<'_, str> {
    let Some((host, port, rest)) = split_loopback(uri) else { return uri.into() };
    let port = if kind == ClientKind::Native { "" } else { port };
    let slash = if rest.starts_with('/') { "" } else { "/" };
    format!("http://{host}{port}{slash}{rest}").into()
}

/// Splits `http://HOST[:PORT]REST` with a loopback host; the port keeps its colon.
fn split_loopback(uri: &str) -> Option<(&str, &str, &str)> {
    let after = uri.strip_prefix("http://")?;
    LOOPBACK.into_iter().find_map(|host| {
        let rest = after.strip_prefix(host)?;
        let length = rest.strip_prefix(':').map_or(0, |port| 1 + port.bytes().take_while(u8::is_ascii_digit).count());
        let (port, rest) = rest.split_at(length);
        let is_port = port.is_empty() || port.trim_start_matches(':').parse::<u16>().is_ok_and(|port| port > 0);
        (is_port && (rest.is_empty() || rest.starts_with(['/', '?']))).then_some((host, port, rest))
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
    if url.port() == Some(0) {
        return refuse("expected a port from 1 to 65535, or none: nothing can listen on port 0");
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
