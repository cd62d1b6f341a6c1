//! Client authentication as promised: by which methods and grant types, and at which endpoints.

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use openssl::{
    bn::{BigNum, BigNumContext},
    ec::{EcGroup, EcKey},
    nid::Nid,
    pkey::PKey,
    rsa::Rsa,
};
use serde_json::{Value, json};
use symbolon::testing::protocol::oauth::client::{AuthMethod, Client, ClientKind, GrantType};

use super::{exactly, values};
use crate::harness::{API, Answer, Browser, CALLBACK, SECRET, Server, VERIFIER, both};

/// A new key pair: what signs, and the public key as it is registered.
fn pair(algorithm: Algorithm) -> (EncodingKey, Value) {
    let text = |bytes: Vec<u8>| Value::from(URL_SAFE_NO_PAD.encode(bytes));
    match algorithm {
        Algorithm::RS256 | Algorithm::PS256 | Algorithm::RS512 => {
            let rsa = Rsa::generate(2048).unwrap();
            let public = json!({"kty": "RSA", "n": text(rsa.n().to_vec()), "e": text(rsa.e().to_vec())});
            (EncodingKey::from_rsa_pem(&rsa.private_key_to_pem().unwrap()).unwrap(), public)
        }
        Algorithm::ES256 => {
            let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
            let key = EcKey::generate(&group).unwrap();
            let [mut x, mut y] = [BigNum::new().unwrap(), BigNum::new().unwrap()];
            key.public_key().affine_coordinates(&group, &mut x, &mut y, &mut BigNumContext::new().unwrap()).unwrap();
            let [x, y] = [x, y].map(|coordinate| text(coordinate.to_vec_padded(32).unwrap()));
            let private = PKey::from_ec_key(key).unwrap().private_key_to_pem_pkcs8().unwrap();
            (EncodingKey::from_ec_pem(&private).unwrap(), json!({"kty": "EC", "crv": "P-256", "x": x, "y": y}))
        }
        Algorithm::EdDSA => {
            let key = PKey::generate_ed25519().unwrap();
            let public = json!({"kty": "OKP", "crv": "Ed25519", "x": text(key.raw_public_key().unwrap())});
            (EncodingKey::from_ed_pem(&key.private_key_to_pem_pkcs8().unwrap()).unwrap(), public)
        }
        other => panic!("{other:?}: what key is for it?"),
    }
}

/// A client, and what it proves itself with.
#[derive(Clone)]
struct Caller {
    client: Client,
    key: Option<(Algorithm, EncodingKey)>,
    /// What its header calls the algorithm, where the library has another name.
    alg: Option<&'static str>,
}

impl Caller {
    /// One that authenticates by this method; a key is for this algorithm.
    fn new(server: &Server, id: &str, method: AuthMethod, algorithm: Algorithm) -> Self {
        let kind = if method == AuthMethod::None { ClientKind::Spa } else { ClientKind::Web };
        let pair = (method == AuthMethod::PrivateKeyJwt).then(|| pair(algorithm));
        let client = server.add_client(id, kind, |client| {
            client.settings.token_endpoint_auth_method = method;
            if !client.settings.has_secret() {
                client.secret_hash = None;
            }
            if let Some((_, public)) = &pair {
                client.settings.jwks = Some(json!({"keys": [public]}).to_string());
            }
            if method != AuthMethod::None {
                client.settings.grant_types.push(GrantType::ClientCredentials);
            }
        });
        Self { client, key: pair.map(|(key, _)| (algorithm, key)), alg: None }
    }

