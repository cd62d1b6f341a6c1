//! Why a grant ended, as its row keeps it, and why one is of no use now. The words that users read stand in the templates
//! (`timeline_words.html`); here are the names that are kept and the descriptions that clients and operators read.

use serde::{Serialize, Serializer};

/// Why a grant was revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndReason {
    /// The code was redeemed a second time (RFC 6749 §4.1.2).
    CodeReused,
    /// A refresh token that had been replaced came again (RFC 9700 §4.14.2).
    RefreshTokenReused,
    /// Its user ended it.
    RevokedByUser,
    /// Its user ended everything, or everything else.
    AllRevokedByUser,
    /// Its user said that something was not them.
    NotMe,
    /// Its user changed their password.
    PasswordChanged,
    /// A new password was set, by a link or by an operator.
    PasswordReset,
    /// An operator took the password away, so that its user sets a new one.
    PasswordRemoved,
    /// An operator had everyone sign in again who had signed in before some moment.
    SignInAgain,
    /// An operator disabled the account.
    UserDisabled,
    /// The account was deleted.
    UserDeleted,
    /// Its user does not allow the client anything any more.
    ConsentWithdrawn,
    /// The session in which it was given ended.
    SessionEnded,
    /// The client was deleted.
    ClientDeleted,
    /// The client revoked it (RFC 7009).
    RevokedByClient,
    /// An operator revoked it.
    RevokedByOperator,
    /// One that another version of this server wrote, and this one does not know.
    Other,
}

impl EndReason {
    /// Every one.
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

    /// The name under which it is kept.
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

    /// The one of this name, or [`Self::Other`]: the versions before wrote sentences, which a process of theirs may go on writing
    /// while one after the other is replaced.
    #[must_use]
    pub fn named(name: &str) -> Self {
        Self::ALL.into_iter().find(|reason| reason.name() == name).unwrap_or_else(|| Self::of_sentence(name))
    }

    fn of_sentence(sentence: &str) -> Self {
        match sentence {
            "the code was redeemed before; its grant and every token of it are now revoked" => Self::CodeReused,
            "the refresh token was used before; its grant and every token of it are now revoked" => Self::RefreshTokenReused,
            "the person ended it" => Self::RevokedByUser,
            "the person ended everything" => Self::AllRevokedByUser,
            "the person said that it was not them" => Self::NotMe,
            "the person changed their password" => Self::PasswordChanged,
            "the person's password was reset" => Self::PasswordReset,
            "an operator took the password away" => Self::PasswordRemoved,
            "an operator had everyone of before sign in again" | "the person had to sign in again" => Self::SignInAgain,
            "the person's account was switched off" => Self::UserDisabled,
            "the person was deleted" => Self::UserDeleted,
            "consent was withdrawn" => Self::ConsentWithdrawn,
            "the session was ended" => Self::SessionEnded,
            "the client was deleted" => Self::ClientDeleted,
            "revoked by the client" => Self::RevokedByClient,
            "revoked on the command line" => Self::RevokedByOperator,
            _ => Self::Other,
        }
    }

    /// For operators, in the words of the specifications.
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

/// Why a grant is of no use now. All but the first are no end of it: what they follow from may change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inactive {
    /// It was revoked.
    Revoked(EndReason),
    /// It has reached its absolute end.
    Expired,
    /// It was not used for too long.
    Idle,
    /// The code was not redeemed in time.
    CodeExpired,
    /// Its user is disabled.
    UserDisabled,
    /// Its user has to sign in again, anywhere, before anything goes on.
    SignInRequired,
    /// The sign-in that it came from is too long ago for this client.
    SignInTooOld,
    /// Its client is disabled.
    ClientDisabled,
    /// Its client is not registered any more.
    ClientDeleted,
    /// It outlives its session, and the client may not have `offline_access` any more.
    OfflineAccessWithdrawn,
}

impl Inactive {
    /// Its name, for programs.
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
            Self::ClientDisabled => "client_disabled",
            Self::ClientDeleted => "client_deleted",
            Self::OfflineAccessWithdrawn => "offline_access_withdrawn",
        }
    }

    /// For clients, as an `error_description` (RFC 6749 §5.2), and for operators. A client is not told why its grant was revoked.
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
    fn names_lead_back_and_none_is_a_sentence() {
        for reason in EndReason::ALL {
            assert_eq!(EndReason::named(reason.name()), reason);
            assert!(!reason.name().contains(' '), "{reason:?}: names and the sentences of before are told apart by a space");
        }
        assert_eq!(EndReason::named("the person ended it"), EndReason::RevokedByUser);
        assert_eq!(EndReason::named("a reason of a later version"), EndReason::Other);
    }
}
