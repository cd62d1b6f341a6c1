//! Every page with samples, so that none is first seen by a user: each is checked by `markup`, some for what they must say. To look at
//! them, set `SYMBOLON_PAGE_SAMPLES` to a folder and run the test `every_page_renders`: it writes them there with their assets.

use std::path::Path;

use super::*;

const CHROME: Chrome<'static> = Chrome {
    base: "",
    request_id: "01jd3v6q8w2n4m5k7r9t0xyzab",
};

/// A value as a hostile client would send it; `marked` puts a name in front, to find the field again.
const HOSTILE: &str = r#""'><script>alert(1)</script><img src=x onerror=alert(1)>&lt;"#;
const ESCAPED: &str = "&#34;&#39;&#62;&#60;script&#62;alert(1)&#60;/script&#62;&#60;img src=x onerror=alert(1)&#62;&#38;lt;";

fn marked(field: &str) -> String {
    format!("{field}{HOSTILE}")
}

fn login(username: &'static str, problem: Option<LoginProblem>) -> Login<'static> {
    Login {
        chrome: CHROME,
        client_name: Some("Example Notes"),
        action: "/login?client_id=notes&scope=openid",
        csrf: "form-proof",
        username,
        problem,
    }
}

fn consent(scopes: &'static [&'static str], lifetime: Lifetime<'static>) -> Consent<'static> {
    Consent {
        chrome: CHROME,
        client_name: "Example Notes",
        client_host: "app.example.com",
        person: "Alice Example",
        username: "alice",
        scopes,
        lifetime,
        asks_each_time: false,
        action: "/consent?client_id=notes",
        csrf: "form-proof",
        problem: None,
    }
}

/// Each problem and each hint, by the name of its sample.
fn problems() -> Vec<(String, u16, Problem<'static>)> {
    let long = "https://app.example.com/signin/callback/with/a/path/that/goes/on/and/on?and=a&query=that-does-not-end-for-a-long-while-either-0123456789";
    let mismatch = |received, hint| Problem::RedirectUriMismatch {
        received,
        client_name: "Example Notes",
        hint,
    };
    let mut all = vec![
        (
            "unknown-client",
            400,
            Problem::UnknownClient { received: "notse" },
        ),
        ("empty-client", 400, Problem::UnknownClient { received: "" }),
        ("missing-client", 400, Problem::MissingClient),
        (
            "redirect-missing-0",
            400,
            Problem::RedirectUriMissing {
                registered_count: 0,
            },
        ),
        (
            "redirect-missing-1",
            400,
            Problem::RedirectUriMissing {
                registered_count: 1,
            },
        ),
        (
            "redirect-missing-3",
            400,
            Problem::RedirectUriMissing {
                registered_count: 3,
            },
        ),
        ("mismatch", 400, mismatch(long, None)),
        (
            "repeated",
            400,
            Problem::RepeatedParameter { name: "state" },
        ),
        (
            "malformed",
            400,
            Problem::MalformedRequest {
                detail: "the value of scope is not UTF-8",
            },
        ),
        ("too-large", 413, Problem::TooLarge { limit: 16384 }),
        ("form-expired", 400, Problem::FormExpired),
        ("not-found", 404, Problem::NotFound { path: "/autorize" }),
        ("method", 405, Problem::MethodNotAllowed { method: "PUT" }),
        ("insecure", 403, Problem::InsecureTransport),
        ("unavailable", 503, Problem::Unavailable),
        ("internal", 500, Problem::Internal),
        (
            "client-disabled",
            403,
            Problem::ClientDisabled {
                client_name: "Example Notes",
            },
        ),
    ];
    for (name, received, hint) in [
        (
            "hint-slash",
            "https://app.example.com/callback/",
            RedirectHint::TrailingSlash,
        ),
        (
            "hint-scheme",
            "http://app.example.com/callback",
            RedirectHint::Scheme,
        ),
        (
            "hint-port",
            "https://app.example.com:8443/callback",
            RedirectHint::Port,
        ),
        (
            "hint-case",
            "https://App.example.com/callback",
            RedirectHint::HostCase,
        ),
        (
            "hint-localhost",
            "http://localhost:8081/callback",
            RedirectHint::Localhost,
        ),
        (
            "hint-query",
            "https://app.example.com/callback?next=1",
            RedirectHint::QueryDiffers,
        ),
    ] {
        all.push((name, 400, mismatch(received, Some(hint))));
    }
    all.into_iter()
        .map(|(name, status, problem)| (format!("error-{name}"), status, problem))
        .collect()
}

fn samples() -> Vec<(String, String)> {
    let person = SignedIn {
        name: "Alice Example",
        username: "alice",
        csrf: "form-proof",
        action: "/logout",
    };
    let month = Lifetime::UntilSignOut { at_most: "30 days" };
    let year = Lifetime::LongLived {
        at_most: "1 year",
        idle: "30 days",
    };
    let all: [&str; 5] = ["openid", "profile", "email", "offline_access", "notes:read"];
    let all: &'static [&'static str] = Box::leak(Box::new(all));
    let mut repeated = consent(&["openid"], month);
    repeated.problem = Some(ConsentProblem::FormExpired);
    repeated.asks_each_time = true;
    repeated.person = "alice";
    let pages: Vec<(&str, Box<dyn askama::DynTemplate>)> = vec![
        ("login", Box::new(login("", None))),
        ("login-hint", Box::new(login("alice", None))),
        (
            "login-direct",
            Box::new(Login {
                client_name: None,
                ..login("", None)
            }),
        ),
        (
            "login-wrong",
            Box::new(login("alice", Some(LoginProblem::WrongNameOrPassword))),
        ),
        (
            "login-slowed",
            Box::new(login(
                "alice",
                Some(LoginProblem::SlowedDown { seconds: 42 }),
            )),
        ),
        (
            "login-expired",
            Box::new(login("", Some(LoginProblem::FormExpired))),
        ),
        ("consent", Box::new(consent(all, year))),
        (
            "consent-session",
            Box::new(consent(&["openid", "profile"], month)),
        ),
        (
            "consent-once",
            Box::new(consent(&[], Lifetime::Once { minutes: 10 })),
        ),
        ("consent-expired", Box::new(repeated)),
        (
            "home",
            Box::new(Home {
                chrome: CHROME,
                signed_in: Some(person),
            }),
        ),
        (
            "home-nobody",
            Box::new(Home {
                chrome: CHROME,
                signed_in: None,
            }),
        ),
        (
            "sign-out",
            Box::new(SignOut {
                chrome: CHROME,
                name: "Alice Example",
                csrf: "form-proof",
                action: "/logout",
            }),
        ),
        ("signed-out", Box::new(SignedOut { chrome: CHROME })),
        (
            "form-post",
            Box::new(FormPost {
                chrome: CHROME,
                action: "https://app.example.com/callback",
                fields: &[("code", "sym_ac_sample"), ("state", "a state")],
            }),
        ),
    ];
    let mut rendered: Vec<_> = pages
        .into_iter()
        .map(|(name, page)| (name.to_owned(), page.dyn_render().unwrap()))
        .collect();
    for (name, status, problem) in problems() {
        let page = Error {
            chrome: CHROME,
            status,
            problem,
        };
        rendered.push((name, page.render().unwrap()));
    }
    rendered
}

