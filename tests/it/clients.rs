//! Third-party clients and resource servers against the running server. Here: the scripts of `tests/clients`, and what a resource
//! server observes while a key is rotated; the crates are `clients::crates`.

mod crates;
mod more;
pub mod programs;
mod recorded;
mod services;

use serde_json::{Value, json};
use symbolon::testing::{
    jose::keys,
    protocol::{
        oauth::client::{AuthMethod, Client, ClientKind},
        values::{algorithm::Algorithm, time::Span},
    },
    store::signing_keys,
};

use crate::harness::{
    API, Answer, PASSWORD, SECRET, Server, both, chromium, databases, free_port, node, node_with_input, python,
};

/// A native app: any port of the loopback address.
fn native_app(server: &Server) -> Client {
    server.add_client("native", ClientKind::Native, |client| {
        client.settings.redirect_uris = vec!["http://127.0.0.1/callback".into()];
    })
}

/// The settings that every script takes.
fn settings(server: &Server, client: &Client, more: &Value) -> Value {
    let mut settings = json!({"issuer": server.url, "client_id": client.id, "username": "alice", "password": PASSWORD});
    let more = more.as_object().unwrap().clone();
    settings.as_object_mut().unwrap().extend(more);
    settings
}

#[test]
fn openid_client_signs_in_with_a_secret() {
    both(|server| {
        let alice = server.add_user("alice");
        for (id, auth, method) in [
            ("web-basic", "client_secret_basic", AuthMethod::ClientSecretBasic),
            ("web-post", "client_secret_post", AuthMethod::ClientSecretPost),
        ] {
            let web = server.add_client(id, ClientKind::Web, |client| client.settings.token_endpoint_auth_method = method);
            let more = json!({
                "client_secret": SECRET,
                "redirect_uri": web.settings.redirect_uris[0],
                "auth": auth,
                "sub": alice.claims.id.to_string(),
            });
            node("openid_client.mjs", &settings(server, &web, &more));
        }
    });
}

#[test]
fn oauth4webapi_signs_in_as_a_native_app() {
    both(|server| {
        server.add_user("alice");
        node(
            "oauth4webapi.mjs",
            &settings(
                server,
                &native_app(server),
                &json!({ "audience": API, "scope": "openid profile email offline_access notes:read" }),
            ),
        );
    });
}

#[test]
fn oidc_client_ts_signs_in_renews_and_signs_out_in_chromium() {
    both(|server| {
        server.add_user("alice");
        let redirect_uri = format!("http://localhost:{}/callback", free_port());
        let spa = server.add_client("spa", ClientKind::Spa, |client| client.settings.redirect_uris = vec![redirect_uri.clone()]);
        chromium("spa.mjs", &settings(server, &spa, &json!({ "redirect_uri": redirect_uri })));
    });
}

/// The handler of a rotation, on each database.
fn rotation(look: impl Fn(&Server, &str, &[(String, bool)])) {
    for database in databases() {
        eprintln!("on {}", database.name);
        // So far behind that no token comes from the future for those who go by the right time.
        let server = Server::start_behind(&database, 40);
        rotate(&server, |when, tokens| look(&server, when, tokens));
    }
}

/// Rotates the key; `look` is called with the tokens that a resource server has at hand, and whether each is to be taken:
/// before, while both keys are published, when the new one signs, and when the old one is retired.
fn rotate(server: &Server, look: impl Fn(&str, &[(String, bool)])) {
    server.add_user("alice");
    let spa = server.add_client("spa", ClientKind::Spa, |_| ());
    let token = |answer: &Answer| answer.text("access_token").to_owned();
    let signed_in = server.tokens(&spa, "alice", "openid offline_access notes:read");
    let before = token(&signed_in);
    let (unsigned, signature) = before.rsplit_once('.').unwrap();
    let first = if signature.starts_with('A') { 'B' } else { 'A' };
    let forged = format!("{unsigned}.{first}{}", &signature[1..]);
    look("before", &[(before.clone(), true), (forged.clone(), false)]);

    let now = server.now();
    let key = keys::generate(&server.app.config.secrets, Algorithm::Rs256, now, now.plus(Span::from_seconds(30))).unwrap();
    server.store(|connection| signing_keys::insert(connection, &key));
    server.advance(21);
    let refreshed = server.refresh(&spa, signed_in.text("refresh_token"));
    let published = token(&refreshed);
    assert_eq!(kid(&published), kid(&before), "published, and does not sign yet");
    look("published", &[(before.clone(), true), (published.clone(), true), (forged.clone(), false)]);

    server.advance(15);
    let during = token(&server.refresh(&spa, refreshed.text("refresh_token")));
    assert_eq!(kid(&during), key.kid, "the new key signs");
    look("during", &[(before.clone(), true), (published.clone(), true), (during.clone(), true), (forged.clone(), false)]);

    server.advance(600 + 120);
    look("after", &[(during, true), (before, false), (published, false), (forged, false)]);
}

fn kid(token: &str) -> String {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    let header = URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap()).unwrap();
    serde_json::from_slice::<Value>(&header).unwrap()["kid"].as_str().unwrap().to_owned()
}

/// What the verifiers of `tests/clients` read.
fn cases(server: &Server, tokens: &[(String, bool)]) -> Value {
    let case = |(token, valid): &(String, bool)| json!({"issuer": server.url, "audience": API, "token": token, "expect": if *valid { "valid" } else { "invalid" }});
    let mut cases: Vec<_> = tokens.iter().map(case).collect();
    let mut elsewhere = case(&(tokens[0].0.clone(), false));
    elsewhere["audience"] = "https://other.example.com".into();
    cases.push(elsewhere);
    cases.into()
}

#[test]
fn jose_checks_tokens_through_a_key_rotation() {
    rotation(|server, _, tokens| node_with_input("verify_jose.mjs", &cases(server, tokens)));
}

#[test]
fn pyjwt_checks_tokens_through_a_key_rotation() {
    rotation(|server, _, tokens| python("verify_pyjwt.py", &cases(server, tokens)));
}
