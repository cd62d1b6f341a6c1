//! The page of sign-in methods, `templates/security.html`, and the page that asks before one is removed, `templates/remove_method.html`. What
//! may be removed is not decided here.

use askama::Template;

use super::{Form, FormProblem, Layout, Owner, When};

/// The page. The form to rename sends `id` and `name`; an empty `name` removes the name.
#[derive(Debug, Template)]
#[template(path = "security.html")]
pub struct Security<'a> {
    /// The frame.
    pub layout: Layout<'a>,
    /// The owner of the account.
    pub owner: Owner<'a>,
    /// Whether there is a password.
    pub has_password: bool,
    /// Whether it can be removed.
    pub may_remove_password: bool,
    /// The passkeys.
    pub passkeys: &'a [ShownMethod<'a>],
    /// The URL to add a passkey, where passkeys are possible.
    pub add_passkey_url: Option<&'a str>,
    /// What browsers are told about the passkeys: the accepted ones, and the names.
    pub signals: Option<[&'a str; 2]>,
    /// The TOTP apps.
    pub apps: &'a [ShownMethod<'a>],
    /// The number of recovery codes that are left; `None` if there is nothing that they would stand in for.
    pub recovery_codes: Option<u32>,
    /// The form that renames a passkey or an app.
    pub rename: Form<'a>,
    /// The maximum length of a name, in characters.
    pub name_limit: usize,
    /// The result of the last form, if it succeeded.
    pub done: Option<SecurityDone>,
    /// Why the last form failed.
    pub problem: Option<SecurityProblem>,
}

/// A passkey or an app.
#[derive(Debug, Clone, Copy)]
pub struct ShownMethod<'a> {
    /// Its id.
    pub id: &'a str,
    /// The name that the user gave it.
    pub name: Option<&'a str>,
    /// The model of a passkey, if it is known.
    pub model: Option<&'a str>,
    /// Whether a passkey is on several devices.
    pub is_synced: bool,
    /// When it was added.
    pub added: When<'a>,
    /// When it was last used.
    pub used: Option<When<'a>>,
}

/// The result of the last form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecurityDone {
    /// A method was added.
    Added,
    /// A method was removed.
    Removed,
    /// A method was renamed.
    Renamed,
}

/// Why the last form failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecurityProblem {
    /// The form's CSRF token has expired or belongs to another session.
    FormExpired,
    /// The method does not exist any more.
    Gone,
    /// The name is too long, or not one line.
    NameNotTaken,
}

/// The page that asks before a method is removed; it sends `id`, and `password` where that is asked for.
#[derive(Debug, Template)]
#[template(path = "remove_method.html")]
pub struct RemoveMethod<'a> {
    /// The frame.
    pub layout: Layout<'a>,
    /// The owner of the account.
    pub owner: Owner<'a>,
    /// The kind of the method.
    pub kind: MethodKind,
    /// Its name.
    pub name: Option<&'a str>,
    /// Its id.
    pub id: &'a str,
    /// Whether the form asks for the password, to see that it is long enough to protect the account alone.
    pub asks_password: bool,
    /// How long it has to be, in characters.
    pub min_length: usize,
    /// Whether it is the last passkey or app, with which recovery codes end.
    pub is_last_second_factor: bool,
    /// The form's action.
    pub action: &'a str,
    /// The form's CSRF token.
    pub csrf: &'a str,
    /// The URL to give up.
    pub back: &'a str,
    /// Why it is not removed.
    pub problem: Option<RemoveMethodProblem>,
}

impl RemoveMethod<'_> {
    /// Whether it cannot be removed.
    fn is_last_one(&self) -> bool {
        self.problem == Some(RemoveMethodProblem::LastOne)
    }
}

/// A kind of sign-in method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MethodKind {
    /// The password.
    Password,
    /// A passkey.
    Passkey,
    /// A TOTP app.
    Totp,
    /// The set of recovery codes.
    RecoveryCodes,
}

/// Why a method is not removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RemoveMethodProblem {
    /// There would be no way to sign in.
    LastOne,
    /// The password, which is all that is left, was not entered.
    PasswordMissing,
    /// The password is wrong.
    WrongPassword,
    /// The password is too short to protect the account alone.
    PasswordTooShort,
    /// The form itself was rejected.
    Form(FormProblem),
}

