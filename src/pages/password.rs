//! The page on which a user changes their password, `templates/password.html`. It requires the old one (OWASP ASVS 6.2.3) and
//! offers to end the other sessions (7.4.3). Which passwords are acceptable, and how attempts are limited, is not decided here.

use askama::Template;

use super::{FormProblem, Layout, Owner};
use crate::protocol::account::password_flaw::PasswordFlaw;

/// The form; it sends `password`, `new_password` and, if ticked, `end_others=yes`.
#[derive(Debug, Template)]
#[template(path = "password.html")]
pub struct Password<'a> {
    /// The frame.
    pub layout: Layout<'a>,
    /// The owner of the account.
    pub owner: Owner<'a>,
    /// The form's action.
    pub action: &'a str,
    /// The form's CSRF token.
    pub csrf: &'a str,
    /// The minimum length of a new password, in characters.
    pub min_length: usize,
    /// Whether there is a password already.
    pub is_set: bool,
    /// Whether the form asks for it: not where the user has confirmed more than that before.
    pub asks_current: bool,
    /// Whether the other sessions are ended as well; ticked at first.
    pub end_others: bool,
    /// The result of the last form, if it succeeded.
    pub done: Option<PasswordDone<'a>>,
    /// The current password as it was typed, sealed, if it was not this that was wrong.
    pub kept: Option<&'a str>,
    /// The same for the new one.
    pub kept_new: Option<&'a str>,
    /// Why the page is shown again.
    pub problems: PasswordProblems,
}

/// The result of the last form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PasswordDone<'a> {
    /// The password was changed.
    Changed {
        /// Whether everything but this browser was ended.
        ended_others: bool,
    },
    /// The user said "this was not me": everything but this browser was ended, and the password should be changed now.
    NotMe {
        /// Descriptions of the browsers that were signed out.
        browsers: &'a [&'a str],
        /// The names of the apps that lost their access.
        apps: &'a [&'a str],
    },
}

/// Why the password was not changed; all fields are empty if there is no problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PasswordProblems {
    /// The whole form was rejected.
    pub form: Option<FormProblem>,
    /// The current password is wrong.
    pub is_current_wrong: bool,
    /// What is wrong with the new one.
    pub new: Option<NewPasswordProblem>,
}

/// What is wrong with the new password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NewPasswordProblem {
    /// It is the current one.
    SameAsCurrent,
    /// It is not acceptable.
    Flaw(PasswordFlaw),
}

impl PasswordProblems {
    /// Whether there are any problems.
    #[must_use]
    pub fn are_any(self) -> bool {
        self != Self::default()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::account_frame::tests::{ALICE, LONG, assert_framed};
    use super::super::markup;
    use super::super::password_flaw_samples::FLAWS;
    use super::super::samples::{LAYOUT, Sample, assert_escaped, hostile, sample};
    use super::*;

    const PAGE: Password<'static> = Password {
        layout: LAYOUT,
        owner: ALICE,
        action: "/account/password",
        csrf: "form-proof",
        min_length: 15,
        is_set: true,
        asks_current: true,
        end_others: true,
        done: None,
        kept: None,
        kept_new: None,
        problems: NONE,
    };
    const NONE: PasswordProblems = PasswordProblems { form: None, is_current_wrong: false, new: None };
    const WRONG: PasswordProblems = PasswordProblems { is_current_wrong: true, ..NONE };

