//! Which clients must use PKCE (RFC 7636 §4.4.1, RFC 9700 §2.1.1): all public ones; confidential ones unless they send a nonce with
//! `openid`, or as their setting says. And that a code issued without a challenge is not redeemed with a verifier (RFC 9700 §4.8.2).

use diesel::{RunQueryDsl, sql_query};
use symbolon::testing::protocol::oauth::client::{Client, ClientKind, PkceRule};

use super::{answer_at, ask, error_of, received_error};
use crate::harness::{Browser, CALLBACK, CHALLENGE, SECRET, Server, VERIFIER, both, claims_of};

/// Requests without PKCE: the scope, and the nonce.
const REQUESTS: [(&str, &str); 5] =
    [("openid", "n-0S6"), ("openid email", "n"), ("openid", ""), ("email", "n-0S6"), ("email", "")];

/// The errors of [`REQUESTS`], sent where nobody is signed in: a valid one has `login_required`.
fn errors(server: &Server, client: &Client) -> Vec<String> {
    let error = |(scope, nonce)| {
        let more = [("code_challenge", ""), ("code_challenge_method", ""), ("nonce", nonce), ("prompt", "none")];
        let path = Browser::request(client, scope, &more);
        let [get, post] =
            ["GET", "POST"].map(|method| error_of(server, &ask(server, &Browser::new(server), method, &path), CALLBACK));
        assert_eq!(get, post, "{path}");
        get
    };
    REQUESTS.into_iter().map(error).collect()
}

#[test]
fn who_needs_it_and_for_whom_a_nonce_will_do() {
    let (needed, good) = ("invalid_request", "login_required");
    both(|server| {
        for kind in [ClientKind::Spa, ClientKind::Native] {
            let public = server.add_client(kind.as_str(), kind, |_| ());
            assert_eq!(errors(server, &public), [needed; 5], "{kind:?}");
        }
        for (rule, expected) in [
            (PkceRule::default(), [good, good, needed, needed, needed]),
            (PkceRule::Required, [needed; 5]),
            (PkceRule::Optional, [good; 5]),
        ] {
            let web = server.add_client(&format!("web-{}", rule.as_str()), ClientKind::Web, |client| client.settings.pkce = rule);
            assert_eq!(errors(server, &web), expected, "{rule:?}");
            for (challenge, method) in [(CHALLENGE, ""), (CHALLENGE, "plain"), ("", "S256"), ("short", "S256")] {
                let more = [("code_challenge", challenge), ("code_challenge_method", method), ("nonce", "n"), ("prompt", "none")];
                let page = ask(server, &Browser::new(server), "GET", &Browser::request(&web, "openid", &more));
                assert_eq!(error_of(server, &page, CALLBACK), needed, "{rule:?} {challenge} {method}: a part of it is a mistake");
            }
        }
    });
}

#[test]
fn a_client_of_an_older_version_may_send_a_nonce_too() {
    both(|server| {
        let web = server.add_client("web", ClientKind::Web, |_| ());
        let old = format!(
            r#"{{"client_name":"Old","type":"web","redirect_uris":["{CALLBACK}"],"scope":"openid email","token_endpoint_auth_method":"client_secret_basic","grant_types":["authorization_code"]}}"#
        );
        let set = format!("UPDATE clients SET settings = '{old}' WHERE id = 'web'");
        server.store(|connection| Ok::<_, symbolon::testing::store::Error>(sql_query(set).execute(connection)?));
        let expected = ["login_required", "login_required", "invalid_request", "invalid_request", "invalid_request"];
        assert_eq!(errors(server, &web), expected, "its row says nothing of PKCE");
    });
}

#[test]
fn the_refusal_names_the_command_that_mends_it() {
    both(|server| {
        let [web, strict, spa] = [
            ("web", ClientKind::Web, PkceRule::OrNonce),
            ("strict", ClientKind::Web, PkceRule::Required),
            ("spa", ClientKind::Spa, PkceRule::OrNonce),
        ]
        .map(|(id, kind, rule)| server.add_client(id, kind, |client| client.settings.pkce = rule));
        let text = |client: &Client, nonce: &str| {
            let more = [("code_challenge", ""), ("code_challenge_method", ""), ("nonce", nonce)];
            let page = ask(server, &Browser::new(server), "GET", &Browser::request(client, "openid", &more));
            let answer = answer_at(server, &page, CALLBACK);
            assert_eq!(received_error(&answer), "invalid_request");
            answer["error_description"].clone()
        };
        assert!(text(&web, "").ends_with("symbolon client set web --pkce optional"));
        assert!(text(&strict, "").ends_with("symbolon client set strict --pkce optional"));
        assert!(text(&strict, "n").ends_with("symbolon client set strict --pkce or_nonce"));
        assert!(!text(&spa, "n").contains("symbolon"), "nothing mends it but PKCE");
    });
}

#[test]
fn a_code_without_a_challenge_is_redeemed_with_the_secret_and_never_with_a_verifier() {
    both(|server| {
        server.add_user("alice");
        let web = server.add_client("web", ClientKind::Web, |_| ());
        let without = [("code_challenge", ""), ("code_challenge_method", ""), ("nonce", "n-0S6")];
        let mut browser = Browser::new(server);
        let redeem = |code: &str, secret: &str, verifier: &str| {
            use base64::{Engine, engine::general_purpose::STANDARD};
            let credentials = format!("Basic {}", STANDARD.encode(format!("web:{secret}")));
            let form =
                [("grant_type", "authorization_code"), ("code", code), ("redirect_uri", CALLBACK), ("code_verifier", verifier)];
            server.token(&form, &[("Authorization", &credentials)])
        };
        let code = browser.code_of(&web, "alice", "openid email", &without);
        assert_eq!(redeem(&code, "sym_cs_wrong", "").error(), "invalid_client");
        assert_eq!(redeem(&code, SECRET, VERIFIER).error(), "invalid_grant", "a stripped challenge");
        let tokens = redeem(&code, SECRET, "");
        assert_eq!((tokens.status, &claims_of(tokens.text("id_token"))["nonce"]), (200, &"n-0S6".into()), "{tokens:?}");
        // One that is used counts, with a nonce or without.
        for more in [vec![("nonce", "n-0S6")], vec![]] {
            let code = browser.code_of(&web, "alice", "openid email", &more);
            assert_eq!(redeem(&code, SECRET, "").error(), "invalid_grant");
            assert_eq!(redeem(&code, SECRET, &VERIFIER.replace('d', "e")).error(), "invalid_grant");
            assert_eq!(redeem(&code, SECRET, VERIFIER).status, 200);
        }
    });
}
