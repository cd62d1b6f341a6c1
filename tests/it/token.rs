//! The token endpoint (RFC 6749 §3.2, §4.1.3, §5, §6): the life of a grant as a client sees it.

use symbolon::testing::{
    protocol::oauth::client::{AuthMethod, ClientKind, GrantType, PkceRule},
    store::{clients, deletions::Deleted},
};

use crate::harness::{API, Answer, Browser, CALLBACK, SECRET, VERIFIER, both, claims_of};

fn basic(id: &str, secret: &str) -> String {
    use base64::{Engine, engine::general_purpose::STANDARD};
    format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")))
}

#[track_caller]
fn refused(answer: &Answer, status: u16, error: &str) {
    assert_eq!((answer.status, answer.error()), (status, error), "{answer:?}");
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("content-type"), Some("application/json"));
}

#[test]
fn a_code_becomes_tokens_with_the_claims_of_rfc_9068() {
    both(|server| {
        let alice = server.add_user("alice");
        let spa = server.add_client("spa", ClientKind::Spa, |_| ());
        let code = Browser::new(server).code_of(&spa, "alice", "openid email notes:read", &[("nonce", "n-0S6")]);
        assert!(code.starts_with("sym_ac_"));
        let answer = server.redeem(&spa, &code);
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!((answer.header("cache-control"), answer.header("pragma")), (Some("no-store"), Some("no-cache")));
        assert_eq!((answer.text("token_type"), answer.text("scope")), ("Bearer", "openid email notes:read"));
        assert_eq!(answer.json["expires_in"], 600);
        assert!(answer.text("refresh_token").starts_with("sym_rt_"));

        let access = claims_of(answer.text("access_token"));
        let names: Vec<_> = access.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(names, ["iss", "sub", "aud", "client_id", "exp", "iat", "jti", "scope", "auth_time", "acr", "amr", "sid"]);
        assert_eq!(access["iss"], server.url);
        assert_eq!(access["sub"], alice.claims.id.to_string());
        assert_eq!(access["aud"], serde_json::json!([API, server.url]));
        assert_eq!(access["client_id"], "spa");
        assert_eq!(access["acr"], "urn:symbolon:acr:password");
        assert_eq!(access["exp"].as_i64().unwrap() - access["iat"].as_i64().unwrap(), 600);

        let id_token = claims_of(answer.text("id_token"));
        assert_eq!((&id_token["nonce"], &id_token["aud"]), (&"n-0S6".into(), &"spa".into()));
        assert_eq!((&id_token["sid"], &id_token["auth_time"]), (&access["sid"], &access["auth_time"]));
        assert_eq!((&id_token["acr"], &id_token["amr"]), (&access["acr"], &serde_json::json!(["pwd"])));
        assert_eq!(
            id_token["at_hash"].as_str(),
            Some(
                symbolon::testing::protocol::oidc::claims::at_hash(
                    symbolon::testing::protocol::values::algorithm::Algorithm::Rs256,
                    answer.text("access_token")
                )
                .as_str()
            )
        );
    });
}

#[test]
fn without_openid_there_is_no_id_token_and_the_audience_is_the_api() {
    both(|server| {
        server.add_user("alice");
        let spa = server.add_client("spa", ClientKind::Spa, |_| ());
        let answer = server.tokens(&spa, "alice", "notes:read");
        assert!(answer.json.get("id_token").is_none());
        assert_eq!(claims_of(answer.text("access_token"))["aud"], API);
        refused(&server.userinfo(answer.text("access_token")), 403, "insufficient_scope");
    });
}

#[test]
fn a_replayed_code_ends_what_came_of_it() {
    both(|server| {
        server.add_user("alice");
        let spa = server.add_client("spa", ClientKind::Spa, |_| ());
        let code = Browser::new(server).code(&spa, "alice", "openid");
        let tokens = server.redeem(&spa, &code);
        let wrong = server.token(
            &[
                ("grant_type", "authorization_code"),
                ("client_id", "spa"),
                ("code", &code),
                ("redirect_uri", CALLBACK),
                ("code_verifier", "wrong"),
            ],
            &[],
        );
        refused(&wrong, 400, "invalid_grant");
        assert_eq!(server.userinfo(tokens.text("access_token")).status, 200, "an invalid replay changes nothing");
        refused(&server.redeem(&spa, &code), 400, "invalid_grant");
        refused(&server.refresh(&spa, tokens.text("refresh_token")), 400, "invalid_grant");
        refused(&server.userinfo(tokens.text("access_token")), 401, "invalid_token");
    });
}

