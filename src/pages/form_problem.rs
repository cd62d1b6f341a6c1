//! Why a form of any page was not taken, apart from what was typed into it; the words stand in `templates/form_words.html`. What
//! is wrong with a field belongs to the page of the field.

/// Why a form was not taken as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FormProblem {
    /// Too many of them came.
    SlowedDown {
        /// How long to wait.
        seconds: i64,
    },
    /// The form's proof is too old or of another browser.
    FormExpired,
}
