//! Response modes of the authorization endpoint: in the query, in the fragment (OAuth 2.0 Multiple Response Types §2.1) or by a
//! posted form (OAuth 2.0 Form Post Response Mode).

use crate::protocol::error::Invalid;

/// How the response parameters are returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResponseMode {
    /// In the query of the redirect URI; the default for `response_type=code`.
    Query,
    /// In its fragment.
    Fragment,
    /// In the body of a form that the browser posts.
    FormPost,
}

/// The supported modes, as in the discovery document.
pub const MODES: [&str; 3] = ["query", "fragment", "form_post"];

impl ResponseMode {
    /// Parses `response_mode`.
    ///
    /// # Errors
    /// The expected and the received value.
    pub fn parse(text: Option<&str>) -> Result<Self, Invalid> {
        match text {
            None | Some("query") => Ok(Self::Query),
            Some("fragment") => Ok(Self::Fragment),
            Some("form_post") => Ok(Self::FormPost),
            Some(other) => Err(format!("response_mode: expected one of {}, received '{other}'", MODES.join(", ")).into()),
        }
    }
}
