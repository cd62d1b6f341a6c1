//! Leaked credentials that are useless: a replaced and retired key, and a token that a service got before it was registered
//! again.

use symbolon::testing::{
    jose::keys::{self, KeyRing},
    protocol::{
        oauth::{
            api_tokens::TokenTyp,
            client::{ClientKind, GrantType},
            scope::Scopes,
        },
        oidc::claims::{self, AccessToken, Audience},
        values::{algorithm::Algorithm, id::Id, time::Span},
    },
    random,
    store::{clients, deletions::Deleted, signing_keys},
};

use crate::{
    claims::change_client,
    harness::{API, INACTIVE, Server, both, claims_of, grant_of},
};

/// A service's own token for the API, signed with the key that signed first.
fn forged(server: &Server) -> String {
    let (now, secrets) = (server.now(), &server.app.config.secrets);
    let first = server.store(signing_keys::all).into_iter().find(|key| key.algorithm == Algorithm::Rs256).unwrap();
    let ring = KeyRing::open(&[first], secrets, &KeyRing::default()).unwrap();
    let claims = AccessToken {
        iss: &server.url,
        sub: "job",
        aud: Audience::One(API.into()),
        client_id: "job",
        exp: now.plus(Span::from_seconds(3600)).seconds(),
        iat: now.seconds(),
        jti: claims::client_jti(random::bytes()),
        scope: "notes:read".into(),
        user: None,
    };
    ring.signing(Algorithm::Rs256, now).unwrap().access_token(&claims, TokenTyp::AccessToken).unwrap()
}

#[test]
fn a_key_that_has_retired_signs_nothing_that_is_believed() {
    both(|server| {
        server.add_apis();
        server.add_client("job", ClientKind::Service, |client| client.settings.scope = Scopes::parse("notes:read").unwrap());
        assert_ne!(server.introspect("notes", &forged(server)).body, INACTIVE, "as long as the key signs");
        let now = server.now();
        let next = keys::generate(&server.app.config.secrets, Algorithm::Rs256, now, now).unwrap();
        server.store(|connection| signing_keys::insert(connection, &next));
        server.advance(21);
        assert_ne!(server.introspect("notes", &forged(server)).body, INACTIVE, "as long as it is published");
        server.advance(3600);
        assert_eq!(server.introspect("notes", &forged(server)).body, INACTIVE);
        assert_eq!(server.userinfo(&forged(server)).status, 401);
    });
}

/// A token of this grant for the API and for `/userinfo`, signed with the key that signs now.
fn signed(server: &Server, grant: Id, (iss, sub, client_id): (&str, &str, &str)) -> String {
    let (now, secrets) = (server.now(), &server.app.config.secrets);
    let rows = server.store(signing_keys::all);
    let ring = KeyRing::open(&rows, secrets, &KeyRing::default()).unwrap();
    let claims = AccessToken {
        iss,
        sub,
        aud: Audience::Several(vec![API.into(), server.url.clone()]),
        client_id,
        exp: now.plus(Span::from_seconds(600)).seconds(),
        iat: now.seconds(),
        jti: claims::jti(grant, [7; 12]),
        scope: "openid notes:read".into(),
        user: None,
    };
    ring.signing(Algorithm::Rs256, now).unwrap().access_token(&claims, TokenTyp::AccessToken).unwrap()
}

#[test]
fn a_key_that_leaked_makes_no_token_of_another_issuer_user_or_client() {
    both(|server| {
        server.add_apis();
        let ids = ["alice", "bob"].map(|name| server.add_user(name).claims.id.to_string());
        let [web, other] = ["web", "other"].map(|id| server.add_web(id));
        let pairwise = server.add_client("pairwise", ClientKind::Web, |client| {
            (client.settings.scope, client.settings.pairwise_sector) =
                (web.settings.scope.clone(), Some("app.example.com".into()));
        });
        let ours = grant_of(&server.tokens_as(&web, "alice", "openid notes:read"));
        server.tokens_as(&other, "bob", "openid notes:read");
        let tokens = server.tokens_as(&pairwise, "alice", "openid notes:read");
        let (theirs, subject) = (grant_of(&tokens), claims_of(tokens.text("access_token"))["sub"].as_str().unwrap().to_owned());
        let good = server.url.as_str();
        let bad = format!("{good}/");
        for (grant, iss, sub, client, is_good) in [
            (ours, good, &*ids[0], "web", true),
            (ours, "https://id.example.org", &*ids[0], "web", false),
            (ours, &*bad, &*ids[0], "web", false),
            (ours, "", &*ids[0], "web", false),
            (ours, good, &*ids[1], "web", false),
            (ours, good, &*subject, "web", false),
            (ours, good, "", "web", false),
            (ours, good, "web", "web", false),
            (ours, good, &*ids[0], "other", false),
            (ours, good, &*ids[1], "other", false),
            (theirs, good, &*subject, "pairwise", true),
            (theirs, good, &*ids[0], "pairwise", false),
            (theirs, good, &*ids[1], "pairwise", false),
        ] {
            let token = signed(server, grant, (iss, sub, client));
            let what = format!("{iss} {sub} {client}");
            assert_eq!(server.is_active("notes", &token), is_good, "{what}");
            assert_eq!(server.is_active(client, &token), is_good, "{what}");
            assert_eq!(server.userinfo(&token).status, if is_good { 200 } else { 401 }, "{what}");
        }
    });
}

#[test]
fn a_service_that_is_made_anew_or_may_not_act_for_itself_leaves_its_tokens_behind() {
    both(|server| {
        server.add_apis();
        let add = || {
            server.add_client("job", ClientKind::Service, |client| client.settings.scope = Scopes::parse("notes:read").unwrap())
        };
        add();
        let token = server.serve("job", &[]).text("access_token").to_owned();
        assert_ne!(server.introspect("notes", &token).body, INACTIVE);
        let now = server.now();
        server.store(|connection| clients::delete(connection, "job", now));
        server.purge(&Deleted::Client("job".into()));
        server.advance(5);
        add();
        assert_eq!(server.introspect("notes", &token).body, INACTIVE);

        server.add_client("web", ClientKind::Web, |client| client.settings.grant_types.push(GrantType::ClientCredentials));
        let token = server.serve("web", &[]).text("access_token").to_owned();
        assert_ne!(server.introspect("notes", &token).body, INACTIVE);
        change_client(server, "web", |client| client.settings.grant_types.retain(|grant| *grant != GrantType::ClientCredentials));
        assert_eq!(server.introspect("notes", &token).body, INACTIVE);
    });
}

#[test]
fn a_client_that_is_switched_off_stays_so_whoever_else_changes_it() {
    both(|server| {
        server.add_client("job", ClientKind::Service, |_| ());
        let now = server.now();
        let begun = std::sync::Barrier::new(2);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                begun.wait();
                assert!(server.store(|connection| clients::set_disabled(connection, "job", Some(now))));
            });
            server.store(|connection| {
                clients::update(connection, "job", |_, client| {
                    begun.wait();
                    std::thread::sleep(std::time::Duration::from_millis(200)); // the other comes in between, where it can
                    client.settings.client_name = "Another name".into();
                    Ok::<_, symbolon::testing::store::Error>(())
                })
            });
        });
        let job = server.store(|connection| clients::find(connection, "job")).unwrap();
        assert_eq!((job.settings.client_name.as_str(), job.disabled_at), ("Another name", Some(now)));
    });
}
