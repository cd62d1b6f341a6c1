//! What happened to a user's account, `templates/activity.html`, newest first by days, and the form that says "this was not
//! me". The words for each kind stand in `templates/activity_words.html`; what is kept, and for how long, is not decided here.

use askama::Template;

use super::{Form, Layout, Owner, ShownOrigin};
use crate::protocol::activity::Activity;

/// The page.
#[derive(Debug, Template)]
#[template(path = "activity.html")]
pub struct ActivityPage<'a> {
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
    pub kind: Activity,
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

impl ActivityEntry<'_> {
    /// Whether it should stand out: what an unknown caller in the account would cause, or what ends their stay.
    #[must_use]
    pub const fn is_unusual(&self) -> bool {
        matches!(
            self.kind,
            Activity::SignedInAnew
                | Activity::SignInFailed
                | Activity::CredentialReused
                | Activity::AddressChanged
                | Activity::NotMe
                | Activity::PasswordReset
        )
    }

    /// Whether the sentence about it names what it was about.
    const fn names_its_app(&self) -> bool {
        matches!(self.kind, Activity::AppAllowed | Activity::AppEnded | Activity::CredentialReused | Activity::AddressChanged)
    }
}

#[cfg(test)]
#[path = "activity_tests.rs"]
pub(super) mod tests;
