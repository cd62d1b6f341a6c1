//! The revocation endpoint (RFC 7009): what ends with which token, for which caller, and at once. A database that refuses the
//! write, and races, are `revocation::promises`.

mod promises;

use symbolon::testing::protocol::oauth::client::{Client, ClientKind};

use crate::harness::{Answer, Browser, Database, Page, SECRET, Server, basic, both, encode};

const SCOPE: &str = "openid offline_access notes:read files:read";

/// Alice, the APIs with their resource servers, and an app with tokens of hers.
fn stage(server: &Server) -> (Client, Answer) {
    server.add_user("alice");
    server.add_apis();
    let web = server.add_web("web");
    let tokens = server.tokens_as(&web, "alice", SCOPE);
    (web, tokens)
}

/// Whether the access token opens anything: every place that looks at it says the same.
#[track_caller]
fn opens(server: &Server, tokens: &Answer) -> bool {
    let token = tokens.text("access_token");
    let seen = [server.is_active("web", token), server.is_active("notes", token), server.userinfo(token).status == 200];
    assert!(seen.iter().all(|one| *one == seen[0]), "own introspection, resource server, userinfo: {seen:?}");
    seen[0]
}

/// Whether the refresh token would be taken; it is not used.
#[track_caller]
fn refreshes(server: &Server, tokens: &Answer) -> bool {
    server.is_active("web", tokens.text("refresh_token"))
}

#[track_caller]
fn done(page: &Page) {
    assert_eq!((page.status, page.body.as_str()), (200, ""), "{page:?}");
    assert_eq!(page.header("cache-control"), Some("no-store"), "{page:?}");
    page.assert_common_headers();
}

#[track_caller]
fn refused(page: &Page, status: u16, error: &str) {
    let json: serde_json::Value = serde_json::from_str(&page.body).unwrap();
    assert_eq!((page.status, json["error"].as_str()), (status, Some(error)), "{page:?}");
    assert_eq!(page.header("cache-control"), Some("no-store"), "{page:?}");
}

#[test]
fn a_refresh_token_of_any_generation_takes_its_grant_along() {
    both(|server| {
        let (web, untouched) = stage(server);
        for generation in 0..4 {
            let mut chain = vec![server.tokens_as(&web, "alice", SCOPE)];
            for _ in 0..3 {
                let next = server.refresh_as(&web, chain.last().unwrap().text("refresh_token"), &[]);
                assert_eq!(next.status, 200, "{next:?}");
                chain.push(next);
            }
            assert!(chain.iter().all(|tokens| opens(server, tokens)) && refreshes(server, &chain[3]));
            done(&server.revoke("web", chain[generation].text("refresh_token")));
            for tokens in &chain {
                assert!(!opens(server, tokens) && !refreshes(server, tokens), "generation {generation}");
                assert_eq!(server.userinfo(tokens.text("access_token")).error(), "invalid_token");
                let refused = server.refresh_as(&web, tokens.text("refresh_token"), &[]);
                assert_eq!((refused.status, refused.error()), (400, "invalid_grant"), "{refused:?}");
            }
        }
        assert!(opens(server, &untouched) && refreshes(server, &untouched), "other grants live on");
        let mut browser = Browser::new(server);
        browser.sign_in("alice");
        let silent = browser.get(&Browser::request(&web, SCOPE, &[("prompt", "none")]));
        assert!(crate::harness::query_of(silent.location()).contains_key("code"), "consent was not taken back: {silent:?}");
    });
}

#[test]
fn an_access_token_ends_alone() {
    both(|server| {
        let (web, first) = stage(server);
        let second = server.refresh_as(&web, first.text("refresh_token"), &[]);
        done(&server.revoke("web", first.text("access_token")));
        assert!(!opens(server, &first));
        assert_eq!(server.userinfo(first.text("access_token")).error(), "invalid_token");
        assert!(opens(server, &second) && refreshes(server, &second));
        let third = server.refresh_as(&web, second.text("refresh_token"), &[]);
        assert!(third.status == 200 && opens(server, &third) && !opens(server, &first), "{third:?}");
        server.advance(599);
        assert!(!opens(server, &first), "as long as it would have lived");
    });
}

