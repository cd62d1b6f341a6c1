//! Tests: how a file and variables are combined, and how a refused setting is named.

use std::ffi::OsString;

use super::{super::values::Duration, *};

/// Reads a file with this text, overridden by these variables.
pub fn read(toml: &str, variables: &[(&str, &str)]) -> Result<Settings, String> {
    read_with_warnings(toml, variables).map(|(settings, _)| settings)
}

fn read_with_warnings(toml: &str, variables: &[(&str, &str)]) -> Result<(Settings, Vec<String>), String> {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), toml).unwrap();
    let variables = variables.iter().map(|(name, value)| (OsString::from(name), OsString::from(value)));
    let sources = Environment::of(variables).and_then(|environment| Sources::read(Some(file.path()), environment));
    let anonymous = |text: &str| text.replace(&file.path().display().to_string(), "FILE");
    let read = sources.and_then(|sources| {
        let warnings = sources.warnings.iter().map(|warning| anonymous(warning)).collect();
        Ok((sources.settings()?, warnings))
    });
    read.map_err(|error| anonymous(&error.to_string()))
}

fn variable_alone(name: &str, value: &str) -> Result<Settings, String> {
    read("", &[(name, value)])
}

#[test]
fn a_variable_stands_over_the_file_and_the_file_over_the_default() {
    let file = "database_pool_size = 4\nlisten = 'localhost:1'\ntrusted_proxies = ['10.0.0.1']\nmail = 'console'";
    let settings = read(file, &[("SYMBOLON_LISTEN", "localhost:2"), ("SYMBOLON_TRUSTED_PROXIES", " ::1, 10.0.0.0/8,")]).unwrap();
    assert_eq!(
        (settings.database_pool_size, settings.listen.as_str(), settings.shutdown_timeout),
        (4, "localhost:2", Duration::seconds(30))
    );
    assert_eq!(settings.trusted_proxies.0, ["::1", "10.0.0.0/8"]);
    let array = variable_alone("SYMBOLON_TRUSTED_PROXIES", "[\"::1\", '10.0.0.0/8']").unwrap();
    assert_eq!(array.trusted_proxies.0, ["::1", "10.0.0.0/8"], "as it is written in the file");
    // A value that is overridden by a variable is not checked.
    assert!(read("database_pool_size = 'many'", &[("SYMBOLON_DATABASE_POOL_SIZE", "4")]).is_ok());
    assert_eq!(read("", &[("HOME", "/root"), ("SYMBOLONE_X", "1")]).unwrap().database_pool_size, 8);
}

#[test]
fn a_variable_is_read_as_its_key_asks() {
    for text in ["12345", "true", "1e3", "[x]", "{a}", "\"quoted\"", " a b ", "1979-05-27", "=", "0x10"] {
        assert_eq!(variable_alone("SYMBOLON_SMTP_USERNAME", text).unwrap().smtp_username.as_deref(), Some(text));
        assert_eq!(variable_alone("SYMBOLON_DATA_DIR", text).unwrap().data_dir, Path::new(text), "a path is text as well");
    }
    let settings = read(
        "",
        &[
            ("SYMBOLON_SMTP_PORT", "2525"),
            ("SYMBOLON_REVOKE_OFFLINE_ACCESS_ON_LOGOUT", "true"),
            ("SYMBOLON_AUTHORIZATION_CODE_LIFETIME", "90s"),
            ("SYMBOLON_LOG_FORMAT", "json"),
            ("SYMBOLON_SCOPE_CLAIMS", "employee: number department; team: name"),
        ],
    );
    let settings = settings.unwrap();
    assert!(settings.smtp_port == Some(2525) && settings.revoke_offline_access_on_logout);
    assert_eq!((settings.authorization_code_lifetime, settings.scope_claims.0["employee"].len()), (Duration::seconds(90), 2));
    for (name, value, why) in [
        ("SYMBOLON_DATABASE_POOL_SIZE", "many", "expected a whole number from 0 to 4294967295; received 'many'"),
        ("SYMBOLON_DATABASE_POOL_SIZE", "-1", "expected a whole number from 0 to 4294967295; received '-1'"),
        ("SYMBOLON_SMTP_PORT", "70000", "expected a whole number from 0 to 65535; received 70000"),
        ("SYMBOLON_REVOKE_OFFLINE_ACCESS_ON_LOGOUT", "yes", "expected true or false; received 'yes'"),
        (
            "SYMBOLON_AUTHORIZATION_CODE_LIFETIME",
            "60",
            "expected a duration such as \"30s\", \"10m\" or \"30days\"; received '60'",
        ),
        ("SYMBOLON_MAIL", "pigeon", "expected one of off, console, file, smtp; received 'pigeon'"),
        ("SYMBOLON_SCOPE_CLAIMS", "a: b; a: c", "expected each scope once, received 'a' twice"),
    ] {
        assert_eq!(variable_alone(name, value).unwrap_err(), format!("{name}: {why}"));
    }
}