#[test]
fn a_code_wants_its_client_its_redirect_uri_its_verifier_and_its_minute() {
    both(|server| {
        server.add_user("alice");
        let spa = server.add_client("spa", ClientKind::Spa, |_| ());
        let other = server.add_client("other", ClientKind::Spa, |_| ());
        let code = Browser::new(server).code(&spa, "alice", "openid");
        let redeem = |client: &str, uri: &str, verifier: &str| {
            server.token(
                &[
                    ("grant_type", "authorization_code"),
                    ("client_id", client),
                    ("code", &code),
                    ("redirect_uri", uri),
                    ("code_verifier", verifier),
                ],
                &[],
            )
        };
        refused(&redeem(&other.id, CALLBACK, VERIFIER), 400, "invalid_grant");
        refused(&redeem("spa", "https://app.example.com/cb/", VERIFIER), 400, "invalid_grant");
        refused(&redeem("spa", CALLBACK, &VERIFIER.replace('d', "e")), 400, "invalid_grant");
        refused(&redeem("spa", CALLBACK, ""), 400, "invalid_grant");
        server.advance(59);
        assert_eq!(redeem("spa", CALLBACK, VERIFIER).status, 200, "the right verifier still works");
        let late = Browser::new(server).code(&spa, "alice", "openid");
        server.advance(61);
        refused(&server.redeem(&spa, &late), 400, "invalid_grant");
    });
}

#[test]
fn refresh_tokens_rotate_and_a_lost_answer_is_given_again() {
    both(|server| {
        server.add_user("alice");
        let spa = server.add_client("spa", ClientKind::Spa, |_| ());
        let first = server.tokens(&spa, "alice", "openid offline_access");
        let second = server.refresh(&spa, first.text("refresh_token"));
        assert_eq!(second.status, 200, "{second:?}");
        assert_ne!(first.text("refresh_token"), second.text("refresh_token"));
        assert!(second.text("id_token") != first.text("id_token"));
        server.advance(29);
        let again = server.refresh(&spa, first.text("refresh_token"));
        assert_eq!(again.text("refresh_token"), second.text("refresh_token"), "the same single successor");
        assert_ne!(again.text("access_token"), second.text("access_token"));
        let third = server.refresh(&spa, second.text("refresh_token"));
        refused(&server.refresh(&spa, first.text("refresh_token")), 400, "invalid_grant");
        refused(&server.refresh(&spa, third.text("refresh_token")), 400, "invalid_grant");
        refused(&server.userinfo(third.text("access_token")), 401, "invalid_token");
    });
}

#[test]
fn outside_the_window_the_previous_token_is_reuse() {
    both(|server| {
        server.add_user("alice");
        let spa = server.add_client("spa", ClientKind::Spa, |_| ());
        let strict = server.add_strict_client("strict");
        let first = server.tokens(&spa, "alice", "openid offline_access");
        let second = server.refresh(&spa, first.text("refresh_token"));
        server.advance(31);
        refused(&server.refresh(&spa, first.text("refresh_token")), 400, "invalid_grant");
        refused(&server.refresh(&spa, second.text("refresh_token")), 400, "invalid_grant");
        let first = server.tokens(&strict, "alice", "openid offline_access");
        let second = server.refresh(&strict, first.text("refresh_token"));
        refused(&server.refresh(&strict, first.text("refresh_token")), 400, "invalid_grant");
        refused(&server.refresh(&strict, second.text("refresh_token")), 400, "invalid_grant");
    });
}

