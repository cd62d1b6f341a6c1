//! The sign-in page, `templates/login.html`. Holds what the form starts with and what was wrong the last time; who may sign in, and
//! how attempts are slowed, is not decided here.

use askama::Template;

use super::Chrome;

/// The form that asks for name and password.
#[derive(Debug, Template)]
#[template(path = "login.html")]
pub struct Login<'a> {
    /// The frame.
    pub chrome: Chrome<'a>,
    /// The app the person is on the way to, if there is one.
    pub client_name: Option<&'a str>,
    /// Where the form is sent, with the query of the authorization request.
    pub action: &'a str,
    /// The form's proof against forgery.
    pub csrf: &'a str,
    /// The name to begin with: what was typed, or `login_hint`. If there is one, the password has the focus.
    pub username: &'a str,
    /// Why the page is shown again.
    pub problem: Option<LoginProblem>,
}

/// Why a sign-in did not succeed. Unknown names, wrong passwords and disabled people look alike on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoginProblem {
    /// No such name with such a password.
    WrongNameOrPassword,
    /// Too many attempts.
    SlowedDown {
        /// How long to wait.
        seconds: i64,
    },
    /// The form's proof is too old or of another browser.
    FormExpired,
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::markup;
    use super::super::samples::{CHROME, Sample, assert_escaped, hostile, sample};
    use super::*;

    fn login(username: &str, problem: Option<LoginProblem>) -> Login<'_> {
        Login {
            chrome: CHROME,
            client_name: Some("Example Notes"),
            action: "/login?client_id=notes&scope=openid",
            csrf: "form-proof",
            username,
            problem,
        }
    }

    pub fn samples() -> Vec<Sample> {
        let slowed = LoginProblem::SlowedDown { seconds: 42 };
        let mut direct = login("", None);
        direct.client_name = None;
        vec![
            sample("login", &login("", None)),
            sample("login-hint", &login("alice", None)),
            sample("login-direct", &direct),
            sample("login-wrong", &login("alice", Some(LoginProblem::WrongNameOrPassword))),
            sample("login-slowed", &login("alice", Some(slowed))),
            sample("login-expired", &login("", Some(LoginProblem::FormExpired))),
        ]
    }

    fn input(html: &str, id: &str, attribute: &str) -> Option<String> {
        let tags = markup::tags(html);
        let tag = tags.iter().find(|tag| tag.get("id") == Some(id)).unwrap();
        tag.get(attribute).map(str::to_owned)
    }

    #[test]
    fn hostile_values_are_escaped() {
        let [client, action, csrf, username] = ["client", "action", "csrf", "username"].map(hostile);
        let page = Login {
            chrome: CHROME,
            client_name: Some(&client),
            action: &action,
            csrf: &csrf,
            username: &username,
            problem: None,
        };
        assert_escaped(&page, &["client", "action", "csrf", "username"]);
    }

    #[test]
    fn an_empty_form_begins_with_the_name() {
        let html = login("", None).render().unwrap();
        assert!(html.contains("<title>Sign in · Symbolon</title>"));
        assert!(html.contains("Example Notes") && !html.contains("role=\"alert\""));
        for (id, attribute, value) in [
            ("username", "autofocus", Some("")),
            ("password", "autofocus", None),
            ("username", "autocomplete", Some("username")),
            ("password", "autocomplete", Some("current-password")),
            ("username", "aria-invalid", None),
            ("username", "aria-describedby", None),
        ] {
            assert_eq!(input(&html, id, attribute).as_deref(), value, "{id}");
        }
    }

    #[test]
    fn a_problem_keeps_the_name_and_asks_for_the_password() {
        let wrong = Some(LoginProblem::WrongNameOrPassword);
        let html = login("alice", wrong).render().unwrap();
        assert!(html.contains("role=\"alert\"") && html.contains("<title>Error: Sign in"));
        for (id, attribute, value) in [
            ("username", "value", Some("alice")),
            ("username", "autofocus", None),
            ("password", "autofocus", Some("")),
            ("password", "value", None),
            ("password", "aria-invalid", Some("true")),
            ("password", "aria-describedby", Some("problem")),
            ("problem", "role", Some("alert")),
        ] {
            assert_eq!(input(&html, id, attribute).as_deref(), value, "{id}");
        }
    }

    #[test]
    fn the_wait_is_in_words() {
        for (seconds, words) in [(0, "1 second,"), (1, "1 second,"), (42, "42 seconds,"), (91, "2 minutes,"), (180, "3 minutes,")]
        {
            let slowed = Some(LoginProblem::SlowedDown { seconds });
            let html = login("alice", slowed).render().unwrap();
            assert!(html.contains(&format!("Wait {words}")), "{seconds}");
        }
    }
}
