//! The first pages of password recovery: the form for a username or address (`templates/recover.html`), the page after it
//! (`templates/recover_sent.html`), the same for everyone, and the page where no mail is sent (`templates/recover_off.html`).

use askama::Template;

use super::{FormProblem, Layout};

/// The form that asks whose password was forgotten, field `login`.
#[derive(Debug, Template)]
#[template(path = "recover.html")]
pub struct Recover<'a> {
    /// The frame.
    pub layout: Layout<'a>,
    /// The initial username or address: what was typed, here or on the sign-in page.
    pub login: &'a str,
    /// The URL of the sign-in page.
    pub login_url: &'a str,
    /// The form's action.
    pub action: &'a str,
    /// The form's CSRF token.
    pub csrf: &'a str,
    /// Why the page is shown again.
    pub problem: Option<FormProblem>,
}

/// The page after the form. It does not reveal whether the account exists.
#[derive(Debug, Template)]
#[template(path = "recover_sent.html")]
pub struct RecoverSent<'a> {
    /// The frame.
    pub layout: Layout<'a>,
    /// What was typed.
    pub login: &'a str,
    /// The lifetime of the link in the e-mail, in words: "10 minutes".
    pub good_for: &'a str,
    /// The URL at which to request another e-mail.
    pub again: &'a str,
}

/// The page shown in place of the form where the server sends no mail.
#[derive(Debug, Template)]
#[template(path = "recover_off.html")]
pub struct RecoverOff<'a> {
    /// The frame.
    pub layout: Layout<'a>,
    /// The URL of the sign-in page.
    pub login_url: &'a str,
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::markup;
    use super::super::samples::{LAYOUT, LONG_EMAIL, Sample, assert_escaped, hostile, sample};
    use super::*;

    const REQUESTED: Recover<'static> =
        Recover { layout: LAYOUT, login: "", login_url: "/login", action: "/recover", csrf: "form-proof", problem: None };
    const SENT: RecoverSent<'static> = RecoverSent { layout: LAYOUT, login: "alice", good_for: "10 minutes", again: "/recover" };
    const OFF: RecoverOff<'static> = RecoverOff { layout: LAYOUT, login_url: "/login" };
    const PROBLEMS: [(&str, FormProblem); 2] =
        [("slowed", FormProblem::SlowedDown { seconds: 42 }), ("expired", FormProblem::FormExpired)];

    fn again(problem: FormProblem) -> Recover<'static> {
        Recover { login: "alice", problem: Some(problem), ..REQUESTED }
    }

    pub fn samples() -> Vec<Sample> {
        let mut all = vec![
            sample("recover", &REQUESTED),
            sample("recover-sent", &SENT),
            sample("recover-sent-long", &RecoverSent { login: LONG_EMAIL, ..SENT }),
            sample("recover-off", &OFF),
        ];
        all.extend(PROBLEMS.map(|(name, problem)| sample(&format!("recover-{name}"), &again(problem))));
        all
    }

    #[test]
    fn hostile_values_are_escaped() {
        let fields = ["login", "url", "action", "csrf"];
        let [login, login_url, action, csrf] = fields.map(hostile);
        let page = Recover { layout: LAYOUT, login: &login, login_url: &login_url, action: &action, csrf: &csrf, problem: None };
        assert_escaped(&page, &fields);
        assert_escaped(&RecoverOff { layout: LAYOUT, login_url: &login_url }, &["url"]);
        let fields = ["login", "good", "again"];
        let [login, good_for, again] = fields.map(hostile);
        assert_escaped(&RecoverSent { layout: LAYOUT, login: &login, good_for: &good_for, again: &again }, &fields);
    }

    #[test]
    fn a_problem_is_an_alert_and_what_was_typed_is_kept() {
        for (name, problem) in PROBLEMS {
            let html = again(problem).render().unwrap();
            assert!(html.contains("<title>Error: Forgot your password?") && html.contains("role=\"alert\""), "{name}");
            let tags = markup::tags(&html);
            let field = tags.iter().find(|tag| tag.get("name") == Some("login")).unwrap();
            for (attribute, value) in [("value", "alice"), ("autocomplete", "username"), ("aria-describedby", "problem where")] {
                assert_eq!(field.get(attribute), Some(value), "{name}");
            }
        }
        assert!(again(FormProblem::SlowedDown { seconds: 42 }).render().unwrap().contains("Wait 42 seconds,"));
        let html = REQUESTED.render().unwrap();
        assert!(!html.contains("role=\"alert\""));
        assert!(html.contains("works only in this browser"), "before it is sent");
    }

    #[test]
    fn the_message_is_told_of_with_an_if() {
        let html = SENT.render().unwrap();
        for words in ["If there is an account", "10 minutes", "in this browser", "href=\"/recover\""] {
            assert!(html.contains(words), "{words}");
        }
        assert!(!html.contains('@'), "no address is shown but what was typed");
    }

    #[test]
    fn without_mail_there_is_no_form() {
        let html = OFF.render().unwrap();
        assert!(!html.contains("<form") && html.contains("the people who run this server"));
    }
}
