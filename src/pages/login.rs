//! The sign-in page, `templates/login.html`, with the form's initial values and the problem of the last attempt. Who may sign in,
//! and how attempts are limited, is not decided here.

use askama::Template;

use super::{FormProblem, Layout, PasskeyForm};

/// The form that asks for username and password.
#[derive(Debug, Template)]
#[template(path = "login.html")]
pub struct Login<'a> {
    /// The frame.
    pub layout: Layout<'a>,
    /// The app that requested the sign-in, if there is one. The user can return to it without signing in.
    pub client_name: Option<&'a str>,
    /// The form's action, with the query of the authorization request.
    pub action: &'a str,
    /// The form's CSRF token.
    pub csrf: &'a str,
    /// The initial username: what was typed, or `login_hint`. If there is one, the password has the focus.
    pub username: &'a str,
    /// The option to stay signed in on this device, if it is offered.
    pub remember: Option<Remember<'a>>,
    /// The URL of password recovery, with the query of the authorization request, if it is available.
    pub recover_url: Option<&'a str>,
    /// The URL of registration, with the query of the authorization request, if registration is open.
    pub register_url: Option<&'a str>,
    /// The form for a passkey, where there are passkeys.
    pub passkey: Option<PasskeyForm<'a>>,
    /// Where the script requests another challenge.
    pub passkey_refresh: &'a str,
    /// What the script tells the browser about a passkey that is unknown here.
    pub unknown_passkey: Option<&'a str>,
    /// What led to this page. A problem is shown in its place.
    pub notice: Option<LoginNotice>,
    /// Why the page is shown again.
    pub problem: Option<LoginProblem>,
}

/// The checkbox `remember`, value `yes`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Remember<'a> {
    /// The lifetime of the session, in words: "30 days".
    pub lasts: &'a str,
    /// Whether it is ticked.
    pub ticked: bool,
}

/// What led to the sign-in page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoginNotice {
    /// A new password was set with a link in an e-mail.
    PasswordSet,
    /// Too many codes were tried in one sign-in.
    TooManyCodes,
    /// A sign-in was not completed in time.
    TookTooLong,
}

