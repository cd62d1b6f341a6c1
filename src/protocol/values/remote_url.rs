//! URLs registered by a client and called by this server: its keys (RFC 7591 §2, `jwks_uri`) and its back-channel logout URI. Only
//! their form is validated here; their target is checked by `outbound`, at each call.

use url::Url;

use crate::protocol::error::Invalid;

/// Validates a URL for registration.
///
/// # Errors
/// The mistake and the expected value, with the name of the setting.
pub fn check(setting: &str, text: &str) -> Result<(), Invalid> {
    let refuse = |expected: &str| Err(format!("{setting} '{text}': {expected}").into());
    if text.len() > 1000 || !text.bytes().all(|b| matches!(b, 0x21..=0x7e)) {
        return refuse("expected at most 1000 printable ASCII characters without spaces");
    }
    let Ok(url) = Url::parse(text) else { return refuse("expected an absolute URL") };
    if text.contains('#') {
        return refuse("expected no fragment");
    }
    if !url.username().is_empty() || url.password().is_some() || text.contains('@') {
        return refuse("expected no user name, password or '@'");
    }
    match url.scheme() {
        "https" if url.host().is_some() => Ok(()),
        "http" if is_loopback(&url) => Ok(()),
        _ => refuse("expected https; plain http is for loopback addresses only"),
    }
}

/// Whether the host is this machine: `localhost`, `127.0.0.1` or `[::1]`.
#[must_use]
pub fn is_loopback(url: &Url) -> bool {
    matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"))
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn https_or_loopback_and_nothing_hidden() {
        for good in ["https://app.example.com/jwks.json?x=1", "http://localhost:8080/x", "http://127.0.0.1/x", "http://[::1]:1/x"]
        {
            assert_eq!(check("jwks_uri", good), Ok(()), "{good}");
        }
        for bad in [
            "",
            "app.example.com",
            "http://app.example.com/",
            "ftp://a.example/",
            "file:///etc/passwd",
            "https://u:p@a.example/",
            "https://u@a.example/",
            "https://a.example/#f",
            "https://a.example/a b",
            "https://",
            "http://localhost.evil.example/",
            "http://127.0.0.2/",
        ] {
            assert!(check("jwks_uri", bad).unwrap_err().as_ref().starts_with("jwks_uri"), "{bad}");
        }
    }
}