#[test]
fn every_page_renders() {
    let samples = samples();
    for (name, html) in &samples {
        markup::check(name, html);
        assert!(html.contains(CHROME.request_id), "{name}: the request id");
    }
    if let Some(folder) = std::env::var_os("SYMBOLON_PAGE_SAMPLES") {
        write(Path::new(&folder), &samples);
    }
}

fn write(folder: &Path, samples: &[(String, String)]) {
    std::fs::create_dir_all(folder.join("static")).unwrap();
    for (name, html) in samples {
        std::fs::write(folder.join(format!("{name}.html")), html).unwrap();
        for tag in markup::tags(html) {
            for url in [tag.get("src"), tag.get("href")].into_iter().flatten() {
                if let Some(asset) = url.strip_prefix("/static/") {
                    let bytes = assets::find(asset).unwrap().bytes;
                    std::fs::write(folder.join("static").join(asset), bytes).unwrap();
                }
            }
        }
    }
}

/// The rendered page without what hostile values escape to; each of `fields` must be there, escaped.
fn assert_escaped(page: &str, html: &str, fields: &[&str]) {
    markup::check(page, html);
    for field in fields {
        let escaped = format!("{field}{ESCAPED}");
        assert!(
            html.contains(&escaped),
            "{page}: {field} is not shown escaped"
        );
    }
    assert!(!html.contains("<script>"), "{page}");
    assert!(!html.contains(HOSTILE), "{page}");
}

#[test]
fn hostile_values_are_escaped_on_the_forms() {
    let [client, action, csrf, name, username, scope, host, most] = [
        "client", "action", "csrf", "name", "username", "scope", "host", "most",
    ]
    .map(marked);
    let page = Login {
        chrome: CHROME,
        client_name: Some(&client),
        action: &action,
        csrf: &csrf,
        username: &username,
        problem: None,
    };
    let html = page.render().unwrap();
    assert_escaped("login", &html, &["client", "action", "csrf", "username"]);

    let page = Consent {
        chrome: CHROME,
        client_name: &client,
        client_host: &host,
        person: &name,
        username: &username,
        scopes: &[&scope],
        lifetime: Lifetime::UntilSignOut { at_most: &most },
        asks_each_time: false,
        action: &action,
        csrf: &csrf,
        problem: None,
    };
    let html = page.render().unwrap();
    assert_escaped(
        "consent",
        &html,
        &[
            "client", "host", "name", "username", "scope", "most", "action", "csrf",
        ],
    );

    let person = SignedIn {
        name: &name,
        username: &username,
        csrf: &csrf,
        action: &action,
    };
    let html = Home {
        chrome: CHROME,
        signed_in: Some(person),
    }
    .render()
    .unwrap();
    assert_escaped("home", &html, &["name", "username", "csrf", "action"]);

    let html = SignOut {
        chrome: CHROME,
        name: &name,
        csrf: &csrf,
        action: &action,
    }
    .render()
    .unwrap();
    assert_escaped("sign-out", &html, &["name", "csrf", "action"]);

    let html = FormPost {
        chrome: CHROME,
        action: &action,
        fields: &[(&name, &scope)],
    }
    .render()
    .unwrap();
    assert_escaped("form-post", &html, &["action", "name", "scope"]);
}

