//! Links in mails: what each is for, and how long it is good. The text of a link is a credential derived from its row's id; the
//! row says whom it is for, and whether it was used. A link only shows a page: what it is for is done by the form there, once.

use serde::{Deserialize, Serialize};

use super::{
    activity::Origin,
    notification::NotificationKind,
    time::{Span, Timestamp},
};

/// What a link is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkKind {
    /// To make an account with the address it was sent to.
    Register,
    /// The same, by an operator's invitation.
    Invitation,
    /// To set a new password, in the browser that asked for it.
    Reset,
    /// To confirm a new address of an account.
    ConfirmEmail,
    /// To say "this was not me".
    NotMe,
}

impl LinkKind {
    const ALL: [Self; 5] = [Self::Register, Self::Invitation, Self::Reset, Self::ConfirmEmail, Self::NotMe];

    /// The name under which it is kept.
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

    /// The one of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// How long it is good. A new password: ten minutes at most (ASVS 6.5.5; NIST SP 800-63B-4 §3.1.3.2).
    #[must_use]
    pub const fn lifetime(self) -> Span {
        Span::from_seconds(match self {
            Self::Reset => 600,
            Self::Register | Self::ConfirmEmail => 86_400,
            Self::Invitation | Self::NotMe => 7 * 86_400,
        })
    }
}

/// What an invitation brings to the account that is made by it; kept with its link.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invited {
    /// What the user may do, in the words of the APIs.
    #[serde(default)]
    pub roles: Vec<String>,
    /// What they belong to.
    #[serde(default)]
    pub groups: Vec<String>,
}

/// What an e-mail told of, kept with its link "this was not me", so that the page of the link can tell it again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotifiedEvent {
    /// Which e-mail.
    #[serde(alias = "letter")]
    pub kind: NotificationKind,
    /// What it was about: an app's name, a new e-mail address.
    pub about: Option<String>,
    /// When it happened.
    pub at: Timestamp,
    /// From where.
    pub origin: Origin,
}

/// What else belongs to a link, as its kind has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum LinkContent {
    /// Nothing.
    #[default]
    Nothing,
    /// The authorization request to go on with, as a query: of [`LinkKind::Register`] and [`LinkKind::Reset`].
    Request(String),
    /// Of [`LinkKind::Invitation`].
    Invited(Invited),
    /// Of [`LinkKind::NotMe`].
    NotMe(NotifiedEvent),
}

impl LinkContent {
    /// The content for a request; one that is empty is none.
    #[must_use]
    pub fn of_request(query: &str) -> Self {
        if query.is_empty() { Self::Nothing } else { Self::Request(query.to_owned()) }
    }

    /// The request to go on with.
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
