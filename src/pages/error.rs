//! The error page, `templates/error.html` with the words in `templates/error_words.html`. For requests that cannot be answered by a
//! redirect (RFC 6749 4.1.2.1) and for faults of our own. Holds which problem it is; finding it out is the caller's.

use askama::Template;

use super::Chrome;

/// A page that says what happened, what was expected and received, and what to do.
#[derive(Debug, Template)]
#[template(path = "error.html")]
pub struct Error<'a> {
    /// The frame.
    pub chrome: Chrome<'a>,
    /// The HTTP status of the answer.
    pub status: u16,
    /// What happened.
    pub problem: Problem<'a>,
}

/// What happened. Texts may come from outside: the template escapes them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Problem<'a> {
    /// `client_id` is of no registered client.
    UnknownClient {
        /// The `client_id`.
        received: &'a str,
    },
    /// There is no `client_id`.
    MissingClient,
    /// There is no `redirect_uri`.
    RedirectUriMissing {
        /// How many the client has registered.
        registered_count: usize,
    },
    /// `redirect_uri` is not one the client has registered.
    RedirectUriMismatch {
        /// The `redirect_uri`.
        received: &'a str,
        /// The client's name.
        client_name: &'a str,
        /// How it differs from a registered one, if it is close.
        hint: Option<RedirectHint>,
    },
    /// A parameter came more than once.
    RepeatedParameter {
        /// Its name.
        name: &'a str,
    },
    /// The request is not in the form it must have.
    MalformedRequest {
        /// What is wrong with it.
        detail: &'a str,
    },
    /// The request is too long.
    TooLarge {
        /// How many bytes are read.
        limit: usize,
    },
    /// A form's proof is too old or of another session, and its page cannot be shown again.
    FormExpired,
    /// There is nothing at this path.
    NotFound {
        /// The path.
        path: &'a str,
    },
    /// The path is right, the method is not. The answer has an `Allow` header.
    MethodNotAllowed {
        /// The method.
        method: &'a str,
    },
    /// The request came by plain http from where that is not allowed.
    InsecureTransport,
    /// Something needed is out of reach: to be tried again soon.
    Unavailable,
    /// A fault of our own.
    Internal,
    /// The client is switched off.
    ClientDisabled {
        /// The client's name.
        client_name: &'a str,
    },
}

/// The one thing in which a `redirect_uri` differs from a registered one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RedirectHint {
    /// A slash at the end.
    TrailingSlash,
    /// The scheme.
    Scheme,
    /// The port.
    Port,
    /// Capital letters in the host.
    HostCase,
    /// `localhost` for a loopback address, or the other way round.
    Localhost,
    /// The query.
    QueryDiffers,
}