#[test]
fn an_empty_variable_counts_as_none() {
    for key in ["METRICS_LISTEN", "POOL_SIZE", "MAIL", "NOTHING_THAT_IS_KNOWN", "SECRET"] {
        assert!(variable_alone(&format!("SYMBOLON_{key}"), "").is_ok(), "{key}");
    }
    assert_eq!(
        read("database_pool_size = 4", &[("SYMBOLON_DATABASE_POOL_SIZE", "")]).unwrap().database_pool_size,
        4,
        "the file's value stays"
    );
    let mut environment = Environment::of([("SYMBOLON_SECRET".into(), OsString::new())]).unwrap();
    assert_eq!(environment.take_text("secret").unwrap(), None);
}

#[test]
fn a_value_of_a_file_has_the_type_of_its_key() {
    for (toml, why) in [
        ("smtp_username = 12345", "smtp_username: expected text in quotes; received 12345"),
        ("issuer = 1979-05-27", "issuer: expected text in quotes; received a date or time"),
        ("data_dir = ['x']", "data_dir: expected a path in quotes; received a list"),
        ("database_pool_size = '8'", "database_pool_size: expected a whole number from 0 to 4294967295; received '8'"),
        ("database_pool_size = 8.5", "database_pool_size: expected a whole number from 0 to 4294967295; received 8.5"),
        ("database_pool_size = -8", "database_pool_size: expected a whole number from 0 to 4294967295; received -8"),
        ("smtp_port = 70000", "smtp_port: expected a whole number from 0 to 65535; received 70000"),
        (
            "authorization_code_lifetime = 60",
            "authorization_code_lifetime: expected a duration such as \"30s\", \"10m\" or \"30days\"; received 60",
        ),
        ("mail = true", "mail: expected one of off, console, file, smtp; received true"),
        ("mail = 'a\\nb'", "mail: expected one of off, console, file, smtp; received 'a\\nb'"),
        ("trusted_proxies = [1]", "trusted_proxies: expected text in quotes; received 1"),
        ("trusted_proxies = 1", "trusted_proxies: expected a list of texts, or one text with commas; received 1"),
        ("[scope_claims]\nemployee = 'number'", "scope_claims.employee: expected a list; received 'number'"),
    ] {
        assert_eq!(read(toml, &[]).unwrap_err(), format!("{why} (in FILE)"), "{toml}");
    }
}

#[test]
fn a_setting_that_is_unknown_is_named_as_it_was_written() {
    let why = "docs/configuration.md has all of them";
    for (toml, name, value, expected) in [
        ("isuer = 'x'", "HOME", "", format!("isuer: unknown setting; did you mean issuer? {why} (in FILE)")),
        ("[mail]\nfrom = 'x'", "HOME", "", "mail: expected one of off, console, file, smtp; received a table (in FILE)".into()),
        ("", "SYMBOLON_ISUER", "x", format!("SYMBOLON_ISUER: unknown setting; did you mean SYMBOLON_ISSUER? {why}")),
        ("", "SYMBOLON_ZZZ", "x", format!("SYMBOLON_ZZZ: unknown setting; {why}")),
    ] {
        assert_eq!(read(toml, &[(name, value)]).unwrap_err(), expected);
    }
    let small = read("", &[("SYMBOLON_Issuer", "http://localhost:1")]).unwrap_err();
    assert!(small.starts_with("SYMBOLON_Issuer: ") && small.contains("capital letters"), "{small}");
}

#[test]
fn variables_that_kubernetes_makes_of_a_service_are_none_of_ours() {
    let link = "tcp://10.0.0.7:8080";
    for (name, value) in [
        ("SYMBOLON_SERVICE_HOST", "10.0.0.7"),
        ("SYMBOLON_SERVICE_PORT", "8080"),
        ("SYMBOLON_SERVICE_PORT_HTTP", "8080"),
        ("SYMBOLON_PORT", link),
        ("SYMBOLON_PORT_8080_TCP", link),
        ("SYMBOLON_PORT_8080_TCP_PROTO", "tcp"),
        ("SYMBOLON_PORT_8080_TCP_PORT", "8080"),
        ("SYMBOLON_PORT_8080_TCP_ADDR", "10.0.0.7"),
        ("SYMBOLON_SMTP_PORT", link),
        ("SYMBOLON_DATABASE_PORT_5432_TCP_ADDR", "10.0.0.8"),
    ] {
        assert!(variable_alone(name, value).is_ok(), "{name}");
    }
    for name in ["SYMBOLON_PORT", "SYMBOLON_PORTS_8080", "SYMBOLON_SERVICE"] {
        assert!(variable_alone(name, "8080").unwrap_err().contains("unknown setting"), "{name}");
    }
}

