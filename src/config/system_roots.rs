//! `sslrootcert=system` in a PostgreSQL URL: the system's certificates of public authorities. libpq relies on OpenSSL to find them,
//! and the OpenSSL inside this binary knows the location of no distribution; so libpq is given the first usual location that
//! exists. Where `SSL_CERT_FILE` or `SSL_CERT_DIR` is set, nothing is changed.

use std::path::PathBuf;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::protocol::error::Invalid;

const KEPT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'.').remove(b'-').remove(b'_');

/// The URL for libpq.
///
/// # Errors
/// Where no certificates are found.
pub fn placed(url: &str) -> Result<String, Invalid> {
    if cfg!(not(feature = "bundled")) {
        return Ok(url.to_owned()); // the system's OpenSSL knows the location
    }
    placed_in(url, |name| std::env::var(name).ok(), || openssl_probe::probe().cert_file)
}

fn placed_in(
    url: &str,
    variable: impl Fn(&str) -> Option<String>,
    find: impl FnOnce() -> Option<PathBuf>,
) -> Result<String, Invalid> {
    let (base, query) = url.split_once('?').unwrap_or((url, ""));
    // libpq takes the last of repeated parameters.
    let value = |name| query.rsplit('&').filter_map(|one| one.split_once('=')).find(|(key, _)| *key == name);
    let value = |name| value(name).map(|(_, value)| value.to_owned());
    let roots = value("sslrootcert").or_else(|| variable("PGSSLROOTCERT"));
    let mode = value("sslmode").or_else(|| variable("PGSSLMODE"));
    let is_postgres = base.starts_with("postgres://") || base.starts_with("postgresql://");
    let is_known = |name| variable(name).is_some_and(|place| !place.is_empty());
    // With a weaker mode libpq refuses `system`, and says why: left unchanged.
    let is_meant = roots.as_deref() == Some("system") && mode.as_deref().is_none_or(|mode| mode == "verify-full");
    if !is_postgres || !is_meant || is_known("SSL_CERT_FILE") || is_known("SSL_CERT_DIR") {
        return Ok(url.to_owned());
    }
    let file = find().ok_or(
        "sslrootcert=system: expected a file of root certificates in a usual place, found none; install them (Debian: apt-get install ca-certificates), or write sslrootcert=FILE",
    )?;
    let file = file.to_string_lossy();
    let kept = query.split('&').filter(|one| !one.is_empty() && !one.starts_with("sslrootcert=")).map(str::to_owned);
    let mut all: Vec<String> = kept.collect();
    all.push(format!("sslrootcert={}", utf8_percent_encode(&file, KEPT)));
    if mode.is_none() {
        all.push("sslmode=verify-full".to_owned()); // libpq's default with `system`
    }
    Ok(format!("{base}?{}", all.join("&")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(url: &str, variables: &[(&str, &str)]) -> String {
        let variable = |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        placed_in(url, variable, || Some("/etc/ssl/all certs.crt".into())).unwrap()
    }

    #[test]
    fn the_systems_certificates_are_named_with_their_place() {
        const PLACE: &str = "sslrootcert=/etc/ssl/all%20certs.crt";
        for (url, expected) in [
            (
                "postgres://u:p@h/d?sslmode=verify-full&sslrootcert=system",
                format!("postgres://u:p@h/d?sslmode=verify-full&{PLACE}"),
            ),
            ("postgresql://a:1,b:2/d?sslrootcert=system", format!("postgresql://a:1,b:2/d?{PLACE}&sslmode=verify-full")),
            ("postgres:///d?sslrootcert=x&sslrootcert=system", format!("postgres:///d?{PLACE}&sslmode=verify-full")),
        ] {
            assert_eq!(place(url, &[]), expected);
        }
        let by_variables = place("postgres://h/d", &[("PGSSLROOTCERT", "system"), ("PGSSLMODE", "verify-full")]);
        assert_eq!(by_variables, format!("postgres://h/d?{PLACE}"));
    }

    #[test]
    fn everything_else_stays_as_it_is() {
        for url in [
            "postgres://u:p@h/d",
            "postgres://u:p@h/d?sslmode=verify-full&sslrootcert=/my/ca.pem",
            "postgres://u:p@h/d?sslrootcert=system&sslmode=require",
            "sqlite:system?sslrootcert=system",
        ] {
            assert_eq!(place(url, &[]), url);
        }
        let url = "postgres://h/d?sslrootcert=system";
        for variables in [("SSL_CERT_FILE", "/x"), ("SSL_CERT_DIR", "/y"), ("PGSSLMODE", "prefer")] {
            assert_eq!(place(url, &[variables]), url, "{variables:?}");
        }
        assert_eq!(place("postgres://h/d?sslrootcert=/z", &[("PGSSLROOTCERT", "system")]), "postgres://h/d?sslrootcert=/z");
    }

    #[test]
    fn where_there_are_none_it_says_so() {
        let refused = placed_in("postgres://u:secret@h/d?sslrootcert=system", |_| None, || None).unwrap_err();
        assert!(refused.as_ref().contains("ca-certificates") && !refused.as_ref().contains("secret"), "{refused}");
    }
}