    fn with(problems: PasswordProblems) -> Password<'static> {
        Password { problems, ..PAGE }
    }

    fn flawed(flaw: PasswordFlaw) -> Password<'static> {
        with(PasswordProblems { new: Some(NewPasswordProblem::Flaw(flaw)), ..NONE })
    }

    pub fn samples() -> Vec<Sample> {
        let done = |done| Password { done: Some(done), ..PAGE };
        let not_me =
            PasswordDone::NotMe { browsers: &["Firefox on Windows", LONG], apps: &["Example Notes on a phone", "Example Mail"] };
        let mut samples = vec![
            sample("password", &PAGE),
            sample("password-confirmed", &Password { asks_current: false, min_length: 8, ..PAGE }),
            sample("password-first", &Password { asks_current: false, is_set: false, ..PAGE }),
            sample("password-changed", &done(PasswordDone::Changed { ended_others: true })),
            sample("password-changed-alone", &done(PasswordDone::Changed { ended_others: false })),
            sample("password-not-me", &done(not_me)),
            sample("password-not-me-nothing", &done(PasswordDone::NotMe { browsers: &[], apps: &[] })),
            sample("password-wrong", &Password { kept_new: Some("c2VhbGVk"), ..with(WRONG) }),
            sample("password-both", &with(PasswordProblems { is_current_wrong: true, ..flawed(FLAWS[0].1).problems })),
            sample("password-same", &with(PasswordProblems { new: Some(NewPasswordProblem::SameAsCurrent), ..NONE })),
            sample("password-slowed", &with(PasswordProblems { form: Some(FormProblem::SlowedDown { seconds: 300 }), ..NONE })),
            sample("password-expired", &with(PasswordProblems { form: Some(FormProblem::FormExpired), ..NONE })),
        ];
        let flaws = FLAWS.map(|(name, flaw, _)| (name, Password { kept: Some("c2VhbGVk"), ..flawed(flaw) }));
        samples.extend(flaws.iter().map(|(name, page)| sample(&format!("password-flaw-{name}"), page)));
        samples
    }

    fn input(page: &Password<'_>, id: &str, attribute: &str) -> Option<String> {
        let html = page.render().unwrap();
        let tags = markup::tags(&html);
        let tag = tags.iter().find(|tag| tag.get("id") == Some(id)).unwrap();
        tag.get(attribute).map(str::to_owned)
    }

    #[test]
    fn hostile_values_are_escaped() {
        let fields = ["name", "username", "action", "csrf", "kept", "kept-new", "browser", "app"];
        let [name, username, action, csrf, kept, kept_new, browser, app] = fields.map(hostile);
        let page = Password {
            owner: Owner { name: &name, username: &username },
            action: &action,
            csrf: &csrf,
            kept: Some(&kept),
            kept_new: Some(&kept_new),
            done: Some(PasswordDone::NotMe { browsers: &[&browser], apps: &[&app] }),
            ..PAGE
        };
        assert_escaped(&page, &fields);
    }

    #[test]
    fn it_is_a_page_of_the_account() {
        assert_framed(&PAGE, "/account/password");
    }

    #[test]
    fn the_rules_are_told_beforehand() {
        let html = PAGE.render().unwrap();
        assert!(html.contains("At least 15 characters") && html.contains("not required"));
        for (id, attribute, value) in [
            ("password", "autocomplete", Some("current-password")),
            ("new-password", "autocomplete", Some("new-password")),
            ("new-password", "aria-describedby", Some("rules")),
            ("end-others", "checked", Some("")),
            ("end-others", "value", Some("yes")),
        ] {
            assert_eq!(input(&PAGE, id, attribute).as_deref(), value, "{id}");
        }
        assert_eq!(input(&Password { end_others: false, ..PAGE }, "end-others", "checked"), None);
    }

    #[test]
    fn each_flaw_is_told_and_the_new_password_is_invalid() {
        for (name, flaw, words) in FLAWS {
            let page = flawed(flaw);
            let html = page.render().unwrap();
            assert!(html.contains(words) && html.contains("role=\"alert\"") && html.contains("<title>Error: "), "{name}");
            assert_eq!(input(&page, "new-password", "aria-invalid").as_deref(), Some("true"), "{name}");
            assert_eq!(input(&page, "new-password", "aria-describedby").as_deref(), Some("rules new-password-problem"), "{name}");
            assert_eq!(input(&page, "password", "aria-invalid"), None, "{name}");
        }
    }

    #[test]
    fn a_wrong_password_is_the_old_one() {
        let page = with(WRONG);
        assert_eq!(input(&page, "password", "aria-invalid").as_deref(), Some("true"));
        assert_eq!(input(&page, "password", "aria-describedby").as_deref(), Some("password-problem"));
        assert_eq!(input(&page, "new-password", "aria-invalid"), None);
    }

    #[test]
    fn what_was_typed_is_kept_and_can_be_replaced() {
        let page = Password { kept: Some("one"), kept_new: Some("two"), ..with(WRONG) };
        let html = page.render().unwrap();
        let tags = markup::tags(&html);
        let value = |name| tags.iter().find(|tag| tag.get("name") == Some(name)).unwrap().get("value");
        assert_eq!((value("kept_password"), value("kept_new_password")), (Some("one"), Some("two")));
        for id in ["password", "new-password"] {
            assert_eq!((input(&page, id, "required"), input(&page, id, "value")), (None, None), "{id}");
        }
        assert!(input(&PAGE, "password", "required").is_some());
    }
}
