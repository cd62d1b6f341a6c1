//! A client's public keys (RFC 7517 §5), and verifying its assertions with them. The algorithm must be one of ours and fit the key;
//! `jku`, `x5u` and `jwk` in a header are ignored (RFC 8725 §3.1, §3.5).

use josekit::{jwk::Jwk, jws::JwsVerifier};
use serde_json::{Map, Value};

use super::{
    algorithms,
    verify::{Claims, Refused, refuse, take_apart},
};
use crate::protocol::{error::Invalid, values::algorithm::Algorithm};

/// The maximum number of keys in a set.
const LIMIT: usize = 20;
/// Members that only private or symmetric keys have (RFC 7518 §6.2.2, §6.3.2, §6.4.1).
const SECRET: [&str; 7] = ["d", "p", "q", "dp", "dq", "qi", "k"];
/// RFC 10070: the type may be absent, but no other one is accepted.
const TYPES: [&str; 4] = ["jwt", "application/jwt", "client-authentication+jwt", "application/client-authentication+jwt"];

/// The keys that may verify.
pub struct ClientKeys(Vec<ClientKey>);

struct ClientKey {
    kid: Option<String>,
    verifiers: Vec<(Algorithm, Box<dyn JwsVerifier>)>,
}

impl ClientKeys {
    /// Parses a JWK set. Keys for other purposes are skipped (RFC 7517 §5).
    ///
    /// # Errors
    /// The expected form: JSON, only public keys, at least one usable here.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let set: Map<String, Value> = serde_json::from_str(text).map_err(|_| "expected a JWK set as JSON (RFC 7517 5)")?;
        let Some(Value::Array(keys)) = set.get("keys") else { return Err("expected an array as the member 'keys'".into()) };
        if keys.len() > LIMIT {
            return Err(format!("expected at most {LIMIT} keys, received {}", keys.len()).into());
        }
        let mut usable = Vec::new();
        for key in keys {
            let Value::Object(key) = key else { return Err("expected objects in 'keys'".into()) };
            if SECRET.iter().any(|name| key.contains_key(*name)) {
                return Err("expected only public keys, received a private key".into());
            }
            usable.extend(ClientKey::read(key));
        }
        if usable.is_empty() {
            return Err(format!("expected a public key for one of {}", Algorithm::names().join(", ")).into());
        }
        Ok(Self(usable))
    }

    /// Whether there is a key that may have signed the assertion.
    #[must_use]
    pub fn may_verify(&self, assertion: &str) -> bool {
        take_apart(assertion).is_ok_and(|parsed| match parsed.header_text("kid") {
            Some(kid) => self.0.iter().any(|key| key.kid.as_deref() == Some(kid)),
            None => true,
        })
    }

    /// Verifies the signature of an assertion (RFC 7523 §3, item 9).
    ///
    /// # Errors
    /// [`Refused`].
    pub fn verify(&self, assertion: &str) -> Result<Claims, Refused> {
        let parsed = take_apart(assertion)?;
        let typ = parsed.header_text("typ").map(str::to_ascii_lowercase);
        if typ.is_some_and(|typ| !TYPES.contains(&typ.as_str())) {
            return Err(refuse("typ: expected JWT or client-authentication+jwt"));
        }
        let Some(algorithm) = parsed.header_text("alg").and_then(Algorithm::of_assertion) else {
            return Err(refuse(&format!("alg: expected one of {}", Algorithm::of_assertions().join(", "))));
        };
        let kid = parsed.header_text("kid");
        let named = self.0.iter().filter(|key| kid.is_none_or(|kid| key.kid.as_deref() == Some(kid)));
        let mut fitting = named.flat_map(|key| &key.verifiers).filter(|(of, _)| *of == algorithm).peekable();
        if fitting.peek().is_none() {
            return Err(refuse("the client has no registered key with this kid and alg"));
        }
        if fitting.any(|(_, verifier)| verifier.verify(parsed.signed.as_bytes(), &parsed.signature).is_ok()) {
            Ok(parsed.payload)
        } else {
            Err(refuse("the signature is not valid"))
        }
    }
}

impl ClientKey {
    fn read(key: &Map<String, Value>) -> Option<Self> {
        let mut key = key.clone();
        if let Some(algorithm) = key.get("alg").and_then(Value::as_str).and_then(Algorithm::of_assertion) {
            key.insert("alg".into(), algorithm.as_str().into());
        }
        let jwk = Jwk::from_map(key).ok()?;
        let of = |algorithm: &Algorithm| Some((*algorithm, algorithms::verifier(*algorithm, &jwk).ok()?));
        let verifiers: Vec<_> = Algorithm::ALL.iter().filter_map(of).collect();
        (!verifiers.is_empty()).then(|| Self { kid: jwk.key_id().map(str::to_owned), verifiers })
    }
}

#[cfg(test)]
mod tests {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    use josekit::jwk::KeyPair;
    use serde_json::json;

    use super::*;

    /// A key pair, and its public key as registered.
    fn pair(algorithm: Algorithm, kid: Option<&str>) -> (Box<dyn KeyPair>, Value) {
        let pair = algorithms::generate(algorithm).unwrap();
        let mut public = serde_json::to_value(pair.to_jwk_public_key().as_ref()).unwrap();
        if let Some(kid) = kid {
            public["kid"] = kid.into();
        }
        (pair, public)
    }

