//! Checks of a configuration: invalid networks, plain http where it could be intercepted, numbers and durations out of bounds.

use std::net::{IpAddr, SocketAddr, ToSocketAddrs};

use ipnet::IpNet;
use tracing_subscriber::{EnvFilter, filter::LevelFilter};

use super::{
    ConfigError, MailKind, Registration, Settings, UNIX_PREFIX, bad,
    values::{Duration, List},
};
use crate::protocol::values::time::Span;

/// Addresses and networks; an address counts as a network.
pub fn networks(key: &str, written: &List) -> Result<Vec<IpNet>, ConfigError> {
    let read = |text: &String| {
        let network = text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
        network.map_err(|_| bad(key, text, "expected IP addresses or networks such as 10.0.0.0/8"))
    };
    written.0.iter().map(read).collect()
}

/// RFC 6749 §3.1.2.1, OAuth 2.1 §1.5: plain http only where nobody can intercept it.
pub fn listen(listen: &str, is_tls: bool, is_proxied: bool) -> Result<(), ConfigError> {
    if let Some(path) = listen.strip_prefix(UNIX_PREFIX) {
        return match path {
            "" => Err(bad("listen", listen, "expected a path after unix:, such as unix:/run/symbolon/symbolon.sock")),
            _ if is_tls => {
                Err(bad("listen", listen, "expected host:port with tls_cert_file: a proxy on this machine has the certificate"))
            }
            _ => Ok(()),
        };
    }
    let addresses = addresses("listen", listen)?;
    if !is_tls && !is_proxied && addresses.iter().any(|address| !address.ip().is_loopback()) {
        return Err(bad(
            "listen",
            listen,
            "expected a loopback address, or tls_cert_file and tls_key_file, or trusted_proxies: plain http does not leave the machine",
        ));
    }
    Ok(())
}

/// The addresses of `host:port`.
pub fn addresses(key: &str, listen: &str) -> Result<Vec<SocketAddr>, ConfigError> {
    let is_host_and_port = listen.rsplit_once(':').is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok());
    if !is_host_and_port {
        return Err(bad(key, listen, "expected host:port, such as localhost:8080, or for listen unix: and a path"));
    }
    // Well formed, but this machine cannot resolve the host: a fault of the network, or of /etc/hosts.
    let resolved = listen.to_socket_addrs();
    Ok(resolved
        .map_err(|error| bad(key, listen, &format!("expected a host that can be resolved to an address ({error})")))?
        .collect())
}

/// The name of a header (RFC 9110 §5.1).
pub fn header(key: &str, name: Option<&str>) -> Result<(), ConfigError> {
    let is_good = |name: &str| !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    match name {
        Some(name) if !is_good(name) => Err(bad(key, name, "expected the name of a header, such as CF-IPCountry")),
        _ => Ok(()),
    }
}

/// A log filter. An unknown level would be taken for the name of a module, and silence everything else.
pub fn log(filter: &str) -> Result<(), ConfigError> {
    let expected = "expected levels (off, error, warn, info, debug, trace), for a module as in info,symbolon::mail=debug";
    let is_level = |word: &str| word.parse::<LevelFilter>().is_ok();
    let is_bare = |directive: &str| !directive.contains(['=', '[', ']', ':']); // the fields of spans are in brackets
    if filter.split(',').map(str::trim).any(|directive| !directive.is_empty() && is_bare(directive) && !is_level(directive)) {
        return Err(bad("log", filter, expected));
    }
    EnvFilter::try_new(filter).map_err(|error| bad("log", filter, &format!("{expected} ({error})")))?;
    Ok(())
}

