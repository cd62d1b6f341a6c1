//! The claims of assertions (RFC 7523 §3, RFC 10070): their audience, their lifetime, and that each is valid once, wherever
//! it is presented again.

use std::{sync::Barrier, thread};

use serde_json::{Value, json};
use symbolon::testing::{
    background::housekeeping,
    protocol::{
        oauth::{
            client::{AssertionAudience, ClientKeySource},
            client_assertion::Assertion,
        },
        values::time::Span,
    },
    store::{Error, clients, used_assertions},
};

use super::{
    ENDPOINTS, add_asserting, assert_to, passed, refused,
    signer::{Signer, claims},
};
use crate::harness::{Answer, Server, both, databases};

const THREADS: usize = 30;

fn add_app(server: &Server, key: &Signer) {
    add_asserting(server, "app", ClientKeySource::Inline(key.set()));
}

#[test]
fn each_algorithm_passes_at_each_endpoint() {
    both(|server| {
        for alg in ["RS256", "PS256", "ES256", "EdDSA"] {
            for (id, key) in [(alg.to_lowercase(), Signer::new(alg)), (format!("{alg}-named"), Signer::new(alg).named("one"))] {
                let mut key = key;
                if id.contains("named") {
                    (key.public["alg"], key.public["use"]) = (alg.into(), "sig".into());
                }
                add_asserting(server, &id, ClientKeySource::Inline(key.set()));
                for path in ENDPOINTS {
                    let answer = assert_to(server, path, &key.good(server, &id));
                    assert!(passed(&answer), "{alg} at {path}: {answer:?}");
                }
                let answer = assert_to(server, "/token", &key.good(server, &id));
                assert_eq!((answer.status, answer.text("token_type")), (200, "Bearer"));
            }
        }
    });
}

/// Good claims, one of them changed.
fn with(server: &Server, name: &str, value: Value) -> Value {
    let mut claims = claims(server, "app");
    claims[name] = value;
    claims
}

#[test]
fn the_claims_that_pass() {
    both(|server| {
        let key = Signer::new("EdDSA");
        add_app(server, &key);
        let now = server.now().seconds();
        let issuer = server.url.as_str();
        for (name, value) in [
            ("aud", json!(issuer)),
            ("aud", json!([issuer])),
            ("exp", json!(now + 3500)),
            ("exp", serde_json::from_str(&format!("{}.5", now + 60)).unwrap()),
            ("iat", json!(now + 10)),
            ("nbf", json!(now + 10)),
            ("iat", json!(now - 3600)),
            ("jti", json!("x")),
            ("jti", json!("é".repeat(128))),
            ("more", json!({"a": [1]})),
        ] {
            let answer = assert_to(server, "/token", &key.sign(key.header(), &with(server, name, value.clone())));
            assert!(passed(&answer), "{name}={value}: {answer:?}");
        }
        let mut few = claims(server, "app");
        few.as_object_mut().unwrap().remove("iat");
        assert!(passed(&assert_to(server, "/token", &key.sign(key.header(), &few))), "iat may be left out");
    });
}

