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
    /// Whether the other sessions are ended as well; ticked at first.
    pub end_others: bool,
    /// The result of the last form, if it succeeded.
    pub done: Option<PasswordDone<'a>>,
    /// Why the page is shown again.
    pub problem: Option<PasswordProblem>,
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

/// Why the password was not changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PasswordProblem {
    /// The old password is wrong.
    WrongPassword,
    /// The new password is the same as the old one.
    NewSameAsOld,
    /// The new password is not acceptable.
    Flaw(PasswordFlaw),
    /// The form itself was rejected.
    Form(FormProblem),
}

impl PasswordProblem {
    /// Whether the problem is the old password.
    const fn is_of_old(self) -> bool {
        matches!(self, Self::WrongPassword)
    }

    /// Whether the problem is the new password.
    const fn is_of_new(self) -> bool {
        matches!(self, Self::NewSameAsOld | Self::Flaw(_))
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
        end_others: true,
        done: None,
        problem: None,
    };

    fn with(problem: PasswordProblem) -> Password<'static> {
        Password { problem: Some(problem), ..PAGE }
    }

    pub fn samples() -> Vec<Sample> {
        let done = |done| Password { done: Some(done), ..PAGE };
        let not_me =
            PasswordDone::NotMe { browsers: &["Firefox on Windows", LONG], apps: &["Example Notes on a phone", "Example Mail"] };
        let mut samples = vec![
            sample("password", &PAGE),
            sample("password-changed", &done(PasswordDone::Changed { ended_others: true })),
            sample("password-changed-alone", &done(PasswordDone::Changed { ended_others: false })),
            sample("password-not-me", &done(not_me)),
            sample("password-not-me-nothing", &done(PasswordDone::NotMe { browsers: &[], apps: &[] })),
            sample("password-wrong", &with(PasswordProblem::WrongPassword)),
            sample("password-same", &with(PasswordProblem::NewSameAsOld)),
            sample("password-slowed", &with(PasswordProblem::Form(FormProblem::SlowedDown { seconds: 300 }))),
            sample("password-expired", &with(PasswordProblem::Form(FormProblem::FormExpired))),
        ];
        samples.extend(FLAWS.map(|(name, flaw, _)| sample(&format!("password-flaw-{name}"), &with(PasswordProblem::Flaw(flaw)))));
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
        let fields = ["name", "username", "action", "csrf", "browser", "app"];
        let [name, username, action, csrf, browser, app] = fields.map(hostile);
        let page = Password {
            owner: Owner { name: &name, username: &username },
            action: &action,
            csrf: &csrf,
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
            let page = with(PasswordProblem::Flaw(flaw));
            let html = page.render().unwrap();
            assert!(html.contains(words) && html.contains("role=\"alert\"") && html.contains("<title>Error: "), "{name}");
            assert_eq!(input(&page, "new-password", "aria-invalid").as_deref(), Some("true"), "{name}");
            assert_eq!(input(&page, "new-password", "aria-describedby").as_deref(), Some("problem rules"), "{name}");
            assert_eq!(input(&page, "password", "aria-invalid"), None, "{name}");
        }
    }

    #[test]
    fn a_wrong_password_is_the_old_one() {
        let page = with(PasswordProblem::WrongPassword);
        assert_eq!(input(&page, "password", "aria-invalid").as_deref(), Some("true"));
        assert_eq!(input(&page, "password", "aria-describedby").as_deref(), Some("problem"));
        assert_eq!(input(&page, "new-password", "aria-invalid"), None);
    }
}
