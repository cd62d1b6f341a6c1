//! The page that finishes a registration after the link in the e-mail, `templates/register_finish.html`: username, display name
//! and password for an address that the link has confirmed. All problems are shown at once, and what was typed is kept.

use askama::Template;

use super::{FormProblem, Layout};
use crate::protocol::account::password_flaw::PasswordFlaw;

/// The form that asks for `username`, `display_name` and `new_password`.
#[derive(Debug, Template)]
#[template(path = "register_finish.html")]
pub struct RegisterFinish<'a> {
    /// The frame.
    pub layout: Layout<'a>,
    /// The app that requested the sign-in, if there is one.
    pub client_name: Option<&'a str>,
    /// The user name of another user, who is signed in in this browser and is signed out by the form.
    pub signed_in: Option<&'a str>,
    /// The address that the e-mail was sent to.
    pub email: &'a str,
    /// The initial username: what was typed.
    pub username: &'a str,
    /// The initial display name: what was typed.
    pub display_name: &'a str,
    /// The password that was typed, sealed, if another field was wrong.
    pub kept: Option<&'a str>,
    /// The minimum length of a password, in characters.
    pub min_length: usize,
    /// The form's action.
    pub action: &'a str,
    /// The form's CSRF token.
    pub csrf: &'a str,
    /// Why the page is shown again.
    pub problems: RegisterFinishProblems,
}

/// Why no account was created; all fields are empty if there is no problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RegisterFinishProblems {
    /// The whole form was rejected.
    pub form: Option<FormProblem>,
    /// What is wrong with the username.
    pub username: Option<UsernameProblem>,
    /// What is wrong with the display name.
    pub display_name: Option<DisplayNameProblem>,
    /// What is wrong with the password.
    pub password: Option<PasswordFlaw>,
}

/// What is wrong with a username.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UsernameProblem {
    /// It is malformed.
    Invalid {
        /// The maximum length, in characters.
        limit: usize,
    },
    /// It belongs to another user.
    Taken,
}

/// What is wrong with a display name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DisplayNameProblem {
    /// It is malformed.
    Invalid {
        /// The maximum length, in characters.
        limit: usize,
    },
}

/// The fields that can have the focus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Username,
    DisplayName,
    Password,
}

impl RegisterFinishProblems {
    /// Whether there are any problems.
    fn are_any(self) -> bool {
        self != Self::default()
    }
}

impl RegisterFinish<'_> {
    /// The first field that must be filled in or corrected.
    fn focus(&self) -> Field {
        if self.problems.username.is_some() || self.username.is_empty() {
            Field::Username
        } else if self.problems.display_name.is_some() || self.kept.is_some() {
            Field::DisplayName
        } else {
            Field::Password
        }
    }
}

#[cfg(test)]
#[path = "register_finish_tests.rs"]
pub(super) mod tests;