#[test]
fn refresh_never_widens_and_narrowing_is_for_one_access_token() {
    both(|server| {
        server.add_user("alice");
        let spa = server.add_client("spa", ClientKind::Spa, |_| ());
        let tokens = server.tokens(&spa, "alice", "openid email offline_access");
        let with = |token: &str, name: &str, value: &str| {
            server.token(&[("grant_type", "refresh_token"), ("client_id", "spa"), ("refresh_token", token), (name, value)], &[])
        };
        refused(&with(tokens.text("refresh_token"), "scope", "openid notes:read"), 400, "invalid_scope");
        refused(&with(tokens.text("refresh_token"), "resource", "https://evil.example"), 400, "invalid_target");
        let narrow = with(tokens.text("refresh_token"), "scope", "openid");
        assert_eq!(narrow.text("scope"), "openid");
        let wide = server.refresh(&spa, narrow.text("refresh_token"));
        assert_eq!(wide.text("scope"), "openid email offline_access");
    });
}

#[test]
fn the_ends_of_a_grant() {
    both(|server| {
        server.add_user("alice");
        let spa = server.add_client("spa", ClientKind::Spa, |_| ());
        let (day, idle) = (86_400, 30);
        let offline = server.tokens(&spa, "alice", "openid offline_access");
        let idle_one = server.tokens(&spa, "alice", "openid offline_access");
        let session_one = server.tokens(&spa, "alice", "openid");
        server.advance(day);
        let session_one = server.refresh(&spa, session_one.text("refresh_token"));
        server.advance(day * 2 + 1);
        refused(&server.refresh(&spa, session_one.text("refresh_token")), 400, "invalid_grant");
        let mut token = offline.text("refresh_token").to_owned();
        for _ in 0..18 {
            server.advance(20 * day);
            token = server.refresh(&spa, &token).text("refresh_token").to_owned();
        }
        refused(&server.refresh(&spa, idle_one.text("refresh_token")), 400, "invalid_grant");
        assert!(18 * 20 + 3 + idle > 365);
        server.advance(3 * day);
        refused(&server.refresh(&spa, &token), 400, "invalid_grant");
    });
}

#[test]
fn signing_out_ends_browser_grants_and_leaves_offline_ones() {
    both(|server| {
        let alice = server.add_user("alice");
        let spa = server.add_client("spa", ClientKind::Spa, |_| ());
        let (bound, offline) = (server.tokens(&spa, "alice", "openid"), server.tokens(&spa, "alice", "openid offline_access"));
        for token in [&bound, &offline] {
            let sid = claims_of(token.text("access_token"))["sid"].as_str().unwrap().to_owned();
            let sid = symbolon::testing::protocol::values::id::Id::parse(&sid).unwrap();
            server.end_session(sid);
        }
        refused(&server.refresh(&spa, bound.text("refresh_token")), 400, "invalid_grant");
        refused(&server.userinfo(bound.text("access_token")), 401, "invalid_token");
        let offline = server.refresh(&spa, offline.text("refresh_token"));
        assert_eq!(server.userinfo(offline.text("access_token")).text("sub"), alice.claims.id.to_string());
    });
}

#[test]
fn a_disabled_user_or_client_gets_nothing() {
    both(|server| {
        let alice = server.add_user("alice");
        let spa = server.add_client("spa", ClientKind::Spa, |_| ());
        let tokens = server.tokens(&spa, "alice", "openid offline_access");
        let code = Browser::new(server).code(&spa, "alice", "openid");
        let now = server.now();
        server.store(|connection| clients::set_disabled(connection, "spa", Some(now)));
        refused(&server.refresh(&spa, tokens.text("refresh_token")), 401, "invalid_client");
        refused(&server.userinfo(tokens.text("access_token")), 401, "invalid_token");
        server.store(|connection| clients::set_disabled(connection, "spa", None));
        assert_eq!(server.userinfo(tokens.text("access_token")).status, 200);
        server.disable(alice.claims.id);
        refused(&server.redeem(&spa, &code), 400, "invalid_grant");
        refused(&server.refresh(&spa, tokens.text("refresh_token")), 400, "invalid_grant");
        refused(&server.userinfo(tokens.text("access_token")), 401, "invalid_token");
        server.enable(alice.claims.id);
        refused(&server.refresh(&spa, tokens.text("refresh_token")), 400, "invalid_grant");
    });
}

