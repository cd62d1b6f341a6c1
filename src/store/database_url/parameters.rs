//! The parameters in the query of a PostgreSQL URL. libpq reports one that it does not know as it reports a server that cannot be
//! reached, in words of the system's language; a server that starts would wait for it for ever.

use crate::protocol::error::Invalid;

/// What values a parameter has.
enum Values {
    /// One of these.
    OneOf(&'static [&'static str]),
    /// A number.
    Integer,
    /// Anything.
    Text,
}

use Values::{Integer, OneOf, Text};

const BIT: Values = OneOf(&["0", "1"]);
const TLS_VERSION: Values = OneOf(&["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"]);
const PROTOCOL_VERSION: Values = OneOf(&["3.0", "3.2", "latest"]);
const LEVEL: Values = OneOf(&["disable", "prefer", "require"]);

/// The parameters of libpq 18, but for those of replication, in the order of its documentation.
const KNOWN: [(&str, Values); 50] = [
    ("host", Text),
    ("hostaddr", Text),
    ("port", Text),
    ("dbname", Text),
    ("user", Text),
    ("password", Text),
    ("passfile", Text),
    ("require_auth", Text),
    ("channel_binding", LEVEL),
    ("connect_timeout", Integer),
    ("client_encoding", Text),
    ("options", Text),
    ("application_name", Text),
    ("fallback_application_name", Text),
    ("keepalives", Integer),
    ("keepalives_idle", Integer),
    ("keepalives_interval", Integer),
    ("keepalives_count", Integer),
    ("tcp_user_timeout", Integer),
    ("ssl", OneOf(&["true"])), // of JDBC
    ("sslmode", OneOf(&["disable", "allow", "prefer", "require", "verify-ca", "verify-full"])),
    ("sslnegotiation", OneOf(&["postgres", "direct"])),
    ("sslcompression", BIT),
    ("sslcert", Text),
    ("sslkey", Text),
    ("sslkeylogfile", Text),
    ("sslpassword", Text),
    ("sslcertmode", OneOf(&["disable", "allow", "require"])),
    ("sslrootcert", Text),
    ("sslcrl", Text),
    ("sslcrldir", Text),
    ("sslsni", BIT),
    ("requirepeer", Text),
    ("min_protocol_version", PROTOCOL_VERSION),
    ("max_protocol_version", PROTOCOL_VERSION),
    ("ssl_min_protocol_version", TLS_VERSION),
    ("ssl_max_protocol_version", TLS_VERSION),
    ("gssencmode", LEVEL),
    ("krbsrvname", Text),
    ("gsslib", Text),
    ("gssdelegation", BIT),
    ("scram_client_key", Text),
    ("scram_server_key", Text),
    ("service", Text),
    ("target_session_attrs", OneOf(&["any", "read-write", "read-only", "primary", "standby", "prefer-standby"])),
    ("load_balance_hosts", OneOf(&["disable", "random"])),
    ("oauth_issuer", Text),
    ("oauth_client_id", Text),
    ("oauth_client_secret", Text),
    ("oauth_scope", Text),
];

/// Checks that libpq knows the parameters, and can read their values. `may_quote`: whether a name that is not known may be shown; it
/// may be a part of a password that was cut off at a '?'. Values are never shown.
///
/// # Errors
/// The parameter, and what is expected.
pub(super) fn check(query: &str, may_quote: bool) -> Result<(), Invalid> {
    query.split('&').filter(|_| !query.is_empty()).try_for_each(|pair| check_pair(pair, may_quote))
}

fn check_pair(pair: &str, may_quote: bool) -> Result<(), Invalid> {
    const EXPECTED: &str = "after '?': expected NAME=VALUE, separated by '&', with '=' and '&' in values percent-encoded";
    let (name, value) = pair.split_once('=').filter(|(_, value)| !value.contains('=')).ok_or(EXPECTED)?;
    let Some((name, values)) = KNOWN.iter().find(|(known, _)| *known == name) else {
        let is_name = may_quote && name.len() <= 40 && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        let which = if is_name { format!("parameter '{name}': ") } else { String::new() };
        return Err(format!("{which}expected a connection parameter of PostgreSQL's libpq, such as sslmode, connect_timeout or target_session_attrs, after '?'").into());
    };
    match values {
        OneOf(all) if !all.contains(&value) => Err(format!("parameter {name}: expected one of {}", all.join(", ")).into()),
        Integer if value.parse::<i32>().is_err() => Err(format!("parameter {name}: expected a number").into()),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_libpq_cannot_read_is_named_and_values_are_not_shown() {
        for good in [
            "",
            "sslmode=verify-full&sslrootcert=system",
            "host=%2Frun%2Fpostgresql",
            "options=-c%20search_path%3Dx",
            "connect_timeout=5&target_session_attrs=read-write&application_name=",
            "ssl=true",
            "password=SECRET",
        ] {
            assert_eq!(check(good, true), Ok(()), "{good}");
        }
        for (bad, may_quote, said) in [
            ("sslmod=require", true, "parameter 'sslmod': expected a connection parameter"),
            ("sslmod=require", false, "expected a connection parameter"),
            ("sslmode=SECRET", true, "parameter sslmode: expected one of disable, allow"),
            ("connect_timeout=SECRET", true, "parameter connect_timeout: expected a number"),
            ("target_session_attrs=primary,SECRET", true, "parameter target_session_attrs: expected one of any"),
            ("ssl_min_protocol_version=SECRET", true, "expected one of TLSv1, TLSv1.1"),
            ("sslmode", true, "expected NAME=VALUE"),
            ("sslmode=require&", true, "expected NAME=VALUE"),
            ("options=-c SECRET=x", true, "expected NAME=VALUE"),
            ("SECRET-x=1", true, "expected a connection parameter"),
        ] {
            let refused = check(bad, may_quote).unwrap_err();
            assert!(refused.as_ref().contains(said) && !refused.as_ref().contains("SECRET"), "{bad}: {refused}");
            assert!(may_quote || !refused.as_ref().contains("sslmod'"), "{refused}");
        }
    }
}
