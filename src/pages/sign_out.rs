//! The two pages of signing out: the question (`templates/sign_out.html`) and the end (`templates/signed_out.html`). What signing out
//! ends besides the session is decided elsewhere.

use askama::Template;

use super::Chrome;

/// The form that asks before the session is ended.
#[derive(Debug, Template)]
#[template(path = "sign_out.html")]
pub struct SignOut<'a> {
    /// The frame.
    pub chrome: Chrome<'a>,
    /// The person's display name, or username if there is none.
    pub name: &'a str,
    /// The form's proof against forgery.
    pub csrf: &'a str,
    /// Where the form is sent.
    pub action: &'a str,
}

/// The page after the session has ended.
#[derive(Debug, Template)]
#[template(path = "signed_out.html")]
pub struct SignedOut<'a> {
    /// The frame.
    pub chrome: Chrome<'a>,
}