#[test]
fn a_confidential_client_authenticates_in_one_place_at_a_time() {
    both(|server| {
        server.add_user("alice");
        let basic_client = server.add_client("web", ClientKind::Web, |_| ());
        let post_client = server.add_client("post", ClientKind::Web, |client| {
            client.settings.token_endpoint_auth_method = AuthMethod::ClientSecretPost;
        });
        let code = |client| Browser::new(server).code(client, "alice", "openid");
        let body = |code: &str, more: &[(&str, &str)], headers: &[(&str, &str)]| {
            let mut form = vec![
                ("grant_type", "authorization_code"),
                ("code", code),
                ("redirect_uri", CALLBACK),
                ("code_verifier", VERIFIER),
            ];
            form.extend(more);
            server.token(&form, headers)
        };
        let (one, two) = (code(&basic_client), code(&post_client));
        let (right, wrong) = (basic("web", SECRET), basic("web", "wrong"));
        let answer = body(&one, &[], &[("Authorization", &wrong)]);
        refused(&answer, 401, "invalid_client");
        assert_eq!(answer.header("www-authenticate"), Some("Basic realm=\"symbolon\""));
        let answer = body(&one, &[("client_id", "web"), ("client_secret", "wrong")], &[]);
        refused(&answer, 400, "invalid_client");
        assert_eq!(answer.header("www-authenticate"), None, "no browser should ask for a password");
        let answer = body(&one, &[("client_id", "web")], &[]);
        refused(&answer, 401, "invalid_client");
        assert_eq!(answer.header("www-authenticate"), Some("Basic realm=\"symbolon\""));
        refused(
            &body(&one, &[("client_id", "web"), ("client_secret", SECRET)], &[("Authorization", &right)]),
            400,
            "invalid_request",
        );
        refused(&body(&one, &[], &[("Authorization", "Bearer x")]), 401, "invalid_client");
        refused(&body(&one, &[("client_id", "nobody")], &[]), 401, "invalid_client");
        assert_eq!(body(&one, &[], &[("Authorization", &right)]).status, 200);
        assert_eq!(body(&two, &[("client_id", "post"), ("client_secret", SECRET)], &[]).status, 200);
        let (three, four) = (code(&basic_client), code(&post_client));
        assert_eq!(body(&three, &[("client_id", "web"), ("client_secret", SECRET)], &[]).status, 200, "or in the other place");
        assert_eq!(body(&four, &[], &[("Authorization", &basic("post", SECRET))]).status, 200);
    });
}

#[test]
fn grant_types_a_client_may_not_use_and_clients_without_refresh() {
    both(|server| {
        server.add_user("alice");
        let once =
            server.add_client("once", ClientKind::Spa, |client| client.settings.grant_types = vec![GrantType::AuthorizationCode]);
        let spa = server.add_client("spa", ClientKind::Spa, |_| ());
        let tokens = server.tokens(&once, "alice", "openid offline_access");
        assert!(tokens.json.get("refresh_token").is_none());
        assert_eq!(tokens.text("scope"), "openid");
        let theirs = server.tokens(&spa, "alice", "openid offline_access");
        refused(&server.refresh(&once, theirs.text("refresh_token")), 400, "unauthorized_client");
        refused(
            &server.token(&[("grant_type", "password"), ("client_id", "spa"), ("username", "alice")], &[]),
            400,
            "unsupported_grant_type",
        );
        assert_eq!(server.refresh(&spa, theirs.text("refresh_token")).status, 200, "a stranger's try changed nothing");
    });
}

#[test]
fn pkce_may_be_switched_off_for_an_old_confidential_client_only() {
    both(|server| {
        server.add_user("alice");
        let old = server.add_client("old", ClientKind::Web, |client| client.settings.pkce = PkceRule::Optional);
        let request = format!("/authorize?client_id=old&redirect_uri={CALLBACK}&response_type=code&scope=openid");
        let mut browser = Browser::new(server);
        let code = |browser: &mut Browser| {
            crate::harness::query_of(browser.follow(&request, "alice", "allow").location())["code"].clone()
        };
        let credentials = basic("old", SECRET);
        let redeem = |code: &str, more: &[(&str, &str)]| {
            let mut form = vec![("grant_type", "authorization_code"), ("code", code)];
            form.extend(more);
            server.token(&form, &[("Authorization", &credentials)])
        };
        let first = code(&mut browser);
        refused(&redeem(&first, &[("redirect_uri", CALLBACK), ("code_verifier", VERIFIER)]), 400, "invalid_grant");
        refused(&redeem(&first, &[]), 400, "invalid_grant");
        assert_eq!(redeem(&first, &[("redirect_uri", CALLBACK)]).status, 200);
        let with = browser.code_of(&old, "alice", "openid", &[]);
        refused(&redeem(&with, &[("redirect_uri", CALLBACK)]), 400, "invalid_grant");
        assert_eq!(redeem(&with, &[("redirect_uri", CALLBACK), ("code_verifier", VERIFIER)]).status, 200);
    });
}

