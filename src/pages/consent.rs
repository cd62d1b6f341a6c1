//! The consent page, `templates/consent.html`, with what a user must know to decide; the template describes the scopes in words.
//! When consent is requested, and what an answer does, is not decided here.

use askama::Template;

use super::Layout;

/// The form that asks for consent; it sends `decision=allow` or `decision=deny`.
#[derive(Debug, Template)]
#[template(path = "consent.html")]
pub struct Consent<'a> {
    /// The frame.
    pub layout: Layout<'a>,
    /// The name of the requesting app.
    pub client_name: &'a str,
    /// The destination of the response: a host, or the scheme of a native app.
    pub client_host: &'a str,
    /// The user's display name, or the username if there is none.
    pub user: &'a str,
    /// The user's username.
    pub username: &'a str,
    /// The requested scopes.
    pub scopes: &'a [RequestedScope<'a>],
    /// The resource servers for which access is requested.
    pub resources: &'a [RequestedResource<'a>],
    /// The lifetime of the access.
    pub lifetime: Lifetime<'a>,
    /// Whether consent is requested each time and not remembered.
    pub asks_each_time: bool,
    /// The form's action.
    pub action: &'a str,
    /// The form's CSRF token.
    pub csrf: &'a str,
    /// Why the page is shown again.
    pub problem: Option<ConsentProblem>,
}

/// A requested scope. The template has words for the standard scopes; any other is shown by its description.
#[derive(Debug, Clone, Copy)]
pub struct RequestedScope<'a> {
    /// The scope token.
    pub name: &'a str,
    /// What it allows, in the operator's words; they continue a sentence such as "Example Notes can".
    pub description: Option<&'a str>,
    /// The display name of the API that it belongs to.
    pub api: Option<&'a str>,
    /// The names of the user's attributes that it grants, where its words do not mention them.
    pub claims: &'a [String],
}

/// A requested resource server (RFC 8707).
#[derive(Debug, Clone, Copy)]
pub struct RequestedResource<'a> {
    /// The display name of the API, or the URI if it has none.
    pub name: &'a str,
    /// The resource indicator.
    pub uri: &'a str,
    /// The names of the user's attributes that its access tokens may contain.
    pub claims: &'a [&'a str],
}

/// The lifetime of the access. Texts are durations in words, such as "30 days".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lifetime<'a> {
    /// The grant ends with the browser session.
    UntilSignOut {
        /// Its maximum lifetime.
        at_most: &'a str,
    },
    /// The grant outlives the session (`offline_access`).
    LongLived {
        /// Its maximum lifetime.
        at_most: &'a str,
        /// The time without use after which it expires.
        idle: &'a str,
    },
    /// There is no refresh token.
    Once {
        /// The lifetime of the access token, in minutes.
        minutes: i64,
    },
}

