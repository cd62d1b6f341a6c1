//! The page on which a user changes their e-mail address, `templates/email.html`. It requires the password (OWASP ASVS 7.5.1),
//! and an e-mail is sent to the new address, which replaces the old one only when its link is used. Which addresses are valid is
//! not decided here.

use askama::Template;

use super::{FormProblem, Layout, Owner};

/// The form; it sends `email` and `password`.
#[derive(Debug, Template)]
#[template(path = "email.html")]
pub struct Email<'a> {
    /// The frame.
    pub layout: Layout<'a>,
    /// The owner of the account.
    pub owner: Owner<'a>,
    /// The current address, if there is one.
    pub current: Option<CurrentEmail<'a>>,
    /// The form, or what is shown in its place.
    pub state: EmailState<'a>,
    /// Whether the form asks for the password: not where the user has confirmed more than that before.
    pub asks_password: bool,
    /// The form's action.
    pub action: &'a str,
    /// The form's CSRF token.
    pub csrf: &'a str,
}

/// The current address of an account.
#[derive(Debug, Clone, Copy)]
pub struct CurrentEmail<'a> {
    /// The address.
    pub address: &'a str,
    /// Whether the user has proved to receive mail at it.
    pub is_verified: bool,
}

/// The state of the page.
#[derive(Debug, Clone, Copy)]
pub enum EmailState<'a> {
    /// The form.
    Ask {
        /// The address that was typed; empty at first.
        typed: &'a str,
        /// The password that was typed, sealed, if another field was wrong.
        kept: Option<&'a str>,
        /// Why the page is shown again.
        problems: EmailProblems,
    },
    /// An e-mail was sent.
    Sent {
        /// The new address.
        to: &'a str,
    },
    /// This server sends no mail, so that no address can be confirmed.
    MailOff,
}

/// Why no e-mail was sent; nothing is set if there is no problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct EmailProblems {
    /// The whole form was rejected.
    pub form: Option<FormProblem>,
    /// It is not an e-mail address.
    pub is_not_an_address: bool,
    /// The password is wrong.
    pub is_password_wrong: bool,
}

impl EmailProblems {
    /// Whether there are any problems.
    #[must_use]
    pub fn are_any(self) -> bool {
        self != Self::default()
    }
}

