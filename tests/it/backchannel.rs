//! Notifications to apps that a session has ended (OpenID Connect Back-Channel Logout): what they contain, and which ends cause
//! them. That none is lost is `delivery`; that no call is misdirected and nobody waits for one is `calls`.

mod calls;
mod delivery;

use std::collections::BTreeSet;

use jsonwebtoken::{DecodingKey, Validation, jwk::JwkSet};
use serde_json::{Value, json};
use symbolon::testing::{
    background::housekeeping,
    config::{Config, OutboundSettings},
    jose::keys,
    protocol::{
        oauth::client::{Client, ClientKind},
        values::{algorithm::Algorithm, time::Span},
    },
    store::{
        deliveries::{self, Delivery},
        signing_keys,
    },
};

use crate::harness::{Answer, Browser, Listener, PASSWORD, Server, both_with, claims_of, query_of, wait_until};

const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";
const DONE: &str = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
const FAILED: &str = "HTTP/1.1 500 Whatever\r\ncontent-length: 0\r\n\r\n";

/// Lets the server call listeners on this machine.
fn may_call(config: &mut Config) {
    config.outbound = OutboundSettings { allow: vec!["127.0.0.0/8".parse().unwrap()], ca_pem: None };
}

/// An app that wants to be told, at a path of its own.
fn add_app(server: &Server, id: &str, url: &str) -> Client {
    let uri = format!("{url}/{id}?of=symbolon");
    server.add_client(id, ClientKind::Spa, |client| client.settings.backchannel_logout_uri = Some(uri))
}

/// Signs in at an app in this browser: its tokens.
fn tokens(server: &Server, browser: &mut Browser, client: &Client, username: &str) -> Answer {
    let code = browser.code(client, username, "openid");
    let answer = server.redeem(client, &code);
    assert_eq!(answer.status, 200, "{answer:?}");
    answer
}

/// Signs out by our own form.
fn sign_out(browser: &mut Browser) {
    let csrf = browser.get("/logout").csrf();
    assert_eq!(browser.send("POST", "/logout", Some(&[("csrf", &csrf)])).status, 303);
}

/// Everything that waits to be told.
fn waiting(server: &Server) -> Vec<Delivery> {
    let end = server.now().plus(Span::from_seconds(86_400 * 366));
    server.store(|connection| {
        let mut all = Vec::new();
        for client in deliveries::clients_due(connection, end)? {
            all.extend(deliveries::due(connection, &client, end, 100)?);
        }
        Ok(all)
    })
}

/// Waits until everything was told.
#[track_caller]
fn all_notified(server: &Server) {
    server.app.delivery_waker.wake();
    wait_until(|| waiting(server).is_empty(), || format!("{:?}", waiting(server)));
}

/// The app that a request was sent to, by the path, and the logout token in its form.
fn received(request: &str) -> (String, String) {
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    let path = head.lines().next().unwrap().strip_prefix("post /").unwrap().strip_suffix("?of=symbolon http/1.1").unwrap();
    for line in ["content-type: application/x-www-form-urlencoded", "connection: close"] {
        assert!(head.lines().any(|other| other == line), "{line}: {head}");
    }
    assert!(!head.contains("cookie") && !head.contains("authorization"), "{head}");
    let form = query_of(&format!("?{body}"));
    assert_eq!(form.len(), 1, "{body}");
    (path.to_owned(), form["logout_token"].clone())
}

/// Verifies a logout token as its app would, by the published keys: header and claims.
fn verified(server: &Server, client_id: &str, token: &str) -> (Value, Value) {
    let published: JwkSet = serde_json::from_value(server.get("/.well-known/jwks.json", &[]).json).unwrap();
    let header = jsonwebtoken::decode_header(token).unwrap();
    let key = DecodingKey::from_jwk(published.find(header.kid.as_deref().unwrap()).unwrap()).unwrap();
    let mut validation = Validation::new(header.alg);
    validation.set_issuer(&[server.app.config.issuer.as_str()]);
    validation.set_audience(&[client_id]);
    validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    let claims = jsonwebtoken::decode::<Value>(token, &key, &validation).unwrap().claims;
    (serde_json::to_value(header).unwrap(), claims)
}

