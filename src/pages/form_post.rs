//! The page that carries an answer to an app as a form, `templates/form_post.html` (OAuth 2.0 Form Post Response Mode, section 2).
//! Whether `action` is a registered redirect URI is settled before it comes here.

use askama::Template;

use super::Chrome;

/// A form that sends itself, with a button for browsers that run no scripts.
#[derive(Debug, Template)]
#[template(path = "form_post.html")]
pub struct FormPost<'a> {
    /// The frame.
    pub chrome: Chrome<'a>,
    /// The redirect URI.
    pub action: &'a str,
    /// The parameters of the answer, in order.
    pub fields: &'a [(&'a str, &'a str)],
}
