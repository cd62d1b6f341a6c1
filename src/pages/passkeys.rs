//! The forms with a passkey: the part of the sign-in page that its script fills in, the page that adds one,
//! `templates/passkey_add.html`, and the offer after a sign-in with a password, `templates/passkey_offer.html`. What the script reads
//! is in `templates/passkey_words.html`, for every page that asks for a passkey.

use askama::Template;

use super::{FormProblem, Layout, Owner};

/// A form that the script fills in. It sends `passkey_state` and `passkey`.
#[derive(Debug, Clone, Copy)]
pub struct PasskeyForm<'a> {
    /// The form's action.
    pub action: &'a str,
    /// The form's CSRF token.
    pub csrf: &'a str,
    /// What the browser is asked, as JSON.
    pub options: &'a str,
    /// The challenge, sealed.
    pub state: &'a str,
}

/// The page that adds a passkey.
#[derive(Debug, Template)]
#[template(path = "passkey_add.html")]
pub struct PasskeyAdd<'a> {
    /// The frame.
    pub layout: Layout<'a>,
    /// The owner of the account.
    pub owner: Owner<'a>,
    /// The form; `None` where there are no passkeys.
    pub form: Option<PasskeyForm<'a>>,
    /// Why the page is shown again.
    pub problem: Option<PasskeyProblem>,
}

/// The page that offers a passkey; it sends `decision=later` for "not now".
#[derive(Debug, Template)]
#[template(path = "passkey_offer.html")]
pub struct PasskeyOffer<'a> {
    /// The frame.
    pub layout: Layout<'a>,
    /// The app that the user is on the way to.
    pub client_name: Option<&'a str>,
    /// The user's display name, or the username if there is none.
    pub user: &'a str,
    /// The form.
    pub form: PasskeyForm<'a>,
    /// Why the page is shown again.
    pub problem: Option<PasskeyProblem>,
}

/// Why no passkey was added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PasskeyProblem {
    /// What the browser sent is not a passkey that is accepted here.
    Refused,
    /// This passkey was added before.
    Known,
    /// The user has as many as are allowed.
    TooMany,
    /// The form was rejected.
    Form(FormProblem),
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::account_frame::tests::{ALICE, LONG};
    use super::super::markup;
    use super::super::samples::{LAYOUT, Sample, assert_escaped, hostile, sample};
    use super::*;

    pub const FORM: PasskeyForm<'static> =
        PasskeyForm { action: "/account/passkeys/add", csrf: "form-proof", options: r#"{"challenge":"AAAA"}"#, state: "sealed" };
    const ADD: PasskeyAdd<'static> = PasskeyAdd { layout: LAYOUT, owner: ALICE, form: Some(FORM), problem: None };
    const OFFER: PasskeyOffer<'static> =
        PasskeyOffer { layout: LAYOUT, client_name: None, user: "Alice Example", form: FORM, problem: None };
    const PROBLEMS: [(&str, PasskeyProblem, &str); 4] = [
        ("refused", PasskeyProblem::Refused, "could not be added"),
        ("known", PasskeyProblem::Known, "already"),
        ("too-many", PasskeyProblem::TooMany, "as many"),
        ("expired", PasskeyProblem::Form(FormProblem::FormExpired), "has expired"),
    ];

    pub fn samples() -> Vec<Sample> {
        let mut all = vec![
            sample("passkey-add", &ADD),
            sample("passkey-add-none", &PasskeyAdd { form: None, ..ADD }),
            sample("passkey-offer", &OFFER),
            sample("passkey-offer-app", &PasskeyOffer { client_name: Some(LONG), user: LONG, ..OFFER }),
        ];
        for (name, problem, _) in PROBLEMS {
            all.push(sample(&format!("passkey-add-{name}"), &PasskeyAdd { problem: Some(problem), ..ADD }));
            all.push(sample(&format!("passkey-offer-{name}"), &PasskeyOffer { problem: Some(problem), ..OFFER }));
        }
        all
    }

    #[test]
    fn hostile_values_are_escaped() {
        let fields = ["name", "username", "action", "csrf", "options", "state"];
        let [name, username, action, csrf, options, state] = fields.map(hostile);
        let form = PasskeyForm { action: &action, csrf: &csrf, options: &options, state: &state };
        let owner = Owner { name: &name, username: &username };
        assert_escaped(&PasskeyAdd { owner, form: Some(form), ..ADD }, &fields);
        let offer = PasskeyOffer { client_name: Some(&name), user: &username, form, ..OFFER };
        assert_escaped(&offer, &fields);
    }

    #[test]
    fn no_button_is_there_before_the_script_has_found_that_the_browser_can() {
        for html in [ADD.render().unwrap(), OFFER.render().unwrap()] {
            let tags = markup::tags(&html);
            let form = tags.iter().find(|tag| tag.get("data-passkey").is_some()).unwrap();
            assert!(form.get("hidden").is_some(), "{html}");
        }
        let html = OFFER.render().unwrap();
        let tags = markup::tags(&html);
        assert!(tags.iter().any(|tag| tag.get("value") == Some("later") && tag.get("hidden").is_none()), "a way on");
    }

    #[test]
    fn a_problem_is_told() {
        for (name, problem, words) in PROBLEMS {
            let add = PasskeyAdd { problem: Some(problem), ..ADD }.render().unwrap();
            let offer = PasskeyOffer { problem: Some(problem), ..OFFER }.render().unwrap();
            for html in [add, offer] {
                assert!(html.contains(words) && html.contains("role=\"alert\"") && html.contains("<title>Error: "), "{name}");
            }
        }
    }
}
