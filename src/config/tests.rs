//! Tests: which configurations are refused, and that every key is documented.

use super::{
    values::{ClaimLists, Duration, List},
    *,
};

const SECRET: &str = "a secret of at least thirty-two bytes";

fn check(change: impl FnOnce(&mut Settings)) -> Result<Config, String> {
    let mut settings = Settings::default();
    change(&mut settings);
    Config::check(settings, Some(SECRET.into()), MissingSecret::Leave).map_err(|error| error.to_string())
}

fn parse(toml: &str) -> Result<Settings, String> {
    sources::tests::read(toml, &[])
}

#[test]
fn the_defaults_are_good() {
    let config = check(|_| ()).unwrap();
    assert_eq!(config.issuer.as_str(), "http://localhost:8080");
    assert_eq!(config.database.to_string(), "sqlite:symbolon-data/symbolon.db");
    assert!(!format!("{config:?}").contains("thirty-two"), "the secret is not in Debug");
}

#[test]
fn the_longest_wait_for_the_database_is_documented() {
    let config = check(|_| ()).unwrap();
    let longest = (config.database_pool_timeout + config.blocking_timeout).as_secs();
    let documented = format!(
        "answered 503 after `database_pool_timeout` and {} seconds, {longest} together",
        config.blocking_timeout.as_secs()
    );
    let page = include_str!("../../docs/operations.md").replace('\n', " ");
    assert!(page.contains(&documented), "docs/operations.md: {documented}");
}

#[test]
fn nonsense_is_refused_with_key_value_and_expectation() {
    for (toml, key, words) in [
        ("isuer = 'x'", "isuer", "issuer"),
        ("database_pool_size = 'many'", "database_pool_size", "whole number"),
        ("access_token_lifetime = 600", "access_token_lifetime", "10m"),
        ("access_token_lifetime = 'soon'", "access_token_lifetime", "soon"),
        ("mail = 'pigeon'", "mail", "pigeon"),
        ("smtp_security = 'ssl'", "smtp_security", "starttls"),
        ("smtp_port = 70000", "smtp_port", "65535"),
        ("smtp_password = 'x'", "smtp_password", "no place in this file"),
        ("log_format = 'xml'", "log_format", "xml"),
        ("trusted_proxies = 1", "trusted_proxies", "list"),
        ("revoke_offline_access_on_logout = 'maybe'", "revoke_offline_access_on_logout", "maybe"),
        ("scope_claims = 1", "scope_claims", "table"),
        ("scope_claims = 'employee number'", "scope_claims", "employee: number"),
        ("scope_claims = 'a: b; a: c'", "scope_claims", "twice"),
        ("[scope_claims]\nemployee = 'number'", "scope_claims.employee", "list"),
    ] {
        let error = parse(toml).unwrap_err();
        assert!(error.contains(key) && error.contains(words), "{toml}: {error}");
    }
    let error = parse("database_url = \"postgres://u:topsecret@h/db").unwrap_err();
    assert!(error.contains("line 1") && !error.contains("topsecret"), "{error}");
    let refused = |change: fn(&mut Settings)| check(change).unwrap_err();
    for (error, key) in [
        (refused(|s| s.issuer = "http://id.example.com".into()), "issuer"),
        (refused(|s| s.database_url = Some("mysql://x".into())), "database_url"),
        (refused(|s| s.listen = "0.0.0.0:80".into()), "listen"),
        (refused(|s| s.listen = "nonsense".into()), "listen: expected host:port"),
        (refused(|s| s.listen = "localhost:http".into()), "listen: expected host:port"),
        (refused(|s| s.listen = ":8080".into()), "listen: expected host:port"),
        (refused(|s| s.listen = "no-such-host.invalid:8080".into()), "listen: expected a host that can be resolved"),
        (refused(|s| s.metrics_listen = Some("9090".into())), "metrics_listen: expected host:port"),
        (refused(|s| s.max_connections = 1), "max_connections"),
        (
            refused(|s| s.signing_key_activation_delay = Duration::seconds(1199)),
            "signing_key_activation_delay: expected 20m to 30days",
        ),
        (refused(|s| s.max_connections_per_address = Some(0)), "max_connections_per_address"),
        (refused(|s| s.tls_cert_file = Some("x".into())), "tls_cert_file"),
        (refused(|s| s.trusted_proxies = List(vec!["proxy".into()])), "trusted_proxies"),
        (refused(|s| s.cors_origins = List(vec!["*".into()])), "cors_origins"),
        (refused(|s| s.outbound_allowlist = List(vec!["intranet".into()])), "outbound_allowlist"),
        (refused(|s| s.outbound_ca_file = Some("Cargo.toml".into())), "outbound_ca_file"),
        (refused(|s| s.scope_claims = ClaimLists([("profile".into(), vec!["x".into()])].into())), "scope_claims"),
        (refused(|s| s.database_pool_size = 0), "database_pool_size"),
        (refused(|s| s.authorization_code_lifetime = Duration::seconds(601)), "authorization_code_lifetime"),
        (refused(|s| s.access_token_lifetime = Duration::seconds(0)), "access_token_lifetime"),
        (refused(|s| s.password_hash_memory_kib = 1), "password_hash_memory_kib"),
    ] {
        assert!(error.contains(key) && error.contains("expected"), "{error}");
    }
    let error = Config::check(Settings::default(), Some("short".into()), MissingSecret::Leave).unwrap_err().to_string();
    assert!(error.contains("at least 32") && !error.contains("short"), "{error}");
}

