//! Claims about users (OpenID Connect Core §5; `roles` and `groups` by RFC 9068 §2.2.3.1): which claims each scope grants, and
//! which are read again each time. Individually requested claims, `sub` and `acr` among them, and signed responses of `/userinfo`
//! are below.

mod access_token;
mod id_token;
mod parameter;
mod signed;
mod wishes;

use serde_json::{Map, Value, json};
use symbolon::testing::{
    config::Config,
    protocol::oauth::{
        client::{Client, ClientKind, IdTokenClaims},
        scope::{ScopeClaims, Scopes},
    },
    store::{
        Error, clients,
        users::{self, User},
    },
};

use crate::harness::{Server, both_with, claims_of};

/// Every scope that a client may be registered for here.
const ALL: &str = "openid profile email address phone roles groups employee team offline_access notes:read";

/// The scopes whose claims are in ID tokens as well.
const IN_ID_TOKENS: [&str; 4] = ["profile", "email", "roles", "groups"];

/// Scopes of the operator's own.
fn configured(config: &mut Config) {
    let claims = |scope: &str, names: &[&str]| (scope.to_owned(), names.iter().map(ToString::to_string).collect());
    let map = [claims("employee", &["department", "https://example.com/badge"]), claims("team", &["lead", "department"])];
    config.scope_claims = ScopeClaims::new(map.into()).unwrap();
}

/// Alice, of whom everything is known.
fn alice(server: &Server) -> User {
    let mut alice = server.add_user("alice");
    alice.claims.roles = vec!["editor".into(), "admin".into()];
    alice.claims.groups = vec!["staff".into()];
    let attributes = json!({
        "given_name": "Alice", "family_name": "Éxample", "middle_name": "M", "nickname": "al",
        "profile": "https://example.com/alice", "picture": "https://example.com/alice.png", "website": "https://alice.example",
        "gender": "female", "birthdate": "1990-01-31", "zoneinfo": "Europe/Paris", "locale": "fr-FR",
        "address": {"street_address": "1 rue de l'Été", "locality": "Paris", "postal_code": "75001", "country": "FR"},
        "phone_number": "+33 1 23 45 67 89", "phone_number_verified": true,
        "department": ["books", {"since": 2020}], "https://example.com/badge": 7, "lead": false,
        "left over": "from a configuration of before",
    });
    alice.claims.attributes.clone_from(attributes.as_object().unwrap());
    change(server, &alice);
    alice
}

/// Writes a user down anew, as `symbolon user set` does.
fn change(server: &Server, user: &User) {
    server.change_user(user.claims.id, |kept| kept.claims = user.claims.clone());
}

/// Changes a client, as `symbolon client set` does.
pub fn change_client(server: &Server, id: &str, change: impl FnOnce(&mut Client)) {
    let changed = server.store(|connection| {
        clients::update(connection, id, |_, client| {
            change(client);
            Ok::<_, Error>(())
        })
    });
    assert!(changed.is_some(), "there is no client {id}");
}

/// A client that may ask for these scopes.
fn client(server: &Server, id: &str, scopes: &str) -> Client {
    server.add_client(id, ClientKind::Spa, |client| client.settings.scope = Scopes::parse(scopes).unwrap())
}

/// These members of an object.
fn some(all: &Value, names: &[&str]) -> Value {
    names.iter().filter_map(|name| Some(((*name).to_owned(), all.get(name)?.clone()))).collect::<Map<_, _>>().into()
}

#[test]
fn each_scope_opens_its_claims() {
    both_with(configured, |server| {
        let alice = alice(server);
        let spa = client(server, "spa", ALL);
        let silent = client(server, "silent", ALL);
        change_client(server, "silent", |client| client.settings.id_token_claims = IdTokenClaims::Requested);
        let stored = server.store(|connection| users::find(connection, alice.claims.id)).unwrap();
        let mut known = Value::Object(alice.claims.attributes.clone());
        known.as_object_mut().unwrap().extend([
            ("sub".to_owned(), alice.claims.id.to_string().into()),
            ("name".to_owned(), "alice Example".into()),
            ("preferred_username".to_owned(), "alice".into()),
            ("updated_at".to_owned(), stored.claims.updated_at.seconds().into()),
            ("email".to_owned(), "alice@example.com".into()),
            ("email_verified".to_owned(), true.into()),
            ("roles".to_owned(), json!(["editor", "admin"])),
            ("groups".to_owned(), json!(["staff"])),
        ]);
        let profile = [
            "name",
            "family_name",
            "given_name",
            "middle_name",
            "nickname",
            "preferred_username",
            "profile",
            "picture",
            "website",
            "gender",
            "birthdate",
            "zoneinfo",
            "locale",
            "updated_at",
        ];
        for (scope, names) in [
            ("", [].as_slice()),
            ("profile", &profile),
            ("email", &["email", "email_verified"]),
            ("address", &["address"]),
            ("phone", &["phone_number", "phone_number_verified"]),
            ("roles", &["roles"]),
            ("groups", &["groups"]),
            ("employee", &["department", "https://example.com/badge"]),
            ("team", &["lead", "department"]),
            ("offline_access notes:read", &[]),
            ("phone team", &["phone_number", "phone_number_verified", "lead", "department"]),
        ] {
            let tokens = server.tokens(&spa, "alice", format!("openid {scope}").trim());
            let expected = some(&known, &[["sub"].as_slice(), names].concat());
            assert_eq!(server.userinfo(tokens.text("access_token")).json, expected, "{scope}");
            let id_token = claims_of(tokens.text("id_token"));
            let is_here = IN_ID_TOKENS.contains(&scope);
            for name in names {
                let expected = is_here.then_some(&known[name]);
                assert_eq!(id_token.get(name), expected, "{scope}: {name} in the ID token");
            }
            let silent = server.tokens(&silent, "alice", format!("openid {scope}").trim());
            let id_token = claims_of(silent.text("id_token"));
            assert!(names.iter().all(|name| id_token.get(name).is_none()), "an ID token tells of no scope: {id_token}");
        }
        let all = server.userinfo(server.tokens(&spa, "alice", ALL).text("access_token")).json;
        known.as_object_mut().unwrap().shift_remove("left over");
        assert_eq!(all, known, "and nothing that no scope opens");
    });
}