/// Keys that are meaningless without others.
pub fn together(settings: &Settings) -> Result<(), ConfigError> {
    if settings.registration == Registration::Open && settings.mail == MailKind::Off {
        return Err(ConfigError::new(
            "registration",
            "expected mail as well as 'open': accounts are created by links in e-mails",
        ));
    }
    if settings.metrics_listen.as_ref() == Some(&settings.listen) {
        return Err(ConfigError::new("metrics_listen", "expected another address or port than that of listen"));
    }
    if settings.geo_header.is_some() && settings.trusted_proxies.0.is_empty() {
        return Err(ConfigError::new("geo_header", "expected trusted_proxies as well: nobody else is believed"));
    }
    if settings.refresh_history_retention.0 > settings.history_retention.0 {
        return Err(ConfigError::new("refresh_history_retention", "expected at most history_retention"));
    }
    Ok(())
}

pub fn numbers(settings: &Settings) -> Result<(), ConfigError> {
    let within = |key: &str, value: u32, low: u32, high: u32| {
        if (low..=high).contains(&value) {
            Ok(())
        } else {
            Err(bad(key, &value.to_string(), &format!("expected {low} to {high}")))
        }
    };
    within("database_pool_size", settings.database_pool_size, 1, 500)?;
    within("max_connections", settings.max_connections, 16, 1_000_000)?;
    within("max_connections_per_address", settings.max_connections_per_address.unwrap_or(1), 1, 1_000_000)?;
    within("password_min_length", settings.password_min_length, 8, 64)?; // NIST SP 800-63B-4 §3.1.1.2
    within("password_min_length_with_second_factor", settings.password_min_length_with_second_factor, 8, 64)?; // as above
    within(
        "password_hash_memory_kib",
        settings.password_hash_memory_kib,
        8 * settings.password_hash_parallelism.max(1),
        4_194_304,
    )?;
    within("password_hash_iterations", settings.password_hash_iterations, 1, 100)?;
    within("password_hash_parallelism", settings.password_hash_parallelism, 1, 64)?;
    within("password_hash_concurrency", settings.password_hash_concurrency, 1, 256)?;
    let span = |key: &str, value: &Duration, low: u32, high: u32| {
        let [low, high] = [low, high].map(Span::from_seconds);
        if (low..=high).contains(&value.0) {
            Ok(())
        } else {
            Err(bad(key, &value.0.to_string(), &format!("expected {low} to {high}")))
        }
    };
    span("access_token_lifetime", &settings.access_token_lifetime, 1, 86_400)?;
    span("id_token_lifetime", &settings.id_token_lifetime, 1, 86_400)?;
    span("authorization_code_lifetime", &settings.authorization_code_lifetime, 1, 600)?; // RFC 6749 §4.1.2: at most ten minutes
    span("refresh_retry_window", &settings.refresh_retry_window, 0, 300)?;
    span("refresh_idle_lifetime", &settings.refresh_idle_lifetime, 1, 10 * 366 * 86_400)?;
    span("refresh_absolute_lifetime", &settings.refresh_absolute_lifetime, 1, 10 * 366 * 86_400)?;
    span("session_idle_lifetime", &settings.session_idle_lifetime, 60, 366 * 86_400)?;
    span("session_absolute_lifetime", &settings.session_absolute_lifetime, 60, 366 * 86_400)?;
    span("remembered_session_idle_lifetime", &settings.remembered_session_idle_lifetime, 60, 366 * 86_400)?;
    span("remembered_session_absolute_lifetime", &settings.remembered_session_absolute_lifetime, 60, 366 * 86_400)?;
    span("purge_after", &settings.purge_after, 86_400, 10 * 366 * 86_400)?; // no access token is valid for longer than a day
    span("history_retention", &settings.history_retention, 86_400, 10 * 366 * 86_400)?;
    span("refresh_history_retention", &settings.refresh_history_retention, 0, 10 * 366 * 86_400)?;
    // Longer than caches of 15 minutes keep the key set, which are common, and they may have waited for one of ours (5 minutes).
    span("signing_key_activation_delay", &settings.signing_key_activation_delay, 1200, 30 * 86_400)?;
    span("database_pool_timeout", &settings.database_pool_timeout, 1, 60)?;
    span("shutdown_delay", &settings.shutdown_delay, 0, 600)?;
    span("shutdown_timeout", &settings.shutdown_timeout, 1, 600)
}
