//! Web origins that may read responses by CORS (RFC 6454 §6.1): those of web pages, and those under which apps built with web
//! technology run.

use crate::protocol::error::Invalid;

use super::redirect_uri;

/// Schemes under which a browser extension or an app's web view has an origin of its own.
const APP_SCHEMES: [&str; 6] = ["app", "capacitor", "chrome-extension", "ionic", "moz-extension", "tauri"];

/// Validates an origin: scheme, host and port, nothing else.
///
/// # Errors
/// The mistake and the expected value.
pub fn check_origin(origin: &str) -> Result<(), Invalid> {
    let is_good = match origin.split_once("://") {
        Some((scheme, host)) if APP_SCHEMES.contains(&scheme) => is_host(host),
        _ => redirect_uri::origin(origin).as_deref() == Some(origin) && !origin.contains('*'),
    };
    if is_good {
        return Ok(());
    }
    let expected = format!("http, https or one of {}", APP_SCHEMES.join(", "));
    Err(format!(
        "CORS origin '{origin}': expected scheme://host[:port] in the form that browsers send, with the scheme {expected}"
    )
    .into())
}

/// Whether it is a host as it stands in the origin of an app: `localhost`, a name, or an extension's id.
fn is_host(host: &str) -> bool {
    let is_label = |label: &str| {
        let is_good = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        !label.is_empty() && label.bytes().all(is_good)
    };
    host.len() <= 253 && host.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_those_that_browsers_send() {
        for good in [
            "https://app.example.com",
            "https://app.example.com:8443",
            "http://127.0.0.1:8081",
            "http://[::1]:8081",
            "capacitor://localhost",
            "ionic://localhost",
            "tauri://localhost",
            "app://obsidian.md",
            "chrome-extension://abcdefghijklmnopabcdefghijklmnop",
            "moz-extension://5b1ab4b2-26ef-4a0f-8f4b-9a1ed4f0b0c2",
        ] {
            assert_eq!(check_origin(good), Ok(()), "{good}");
        }
        for bad in [
            "",
            "null",
            "*",
            "app.example.com",
            "https://app.example.com/",
            "https://app.example.com:443",
            "https://APP.example.com",
            "https://*.example.com",
            "https://user@app.example.com",
            "capacitor://",
            "capacitor://localhost/",
            "capacitor://LOCALHOST",
            "tauri://*",
            "ftp://example.com",
            "com.example.app://x",
            "javascript://x",
        ] {
            let refused = check_origin(bad).unwrap_err();
            assert!(refused.as_ref().starts_with(&format!("CORS origin '{bad}': expected scheme://host")), "{refused}");
        }
    }
}
