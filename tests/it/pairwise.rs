//! Pairwise subjects (OpenID Connect Core §8): one for each sector, the same wherever a client sees it, permanent, and nothing by
//! which two sectors could find out that they know the same user.

use std::{collections::BTreeSet, sync::Barrier, thread};

use symbolon::testing::{
    config::Issuer,
    protocol::{
        oauth::client::{Client, ClientKind},
        secrets::SecretRing,
        values::id::Id,
    },
    random,
    store::subjects,
};

use crate::{
    claims::change_client,
    harness::{Answer, Browser, CALLBACK, PASSWORD, SECRET, Server, VERIFIER, both, claims_of, databases, query_of},
};

fn client(server: &Server, id: &str, sector: Option<&str>) -> Client {
    server.add_client(id, ClientKind::Spa, |client| client.settings.pairwise_sector = sector.map(str::to_owned))
}

/// The subject of an ID token.
fn sub(tokens: &Answer) -> String {
    claims_of(tokens.text("id_token"))["sub"].as_str().unwrap().to_owned()
}

fn subject_of(server: &Server, client: &Client, username: &str) -> String {
    sub(&server.tokens(client, username, "openid"))
}

#[test]
fn each_sector_knows_another_one() {
    both(|server| {
        let alice = server.add_user("alice");
        server.add_user("bob");
        let [one, two] = ["one", "two"].map(|id| client(server, id, Some("a.example")));
        let other = client(server, "other", Some("b.example"));
        let public = client(server, "public", None);
        let hers = subject_of(server, &one, "alice");
        let id = alice.claims.id.to_string();
        assert!(hers.starts_with("p.") && hers.len() == 45 && hers.is_ascii(), "{hers}");
        assert!(hers.bytes().skip(2).all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b)), "{hers}");
        assert_eq!(subject_of(server, &one, "alice"), hers, "each time");
        assert_eq!(subject_of(server, &two, "alice"), hers, "the same sector");
        let all = [
            hers.clone(),
            subject_of(server, &other, "alice"),
            subject_of(server, &one, "bob"),
            subject_of(server, &other, "bob"),
            id.clone(),
        ];
        assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len(), "{all:?}");
        assert_eq!(subject_of(server, &public, "alice"), id);
    });
}

#[test]
fn it_is_the_same_wherever_it_is_told() {
    both(|server| {
        let alice = server.add_user("alice");
        let api = "https://api.example.com";
        let web = server.add_client("web", ClientKind::Web, |client| {
            client.settings.pairwise_sector = Some("app.example.com".into());
            client.settings.introspects = vec![api.into()];
        });
        let basic = {
            use base64::{Engine, engine::general_purpose::STANDARD};
            format!("Basic {}", STANDARD.encode(format!("web:{SECRET}")))
        };
        let headers = [("Authorization", basic.as_str())];
        let code = Browser::new(server).code(&web, "alice", "openid email offline_access");
        let form =
            [("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", CALLBACK), ("code_verifier", VERIFIER)];
        let tokens = server.token(&form, &headers);
        let hers = sub(&tokens);
        let refresh = tokens.text("refresh_token");
        let form = [("grant_type", "refresh_token"), ("refresh_token", refresh)];
        let refreshed = server.token(&form, &headers);
        for token in [&tokens, &refreshed].map(|answer| answer.text("access_token")) {
            assert_eq!(claims_of(token)["sub"], *hers);
            assert_eq!(server.userinfo(token).json["sub"], *hers);
        }
        for token in [tokens.text("access_token"), refreshed.text("refresh_token")] {
            let body = crate::harness::encode(&[("token", token)]);
            let received = Answer::of(server.send("POST", "/introspect", &headers, Some(&body)));
            assert_eq!((&received.json["active"], &received.json["sub"]), (&true.into(), &hers.as_str().into()), "{received:?}");
        }
        let id = alice.claims.id.to_string();
        for (name, token) in
            tokens.json.as_object().unwrap().iter().filter(|(name, _)| ["access_token", "id_token"].contains(&name.as_str()))
        {
            assert!(!claims_of(token.as_str().unwrap()).to_string().contains(&id), "{name} tells the id");
        }
    });
}

#[test]
fn it_outlives_restarts_and_secrets() {
    const OLD: &str = "the server secret of the integration tests";
    const NEW: &str = "another server secret, as long as it must be";
    for database in databases() {
        let first = Server::start(&database, |_| ());
        first.add_user("alice");
        let spa = client(&first, "spa", Some("a.example"));
        let hers = subject_of(&first, &spa, "alice");
        let issuer = first.url.clone();
        drop(first);
        for secrets in [[OLD].as_slice(), &[NEW, OLD]] {
            let server = Server::start(&database, |config| {
                config.issuer = Issuer::parse(&issuer).unwrap();
                config.secrets = SecretRing::new(secrets).unwrap();
            });
            assert_eq!(subject_of(&server, &spa, "alice"), hers);
            // Known from another client of the sector as well, which was not there before.
            let later = client(&server, &format!("later{}", secrets.len()), Some("a.example"));
            assert_eq!(subject_of(&server, &later, "alice"), hers);
        }
    }
}