#[test]
fn what_is_not_known_is_not_told_and_what_changes_is_told_at_once() {
    both_with(configured, |server| {
        let mut bob = server.add_user("bob");
        bob.claims.display_name = None;
        change(server, &bob);
        let spa = client(server, "spa", ALL);
        let tokens = server.tokens(&spa, "bob", ALL);
        let names = |claims: &Value| claims.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        let before = server.userinfo(tokens.text("access_token")).json;
        assert_eq!(names(&before), ["sub", "preferred_username", "updated_at", "email", "email_verified", "roles", "groups"]);
        assert_eq!((&before["roles"], &before["groups"]), (&json!([]), &json!([])));
        server.advance(60);
        bob.claims.attributes.insert("nickname".into(), "bobby".into());
        (bob.claims.email, bob.claims.email_verified) = ("b@example.org".into(), false);
        change(server, &bob);
        let after = server.userinfo(tokens.text("access_token")).json;
        assert_eq!(
            (&after["nickname"], &after["email"], &after["email_verified"]),
            (&"bobby".into(), &"b@example.org".into(), &false.into())
        );
        let later = after["updated_at"].as_i64().unwrap() - before["updated_at"].as_i64().unwrap();
        assert!((60..90).contains(&later), "{later}");
    });
}

#[test]
fn roles_and_groups_in_access_tokens_are_those_of_now() {
    both_with(configured, |server| {
        let mut alice = alice(server);
        let spa = client(server, "spa", ALL);
        for (scope, granted) in [
            ("openid roles groups", [true, true]),
            ("openid roles", [true, false]),
            ("notes:read groups", [false, true]),
            ("openid", [false; 2]),
        ] {
            alice.claims.roles = vec!["editor".into(), "admin".into()];
            alice.claims.groups = vec!["staff".into()];
            change(server, &alice);
            let received = |token: &str, roles: Value, groups: Value| {
                let claims = claims_of(token);
                assert_eq!(claims.get("roles"), granted[0].then_some(&roles), "{scope}");
                assert_eq!(claims.get("groups"), granted[1].then_some(&groups), "{scope}");
            };
            let tokens = server.tokens(&spa, "alice", scope);
            received(tokens.text("access_token"), json!(["editor", "admin"]), json!(["staff"]));
            if let Some(id_token) = tokens.json.get("id_token") {
                received(id_token.as_str().unwrap(), json!(["editor", "admin"]), json!(["staff"]));
            }
            (alice.claims.roles, alice.claims.groups) = (vec![], vec!["guests".into(), "é ✓".into()]);
            change(server, &alice);
            let refreshed = server.refresh(&spa, tokens.text("refresh_token"));
            received(refreshed.text("access_token"), json!([]), json!(["guests", "é ✓"]));
            // Narrowed at a refresh: what is not in the token's scope is not in the token.
            let narrow = scope.replace(" roles", "").replace(" groups", "");
            let form = [
                ("grant_type", "refresh_token"),
                ("client_id", "spa"),
                ("refresh_token", refreshed.text("refresh_token")),
                ("scope", &narrow),
            ];
            let narrow = claims_of(server.token(&form, &[]).text("access_token"));
            assert!(narrow.get("roles").is_none() && narrow.get("groups").is_none(), "{narrow}");
        }
    });
}

#[test]
fn a_scope_that_is_taken_from_the_client_opens_nothing_any_more() {
    both_with(configured, |server| {
        alice(server);
        let spa = client(server, "spa", ALL);
        let claims = json!({"userinfo": {"phone_number": null}}).to_string();
        let code = crate::harness::Browser::new(server).code_of(&spa, "alice", "openid roles employee", &[("claims", &claims)]);
        let tokens = server.redeem(&spa, &code);
        let received = |token: &str| server.userinfo(token).json.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        let token = tokens.text("access_token");
        assert_eq!(received(token).len(), 5, "sub, phone_number, roles, and two by employee: {:?}", received(token));
        change_client(server, "spa", |client| client.settings.scope = Scopes::parse("openid").unwrap());
        assert_eq!(received(token), ["sub"]);
        let refreshed = server.refresh(&spa, tokens.text("refresh_token"));
        assert_eq!(refreshed.text("scope"), "openid");
        assert!(claims_of(refreshed.text("access_token")).get("roles").is_none());
        assert_eq!(received(refreshed.text("access_token")), ["sub"]);
    });
}
