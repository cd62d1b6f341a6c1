//! What relying parties and resource servers call besides sign-in: introspection, revocation, resource indicators, individual
//! claims, `private_key_jwt`, `client_credentials` and logout, by the scripts of `tests/clients`. Each scenario is run once for
//! each signature algorithm: the client's for its assertions, and the server's for all that it signs for the client.

use josekit::{
    jwk::{KeyPair, alg::ed::EdCurve},
    jws::{ES256, EdDSA, PS256, RS256},
};
use serde_json::{Value, json};
use symbolon::testing::{
    config::OutboundSettings,
    jose::keys,
    protocol::{
        oauth::{
            api::{Api, ApiScope},
            api_tokens::ApiTokens,
            client::{AuthMethod, Client, ClientKind, GrantType},
            scope::Scopes,
        },
        values::algorithm::Algorithm,
    },
    store::{apis, signing_keys},
};

use super::settings;
use crate::harness::{API, SECRET, Server, both, both_with, free_port, node, python};

/// The second API.
pub const FILES: &str = "https://files.example.com";
/// Where users go after signing out; nothing listens there.
pub const GOODBYE: &str = "https://app.example.com/goodbye";

/// Alice, the two APIs, and a key for every algorithm.
pub fn prepare(server: &Server) {
    server.add_user("alice");
    let now = server.now();
    for (uri, name, scopes) in [(API, "Notes", &["notes:read", "notes:write"][..]), (FILES, "Files", &["files:read"])] {
        let scopes = scopes.iter().map(|name| ApiScope { name: (*name).into(), description: None }).collect();
        let api =
            Api { uri: uri.into(), name: name.into(), scopes, tokens: ApiTokens::default(), min_acr: None, created_at: now };
        server.store(|connection| apis::insert(connection, &api));
    }
    for algorithm in Algorithm::ALL.iter().filter(|algorithm| **algorithm != Algorithm::Rs256) {
        let key = keys::generate(&server.app.config.secrets, *algorithm, now, now).unwrap();
        server.store(|connection| signing_keys::insert(connection, &key));
        // The running server reads it, so that it is published before anyone has a token of it.
        server.app.store.with(|connection| server.app.keys_signing(connection, *algorithm, now)).unwrap();
    }
}

/// The resource server of the first API, with a secret.
pub fn resource_server(server: &Server, algorithm: Algorithm) -> Client {
    server.add_client(&format!("notes-{}", algorithm.as_str()), ClientKind::Service, |client| {
        client.settings.introspects = vec![API.into()];
        client.settings.signing_alg = algorithm;
    })
}

/// A web app with a secret that may use both APIs, for users and by itself.
pub fn relying_party(server: &Server, algorithm: Algorithm, change: impl FnOnce(&mut Client)) -> Client {
    server.add_client(&format!("app-{}", algorithm.as_str()), ClientKind::Web, |client| {
        client.settings.scope = Scopes::parse("openid profile email offline_access notes:read files:read").unwrap();
        client.settings.audiences = vec![API.into(), FILES.into()];
        client.settings.grant_types.push(GrantType::ClientCredentials);
        client.settings.post_logout_redirect_uris = vec![GOODBYE.into()];
        client.settings.signing_alg = algorithm;
        change(client);
    })
}

/// Registers a key of its own for the client, in place of its secret; the private half.
fn with_key(client: &mut Client) -> Value {
    let pair: Box<dyn KeyPair> = match client.settings.signing_alg {
        Algorithm::Rs256 => Box::new(RS256.generate_key_pair(2048).unwrap()),
        Algorithm::Ps256 => Box::new(PS256.generate_key_pair(2048).unwrap()),
        Algorithm::Es256 => Box::new(ES256.generate_key_pair().unwrap()),
        Algorithm::EdDsa => Box::new(EdDSA.generate_key_pair(EdCurve::Ed25519).unwrap()),
    };
    let [mut public, mut private] =
        [pair.to_jwk_public_key(), pair.to_jwk_key_pair()].map(|jwk| serde_json::to_value(jwk.as_ref()).unwrap());
    (public["kid"], private["kid"]) = ("mine".into(), "mine".into());
    if client.settings.signing_alg == Algorithm::EdDsa {
        public["alg"] = "Ed25519".into(); // RFC 9864: so Web Crypto exports it
    }
    (client.settings.token_endpoint_auth_method, client.secret_hash) = (AuthMethod::PrivateKeyJwt, None);
    client.settings.jwks = Some(json!({ "keys": [public] }).to_string());
    private
}

/// The handler of a script with a client of each algorithm, which has a key, pairwise subjects and signed userinfo.
fn with_each_algorithm(server: &Server, tell: impl Fn(&Value), change: impl Fn(&mut Client)) {
    prepare(server);
    for algorithm in Algorithm::ALL {
        let mut key = Value::Null;
        let app = relying_party(server, *algorithm, |client| {
            key = with_key(client);
            client.settings.userinfo_signed = true;
            client.settings.pairwise_sector = Some("app.example.com".into());
            change(client);
        });
        let resource_server = resource_server(server, *algorithm);
        tell(&settings(
            server,
            &app,
            &json!({
                "key": key,
                "algorithm": algorithm.as_str(),
                "redirect_uri": app.settings.redirect_uris[0],
                "post_logout_redirect_uri": GOODBYE,
                "backchannel_logout_uri": app.settings.backchannel_logout_uri,
                "notes": API,
                "files": FILES,
                "resource_server": {"client_id": resource_server.id, "client_secret": SECRET},
            }),
        ));
    }
}

#[test]
fn openid_client_uses_every_service() {
    both(|server| with_each_algorithm(server, |settings| node("openid_client_services.mjs", settings), |_| ()));
}

#[test]
fn oauth4webapi_uses_every_service_and_hears_of_logouts() {
    let allow_loopback = |config: &mut symbolon::testing::config::Config| {
        config.outbound = OutboundSettings { allow: vec!["127.0.0.0/8".parse().unwrap()], ..OutboundSettings::default() };
    };
    both_with(allow_loopback, |server| {
        let tell = |settings: &Value| node("oauth4webapi_services.mjs", settings);
        with_each_algorithm(server, tell, |client| {
            client.settings.backchannel_logout_uri = Some(format!("http://127.0.0.1:{}/logout", free_port()));
        });
    });
}

#[test]
fn authlib_uses_every_service() {
    both(|server| {
        let tell = |settings: &Value| python("authlib_client.py", settings);
        with_each_algorithm(server, tell, |client| client.settings.userinfo_signed = false);
    });
}
