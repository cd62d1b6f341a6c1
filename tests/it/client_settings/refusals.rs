//! What the operator is told of a client's refused requests: each once, with its count and what would allow it.

use serde_json::Value;
use symbolon::testing::{
    protocol::{
        oauth::{client::ClientKind, client_refusal::ClientRefusal},
        values::id::Id,
    },
    store::{client_refusals, clients},
};

use crate::{
    cli::Binary,
    harness::{Browser, SECRET, Server, both, databases, encode},
};

fn refusals(server: &Server, client: &str) -> Vec<ClientRefusal> {
    server.flush();
    server.store(|connection| client_refusals::of(connection, client))
}

/// A code that nobody issued, at `/token`.
fn wrong_code(server: &Server, client: &str, secret: &str, code: &str) {
    let fields = [("grant_type", "authorization_code"), ("code", code), ("client_id", client), ("client_secret", secret)];
    assert_eq!(server.send("POST", "/token", &[], Some(&encode(&fields))).status, 400);
}

#[test]
fn each_refusal_is_one_row_that_counts() {
    both(|server| {
        server.add_client("web", ClientKind::Web, |_| ());
        for secret in ["wrong-1", "wrong-2", SECRET] {
            wrong_code(server, "web", secret, "nonsense");
        }
        wrong_code(server, "nobody", SECRET, "nonsense");
        server.advance(60);
        wrong_code(server, "web", SECRET, "nonsense");
        let found = refusals(server, "web");
        let errors: Vec<_> =
            found.iter().map(|one| (one.endpoint.as_str(), one.count, one.reason.error.split(':').next().unwrap())).collect();
        assert_eq!(errors, [("/token", 2, "invalid_grant"), ("/token", 2, "invalid_client")], "{found:?}");
        assert!(found.iter().all(|one| !one.reason.error.contains("wrong-") && !one.reason.error.contains(SECRET)), "{found:?}");
        assert_eq!(refusals(server, "nobody"), []);

        for number in 0..30 {
            let (name, value) = (format!("unknown-{number}"), "x");
            server.send(
                "POST",
                "/token",
                &[],
                Some(&encode(&[("grant_type", name.as_str()), ("client_id", "web"), ("x", value)])),
            );
            server.advance(1);
            server.flush();
        }
        let found = refusals(server, "web");
        assert_eq!(found.len(), 10, "at one endpoint");
        assert!(found[0].reason.error.contains("unknown-29") && found[9].reason.error.contains("unknown-20"), "{found:?}");

        server.advance(31 * 86_400);
        server.tidy();
        assert_eq!(refusals(server, "web"), []);
        wrong_code(server, "web", SECRET, "nonsense");
        assert_eq!(refusals(server, "web").len(), 1);
        assert!(server.store(|connection| clients::delete(connection, "web", server.now())));
        assert_eq!(refusals(server, "web"), []);
    });
}

#[test]
fn what_was_expected_of_an_authorization_request_is_told() {
    both(|server| {
        server.add_user("alice");
        server.add_client("web", ClientKind::Web, |client| {
            client.settings.redirect_uris = vec!["https://web.example/cb".into()];
        });
        let mut browser = Browser::new(server);
        let authorize = |browser: &mut Browser, more: &str| {
            let at = format!("/authorize?response_type=code&client_id=web&scope=openid&redirect_uri=https://web.example/{more}");
            browser.get(&at).status
        };
        assert_eq!(authorize(&mut browser, "cb"), 303);
        server.advance(1);
        assert_eq!(authorize(&mut browser, "callback"), 400);
        server.advance(1);
        assert_eq!(authorize(&mut browser, "it's"), 400);
        server.advance(1);
        // Nothing is wrong with the client where users have to sign in, or refuse.
        assert_eq!(authorize(&mut browser, "cb&nonce=n&prompt=none"), 303);
        let found: Vec<_> = refusals(server, "web").into_iter().map(|one| one.reason).collect();
        assert_eq!(found.len(), 3, "{found:?}");
        assert_eq!(found[0].error, "redirect_uri: expected a registered one, received 'https://web.example/it's'");
        assert_eq!(found[1].redirect_uri.as_deref(), Some("https://web.example/callback"));
        assert_eq!((&found[1].remedy, &found[2].redirect_uri), (&None, &None), "{found:?}");
        assert_eq!(found[2].remedy.as_deref(), Some("symbolon client set web --pkce optional"));
        assert!(found[2].error.ends_with("received neither"), "{found:?}");
    });
}

#[test]
fn what_is_sent_to_authorize_displaces_nothing_of_token_or_of_other_clients() {
    both(|server| {
        for client in ["web", "other"] {
            server.add_client(client, ClientKind::Web, |_| ());
            wrong_code(server, client, SECRET, "nonsense");
        }
        for number in 0..50 {
            let at = format!("/authorize?response_type=code&client_id=web&redirect_uri=https://evil.example/{number}");
            assert_eq!(Browser::new(server).get(&at).status, 400);
        }
        for client in ["web", "other"] {
            let found = refusals(server, client);
            assert_eq!(found.iter().filter(|one| one.endpoint == "/token").count(), 1, "{found:?}");
            assert_eq!(found.len(), if client == "web" { 11 } else { 1 }, "{found:?}");
        }
    });
}

#[test]
fn client_check_lists_them() {
    for database in databases() {
        let server = Server::start(&database, |_| ());
        let symbolon = Binary::beside(&server, &database);
        server.add_client("web", ClientKind::Web, |_| ());
        assert!(
            symbolon.text("client check web").contains("No refused request was recorded in the last 30 days."),
            "{}",
            database.name
        );
        wrong_code(&server, "web", SECRET, &Id::from([1; 16]).to_string());
        server.flush();
        let text = symbolon.text("client check web");
        assert!(
            text.contains("Last refused requests. Anyone can send") && text.contains("/token") && text.contains("invalid_grant"),
            "{text}"
        );
        let checked: Value = symbolon.json("client check web --json");
        let refusal = &checked["refusals"][0];
        assert_eq!((&refusal["endpoint"], &refusal["count"]), (&"/token".into(), &1.into()), "{checked}");
        assert!(refusal["last_at"].as_str().unwrap().ends_with('Z'), "{checked}");
    }
}