#[test]
fn the_claims_that_are_refused() {
    both(|server| {
        let key = Signer::new("EdDSA");
        add_app(server, &key);
        add_asserting(server, "other", ClientKeySource::Inline(key.set()));
        let now = server.now().seconds();
        let issuer = server.url.as_str();
        let mut changes = vec![
            ("iss", json!("other")),
            ("iss", json!(issuer)),
            ("iss", json!(["app"])),
            ("sub", json!("other")),
            ("sub", json!("unknown")),
            ("sub", json!("")),
            ("sub", json!(7)),
            ("aud", json!(format!("{issuer}/"))),
            ("aud", json!(format!("{issuer}/token"))),
            ("aud", json!(format!("{issuer}/introspect"))),
            ("aud", json!(issuer.to_uppercase())),
            ("aud", json!([issuer, format!("{issuer}/token")])),
            ("aud", json!([issuer, issuer])),
            ("aud", json!([format!("{issuer}/token")])),
            ("aud", json!([[issuer]])),
            ("aud", json!({"a": issuer})),
            ("aud", json!("https://other.example")),
            ("aud", json!([])),
            ("exp", json!(now - 31)),
            ("exp", json!(now - 3600)),
            ("exp", json!(now + 3700)),
            ("exp", json!((now + 60) * 1000)),
            ("exp", json!((now + 60).to_string())),
            ("exp", json!(-1)),
            ("exp", json!(1e300)),
            ("iat", json!(now + 60)),
            ("nbf", json!(now + 60)),
            ("iat", json!("now")),
            ("nbf", json!(null)),
            ("jti", json!("")),
            ("jti", json!(7)),
            ("jti", json!("x".repeat(257))),
        ];
        for name in ["iss", "sub", "aud", "exp", "jti"] {
            changes.push((name, Value::Null));
        }
        for (number, (name, value)) in changes.into_iter().enumerate() {
            if number % 15 == 14 {
                server.advance(61); // each wrong one counts as a guess
            }
            let mut all = claims(server, "app");
            let shift = server.now().seconds() - now;
            match &value {
                Value::Null if name != "nbf" => drop(all.as_object_mut().unwrap().remove(name)),
                Value::Number(seconds) if ["exp", "iat", "nbf"].contains(&name) && seconds.is_i64() => {
                    all[name] = json!(seconds.as_i64().unwrap() + shift);
                }
                _ => all[name] = value.clone(),
            }
            let assertion = key.sign(key.header(), &all);
            let answer = assert_to(server, ENDPOINTS[number % 3], &assertion);
            assert_eq!((answer.status, answer.error()), (400, "invalid_client"), "{name}={value}: {answer:?}");
        }
        server.advance(61);
        assert!(passed(&assert_to(server, "/token", &key.good(server, "app"))));
    });
}

#[test]
fn the_token_endpoint_is_an_audience_where_the_operator_allows_it() {
    both(|server| {
        let key = Signer::new("EdDSA");
        add_app(server, &key);
        let (issuer, endpoint) = (server.url.as_str(), format!("{}/token", server.url));
        let assertion = |audience: &Value| key.sign(key.header(), &with(server, "aud", audience.clone()));
        let line = "symbolon client set app --assertion-audience token-endpoint";
        let allow = |audience| {
            let changed = server.store(|connection| {
                clients::update(connection, "app", |_, client| -> Result<(), Error> {
                    client.settings.assertion_audience = audience;
                    Ok(())
                })
            });
            changed.unwrap().check().unwrap();
        };
        for path in ENDPOINTS {
            for audience in [json!(endpoint), json!([endpoint]), json!([issuer, endpoint])] {
                let one = assertion(&audience);
                let answer = assert_to(server, path, &one);
                refused(&answer);
                let said = answer.text("error_description");
                assert!(said.contains(&format!("expected only '{issuer}', received ")) && said.contains(line), "{said}");
                allow(AssertionAudience::TokenEndpoint);
                assert!(passed(&assert_to(server, path, &one)), "{path} {audience}: it was not used up");
                refused(&assert_to(server, path, &one));
                assert!(passed(&assert_to(server, path, &assertion(&json!(issuer)))), "the issuer is always good");
                for other in [format!("{endpoint}/"), format!("{issuer}/introspect"), "https://other.example/token".into()] {
                    let answer = assert_to(server, path, &assertion(&json!(other)));
                    refused(&answer);
                    let said = answer.text("error_description");
                    assert!(said.contains(&other) && !said.contains("client set"), "{said}");
                }
                allow(AssertionAudience::Issuer);
                server.advance(61);
            }
        }
    });
}

#[test]
fn clocks_may_differ_by_half_a_minute_and_a_use_is_remembered_as_long() {
    both(|server| {
        let key = Signer::new("EdDSA");
        add_app(server, &key);
        for (name, seconds) in [("exp", -25), ("iat", 25), ("nbf", 25)] {
            let one = key.sign(key.header(), &with(server, name, json!(server.now().seconds() + seconds)));
            assert!(passed(&assert_to(server, "/token", &one)), "{name}: {seconds}");
        }
        let mut claims = claims(server, "app");
        claims["exp"] = json!(server.now().seconds() + 5);
        let one = key.sign(key.header(), &claims);
        assert!(passed(&assert_to(server, "/token", &one)));
        server.advance(25);
        tidy(server);
        let again = assert_to(server, "/token", &one);
        refused(&again);
        assert!(again.text("error_description").contains("jti"), "{again:?}");
        server.advance(15);
        assert!(assert_to(server, "/token", &one).text("error_description").contains("exp"));
    });
}

