//! Reasons why a grant ended, as stored in its row, and reasons why a grant is inactive. The texts shown to users are in the
//! templates (`timeline_words.html`); here are the stored names and the descriptions for clients and operators.

use serde::{Serialize, Serializer};

/// Why a grant was revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndReason {
    /// The code was redeemed a second time (RFC 6749 §4.1.2).
    CodeReused,
    /// A rotated refresh token was replayed (RFC 9700 §4.14.2).
    RefreshTokenReused,
    /// The user revoked it.
    RevokedByUser,
    /// The user ended all sessions and grants, or all but the current ones.
    AllRevokedByUser,
    /// The user reported "this was not me".
    NotMe,
    /// The user changed the password.
    PasswordChanged,
    /// A new password was set, by a link or by an operator.
    PasswordReset,
    /// An operator removed the password, so that the user sets a new one.
    PasswordRemoved,
    /// An operator ended everything that was signed in before a given time.
    SignInAgain,
    /// An operator disabled the account.
    UserDisabled,
    /// The account was deleted.
    UserDeleted,
    /// The user withdrew consent for the client.
    ConsentWithdrawn,
    /// The session in which it was issued ended.
    SessionEnded,
    /// The client was deleted.
    ClientDeleted,
    /// The client revoked it (RFC 7009).
    RevokedByClient,
    /// An operator revoked it.
    RevokedByOperator,
    /// A reason written by another version of this server, unknown to this one.
    Other,
}

impl EndReason {
    /// Every reason.
    pub const ALL: [Self; 17] = [
        Self::CodeReused,
        Self::RefreshTokenReused,
        Self::RevokedByUser,
        Self::AllRevokedByUser,
        Self::NotMe,
        Self::PasswordChanged,
        Self::PasswordReset,
        Self::PasswordRemoved,
        Self::SignInAgain,
        Self::UserDisabled,
        Self::UserDeleted,
        Self::ConsentWithdrawn,
        Self::SessionEnded,
        Self::ClientDeleted,
        Self::RevokedByClient,
        Self::RevokedByOperator,
        Self::Other,
    ];

    /// The name it is stored under.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::CodeReused => "code_reused",
            Self::RefreshTokenReused => "refresh_token_reused",
            Self::RevokedByUser => "revoked_by_user",
            Self::AllRevokedByUser => "all_revoked_by_user",
            Self::NotMe => "not_me",
            Self::PasswordChanged => "password_changed",
            Self::PasswordReset => "password_reset",
            Self::PasswordRemoved => "password_removed",
            Self::SignInAgain => "sign_in_again",
            Self::UserDisabled => "user_disabled",
            Self::UserDeleted => "user_deleted",
            Self::ConsentWithdrawn => "consent_withdrawn",
            Self::SessionEnded => "session_ended",
            Self::ClientDeleted => "client_deleted",
            Self::RevokedByClient => "revoked_by_client",
            Self::RevokedByOperator => "revoked_by_operator",
            Self::Other => "other",
        }
    }

    /// The reason stored under this name, or [`Self::Other`].
    #[must_use]
    pub fn named(name: &str) -> Self {
        Self::ALL.into_iter().find(|reason| reason.name() == name).unwrap_or(Self::Other)
    }

    /// The description for operators, in the words of the specifications.
    #[must_use]
    pub const fn description(self) -> &'static str {
        match self {
            Self::CodeReused => "the authorization code was redeemed twice",
            Self::RefreshTokenReused => "a refresh token was used again after it had been replaced",
            Self::RevokedByUser => "revoked by the user",
            Self::AllRevokedByUser => "the user ended all access",
            Self::NotMe => "the user reported activity that was not theirs",
            Self::PasswordChanged => "the user changed their password",
            Self::PasswordReset => "the password was reset",
            Self::PasswordRemoved => "an operator removed the password",
            Self::SignInAgain => "an operator required a new sign-in",
            Self::UserDisabled => "the user was disabled",
            Self::UserDeleted => "the user was deleted",
            Self::ConsentWithdrawn => "consent was withdrawn",
            Self::SessionEnded => "the session ended",
            Self::ClientDeleted => "the client was deleted",
            Self::RevokedByClient => "revoked by the client",
            Self::RevokedByOperator => "revoked by an operator",
            Self::Other => "revoked for a reason unknown to this version",
        }
    }
}

/// Why a grant is inactive. All but the first do not end it: the condition behind them may change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inactive {
    /// It was revoked.
    Revoked(EndReason),
    /// It is past its absolute expiry.
    Expired,
    /// It has been idle for too long.
    Idle,
    /// The code was not redeemed in time.
    CodeExpired,
    /// Its user is disabled.
    UserDisabled,
    /// An operator requires the user to sign in again before any grant can be used.
    SignInRequired,
    /// The sign-in behind it is older than the client's maximum.
    SignInTooOld,
    /// The sign-in behind it was of a weaker class than its client now requires.
    SignInTooWeak,
    /// Its client is disabled.
    ClientDisabled,
    /// Its client is no longer registered.
    ClientDeleted,
    /// It outlives its session, but the client is no longer allowed `offline_access`.
    OfflineAccessWithdrawn,
}

impl Inactive {
    /// Its machine-readable name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Revoked(_) => "revoked",
            Self::Expired => "expired",
            Self::Idle => "idle",
            Self::CodeExpired => "code_expired",
            Self::UserDisabled => "user_disabled",
            Self::SignInRequired => "sign_in_required",
            Self::SignInTooOld => "sign_in_too_old",
            Self::SignInTooWeak => "sign_in_too_weak",
            Self::ClientDisabled => "client_disabled",
            Self::ClientDeleted => "client_deleted",
            Self::OfflineAccessWithdrawn => "offline_access_withdrawn",
        }
    }

    /// The description for clients, as an `error_description` (RFC 6749 §5.2), and for operators. A client does not learn why its
    /// grant was revoked.
    #[must_use]
    pub const fn description(self) -> &'static str {
        match self {
            Self::Revoked(_) => "the grant was revoked",
            Self::Expired => "the grant has expired",
            Self::Idle => "the grant has been idle too long",
            Self::CodeExpired => "the authorization code has expired",
            Self::UserDisabled => "the user is disabled",
            Self::SignInRequired => "the user must sign in again",
            Self::SignInTooOld => "the user's last sign-in is too long ago for this client",
            Self::SignInTooWeak => "the client requires a stronger sign-in of the user: authorize again",
            Self::ClientDisabled => "the client is disabled",
            Self::ClientDeleted => "the client was deleted",
            Self::OfflineAccessWithdrawn => "the client is no longer allowed offline_access",
        }
    }
}

impl Serialize for EndReason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl Serialize for Inactive {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back() {
        for reason in EndReason::ALL {
            assert_eq!(EndReason::named(reason.name()), reason);
        }
        assert_eq!(EndReason::named("a reason of a later version"), EndReason::Other);
    }
}
