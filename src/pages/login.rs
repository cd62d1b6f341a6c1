//! The sign-in page, `templates/login.html`. Holds what the form starts with and what was wrong the last time; who may sign in, and
//! how attempts are slowed, is not decided here.

use askama::Template;

use super::Chrome;

/// The form that asks for name and password.
#[derive(Debug, Template)]
#[template(path = "login.html")]
pub struct Login<'a> {
    /// The frame.
    pub chrome: Chrome<'a>,
    /// The app the person is on the way to, if there is one.
    pub client_name: Option<&'a str>,
    /// Where the form is sent, with the query of the authorization request.
    pub action: &'a str,
    /// The form's proof against forgery.
    pub csrf: &'a str,
    /// The name to begin with: what was typed, or `login_hint`. If there is one, the password has the focus.
    pub username: &'a str,
    /// Why the page is shown again.
    pub problem: Option<LoginProblem>,
}

/// Why a sign-in did not succeed. Unknown names, wrong passwords and disabled people look alike on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoginProblem {
    /// No such name with such a password.
    WrongNameOrPassword,
    /// Too many attempts.
    SlowedDown {
        /// How long to wait.
        seconds: i64,
    },
    /// The form's proof is too old or of another browser.
    FormExpired,
}
