//! HEAD, which requests only the head of a response (RFC 9110 §9.3.2): where a GET does something, HEAD does nothing.

use diesel::{QueryableByName, RunQueryDsl, sql_query, sql_types::BigInt};
use symbolon::testing::{
    protocol::{
        account::link::LinkKind,
        grant::credential::{Credential, Kind},
    },
    random,
    store::{
        Error,
        links::{self, Link},
    },
};

use crate::harness::{Browser, CALLBACK, PASSWORD, Server, both, encode, grant_of};

const SCOPE: &str = "openid offline_access";

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

/// How much there is in the database, and how far it has come.
fn state(server: &Server) -> Vec<(String, i64)> {
    server.flush();
    let tables = [
        "activity",
        "consents",
        "deliveries",
        "devices",
        "grant_history",
        "grants",
        "links",
        "rate_limits",
        "revoked_tokens",
        "sessions",
        "subjects",
        "used_assertions",
        "grants WHERE revoked_at IS NOT NULL",
        "sessions WHERE ended_at IS NOT NULL",
        "links WHERE used_at IS NOT NULL",
        "grants WHERE generation > 1",
        "sessions WHERE generation > 1",
    ];
    let count = |table: &str| {
        let query = format!("SELECT count(*) AS count FROM {table}");
        server.store(|connection| sql_query(query).get_result::<Count>(connection).map_err(Error::from)).count
    };
    tables.into_iter().map(|table| (table.to_owned(), count(table))).collect()
}

#[test]
fn it_issues_nothing_and_ends_nothing() {
    both(|server| {
        let alice = server.add_user("alice").claims.id;
        let spa = server.add_client("spa", symbolon::testing::protocol::oauth::client::ClientKind::Spa, |client| {
            client.settings.post_logout_redirect_uris = vec![CALLBACK.into()];
        });
        let mut browser = Browser::new(server);
        let code = browser.code(&spa, "alice", SCOPE);
        let tokens = server.redeem(&spa, &code);
        browser.sign_in_at("/login", "alice", PASSWORD);
        let now = server.now();
        let link = Link {
            user_id: Some(alice),
            email: Some("alice@example.com".into()),
            ..Link::new(random::id(now), LinkKind::NotMe, now)
        };
        server.store(|connection| links::insert(connection, &link));
        let link = Credential { kind: Kind::Link, id: link.id, generation: 0 }.derive(&server.app.config.secrets);

        let request = Browser::request(&spa, SCOPE, &[]);
        let out =
            format!("/logout?{}", encode(&[("id_token_hint", tokens.text("id_token")), ("post_logout_redirect_uri", CALLBACK)]));
        let before = state(server);
        let mut paths =
            vec![request.clone(), out.clone(), format!("/not-me?link={link}"), format!("/account/grants/{}", grant_of(&tokens))];
        for more in [("response_mode", "form_post"), ("response_mode", "fragment"), ("prompt", "none"), ("prompt", "login")] {
            paths.push(Browser::request(&spa, SCOPE, &[more]));
        }
        paths.extend(["/login", "/consent", "/select-account"].map(|page| request.replace("/authorize", page)));
        let pages = [
            "/",
            "/login",
            "/logout",
            "/register",
            "/recover",
            "/not-me",
            "/account",
            "/account/activity",
            "/account/password",
            "/account/email",
            "/account/details",
            "/account/data",
            "/account/export",
            "/userinfo",
            "/readyz",
            "/.well-known/openid-configuration",
            "/.well-known/jwks.json",
        ];
        paths.extend(pages.map(str::to_owned));
        for path in &paths {
            let head = browser.send("HEAD", path, None);
            assert!(head.status < 500 && head.status != 405 && head.body.is_empty(), "{path}: {head:?}");
            assert!(!head.header("location").is_some_and(|to| to.starts_with(CALLBACK)), "{path}: {head:?}");
            assert_eq!(state(server), before, "{path}");
        }

        // What is done by GET.
        let issued = browser.get(&request);
        assert!(issued.location().starts_with(&format!("{CALLBACK}?code=")), "{issued:?}");
        assert_ne!(state(server), before);
        assert!(browser.get("/").state() == Some("signed-in"));
        assert_eq!(browser.get(&out).location(), CALLBACK);
        assert!(browser.get("/").state() == Some("signed-out"));
    });
}
