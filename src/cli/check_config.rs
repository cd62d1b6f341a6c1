//! `symbolon check-config`: the configuration as the server will use it, under the names of its keys. Of the server's secrets only
//! the numbers are shown, with what each is used for; of the database's password nothing.

use serde_json::{Map, Value, json};

use super::{
    Answer, note,
    output::{self, Format, duration, span},
};
use crate::{
    config::{BreachedFile, Config, Hsts, LogFormat, MailKind, MailSettings, MailTransport, UNIX_PREFIX},
    protocol::{oauth::scope::ScopeClaims, secrets::SecretUse},
};

pub fn run(config: &Config, format: Format) -> Answer {
    if let Some(hint) = config.proxy_hint(!config.listen.starts_with(UNIX_PREFIX)) {
        note(&format!("note: {hint}"));
    }
    let (lifetimes, rules, passwords) = (&config.lifetimes, &config.password_rules, &config.passwords);
    let file = |path: Option<&std::path::Path>| path.map(|path| path.display().to_string());
    let mail = Mail::of(&config.mail);
    let hardware = config.passkeys.hardware.as_ref();
    let keys: [(&str, Value); 58] = [
        ("issuer", json!(config.issuer.as_str())),
        ("listen", json!(config.listen)),
        ("metrics_listen", json!(config.metrics_listen)),
        ("database_url", json!(config.database.to_string())),
        ("data_dir", json!(config.data_dir.display().to_string())),
        ("secret", secrets(config)),
        ("tls_cert_file", json!(file(config.tls.as_ref().map(|tls| tls.cert.as_path())))),
        ("tls_key_file", json!(file(config.tls.as_ref().map(|tls| tls.key.as_path())))),
        ("trusted_proxies", json!(config.trusted_proxies.iter().map(ToString::to_string).collect::<Vec<_>>())),
        ("hsts_include_subdomains", hsts(config.hsts())),
        ("max_connections", json!(config.connections.in_all)),
        ("max_connections_per_address", config.connections.of_one_address.map_or_else(|| json!("default"), |count| json!(count))),
        ("cors_origins", json!(config.cors_origins)),
        ("outbound_allowlist", json!(config.outbound.allow.iter().map(ToString::to_string).collect::<Vec<_>>())),
        ("outbound_ca_file", json!(file(config.outbound_ca_file.as_deref()))),
        ("mail", mail.kind),
        ("mail_from", mail.from),
        ("mail_directory", mail.directory),
        ("smtp_host", mail.smtp_host),
        ("smtp_port", mail.smtp_port),
        ("smtp_security", mail.smtp_security),
        ("smtp_username", mail.smtp_username),
        ("smtp_ca_file", json!(file(config.smtp_ca_file.as_deref()))),
        ("database_pool_size", json!(config.database_pool_size)),
        ("database_pool_timeout", json!(duration(config.database_pool_timeout))),
        ("access_token_lifetime", json!(span(lifetimes.access_token))),
        ("id_token_lifetime", json!(span(lifetimes.id_token))),
        ("authorization_code_lifetime", json!(span(lifetimes.code))),
        ("refresh_idle_lifetime", json!(span(lifetimes.refresh_idle))),
        ("refresh_absolute_lifetime", json!(span(lifetimes.refresh_absolute))),
        ("refresh_retry_window", json!(span(lifetimes.refresh_retry_window))),
        ("session_idle_lifetime", json!(span(lifetimes.session_idle))),
        ("session_absolute_lifetime", json!(span(lifetimes.session_absolute))),
        ("remembered_session_idle_lifetime", json!(span(lifetimes.remembered_session_idle))),
        ("remembered_session_absolute_lifetime", json!(span(lifetimes.remembered_session_absolute))),
        ("trusted_browser_lifetime", json!(span(lifetimes.trusted_browser))),
        ("purge_after", json!(span(lifetimes.purge_after))),
        ("history_retention", json!(span(lifetimes.history))),
        ("refresh_history_retention", json!(span(lifetimes.refresh_history))),
        ("signing_key_activation_delay", json!(span(lifetimes.signing_key_activation_delay))),
        ("revoke_offline_access_on_logout", json!(config.revoke_offline_access_on_logout)),
        ("registration", json!(config.registration)),
        ("geo_header", json!(config.geo_header)),
        ("scope_claims", scope_claims(&config.scope_claims)),
        ("passkey_related_origins", json!(config.passkeys.related_origins)),
        ("hardware_passkey_models", json!(hardware.map(|hardware| &hardware.models).into_iter().flatten().collect::<Vec<_>>())),
        ("hardware_passkey_ca_file", json!(file(hardware.map(|hardware| hardware.ca_file.as_path())))),
        ("password_min_length", json!(rules.min_length)),
        ("password_min_length_with_second_factor", json!(rules.min_length_with_second_factor)),
        ("breached_passwords_file", json!(file(rules.breached_file.as_ref().map(BreachedFile::path)))),
        ("password_hash_memory_kib", json!(passwords.memory_kib)),
        ("password_hash_iterations", json!(passwords.iterations)),
        ("password_hash_parallelism", json!(passwords.parallelism)),
        ("password_hash_concurrency", json!(passwords.concurrency)),
        ("log", json!(config.log)),
        ("log_format", json!(log_format(config.log_format))),
        ("shutdown_delay", json!(duration(config.shutdown_delay))),
        ("shutdown_timeout", json!(duration(config.shutdown_timeout))),
    ];
    let text = || output::fields(&keys.each_ref().map(|(key, value)| (*key, words(value))));
    let object: Map<_, _> = keys.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
    format.answer(&object, text)
}

