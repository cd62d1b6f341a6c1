//! What happens to a user's account, as they are told of it: the kinds of security activity, by the names under which they
//! are kept. The words for them stand in the templates.

use serde::{Deserialize, Serialize};

use super::time::Timestamp;

/// Something that happened to an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activity {
    /// The account was made by oneself.
    Registered,
    /// An operator added the account.
    Added,
    /// A sign-in.
    SignedIn,
    /// A sign-in in a browser that was not known, or from where this one was never seen before.
    SignedInAnew,
    /// Sign-ins that failed, one after the other from one network.
    SignInFailed,
    /// A sign-out.
    SignedOut,
    /// A browser's session was ended from another.
    SessionEnded,
    /// An app was allowed something.
    AppAllowed,
    /// An app's access was ended.
    AppEnded,
    /// A code or refresh token that was used before came again: the app's access was ended.
    CredentialReused,
    /// An app went on from another network.
    AddressChanged,
    /// Every session and every access was ended, or all others.
    EverythingEnded,
    /// The user said that it was not them.
    NotMe,
    /// The password was changed with the old one.
    PasswordChanged,
    /// A new password was asked for by mail.
    ResetRequested,
    /// A new password was set by a link, or by an operator.
    PasswordReset,
    /// Another e-mail address is to be confirmed.
    EmailChangeRequested,
    /// The e-mail address was changed.
    EmailChanged,
    /// The e-mail address they have became known to be theirs, by a link or by an operator.
    EmailVerified,
    /// The e-mail address they have is not known to be theirs any more, an operator says.
    EmailUnverified,
    /// The display name was changed, or what else apps are told of the user.
    DetailsChanged,
    /// The user is to sign in again before any access goes on.
    SignInAgain,
    /// An operator switched the account off.
    Disabled,
    /// An operator switched the account on.
    Enabled,
    /// An operator ended the links of e-mails that could still be used.
    LinksEnded,
    /// The data kept of the user were handed out to them.
    Exported,
}

impl Activity {
    /// Every one.
    pub const ALL: [Self; 26] = [
        Self::Registered,
        Self::Added,
        Self::SignedIn,
        Self::SignedInAnew,
        Self::SignInFailed,
        Self::SignedOut,
        Self::SessionEnded,
        Self::AppAllowed,
        Self::AppEnded,
        Self::CredentialReused,
        Self::AddressChanged,
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
    ];

    /// The name under which it is kept.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Registered => "registered",
            Self::Added => "added",
            Self::SignedIn => "signed_in",
            Self::SignedInAnew => "signed_in_anew",
            Self::SignInFailed => "sign_in_failed",
            Self::SignedOut => "signed_out",
            Self::SessionEnded => "session_ended",
            Self::AppAllowed => "app_allowed",
            Self::AppEnded => "app_ended",
            Self::CredentialReused => "credential_reused",
            Self::AddressChanged => "address_changed",
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
        }
    }

    /// The one of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|activity| activity.name() == name)
    }
}

/// Where something came from, as far as it is known.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The address.
    pub address: Option<String>,
    /// The place, coarsely, where a trusted proxy tells it.
    pub place: Option<String>,
    /// The browser or program, as it names itself.
    pub user_agent: Option<String>,
}

/// What comes from no caller: done on the command line, or by the server itself.
pub static UNKNOWN_ORIGIN: Origin = Origin { address: None, place: None, user_agent: None };

/// Something that happened to an account, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What.
    pub activity: Activity,
    /// When; of several, the last time.
    pub at: Timestamp,
    /// From where.
    pub origin: Origin,
    /// What it was about: an app's name, an address, who did it.
    pub about: Option<String>,
    /// How often.
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