#[test]
fn plain_http_leaves_the_machine_only_behind_a_proxy_or_with_tls() {
    assert!(
        check(|s| {
            s.listen = "0.0.0.0:80".into();
            s.trusted_proxies = List(vec!["10.0.0.0/8".into()]);
        })
        .is_ok()
    );
    assert!(
        check(|s| {
            s.listen = "[::]:443".into();
            s.tls_cert_file = Some("c".into());
            s.tls_key_file = Some("k".into());
        })
        .is_ok()
    );
}

#[test]
fn monitoring_has_an_address_of_its_own() {
    let error = check(|s| s.metrics_listen = Some(s.listen.clone())).unwrap_err();
    assert!(error.starts_with("metrics_listen: expected another address"), "{error}");
}

#[test]
fn a_log_filter_that_would_silence_everything_is_refused() {
    for bad in ["warning", "info,symbolon=loud", "foo=bar=baz", "info,debugging"] {
        let error = check(|s| s.log = bad.into()).unwrap_err();
        assert!(error.starts_with("log: expected levels") && error.contains(bad), "{error}");
    }
    for good in [
        "info",
        "",
        "WARN",
        "off",
        "info,symbolon::mail=debug",
        "3",
        "symbolon=trace",
        "symbolon[request]=debug",
        "[request{id}]=debug",
    ] {
        assert!(check(|s| s.log = good.into()).is_ok(), "{good}");
    }
}

#[test]
fn scopes_of_ones_own_are_a_table_or_one_text() {
    for (toml, employee) in [
        ("[scope_claims]\nemployee = ['number', 'department']\n'team:read' = ['https://example.com/team']", "number department"),
        ("scope_claims = ' employee: number,  department ;team:read: https://example.com/team;'", "number department"),
    ] {
        let settings = parse(toml).unwrap();
        let config = Config::check(settings, Some(SECRET.into()), MissingSecret::Leave).unwrap();
        assert_eq!(config.scope_claims.scopes().collect::<Vec<_>>(), ["employee", "team:read"], "{toml}");
        assert_eq!(config.scope_claims.opened_by("employee").join(" "), employee, "{toml}");
        assert_eq!(config.scope_claims.scope_of("https://example.com/team"), Some("team:read"), "{toml}");
    }
    assert_eq!(check(|_| ()).unwrap().scope_claims.scopes().count(), 0);
}