#[test]
fn a_redirect_uri_that_was_left_out_need_not_be_repeated() {
    both(|server| {
        server.add_user("alice");
        server.add_client("old", ClientKind::Web, |client| client.settings.pkce = PkceRule::Optional);
        let mut browser = Browser::new(server);
        let mut code = |more: &str| {
            let request = format!("/authorize?client_id=old&response_type=code&scope=notes:read{more}");
            crate::harness::query_of(browser.follow(&request, "alice", "allow").location())["code"].clone()
        };
        let credentials = basic("old", SECRET);
        let redeem = |code: &str, more: &[(&str, &str)]| {
            let mut form = vec![("grant_type", "authorization_code"), ("code", code)];
            form.extend(more);
            server.token(&form, &[("Authorization", &credentials)])
        };
        // RFC 6749 §4.1.3: required if it was included in the authorization request, and only then.
        let filled_in = code("");
        refused(&redeem(&filled_in, &[("redirect_uri", "https://app.example.com/other")]), 400, "invalid_grant");
        refused(&redeem(&filled_in, &[("code_verifier", VERIFIER)]), 400, "invalid_grant");
        assert_eq!(redeem(&filled_in, &[]).status, 200);
        refused(&redeem(&filled_in, &[]), 400, "invalid_grant");
        assert_eq!(redeem(&code("&redirect_uri="), &[("redirect_uri", CALLBACK)]).status, 200, "it may be, as it is");
        let sent = code(&format!("&redirect_uri={CALLBACK}"));
        refused(&redeem(&sent, &[]), 400, "invalid_grant");
        assert_eq!(redeem(&sent, &[("redirect_uri", CALLBACK)]).status, 200);
        let late = code("");
        server.advance(61);
        refused(&redeem(&late, &[]), 400, "invalid_grant");
    });
}

#[test]
fn a_deleted_client_takes_its_grants_along_though_another_takes_its_name() {
    both(|server| {
        server.add_user("alice");
        let spa = server.add_client("spa", ClientKind::Spa, |_| ());
        let tokens = server.tokens(&spa, "alice", "openid email offline_access");
        let now = server.now();
        assert!(server.store(|connection| clients::delete(connection, &spa.id, now)));
        refused(&server.refresh(&spa, tokens.text("refresh_token")), 401, "invalid_client");
        server.purge(&Deleted::Client(spa.id.clone()));
        server.store(|connection| clients::insert(connection, &spa));
        refused(&server.refresh(&spa, tokens.text("refresh_token")), 400, "invalid_grant");
        refused(&server.userinfo(tokens.text("access_token")), 401, "invalid_token");
    });
}

#[test]
fn secrets_cannot_be_guessed_at_leisure() {
    both(|server| {
        server.add_client("web", ClientKind::Web, |_| ());
        let asks = [("grant_type", "refresh_token"), ("refresh_token", "x")];
        let guess = |secret: &str| server.token(&asks, &[("Authorization", &basic("web", secret))]);
        let in_body = |secret: &str| server.token(&[&asks[..], &[("client_id", "web"), ("client_secret", secret)]].concat(), &[]);
        for _ in 0..10 {
            refused(&guess("wrong"), 401, "invalid_client");
            refused(&in_body("wrong"), 400, "invalid_client"); // the places are counted together
        }
        assert_eq!(in_body("wrong").status, 429);
        refused(&in_body(SECRET), 400, "invalid_grant");
        let answer = guess("wrong");
        assert_eq!((answer.status, answer.error()), (429, "temporarily_unavailable"), "{answer:?}");
        assert!(answer.header("retry-after").unwrap().parse::<u32>().unwrap() <= 61);
        refused(&guess(SECRET), 400, "invalid_grant"); // who has the secret is not shut out
        server.advance(61);
        refused(&guess("wrong"), 401, "invalid_client");
    });
}
