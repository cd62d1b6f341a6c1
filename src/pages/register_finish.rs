//! The page that finishes a registration after the link in the e-mail, `templates/register_finish.html`: username, display name
//! and password for an address that is confirmed by it. Everything that is wrong is said at once, as the password has to be typed
//! again.

use askama::Template;

use super::{FormProblem, Layout};
use crate::protocol::password_flaw::PasswordFlaw;

/// The form that asks for `username`, `display_name` and `new_password`.
#[derive(Debug, Template)]
#[template(path = "register_finish.html")]
pub struct RegisterFinish<'a> {
    /// The frame.
    pub layout: Layout<'a>,
    /// The app the user is on the way to, if there is one.
    pub client_name: Option<&'a str>,
    /// The address the e-mail went to.
    pub email: &'a str,
    /// The username to begin with: what was typed.
    pub username: &'a str,
    /// The display name to begin with: what was typed.
    pub display_name: &'a str,
    /// How many characters a password must have at least.
    pub min_length: usize,
    /// Where the form is sent.
    pub action: &'a str,
    /// The form's proof against forgery.
    pub csrf: &'a str,
    /// Why the page is shown again.
    pub problems: RegisterFinishProblems,
}

/// Why no account was made. Nothing of it, where there is no problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RegisterFinishProblems {
    /// The form was not taken at all.
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
    /// It has not the form of one.
    Invalid {
        /// How many characters it may have.
        limit: usize,
    },
    /// Someone else has it.
    Taken,
}

/// What is wrong with a display name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DisplayNameProblem {
    /// It has not the form of one.
    Invalid {
        /// How many characters it may have.
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
    /// Whether there are any.
    fn are_any(self) -> bool {
        self != Self::default()
    }
}

impl RegisterFinish<'_> {
    /// The first field that must be typed (anew).
    fn focus(&self) -> Field {
        if self.problems.username.is_some() || self.username.is_empty() {
            Field::Username
        } else if self.problems.display_name.is_some() {
            Field::DisplayName
        } else {
            Field::Password
        }
    }
}

#[cfg(test)]
#[path = "register_finish_tests.rs"]
pub(super) mod tests;
