//! The machine-readable state of a page: the attributes `data-page`, `data-state`, `data-done` and `data-problem` of its
//! `<main>`. Tests and scripts read these rather than sentences, so that wording can be improved without breaking them. A value
//! is the name of an enum's variant in kebab case.

use std::fmt::{self, Write};

/// The name of a variant in kebab case: `FormExpired` is `form-expired`. The contents of a variant are omitted, except that `Form`
/// gives way to the [`FormProblem`](super::FormProblem) it holds.
pub fn kebab(value: &impl fmt::Debug) -> String {
    let mut name = Name(String::new());
    // The writer fails on purpose at the end of the name, so that nothing after it is formatted.
    let _ = write!(name, "{value:?}");
    name.0
}

/// Accepts letters and digits, and refuses everything from the first other character on.
struct Name(String);

impl Write for Name {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for c in text.chars() {
            if c == '(' && self.0 == "form" {
                self.0.clear();
                continue;
            }
            if !c.is_ascii_alphanumeric() {
                return Err(fmt::Error);
            }
            if c.is_ascii_uppercase() && !self.0.is_empty() {
                self.0.push('-');
            }
            self.0.push(c.to_ascii_lowercase());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::{FormProblem, LoginProblem, Problem};

    #[test]
    fn a_variant_is_named_without_what_it_holds() {
        assert_eq!(kebab(&FormProblem::FormExpired), "form-expired");
        assert_eq!(kebab(&LoginProblem::Form(FormProblem::FormExpired)), "form-expired");
        assert_eq!(kebab(&&LoginProblem::Form(FormProblem::SlowedDown { seconds: 7 })), "slowed-down");
        assert_eq!(kebab(&Problem::UnknownClient { received: "a \"b\" C" }), "unknown-client");
        assert_eq!(kebab(&Some(1)), "some");
    }
}
