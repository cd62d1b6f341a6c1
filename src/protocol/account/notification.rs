//! Notifications by e-mail: their kind, recipient and content. They are queued until sent; a link in one is stored only as its
//! row's id, and derived when the e-mail is written. The wording is in `templates/mail`.

use serde::{Deserialize, Serialize};

use super::activity::Origin;
use crate::protocol::values::{id::Id, time::Timestamp};

/// The kind of e-mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NotificationKind {
    /// A sign-in in an unknown browser, or from a network in which it was never seen. Link: this was not me.
    NewDevice,
    /// An app continues from another network. Link: this was not me.
    #[serde(alias = "address_changed")]
    NewNetwork,
    /// A used token was replayed: the app's access was revoked. Link: this was not me.
    CredentialReused,
    /// The password was changed with the old one. Link: this was not me.
    PasswordChanged,
    /// A new password was set by a link or by an operator. Link: this was not me.
    PasswordReset,
    /// A passkey or a TOTP app was added. Link: this was not me, which removes it again.
    AuthenticatorAdded,
    /// A passkey, a TOTP app or the password was removed by the user. Link: this was not me.
    AuthenticatorRemoved,
    /// A new set of recovery codes was made. Link: this was not me.
    RecoveryCodesMade,
    /// A recovery code was used. Link: this was not me.
    RecoveryCodeUsed,
    /// An operator will remove everything but the password that the user can sign in with. Link: this was not me, which cancels it.
    ResetPlanned,
    /// That was cancelled. Link: this was not me.
    ResetCancelled,
    /// It was done. Link: this was not me.
    AuthenticatorsReset,
    /// An operator removed the password. No link that performs an action: it says where to request a new one.
    PasswordTaken,
    /// The e-mail address was changed; to the old one. Link: this was not me; none if an operator changed it.
    EmailChanged,
    /// A change of address was requested; to the new one, naming the account. Link: confirm the address.
    ConfirmEmail,
    /// A password reset was requested. Link: set a new password.
    Reset,
    /// A registration was requested with this address. Link: continue.
    Register,
    /// To an address that already has an account, after a registration with it was requested, or a change of another account's
    /// address to it; then that account is named. No link.
    AlreadyRegistered,
    /// An operator invites the owner of an address. Link: register.
    Invitation,
}

impl NotificationKind {
    /// Whether the e-mail reports something that has happened, and is worth sending although its link has been ended since.
    #[must_use]
    pub const fn describes(self) -> bool {
        matches!(
            self,
            Self::NewDevice
                | Self::NewNetwork
                | Self::CredentialReused
                | Self::PasswordChanged
                | Self::PasswordReset
                | Self::EmailChanged
                | Self::AuthenticatorAdded
                | Self::AuthenticatorRemoved
                | Self::RecoveryCodesMade
                | Self::RecoveryCodeUsed
                | Self::ResetPlanned
                | Self::ResetCancelled
                | Self::AuthenticatorsReset
        )
    }
}

/// A notification to be sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notification {
    /// Its kind.
    #[serde(alias = "letter")]
    pub kind: NotificationKind,
    /// The recipient's address.
    pub to: String,
    /// The recipient's name, if they have one.
    pub name: Option<String>,
    /// When it happened.
    pub at: Timestamp,
    /// Where it came from.
    pub origin: Origin,
    /// Its subject: an app's name, a new e-mail address, a user name.
    pub about: Option<String>,
    /// The row of its link.
    pub link: Option<Id>,
    /// The grant that it is about, whose history the user can see after signing in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grant: Option<Id>,
}
