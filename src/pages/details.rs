//! The page on which a user changes their display name, `templates/details.html`. Which names are valid is not decided here.

use askama::Template;

use super::{Layout, Owner};

/// The form; it sends `display_name`, and an empty one removes the name.
#[derive(Debug, Template)]
#[template(path = "details.html")]
pub struct Details<'a> {
    /// The frame.
    pub layout: Layout<'a>,
    /// The owner of the account.
    pub owner: Owner<'a>,
    /// The initial value: the name that was typed, or the stored one; empty if there is none.
    pub display_name: &'a str,
    /// Its maximum length, in characters.
    pub limit: usize,
    /// The form's action.
    pub action: &'a str,
    /// The form's CSRF token.
    pub csrf: &'a str,
    /// Whether the last form was saved.
    pub is_saved: bool,
    /// Why the page is shown again.
    pub problem: Option<DetailsProblem>,
}

/// Why the name was rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DetailsProblem {
    /// It is too long.
    TooLong,
    /// It is not one line of text.
    NotOneLine,
    /// The form's CSRF token has expired or belongs to another session.
    FormExpired,
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::account_frame::tests::{ALICE, LONG, RIGHT_TO_LEFT, assert_framed};
    use super::super::samples::{LAYOUT, Sample, assert_escaped, hostile, sample};
    use super::*;

    const PAGE: Details<'static> = Details {
        layout: LAYOUT,
        owner: ALICE,
        display_name: "Alice Example",
        limit: 200,
        action: "/account/details",
        csrf: "form-proof",
        is_saved: false,
        problem: None,
    };

    pub fn samples() -> Vec<Sample> {
        let again = |problem| Details { problem: Some(problem), ..PAGE };
        let named = |name| Details { owner: Owner { name, ..ALICE }, display_name: name, ..PAGE };
        let unnamed = Details { owner: Owner { name: "alice", ..ALICE }, display_name: "", ..PAGE };
        vec![
            sample("details", &PAGE),
            sample("details-none", &unnamed),
            sample("details-long", &named(LONG)),
            sample("details-right-to-left", &named(RIGHT_TO_LEFT)),
            sample("details-saved", &Details { is_saved: true, ..PAGE }),
            sample("details-too-long", &again(DetailsProblem::TooLong)),
            sample("details-lines", &again(DetailsProblem::NotOneLine)),
            sample("details-expired", &again(DetailsProblem::FormExpired)),
        ]
    }

    #[test]
    fn hostile_values_are_escaped() {
        let fields = ["name", "username", "typed", "action", "csrf"];
        let [name, username, typed, action, csrf] = fields.map(hostile);
        let owner = Owner { name: &name, username: &username };
        assert_escaped(&Details { owner, display_name: &typed, action: &action, csrf: &csrf, ..PAGE }, &fields);
    }

    #[test]
    fn it_is_a_page_of_the_account() {
        assert_framed(&PAGE, "/account/details");
    }

    #[test]
    fn what_happened_is_told() {
        let saved = Details { is_saved: true, ..PAGE }.render().unwrap();
        assert!(saved.contains("role=\"status\"") && !saved.contains("role=\"alert\""));
        for (problem, words) in [
            (DetailsProblem::TooLong, "at most 200 characters"),
            (DetailsProblem::NotOneLine, "single line"),
            (DetailsProblem::FormExpired, "has expired"),
        ] {
            let html = Details { problem: Some(problem), ..PAGE }.render().unwrap();
            assert!(html.contains(words) && html.contains("role=\"alert\"") && html.contains("<title>Error: "), "{problem:?}");
            let is_invalid = html.contains("aria-invalid");
            assert_eq!(is_invalid, problem != DetailsProblem::FormExpired, "{problem:?}");
        }
    }
}
