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

#[cfg(test)]
pub(super) mod tests {
    use super::super::samples::{CHROME, Sample, assert_escaped, hostile, sample};
    use super::*;

    pub fn samples() -> Vec<Sample> {
        let question = SignOut { chrome: CHROME, name: "Alice Example", csrf: "form-proof", action: "/logout" };
        vec![sample("sign-out", &question), sample("signed-out", &SignedOut { chrome: CHROME })]
    }

    #[test]
    fn hostile_values_are_escaped() {
        let fields = ["name", "csrf", "action"];
        let [name, csrf, action] = fields.map(hostile);
        let page = SignOut { chrome: CHROME, name: &name, csrf: &csrf, action: &action };
        assert_escaped(&page, &fields);
    }
}
