//! The two pages of signing out, the question (`templates/sign_out.html`) and the result (`templates/signed_out.html`), with what
//! both say about an invalid logout request of an app (`templates/sign_out_words.html`, OpenID Connect RP-Initiated Logout 1.0,
//! sections 2 to 4). Whether it is valid, and what signing out ends besides the session, is decided elsewhere.

use askama::Template;

use super::Layout;
use crate::protocol::oidc::logout::Problem;

/// The form that asks before the session is ended.
#[derive(Debug, Template)]
#[template(path = "sign_out.html")]
pub struct SignOut<'a> {
    /// The frame.
    pub layout: Layout<'a>,
    /// The requesting app, if it has proved with an ID token that the user uses it.
    pub client_name: Option<&'a str>,
    /// The app to which the user returns afterwards; only the request says so, and anyone can make one.
    pub leads_to: Option<&'a str>,
    /// The user's display name, or the username if there is none.
    pub name: &'a str,
    /// What is wrong with the app's request; the user then stays here afterwards.
    pub note: Option<SignOutNote<'a>>,
    /// The form's CSRF token.
    pub csrf: &'a str,
    /// The form's action.
    pub action: &'a str,
    /// The URL for staying signed in: a path of this server, never an address from the request.
    pub stay: &'a str,
}

/// The page where nobody is signed in, or no longer.
#[derive(Debug, Template)]
#[template(path = "signed_out.html")]
pub struct SignedOut<'a> {
    /// The frame.
    pub layout: Layout<'a>,
    /// What was found, and ended.
    pub outcome: SignOutOutcome,
    /// What was wrong with the app's request, so that the user was not redirected to it.
    pub note: Option<SignOutNote<'a>>,
}

/// What a request to sign out came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignOutOutcome {
    /// Nobody is signed in to this browser, or no longer.
    SignedOut,
    /// The session that the app's ID token names has ended; the request came without a browser's cookie.
    EndedByApp,
    /// An app requested it, and there was no session to end.
    NothingFound,
}

