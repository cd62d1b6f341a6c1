//! The keys of a configuration as they are written, with their defaults. Each is documented in `docs/configuration.md`; they are
//! checked in `checks`.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{
    Issuer,
    mail_settings::{MailKind, SmtpPassword, SmtpSecurity},
    values::{ClaimLists, Duration, List, Texts},
};

/// The keys as written, with their defaults.
#[derive(Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    pub(super) issuer: String,
    pub(super) listen: String,
    pub(super) metrics_listen: Option<String>,
    pub(super) database_url: Option<String>,
    pub(super) data_dir: PathBuf,
    pub(super) secret_file: Option<PathBuf>,
    pub(super) tls_cert_file: Option<PathBuf>,
    pub(super) tls_key_file: Option<PathBuf>,
    pub(super) trusted_proxies: List,
    pub(super) hsts_include_subdomains: Option<bool>,
    pub(super) max_connections: u32,
    pub(super) max_connections_per_address: Option<u32>,
    pub(super) cors_origins: List,
    pub(super) outbound_allowlist: List,
    pub(super) outbound_ca_file: Option<PathBuf>,
    pub(super) mail: MailKind,
    pub(super) mail_from: Option<String>,
    pub(super) mail_directory: Option<PathBuf>,
    pub(super) smtp_host: Option<String>,
    pub(super) smtp_port: Option<u16>,
    pub(super) smtp_security: Option<SmtpSecurity>,
    pub(super) smtp_username: Option<String>,
    /// Only from the environment.
    #[serde(skip)]
    pub(super) smtp_password: Option<SmtpPassword>,
    pub(super) smtp_password_file: Option<PathBuf>,
    pub(super) smtp_ca_file: Option<PathBuf>,
    pub(super) database_pool_size: u32,
    pub(super) database_pool_timeout: Duration,
    pub(super) access_token_lifetime: Duration,
    pub(super) id_token_lifetime: Duration,
    pub(super) authorization_code_lifetime: Duration,
    pub(super) refresh_idle_lifetime: Duration,
    pub(super) refresh_absolute_lifetime: Duration,
    pub(super) refresh_retry_window: Duration,
    pub(super) session_idle_lifetime: Duration,
    pub(super) session_absolute_lifetime: Duration,
    pub(super) remembered_session_idle_lifetime: Duration,
    pub(super) remembered_session_absolute_lifetime: Duration,
    pub(super) trusted_browser_lifetime: Duration,
    pub(super) purge_after: Duration,
    pub(super) history_retention: Duration,
    pub(super) refresh_history_retention: Duration,
    pub(super) signing_key_activation_delay: Duration,
    pub(super) revoke_offline_access_on_logout: bool,
    pub(super) registration: Registration,
    pub(super) geo_header: Option<String>,
    pub(super) scope_claims: ClaimLists,
    pub(super) minimum_acr: Option<String>,
    pub(super) minimum_acr_of_roles: Texts,
    pub(super) minimum_acr_of_groups: Texts,
    pub(super) passkey_related_origins: List,
    pub(super) hardware_passkey_models: List,
    pub(super) hardware_passkey_ca_file: Option<PathBuf>,
    pub(super) password_min_length: u32,
    pub(super) password_min_length_with_second_factor: u32,
    pub(super) breached_passwords_file: Option<PathBuf>,
    pub(super) password_hash_memory_kib: u32,
    pub(super) password_hash_iterations: u32,
    pub(super) password_hash_parallelism: u32,
    pub(super) password_hash_concurrency: u32,
    pub(super) log: String,
    pub(super) log_format: LogFormat,
    pub(super) shutdown_delay: Duration,
    pub(super) shutdown_timeout: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            issuer: "http://localhost:8080".into(),
            listen: "localhost:8080".into(),
            metrics_listen: None,
            database_url: None,
            data_dir: "symbolon-data".into(),
            secret_file: None,
            tls_cert_file: None,
            tls_key_file: None,
            trusted_proxies: List::default(),
            hsts_include_subdomains: None,
            max_connections: 10_000,
            max_connections_per_address: None,
            cors_origins: List::default(),
            outbound_allowlist: List::default(),
            outbound_ca_file: None,
            mail: MailKind::Off,
            mail_from: None,
            mail_directory: None,
            smtp_host: None,
            smtp_port: None,
            smtp_security: None,
            smtp_username: None,
            smtp_password: None,
            smtp_password_file: None,
            smtp_ca_file: None,
            database_pool_size: 8,
            database_pool_timeout: Duration::seconds(3),
            access_token_lifetime: Duration::seconds(10 * 60),
            id_token_lifetime: Duration::seconds(10 * 60),
            authorization_code_lifetime: Duration::seconds(60),
            refresh_idle_lifetime: Duration::seconds(30 * 86_400),
            refresh_absolute_lifetime: Duration::seconds(31_557_600),
            refresh_retry_window: Duration::seconds(30),
            session_idle_lifetime: Duration::seconds(2 * 86_400),
            session_absolute_lifetime: Duration::seconds(14 * 86_400),
            remembered_session_idle_lifetime: Duration::seconds(14 * 86_400),
            remembered_session_absolute_lifetime: Duration::seconds(30 * 86_400),
            trusted_browser_lifetime: Duration::seconds(0),
            purge_after: Duration::seconds(30 * 86_400),
            history_retention: Duration::seconds(180 * 86_400),
            refresh_history_retention: Duration::seconds(30 * 86_400),
            signing_key_activation_delay: Duration::seconds(86_400),
            revoke_offline_access_on_logout: false,
            registration: Registration::Off,
            geo_header: None,
            scope_claims: ClaimLists::default(),
            minimum_acr: None,
            minimum_acr_of_roles: Texts::default(),
            minimum_acr_of_groups: Texts::default(),
            passkey_related_origins: List::default(),
            hardware_passkey_models: List::default(),
            hardware_passkey_ca_file: None,
            password_min_length: 15,
            password_min_length_with_second_factor: 8,
            breached_passwords_file: None,
            password_hash_memory_kib: 19_456,
            password_hash_iterations: 2,
            password_hash_parallelism: 1,
            password_hash_concurrency: 2,
            log: "info,actix_server=warn".into(),
            log_format: LogFormat::Auto,
            shutdown_delay: Duration::seconds(0),
            shutdown_timeout: Duration::seconds(30),
        }
    }
}

