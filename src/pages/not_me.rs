//! The page of the link "this was not me" in an e-mail, `templates/not_me.html`: what happened, when and from where, and the
//! button that ends everything. The page after it is `everything_ended`. Opening the link alone ends nothing: programs open links
//! too.

use askama::Template;

use super::{FormProblem, Layout};

/// The form that asks whether it was someone else.
#[derive(Debug, Template)]
#[template(path = "not_me.html")]
pub struct NotMe<'a> {
    /// The frame.
    pub layout: Layout<'a>,
    /// The username of the account.
    pub username: &'a str,
    /// The event that the e-mail reported.
    pub what: ReportedEvent<'a>,
    /// When it happened, in words: "22 November 2026, 05:37 UTC".
    pub when: &'a str,
    /// The same for `<time>`: `2026-11-22T05:37:00Z`.
    pub at: &'a str,
    /// A description of the browser or program, if known.
    pub browser: Option<&'a str>,
    /// The origin: a network address, a location, or both.
    pub place: Option<&'a str>,
    /// The form's action.
    pub action: &'a str,
    /// The form's CSRF token.
    pub csrf: &'a str,
    /// Why the page is shown again.
    pub problem: Option<FormProblem>,
}

/// The event reported by an e-mail that has this link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReportedEvent<'a> {
    /// A sign-in in an unknown browser, or from a network in which the browser was never seen.
    NewDevice,
    /// An app continued from another network.
    NewNetwork {
        /// Its name.
        client_name: &'a str,
    },
    /// A used code or token was presented again.
    CredentialReused {
        /// The name of the app that it was issued to.
        client_name: &'a str,
    },
    /// The password was changed with the old one.
    PasswordChanged,
    /// A new password was set with a link or by an operator.
    PasswordReset,
    /// The e-mail address was changed.
    EmailChanged {
        /// The new address.
        to: &'a str,
    },
    /// A way to sign in was added, which the button removes.
    AuthenticatorAdded {
        /// Its kind and name.
        name: &'a str,
    },
    /// A way to sign in was removed.
    AuthenticatorRemoved {
        /// Its kind and name.
        name: &'a str,
    },
    /// New recovery codes were made.
    RecoveryCodesMade,
    /// A recovery code was used.
    RecoveryCodeUsed,
    /// An operator will remove every way to sign in but the password, which the button cancels.
    ResetPlanned {
        /// When.
        at: &'a str,
    },
    /// That was cancelled.
    ResetCancelled,
    /// It was done.
    AuthenticatorsReset,
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::markup;
    use super::super::samples::{LAYOUT, LONG_EMAIL, Sample, assert_escaped, hostile, sample};
    use super::*;

    const REQUESTED: NotMe<'static> = NotMe {
        layout: LAYOUT,
        username: "alice",
        what: ReportedEvent::NewDevice,
        when: "22 November 2026, 05:37 UTC",
        at: "2026-11-22T05:37:00Z",
        browser: Some("Firefox on Linux"),
        place: Some("203.0.113.7, near Paris, France"),
        action: "/not-me",
        csrf: "form-proof",
        problem: None,
    };
    const KINDS: [(&str, ReportedEvent<'static>, &str); 13] = [
        ("new-device", ReportedEvent::NewDevice, "A sign-in"),
        ("address", ReportedEvent::NewNetwork { client_name: "Example Notes" }, "was used from another network"),
        ("reused", ReportedEvent::CredentialReused { client_name: "Example Notes" }, "was used a second time"),
        ("password-changed", ReportedEvent::PasswordChanged, "The password was changed"),
        ("password-reset", ReportedEvent::PasswordReset, "A new password was set"),
        ("email", ReportedEvent::EmailChanged { to: LONG_EMAIL }, "The e-mail address was changed to"),
        ("added", ReportedEvent::AuthenticatorAdded { name: "Passkey: Phone" }, "was added as a way to sign in"),
        ("removed", ReportedEvent::AuthenticatorRemoved { name: "Passkey: Phone" }, "was removed: it was a way to sign in"),
        ("codes-made", ReportedEvent::RecoveryCodesMade, "New recovery codes were made"),
        ("code-used", ReportedEvent::RecoveryCodeUsed, "A recovery code was used"),
        ("reset-planned", ReportedEvent::ResetPlanned { at: "23 November 2026, 05:37 UTC" }, "will be removed on"),
        ("reset-cancelled", ReportedEvent::ResetCancelled, "was cancelled"),
        ("reset", ReportedEvent::AuthenticatorsReset, "except the password was removed"),
    ];

    pub fn samples() -> Vec<Sample> {
        let again = |problem| NotMe { problem: Some(problem), ..REQUESTED };
        let mut all = vec![
            sample("not-me-expired", &again(FormProblem::FormExpired)),
            sample("not-me-slowed", &again(FormProblem::SlowedDown { seconds: 42 })),
            sample("not-me-little-known", &NotMe { browser: None, place: None, ..REQUESTED }),
        ];
        all.extend(KINDS.map(|(name, what, _)| sample(&format!("not-me-{name}"), &NotMe { what, ..REQUESTED })));
        all
    }

    #[test]
    fn hostile_values_are_escaped() {
        let fields = ["username", "when", "at", "browser", "place", "action", "csrf", "what"];
        let [username, when, at, browser, place, action, csrf, received] = fields.map(hostile);
        for what in [
            ReportedEvent::NewNetwork { client_name: &received },
            ReportedEvent::CredentialReused { client_name: &received },
            ReportedEvent::EmailChanged { to: &received },
            ReportedEvent::AuthenticatorAdded { name: &received },
            ReportedEvent::AuthenticatorRemoved { name: &received },
            ReportedEvent::ResetPlanned { at: &received },
        ] {
            let page = NotMe {
                layout: LAYOUT,
                username: &username,
                what,
                when: &when,
                at: &at,
                browser: Some(&browser),
                place: Some(&place),
                action: &action,
                csrf: &csrf,
                problem: None,
            };
            assert_escaped(&page, &fields);
        }
    }

    #[test]
    fn it_says_what_happened_and_what_the_button_does() {
        for (name, what, words) in KINDS {
            let html = NotMe { what, ..REQUESTED }.render().unwrap();
            for words in [words, "Firefox on Linux", "near Paris", "every browser and app", "stops working"] {
                assert!(html.contains(words), "{name}: {words}");
            }
            for (other, _, words) in KINDS.iter().filter(|(other, ..)| *other != name) {
                assert!(!html.contains(words), "{name} has the words of {other}");
            }
            let tags = markup::tags(&html);
            let time = tags.iter().find(|tag| tag.name == "time").unwrap();
            assert_eq!(time.get("datetime"), Some(REQUESTED.at));
            assert_eq!(tags.iter().filter(|tag| tag.name == "button").count(), 1, "{name}");
        }
    }

    #[test]
    fn what_is_not_known_is_not_shown() {
        let html = NotMe { browser: None, place: None, ..REQUESTED }.render().unwrap();
        assert!(!html.contains("<dt>Browser or app</dt>") && !html.contains("<dt>From</dt>"));
    }
}