#[test]
fn hostile_values_are_escaped_on_the_error_page() {
    let [value, client, id] = ["value", "client", "id"].map(marked);
    let value = value.as_str();
    let hint = None;
    for (problem, fields) in [
        (Problem::UnknownClient { received: value }, &["value"][..]),
        (
            Problem::RedirectUriMismatch {
                received: value,
                client_name: &client,
                hint,
            },
            &["value", "client"],
        ),
        (Problem::RepeatedParameter { name: value }, &["value"]),
        (Problem::MalformedRequest { detail: value }, &["value"]),
        (Problem::NotFound { path: value }, &["value"]),
        (Problem::MethodNotAllowed { method: value }, &["value"]),
        (
            Problem::ClientDisabled {
                client_name: &client,
            },
            &["client"],
        ),
    ] {
        let chrome = Chrome {
            base: "",
            request_id: &id,
        };
        let html = Error {
            chrome,
            status: 400,
            problem,
        }
        .render()
        .unwrap();
        assert_escaped("error", &html, fields);
        assert_escaped("error", &html, &["id"]);
    }
}

#[test]
fn the_path_of_the_issuer_is_kept() {
    let chrome = Chrome {
        base: "/tenant",
        request_id: "id",
    };
    let html = Home {
        chrome,
        signed_in: None,
    }
    .render()
    .unwrap();
    for tag in markup::tags(&html) {
        for url in [tag.get("src"), tag.get("href")].into_iter().flatten() {
            assert!(url.starts_with("/tenant/"), "{url}");
        }
    }
}

#[test]
fn the_login_form_keeps_the_name_and_focuses_what_comes_next() {
    let input = |html: &str, id: &str, attribute: &str| {
        let tags = markup::tags(html);
        let tag = tags.iter().find(|tag| tag.get("id") == Some(id)).unwrap();
        tag.get(attribute).map(str::to_owned)
    };
    let empty = login("", None).render().unwrap();
    assert!(empty.contains("<title>Sign in · Symbolon</title>"));
    assert!(empty.contains("Example Notes") && !empty.contains("role=\"alert\""));
    assert_eq!(input(&empty, "username", "autofocus").as_deref(), Some(""));
    assert_eq!(input(&empty, "password", "autofocus"), None);
    assert_eq!(
        input(&empty, "username", "autocomplete").as_deref(),
        Some("username")
    );
    assert_eq!(
        input(&empty, "password", "autocomplete").as_deref(),
        Some("current-password")
    );

    let wrong = login("alice", Some(LoginProblem::WrongNameOrPassword))
        .render()
        .unwrap();
    assert!(wrong.contains("role=\"alert\"") && wrong.contains("<title>Error: "));
    assert_eq!(input(&wrong, "username", "value").as_deref(), Some("alice"));
    assert_eq!(input(&wrong, "password", "autofocus").as_deref(), Some(""));
    assert_eq!(input(&wrong, "password", "value"), None);
    assert_eq!(
        input(&wrong, "password", "aria-describedby").as_deref(),
        Some("problem")
    );
    assert_eq!(
        input(&wrong, "password", "aria-invalid").as_deref(),
        Some("true")
    );

    for (seconds, words) in [
        (0, "1 second,"),
        (1, "1 second,"),
        (42, "42 seconds,"),
        (91, "2 minutes,"),
    ] {
        let html = login("alice", Some(LoginProblem::SlowedDown { seconds }))
            .render()
            .unwrap();
        assert!(html.contains(&format!("Wait {words}")), "{seconds}");
    }
}

#[test]
fn consent_says_who_what_where_and_how_long() {
    let year = Lifetime::LongLived {
        at_most: "1 year",
        idle: "30 days",
    };
    let scopes = &["openid", "profile", "email", "offline_access", "notes:read"];
    let html = consent(scopes, year).render().unwrap();
    for words in [
        "Example Notes",
        "app.example.com",
        "Alice Example",
        "1 year",
        "30 days",
        "<code><bdi>notes:read</bdi></code>",
    ] {
        assert!(html.contains(words), "{words}");
    }
    for raw in ["openid", ">profile<", "offline_access"] {
        assert!(!html.contains(raw), "{raw} is in words");
    }
    let tags = markup::tags(&html);
    let decisions: Vec<_> = tags
        .iter()
        .filter(|tag| tag.get("name") == Some("decision"))
        .collect();
    let values: Vec<_> = decisions.iter().map(|tag| tag.get("value")).collect();
    assert_eq!(values, [Some("deny"), Some("allow")]);
}
