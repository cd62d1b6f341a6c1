//! The page that sets a new password after the link in the e-mail, `templates/recover_password.html`. It names the account, and
//! says that every browser and every app must then sign in again.

use askama::Template;

use super::{FormProblem, Layout};
use crate::protocol::account::password_flaw::PasswordFlaw;

/// The form that asks for `new_password`.
#[derive(Debug, Template)]
#[template(path = "recover_password.html")]
pub struct RecoverPassword<'a> {
    /// The frame.
    pub layout: Layout<'a>,
    /// The username of the account, also for the user's password manager.
    pub username: &'a str,
    /// The minimum length of a password, in characters.
    pub min_length: usize,
    /// The code that is asked for besides, if the account has a second factor.
    pub code: Option<RecoveryFactor>,
    /// The password that was typed, sealed, if the code was wrong.
    pub kept: Option<&'a str>,
    /// The form's action.
    pub action: &'a str,
    /// The form's CSRF token.
    pub csrf: &'a str,
    /// Why the page is shown again.
    pub problem: Option<RecoverPasswordProblem>,
}

/// What is asked for besides the new password. A password that was forgotten never skips a second factor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecoveryFactor {
    /// Whether a code of an app will do.
    pub has_app: bool,
    /// Whether there are recovery codes.
    pub has_recovery_codes: bool,
    /// Whether there is a passkey.
    pub has_passkey: bool,
}

/// Why no password was set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecoverPasswordProblem {
    /// The password is not acceptable.
    Password(PasswordFlaw),
    /// The code was not entered.
    CodeMissing,
    /// The code is wrong, or was used before.
    WrongCode,
    /// The form was rejected.
    Form(FormProblem),
}

