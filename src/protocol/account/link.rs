//! E-mail links: their kinds and lifetimes. The text of a link is a credential derived from its row's id; the row says whom it is
//! for, and whether it was used. Opening a link only shows a page: its action is performed by the form there, once.

use serde::{Deserialize, Serialize};

use super::{activity::Origin, notification::NotificationKind};
use crate::protocol::values::{
    id::Id,
    time::{Span, Timestamp},
};

/// The purpose of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkKind {
    /// To register with the address it was sent to.
    Register,
    /// The same, by an operator's invitation.
    Invitation,
    /// To set a new password, in the browser that requested it.
    Reset,
    /// To confirm a new address of an account.
    ConfirmEmail,
    /// To say "this was not me".
    NotMe,
}

impl LinkKind {
    const ALL: [Self; 5] = [Self::Register, Self::Invitation, Self::Reset, Self::ConfirmEmail, Self::NotMe];

    /// The name it is stored under.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Register => "register",
            Self::Invitation => "invitation",
            Self::Reset => "reset",
            Self::ConfirmEmail => "confirm_email",
            Self::NotMe => "not_me",
        }
    }

    /// The kind stored under this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Its lifetime. For a password reset, ten minutes at most (ASVS 6.5.5; NIST SP 800-63B-4 §3.1.3.2).
    #[must_use]
    pub const fn lifetime(self) -> Span {
        Span::from_seconds(match self {
            Self::Reset => 600,
            Self::Register | Self::ConfirmEmail => 86_400,
            Self::Invitation | Self::NotMe => 7 * 86_400,
        })
    }
}

/// The roles and groups that an invitation gives to the new account; stored with its link.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invited {
    /// The user's roles, in the terms of the APIs.
    #[serde(default)]
    pub roles: Vec<String>,
    /// The user's groups.
    #[serde(default)]
    pub groups: Vec<String>,
}

/// The event that an e-mail notified of, stored with its "this was not me" link, so that the link's page can show it again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotifiedEvent {
    /// The kind of e-mail.
    #[serde(alias = "letter")]
    pub kind: NotificationKind,
    /// Its subject: an app's name, a new e-mail address.
    pub about: Option<String>,
    /// When it happened.
    pub at: Timestamp,
    /// Where it came from.
    pub origin: Origin,
    /// The authenticator that was added, which "this was not me" removes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authenticator: Option<Id>,
}

/// Further content of a link, depending on its kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum LinkContent {
    /// Nothing.
    #[default]
    Nothing,
    /// The pending authorization request, as a query string: for [`LinkKind::Register`] and [`LinkKind::Reset`].
    Request(String),
    /// For [`LinkKind::Invitation`].
    Invited(Invited),
    /// For [`LinkKind::NotMe`].
    NotMe(NotifiedEvent),
}

impl LinkContent {
    /// The content for a request; nothing if it is empty.
    #[must_use]
    pub fn of_request(query: &str) -> Self {
        if query.is_empty() { Self::Nothing } else { Self::Request(query.to_owned()) }
    }

    /// The pending authorization request.
    #[must_use]
    pub fn request(&self) -> Option<&str> {
        if let Self::Request(query) = self { Some(query) } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back() {
        for kind in LinkKind::ALL {
            assert_eq!(LinkKind::named(kind.name()), Some(kind));
        }
        assert_eq!(LinkKind::named("link"), None);
    }
}
