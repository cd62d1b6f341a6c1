//! `symbolon consent`: a user's consents, and withdrawing one while a server runs.

use serde_json::json;
use symbolon::testing::protocol::oauth::client::ClientKind;

use super::{Binary, is_time};
use crate::harness::{API, Server, databases};

#[test]
fn consents_are_listed_and_withdrawn() {
    for database in databases() {
        let server = Server::start(&database, |_| ());
        let (name, symbolon) = (database.name, Binary::beside(&server, &database));
        server.add_user("alice");
        server.add_user("bob");
        let clients = ["app", "other"].map(|id| server.add_client(id, ClientKind::Spa, |_| ()));
        let [app, other] = &clients;
        let token =
            |client, user| server.tokens(client, user, "openid offline_access notes:read").text("refresh_token").to_owned();
        let (alices, bobs, others) = (token(app, "alice"), token(app, "bob"), token(other, "alice"));

        assert_eq!(symbolon.json("consent list --user bob --json").as_array().unwrap().len(), 1, "{name}");
        let listed = symbolon.json("consent list --user alice --json");
        assert!(is_time(&listed[0]["granted"]), "{name}: {listed}");
        let expected = json!({
            "client_id": "app", "scope": "openid offline_access notes:read", "audiences": [API], "given_by": "user", "granted": listed[0]["granted"],
        });
        assert_eq!((&listed[0], &listed[1]["client_id"]), (&expected, &json!("other")), "{name}");
        let text = symbolon.text("consent list --user ALICE@example.com");
        assert!(text.starts_with("CLIENT  SCOPE") && text.lines().count() == 3, "{name}: {text}");

        let said = symbolon.text("consent withdraw --user alice --client app");
        assert_eq!(said, "withdrew the consent of alice for client app; 1 grant revoked\n", "{name}");
        assert_eq!(server.refresh(app, &alices).error(), "invalid_grant", "{name}");
        assert_eq!(server.refresh(app, &bobs).status, 200, "{name}: no one else is touched");
        assert_eq!(server.refresh(other, &others).status, 200, "{name}: and no other client");
        assert_eq!(symbolon.json("consent list --user alice --json").as_array().unwrap().len(), 1, "{name}");
        assert_eq!(
            symbolon.json("consent withdraw --user alice --client app --json"),
            json!({ "username": "alice", "client_id": "app", "withdrawn": true, "ended_grants": 0 }),
            "{name}: twice changes nothing"
        );
        for (line, words) in [
            ("list --user carol", "user 'carol': no user has"),
            ("withdraw --user carol --client app", "user 'carol': no user has"),
            ("withdraw --user alice --client gone", "client 'gone': no such client"),
        ] {
            assert!(symbolon.refusal(&format!("consent {line}")).contains(words), "{name}: {line}");
        }
    }
}
