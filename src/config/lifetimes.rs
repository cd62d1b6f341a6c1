//! How long things live: settings that are spans, and what follows from them for a session and for a client's grant.

use super::Settings;
use crate::protocol::{
    client::Client,
    grant::{Grant, Policy},
    time::Span,
};

/// How long things live.
#[derive(Clone, Copy, Debug)]
pub struct Lifetimes {
    /// Access tokens.
    pub access_token: Span,
    /// ID tokens.
    pub id_token: Span,
    /// Authorization codes.
    pub code: Span,
    /// A grant without a refresh.
    pub refresh_idle: Span,
    /// A grant altogether.
    pub refresh_absolute: Span,
    /// How long a rotated refresh token still gets its successor told again.
    pub refresh_retry_window: Span,
    /// A browser session without use.
    pub session_idle: Span,
    /// A browser session altogether.
    pub session_absolute: Span,
    /// One that is remembered, without use.
    pub remembered_session_idle: Span,
    /// One that is remembered, altogether.
    pub remembered_session_absolute: Span,
    /// Grants and sessions, after their end.
    pub purge_after: Span,
    /// What happened to grants and accounts.
    pub history: Span,
    /// The everyday part of it: each refresh; zero is never written.
    pub refresh_history: Span,
    /// How long a new key is published before it signs.
    pub signing_key_activation_delay: Span,
}

impl Lifetimes {
    /// Those of settings.
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
            purge_after: settings.purge_after.into(),
            history: settings.history_retention.into(),
            refresh_history: settings.refresh_history_retention.into(),
            signing_key_activation_delay: settings.signing_key_activation_delay.into(),
        }
    }

    /// How long a browser session lives without use.
    #[must_use]
    pub const fn idle(&self, remembered: bool) -> Span {
        if remembered { self.remembered_session_idle } else { self.session_idle }
    }

    /// How much later than the last time a session is noted to be in use: not with each request, and soon enough that nobody
    /// is signed out who was there.
    #[must_use]
    pub fn noted_after(&self, remembered: bool) -> Span {
        Span::from_millis(self.idle(remembered).millis() / 10).min(Span::from_seconds(60))
    }

    /// Those that apply to a grant of this client: its own where it has them. A grant that ends with the browser
    /// session also idles like one.
    #[must_use]
    pub fn policy(&self, client: &Client, grant: &Grant) -> Policy {
        Policy {
            code_lifetime: self.code,
            idle_lifetime: if grant.session_id.is_some() { self.idle(grant.remembered) } else { self.refresh_idle },
            max_auth_age: client.max_auth_age,
            retry_window: client.retry_window.unwrap_or(self.refresh_retry_window),
        }
    }
}