    fn signed(algorithm: Algorithm, pair: &dyn KeyPair, header: Value) -> String {
        let mut header = header;
        if header.get("alg").is_none() {
            header["alg"] = algorithm.as_str().into();
        }
        let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let text = format!("{}.{}", encode(&header), encode(&json!({"sub": "app"})));
        let signature = algorithms::signer(algorithm, &pair.to_der_private_key()).unwrap().sign(text.as_bytes()).unwrap();
        format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    #[test]
    fn each_algorithm_verifies_with_its_own_key_alone() {
        let all: Vec<_> = Algorithm::ALL.iter().map(|algorithm| (*algorithm, pair(*algorithm, None))).collect();
        let set = json!({"keys": all.iter().map(|(_, (_, public))| public).collect::<Vec<_>>()});
        let keys = ClientKeys::parse(&set.to_string()).unwrap();
        for (algorithm, (pair, _)) in &all {
            let token = signed(*algorithm, pair.as_ref(), json!({}));
            assert_eq!(keys.verify(&token).unwrap()["sub"], "app", "{algorithm:?}");
            let altered = format!("{}A", &token[..token.len() - 1]);
            assert!(keys.verify(&altered).is_err() || altered == token);
            for alg in ["none", "HS256", "RS512", ""] {
                assert!(keys.verify(&signed(*algorithm, pair.as_ref(), json!({"alg": alg}))).is_err(), "{alg}");
            }
        }
        let (outsider, _) = pair(Algorithm::Es256, None);
        assert!(keys.verify(&signed(Algorithm::Es256, outsider.as_ref(), json!({}))).is_err());
    }

    #[test]
    fn ed25519_is_known_by_both_of_its_names() {
        let (one, mut public) = pair(Algorithm::EdDsa, None);
        for registered in [None, Some("EdDSA"), Some("Ed25519")] {
            public.as_object_mut().unwrap().remove("alg");
            if let Some(alg) = registered {
                public["alg"] = alg.into();
            }
            let keys = ClientKeys::parse(&json!({"keys": [public.clone()]}).to_string()).unwrap();
            for alg in ["EdDSA", "Ed25519"] {
                assert!(
                    keys.verify(&signed(Algorithm::EdDsa, one.as_ref(), json!({"alg": alg}))).is_ok(),
                    "{registered:?} {alg}"
                );
            }
        }
        public["alg"] = "Ed448".into();
        assert!(ClientKeys::parse(&json!({"keys": [public]}).to_string()).is_err());
    }

    #[test]
    fn the_header_chooses_among_registered_keys_and_brings_none() {
        let (one, first) = pair(Algorithm::Es256, Some("one"));
        let (two, second) = pair(Algorithm::Es256, Some("two"));
        let keys = ClientKeys::parse(&json!({"keys": [first, second.clone()]}).to_string()).unwrap();
        let with = |header: Value| keys.verify(&signed(Algorithm::Es256, one.as_ref(), header)).is_ok();
        assert!(with(json!({})) && with(json!({"kid": "one"})) && with(json!({"typ": "JWT"})));
        assert!(with(json!({"typ": "client-authentication+jwt"})));
        for bad in [json!({"kid": "two"}), json!({"kid": "three"}), json!({"typ": "at+jwt"}), json!({"crit": ["x"]})] {
            assert!(!with(bad.clone()), "{bad}");
        }
        let injected = signed(Algorithm::Es256, two.as_ref(), json!({"kid": "one", "jwk": second}));
        assert!(keys.verify(&injected).is_err(), "a key in the header is not read");
        assert!(keys.may_verify(&signed(Algorithm::Es256, one.as_ref(), json!({"kid": "two"}))));
        assert!(!keys.may_verify(&signed(Algorithm::Es256, one.as_ref(), json!({"kid": "new"}))));
    }

    #[test]
    fn sets_that_are_no_public_keys_are_refused() {
        let (pair, public) = pair(Algorithm::Rs256, None);
        let private = serde_json::to_value(pair.to_jwk_private_key().as_ref()).unwrap();
        let mut for_encryption = public.clone();
        for_encryption["use"] = "enc".into();
        for (set, words) in [
            (String::new(), "JSON"),
            ("[]".to_owned(), "JSON"),
            ("{}".to_owned(), "'keys'"),
            (json!({"keys": []}).to_string(), "public key"),
            (json!({"keys": [7]}).to_string(), "objects"),
            (json!({"keys": [private]}).to_string(), "only public keys"),
            (json!({"keys": [{"kty": "oct", "k": "AAAA"}]}).to_string(), "only public keys"),
            (json!({"keys": [for_encryption]}).to_string(), "public key"),
            (json!({"keys": [{"kty": "RSA", "n": "AQAB", "e": "AQAB"}]}).to_string(), "public key"),
            (json!({"keys": vec![public.clone(); 21]}).to_string(), "at most 20"),
        ] {
            let refused = ClientKeys::parse(&set).err().unwrap();
            assert!(refused.as_ref().contains(words), "{set}: {refused}");
        }
        assert!(ClientKeys::parse(&json!({"keys": [{"kty": "new"}, public]}).to_string()).is_ok(), "unknown ones are left out");
    }
}
