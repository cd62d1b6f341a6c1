//! The first two pages of registration: the form for the e-mail address, `templates/register.html`, and the page after it,
//! `templates/register_sent.html`, which is the same whether the address has an account or not.

use askama::Template;

use super::{FormProblem, Layout};

/// The form that asks for the e-mail address, field `email`.
#[derive(Debug, Template)]
#[template(path = "register.html")]
pub struct Register<'a> {
    /// The frame.
    pub layout: Layout<'a>,
    /// The app that requested the sign-in, if there is one.
    pub client_name: Option<&'a str>,
    /// The initial address: what was typed.
    pub email: &'a str,
    /// The URL of the sign-in page, for users who have an account.
    pub login_url: &'a str,
    /// The CSRF token with which that page takes the user back to the app without signing in, if there is one to go back to.
    pub refusal_csrf: Option<&'a str>,
    /// The form's action.
    pub action: &'a str,
    /// The form's CSRF token.
    pub csrf: &'a str,
    /// Why the page is shown again.
    pub problem: Option<RegisterProblem>,
}

/// Why an address was rejected. That it has an account already is never a reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RegisterProblem {
    /// It is not an e-mail address.
    NotAnAddress,
    /// The form itself was rejected.
    Form(FormProblem),
}

/// The page after an address was submitted: an e-mail was sent.
#[derive(Debug, Template)]
#[template(path = "register_sent.html")]
pub struct RegisterSent<'a> {
    /// The frame.
    pub layout: Layout<'a>,
    /// The address, as it was typed.
    pub email: &'a str,
    /// The lifetime of the link in the e-mail, in words: "24 hours".
    pub good_for: &'a str,
    /// The URL at which to request another e-mail, or to enter another address.
    pub again: &'a str,
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::markup;
    use super::super::samples::{LAYOUT, LONG_EMAIL, Sample, assert_escaped, hostile, sample};
    use super::*;

    const REQUESTED: Register<'static> = Register {
        layout: LAYOUT,
        client_name: None,
        email: "",
        login_url: "/login",
        refusal_csrf: None,
        action: "/register",
        csrf: "form-proof",
        problem: None,
    };
    const SENT: RegisterSent<'static> =
        RegisterSent { layout: LAYOUT, email: "alice@example.com", good_for: "24 hours", again: "/register" };

    fn for_app() -> Register<'static> {
        let login_url = "/login?client_id=notes&scope=openid";
        Register { client_name: Some("Example Notes"), login_url, refusal_csrf: Some("login-proof"), ..REQUESTED }
    }

    fn again(email: &str, problem: RegisterProblem) -> Register<'_> {
        Register { email, problem: Some(problem), ..REQUESTED }
    }

    pub fn samples() -> Vec<Sample> {
        vec![
            sample("register", &REQUESTED),
            sample("register-app", &for_app()),
            sample("register-not-an-address", &again("alice at example.com", RegisterProblem::NotAnAddress)),
            sample(
                "register-slowed",
                &again("alice@example.com", RegisterProblem::Form(FormProblem::SlowedDown { seconds: 300 })),
            ),
            sample("register-expired", &again("alice@example.com", RegisterProblem::Form(FormProblem::FormExpired))),
            sample("register-sent", &SENT),
            sample("register-sent-long", &RegisterSent { email: LONG_EMAIL, ..SENT }),
        ]
    }

    #[test]
    fn hostile_values_are_escaped() {
        let fields = ["client", "email", "login", "refusal", "action", "csrf"];
        let [client, email, login_url, refusal, action, csrf] = fields.map(hostile);
        let page = Register {
            layout: LAYOUT,
            client_name: Some(&client),
            email: &email,
            login_url: &login_url,
            refusal_csrf: Some(&refusal),
            action: &action,
            csrf: &csrf,
            problem: None,
        };
        assert_escaped(&page, &fields);
        let fields = ["email", "good", "again"];
        let [email, good_for, again] = fields.map(hostile);
        assert_escaped(&RegisterSent { layout: LAYOUT, email: &email, good_for: &good_for, again: &again }, &fields);
    }

    #[test]
    fn only_a_wrong_address_is_marked() {
        for (problem, invalid) in [
            (RegisterProblem::NotAnAddress, Some("true")),
            (RegisterProblem::Form(FormProblem::SlowedDown { seconds: 1 }), None),
            (RegisterProblem::Form(FormProblem::FormExpired), None),
        ] {
            let html = again("alice", problem).render().unwrap();
            let tags = markup::tags(&html);
            let field = tags.iter().find(|tag| tag.get("name") == Some("email")).unwrap();
            assert_eq!((field.get("aria-invalid"), field.get("aria-describedby")), (invalid, Some("problem")));
            assert_eq!((field.get("autocomplete"), field.get("value")), (Some("email"), Some("alice")));
            assert!(html.contains("<title>Error: Create an account") && html.contains("role=\"alert\""));
        }
        assert!(!REQUESTED.render().unwrap().contains("role=\"alert\""));
    }

    #[test]
    fn the_way_back_is_the_one_of_the_sign_in_page() {
        let html = for_app().render().unwrap();
        let tags = markup::tags(&html);
        let forms: Vec<_> = tags.iter().filter(|tag| tag.name == "form").filter_map(|tag| tag.get("action")).collect();
        assert_eq!(forms, ["/register", "/login?client_id=notes&#38;scope=openid"]);
        assert!(html.contains("value=\"login-proof\"") && html.contains("Back to <bdi>Example Notes</bdi>"));
        assert!(!REQUESTED.render().unwrap().contains("Back to"));
    }

    #[test]
    fn the_message_is_told_of_with_both_outcomes() {
        let html = SENT.render().unwrap();
        for words in ["alice@example.com", "24 hours", "already has an account", "href=\"/register\""] {
            assert!(html.contains(words), "{words}");
        }
    }
}
