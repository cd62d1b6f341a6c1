//! Client authentication (RFC 6749 §2.3) at every endpoint that requires it: a secret or a key, as registered, and only one way at a
//! time. Where a secret stands, and the order of errors, is in `places`; assertions are in `assertions` and `headers`, fetched keys in
//! `fetched` and `hostile`.

mod assertions;
mod fetched;
mod headers;
mod hostile;
mod native;
mod places;
mod signer;

use base64::{Engine, engine::general_purpose::STANDARD};
use symbolon::testing::{
    config::{Config, OutboundSettings},
    protocol::oauth::{
        client::{AuthMethod, Client, ClientKeySource, ClientKind},
        client_auth::secret_hash,
    },
    store::clients,
};

use crate::harness::{Answer, SECRET, Server, both, encode};
use signer::Signer;

const ENDPOINTS: [&str; 3] = ["/token", "/introspect", "/revoke"];
const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Lets the server call listeners on this machine.
fn may_call(config: &mut Config) {
    config.outbound = OutboundSettings { allow: vec!["127.0.0.0/8".parse().unwrap()], ca_pem: None };
}

/// A service that authenticates by assertions verified with these keys.
fn add_asserting(server: &Server, id: &str, keys: ClientKeySource) -> Client {
    server.add_client(id, ClientKind::Service, |client| {
        client.settings.token_endpoint_auth_method = AuthMethod::PrivateKeyJwt;
        client.settings.set_keys(keys);
        client.secret_hash = None;
    })
}

fn basic(id: &str, secret: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")))
}

/// Calls an endpoint with what it needs besides these credentials.
fn call(server: &Server, path: &str, authorization: Option<&str>, form: &[(&str, &str)]) -> Answer {
    let mut form = form.to_vec();
    form.extend_from_slice(match path {
        "/token" if form.contains(&("client_id", "public")) || authorization == Some(&*basic("public", "")) => {
            &[("grant_type", "refresh_token"), ("refresh_token", "unknown")]
        }
        "/token" => &[("grant_type", "client_credentials")],
        _ => &[("token", "unknown")],
    });
    let headers: Vec<_> = authorization.map(|value| ("Authorization", value)).into_iter().collect();
    Answer::of(server.send("POST", path, &headers, Some(&encode(&form))))
}

/// Presents an assertion, and nothing else.
fn assert_to(server: &Server, path: &str, assertion: &str) -> Answer {
    call(server, path, None, &[("client_assertion_type", TYPE), ("client_assertion", assertion)])
}

/// Whether the client was let in: what follows is of no concern here.
fn passed(answer: &Answer) -> bool {
    answer.status == 200 || (answer.status, answer.error()) == (400, "invalid_grant")
}

/// RFC 6749 §5.2, RFC 9110 §15.5.2: refused, and asked for the header's scheme if that is a way to go on.
#[track_caller]
fn refused(answer: &Answer) {
    let challenge = answer.header("www-authenticate");
    assert!([None, Some("Basic realm=\"symbolon\"")].contains(&challenge), "{answer:?}");
    let status = if challenge.is_some() { 401 } else { 400 };
    assert_eq!((answer.status, answer.error()), (status, "invalid_client"), "{answer:?}");
    assert_eq!(answer.header("cache-control"), Some("no-store"), "{answer:?}");
}

/// One client of each method, with [`SECRET`] or this key.
fn one_of_each(server: &Server, key: &Signer) -> [Client; 4] {
    [
        server.add_client("public", ClientKind::Native, |client| {
            client.settings.redirect_uris = vec!["com.example.app:/cb".into()];
        }),
        server.add_client("basic", ClientKind::Service, |_| ()),
        server.add_client("post", ClientKind::Service, |client| {
            client.settings.token_endpoint_auth_method = AuthMethod::ClientSecretPost;
        }),
        add_asserting(server, "key", ClientKeySource::Inline(key.set())),
    ]
}