    /// Sends a form to an endpoint, with its credentials as this method takes them.
    fn call(&self, server: &Server, method: &str, path: &str, form: &[(&str, &str)]) -> Answer {
        let mut form: Vec<(&str, String)> = form.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        let mut header = None;
        match method {
            "none" => form.push(("client_id", self.client.id.clone())),
            "client_secret_basic" => header = Some(format!("Basic {}", STANDARD.encode(format!("{}:{SECRET}", self.client.id)))),
            "client_secret_post" => form.extend([("client_id", self.client.id.clone()), ("client_secret", SECRET.into())]),
            "private_key_jwt" | "client_secret_jwt" => {
                form.push(("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer".into()));
                form.push(("client_assertion", self.assertion(server)));
            }
            other => panic!("{other}: how does a client authenticate by it?"),
        }
        let form: Vec<_> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let headers: Vec<_> = header.iter().map(|header| ("Authorization", header.as_str())).collect();
        Answer::of(server.send("POST", path, &headers, Some(&crate::harness::encode(&form))))
    }

    fn assertion(&self, server: &Server) -> String {
        let id = &self.client.id;
        let jti = symbolon::testing::random::text();
        let claims = json!({"iss": id, "sub": id, "aud": server.url, "exp": server.now().seconds() + 60, "jti": jti});
        match &self.key {
            Some((algorithm, key)) if self.alg.is_some() => {
                let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
                let text = format!("{}.{}", part(json!({"alg": self.alg})), part(claims));
                format!("{text}.{}", jsonwebtoken::crypto::sign(text.as_bytes(), key, *algorithm).unwrap())
            }
            Some((algorithm, key)) => jsonwebtoken::encode(&Header::new(*algorithm), &claims, key).unwrap(),
            None => jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &EncodingKey::from_secret(SECRET.as_bytes()))
                .unwrap(),
        }
    }
}

/// One client for each way to authenticate; one with a secret for those that there are not.
fn callers(server: &Server) -> impl Fn(&str) -> Caller {
    let registered: Vec<_> = AuthMethod::ALL
        .iter()
        .map(|method| {
            let id = format!("by-{}", method.as_str().replace('_', "-"));
            (*method, Caller::new(server, &id, *method, Algorithm::ES256))
        })
        .collect();
    move |method| {
        let known = AuthMethod::from_name(method).unwrap_or(AuthMethod::ClientSecretPost);
        let (_, caller) = registered.iter().find(|(one, _)| *one == known).unwrap();
        caller.clone()
    }
}

const METHODS: [&str; 5] = ["none", "client_secret_basic", "client_secret_post", "private_key_jwt", "client_secret_jwt"];

#[test]
fn grant_types_and_ways_to_authenticate() {
    both(|server| {
        server.add_user("alice");
        let caller = callers(server);
        exactly(server, "token_endpoint_auth_methods_supported", &METHODS, |method| {
            let caller = caller(method);
            let token = |form: &[(&str, &str)]| caller.call(server, method, "/token", form);
            let mut refresh = String::new();
            for grant in values(server, "grant_types_supported") {
                let answer = match grant.as_str() {
                    "authorization_code" => {
                        let code = Browser::new(server).code(&caller.client, "alice", "openid offline_access");
                        let code = [("code", code.as_str()), ("redirect_uri", CALLBACK), ("code_verifier", VERIFIER)];
                        token(&[[("grant_type", "authorization_code")].as_slice(), &code].concat())
                    }
                    "refresh_token" => token(&[("grant_type", "refresh_token"), ("refresh_token", &refresh)]),
                    "client_credentials" if method == "none" => {
                        assert_eq!(token(&[("grant_type", "client_credentials")]).error(), "unauthorized_client");
                        continue;
                    }
                    "client_credentials" => token(&[("grant_type", "client_credentials")]),
                    other => panic!("{other}: what does it take?"),
                };
                if answer.status != 200 {
                    assert_eq!(answer.error(), "invalid_client", "{method} {grant}: {answer:?}");
                    return false;
                }
                refresh = answer.json["refresh_token"].as_str().unwrap_or_default().to_owned();
            }
            let listed = values(server, "grant_types_supported");
            for grant in [
                "password",
                "implicit",
                "urn:ietf:params:oauth:grant-type:device_code",
                "urn:ietf:params:oauth:grant-type:token-exchange",
                "urn:ietf:params:oauth:grant-type:jwt-bearer",
            ] {
                assert_eq!(token(&[("grant_type", grant)]).error(), "unsupported_grant_type", "{grant}");
                assert!(!listed.contains(&grant.to_owned()));
            }
            true
        });
    });
}

