//! The page about a user's stored data, `templates/data.html`, with its export and the deletion of the account, and the page
//! after the deletion, `templates/account_deleted.html`. What an export contains, and what a deletion keeps, is not decided here.

use askama::Template;

use super::{FormProblem, Layout, Owner};

/// The page, with a link to the export and the form that deletes the account; it sends `password`, or `sure=yes`.
#[derive(Debug, Template)]
#[template(path = "data.html")]
pub struct AccountData<'a> {
    /// The frame.
    pub layout: Layout<'a>,
    /// The owner of the account.
    pub owner: Owner<'a>,
    /// How long data is kept.
    pub kept: Kept<'a>,
    /// Whether the form asks for the password: not where the user confirms more than that before.
    pub asks_password: bool,
    /// The action of the deletion form.
    pub action: &'a str,
    /// The form's CSRF token.
    pub csrf: &'a str,
    /// Why the account was not deleted.
    pub problem: Option<DeletionProblem>,
}

/// How long data is kept. Texts are durations in words, such as "90 days".
#[derive(Debug, Clone, Copy)]
pub struct Kept<'a> {
    /// The account's activity.
    pub activity: &'a str,
    /// The notable events of an app's access: granted, ended, used by an unknown caller.
    pub history: &'a str,
    /// The routine uses of an app's access, if they are kept.
    pub uses: Option<&'a str>,
    /// Browser sessions and the access of apps, after their end.
    pub ended: &'a str,
    /// Known browsers and networks, after their last use.
    pub devices: &'a str,
    /// Links in e-mails, after their end.
    pub links: &'a str,
    /// E-mails that cannot be sent.
    pub unsent: &'a str,
}

/// Why an account was not deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeletionProblem {
    /// The password is wrong.
    WrongPassword,
    /// The user did not say that it is meant, where no password is asked for.
    NotSure,
    /// The form itself was rejected.
    Form(FormProblem),
}

/// The page after an account was deleted. Nobody is signed in.
#[derive(Debug, Template)]
#[template(path = "account_deleted.html")]
pub struct AccountDeleted<'a> {
    /// The frame.
    pub layout: Layout<'a>,
    /// The username of the deleted account.
    pub username: &'a str,
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::account_frame::tests::{ALICE, assert_framed};
    use super::super::samples::{LAYOUT, Sample, assert_escaped, hostile, sample};
    use super::*;

    const PAGE: AccountData<'static> = AccountData {
        layout: LAYOUT,
        owner: ALICE,
        kept: Kept {
            activity: "1 year",
            history: "2 years",
            uses: Some("90 days"),
            ended: "30 days",
            devices: "12 months",
            links: "7 days",
            unsent: "1 day",
        },
        asks_password: true,
        action: "/account/delete",
        csrf: "form-proof",
        problem: None,
    };

    pub fn samples() -> Vec<Sample> {
        let again = |problem| AccountData { problem: Some(problem), ..PAGE };
        vec![
            sample("data", &PAGE),
            sample("data-no-uses", &AccountData { kept: Kept { uses: None, ..PAGE.kept }, ..PAGE }),
            sample("data-confirmed", &AccountData { asks_password: false, ..PAGE }),
            sample("data-not-sure", &AccountData { asks_password: false, ..again(DeletionProblem::NotSure) }),
            sample("data-wrong", &again(DeletionProblem::WrongPassword)),
            sample("data-slowed", &again(DeletionProblem::Form(FormProblem::SlowedDown { seconds: 1 }))),
            sample("data-expired", &again(DeletionProblem::Form(FormProblem::FormExpired))),
            sample("data-deleted", &AccountDeleted { layout: LAYOUT, username: "alice" }),
        ]
    }

    #[test]
    fn hostile_values_are_escaped() {
        let fields = ["name", "username", "activity", "history", "uses", "ended", "devices", "links", "unsent", "action", "csrf"];
        let [name, username, activity, history, uses, ended, devices, links, unsent, action, csrf] = fields.map(hostile);
        let page = AccountData {
            layout: LAYOUT,
            owner: Owner { name: &name, username: &username },
            kept: Kept {
                activity: &activity,
                history: &history,
                uses: Some(&uses),
                ended: &ended,
                devices: &devices,
                links: &links,
                unsent: &unsent,
            },
            asks_password: true,
            action: &action,
            csrf: &csrf,
            problem: None,
        };
        assert_escaped(&page, &fields);
        assert_escaped(&AccountDeleted { layout: LAYOUT, username: &username }, &["username"]);
    }

    #[test]
    fn it_is_a_page_of_the_account() {
        assert_framed(&PAGE, "/account/data");
    }

    #[test]
    fn a_problem_is_told_where_the_form_is() {
        for problem in [
            DeletionProblem::WrongPassword,
            DeletionProblem::NotSure,
            DeletionProblem::Form(FormProblem::SlowedDown { seconds: 42 }),
            DeletionProblem::Form(FormProblem::FormExpired),
        ] {
            let html = AccountData { problem: Some(problem), ..PAGE }.render().unwrap();
            let (before, after) = html.split_once("<h2 id=\"delete\">").unwrap();
            assert!(after.contains("role=\"alert\"") && !before.contains("role=\"alert\""), "{problem:?}");
            assert!(html.contains("<title>Error: ") && html.contains("was not deleted"), "{problem:?}");
            assert_eq!(html.contains("aria-invalid"), problem == DeletionProblem::WrongPassword, "{problem:?}");
        }
    }

    #[test]
    fn the_export_is_a_link() {
        assert!(PAGE.render().unwrap().contains("href=\"/account/export\""));
    }
}
