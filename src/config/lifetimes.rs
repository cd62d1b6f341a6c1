//! Lifetimes: the settings that are durations, and what follows from them for a session and for a client's grant.

use super::Settings;
use crate::protocol::{
    grant::{Grant, Policy},
    oauth::client::Client,
    values::time::Span,
};

/// The configured lifetimes.
#[derive(Clone, Copy, Debug)]
pub struct Lifetimes {
    /// Access tokens.
    pub access_token: Span,
    /// ID tokens.
    pub id_token: Span,
    /// Authorization codes.
    pub code: Span,
    /// A grant's idle time, without a refresh.
    pub refresh_idle: Span,
    /// A grant's absolute lifetime.
    pub refresh_absolute: Span,
    /// How long a rotated refresh token may be exchanged again for the same successor.
    pub refresh_retry_window: Span,
    /// A browser session's idle time.
    pub session_idle: Span,
    /// A browser session's absolute lifetime.
    pub session_absolute: Span,
    /// A remembered session's idle time.
    pub remembered_session_idle: Span,
    /// A remembered session's absolute lifetime.
    pub remembered_session_absolute: Span,
    /// How long a browser that its user trusts needs no code of a TOTP app; zero if none can be trusted.
    pub trusted_browser: Span,
    /// How long ended grants and sessions are kept before they are purged.
    pub purge_after: Span,
    /// How long the history of grants and accounts is kept.
    pub history: Span,
    /// The same for its routine events, such as each refresh; zero means that they are never written.
    pub refresh_history: Span,
    /// How long a new key is published before it signs.
    pub signing_key_activation_delay: Span,
}

impl Lifetimes {
    /// The lifetimes of these settings.
    pub(super) fn of(settings: &Settings) -> Self {
        Self {
            access_token: settings.access_token_lifetime.into(),
            id_token: settings.id_token_lifetime.into(),
            code: settings.authorization_code_lifetime.into(),
            refresh_idle: settings.refresh_idle_lifetime.into(),
            refresh_absolute: settings.refresh_absolute_lifetime.into(),
            refresh_retry_window: settings.refresh_retry_window.into(),
            session_idle: settings.session_idle_lifetime.into(),
            session_absolute: settings.session_absolute_lifetime.into(),
            remembered_session_idle: settings.remembered_session_idle_lifetime.into(),
            remembered_session_absolute: settings.remembered_session_absolute_lifetime.into(),
            trusted_browser: settings.trusted_browser_lifetime.into(),
            purge_after: settings.purge_after.into(),
            history: settings.history_retention.into(),
            refresh_history: settings.refresh_history_retention.into(),
            signing_key_activation_delay: settings.signing_key_activation_delay.into(),
        }
    }

    /// A browser session's idle time.
    #[must_use]
    pub const fn idle(&self, remembered: bool) -> Span {
        if remembered { self.remembered_session_idle } else { self.session_idle }
    }

    /// The interval at which a session's use is recorded: not with each request, but soon enough that no active user is signed out.
    #[must_use]
    pub fn noted_after(&self, remembered: bool) -> Span {
        Span::from_millis(self.idle(remembered).millis() / 10).min(Span::from_seconds(60))
    }

    /// The lifetimes that apply to a grant of this client: its own where it has them. A grant that ends with the browser session
    /// also has the session's idle time.
    #[must_use]
    pub fn policy(&self, client: &Client, grant: &Grant) -> Policy {
        Policy {
            code_lifetime: self.code,
            idle_lifetime: if grant.session_id.is_some() { self.idle(grant.remembered) } else { self.refresh_idle },
            max_auth_age: client.settings.max_auth_age,
            min_class: client.settings.min_acr,
            retry_window: client.settings.refresh_retry_window.unwrap_or(self.refresh_retry_window),
        }
    }
}