#[test]
fn introspection_and_revocation() {
    both(|server| {
        server.add_user("alice");
        let caller = callers(server);
        let serving = |method: &str| {
            let caller = caller(method);
            let code = Browser::new(server).code(&caller.client, "alice", "openid notes:read");
            let form =
                [("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", CALLBACK), ("code_verifier", VERIFIER)];
            let with = if method == "client_secret_jwt" { "client_secret_post" } else { method };
            (caller.call(server, with, "/token", &form).text("access_token").to_owned(), caller)
        };
        exactly(server, "introspection_endpoint_auth_methods_supported", &METHODS, |method| {
            let (token, caller) = serving(method);
            let answer = caller.call(server, method, "/introspect", &[("token", &token)]);
            assert!(answer.json["error"] == "invalid_client" || answer.json["active"] == true, "{method}: {answer:?}");
            answer.status == 200
        });
        exactly(server, "revocation_endpoint_auth_methods_supported", &METHODS, |method| {
            let (token, caller) = serving(method);
            assert_eq!(server.userinfo(&token).status, 200);
            let answer = caller.call(server, method, "/revoke", &[("token", &token)]);
            let left = server.userinfo(&token).status;
            assert_eq!(left, if answer.status == 200 { 401 } else { 200 }, "{method}: {answer:?}");
            answer.status == 200
        });
    });
}

#[test]
fn algorithms_of_what_clients_sign() {
    const TRIED: [(&str, Algorithm); 7] = [
        ("RS256", Algorithm::RS256),
        ("PS256", Algorithm::PS256),
        ("ES256", Algorithm::ES256),
        ("EdDSA", Algorithm::EdDSA),
        ("Ed25519", Algorithm::EdDSA),
        ("RS512", Algorithm::RS512),
        ("HS256", Algorithm::HS256),
    ];
    both(|server| {
        let caller = |name: &str| {
            let id = format!("signs-{name}");
            let (_, algorithm) = TRIED.into_iter().find(|(one, _)| *one == name).unwrap();
            match algorithm {
                Algorithm::HS256 => {
                    let mut caller = Caller::new(server, &id, AuthMethod::PrivateKeyJwt, Algorithm::RS256);
                    caller.key = Some((algorithm, EncodingKey::from_secret(SECRET.as_bytes())));
                    caller
                }
                algorithm => {
                    let alg = (name == "Ed25519").then_some("Ed25519");
                    Caller { alg, ..Caller::new(server, &id, AuthMethod::PrivateKeyJwt, algorithm) }
                }
            }
        };
        let callers: Vec<_> = TRIED.iter().map(|(name, _)| (*name, caller(name))).collect();
        let names = TRIED.map(|(name, _)| name);
        let forms = [
            ("token_endpoint_auth_signing_alg_values_supported", "/token", ("grant_type", "client_credentials")),
            ("introspection_endpoint_auth_signing_alg_values_supported", "/introspect", ("token", "x")),
            ("revocation_endpoint_auth_signing_alg_values_supported", "/revoke", ("token", "x")),
        ];
        for (member, path, field) in forms {
            exactly(server, member, &names, |name| {
                let (_, caller) = callers.iter().find(|(one, _)| *one == name).unwrap();
                let answer = caller.call(server, "private_key_jwt", path, &[field]);
                assert!(answer.status == 200 || answer.error() == "invalid_client", "{path} {name}: {answer:?}");
                answer.status == 200
            });
        }
        assert_eq!(callers[0].1.client.settings.audiences, [API]);
    });
}