#[test]
fn a_token_that_a_client_got_for_itself_ends_alone() {
    both(|server| {
        stage(server);
        server.add_client("job", ClientKind::Service, |_| ());
        let [one, two] = [(); 2].map(|()| server.serve("job", &[]));
        done(&server.revoke("job", one.text("access_token")));
        for client in ["job", "notes"] {
            assert!(!server.is_active(client, one.text("access_token")), "{client}");
            assert!(server.is_active(client, two.text("access_token")), "{client}");
        }
        refused(&server.revoke("web", two.text("access_token")), 400, "invalid_request");
        assert!(server.is_active("job", two.text("access_token")));
    });
}

#[test]
fn what_is_worth_nothing_is_as_good_as_revoked() {
    both(|server| {
        let (web, tokens) = stage(server);
        let other_database = Database::sqlite();
        let elsewhere = Server::start(&other_database, |_| ());
        let (_, theirs) = stage(&elsewhere);
        let code = Browser::new(server).code(&web, "alice", SCOPE);
        let (access, refresh) = (tokens.text("access_token"), tokens.text("refresh_token"));
        let mut inactive =
            vec![access[..access.len() - 1].to_owned(), refresh[..refresh.len() - 1].to_owned(), "x".repeat(16_000)];
        inactive.extend(["x", ".", "a.b.c", "sym_rt_x", " ", "ünïcode", &code, tokens.text("id_token")].map(str::to_owned));
        inactive.extend(["access_token", "refresh_token"].map(|name| theirs.text(name).to_owned()));
        for token in &inactive {
            done(&server.revoke("web", token));
        }
        assert!(opens(server, &tokens) && refreshes(server, &tokens));
        assert_eq!(server.redeem_as(&web, &code, &[]).status, 200, "a code is none of the tokens that are revoked here");

        server.advance(601);
        done(&server.revoke("web", access));
        assert!(refreshes(server, &tokens), "the expired one was an access token");
        let next = server.refresh_as(&web, refresh, &[]);
        server.advance(31 * 24 * 60 * 60);
        done(&server.revoke("web", next.text("refresh_token")));
    });
}

#[test]
fn twice_and_with_whatever_hint() {
    both(|server| {
        let (web, _) = stage(server);
        for hint in ["access_token", "refresh_token", "id_token", "x", ""] {
            for name in ["access_token", "refresh_token"] {
                let tokens = server.tokens_as(&web, "alice", SCOPE);
                for _ in 0..2 {
                    let form = [("token", tokens.text(name)), ("token_type_hint", hint)];
                    done(&server.post_as("web", "/revoke", &form));
                    assert!(!opens(server, &tokens), "{name} as {hint}");
                    assert_eq!(refreshes(server, &tokens), name == "access_token", "{name} as {hint}");
                }
            }
        }
    });
}

#[test]
fn the_tokens_of_another_client_are_left_alone() {
    both(|server| {
        let (_, tokens) = stage(server);
        server.add_web("other");
        let spa = server.add_client("spa", ClientKind::Spa, |_| ());
        let of_spa = server.tokens(&spa, "alice", "openid");
        for name in ["access_token", "refresh_token"] {
            for caller in ["other", "notes"] {
                refused(&server.revoke(caller, tokens.text(name)), 400, "invalid_request");
            }
            let form = encode(&[("client_id", "spa"), ("token", tokens.text(name))]);
            refused(&server.send("POST", "/revoke", &[], Some(&form)), 400, "invalid_request");
            refused(&server.revoke("web", of_spa.text(name)), 400, "invalid_request");
        }
        assert!(opens(server, &tokens) && refreshes(server, &tokens));
        assert_eq!(server.userinfo(of_spa.text("access_token")).status, 200);
        assert_eq!(server.refresh(&spa, of_spa.text("refresh_token")).status, 200);
    });
}

