//! A client's own key pair: its public half as registered, and assertions signed with the private one, valid or crafted.

use std::sync::OnceLock;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use openssl::{
    bn::{BigNum, BigNumContext},
    ec::{EcGroup, EcKey},
    nid::Nid,
    pkey::{PKey, Private},
    rsa::Rsa,
};
use serde_json::{Value, json};
use symbolon::testing::random;

use crate::harness::Server;

/// A key pair and the algorithm it signs by.
pub struct Signer {
    /// By its name in a header.
    pub alg: &'static str,
    /// The public half, as a JWK.
    pub public: Value,
    /// The public half, as OpenSSL writes it.
    pub public_pem: Vec<u8>,
    key: EncodingKey,
    algorithm: Algorithm,
}

impl Signer {
    /// A new key pair; RSA keys are made once.
    pub fn new(alg: &'static str) -> Self {
        static RSA: OnceLock<PKey<Private>> = OnceLock::new();
        let (pair, algorithm) = match alg {
            "RS256" | "PS256" => {
                let pair = RSA.get_or_init(|| PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap()).clone();
                (pair, if alg == "RS256" { Algorithm::RS256 } else { Algorithm::PS256 })
            }
            "ES256" => {
                let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
                (PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap(), Algorithm::ES256)
            }
            _ => (PKey::generate_ed25519().unwrap(), Algorithm::EdDSA),
        };
        let pem = pair.private_key_to_pem_pkcs8().unwrap();
        let key = match alg {
            "RS256" | "PS256" => EncodingKey::from_rsa_pem(&pem),
            "ES256" => EncodingKey::from_ec_pem(&pem),
            _ => EncodingKey::from_ed_pem(&pem),
        };
        let public_pem = pair.public_key_to_pem().unwrap();
        Self { alg, public: public(&pair, alg), public_pem, key: key.unwrap(), algorithm }
    }

    /// With a key id.
    pub fn named(mut self, kid: &str) -> Self {
        self.public["kid"] = kid.into();
        self
    }

    /// The JWK set of this key alone.
    pub fn set(&self) -> String {
        set(&[self])
    }

    /// Signs claims under a header, to which `alg` is added where it has none.
    pub fn sign(&self, mut header: Value, claims: &Value) -> String {
        if header.get("alg").is_none() {
            header["alg"] = self.alg.into();
        }
        let text = unsigned(&header, claims);
        format!("{text}.{}", crypto::sign(text.as_bytes(), &self.key, self.algorithm).unwrap())
    }

    /// A good assertion of this client for this server.
    pub fn good(&self, server: &Server, client_id: &str) -> String {
        self.sign(self.header(), &claims(server, client_id))
    }

    /// The header of a good assertion.
    pub fn header(&self) -> Value {
        let mut header = json!({"typ": "JWT"});
        if let Some(kid) = self.public.get("kid") {
            header["kid"] = kid.clone();
        }
        header
    }
}

/// The JWK set of these keys.
pub fn set(signers: &[&Signer]) -> String {
    json!({"keys": signers.iter().map(|signer| &signer.public).collect::<Vec<_>>()}).to_string()
}

/// Good claims: new ones each time.
pub fn claims(server: &Server, client_id: &str) -> Value {
    let now = server.now().seconds();
    let issuer = server.app.config.issuer.as_str();
    json!({"iss": client_id, "sub": client_id, "aud": issuer, "iat": now, "exp": now + 60, "jti": random::text()})
}

/// Header and claims in base64url.
pub fn unsigned(header: &Value, claims: &Value) -> String {
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}", encode(header), encode(claims))
}

fn public(pair: &PKey<Private>, alg: &str) -> Value {
    let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    match alg {
        "RS256" | "PS256" => {
            let rsa = pair.rsa().unwrap();
            json!({"kty": "RSA", "n": text(&rsa.n().to_vec()), "e": text(&rsa.e().to_vec())})
        }
        "ES256" => {
            let (ec, mut x, mut y) = (pair.ec_key().unwrap(), BigNum::new().unwrap(), BigNum::new().unwrap());
            let mut context = BigNumContext::new().unwrap();
            ec.public_key().affine_coordinates(ec.group(), &mut x, &mut y, &mut context).unwrap();
            let [x, y] = [x, y].map(|number| text(&number.to_vec_padded(32).unwrap()));
            json!({"kty": "EC", "crv": "P-256", "x": x, "y": y})
        }
        _ => json!({"kty": "OKP", "crv": "Ed25519", "x": text(&pair.raw_public_key().unwrap())}),
    }
}