#[test]
fn a_file_of_root_certificates_holds_at_least_one() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let read = |text: &str| {
        std::fs::write(file.path(), text).unwrap();
        check(|s| s.outbound_ca_file = Some(file.path().into()))
    };
    for (text, words) in [
        ("", "received none"),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "root certificates"),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n", "in PEM"),
    ] {
        let error = read(text).unwrap_err();
        assert!(error.contains("outbound_ca_file") && error.contains(words), "{text}: {error}");
    }
    let absent = check(|s| s.outbound_ca_file = Some("absent.pem".into())).unwrap_err();
    assert!(absent.contains("outbound_ca_file") && absent.contains("absent.pem"), "{absent}");
    let settings = OutboundSettings { ca_pem: Some(b"-----BEGIN PRIVATE KEY-----".to_vec()), ..OutboundSettings::default() };
    assert!(format!("{settings:?}").contains("27 bytes"), "{settings:?}");
}

#[test]
fn every_key_is_documented_with_its_default() {
    let documentation = include_str!("../../docs/configuration.md");
    let defaults = serde_json::to_value(Settings::default()).unwrap();
    for (key, default) in defaults.as_object().unwrap() {
        let line = documentation
            .lines()
            .find(|line| line.starts_with(&format!("| `{key}` |")))
            .unwrap_or_else(|| panic!("{key} is not documented"));
        assert!(line.contains(&format!("`SYMBOLON_{}`", key.to_uppercase())), "{line}");
        if let Some(text) = default.as_str() {
            assert!(line.contains(&format!("`{text}`")), "{key}: the default {text} is not in: {line}");
        } else if default.is_number() || default.is_boolean() {
            assert!(line.contains(&format!("`{default}`")), "{key}: the default {default} is not in: {line}");
        }
    }
}

#[test]
fn passkeys_are_for_origins_and_models_as_they_are_written() {
    for origin in ["https://www.example.org", "https://www.example.org:8443", "http://localhost:3000"] {
        let found = check(|settings| settings.passkey_related_origins = List(vec![origin.into()])).unwrap();
        assert_eq!(found.passkeys.related_origins, [origin]);
    }
    for origin in [
        "https://www.example.org/",
        "http://www.example.org",
        "https://WWW.example.org",
        "https://192.0.2.1",
        "*.example.org",
        "",
    ] {
        let error = check(|settings| settings.passkey_related_origins = List(vec![origin.into()])).unwrap_err();
        assert!(error.starts_with("passkey_related_origins: "), "{origin}: {error}");
    }
    let with = |models: &[&str], file: Option<&str>| {
        check(|settings| {
            settings.hardware_passkey_models = List(models.iter().map(|model| (*model).to_owned()).collect());
            settings.hardware_passkey_ca_file = file.map(Into::into);
        })
    };
    let model = "CB69481E-8FF7-4039-93EC-0A2729A154A8";
    assert!(with(&[], None).unwrap().passkeys.hardware.is_none());
    for (models, file, key) in [
        (&["yubikey"][..], Some("Cargo.toml"), "hardware_passkey_models: "),
        (&[model], None, "hardware_passkey_models: "),
        (&[], Some("Cargo.toml"), "hardware_passkey_ca_file: "),
        (&[model], Some("Cargo.toml"), "hardware_passkey_ca_file: "),
        (&[model], Some("no-such-file.pem"), "hardware_passkey_ca_file: "),
    ] {
        let error = with(models, file).unwrap_err();
        assert!(error.starts_with(key), "{models:?} {file:?}: {error}");
    }
}

#[test]
fn keys_that_need_others_are_refused_without_them() {
    let refused = |change: fn(&mut Settings)| check(change).unwrap_err();
    assert!(refused(|settings| settings.registration = Registration::Open).starts_with("registration: "));
    assert!(refused(|settings| settings.geo_header = Some("CF-IPCountry".into())).starts_with("geo_header: "));
    assert!(
        refused(|settings| settings.history_retention = Duration::seconds(86_400)).starts_with("refresh_history_retention: ")
    );
}
