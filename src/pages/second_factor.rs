//! The page that asks for another factor, `templates/second_factor.html`: a code of an app or a recovery code, and the password where that
//! is missing too. What is asked for, and how attempts are limited, is not decided here.

use askama::Template;

use super::{FormProblem, Layout, PasskeyForm, Remember};

/// The form; it sends `password`, and `code` or `recovery_code`.
#[derive(Debug, Template)]
#[template(path = "second_factor.html")]
pub struct SecondFactor<'a> {
    /// The frame.
    pub layout: Layout<'a>,
    /// Why the page asks.
    pub occasion: SecondFactorOccasion,
    /// The app that the user goes on to, if there is one. The user can return to it without an answer.
    pub client_name: Option<&'a str>,
    /// The username, also for the user's password manager.
    pub username: &'a str,
    /// The form's action, with the query of the authorization request.
    pub action: &'a str,
    /// The form's CSRF token.
    pub csrf: &'a str,
    /// The field for the password, if it is asked for.
    pub password: Option<SecondFactorPassword<'a>>,
    /// The field for a code, if one is asked for.
    pub code: Option<SecondFactorCode<'a>>,
    /// The URL of this page with the other field for a code, if there is a choice.
    pub other_url: Option<&'a str>,
    /// The form that sends a passkey in place of all of it.
    pub passkey: Option<PasskeyForm<'a>>,
    /// The option not to be asked again in this browser, if it is offered.
    pub trust: Option<Remember<'a>>,
    /// The URL of the account, to give up a change.
    pub account_url: Option<&'a str>,
    /// Why the page is shown again.
    pub problem: Option<SecondFactorProblem>,
}

/// Why the page asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecondFactorOccasion {
    /// The account has a second factor.
    SignIn,
    /// The user is about to change what protects the account.
    Confirm,
    /// An app asks for more than the user has shown.
    StepUp,
}

/// The field for the password.
#[derive(Debug, Clone, Copy)]
pub struct SecondFactorPassword<'a> {
    /// What was typed before, sealed, if something else was wrong.
    pub kept: Option<&'a str>,
}

/// The field for a code.
#[derive(Debug, Clone, Copy)]
pub enum SecondFactorCode<'a> {
    /// Of a TOTP app.
    Totp {
        /// What was typed before and not checked.
        typed: &'a str,
    },
    /// A recovery code.
    Recovery {
        /// What was typed before and not checked, sealed.
        kept: Option<&'a str>,
    },
}

/// Why the page is shown again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecondFactorProblem {
    /// The password was not entered.
    PasswordMissing,
    /// The code was not entered.
    CodeMissing,
    /// The password is wrong.
    WrongPassword,
    /// The code is wrong.
    WrongCode,
    /// The code was used before.
    UsedCode,
    /// The passkey was not accepted.
    PasskeyRefused,
    /// The form itself was rejected.
    Form(FormProblem),
}