/// Why a sign-in failed. Unknown names, wrong passwords and disabled users are indistinguishable on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoginProblem {
    /// The username or the password is wrong.
    WrongNameOrPassword,
    /// The passkey is not known here.
    PasskeyUnknown,
    /// The passkey is not accepted. Why, and whether its account is disabled, is not told.
    PasskeyRefused,
    /// The challenge of the passkey is too old, or was used.
    PasskeyExpired,
    /// The form itself was rejected.
    Form(FormProblem),
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::markup;
    use super::super::passkeys::tests::FORM;
    use super::super::samples::{LAYOUT, Sample, assert_escaped, hostile, sample};
    use super::*;

    fn login(username: &str, problem: Option<LoginProblem>) -> Login<'_> {
        Login {
            layout: LAYOUT,
            client_name: Some("Example Notes"),
            action: "/login?client_id=notes&scope=openid",
            csrf: "form-proof",
            username,
            remember: None,
            recover_url: None,
            register_url: None,
            passkey: Some(FORM),
            passkey_refresh: "/login/passkey/options",
            unknown_passkey: None,
            notice: None,
            problem,
        }
    }

    const REMEMBER: Remember<'static> = Remember { lasts: "30 days", ticked: false };
    const NOTICES: [(&str, LoginNotice, &str); 3] = [
        ("password-set", LoginNotice::PasswordSet, "Your new password is set."),
        ("too-many-codes", LoginNotice::TooManyCodes, "Too many codes were tried."),
        ("took-too-long", LoginNotice::TookTooLong, "The sign-in took too long."),
    ];

    /// The page with every optional element.
    fn full(problem: Option<LoginProblem>) -> Login<'static> {
        Login {
            remember: Some(REMEMBER),
            recover_url: Some("/recover?client_id=notes&scope=openid"),
            register_url: Some("/register?client_id=notes&scope=openid"),
            ..login("", problem)
        }
    }

    pub fn samples() -> Vec<Sample> {
        let slowed = LoginProblem::Form(FormProblem::SlowedDown { seconds: 42 });
        let mut direct = login("", None);
        direct.client_name = None;
        let ticked = Some(Remember { ticked: true, ..REMEMBER });
        let mut all = vec![
            sample("login", &login("", None)),
            sample("login-full", &full(None)),
            sample("login-full-wrong", &Login { remember: ticked, ..full(Some(LoginProblem::WrongNameOrPassword)) }),
            sample("login-hint", &login("alice", None)),
            sample("login-direct", &direct),
            sample("login-wrong", &login("alice", Some(LoginProblem::WrongNameOrPassword))),
            sample("login-no-passkeys", &Login { passkey: None, ..login("", None) }),
            sample("login-passkey-unknown", &login("", Some(LoginProblem::PasskeyUnknown))),
            sample("login-passkey-refused", &login("", Some(LoginProblem::PasskeyRefused))),
            sample("login-passkey-expired", &login("", Some(LoginProblem::PasskeyExpired))),
            sample("login-slowed", &login("alice", Some(slowed))),
            sample("login-expired", &login("", Some(LoginProblem::Form(FormProblem::FormExpired)))),
        ];
        all.extend(
            NOTICES.map(|(name, notice, _)| sample(&format!("login-{name}"), &Login { notice: Some(notice), ..full(None) })),
        );
        all
    }

    fn input(html: &str, id: &str, attribute: &str) -> Option<String> {
        let tags = markup::tags(html);
        let tag = tags.iter().find(|tag| tag.get("id") == Some(id)).unwrap();
        tag.get(attribute).map(str::to_owned)
    }

    #[test]
    fn hostile_values_are_escaped() {
        let fields =
            ["client", "action", "csrf", "username", "lasts", "recover", "register", "options", "state", "refresh", "unknown"];
        let [client, action, csrf, username, lasts, recover, register, options, state, refresh, unknown] = fields.map(hostile);
        let page = Login {
            layout: LAYOUT,
            client_name: Some(&client),
            action: &action,
            csrf: &csrf,
            username: &username,
            remember: Some(Remember { lasts: &lasts, ticked: true }),
            recover_url: Some(&recover),
            register_url: Some(&register),
            passkey: Some(PasskeyForm { action: &action, csrf: &csrf, options: &options, state: &state }),
            passkey_refresh: &refresh,
            unknown_passkey: Some(&unknown),
            notice: None,
            problem: None,
        };
        assert_escaped(&page, &fields);
    }

    #[test]
    fn an_empty_form_begins_with_the_name() {
        let html = login("", None).render().unwrap();
        assert!(html.contains("<title>Sign in · Symbolon</title>"));
        assert!(html.contains("Example Notes") && !html.contains("role=\"alert\""));
        for (id, attribute, value) in [
            ("username", "autofocus", Some("")),
            ("password", "autofocus", None),
            ("username", "autocomplete", Some("username webauthn")),
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
            let slowed = Some(LoginProblem::Form(FormProblem::SlowedDown { seconds }));
            let html = login("alice", slowed).render().unwrap();
            assert!(html.contains(&format!("Wait {words}")), "{seconds}");
        }
    }

    #[test]
    fn only_what_is_offered_is_shown() {
        let html = login("", None).render().unwrap();
        for words in ["remember", "Forgot your password?", "Create an account", "role=\"status\""] {
            assert!(!html.contains(words), "{words}");
        }
        let html = full(None).render().unwrap();
        let tags = markup::tags(&html);
        let links: Vec<_> = tags.iter().filter(|tag| tag.name == "a").filter_map(|tag| tag.get("href")).collect();
        assert_eq!(links[1..], ["/recover?client_id=notes&#38;scope=openid", "/register?client_id=notes&#38;scope=openid"]);
    }

    #[test]
    fn the_choice_to_stay_is_made_and_kept() {
        for ticked in [false, true] {
            let html = Login { remember: Some(Remember { lasts: "30 days", ticked }), ..full(None) }.render().unwrap();
            for (attribute, value) in [("name", "remember"), ("type", "checkbox"), ("value", "yes")] {
                assert_eq!(input(&html, "remember", attribute).as_deref(), Some(value));
            }
            assert_eq!(input(&html, "remember", "checked").is_some(), ticked);
            assert!(html.contains("For 30 days"));
        }
    }

    #[test]
    fn a_notice_gives_way_to_a_problem() {
        for (name, notice, words) in NOTICES {
            let html = Login { notice: Some(notice), ..full(None) }.render().unwrap();
            assert!(html.contains(words) && html.contains("role=\"status\"") && !html.contains("role=\"alert\""), "{name}");
            let again =
                Login { notice: Some(notice), ..full(Some(LoginProblem::Form(FormProblem::FormExpired))) }.render().unwrap();
            assert!(!again.contains(words) && again.contains("role=\"alert\""), "{name}");
        }
    }
}
