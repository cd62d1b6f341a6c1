//! Keys of several algorithms side by side: each is rotated independently, one made by another process is used at once, and a
//! missing one is reported as the operator's error, in plain words.

use symbolon::testing::{
    jose,
    protocol::{
        oauth::client::ClientKind,
        values::{algorithm::Algorithm, time::Span},
    },
    store::signing_keys,
};

use super::{add_key, client, header, published, rotate, verified};
use crate::harness::{API, Browser, Process, SECRET, Server, VERIFIER, both, databases};

fn kid(token: &str) -> String {
    header(token)["kid"].as_str().unwrap().to_owned()
}

/// The ids of the published keys.
fn kids(server: &Server) -> Vec<String> {
    let set = server.get("/.well-known/jwks.json", &[]).json;
    set["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn each_algorithm_is_rotated_by_itself() {
    both(|server| {
        server.add_user("alice");
        for algorithm in Algorithm::ALL {
            add_key(server, *algorithm);
        }
        let clients: Vec<_> = Algorithm::ALL.iter().map(|algorithm| client(server, *algorithm)).collect();
        let signers = || -> Vec<String> {
            clients.iter().map(|client| kid(server.tokens(client, "alice", "openid notes:read").text("access_token"))).collect()
        };
        let before = signers();
        let old = server.tokens(&clients[2], "alice", "openid notes:read").text("access_token").to_owned();
        let now = server.now();
        let key =
            jose::keys::generate(&server.app.config.secrets, Algorithm::Es256, now, now.plus(Span::from_seconds(900))).unwrap();
        server.store(|connection| signing_keys::insert(connection, &key));
        server.advance(21);
        assert_eq!(signers(), before, "published, and does not sign yet");
        assert_eq!(kids(server).len(), 5);
        assert_eq!(server.userinfo(&old).status, 200);
        server.advance(900);
        let after = signers();
        assert_eq!(after[2], key.kid);
        for other in [0, 1, 3] {
            assert_eq!(after[other], before[other], "{}", Algorithm::ALL[other].as_str());
        }
        server.advance(600 + 120);
        let published = kids(server);
        assert_eq!(published.len(), 4, "the old ES256 key is retired, and no other: {published:?}");
        assert!(after.iter().all(|kid| published.contains(kid)) && !published.contains(&before[2]));
    });
}

#[test]
fn a_key_that_another_process_made_is_used_at_once() {
    for database in databases() {
        let one = Server::start(&database, |_| ());
        let two = one.sibling(&database);
        one.add_user("alice");
        let by_eddsa = client(&one, Algorithm::EdDsa);
        let before = one.tokens(&one.add_client("spa", ClientKind::Spa, |_| ()), "alice", "openid");
        one.advance(2); // a server that has just read the keys does not read them again for every unknown caller's token
        let made = rotate(&one, Algorithm::EdDsa); // the server is not told
        let token = one.tokens(&by_eddsa, "alice", "openid notes:read").text("access_token").to_owned();
        assert_eq!(kid(&token), made);
        assert_eq!(verified(&one, &token, API)["client_id"], "by-EdDSA");
        assert_eq!(published(&one, &token)["crv"], "Ed25519");
        assert_eq!(two.userinfo(&token).status, 200, "on the other server as well");
        assert_eq!(two.userinfo(before.text("access_token")).status, 200);
        two.advance(21);
        assert!(kids(&two).contains(&made));
    }
}

#[test]
fn a_client_whose_key_is_missing_is_told_that_it_is_not_its_doing() {
    both(|server| {
        server.add_user("alice");
        let web = server.add_client("web", ClientKind::Web, |client| {
            (client.settings.signing_alg, client.settings.userinfo_signed) = (Algorithm::EdDsa, true);
        });
        let basic = {
            use base64::{Engine, engine::general_purpose::STANDARD};
            format!("Basic {}", STANDARD.encode(format!("web:{SECRET}")))
        };
        let headers = [("Authorization", basic.as_str())];
        let code = Browser::new(server).code(&web, "alice", "openid");
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code.as_str()),
            ("redirect_uri", &web.settings.redirect_uris[0]),
            ("code_verifier", VERIFIER),
        ];
        for _ in 0..3 {
            let answer = server.token(&form, &headers);
            assert_eq!((answer.status, answer.error()), (500, "server_error"), "{answer:?}");
            assert_eq!(answer.text("error_description"), "internal server error; see the server log");
            assert_eq!(answer.header("cache-control"), Some("no-store"));
        }
        assert_eq!(server.send("GET", "/readyz", &[], None).status, 200, "others are served");
        let spa = server.add_client("spa", ClientKind::Spa, |_| ());
        server.tokens(&spa, "alice", "openid");

        // Nothing was used up: with the key, the same code is good.
        rotate(server, Algorithm::EdDsa);
        let tokens = server.token(&form, &headers);
        assert_eq!(tokens.status, 200, "{tokens:?}");
        assert_eq!(header(tokens.text("id_token"))["alg"], "EdDSA");
        let page =
            server.send("GET", "/userinfo", &[("Authorization", &format!("Bearer {}", tokens.text("access_token")))], None);
        assert_eq!((page.status, page.header("content-type")), (200, Some("application/jwt")));
    });
}

#[test]
fn the_log_says_which_key_is_missing() {
    for database in databases() {
        let port = crate::harness::free_port();
        let server = Server::start(&database, |_| ());
        server.add_user("alice");
        let spa = client(&server, Algorithm::Ps256);
        let code = Browser::new(&server).code(&spa, "alice", "openid");
        let (issuer, listen) = (server.url.clone(), format!("localhost:{port}"));
        let variables = [
            ("SYMBOLON_ISSUER", issuer.as_str()),
            ("SYMBOLON_LISTEN", &listen),
            ("SYMBOLON_DATABASE_URL", &database.url),
            ("SYMBOLON_SECRET", "the server secret of the integration tests"),
        ];
        let mut process = Process::start(&["serve"], &variables);
        process.wait_for("serving");
        let form = crate::harness::encode(&[
            ("grant_type", "authorization_code"),
            ("client_id", &spa.id),
            ("code", &code),
            ("code_verifier", VERIFIER),
        ]);
        let page = crate::harness::try_send("POST", &format!("http://{listen}/token"), &[], Some(&form)).unwrap();
        assert_eq!(page.status, 500, "{page:?}");
        assert!(!page.body.contains("PS256"), "{page:?}");
        process.wait_for("there is no signing key for PS256 (create one with symbolon key add --algorithm PS256)");
        process.signal("TERM");
        let (_, said) = process.end();
        assert!(said.contains("ERROR") && !said.contains(&code), "{said}");
    }
}