/// What a method without a name of its own is called, in messages about it.
#[must_use]
pub const fn method_name(kind: MethodKind) -> &'static str {
    match kind {
        MethodKind::Password => "Password",
        MethodKind::Passkey => "Passkey",
        MethodKind::Totp => "Authenticator app",
        MethodKind::RecoveryCodes => "Recovery codes",
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::account_frame::tests::{ALICE, BEFORE, LONG, NOW, RIGHT_TO_LEFT, assert_framed};
    use super::super::samples::{LAYOUT, Sample, assert_escaped, hostile, sample};
    use super::*;

    const APP: ShownMethod<'static> = ShownMethod {
        id: "0193a0000000000000000000000000aa",
        name: Some("Phone"),
        model: None,
        is_synced: false,
        added: BEFORE,
        used: Some(NOW),
    };
    const PASSKEY: ShownMethod<'static> = ShownMethod {
        id: "0193a0000000000000000000000000bb",
        name: Some("iCloud Keychain"),
        model: Some("iCloud Keychain"),
        is_synced: true,
        ..APP
    };
    const PAGE: Security<'static> = Security {
        layout: LAYOUT,
        owner: ALICE,
        has_password: true,
        may_remove_password: false,
        passkeys: &[],
        add_passkey_url: Some("/account/passkeys/add"),
        signals: None,
        apps: &[],
        recovery_codes: None,
        rename: Form { action: "/account/security/rename", csrf: "form-proof" },
        name_limit: 60,
        done: None,
        problem: None,
    };
    const REMOVE: RemoveMethod<'static> = RemoveMethod {
        layout: LAYOUT,
        owner: ALICE,
        kind: MethodKind::Totp,
        name: Some("Phone"),
        id: APP.id,
        asks_password: false,
        min_length: 15,
        is_last_second_factor: true,
        action: "/account/security/remove",
        csrf: "form-proof",
        back: "/account/security",
        problem: None,
    };

    const PROBLEMS: [(&str, RemoveMethodProblem); 5] = [
        ("password-missing", RemoveMethodProblem::PasswordMissing),
        ("wrong-password", RemoveMethodProblem::WrongPassword),
        ("password-too-short", RemoveMethodProblem::PasswordTooShort),
        ("slowed-down", RemoveMethodProblem::Form(FormProblem::SlowedDown { seconds: 42 })),
        ("form-expired", RemoveMethodProblem::Form(FormProblem::FormExpired)),
    ];

    fn full() -> Security<'static> {
        const APPS: [ShownMethod<'static>; 2] =
            [APP, ShownMethod { id: "0193a0000000000000000000000000cc", name: Some(RIGHT_TO_LEFT), used: None, ..APP }];
        const PASSKEYS: [ShownMethod<'static>; 2] = [
            PASSKEY,
            ShownMethod { id: "0193a0000000000000000000000000dd", name: Some(LONG), model: None, is_synced: false, ..PASSKEY },
        ];
        Security { may_remove_password: true, passkeys: &PASSKEYS, apps: &APPS, recovery_codes: Some(10), ..PAGE }
    }

    pub fn samples() -> Vec<Sample> {
        let remove = |kind, name, is_last_second_factor| RemoveMethod { kind, name, is_last_second_factor, ..REMOVE };
        let last = Some(RemoveMethodProblem::LastOne);
        let mut all = vec![
            sample("security", &PAGE),
            sample("security-full", &full()),
            sample("security-no-codes", &Security { apps: &[APP], recovery_codes: Some(0), ..PAGE }),
            sample("security-no-password", &Security { has_password: false, may_remove_password: false, ..full() }),
            sample("security-added", &Security { done: Some(SecurityDone::Added), ..full() }),
            sample("security-removed", &Security { done: Some(SecurityDone::Removed), ..PAGE }),
            sample("security-renamed", &Security { done: Some(SecurityDone::Renamed), ..full() }),
            sample("security-gone", &Security { problem: Some(SecurityProblem::Gone), ..full() }),
            sample("security-name", &Security { problem: Some(SecurityProblem::NameNotTaken), ..full() }),
            sample("security-expired", &Security { problem: Some(SecurityProblem::FormExpired), ..full() }),
            sample("remove-totp", &REMOVE),
            sample("remove-passkey", &remove(MethodKind::Passkey, Some("iCloud Keychain"), false)),
            sample("remove-password", &remove(MethodKind::Password, None, false)),
            sample("remove-recovery-codes", &remove(MethodKind::RecoveryCodes, None, false)),
            sample("remove-totp-password", &RemoveMethod { asks_password: true, ..REMOVE }),
            sample("remove-last", &RemoveMethod { problem: last, ..remove(MethodKind::Passkey, None, true) }),
        ];
        all.extend(PROBLEMS.map(|(name, problem)| {
            sample(&format!("remove-{name}"), &RemoveMethod { asks_password: true, problem: Some(problem), ..REMOVE })
        }));
        all
    }

    #[test]
    fn hostile_values_are_escaped() {
        let fields = ["id", "name", "model", "action", "csrf"];
        let [id, name, model, action, csrf] = fields.map(hostile);
        let method = ShownMethod { id: &id, name: Some(&name), model: Some(&model), ..PASSKEY };
        let page = Security { passkeys: &[method], rename: Form { action: &action, csrf: &csrf }, ..PAGE };
        assert_escaped(&page, &fields);
        let fields = ["name", "id", "action", "csrf", "back"];
        let [name, id, action, csrf, back] = fields.map(hostile);
        let page = RemoveMethod { name: Some(&name), id: &id, action: &action, csrf: &csrf, back: &back, ..REMOVE };
        assert_escaped(&page, &fields);
    }

    #[test]
    fn they_are_pages_of_the_account() {
        assert_framed(&PAGE, "/account/security");
        assert_framed(&full(), "/account/security");
        assert_framed(&REMOVE, "/account/security");
    }

    #[test]
    fn only_what_can_be_done_is_offered() {
        let html = PAGE.render().unwrap();
        assert!(!html.contains("remove?id=password") && !html.contains("recovery-codes"), "{html}");
        let html = full().render().unwrap();
        for link in ["remove?id=password", &format!("remove?id={}", APP.id), "/account/recovery-codes", "/account/totp/add"] {
            assert!(html.contains(link), "{link}");
        }
        let without = Security { apps: &[APP], recovery_codes: Some(0), ..PAGE }.render().unwrap();
        assert!(without.contains("class=\"note wrong-note\""), "no recovery codes: {without}");
        for (name, problem) in PROBLEMS {
            let html = RemoveMethod { asks_password: true, problem: Some(problem), ..REMOVE }.render().unwrap();
            assert!(html.contains("role=\"alert\"") && html.contains("name=\"password\""), "{name}: {html}");
            assert!(html.contains(&format!("data-problem=\"{name}\"")), "{name}");
        }
        let last = RemoveMethod { problem: Some(RemoveMethodProblem::LastOne), ..REMOVE }.render().unwrap();
        assert!(!last.contains("<form") && last.contains("role=\"alert\""), "{last}");
    }
}
