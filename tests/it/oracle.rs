//! `oidc-provider`, a third-party server, as an oracle: the cases of `tests/clients/oracle_cases*.mjs` are sent to both, and each
//! difference must be listed in `tests/clients/oracle_differences.mjs` with its reason, as in `docs/rfc-index.md`.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use openssl::{bn::BigNumContext, ec::EcGroup, ec::EcKey, nid::Nid};
use serde_json::{Value, json};
use symbolon::testing::{
    protocol::oauth::{
        api::{Api, ApiScope},
        api_tokens::ApiTokens,
        client::{AuthMethod, ClientKind},
        client_auth::secret_hash,
        scope::Scopes,
    },
    store::apis,
};

use crate::harness::{API, PASSWORD, Server, both, node};

const FILES: &str = "https://files.example.com";
const SCOPE: &str = "openid profile email offline_access notes:read";
const USERS: [&str; 3] = ["alice", "bob", "carol"];

/// A new key for ES256, private and public, as JWKs.
fn key() -> (Value, Value) {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
    let key = EcKey::generate(&group).unwrap();
    let point =
        key.public_key().to_bytes(&group, openssl::ec::PointConversionForm::UNCOMPRESSED, &mut BigNumContext::new().unwrap());
    let (x, y) = point.as_ref().unwrap()[1..].split_at(32);
    let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let public = json!({"kty": "EC", "crv": "P-256", "alg": "ES256", "kid": "signed", "x": text(x), "y": text(y)});
    let mut private = public.clone();
    private["d"] = text(&key.private_key().to_vec_padded(32).unwrap()).into();
    (private, public)
}

/// Registers one client as the scripts describe it, and describes it.
fn client(server: &Server, id: &str, (kind, auth): (ClientKind, AuthMethod), redirect_uris: &[&str], more: &Value) -> Value {
    let secret = matches!(auth, AuthMethod::ClientSecretBasic | AuthMethod::ClientSecretPost)
        .then(|| format!("sym_cs_the-secret-of-{id}"));
    let list = |value: &Value| serde_json::from_value::<Vec<String>>(value.clone()).unwrap_or_default();
    let scope = if kind == ClientKind::Service { "notes:read" } else { SCOPE };
    server.add_client(id, kind, |client| {
        client.settings.token_endpoint_auth_method = auth;
        client.secret_hash = secret.as_deref().map(secret_hash);
        client.settings.redirect_uris = redirect_uris.iter().map(|uri| (*uri).to_owned()).collect();
        client.settings.post_logout_redirect_uris = list(&more["post_logout_redirect_uris"]);
        client.settings.introspects = list(&more["introspects"]);
        client.settings.audiences = vec![API.into(), FILES.into()];
        client.settings.scope = Scopes::parse(scope).unwrap();
        if let Some(public) = more.get("public_jwk") {
            client.settings.jwks = Some(json!({"keys": [public]}).to_string());
        }
    });
    let mut described = json!({
        "client_id": id, "kind": kind.as_str(), "auth": auth.as_str(), "client_secret": secret, "redirect_uris": redirect_uris, "scope": scope,
    });
    for name in ["post_logout_redirect_uris", "private_jwk"] {
        if let Some(value) = more.get(name) {
            described[name] = value.clone();
        }
    }
    described
}

fn world(server: &Server) -> Value {
    for name in USERS {
        server.add_user(name);
    }
    let scopes = ["notes:read", "notes:write"].map(|name| ApiScope { name: name.into(), description: None });
    for (uri, scopes) in [(API, scopes.to_vec()), (FILES, vec![])] {
        let api = Api {
            uri: uri.into(),
            name: uri.into(),
            scopes,
            tokens: ApiTokens::default(),
            min_acr: None,
            created_at: server.now(),
        };
        server.store(|connection| apis::insert(connection, &api));
    }
    let (private, public) = key();
    let (spa, native) = ((ClientKind::Spa, AuthMethod::None), (ClientKind::Native, AuthMethod::None));
    let web = (ClientKind::Web, AuthMethod::ClientSecretBasic);
    let service = (ClientKind::Service, AuthMethod::ClientSecretBasic);
    let clients = [
        client(server, "spa", spa, &["https://spa.example.com/cb"], &json!({})),
        client(
            server,
            "web",
            web,
            &["https://web.example.com/cb", "https://web.example.com/other?tenant=1"],
            &json!({"post_logout_redirect_uris": ["https://web.example.com/signed-out"]}),
        ),
        client(server, "post", (ClientKind::Web, AuthMethod::ClientSecretPost), &["https://post.example.com/cb"], &json!({})),
        client(server, "native", native, &["http://127.0.0.1/callback", "com.example.native:/callback"], &json!({})),
        client(server, "service", service, &[], &json!({})),
        client(server, "api", service, &[], &json!({"introspects": [API, FILES]})),
        client(
            server,
            "signed",
            (ClientKind::Service, AuthMethod::PrivateKeyJwt),
            &[],
            &json!({"private_jwk": private, "public_jwk": public}),
        ),
    ];
    let known = format!("{SCOPE} notes:write");
    json!({
        "issuer": server.url,
        "people": USERS,
        "password": PASSWORD,
        "scopes": known.split(' ').collect::<Vec<_>>(),
        "resources": [API, FILES],
        "clients": clients,
    })
}

#[test]
fn both_servers_answer_alike_or_a_reason_is_written_down() {
    both(|server| node("oracle.mjs", &world(server)));
}