#[test]
fn an_id_token_hint_names_its_user() {
    both(|server| {
        server.add_user("alice");
        server.add_user("bob");
        let spa = client(server, "spa", Some("a.example"));
        let same_sector = client(server, "same", Some("a.example"));
        let mut home = Browser::new(server);
        let hint = server.redeem(&spa, &home.code(&spa, "alice", "openid")).text("id_token").to_owned();
        home.code(&same_sector, "alice", "openid");
        let silent =
            |client: &Client, hint: &str| Browser::request(client, "openid", &[("id_token_hint", hint), ("prompt", "none")]);
        let received =
            |browser: &mut Browser, path: &str| query_of(browser.get(path).location()).remove("error").unwrap_or_default();
        assert_eq!(received(&mut home, &silent(&spa, &hint)), "");
        assert_eq!(received(&mut home, &silent(&same_sector, &hint)), "invalid_request", "another client's");
        let mut his = Browser::new(server);
        his.code(&spa, "bob", "openid");
        assert_eq!(received(&mut his, &silent(&spa, &hint)), "login_required");
        let page = his.get(&Browser::request(&spa, "openid", &[("id_token_hint", &hint)]));
        assert!(page.location().starts_with("/login?"), "{page:?}");
        let page = his.sign_in_at(page.location(), "alice", PASSWORD);
        assert!(query_of(his.get(page.location()).location()).contains_key("code"));
        // One of a time before subjects were pairwise still names her.
        let public = client(server, "public", None);
        let old = server.redeem(&public, &home.code(&public, "alice", "openid")).text("id_token").to_owned();
        change_client(server, "public", |client| client.settings.pairwise_sector = Some("a.example".into()));
        assert_eq!(received(&mut home, &silent(&public, &old)), "");
        assert_eq!(
            sub(&server.redeem(&public, &home.code(&public, "alice", "openid"))),
            claims_of(&hint)["sub"].as_str().unwrap()
        );
    });
}

#[test]
fn many_first_issues_at_once_give_one_subject() {
    const ISSUES: usize = 20;
    both(|server| {
        let alice = server.add_user("alice");
        let clients: Vec<_> = (0..ISSUES).map(|n| client(server, &format!("c{n}"), Some("a.example"))).collect();
        let browsers: Vec<_> = clients
            .iter()
            .map(|client| {
                let mut browser = Browser::new(server);
                browser.sign_in("alice");
                let page = browser.get(&Browser::request(client, "openid", &[]));
                let page = browser.get(page.location());
                let form = [("decision", "allow"), ("csrf", &*page.csrf())];
                let page = browser.send("POST", &page.attribute("form ", "action"), Some(&form));
                (browser, page.location().to_owned())
            })
            .collect();
        let barrier = Barrier::new(ISSUES);
        let codes: Vec<String> = thread::scope(|scope| {
            let started: Vec<_> = browsers
                .into_iter()
                .map(|(mut browser, path)| {
                    let barrier = &barrier;
                    scope.spawn(move || {
                        barrier.wait();
                        let page = browser.get(&path);
                        query_of(page.location()).remove("code").unwrap_or_else(|| panic!("{page:?}"))
                    })
                })
                .collect();
            started.into_iter().map(|issue| issue.join().unwrap()).collect()
        });
        let received: BTreeSet<_> = clients.iter().zip(&codes).map(|(client, code)| sub(&server.redeem(client, code))).collect();
        assert_eq!(received.len(), 1, "{received:?}");
        let kept = received.first().unwrap();
        assert_eq!(server.store(|connection| subjects::find(connection, kept)), Some((alice.claims.id, "a.example".into())));
    });
}

#[test]
fn no_client_can_be_named_like_a_subject() {
    both(|server| {
        server.add_user("alice");
        let spa = client(server, "spa", Some("a.example"));
        let hers = subject_of(server, &spa, "alice");
        for id in [hers.as_str(), "p.x", "p.", &random::subject(), &random::id(server.now()).to_string()] {
            let client = Client::new(id, "App", ClientKind::Service, server.now());
            let why = client.check().unwrap_err();
            assert!(why.as_ref().contains("user's subject"), "{id}: {why}");
        }
        assert!(Id::parse(&hers).is_err(), "nor is one like a person's id");
    });
}

#[test]
fn a_session_has_another_name_in_each_sector() {
    both(|server| {
        server.add_user("alice");
        let [one, two, other] = [("one", "a.example"), ("two", "a.example"), ("other", "b.example")]
            .map(|(id, sector)| client(server, id, Some(sector)));
        let public = client(server, "public", None);
        let mut browser = Browser::new(server);
        let [one, two, other, public] = [one, two, other, public].map(|client| {
            let code = browser.code(&client, "alice", "openid");
            let tokens = server.redeem(&client, &code);
            let [id, access] = ["id_token", "access_token"].map(|name| claims_of(tokens.text(name))["sid"].clone());
            assert_eq!(id, access);
            id
        });
        assert_eq!(one, two, "one session, one sector");
        assert!(one != other && one != public && other != public, "{one} {other} {public}");
    });
}