/// What `Strict-Transport-Security` says to browsers (RFC 6797 §6.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hsts {
    /// Nothing: the issuer is on loopback, by plain http.
    Off,
    /// https for this host.
    HostAlone,
    /// And for every host below it.
    WithSubdomains,
}

impl Hsts {
    /// An issuer with a path shares its host with others, whose hosts below it are not its own to decide about.
    pub(super) fn of(issuer: &Issuer, include_subdomains: Option<bool>) -> Self {
        match include_subdomains.unwrap_or_else(|| issuer.base().is_empty()) {
            _ if !issuer.is_https() => Self::Off,
            true => Self::WithSubdomains,
            false => Self::HostAlone,
        }
    }
}

/// Who may create an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Registration {
    /// Nobody without an operator.
    Off,
    /// Users with an invitation.
    Invitation,
    /// Everyone with an e-mail address.
    Open,
}

/// The log format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Text on a terminal, JSON otherwise.
    Auto,
    /// Text.
    Text,
    /// One JSON object a line.
    Json,
}

impl Settings {
    /// The settings of the demonstration: the defaults, on this port of localhost, in a new directory that nobody else can read or
    /// guess.
    #[must_use]
    pub fn demo(directory_name: &str, port: u16) -> Self {
        let (data_dir, listen) = (std::env::temp_dir().join(directory_name), format!("localhost:{port}"));
        let issuer = format!("http://{listen}");
        Self { issuer, listen, data_dir, log: "warn".into(), log_format: LogFormat::Text, ..Self::default() }
    }
}