impl RecoverPassword<'_> {
    /// Whether the user has what the form asks for: without a second factor, or with codes of one.
    const fn can_be_sent(&self) -> bool {
        match self.code {
            Some(factor) => factor.has_app || factor.has_recovery_codes,
            None => true,
        }
    }

    /// What is wrong with the password itself.
    const fn flaw(&self) -> Option<PasswordFlaw> {
        match self.problem {
            Some(RecoverPasswordProblem::Password(flaw)) => Some(flaw),
            Some(_) | None => None,
        }
    }

    /// Whether the problem is the code.
    const fn is_code_wrong(&self) -> bool {
        matches!(self.problem, Some(RecoverPasswordProblem::CodeMissing | RecoverPasswordProblem::WrongCode))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::markup;
    use super::super::password_flaw_samples::FLAWS;
    use super::super::samples::{LAYOUT, LONG_EMAIL, Sample, assert_escaped, hostile, sample};
    use super::*;

    const FRESH: RecoverPassword<'static> = RecoverPassword {
        layout: LAYOUT,
        username: "alice",
        min_length: 15,
        code: None,
        kept: None,
        action: "/recover/password",
        csrf: "form-proof",
        problem: None,
    };

    const BOTH: RecoveryFactor = RecoveryFactor { has_app: true, has_recovery_codes: true, has_passkey: false };
    const RECOVERY: RecoveryFactor = RecoveryFactor { has_app: false, ..BOTH };
    const NOTHING: RecoveryFactor = RecoveryFactor { has_recovery_codes: false, ..RECOVERY };

    const PASSKEY: RecoveryFactor = RecoveryFactor { has_passkey: true, ..NOTHING };

    fn with_code(problem: RecoverPasswordProblem) -> RecoverPassword<'static> {
        RecoverPassword { code: Some(BOTH), kept: Some("c2VhbGVk"), ..again(problem) }
    }

    fn again(problem: RecoverPasswordProblem) -> RecoverPassword<'static> {
        RecoverPassword { problem: Some(problem), ..FRESH }
    }

    pub fn samples() -> Vec<Sample> {
        let form = |problem| again(RecoverPasswordProblem::Form(problem));
        let mut all = vec![
            sample("recover-password", &FRESH),
            sample("recover-password-long", &RecoverPassword { username: LONG_EMAIL, ..FRESH }),
            sample("recover-password-code", &RecoverPassword { code: Some(BOTH), ..FRESH }),
            sample("recover-password-recovery-code", &RecoverPassword { code: Some(RECOVERY), ..FRESH }),
            sample("recover-password-no-code", &RecoverPassword { code: Some(NOTHING), ..FRESH }),
            sample("recover-password-passkey", &RecoverPassword { code: Some(PASSKEY), ..FRESH }),
            sample("recover-password-code-missing", &with_code(RecoverPasswordProblem::CodeMissing)),
            sample("recover-password-wrong-code", &with_code(RecoverPasswordProblem::WrongCode)),
            sample("recover-password-expired", &form(FormProblem::FormExpired)),
            sample("recover-password-slowed", &form(FormProblem::SlowedDown { seconds: 120 })),
        ];
        for (name, flaw, _) in FLAWS {
            all.push(sample(&format!("recover-password-{name}"), &again(RecoverPasswordProblem::Password(flaw))));
        }
        all
    }

    #[test]
    fn hostile_values_are_escaped() {
        let fields = ["username", "action", "csrf"];
        let [username, action, csrf] = fields.map(hostile);
        assert_escaped(&RecoverPassword { username: &username, action: &action, csrf: &csrf, ..FRESH }, &fields);
        let kept = hostile("kept");
        assert_escaped(&RecoverPassword { kept: Some(&kept), ..FRESH }, &["kept"]);
    }

    #[test]
    fn a_password_manager_sees_whose_password_it_is() {
        let html = FRESH.render().unwrap();
        let tags = markup::tags(&html);
        let field = |id: &str| tags.iter().find(|tag| tag.get("id") == Some(id)).unwrap();
        let shown = field("username");
        assert_eq!((shown.get("value"), shown.get("autocomplete")), (Some("alice"), Some("username")));
        assert!(shown.get("readonly").is_some() && shown.get("name").is_none(), "it is shown, and not sent");
        let requested = field("new_password");
        assert_eq!((requested.get("autocomplete"), requested.get("minlength")), (Some("new-password"), Some("15")));
        assert!(requested.get("autofocus").is_some() && requested.get("value").is_none());
    }

    #[test]
    fn who_has_a_passkey_is_led_to_it_and_no_form_asks_for_what_there_is_not() {
        let html = |factor| RecoverPassword { code: Some(factor), ..FRESH }.render().unwrap();
        let both = RecoveryFactor { has_passkey: true, ..BOTH };
        for (factor, has_form, has_way) in
            [(BOTH, true, false), (both, true, true), (NOTHING, false, false), (PASSKEY, false, true)]
        {
            let html = html(factor);
            assert_eq!((html.contains("<form"), html.contains("/login\">sign in with it")), (has_form, has_way), "{factor:?}");
        }
    }

    #[test]
    fn a_second_factor_is_asked_for_where_there_is_one() {
        assert!(!FRESH.render().unwrap().contains("name=\"code\""));
        for (factor, fields) in [(BOTH, 1), (RECOVERY, 1), (NOTHING, 0)] {
            let html = RecoverPassword { code: Some(factor), ..FRESH }.render().unwrap();
            assert_eq!(html.matches("name=\"code\"").count(), fields, "{factor:?}");
        }
        for problem in [RecoverPasswordProblem::CodeMissing, RecoverPasswordProblem::WrongCode] {
            let html = with_code(problem).render().unwrap();
            let tags = markup::tags(&html);
            let field = tags.iter().find(|tag| tag.get("id") == Some("code")).unwrap();
            assert_eq!((field.get("aria-invalid"), field.get("autofocus")), (Some("true"), Some("")), "{problem:?}");
            assert!(html.contains("name=\"kept_new_password\"") && html.contains("role=\"alert\""), "{problem:?}");
        }
    }

    #[test]
    fn it_says_what_ends() {
        let html = FRESH.render().unwrap();
        assert!(html.contains("every browser") && html.contains("every app"));
    }

    #[test]
    fn a_problem_is_an_alert_that_the_field_points_at() {
        let flaws = FLAWS.map(|(_, flaw, words)| (RecoverPasswordProblem::Password(flaw), words, Some("true")));
        let expired = (RecoverPasswordProblem::Form(FormProblem::FormExpired), "has expired", None);
        for (problem, words, invalid) in flaws.into_iter().chain([expired]) {
            let html = again(problem).render().unwrap();
            assert!(html.contains(words) && html.contains("<title>Error: Set a new password"), "{problem:?}");
            let tags = markup::tags(&html);
            let field = tags.iter().find(|tag| tag.get("name") == Some("new_password")).unwrap();
            let described = Some(if invalid.is_some() { "password-rules password-problem" } else { "password-rules" });
            assert_eq!((field.get("aria-describedby"), field.get("aria-invalid")), (described, invalid), "{problem:?}");
        }
    }
}
