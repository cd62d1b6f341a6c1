//! The activity page of an account, `templates/activity.html`: entries by day, newest first, and the form "this was not me". The
//! words for each kind are in `templates/activity_words.html`; which entries are kept, and for how long, is not decided here.

use askama::Template;

use super::{Form, Layout, Owner, ShownOrigin, When};
use crate::protocol::account::activity::Activity;

/// The page.
#[derive(Debug, Template)]
#[template(path = "activity.html")]
pub struct ActivityPage<'a> {
    /// The frame.
    pub layout: Layout<'a>,
    /// The owner of the account.
    pub owner: Owner<'a>,
    /// The days that have entries, newest first.
    pub days: &'a [ActivityDay<'a>],
    /// The URL of earlier entries, if there are any.
    pub older: Option<&'a str>,
    /// The URL of the newest entries, if they are not on this page.
    pub newest: Option<&'a str>,
    /// The form "this was not me".
    pub not_me: Form<'a>,
    /// The effect of that form.
    pub effect: NotMeEffect,
    /// When every way to sign in but the password is removed, if an operator has requested it, and the form that cancels it.
    pub reset: Option<(When<'a>, Form<'a>)>,
    /// Whether it was cancelled just now.
    pub is_reset_cancelled: bool,
    /// Why the form was rejected.
    pub problem: Option<ActivityProblem>,
}

/// The entries of one day.
#[derive(Debug, Clone, Copy)]
pub struct ActivityDay<'a> {
    /// The day, such as "Sunday, 22 November 2026".
    pub name: &'a str,
    /// The entries, newest first.
    pub entries: &'a [ActivityEntry<'a>],
}

/// An entry: one event, or several of the same kind.
#[derive(Debug, Clone, Copy)]
pub struct ActivityEntry<'a> {
    /// The kind.
    pub kind: Activity,
    /// The time, machine-readable; of several events, the last.
    pub iso: &'a str,
    /// The time of the day, such as "05:37 UTC".
    pub clock: &'a str,
    /// The origin.
    pub origin: ShownOrigin<'a>,
    /// The subject: an app's name, an address, or the actor.
    pub about: Option<&'a str>,
    /// The id of the grant that it is about, if its history is still there.
    pub grant: Option<&'a str>,
    /// The number of events.
    pub count: u32,
}

/// The effect of the form "this was not me".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotMeEffect {
    /// Everything is ended, the password included; a new one is set by e-mail.
    ResetByMail,
    /// Everything but this browser is ended; the user then changes the password, with the old one.
    ChangePassword,
}

/// Why the form was rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ActivityProblem {
    /// The form's CSRF token has expired or belongs to another session.
    FormExpired,
}

impl ActivityEntry<'_> {
    /// Whether the entry is highlighted: an intruder would cause it, or it ends an intruder's access.
    #[must_use]
    pub const fn is_unusual(&self) -> bool {
        matches!(
            self.kind,
            Activity::SignedInAnew
                | Activity::SignInFailed
                | Activity::CredentialReused
                | Activity::NewNetwork
                | Activity::NotMe
                | Activity::PasswordReset
                | Activity::RecoveryCodeUsed
                | Activity::ResetPlanned
                | Activity::AuthenticatorsReset
                | Activity::PasskeyCounterFell
        )
    }

    /// Whether the sentence for this kind already names its subject.
    const fn names_its_app(&self) -> bool {
        use Activity::{
            AppAllowed, AppAllowedByOperator, AppEnded, CredentialReused, NewNetwork, RecoveryCodeUsed, SignedOutByApp,
        };
        let of_app = matches!(self.kind, SignedOutByApp | AppAllowed | AppAllowedByOperator | AppEnded | CredentialReused);
        of_app || matches!(self.kind, NewNetwork | RecoveryCodeUsed)
    }
}

#[cfg(test)]
#[path = "activity_tests.rs"]
pub(super) mod tests;