#[test]
fn no_error_shows_what_may_be_a_secret() {
    for toml in [
        "database_url = \"postgres://u:topsecret@h/db",
        "database_url = postgres://u:topsecret@h/db",
        "database_url = [\"postgres://u:topsecret@h/db\"]",
        "database_url = 'a'\ndatabase_url = 'postgres://u:topsecret@h/db'",
        "database_url = 'postgres://u:topsecret@h/db' topsecret",
        "[database_url]\ntopsecret = 'topsecret'",
        "secret = 'topsecret'",
        "smtp_password = 'topsecret'",
        "smtp_password = topsecret",
        "smtp_password = \"topsecret\\q\"",
        "smtp_passwort = 'topsecret'",
        "smtp_password_file = {topsecret = 1}",
    ] {
        let error = read(&format!("# first line\n{toml}"), &[]).unwrap_err();
        assert!(!error.contains("topsecret"), "{toml}: {error}");
        assert!(error.contains("FILE") && !error.contains('\n'), "{toml}: {error}");
        assert!(!error.starts_with("config") || error.contains("line 2, ") || error.contains("line 3, "), "{toml}: {error}");
    }
    let digits = read("smtp_password_file = 31415926", &[]).unwrap_err();
    assert_eq!(digits, "smtp_password_file: expected a path in quotes (in FILE)");
    let kept = read("smtp_password = 'x'", &[]).unwrap_err();
    assert!(kept.starts_with("smtp_password: expected SYMBOLON_SMTP_PASSWORD or smtp_password_file"), "{kept}");
    let bytes = std::os::unix::ffi::OsStringExt::from_vec(b"topsecret\xff".to_vec());
    let mut environment = Environment::of([("SYMBOLON_SECRET".into(), bytes)]).unwrap();
    assert_eq!(
        environment.take_text("secret").unwrap_err().to_string(),
        "SYMBOLON_SECRET: expected text, received bytes that are not UTF-8"
    );
}

#[test]
fn what_is_refused_later_is_named_as_it_was_written_as_well() {
    let variables = Environment::of([("SYMBOLON_LISTEN".into(), "nonsense".into())]).unwrap();
    let sources = Sources::read(None, variables).unwrap();
    let locate = |key: &str| sources.locate(ConfigError::new(key, "why")).to_string();
    assert_eq!((locate("listen"), locate("issuer")), ("SYMBOLON_LISTEN: why".to_owned(), "issuer: why".to_owned()));
}

#[test]
fn a_former_name_is_read_and_the_present_one_told_once() {
    let (settings, warnings) = read_with_warnings("ended_retention = '40days'", &[("SYMBOLON_PLACE_HEADER", "X-Geo")]).unwrap();
    assert_eq!((settings.purge_after, settings.geo_header.as_deref()), (Duration::seconds(40 * 86_400), Some("X-Geo")));
    assert_eq!(
        warnings,
        ["ended_retention (in FILE) was renamed to purge_after", "SYMBOLON_PLACE_HEADER was renamed to SYMBOLON_GEO_HEADER",]
    );
    // A variable overrides the file under either name.
    for (toml, variable) in
        [("ended_retention = '40days'", "SYMBOLON_PURGE_AFTER"), ("purge_after = '40days'", "SYMBOLON_ENDED_RETENTION")]
    {
        let (settings, warnings) = read_with_warnings(toml, &[(variable, "50days")]).unwrap();
        assert_eq!((settings.purge_after, warnings.len()), (Duration::seconds(50 * 86_400), 1), "{variable}: {warnings:?}");
    }
    let (_, warnings) = read_with_warnings("purge_after = '40days'", &[("SYMBOLON_PLACE_HEADER", "")]).unwrap();
    assert!(warnings.is_empty(), "{warnings:?}");
}

#[test]
fn a_former_name_beside_the_present_one_is_refused() {
    let why = "expected one of them: ended_retention was renamed to purge_after";
    let both = read("ended_retention = '40days'\npurge_after = '40days'", &[]).unwrap_err();
    assert_eq!(both, format!("ended_retention and purge_after: {why} (in FILE)"));
    let both = read("", &[("SYMBOLON_ENDED_RETENTION", "40days"), ("SYMBOLON_PURGE_AFTER", "40days")]).unwrap_err();
    assert_eq!(both, format!("SYMBOLON_ENDED_RETENTION and SYMBOLON_PURGE_AFTER: {why}"));
}

#[test]
fn what_is_wrong_under_a_former_name_is_named_by_it() {
    assert_eq!(
        read("", &[("SYMBOLON_ENDED_RETENTION", "soon")]).unwrap_err(),
        "SYMBOLON_ENDED_RETENTION: expected a duration such as \"30s\", \"10m\" or \"30days\"; received 'soon'"
    );
}

#[test]
fn no_former_name_is_a_present_one_and_each_leads_to_one() {
    let settings = serde_json::to_value(Settings::default()).unwrap();
    for (former, present) in RENAMED {
        assert!(settings.get(former).is_none() && settings.get(present).is_some(), "{former} {present}");
    }
}
