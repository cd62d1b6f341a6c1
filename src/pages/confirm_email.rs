//! The pages of the link that confirms a new e-mail address: the question, `templates/confirm_email.html`, and the result,
//! `templates/email_confirmed.html`. Opening the link alone confirms nothing: programs open links too.

use askama::Template;

use super::{FormProblem, Layout};

/// The form that confirms the address.
#[derive(Debug, Template)]
#[template(path = "confirm_email.html")]
pub struct ConfirmEmail<'a> {
    /// The frame.
    pub layout: Layout<'a>,
    /// The address.
    pub email: &'a str,
    /// The username of the account.
    pub username: &'a str,
    /// The form's action.
    pub action: &'a str,
    /// The form's CSRF token.
    pub csrf: &'a str,
    /// Why the page is shown again.
    pub problem: Option<FormProblem>,
}

/// The page after the confirmation.
#[derive(Debug, Template)]
#[template(path = "email_confirmed.html")]
pub struct EmailConfirmed<'a> {
    /// The frame.
    pub layout: Layout<'a>,
    /// The address.
    pub email: &'a str,
    /// The username of the account.
    pub username: &'a str,
    /// The URL of the account, which leads to the sign-in page where nobody is signed in.
    pub account_url: &'a str,
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::markup;
    use super::super::samples::{LAYOUT, LONG_EMAIL, Sample, assert_escaped, hostile, sample};
    use super::*;

    const REQUESTED: ConfirmEmail<'static> = ConfirmEmail {
        layout: LAYOUT,
        email: "alice@example.com",
        username: "alice",
        action: "/confirm-email",
        csrf: "form-proof",
        problem: None,
    };
    const DONE: EmailConfirmed<'static> =
        EmailConfirmed { layout: LAYOUT, email: "alice@example.com", username: "alice", account_url: "/account" };

    pub fn samples() -> Vec<Sample> {
        let again = |problem| ConfirmEmail { problem: Some(problem), ..REQUESTED };
        vec![
            sample("confirm-email", &REQUESTED),
            sample("confirm-email-long", &ConfirmEmail { email: LONG_EMAIL, ..REQUESTED }),
            sample("confirm-email-expired", &again(FormProblem::FormExpired)),
            sample("confirm-email-slowed", &again(FormProblem::SlowedDown { seconds: 42 })),
            sample("email-confirmed", &DONE),
        ]
    }

    #[test]
    fn hostile_values_are_escaped() {
        let fields = ["email", "username", "action", "csrf"];
        let [email, username, action, csrf] = fields.map(hostile);
        assert_escaped(&ConfirmEmail { email: &email, username: &username, action: &action, csrf: &csrf, ..REQUESTED }, &fields);
        let fields = ["email", "username", "account"];
        let [email, username, account_url] = fields.map(hostile);
        assert_escaped(
            &EmailConfirmed { layout: LAYOUT, email: &email, username: &username, account_url: &account_url },
            &fields,
        );
    }

    #[test]
    fn it_is_one_button_that_names_address_and_account() {
        let html = REQUESTED.render().unwrap();
        let tags = markup::tags(&html);
        assert_eq!(tags.iter().filter(|tag| tag.name == "button").count(), 1);
        for words in [">alice@example.com<", ">alice<"] {
            assert!(html.contains(words), "{words}");
        }
        let again = ConfirmEmail { problem: Some(FormProblem::FormExpired), ..REQUESTED }.render().unwrap();
        assert!(again.contains("<title>Error: Confirm") && again.contains("role=\"alert\""));
    }

    #[test]
    fn the_end_leads_on() {
        let html = DONE.render().unwrap();
        assert!(html.contains("href=\"/account\"") && !html.contains("<form") && html.contains("role=\"status\""));
    }
}
