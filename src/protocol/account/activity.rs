//! Account activity, as shown to the user: the kinds of security events, by the names they are stored under. Their wording is in
//! the templates.

use serde::{Deserialize, Serialize};

use crate::protocol::values::{id::Id, time::Timestamp};

/// A kind of account activity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activity {
    /// The user registered the account.
    Registered,
    /// An operator added the account.
    Added,
    /// A sign-in.
    SignedIn,
    /// A sign-in in an unknown browser, or from a network in which this browser was never seen.
    SignedInAnew,
    /// Failed sign-ins in a row from one network.
    SignInFailed,
    /// A sign-out.
    SignedOut,
    /// A session was ended by an app, without the browser.
    SignedOutByApp,
    /// A browser's session was ended from another browser.
    SessionEnded,
    /// The user consented to an app.
    AppAllowed,
    /// The operator consented to a first-party app, which the user has opened.
    AppAllowedByOperator,
    /// An app's access was revoked.
    AppEnded,
    /// A used code or refresh token was replayed: the app's access was revoked.
    CredentialReused,
    /// An app continued from another network.
    NewNetwork,
    /// All sessions and grants were ended, or all but the current ones.
    EverythingEnded,
    /// The user reported "this was not me".
    NotMe,
    /// The password was changed with the old one.
    PasswordChanged,
    /// A password reset was requested.
    ResetRequested,
    /// A new password was set by a link, or by an operator.
    PasswordReset,
    /// A change of the e-mail address was requested.
    EmailChangeRequested,
    /// The e-mail address was changed.
    EmailChanged,
    /// The current e-mail address was verified, by a link or by an operator.
    EmailVerified,
    /// An operator marked the current e-mail address as unverified.
    EmailUnverified,
    /// The display name, or other data behind the claims, was changed.
    DetailsChanged,
    /// An operator required the user to sign in again.
    SignInAgain,
    /// An operator disabled the account.
    Disabled,
    /// An operator enabled the account.
    Enabled,
    /// An operator ended the usable links in the user's e-mails.
    LinksEnded,
    /// The user's data were exported.
    Exported,
    /// A passkey or a TOTP app was added.
    AuthenticatorAdded,
    /// A passkey, a TOTP app or the password was removed.
    AuthenticatorRemoved,
    /// A new set of recovery codes was made.
    RecoveryCodesMade,
    /// A recovery code was used.
    RecoveryCodeUsed,
    /// An operator will remove everything but the password that the user can sign in with.
    ResetPlanned,
    /// That was cancelled.
    ResetCancelled,
    /// It was done.
    AuthenticatorsReset,
    /// The counter of a passkey has fallen: there may be a copy of it.
    PasskeyCounterFell,
}

impl Activity {
    /// Every kind.
    pub const ALL: [Self; 36] = [
        Self::Registered,
        Self::Added,
        Self::SignedIn,
        Self::SignedInAnew,
        Self::SignInFailed,
        Self::SignedOut,
        Self::SignedOutByApp,
        Self::SessionEnded,
        Self::AppAllowed,
        Self::AppAllowedByOperator,
        Self::AppEnded,
        Self::CredentialReused,
        Self::NewNetwork,
        Self::EverythingEnded,
        Self::NotMe,
        Self::PasswordChanged,
        Self::ResetRequested,
        Self::PasswordReset,
        Self::EmailChangeRequested,
        Self::EmailChanged,
        Self::EmailVerified,
        Self::EmailUnverified,
        Self::DetailsChanged,
        Self::SignInAgain,
        Self::Disabled,
        Self::Enabled,
        Self::LinksEnded,
        Self::Exported,
        Self::AuthenticatorAdded,
        Self::AuthenticatorRemoved,
        Self::RecoveryCodesMade,
        Self::RecoveryCodeUsed,
        Self::ResetPlanned,
        Self::ResetCancelled,
        Self::AuthenticatorsReset,
        Self::PasskeyCounterFell,
    ];

    /// The name it is stored under.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Registered => "registered",
            Self::Added => "added",
            Self::SignedIn => "signed_in",
            Self::SignedInAnew => "signed_in_anew",
            Self::SignInFailed => "sign_in_failed",
            Self::SignedOut => "signed_out",
            Self::SignedOutByApp => "signed_out_by_app",
            Self::SessionEnded => "session_ended",
            Self::AppAllowed => "app_allowed",
            Self::AppAllowedByOperator => "app_allowed_by_operator",
            Self::AppEnded => "app_ended",
            Self::CredentialReused => "credential_reused",
            Self::NewNetwork => "address_changed", // stored so by earlier versions
            Self::EverythingEnded => "everything_ended",
            Self::NotMe => "not_me",
            Self::PasswordChanged => "password_changed",
            Self::ResetRequested => "reset_asked",
            Self::PasswordReset => "password_reset",
            Self::EmailChangeRequested => "email_change_asked",
            Self::EmailChanged => "email_changed",
            Self::EmailVerified => "email_verified",
            Self::EmailUnverified => "email_unverified",
            Self::DetailsChanged => "details_changed",
            Self::SignInAgain => "sign_in_again",
            Self::Disabled => "disabled",
            Self::Enabled => "enabled",
            Self::LinksEnded => "links_ended",
            Self::Exported => "exported",
            Self::AuthenticatorAdded => "authenticator_added",
            Self::AuthenticatorRemoved => "authenticator_removed",
            Self::RecoveryCodesMade => "recovery_codes_made",
            Self::RecoveryCodeUsed => "recovery_code_used",
            Self::ResetPlanned => "reset_planned",
            Self::ResetCancelled => "reset_cancelled",
            Self::AuthenticatorsReset => "authenticators_reset",
            Self::PasskeyCounterFell => "passkey_counter_fell",
        }
    }

    /// The kind stored under this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|activity| activity.name() == name)
    }
}

/// The origin of an action, as far as it is known.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The IP address.
    pub address: Option<String>,
    /// The approximate place, if a trusted proxy reports it.
    pub place: Option<String>,
    /// The browser or program, as named by its user agent header.
    pub user_agent: Option<String>,
}

/// The origin of actions without a caller: on the command line, or by the server itself.
pub static UNKNOWN_ORIGIN: Origin = Origin { address: None, place: None, user_agent: None };

/// An entry of account activity, as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The kind of activity.
    pub activity: Activity,
    /// When it happened; of several, the last time.
    pub at: Timestamp,
    /// Where it came from.
    pub origin: Origin,
    /// Its subject: an app's name, an address, or who did it.
    pub about: Option<String>,
    /// The grant it is about, if it is about one.
    pub grant: Option<Id>,
    /// The number of occurrences.
    pub count: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back() {
        for activity in Activity::ALL {
            assert_eq!(Activity::named(activity.name()), Some(activity));
        }
        assert_eq!(Activity::named("signed"), None);
    }
}
