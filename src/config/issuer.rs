//! The issuer identifier (RFC 8414 §2): its syntax, and the URLs built from it. It is compared byte for byte everywhere, so it is
//! kept as written.

use sha2::{Digest, Sha256};
use url::Url;

use crate::protocol::error::Invalid;

/// The issuer identifier of this server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issuer {
    text: String,
    origin: String,
    cookie_suffix: String,
}

impl Issuer {
    /// Parses an issuer.
    ///
    /// # Errors
    /// The expected form: https (http on loopback), no query, fragment or trailing slash.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let url = Url::parse(text).map_err(|_| "expected a URL such as https://id.example.com")?;
        let loopback = match url.host() {
            Some(url::Host::Domain(host)) => host == "localhost",
            Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
            Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
            None => return Err("expected a URL with a host".into()),
        };
        if url.scheme() != "https" && !(url.scheme() == "http" && loopback) {
            return Err("expected https; plain http is for loopback addresses only".into());
        }
        if text.contains(['?', '#', '@']) {
            return Err("expected no query, fragment or user name (RFC 8414 2)".into());
        }
        if text.ends_with('/') {
            return Err("expected no trailing slash".into());
        }
        let origin = url.origin().ascii_serialization();
        let plain_path =
            url.path().bytes().all(|b| b.is_ascii_alphanumeric() || b"/-._~".contains(&b)) && !url.path().contains("//");
        let rebuilt = format!("{origin}{}", if url.path() == "/" { "" } else { url.path() });
        if rebuilt != text || !plain_path {
            return Err(format!("expected it as clients will compare it, byte for byte, such as {rebuilt}").into());
        }
        // Browsers tell hosts apart, but neither ports nor, for the cookies we set, paths.
        let shares_host = url.port().is_some() || url.path() != "/";
        let suffix = if shares_host { Self::suffix(&rebuilt) } else { String::new() };
        Ok(Self { text: rebuilt, origin, cookie_suffix: suffix })
    }

    fn suffix(text: &str) -> String {
        let hash = Sha256::digest(text);
        hash.iter().take(5).map(|byte| format!("{byte:02x}")).fold("_".to_owned(), |suffix, digits| suffix + &digits)
    }

    /// What the names of its cookies end in: nothing if it alone has the host.
    #[must_use]
    pub fn cookie_suffix(&self) -> &str {
        &self.cookie_suffix
    }

    /// The issuer as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Its scheme, host and port.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Its host, as users know it.
    #[must_use]
    pub fn host(&self) -> &str {
        self.origin.split_once("://").map_or("", |(_, host)| host)
    }

    /// Its path, empty where it has none: every path of the server is below it.
    #[must_use]
    pub fn base(&self) -> &str {
        self.text.strip_prefix(&self.origin).unwrap_or_default()
    }

    /// The URL of a path of the server.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.text)
    }

    /// Whether clients reach it by TLS.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.text.starts_with("https:")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn issuers_are_kept_as_written_or_refused() {
        for good in [
            "https://id.example.com",
            "https://id.example.com:8443/auth",
            "http://localhost:8080",
            "http://127.0.0.1:1",
            "http://[::1]:8080",
        ] {
            assert_eq!(Issuer::parse(good).map(|i| i.text), Ok(good.to_owned()));
        }
        for bad in [
            "",
            "id.example.com",
            "http://id.example.com",
            "https://id.example.com/",
            "https://id.example.com/a/",
            "https://id.example.com?x",
            "https://id.example.com#x",
            "https://u@id.example.com",
            "https://ID.example.com",
            "https://id.example.com:443",
            "https://id.example.com/a//b",
            "https://id.example.com/a b",
            "ftp://localhost",
        ] {
            assert!(Issuer::parse(bad).is_err(), "{bad}");
        }
        let issuer = Issuer::parse("https://id.example.com/auth").unwrap();
        assert_eq!((issuer.base(), issuer.origin()), ("/auth", "https://id.example.com"));
        assert_eq!(issuer.url("/token"), "https://id.example.com/auth/token");
    }
}
