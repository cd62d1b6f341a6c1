//! What users are told by mail: which e-mail, to whom, about what. Kept in the queue until it is sent; a link in it is kept
//! as its row's id alone, and derived when the e-mail is written. The words stand in `templates/mail`.

use serde::{Deserialize, Serialize};

use super::{activity::Origin, id::Id, time::Timestamp};

/// Which e-mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NotificationKind {
    /// A sign-in in a browser that was not known, or from where it was never seen. Link: this was not me.
    NewDevice,
    /// An app goes on from another network. Link: this was not me.
    AddressChanged,
    /// A token that was used before came again: the app's access was ended. Link: this was not me.
    CredentialReused,
    /// The password was changed with the old one. Link: this was not me.
    PasswordChanged,
    /// A new password was set by a link or by an operator. Link: this was not me.
    PasswordReset,
    /// An operator took the password away. No link to anything: it says where a new one is asked for.
    PasswordTaken,
    /// The e-mail address was changed; to the old one. Link: this was not me; none where an operator changed it.
    EmailChanged,
    /// To a new address of someone who has an account; it names the account. Link: it is mine.
    ConfirmEmail,
    /// A new password was asked for. Link: set it.
    Reset,
    /// To an address with which someone wants to register. Link: go on.
    Register,
    /// To an address that has an account, with which someone wanted to register, or another account that it names. No link.
    AlreadyRegistered,
    /// An operator invites the owner of an address. Link: register.
    Invitation,
}

impl NotificationKind {
    /// Whether the e-mail describes of something that has happened, and is worth sending where its link was ended since.
    #[must_use]
    pub const fn describes(self) -> bool {
        matches!(
            self,
            Self::NewDevice
                | Self::AddressChanged
                | Self::CredentialReused
                | Self::PasswordChanged
                | Self::PasswordReset
                | Self::EmailChanged
        )
    }
}

/// An e-mail to be written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notification {
    /// Which.
    #[serde(alias = "letter")]
    pub kind: NotificationKind,
    /// The address it goes to.
    pub to: String,
    /// The name of whom it is to, where they have one.
    pub name: Option<String>,
    /// When it happened.
    pub at: Timestamp,
    /// From where.
    pub origin: Origin,
    /// What it is about: an app's name, a new e-mail address, a user name.
    pub about: Option<String>,
    /// The row of the link in it.
    pub link: Option<Id>,
}
