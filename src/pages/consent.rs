//! The consent page, `templates/consent.html`. Holds what a person must know to decide; the template puts the scopes in words. When
//! consent is asked for, and what an answer does, is not decided here.

use askama::Template;

use super::Chrome;

/// The form that asks whether an app may have access; it sends `decision=allow` or `decision=deny`.
#[derive(Debug, Template)]
#[template(path = "consent.html")]
pub struct Consent<'a> {
    /// The frame.
    pub chrome: Chrome<'a>,
    /// The app that asks.
    pub client_name: &'a str,
    /// Where the answer goes: a host, or the scheme of a native app.
    pub client_host: &'a str,
    /// The person's display name, or username if there is none.
    pub person: &'a str,
    /// The person's username.
    pub username: &'a str,
    /// The scopes asked for, by name.
    pub scopes: &'a [&'a str],
    /// The resource servers the access is for.
    pub resources: &'a [String],
    /// How long the access lasts.
    pub lifetime: Lifetime<'a>,
    /// Whether the answer is asked for anew each time, and not remembered.
    pub asks_each_time: bool,
    /// Where the form is sent.
    pub action: &'a str,
    /// The form's proof against forgery.
    pub csrf: &'a str,
    /// Why the page is shown again.
    pub problem: Option<ConsentProblem>,
}

/// How long the access lasts. Texts are durations in words, such as "30 days".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lifetime<'a> {
    /// The grant ends with the session of the browser.
    UntilSignOut {
        /// The longest it can last.
        at_most: &'a str,
    },
    /// The grant outlives the session (`offline_access`).
    LongLived {
        /// The longest it can last.
        at_most: &'a str,
        /// It ends when it is not used for this long.
        idle: &'a str,
    },
    /// There is no refresh token.
    Once {
        /// The life of the access token.
        minutes: i64,
    },
}

/// Why an answer was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConsentProblem {
    /// The form's proof is too old or of another session.
    FormExpired,
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::markup;
    use super::super::samples::{CHROME, Sample, assert_escaped, hostile, sample};
    use super::*;

    const SESSION: Lifetime<'static> = Lifetime::UntilSignOut { at_most: "30 days" };
    const LONG: Lifetime<'static> = Lifetime::LongLived { at_most: "1 year", idle: "30 days" };
    const SCOPES: [&str; 5] = ["openid", "profile", "email", "offline_access", "notes:read"];

    fn consent<'a>(scopes: &'a [&'a str], lifetime: Lifetime<'a>) -> Consent<'a> {
        Consent {
            chrome: CHROME,
            client_name: "Example Notes",
            client_host: "app.example.com",
            person: "Alice Example",
            username: "alice",
            scopes,
            resources: &[],
            lifetime,
            asks_each_time: false,
            action: "/consent?client_id=notes",
            csrf: "form-proof",
            problem: None,
        }
    }

    pub fn samples() -> Vec<Sample> {
        let mut again = consent(&["openid"], SESSION);
        again.problem = Some(ConsentProblem::FormExpired);
        again.asks_each_time = true;
        again.person = "alice";
        vec![
            sample("consent", &consent(&SCOPES, LONG)),
            sample("consent-session", &consent(&["openid", "profile"], SESSION)),
            sample("consent-once", &consent(&[], Lifetime::Once { minutes: 10 })),
            sample("consent-expired", &again),
        ]
    }

    #[test]
    fn hostile_values_are_escaped() {
        let fields = ["client", "host", "name", "username", "scope", "most", "action", "csrf"];
        let [client, host, name, username, scope, most, action, csrf] = fields.map(hostile);
        let page = Consent {
            chrome: CHROME,
            client_name: &client,
            client_host: &host,
            person: &name,
            username: &username,
            scopes: &[&scope],
            resources: &[],
            lifetime: Lifetime::UntilSignOut { at_most: &most },
            asks_each_time: false,
            action: &action,
            csrf: &csrf,
            problem: None,
        };
        assert_escaped(&page, &fields);
    }

    #[test]
    fn it_says_who_what_where_and_how_long() {
        let html = consent(&SCOPES, LONG).render().unwrap();
        for words in [
            "<title>Example Notes asks for access",
            "app.example.com",
            "Alice Example",
            "1 year",
            "30 days",
            "only if it wants more",
            "<code><bdi>notes:read</bdi></code>",
        ] {
            assert!(html.contains(words), "{words}");
        }
        for raw in ["openid", ">profile<", ">email<", "offline_access"] {
            assert!(!html.contains(raw), "{raw} is in words");
        }
    }

    #[test]
    fn a_person_without_a_display_name_is_named_once() {
        let mut page = consent(&["openid"], Lifetime::Once { minutes: 1 });
        page.person = "alice";
        page.asks_each_time = true;
        let html = page.render().unwrap();
        assert_eq!(html.matches("alice").count(), 1);
        assert!(html.contains("1 minute, this once") && html.contains("You are asked again<"));
    }

    #[test]
    fn allowing_and_denying_are_two_buttons_of_one_form() {
        let html = consent(&SCOPES, SESSION).render().unwrap();
        let tags = markup::tags(&html);
        let buttons = tags.iter().filter(|tag| tag.name == "button");
        let answers: Vec<_> = buttons.map(|tag| (tag.get("name"), tag.get("value"))).collect();
        let decision = Some("decision");
        assert_eq!(answers, [(decision, Some("deny")), (decision, Some("allow"))]);
        assert_eq!(tags.iter().filter(|tag| tag.name == "form").count(), 1);
    }
}
