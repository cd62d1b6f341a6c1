//! Scopes, claims, subjects and authentication context classes: all that are listed are issued for a user with complete data.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use symbolon::testing::{
    config::Config,
    protocol::oauth::{
        client::{Client, ClientKind},
        scope::{ScopeClaims, Scopes},
    },
};

use super::{document, error, values};
use crate::harness::{Browser, Server, both, both_with, claims_of};

/// A configured scope, and the claims that it opens.
fn configured(config: &mut Config) {
    let claims = ["department", "https://example.com/badge"].map(str::to_owned).to_vec();
    config.scope_claims = ScopeClaims::new([("employee".to_owned(), claims)].into()).unwrap();
}

/// Alice, of whom every claim is known, and a client that may ask for every scope.
fn all_known(server: &Server) -> Client {
    let mut alice = server.add_user("alice");
    alice.claims.roles = vec!["editor".into()];
    alice.claims.groups = vec!["staff".into()];
    let attributes = json!({
        "given_name": "Alice", "family_name": "Example", "middle_name": "M", "nickname": "al",
        "profile": "https://example.com/alice", "picture": "https://example.com/alice.png", "website": "https://alice.example",
        "gender": "female", "birthdate": "1990-01-31", "zoneinfo": "Europe/Paris", "locale": "fr-FR",
        "address": {"locality": "Paris", "country": "FR"}, "phone_number": "+33 1 23 45 67 89", "phone_number_verified": true,
        "department": "books", "https://example.com/badge": 7,
    });
    alice.claims.attributes.clone_from(attributes.as_object().unwrap());
    server.change_user(alice.claims.id, |user| user.claims = alice.claims.clone());
    let scopes = values(server, "scopes_supported").join(" ");
    server.add_client("spa", ClientKind::Spa, |client| client.settings.scope = Scopes::parse(&scopes).unwrap())
}

fn names(claims: &Value) -> BTreeSet<String> {
    claims.as_object().unwrap().keys().cloned().collect()
}

#[test]
fn scopes_and_claims() {
    for configure in [(|_| ()) as fn(&mut Config), configured] {
        both_with(configure, |server| {
            let spa = all_known(server);
            let scopes = values(server, "scopes_supported");
            let mut received = BTreeSet::new();
            for scope in &scopes {
                let requested = if scope == "openid" { scope.clone() } else { format!("openid {scope}") };
                let code = Browser::new(server).code_of(&spa, "alice", &requested, &[("nonce", "n-0S6")]);
                let tokens = server.redeem(&spa, &code);
                assert_eq!(tokens.text("scope"), requested);
                let claims = server.userinfo(tokens.text("access_token")).json;
                let opens_nothing = ["openid", "offline_access"].contains(&scope.as_str());
                assert_eq!(names(&claims).len() == 1, opens_nothing, "{scope}: {claims}");
                let id_token = claims_of(tokens.text("id_token"));
                assert!(names(&id_token).iter().chain(&names(&claims)).all(|name| !name.starts_with('_')), "claim_types: normal");
                received.extend(names(&claims).into_iter().chain(names(&id_token)));
            }
            assert_eq!(document(server)["claim_types_supported"], json!(["normal"]));
            received.remove("at_hash");
            assert_eq!(received, values(server, "claims_supported").into_iter().collect());
            for unlisted in ["telephone", "PROFILE", "employees"] {
                let page = Browser::new(server).get(&Browser::request(&spa, &format!("openid {unlisted}"), &[]));
                assert_eq!(error(&page), "invalid_scope", "{unlisted}");
            }
            assert_eq!(scopes.contains(&"employee".to_owned()), received.contains("department"));
        });
    }
}

#[test]
fn claims_one_by_one() {
    both_with(configured, |server| {
        let spa = all_known(server);
        assert_eq!(document(server)["claims_parameter_supported"], true);
        // What tokens say of themselves is not asked for; everything else is told at either place, and nothing but it.
        let of_tokens = ["iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "sid"];
        let requested: Vec<_> =
            values(server, "claims_supported").into_iter().filter(|name| !of_tokens.contains(&&**name)).collect();
        assert!(requested.len() > 20, "{requested:?}");
        for place in ["userinfo", "id_token"] {
            let wishes: serde_json::Map<_, _> = requested.iter().map(|name| (name.clone(), Value::Null)).collect();
            let claims = json!({ place: wishes }).to_string();
            let code = Browser::new(server).code_of(&spa, "alice", "openid", &[("claims", &claims)]);
            let tokens = server.redeem(&spa, &code);
            let [received, elsewhere] = match place {
                "userinfo" => [server.userinfo(tokens.text("access_token")).json, claims_of(tokens.text("id_token"))],
                _ => [claims_of(tokens.text("id_token")), server.userinfo(tokens.text("access_token")).json],
            };
            for name in &requested {
                assert!(received.get(name).is_some() && elsewhere.get(name).is_none(), "{place} {name}");
            }
        }
    });
}

#[test]
fn subjects() {
    both(|server| {
        server.add_user("alice");
        for kind in values(server, "subject_types_supported") {
            let add = |id: &str, sector: &str| {
                server.add_client(&format!("{kind}-{id}"), ClientKind::Spa, |client| match kind.as_str() {
                    "public" => {}
                    "pairwise" => client.settings.pairwise_sector = Some(sector.into()),
                    other => panic!("{other}: what is it?"),
                })
            };
            let [one, two, three] = [("one", "a.example"), ("two", "a.example"), ("three", "b.example")].map(|(id, sector)| {
                let client = add(id, sector);
                claims_of(server.tokens(&client, "alice", "openid").text("id_token"))["sub"].clone()
            });
            assert_eq!(one, two, "{kind}");
            assert_eq!(one == three, kind == "public", "{kind}");
        }
        assert_eq!(values(server, "subject_types_supported"), ["public", "pairwise"]);
    });
}

#[test]
fn classes_of_authentication() {
    both(|server| {
        server.add_user("alice");
        let spa = server.add_client("spa", ClientKind::Spa, |_| ());
        let classes =
            ["password", "two-factors", "phishing-resistant", "hardware"].map(|word| format!("urn:symbolon:acr:{word}"));
        let others = ["urn:symbolon:acr:mfa", "0", "urn:mace:incommon:iap:silver", "pwd"];
        let candidates: Vec<_> = classes.iter().map(String::as_str).chain(others).collect();
        super::exactly(server, "acr_values_supported", &candidates, |class| {
            let claims = json!({"id_token": {"acr": {"essential": true, "value": class}}}).to_string();
            let mut browser = Browser::new(server);
            browser.sign_in("alice");
            // The strongest, which includes each of them.
            server.store(|connection| {
                use diesel::RunQueryDsl;
                diesel::sql_query("UPDATE sessions SET amr = 'pwd hwk user mfa'").execute(connection).map_err(Into::into)
            });
            let page = browser.follow(&Browser::request(&spa, "openid", &[("claims", &claims)]), "alice", "allow");
            match error(&page).as_str() {
                "" => {}
                other => {
                    assert_eq!(other, "unmet_authentication_requirements");
                    return false;
                }
            }
            let code = browser.code_of(&spa, "alice", "openid", &[("claims", &claims)]);
            claims_of(server.redeem(&spa, &code).text("id_token"))["acr"] == class
        });
    });
}
