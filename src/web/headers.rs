//! Response headers: security headers for browsers (ASVS 3.4, RFC 9700 §4.16) and caching per kind of response.

use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};

use crate::config::Hsts;

/// Cross-Origin-Opener-Policy.
const COOP: HeaderName = HeaderName::from_static("cross-origin-opener-policy");

/// Headers of every response.
pub fn common(headers: &mut HeaderMap, hsts: Hsts) {
    set(headers, header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(headers, header::REFERRER_POLICY, "no-referrer");
    match hsts {
        // One year, as ASVS 3.4.1 asks.
        Hsts::WithSubdomains => set(headers, header::STRICT_TRANSPORT_SECURITY, "max-age=31536000; includeSubDomains"),
        Hsts::HostAlone => set(headers, header::STRICT_TRANSPORT_SECURITY, "max-age=31536000"),
        Hsts::Off => {}
    }
    if !headers.contains_key(header::CACHE_CONTROL) {
        set(headers, header::CACHE_CONTROL, "no-store"); // RFC 6749 §5.1
        set(headers, header::PRAGMA, "no-cache"); // the same for caches of HTTP/1.0, required there
    }
}

/// Headers of every page. `form_target` is where a form may lead in the end besides this server: Chromium applies `form-action` to
/// redirects after a POST as well, so it must include the client's address, and any https address, for clients that redirect
/// further. `asks` is whether its script requests data of this server.
#[must_use]
pub fn page(form_target: Option<&str>, asks: bool) -> Vec<(HeaderName, HeaderValue)> {
    let targets = form_target.map(|target| format!(" https: {target}")).unwrap_or_default();
    let connect = if asks { " connect-src 'self';" } else { "" };
    let policy = format!(
        "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self';{connect} form-action 'self'{targets}; frame-ancestors 'none'; base-uri 'none'"
    );
    let mut headers =
        vec![(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")), (COOP, HeaderValue::from_static("same-origin"))];
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.push((header::CONTENT_SECURITY_POLICY, policy));
    }
    headers
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: &'static str) {
    headers.insert(name, HeaderValue::from_static(value));
}
