//! The problems that a form of any page can have as a whole; the words are in `templates/form_words.html`. Problems of a single
//! field belong to the field's page.

/// Why a whole form was rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FormProblem {
    /// Too many requests.
    SlowedDown {
        /// How long to wait, in seconds.
        seconds: i64,
    },
    /// The form's CSRF token has expired or belongs to another browser.
    FormExpired,
}
