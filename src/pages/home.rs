//! The front door, `templates/home.html`: who is signed in in this browser, with a way out, or a way in.

use askama::Template;

use super::Chrome;

/// The page at the issuer's own address.
#[derive(Debug, Template)]
#[template(path = "home.html")]
pub struct Home<'a> {
    /// The frame.
    pub chrome: Chrome<'a>,
    /// Who is signed in, if anyone.
    pub signed_in: Option<SignedIn<'a>>,
}

/// The person signed in, and the form that signs them out.
#[derive(Debug, Clone, Copy)]
pub struct SignedIn<'a> {
    /// The display name, or username if there is none.
    pub name: &'a str,
    /// The username.
    pub username: &'a str,
    /// The form's proof against forgery.
    pub csrf: &'a str,
    /// Where the form is sent.
    pub action: &'a str,
}