#[test]
fn the_registered_credentials_pass_and_a_secret_in_either_place() {
    both(|server| {
        let key = Signer::new("EdDSA");
        let clients = one_of_each(server, &key);
        for path in ENDPOINTS {
            for client in &clients {
                let id = client.id.as_str();
                let (header, wrong) = (basic(id, SECRET), basic(id, "wrong"));
                let (assertion, outsider) = (key.good(server, id), Signer::new("EdDSA").good(server, id));
                let typed = ("client_assertion_type", TYPE);
                let empty = basic(id, "");
                let ways: [(_, Option<&str>, Vec<_>); 9] = [
                    ("none", None, vec![("client_id", id)]),
                    ("none", None, vec![("client_id", id), ("client_secret", "")]),
                    ("none", Some(&empty), vec![]),
                    ("client_secret_basic", Some(&header), vec![]),
                    ("client_secret_post", None, vec![("client_id", id), ("client_secret", SECRET)]),
                    ("private_key_jwt", None, vec![typed, ("client_assertion", &assertion)]),
                    ("wrong", Some(&wrong), vec![]),
                    ("wrong", None, vec![("client_id", id), ("client_secret", "wrong")]),
                    ("wrong", None, vec![typed, ("client_assertion", &outsider)]),
                ];
                for (method, authorization, form) in ways {
                    let answer = call(server, path, authorization, &form);
                    let is_right = match client.settings.token_endpoint_auth_method {
                        AuthMethod::ClientSecretBasic | AuthMethod::ClientSecretPost => method.starts_with("client_secret_"),
                        registered => method == registered.as_str(),
                    };
                    let passes = is_right && (path, id) != ("/introspect", "public");
                    assert_eq!(passed(&answer), passes, "{id} by {method} at {path}: {answer:?}");
                    if !passes {
                        refused(&answer);
                        let is_asked = authorization.is_some() || method == "none";
                        assert_eq!(answer.status, if is_asked { 401 } else { 400 }, "{answer:?}");
                    }
                }
            }
        }
    });
}

#[test]
fn two_ways_at_once_are_refused_though_both_are_right() {
    both(|server| {
        let key = Signer::new("EdDSA");
        one_of_each(server, &key);
        for path in ENDPOINTS {
            for id in ["basic", "post", "key"] {
                let (header, assertion) = (basic(id, SECRET), key.good(server, id));
                let (typed, signed) = (("client_assertion_type", TYPE), ("client_assertion", assertion.as_str()));
                let (named, secret) = (("client_id", id), ("client_secret", SECRET));
                for (authorization, form) in [
                    (Some(header.as_str()), vec![named, secret]),
                    (Some(&header), vec![secret]),
                    (Some(&header), vec![typed, signed]),
                    (Some(&header), vec![typed]),
                    (None, vec![named, secret, typed, signed]),
                    (None, vec![named, secret, signed]),
                    (Some(&header), vec![named, secret, typed, signed]),
                    (Some("Bearer x"), vec![named, secret]),
                    (Some(&header), vec![("client_id", "public")]),
                    (None, vec![("client_id", "public"), typed, signed]),
                ] {
                    let answer = call(server, path, authorization, &form);
                    assert_eq!((answer.status, answer.error()), (400, "invalid_request"), "{path} {form:?}: {answer:?}");
                }
                if id == "key" {
                    assert!(passed(&assert_to(server, path, &assertion)), "none of it used up the assertion");
                }
            }
        }
    });
}