/// Why an answer was rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConsentProblem {
    /// The form's CSRF token has expired or belongs to another session.
    FormExpired,
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::markup;
    use super::super::samples::{LAYOUT, Sample, assert_escaped, hostile, sample};
    use super::*;

    const SESSION: Lifetime<'static> = Lifetime::UntilSignOut { at_most: "30 days" };
    const LONG: Lifetime<'static> = Lifetime::LongLived { at_most: "1 year", idle: "30 days" };
    const STANDARD: [&str; 8] = ["openid", "profile", "email", "address", "phone", "roles", "groups", "offline_access"];
    const READ: RequestedScope<'static> =
        RequestedScope { name: "notes:read", description: Some("Read your notes"), api: Some("Notes API"), claims: &[] };
    const NOTES: RequestedResource<'static> =
        RequestedResource { name: "Notes API", uri: "https://api.example.com/notes", claims: &["email"] };
    const BARE: RequestedResource<'static> =
        RequestedResource { name: "https://files.example.com/", uri: "https://files.example.com/", claims: &[] };

    fn scope(name: &str) -> RequestedScope<'_> {
        RequestedScope { name, description: None, api: None, claims: &[] }
    }

    fn consent<'a>(scopes: &'a [RequestedScope<'a>], lifetime: Lifetime<'a>) -> Consent<'a> {
        Consent {
            layout: LAYOUT,
            client_name: "Example Notes",
            client_host: "app.example.com",
            user: "Alice Example",
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
        let openid = [scope("openid")];
        let mut again = consent(&openid, SESSION);
        again.problem = Some(ConsentProblem::FormExpired);
        again.asks_each_time = true;
        again.user = "alice";
        let claims = ["employee_number", "department"].map(str::to_owned);
        let described = RequestedScope { description: Some("See your place in the company"), claims: &claims, ..scope("staff") };
        let own = [
            scope("openid"),
            READ,
            RequestedScope { description: None, name: "notes:share", ..READ },
            described,
            RequestedScope { claims: &claims, ..scope("hr") },
            RequestedScope { api: Some("Payroll"), claims: &claims, ..scope("pay") },
            RequestedScope { description: Some("Import notes from elsewhere"), ..scope("import") },
            scope("notes:legacy"),
        ];
        let mut apis = consent(&own, SESSION);
        apis.resources = &[NOTES, BARE];
        let mut one = consent(&own[..2], SESSION);
        one.resources = &[NOTES];
        vec![
            sample("consent", &consent(&STANDARD.map(scope), LONG)),
            sample("consent-apis", &apis),
            sample("consent-api", &one),
            sample("consent-session", &consent(&["openid", "profile"].map(scope), SESSION)),
            sample("consent-once", &consent(&[], Lifetime::Once { minutes: 10 })),
            sample("consent-expired", &again),
        ]
    }

    #[test]
    fn hostile_values_are_escaped() {
        let fields = [
            "client", "host", "name", "username", "scope", "words", "api", "claim", "resource", "uri", "seen", "most", "action",
            "csrf",
        ];
        let [client, host, name, username, token, words, api, claim, resource, uri, seen, most, action, csrf] =
            fields.map(hostile);
        let page = Consent {
            layout: LAYOUT,
            client_name: &client,
            client_host: &host,
            user: &name,
            username: &username,
            scopes: &[RequestedScope { name: &token, description: Some(&words), api: Some(&api), claims: &[claim] }],
            resources: &[RequestedResource { name: &resource, uri: &uri, claims: &[&seen] }],
            lifetime: Lifetime::UntilSignOut { at_most: &most },
            asks_each_time: false,
            action: &action,
            csrf: &csrf,
            problem: None,
        };
        assert_escaped(&page, &fields);
        let bare = [RequestedScope { api: Some(&api), ..scope(&token) }, scope(&words)];
        assert_escaped(&consent(&bare, SESSION), &["scope", "api", "words"]);
    }

    #[test]
    fn it_says_who_what_where_and_how_long() {
        let html = consent(&[READ], LONG).render().unwrap();
        for words in [
            "<title>Example Notes wants access",
            "app.example.com",
            "Alice Example",
            "1 year",
            "30 days",
            "only asked again if it wants more",
        ] {
            assert!(html.contains(words), "{words}");
        }
    }

    #[test]
    fn standard_scopes_are_in_words() {
        let html = consent(&STANDARD.map(scope), LONG).render().unwrap();
        assert_eq!(html.matches("<li>").count(), STANDARD.len());
        for name in STANDARD {
            assert!(!html.contains(&format!("<bdi>{name}</bdi>")), "{name} is in words");
        }
    }

    #[test]
    fn another_scope_is_in_the_words_it_was_given() {
        let claims = ["employee_number", "department"].map(str::to_owned);
        let said = |scope: RequestedScope<'_>| {
            let html = consent(&[scope], SESSION).render().unwrap();
            html.split_once("<li><div>").unwrap().1.split_once("</div></li>").unwrap().0.to_owned()
        };
        let code = "<code><bdi>notes:read</bdi></code>";
        let read = scope("notes:read");
        let see = "<span>See: <code><bdi>employee_number</bdi></code>, <code><bdi>department</bdi></code></span>";
        let (words, at) = (Some("Read your notes"), Some("Notes API"));
        for (scope, expected) in [
            (READ, format!("<strong><bdi>Read your notes</bdi></strong><span>{code} at <bdi>Notes API</bdi></span>")),
            (
                RequestedScope { description: words, ..read },
                format!("<strong><bdi>Read your notes</bdi></strong><span>{code}</span>"),
            ),
            (
                RequestedScope { description: words, claims: &claims, ..read },
                format!("<strong><bdi>Read your notes</bdi></strong><span>{code}</span>{see}"),
            ),
            (RequestedScope { claims: &claims, ..read }, format!("<strong>{code}</strong>{see}")),
        ] {
            assert_eq!(said(scope), expected);
        }
        assert!(
            said(RequestedScope { api: at, ..read })
                .starts_with(&format!("<strong>{code}</strong><span>A permission of <bdi>Notes API</bdi>"))
        );
        assert!(said(read).starts_with(&format!("<strong>{code}</strong><span>A permission of the app;")));
    }

    #[test]
    fn a_resource_without_a_name_is_shown_once() {
        let scopes = [READ];
        let mut page = consent(&scopes, SESSION);
        page.resources = &[NOTES, BARE];
        let html = page.render().unwrap();
        for (words, count) in [(">Notes API</", 2), (NOTES.uri, 1), (BARE.uri, 1), ("It sees", 1), (">email</", 1)] {
            assert_eq!(html.matches(words).count(), count, "{words}");
        }
    }

    #[test]
    fn a_user_without_a_display_name_is_named_once() {
        let openid = [scope("openid")];
        let mut page = consent(&openid, Lifetime::Once { minutes: 1 });
        page.user = "alice";
        page.asks_each_time = true;
        let html = page.render().unwrap();
        assert_eq!(html.matches("alice").count(), 1);
        assert!(html.contains("1 minute, just once") && html.contains("You are asked again<"));
    }

    #[test]
    fn allowing_and_denying_are_two_buttons_of_one_form() {
        let html = consent(&[READ], SESSION).render().unwrap();
        let tags = markup::tags(&html);
        let buttons = tags.iter().filter(|tag| tag.name == "button");
        let answers: Vec<_> = buttons.map(|tag| (tag.get("name"), tag.get("value"))).collect();
        let decision = Some("decision");
        assert_eq!(answers, [(decision, Some("deny")), (decision, Some("allow"))]);
        assert_eq!(tags.iter().filter(|tag| tag.name == "form").count(), 1);
    }
}
