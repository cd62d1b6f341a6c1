//! What happened to a user's account, `templates/activity.html`, newest first by days, and the form that says "this was not
//! me". The words for each kind stand in `templates/activity_words.html`; what is kept, and for how long, is not decided here.

use askama::Template;

use super::{Form, Layout, Owner, ShownOrigin};

/// The page.
#[derive(Debug, Template)]
#[template(path = "activity.html")]
pub struct Activity<'a> {
    /// The frame.
    pub layout: Layout<'a>,
    /// Whose account it is.
    pub owner: Owner<'a>,
    /// The days on which something happened, newest first.
    pub days: &'a [ActivityDay<'a>],
    /// Where earlier ones are, if there are any.
    pub older: Option<&'a str>,
    /// Where the newest are, if they are not on this page.
    pub newest: Option<&'a str>,
    /// The form that says "this was not me".
    pub not_me: Form<'a>,
    /// What it does.
    pub effect: NotMeEffect,
    /// Why the form was not taken.
    pub problem: Option<ActivityProblem>,
}

/// What happened on one day.
#[derive(Debug, Clone, Copy)]
pub struct ActivityDay<'a> {
    /// The day, such as "Sunday, 22 November 2026".
    pub name: &'a str,
    /// What happened, newest first.
    pub entries: &'a [ActivityEntry<'a>],
}

/// Something that happened.
#[derive(Debug, Clone, Copy)]
pub struct ActivityEntry<'a> {
    /// What.
    pub kind: ActivityKind,
    /// When, for machines; of several, the last time.
    pub iso: &'a str,
    /// The time of the day, such as "05:37 UTC".
    pub clock: &'a str,
    /// From where.
    pub origin: ShownOrigin<'a>,
    /// What it was about: an app's name, an address, who did it.
    pub about: Option<&'a str>,
    /// How often.
    pub count: u32,
}

/// What the form "this was not me" does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotMeEffect {
    /// Everything ends, the password too; a new one is set by mail.
    ResetByMail,
    /// Everything but this browser ends; the password is changed next, with the old one.
    ChangePassword,
}

/// Why the form was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ActivityProblem {
    /// The form's proof is too old or of another session.
    FormExpired,
}

/// The kinds of what happens to an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ActivityKind {
    /// The account was made by oneself.
    Registered,
    /// An operator added the account.
    Added,
    /// A sign-in.
    SignedIn,
    /// A sign-in in a browser that was not known, or from where this one was never seen before.
    SignedInAnew,
    /// Sign-ins that failed.
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

impl ActivityKind {
    /// Whether it should stand out: what an unknown caller in the account would cause, or what ends their stay.
    #[must_use]
    pub const fn is_unusual(self) -> bool {
        matches!(
            self,
            Self::SignedInAnew
                | Self::SignInFailed
                | Self::CredentialReused
                | Self::AddressChanged
                | Self::NotMe
                | Self::PasswordReset
        )
    }

    /// Whether the sentence about it names what it was about.
    const fn names_its_app(self) -> bool {
        matches!(self, Self::AppAllowed | Self::AppEnded | Self::CredentialReused | Self::AddressChanged)
    }
}

#[cfg(test)]
#[path = "activity_tests.rs"]
pub(super) mod tests;