#[test]
fn a_public_client_says_who_it_is_and_others_prove_it() {
    both(|server| {
        let (_, tokens) = stage(server);
        let spa = server.add_client("spa", ClientKind::Spa, |_| ());
        let of_spa = server.tokens(&spa, "alice", "openid");
        let send = |form: &[(&str, &str)], headers: &[(&str, &str)]| server.send("POST", "/revoke", headers, Some(&encode(form)));
        let own = ("token", of_spa.text("refresh_token"));
        refused(&send(&[own], &[]), 401, "invalid_client");
        refused(&send(&[own, ("client_id", "nobody")], &[]), 401, "invalid_client");
        refused(&send(&[own, ("client_id", "spa"), ("client_secret", "x")], &[]), 400, "invalid_client");
        let token = ("token", tokens.text("refresh_token"));
        refused(&send(&[token, ("client_id", "web")], &[]), 401, "invalid_client");
        refused(&send(&[token], &[("Authorization", &basic("web", "wrong"))]), 401, "invalid_client");
        let right = basic("web", SECRET);
        let twice = [token, ("client_id", "web"), ("client_secret", SECRET)];
        refused(&send(&twice, &[("Authorization", &right)]), 400, "invalid_request");
        assert!(refreshes(server, &tokens));

        for form in [&[][..], &[("token", "")], &[("token_type_hint", "access_token")], &[token, token]] {
            refused(&send(form, &[("Authorization", &right)]), 400, "invalid_request");
        }
        let page = server.send("POST", "/revoke?token=x", &[("Authorization", &right)], Some(&encode(&[token])));
        refused(&page, 400, "invalid_request");
        for method in ["GET", "HEAD", "PUT", "DELETE"] {
            let page = server.send(method, "/revoke", &[("Authorization", &right)], None);
            assert_eq!((page.status, page.header("allow")), (405, Some("POST, OPTIONS")), "{method}");
        }
        assert!(refreshes(server, &tokens));

        done(&send(&[own, ("client_id", "spa")], &[]));
        assert_eq!(server.refresh(&spa, own.1).error(), "invalid_grant");
        assert_eq!(server.userinfo(of_spa.text("access_token")).status, 401);
    });
}

#[test]
fn the_page_of_a_registered_origin_reads_the_answers() {
    both(|server| {
        stage(server);
        let spa = server
            .add_client("spa", ClientKind::Spa, |client| client.settings.redirect_uris = vec!["https://spa.example/cb".into()]);
        let origin = "https://spa.example";
        for (from, allowed) in [(origin, Some(origin)), ("https://other.example", None), ("null", None)] {
            let tokens = server.tokens(&spa, "alice", "openid");
            let form = encode(&[("client_id", "spa"), ("token", tokens.text("access_token"))]);
            let asks = [("Origin", from), ("Access-Control-Request-Method", "POST")];
            let preflight = server.send("OPTIONS", "/revoke", &asks, None);
            assert_eq!(preflight.status, 204, "{preflight:?}");
            assert!(preflight.header("access-control-allow-methods").unwrap().contains("POST"));
            let sent = server.send("POST", "/revoke", &asks[..1], Some(&form));
            let refused = server.send("POST", "/revoke", &asks[..1], Some("client_id=nobody&token=x"));
            assert_eq!((sent.status, refused.status), (200, 401), "the answer itself is the same from everywhere");
            for page in [preflight, sent, refused, server.send("POST", "/revoke?x=y", &asks[..1], Some(&form))] {
                assert_eq!(page.header("access-control-allow-origin"), allowed, "{from}: {page:?}");
                assert_eq!(page.header("access-control-allow-credentials"), None);
                assert!(page.header("vary").unwrap().contains("Origin"), "{page:?}");
            }
        }
    });
}
