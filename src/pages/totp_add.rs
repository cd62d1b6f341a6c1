//! The page that adds a TOTP app, `templates/totp_add.html`: the new secret as a QR code and as text, and the form that confirms it by a
//! code. The secret goes along sealed.

use askama::Template;

use super::{Layout, Owner};

/// The form; it sends `pending`, `name` and `code`.
#[derive(Debug, Template)]
#[template(path = "totp_add.html")]
pub struct TotpAdd<'a> {
    /// The frame.
    pub layout: Layout<'a>,
    /// The owner of the account.
    pub owner: Owner<'a>,
    /// The form's action.
    pub action: &'a str,
    /// The form's CSRF token.
    pub csrf: &'a str,
    /// The secret, sealed.
    pub pending: &'a str,
    /// The secret as a QR code, if it could be drawn.
    pub picture: Option<QrPicture<'a>>,
    /// The secret as text, in groups.
    pub secret: &'a str,
    /// The initial name of the app.
    pub name: &'a str,
    /// The maximum length of the name, in characters.
    pub name_limit: usize,
    /// The code that was typed and not checked.
    pub code: &'a str,
    /// The URL to give up.
    pub back: &'a str,
    /// Why the page is shown again.
    pub problem: Option<TotpAddProblem>,
}

/// A QR code.
#[derive(Debug, Clone, Copy)]
pub struct QrPicture<'a> {
    /// The number of modules on each side.
    pub modules: usize,
    /// The dark modules, as the path of an SVG with one unit a module.
    pub path: &'a str,
}

/// Why no app was added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TotpAddProblem {
    /// The code was not entered.
    CodeMissing,
    /// The code is wrong.
    WrongCode,
    /// The name is too long, or not one line.
    NameNotTaken,
    /// The account has as many sign-in methods as are allowed.
    TooMany,
    /// The form has expired, or was made in another session.
    FormExpired,
}

impl TotpAdd<'_> {
    /// Whether the problem is the code.
    const fn is_code_wrong(&self) -> bool {
        matches!(self.problem, Some(TotpAddProblem::CodeMissing | TotpAddProblem::WrongCode))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::account_frame::tests::{ALICE, assert_framed};
    use super::super::markup;
    use super::super::samples::{LAYOUT, Sample, assert_escaped, hostile, sample};
    use super::*;

    const PAGE: TotpAdd<'static> = TotpAdd {
        layout: LAYOUT,
        owner: ALICE,
        action: "/account/totp/add",
        csrf: "form-proof",
        pending: "c2VhbGVk",
        picture: Some(QrPicture { modules: 21, path: "M0 0h7v1h-7z" }),
        secret: "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ",
        name: "Authenticator app",
        name_limit: 60,
        code: "",
        back: "/account/security",
        problem: None,
    };
    const PROBLEMS: [(&str, TotpAddProblem); 5] = [
        ("code-missing", TotpAddProblem::CodeMissing),
        ("wrong-code", TotpAddProblem::WrongCode),
        ("name-not-taken", TotpAddProblem::NameNotTaken),
        ("too-many", TotpAddProblem::TooMany),
        ("form-expired", TotpAddProblem::FormExpired),
    ];

    pub fn samples() -> Vec<Sample> {
        let mut all = vec![sample("totp-add", &PAGE), sample("totp-add-text", &TotpAdd { picture: None, ..PAGE })];
        all.extend(
            PROBLEMS.map(|(name, problem)| sample(&format!("totp-add-{name}"), &TotpAdd { problem: Some(problem), ..PAGE })),
        );
        all
    }

    #[test]
    fn hostile_values_are_escaped() {
        let fields = ["action", "csrf", "pending", "path", "secret", "name", "code", "back"];
        let [action, csrf, pending, path, secret, name, code, back] = fields.map(hostile);
        let page = TotpAdd {
            layout: LAYOUT,
            owner: ALICE,
            action: &action,
            csrf: &csrf,
            pending: &pending,
            picture: Some(QrPicture { modules: 21, path: &path }),
            secret: &secret,
            name: &name,
            name_limit: 60,
            code: &code,
            back: &back,
            problem: Some(TotpAddProblem::WrongCode),
        };
        assert_escaped(&page, &fields);
    }

    #[test]
    fn it_is_a_page_of_the_account() {
        assert_framed(&PAGE, "/account/security");
    }

    #[test]
    fn a_problem_is_an_alert() {
        for (name, problem) in PROBLEMS {
            let html = TotpAdd { problem: Some(problem), ..PAGE }.render().unwrap();
            assert!(html.contains("role=\"alert\"") && html.contains("<title>Error: "), "{name}");
            let tags = markup::tags(&html);
            let invalid: Vec<_> = tags.iter().filter(|tag| tag.get("aria-invalid").is_some()).map(|tag| tag.get("id")).collect();
            let expected = match problem {
                TotpAddProblem::CodeMissing | TotpAddProblem::WrongCode => vec![Some("code")],
                TotpAddProblem::NameNotTaken => vec![Some("name")],
                _ => vec![],
            };
            assert_eq!(invalid, expected, "{name}");
        }
    }

    #[test]
    fn the_picture_needs_no_style_and_has_a_text_beside_it() {
        let html = PAGE.render().unwrap();
        assert!(html.contains("<svg") && !html.contains("style=") && html.contains(PAGE.secret), "{html}");
    }
}