#[test]
fn one_that_is_refused_uses_up_nothing() {
    both(|server| {
        let (key, outsider) = (Signer::new("EdDSA"), Signer::new("EdDSA"));
        add_app(server, &key);
        let claims = with(server, "jti", json!("the same"));
        refused(&assert_to(server, "/token", &outsider.sign(outsider.header(), &claims)));
        let mut early = claims.clone();
        early["nbf"] = json!(server.now().seconds() + 60);
        refused(&assert_to(server, "/token", &key.sign(key.header(), &early)));
        assert!(passed(&assert_to(server, "/token", &key.sign(key.header(), &claims))));
        refused(&assert_to(server, "/token", &key.sign(key.header(), &claims)));
        let mut later = claims.clone();
        later["exp"] = json!(server.now().seconds() + 120);
        refused(&assert_to(server, "/token", &key.sign(key.header(), &later)));
        add_asserting(server, "other", ClientKeySource::Inline(key.set()));
        (later["iss"], later["sub"]) = ("other".into(), "other".into());
        assert!(passed(&assert_to(server, "/token", &key.sign(key.header(), &later))), "another client may choose the same jti");
    });
}

#[test]
fn one_that_was_used_is_refused_everywhere_and_after_a_restart() {
    for database in databases() {
        let server = Server::start(&database, |_| ());
        let sibling = server.sibling(&database);
        let key = Signer::new("ES256");
        add_app(&server, &key);
        let long = key.sign(key.header(), &with(&server, "exp", json!(server.now().seconds() + 3500)));
        assert!(passed(&assert_to(&server, "/introspect", &long)));
        for (server, path) in [&server, &sibling].into_iter().flat_map(|server| ENDPOINTS.map(|path| (server, path))) {
            let again = assert_to(server, path, &long);
            refused(&again);
            assert!(again.text("error_description").contains("jti"), "{again:?}");
        }
        drop(sibling);
        let server = server.restart(&database, |_| ());
        refused(&assert_to(&server, "/token", &long));
        server.advance(3_480);
        tidy(&server);
        let late = assert_to(&server, "/token", &long);
        assert!(late.text("error_description").contains("jti"), "{late:?}");
        server.advance(200);
        tidy(&server);
        let late = assert_to(&server, "/token", &long);
        refused(&late);
        assert!(late.text("error_description").contains("exp"), "{late:?}");
    }
}

/// One round of housekeeping.
fn tidy(server: &Server) {
    actix_web::rt::System::new().block_on(housekeeping::round(&server.app));
}

#[test]
fn a_use_is_forgotten_when_nobody_can_think_it_good_any_more() {
    both(|server| {
        let assertion = Assertion { key: [7; 32], expires_at: server.now().plus(Span::from_seconds(60)) };
        let is_new = || server.store(|connection| used_assertions::insert(connection, &assertion));
        assert!(is_new() && !is_new());
        for seconds in [59, 2, 500] {
            server.advance(seconds);
            tidy(server);
            assert!(!is_new(), "another process' clock may be behind");
        }
        server.advance(200);
        assert!(!is_new());
        tidy(server);
        assert!(is_new());
    });
}

#[test]
fn thirty_present_one_and_one_passes() {
    for database in databases() {
        let one = Server::start(&database, |_| ());
        let two = one.sibling(&database);
        let key = Signer::new("RS256");
        add_app(&one, &key);
        for _ in 0..3 {
            let assertion = key.good(&one, "app");
            let barrier = Barrier::new(THREADS);
            let answers: Vec<Answer> = thread::scope(|scope| {
                let present = |number: usize| {
                    let (barrier, assertion, server) = (&barrier, &assertion, [&one, &two][number % 2]);
                    scope.spawn(move || {
                        barrier.wait();
                        assert_to(server, ENDPOINTS[number % 3], assertion)
                    })
                };
                let all: Vec<_> = (0..THREADS).map(present).collect();
                all.into_iter().map(|one| one.join().unwrap()).collect()
            });
            for answer in &answers {
                // Wrong ones beyond the twentieth of a minute are turned away by the count of guesses.
                assert!(answer.status == 200 || [400, 429].contains(&answer.status), "{answer:?}");
            }
            assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1, "{answers:?}");
        }
    }
}