impl Email<'_> {
    /// The problems of the form.
    fn problems(&self) -> EmailProblems {
        match self.state {
            EmailState::Ask { problems, .. } => problems,
            EmailState::Sent { .. } | EmailState::MailOff => EmailProblems::default(),
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::account_frame::tests::{ALICE, assert_framed};
    use super::super::markup;
    use super::super::samples::{LAYOUT, Sample, assert_escaped, hostile, sample};
    use super::*;

    const CURRENT: CurrentEmail<'static> = CurrentEmail { address: "alice@example.com", is_verified: true };
    const PAGE: Email<'static> = Email {
        layout: LAYOUT,
        owner: ALICE,
        current: Some(CURRENT),
        state: EmailState::Ask { typed: "", kept: None, problems: NONE },
        asks_password: true,
        action: "/account/email",
        csrf: "form-proof",
    };

    const NONE: EmailProblems = EmailProblems { form: None, is_not_an_address: false, is_password_wrong: false };
    const WRONG: EmailProblems = EmailProblems { is_password_wrong: true, ..NONE };
    const NO_ADDRESS: EmailProblems = EmailProblems { is_not_an_address: true, ..NONE };
    const BOTH: EmailProblems = EmailProblems { is_password_wrong: true, ..NO_ADDRESS };

    fn with(problems: EmailProblems) -> Email<'static> {
        Email { state: EmailState::Ask { typed: "alice@example.org", kept: None, problems }, ..PAGE }
    }

    fn kept(sealed: &str) -> Email<'_> {
        Email { state: EmailState::Ask { typed: "alice@example.org", kept: Some(sealed), problems: NO_ADDRESS }, ..PAGE }
    }

    pub fn samples() -> Vec<Sample> {
        let unverified =
            CurrentEmail { address: "a.very.long.address.of.someone@mail.department.example.com", is_verified: false };
        vec![
            sample("email", &PAGE),
            sample("email-unverified", &Email { current: Some(unverified), ..PAGE }),
            sample("email-no-password", &Email { asks_password: false, ..PAGE }),
            sample("email-none", &Email { current: None, ..PAGE }),
            sample("email-sent", &Email { state: EmailState::Sent { to: "alice@example.org" }, ..PAGE }),
            sample("email-off", &Email { state: EmailState::MailOff, ..PAGE }),
            sample("email-wrong", &with(WRONG)),
            sample("email-not-an-address", &kept("c2VhbGVk")),
            sample("email-both", &with(BOTH)),
            sample("email-slowed", &with(EmailProblems { form: Some(FormProblem::SlowedDown { seconds: 42 }), ..NONE })),
            sample("email-expired", &with(EmailProblems { form: Some(FormProblem::FormExpired), ..NONE })),
        ]
    }

    fn input(page: &Email<'_>, id: &str, attribute: &str) -> Option<String> {
        let html = page.render().unwrap();
        let tags = markup::tags(&html);
        let tag = tags.iter().find(|tag| tag.get("id") == Some(id)).unwrap();
        tag.get(attribute).map(str::to_owned)
    }

    #[test]
    fn hostile_values_are_escaped() {
        let fields = ["name", "username", "address", "typed", "kept", "action", "csrf"];
        let [name, username, address, typed, kept, action, csrf] = fields.map(hostile);
        let page = Email {
            layout: LAYOUT,
            owner: Owner { name: &name, username: &username },
            current: Some(CurrentEmail { address: &address, is_verified: true }),
            state: EmailState::Ask { typed: &typed, kept: Some(&kept), problems: NO_ADDRESS },
            asks_password: true,
            action: &action,
            csrf: &csrf,
        };
        assert_escaped(&page, &fields);
        let to = hostile("to");
        assert_escaped(&Email { state: EmailState::Sent { to: &to }, ..PAGE }, &["to"]);
    }

    #[test]
    fn it_is_a_page_of_the_account() {
        assert_framed(&PAGE, "/account/email");
        assert_framed(&Email { state: EmailState::MailOff, ..PAGE }, "/account/email");
    }

    #[test]
    fn a_problem_points_at_its_field_and_keeps_the_address() {
        for (problems, fields, focused) in
            [(WRONG, &["password"][..], "password"), (NO_ADDRESS, &["email"], "email"), (BOTH, &["email", "password"], "email")]
        {
            let page = with(problems);
            for id in ["email", "password"] {
                let invalid = fields.contains(&id);
                assert_eq!(input(&page, id, "aria-invalid").is_some(), invalid, "{problems:?} {id}");
                let described = input(&page, id, "aria-describedby").unwrap_or_default();
                assert_eq!(described.contains(&format!("{id}-problem")), invalid, "{problems:?} {id}");
            }
            assert_eq!(input(&page, "email", "value").as_deref(), Some("alice@example.org"));
            assert_eq!(input(&page, "password", "value"), None);
            assert_eq!(input(&page, focused, "autofocus").as_deref(), Some(""), "{problems:?}");
        }
        let page = kept("sealed-text");
        assert!(page.render().unwrap().contains("name=\"kept_password\" value=\"sealed-text\""));
        assert_eq!((input(&page, "password", "required"), input(&page, "password", "value")), (None, None));
    }

    #[test]
    fn there_is_a_form_only_where_mail_can_be_sent() {
        for (state, forms) in [(PAGE.state, 1), (EmailState::Sent { to: "a@example.org" }, 0), (EmailState::MailOff, 0)] {
            let html = Email { state, ..PAGE }.render().unwrap();
            assert_eq!(markup::tags(&html).iter().filter(|tag| tag.name == "form").count(), forms);
        }
    }
}