impl SecondFactor<'_> {
    /// Whether there is nothing that the user could show.
    fn is_impossible(&self) -> bool {
        self.password.is_none() && self.code.is_none() && self.passkey.is_none() && self.other_url.is_none()
    }

    /// Whether the problem is the password.
    const fn is_password_wrong(&self) -> bool {
        matches!(self.problem, Some(SecondFactorProblem::PasswordMissing | SecondFactorProblem::WrongPassword))
    }

    /// Whether the problem is the code.
    const fn is_code_wrong(&self) -> bool {
        use SecondFactorProblem::{CodeMissing, UsedCode, WrongCode};
        matches!(self.problem, Some(CodeMissing | WrongCode | UsedCode))
    }

    /// Whether the password has the focus: otherwise the code has it.
    fn begins_with_password(&self) -> bool {
        let is_kept = self.password.is_some_and(|password| password.kept.is_some());
        !is_kept && (!self.is_code_wrong() || self.code.is_none())
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::markup;
    use super::super::samples::{LAYOUT, LONG_EMAIL, Sample, assert_escaped, hostile, sample};
    use super::*;

    const TOTP: SecondFactorCode<'static> = SecondFactorCode::Totp { typed: "" };
    const RECOVERY: SecondFactorCode<'static> = SecondFactorCode::Recovery { kept: None };

    const SIGN_IN: SecondFactor<'static> = SecondFactor {
        layout: LAYOUT,
        occasion: SecondFactorOccasion::SignIn,
        client_name: Some("Example Notes"),
        username: "alice",
        action: "/login/verify?client_id=notes&scope=openid",
        csrf: "form-proof",
        password: None,
        code: Some(TOTP),
        other_url: Some("/login/verify?client_id=notes&scope=openid&use=recovery"),
        passkey: None,
        trust: None,
        account_url: None,
        problem: None,
    };
    const CONFIRM: SecondFactor<'static> = SecondFactor {
        occasion: SecondFactorOccasion::Confirm,
        client_name: None,
        action: "/login/verify?then=/account/email",
        password: Some(SecondFactorPassword { kept: None }),
        other_url: Some("/login/verify?then=/account/email&use=recovery"),
        account_url: Some("/account"),
        ..SIGN_IN
    };
    const PROBLEMS: [(&str, SecondFactorProblem, &str); 7] = [
        ("password-missing", SecondFactorProblem::PasswordMissing, "Enter your password."),
        ("code-missing", SecondFactorProblem::CodeMissing, "Enter a code."),
        ("wrong-password", SecondFactorProblem::WrongPassword, "The password is wrong."),
        ("wrong-code", SecondFactorProblem::WrongCode, "The code is wrong."),
        ("used-code", SecondFactorProblem::UsedCode, "The code was used before."),
        ("slowed-down", SecondFactorProblem::Form(FormProblem::SlowedDown { seconds: 42 }), "Wait 42 seconds,"),
        ("form-expired", SecondFactorProblem::Form(FormProblem::FormExpired), "This page has expired."),
    ];

    fn again(problem: SecondFactorProblem) -> SecondFactor<'static> {
        SecondFactor { problem: Some(problem), ..CONFIRM }
    }

    pub fn samples() -> Vec<Sample> {
        let recovery = SecondFactor {
            code: Some(RECOVERY),
            action: "/login/verify?client_id=notes&scope=openid&use=recovery",
            other_url: Some("/login/verify?client_id=notes&scope=openid"),
            ..SIGN_IN
        };
        let kept = SecondFactor {
            code: Some(SecondFactorCode::Recovery { kept: Some("c2VhbGVk") }),
            password: Some(SecondFactorPassword { kept: Some("c2VhbGVk") }),
            problem: Some(SecondFactorProblem::Form(FormProblem::SlowedDown { seconds: 7 })),
            ..CONFIRM
        };
        let mut all = vec![
            sample("verify", &SIGN_IN),
            sample("verify-direct", &SecondFactor { client_name: None, username: LONG_EMAIL, ..SIGN_IN }),
            sample("verify-trust", &SecondFactor { trust: Some(Remember { lasts: "30 days", ticked: false }), ..SIGN_IN }),
            sample("verify-recovery", &recovery),
            sample("verify-step-up", &SecondFactor { occasion: SecondFactorOccasion::StepUp, ..SIGN_IN }),
            sample("verify-confirm", &CONFIRM),
            sample("verify-confirm-password", &SecondFactor { code: None, other_url: None, ..CONFIRM }),
            sample("verify-confirm-kept", &kept),
            sample("verify-impossible", &SecondFactor { code: None, other_url: None, password: None, ..CONFIRM }),
        ];
        all.extend(PROBLEMS.map(|(name, problem, _)| sample(&format!("verify-{name}"), &again(problem))));
        all
    }

    fn input(page: &SecondFactor<'_>, id: &str, attribute: &str) -> Option<String> {
        let html = page.render().unwrap();
        let tags = markup::tags(&html);
        let tag = tags.iter().find(|tag| tag.get("id") == Some(id)).unwrap_or_else(|| panic!("{id}: {html}"));
        tag.get(attribute).map(str::to_owned)
    }

    #[test]
    fn hostile_values_are_escaped() {
        let fields = ["client", "username", "action", "csrf", "sealed", "typed", "other", "lasts", "account"];
        let [client, username, action, csrf, sealed, typed, other, lasts, account] = fields.map(hostile);
        let page = SecondFactor {
            client_name: Some(&client),
            username: &username,
            action: &action,
            csrf: &csrf,
            password: Some(SecondFactorPassword { kept: Some(&sealed) }),
            code: Some(SecondFactorCode::Totp { typed: &typed }),
            other_url: Some(&other),
            trust: Some(Remember { lasts: &lasts, ticked: true }),
            account_url: Some(&account),
            ..SIGN_IN
        };
        assert_escaped(&page, &fields);
        let code = Some(SecondFactorCode::Recovery { kept: Some(&sealed) });
        assert_escaped(&SecondFactor { code, ..SIGN_IN }, &["sealed"]);
    }

    #[test]
    fn the_code_is_typed_at_once() {
        for (attribute, value) in [
            ("name", Some("code")),
            ("inputmode", Some("numeric")),
            ("autocomplete", Some("one-time-code")),
            ("autofocus", Some("")),
            ("required", Some("")),
        ] {
            assert_eq!(input(&SIGN_IN, "code", attribute).as_deref(), value, "{attribute}");
        }
        assert_eq!(input(&CONFIRM, "password", "autofocus").as_deref(), Some(""));
        assert_eq!(input(&CONFIRM, "code", "autofocus"), None);
        let html = CONFIRM.render().unwrap();
        assert!(html.contains("autocomplete=\"username\"") && html.contains("href=\"/account\""), "{html}");
    }

    #[test]
    fn a_problem_is_an_alert_at_its_field() {
        for (name, problem, words) in PROBLEMS {
            let page = again(problem);
            let html = page.render().unwrap();
            assert!(html.contains(words) && html.contains("role=\"alert\""), "{name}");
            assert!(html.contains("<title>Error: ") && html.contains(&format!("data-problem=\"{name}\"")), "{name}");
            let is_of_password = ["password-missing", "wrong-password"].contains(&name);
            let is_of_code = ["code-missing", "wrong-code", "used-code"].contains(&name);
            assert_eq!(input(&page, "password", "aria-invalid").is_some(), is_of_password, "{name}");
            assert_eq!(input(&page, "code", "aria-invalid").is_some(), is_of_code, "{name}");
            assert_eq!(input(&page, "code", "autofocus").is_some(), is_of_code, "{name}");
        }
    }

    #[test]
    fn who_can_show_nothing_has_no_form_to_fill_in() {
        let html = SecondFactor { code: None, other_url: None, password: None, ..CONFIRM }.render().unwrap();
        assert!(!html.contains("<input id=") && html.contains("data-state=\"impossible\""), "{html}");
    }
}