#[test]
fn each_app_of_the_session_is_told_once_in_its_own_words() {
    both_with(may_call, |server| {
        for username in ["alice", "bob"] {
            server.add_user(username);
        }
        let now = server.now();
        let key = keys::generate(&server.app.config.secrets, Algorithm::Es256, now, now).unwrap();
        server.store(|connection| signing_keys::insert(connection, &key));
        let listener = Listener::with(DONE);
        let plain = add_app(server, "plain", &listener.url);
        let own = |id: &str, change: fn(&mut Client)| {
            server.add_client(id, ClientKind::Spa, |client| {
                client.settings.backchannel_logout_uri = Some(format!("{}/{id}?of=symbolon", listener.url));
                change(client);
            })
        };
        let es256 = own("es256", |client| client.settings.signing_alg = Algorithm::Es256);
        let pairwise = own("pairwise", |client| client.settings.pairwise_sector = Some("app.example.com".into()));
        let quiet = server.add_client("quiet", ClientKind::Spa, |_| ());
        let of_others = add_app(server, "of-others", &listener.url);

        let (mut browser, mut elsewhere, mut bob) = (Browser::new(server), Browser::new(server), Browser::new(server));
        let apps = [&plain, &es256, &pairwise];
        let id_tokens = apps.map(|app| {
            tokens(server, &mut browser, app, "alice"); // twice in one session: told once all the same
            claims_of(tokens(server, &mut browser, app, "alice").text("id_token"))
        });
        tokens(server, &mut browser, &quiet, "alice");
        for app in [&plain, &of_others] {
            tokens(server, &mut elsewhere, app, "alice");
            tokens(server, &mut bob, app, "bob");
        }
        browser.code(&plain, "alice", "openid offline_access");
        assert_eq!((waiting(server), listener.count()), (vec![], 0));

        let before = server.now().seconds();
        sign_out(&mut browser);
        let requests = listener.wait_for(3);
        all_notified(server);
        assert_eq!(listener.count(), 3, "{:?}", listener.requests());
        let mut names = BTreeSet::new();
        for (client_id, token) in requests.iter().map(|request| received(request)) {
            let place = apps.iter().position(|app| app.id == client_id).unwrap();
            let (header, claims) = verified(server, &client_id, &token);
            let kid = header["kid"].as_str().unwrap();
            assert_eq!(header, json!({"typ": "logout+jwt", "alg": apps[place].settings.signing_alg.as_str(), "kid": kid}));
            let (iat, exp) = (claims["iat"].as_i64().unwrap(), claims["exp"].as_i64().unwrap());
            assert!((before..=server.now().seconds()).contains(&iat) && exp == iat + 120, "{claims}");
            let jti = claims["jti"].as_str().unwrap();
            assert!(jti.len() >= 22 && names.insert(jti.to_owned()), "{claims}");
            let expected = json!({
                "iss": server.url, "aud": client_id, "sub": id_tokens[place]["sub"], "sid": id_tokens[place]["sid"],
                "iat": iat, "exp": exp, "jti": jti, "events": {EVENT: {}},
            });
            assert_eq!(claims, expected, "these and no others: no nonce");
        }
        assert_ne!(id_tokens[2]["sub"], id_tokens[0]["sub"], "as the app knows them");
        assert_ne!(id_tokens[0]["sid"], Value::Null);
    });
}

#[test]
fn a_logout_token_is_good_for_nothing_else() {
    both_with(may_call, |server| {
        server.add_user("alice");
        let listener = Listener::with(DONE);
        let app = add_app(server, "app", &listener.url);
        let mut browser = Browser::new(server);
        tokens(server, &mut browser, &app, "alice");
        sign_out(&mut browser);
        let (_, token) = received(&listener.wait_for(1)[0]);
        assert_eq!(server.userinfo(&token).status, 401);
        assert_eq!(server.refresh(&app, &token).error(), "invalid_grant");
        let mut browser = Browser::new(server);
        tokens(server, &mut browser, &app, "alice");
        let page = browser.get(&format!("/logout?id_token_hint={token}"));
        assert!(page.header("set-cookie").is_none() && page.body.contains("name=\"csrf\""), "asked first: {page:?}");
    });
}

/// Someone signs in at the app, and `end` ends the session: whether the app is told of just that one.
fn is_notified(server: &Server, listener: &Listener, app: &Client, end: impl FnOnce(&mut Browser, &str)) -> bool {
    let count = listener.count();
    let mut browser = Browser::new(server);
    let ours = tokens(server, &mut browser, app, "alice");
    end(&mut browser, ours.text("id_token"));
    all_notified(server);
    let requests = listener.requests().split_off(count);
    let sid = claims_of(ours.text("id_token"))["sid"].clone();
    for request in &requests {
        assert_eq!(claims_of(&received(request).1)["sid"], sid);
    }
    assert!(requests.len() < 2, "{requests:?}");
    requests.len() == 1
}

#[test]
fn every_end_of_a_session_is_told_and_nothing_else() {
    both_with(may_call, |server| {
        let alice = server.add_user("alice");
        let bob = server.add_user("bob");
        let hash = server.app.passwords.hash(PASSWORD).unwrap();
        let listener = Listener::with(DONE);
        let app = add_app(server, "app", &listener.url);
        let is_notified = |end: &dyn Fn(&mut Browser, &str)| is_notified(server, &listener, &app, end);
        let (id, tidy) = (alice.claims.id, || actix_web::rt::System::new().block_on(housekeeping::round(&server.app)));

        assert!(is_notified(&|browser, _| sign_out(browser)), "signing out");
        assert!(is_notified(&|browser, hint| assert_eq!(browser.get(&format!("/logout?id_token_hint={hint}")).status, 200)));
        let by_server = |_: &mut Browser, hint: &str| {
            let page = server.send("GET", &format!("/logout?id_token_hint={hint}"), &[], None);
            assert_eq!((page.status, page.state()), (200, Some("ended-by-app")), "{page:?}");
        };
        assert!(is_notified(&by_server), "an app's server, without the browser");
        assert!(is_notified(&|browser, _| browser.sign_in("bob")), "another person in the same browser");
        assert!(is_notified(&|_, _| server.reset_password(id, &hash)));
        assert!(is_notified(&|_, _| server.disable(id)));
        server.enable(id);

        assert!(!is_notified(&|browser, _| browser.sign_in("alice")), "the same person in the same browser");
        assert!(!is_notified(&|browser, _| drop(browser.get("/logout"))), "asking");
        assert!(!is_notified(&|_, _| server.disable(bob.claims.id)));
        assert!(!is_notified(&|_, _| tidy()), "before its time");
        // Those that are still there have all reached their absolute end.
        let open = listener.count();
        let last = server.app.config.lifetimes.session_absolute;
        server.advance(last.seconds());
        tidy();
        all_notified(server);
        assert_eq!(listener.count(), open + 4);
        assert!(is_notified(&|_, _| {
            server.advance(last.seconds());
            tidy();
            tidy();
        }));
        assert!(is_notified(&|_, _| server.delete(id)), "the last one");
    });
}