/// Each secret of the list by its number, which is part of every credential derived from it, and what it is used for.
fn secrets(config: &Config) -> Value {
    if !config.has_secret {
        return json!(["generated at first start"]);
    }
    let words = |of| match of {
        SecretUse::Derives => "active",
        SecretUse::Next => "next: verification only, until it is no longer marked",
        SecretUse::Older => "old: verification only",
    };
    config.secrets.uses().into_iter().map(|(number, of)| format!("{number} {}", words(of))).collect::<Vec<_>>().into()
}

/// The effective mail settings, without the password.
struct Mail {
    kind: Value,
    from: Value,
    directory: Value,
    smtp_host: Value,
    smtp_port: Value,
    smtp_security: Value,
    smtp_username: Value,
}

impl Mail {
    fn of(settings: &MailSettings) -> Self {
        let (kind, directory, smtp) = match &settings.transport {
            MailTransport::Off => (MailKind::Off, None, None),
            MailTransport::Console => (MailKind::Console, None, None),
            MailTransport::File(directory) => (MailKind::File, Some(directory.display().to_string()), None),
            MailTransport::Smtp(smtp) => (MailKind::Smtp, None, Some(smtp)),
        };
        Self {
            kind: json!(kind.name()),
            from: json!(settings.from.as_ref().map(ToString::to_string)),
            directory: json!(directory),
            smtp_host: json!(smtp.map(|smtp| &smtp.host)),
            smtp_port: json!(smtp.map(|smtp| smtp.port)),
            smtp_security: json!(smtp.map(|smtp| smtp.security.name())),
            smtp_username: json!(smtp.and_then(|smtp| smtp.login.as_ref()).map(|(username, _)| username)),
        }
    }
}

fn hsts(hsts: Hsts) -> Value {
    match hsts {
        Hsts::Off => Value::Null,
        Hsts::HostAlone => json!(false),
        Hsts::WithSubdomains => json!(true),
    }
}

fn words(value: &Value) -> String {
    match value {
        Value::Null => "none".into(),
        Value::String(text) => text.clone(),
        Value::Array(items) if items.is_empty() => "none".into(),
        Value::Array(items) => items.iter().map(words).collect::<Vec<_>>().join(", "),
        Value::Object(lists) if lists.is_empty() => "none".into(),
        Value::Object(lists) => lists.iter().map(|(key, list)| format!("{key}: {}", words(list))).collect::<Vec<_>>().join("; "),
        other => other.to_string(),
    }
}

fn scope_claims(scopes: &ScopeClaims) -> Value {
    scopes.scopes().map(|scope| (scope.to_owned(), json!(scopes.opened_by(scope)))).collect::<Map<_, _>>().into()
}

const fn log_format(format: LogFormat) -> &'static str {
    match format {
        LogFormat::Auto => "auto",
        LogFormat::Text => "text",
        LogFormat::Json => "json",
    }
}