#[test]
fn malformed_credentials_are_refused() {
    both(|server| {
        let key = Signer::new("EdDSA");
        one_of_each(server, &key);
        let encoded = STANDARD.encode(format!("basic:{SECRET}"));
        let good = key.good(server, "key");
        for path in ENDPOINTS {
            for header in [
                "",
                "Basic",
                "Basic ",
                "Basic !!!",
                "Digest x",
                "Bearer x",
                &format!("Basic  {encoded}"),
                &format!("Basic {encoded}="),
                &format!("Basic {}", encoded.trim_end_matches('=').to_owned() + "*"),
                &format!("Basic {}", STANDARD.encode("basic")),
                &format!("Basic {}", STANDARD.encode(format!(":{SECRET}"))),
                &format!("Basic {}", STANDARD.encode("basic:")),
                &format!("Basic {}", STANDARD.encode("basic:%zz")),
                &format!("Basic {}", STANDARD.encode(b"basic:\xff")),
                &basic("unknown", SECRET),
                &basic("basic%00", SECRET),
            ] {
                server.advance(61);
                refused(&call(server, path, Some(header), &[]));
            }
            let lower = format!("bAsIc {encoded}");
            assert!(passed(&call(server, path, Some(&lower), &[("client_id", "basic")])), "the scheme has no case");
            let twice = [("Authorization", lower.as_str()), ("Authorization", lower.as_str())];
            let answer = Answer::of(server.send("POST", path, &twice, Some("grant_type=client_credentials&token=x")));
            assert_eq!((answer.status, answer.error()), (400, "invalid_request"), "{answer:?}");
            let typed = ("client_assertion_type", TYPE);
            let other = ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:saml2-bearer");
            for form in [
                vec![],
                vec![("client_secret", SECRET)],
                vec![("client_id", "unknown")],
                vec![("client_id", "post"), ("client_secret", "")],
                vec![typed],
                vec![typed, ("client_id", "key")],
                vec![typed, ("client_assertion", "")],
                vec![typed, ("client_assertion", "x")],
                vec![typed, ("client_assertion", "..")],
                vec![typed, ("client_assertion", "e30.e30.e30")],
                vec![("client_assertion", &good)],
                vec![other, ("client_assertion", &good)],
            ] {
                server.advance(61);
                refused(&call(server, path, None, &form));
            }
        }
        let late = call(server, "/token", None, &[("client_assertion_type", TYPE), ("client_assertion", &good)]);
        refused(&late);
        assert!(late.text("error_description").contains("exp"), "it has expired meanwhile: {late:?}");
    });
}

#[test]
fn two_secrets_are_live_until_the_older_is_retired() {
    both(|server| {
        let hash = |secret: &str| Some(secret_hash(secret));
        for (id, method) in [("basic", AuthMethod::ClientSecretBasic), ("post", AuthMethod::ClientSecretPost)] {
            server.add_client(id, ClientKind::Service, |client| {
                (client.settings.token_endpoint_auth_method, client.previous_secret_hash) = (method, hash("older"));
            });
            let with = |path: &str, secret: &str| match method {
                AuthMethod::ClientSecretBasic => call(server, path, Some(&basic(id, secret)), &[]),
                _ => call(server, path, None, &[("client_id", id), ("client_secret", secret)]),
            };
            let live = |secrets: [(&str, bool); 4]| {
                for (path, (secret, is_active)) in ENDPOINTS.iter().flat_map(|path| secrets.map(|secret| (path, secret))) {
                    assert_eq!(passed(&with(path, secret)), is_active, "{id} {secret} at {path}");
                }
            };
            let update = |change: &dyn Fn(&mut Client)| {
                let changed = server.store(|connection| {
                    clients::update(connection, id, |_, client| -> Result<(), symbolon::testing::store::Error> {
                        change(client);
                        Ok(())
                    })
                });
                changed.unwrap().check().unwrap();
            };
            live([(SECRET, true), ("older", true), ("newest", false), ("", false)]);
            update(&|client| client.previous_secret_hash = None);
            live([(SECRET, true), ("older", false), ("newest", false), ("", false)]);
            update(&|client| client.previous_secret_hash = client.secret_hash.replace(secret_hash("newest")));
            live([(SECRET, true), ("older", false), ("newest", true), ("", false)]);
            update(&|client| client.previous_secret_hash = None);
            live([(SECRET, false), ("older", false), ("newest", true), ("", false)]);
        }
    });
}

#[test]
fn who_is_switched_off_is_refused_by_every_method() {
    both(|server| {
        let key = Signer::new("EdDSA");
        let clients = one_of_each(server, &key);
        let assertion = key.good(server, "key");
        for off in [true, false] {
            let at = off.then(|| server.now());
            for client in &clients {
                assert!(server.store(|connection| clients::set_disabled(connection, &client.id, at)));
            }
            let headers = basic("basic", SECRET);
            let typed = ("client_assertion_type", TYPE);
            for path in ["/token", "/revoke"] {
                assert_eq!(passed(&call(server, path, None, &[("client_id", "public")])), !off);
                assert_eq!(passed(&call(server, path, Some(&headers), &[])), !off);
                assert_eq!(passed(&call(server, path, None, &[("client_id", "post"), ("client_secret", SECRET)])), !off);
            }
            let answer = call(server, "/introspect", None, &[typed, ("client_assertion", &assertion)]);
            assert_eq!(passed(&answer), !off, "a refused assertion is not used up: {answer:?}");
        }
    });
}