/// What is wrong with an app's logout request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignOutNote<'a> {
    /// The kind.
    pub problem: Problem,
    /// The `post_logout_redirect_uri`.
    pub received: &'a str,
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::markup;
    use super::super::samples::{LAYOUT, Sample, assert_escaped, hostile, sample};
    use super::*;

    const CONFIRMATION: SignOut<'static> = SignOut {
        layout: LAYOUT,
        client_name: None,
        leads_to: None,
        name: "Alice Example",
        note: None,
        csrf: "form-proof",
        action: "/logout",
        stay: "/",
    };
    const LONG: &str =
        "https://app.example.com/signed-out/with/a/path/that/goes/on/and/on?and=a&query=that-does-not-end-0123456789";
    const NOTES: [(&str, SignOutNote<'static>); 6] = [
        ("client-missing", SignOutNote { problem: Problem::ClientMissing, received: LONG }),
        ("return", SignOutNote { problem: Problem::ReturnNotRegistered, received: LONG }),
        ("return-empty", SignOutNote { problem: Problem::ReturnNotRegistered, received: "" }),
        ("hint-not-ours", SignOutNote { problem: Problem::HintNotOurs, received: "" }),
        ("hint-of-another", SignOutNote { problem: Problem::HintOfAnother, received: "" }),
        ("client-unknown", SignOutNote { problem: Problem::ClientUnknown, received: "" }),
    ];

    fn requested(note: SignOutNote<'_>) -> SignOut<'_> {
        let client_name = (!matches!(note.problem, Problem::ClientUnknown | Problem::ClientMissing)).then_some("Example Notes");
        SignOut { client_name, note: Some(note), ..CONFIRMATION }
    }

    fn ended(note: Option<SignOutNote<'_>>) -> SignedOut<'_> {
        SignedOut { layout: LAYOUT, outcome: SignOutOutcome::SignedOut, note }
    }

    fn without_browser(outcome: SignOutOutcome) -> SignedOut<'static> {
        SignedOut { outcome, ..ended(None) }
    }

    pub fn samples() -> Vec<Sample> {
        let by_app = SignOut { client_name: Some("Example Notes"), ..CONFIRMATION };
        let to_app = SignOut { leads_to: Some("Example Notes"), ..CONFIRMATION };
        let mut all = vec![
            sample("sign-out", &CONFIRMATION),
            sample("sign-out-app", &by_app),
            sample("sign-out-to-app", &to_app),
            sample("signed-out", &ended(None)),
            sample("signed-out-by-app", &without_browser(SignOutOutcome::EndedByApp)),
            sample("signed-out-nothing-found", &without_browser(SignOutOutcome::NothingFound)),
        ];
        for (name, note) in NOTES {
            all.push(sample(&format!("sign-out-{name}"), &requested(note)));
            all.push(sample(&format!("signed-out-{name}"), &ended(Some(note))));
        }
        all
    }

    #[test]
    fn hostile_values_are_escaped() {
        let fields = ["client", "leads_to", "name", "received", "csrf", "action", "stay"];
        let [client, leads_to, name, received, csrf, action, stay] = fields.map(hostile);
        let note = Some(SignOutNote { problem: Problem::ReturnNotRegistered, received: &received });
        let (client_name, leads_to) = (Some(client.as_str()), Some(leads_to.as_str()));
        let page =
            SignOut { layout: LAYOUT, client_name, leads_to, name: &name, note, csrf: &csrf, action: &action, stay: &stay };
        assert_escaped(&page, &fields);
        assert_escaped(&ended(note), &["received"]);
    }

    #[test]
    fn a_note_says_what_was_expected_and_received() {
        for (name, note) in NOTES {
            for (html, stays) in [
                (requested(note).render().unwrap(), "You will not be sent back to the app."),
                (ended(Some(note)).render().unwrap(), "You were not sent back to the app."),
            ] {
                for words in [stays, "<dt>Expected</dt>", "<dt>Received</dt>", "<h2>If you develop this app</h2>"] {
                    assert_eq!(html.matches(words).count(), 1, "{name}: {words}");
                }
            }
        }
        for html in [CONFIRMATION.render().unwrap(), ended(None).render().unwrap()] {
            assert!(!html.contains("<dt>") && !html.contains("class=\"note"), "nothing is said where all is in order");
        }
    }

    #[test]
    fn only_who_was_signed_out_is_told_so() {
        for (outcome, state, is_said) in [
            (SignOutOutcome::SignedOut, "signed-out", true),
            (SignOutOutcome::EndedByApp, "ended-by-app", true),
            (SignOutOutcome::NothingFound, "nothing-found", false),
        ] {
            let html = without_browser(outcome).render().unwrap();
            assert!(html.contains(&format!("data-state=\"{state}\"")), "{html}");
            assert_eq!(html.contains("You are signed out"), is_said, "{state}");
        }
    }

    #[test]
    fn what_was_received_is_shown_and_never_a_link() {
        let note = SignOutNote { problem: Problem::ReturnNotRegistered, received: LONG };
        for html in [requested(note).render().unwrap(), ended(Some(note)).render().unwrap()] {
            let shown = format!("<code class=\"received\" dir=\"ltr\">{}</code>", LONG.replace('&', "&#38;"));
            assert!(html.contains(&shown));
            let tags = markup::tags(&html);
            let urls: Vec<_> =
                tags.iter().flat_map(|tag| ["src", "href", "action"].map(|name| tag.get(name))).flatten().collect();
            assert!(urls.iter().all(|url| url.starts_with('/')), "{urls:?}");
        }
    }

    #[test]
    fn staying_leads_where_it_is_told() {
        let html = SignOut { stay: "/tenant/", ..CONFIRMATION }.render().unwrap();
        let tags = markup::tags(&html);
        let way = tags.iter().find(|tag| tag.get("class") == Some("button other")).unwrap();
        assert_eq!((way.name, way.get("href")), ("a", Some("/tenant/")));
    }

    #[test]
    fn an_app_asks_only_where_that_is_shown() {
        let to_app = SignOut { leads_to: Some("Example Notes"), ..CONFIRMATION }.render().unwrap();
        assert!(to_app.contains("You then return to <bdi>Example Notes</bdi>") && !to_app.contains("wants to sign you out"));
        let by_app = SignOut { client_name: Some("Example Notes"), ..CONFIRMATION }.render().unwrap();
        assert!(by_app.contains("<h1><bdi>Example Notes</bdi> wants to sign you out</h1>"));
        assert!(by_app.contains("<title>Example Notes wants to sign you out"));
        assert!(CONFIRMATION.render().unwrap().contains("<h1>Sign out?</h1>"));
    }
}
