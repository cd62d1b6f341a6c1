//! The page on which the user chooses the account to continue with, `templates/select_account.html` (OpenID Connect Core 3.1.2.1,
//! `prompt` with `select_account`). A browser has one session, so the choice is that account or another; what an answer does is
//! not decided here.

use askama::Template;

use super::Layout;

/// The form that asks for an account; it sends `choice=continue` or `choice=other`.
#[derive(Debug, Template)]
#[template(path = "select_account.html")]
pub struct SelectAccount<'a> {
    /// The frame.
    pub layout: Layout<'a>,
    /// The app that requested the sign-in, if there is one.
    pub client_name: Option<&'a str>,
    /// The display name of the signed-in user, or the username if there is none.
    pub user: &'a str,
    /// The username of the signed-in user.
    pub username: &'a str,
    /// The form's action, with the query of the authorization request.
    pub action: &'a str,
    /// The form's CSRF token.
    pub csrf: &'a str,
    /// Why the page is shown again.
    pub problem: Option<SelectAccountProblem>,
}

/// Why a choice was rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SelectAccountProblem {
    /// The form's CSRF token has expired or belongs to another session.
    FormExpired,
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::markup;
    use super::super::samples::{LAYOUT, Sample, assert_escaped, hostile, sample};
    use super::*;

    const ALICE: SelectAccount<'static> = SelectAccount {
        layout: LAYOUT,
        client_name: Some("Example Notes"),
        user: "Alice Example",
        username: "alice",
        action: "/select-account?client_id=notes&scope=openid",
        csrf: "form-proof",
        problem: None,
    };

    pub fn samples() -> Vec<Sample> {
        let long = "Wolfeschlegelsteinhausenbergerdorff-Featherstonehaugh of the Department of Long Names";
        let direct = SelectAccount { client_name: None, user: "alice", ..ALICE };
        let named_at_length = SelectAccount { user: long, username: "wolfeschlegelsteinhausenbergerdorff@example.com", ..ALICE };
        let again = SelectAccount { problem: Some(SelectAccountProblem::FormExpired), ..ALICE };
        vec![
            sample("select-account", &ALICE),
            sample("select-account-direct", &direct),
            sample("select-account-long", &named_at_length),
            sample("select-account-expired", &again),
        ]
    }

    #[test]
    fn hostile_values_are_escaped() {
        let fields = ["client", "user", "username", "action", "csrf"];
        let [client, user, username, action, csrf] = fields.map(hostile);
        let page = SelectAccount {
            layout: LAYOUT,
            client_name: Some(&client),
            user: &user,
            username: &username,
            action: &action,
            csrf: &csrf,
            problem: None,
        };
        assert_escaped(&page, &fields);
    }

    #[test]
    fn the_choice_is_two_buttons_of_one_form_beside_the_way_back() {
        let html = ALICE.render().unwrap();
        let tags = markup::tags(&html);
        let buttons = tags.iter().filter(|tag| tag.name == "button");
        let answers: Vec<_> = buttons.map(|tag| (tag.get("name"), tag.get("value"))).collect();
        let choice = Some("choice");
        assert_eq!(answers, [(choice, Some("continue")), (choice, Some("other")), (Some("decision"), Some("deny"))]);
        let forms: Vec<_> = tags.iter().filter(|tag| tag.name == "form").map(|tag| tag.get("action")).collect();
        assert_eq!(forms, [Some("/select-account?client_id=notes&#38;scope=openid"); 2]);
    }

    #[test]
    fn it_says_who_and_for_what() {
        let html = ALICE.render().unwrap();
        for words in ["<title>Choose an account · ", "to <strong><bdi>Example Notes<", ">Alice Example<", ">alice<"] {
            assert_eq!(html.matches(words).count(), 1, "{words}");
        }
        assert!(html.contains("Back to <bdi>Example Notes</bdi>"));
        let direct = SelectAccount { client_name: None, user: "alice", ..ALICE }.render().unwrap();
        assert_eq!(direct.matches("alice").count(), 1, "a person without a display name is named once");
        assert!(!direct.contains("Example Notes"));
    }

    #[test]
    fn a_problem_is_an_alert() {
        let again = SelectAccount { problem: Some(SelectAccountProblem::FormExpired), ..ALICE }.render().unwrap();
        assert!(again.contains("<title>Error: Choose an account") && again.contains("role=\"alert\""));
        assert!(again.contains("aria-describedby=\"problem\""));
        assert!(!ALICE.render().unwrap().contains("role=\"alert\""));
    }
}
