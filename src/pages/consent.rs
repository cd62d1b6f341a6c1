//! The consent page, `templates/consent.html`. Holds what a person must know to decide; the template puts the scopes in words. When
//! consent is asked for, and what an answer does, is not decided here.

use askama::Template;

use super::Chrome;

/// The form that asks whether an app may have access; it sends `decision=allow` or `decision=deny`.
#[derive(Debug, Template)]
#[template(path = "consent.html")]
pub struct Consent<'a> {
    /// The frame.
    pub chrome: Chrome<'a>,
    /// The app that asks.
    pub client_name: &'a str,
    /// Where the answer goes: a host, or the scheme of a native app.
    pub client_host: &'a str,
    /// The person's display name, or username if there is none.
    pub person: &'a str,
    /// The person's username.
    pub username: &'a str,
    /// The scopes asked for, by name.
    pub scopes: &'a [&'a str],
    /// How long the access lasts.
    pub lifetime: Lifetime<'a>,
    /// Whether the answer is asked for anew each time, and not remembered.
    pub asks_each_time: bool,
    /// Where the form is sent.
    pub action: &'a str,
    /// The form's proof against forgery.
    pub csrf: &'a str,
    /// Why the page is shown again.
    pub problem: Option<ConsentProblem>,
}

/// How long the access lasts. Texts are durations in words, such as "30 days".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lifetime<'a> {
    /// The grant ends with the session of the browser.
    UntilSignOut {
        /// The longest it can last.
        at_most: &'a str,
    },
    /// The grant outlives the session (`offline_access`).
    LongLived {
        /// The longest it can last.
        at_most: &'a str,
        /// It ends when it is not used for this long.
        idle: &'a str,
    },
    /// There is no refresh token.
    Once {
        /// The life of the access token.
        minutes: i64,
    },
}

/// Why an answer was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConsentProblem {
    /// The form's proof is too old or of another session.
    FormExpired,
}
