//! Password hashes that a system exports as JSON: Keycloak's credential, and Firebase's user with the parameters of its project. They
//! are stored as one text.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Deserialize;
use serde_json::Value;

use super::others::FIREBASE;
use crate::protocol::error::Invalid;

/// A credential of Keycloak's export. Both members are text with JSON in it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Keycloak {
    credential_data: Nested<KeycloakCredential>,
    secret_data: Nested<KeycloakSecret>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct KeycloakCredential {
    hash_iterations: u32,
    algorithm: String,
    #[serde(default)]
    additional_parameters: Option<KeycloakParameters>,
}

/// What argon2 needs besides; each is a list of one text.
#[derive(Default, Deserialize)]
struct KeycloakParameters {
    #[serde(default)]
    memory: Vec<String>,
    #[serde(default)]
    parallelism: Vec<String>,
    #[serde(default, rename = "type")]
    kind: Vec<String>,
    #[serde(default)]
    version: Vec<String>,
}

#[derive(Deserialize)]
struct KeycloakSecret {
    value: String,
    salt: String,
}

/// A user's hash and salt, and the hash parameters of the project, under the names that Firebase gives them.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Firebase {
    #[serde(default, rename = "algorithm")]
    _algorithm: Option<String>,
    base64_signer_key: String,
    base64_salt_separator: String,
    rounds: u32,
    mem_cost: u32,
    #[serde(rename = "passwordHash")]
    password_hash: String,
    salt: String,
}

/// A value, or JSON with it in a text.
struct Nested<T>(T);

impl<'de, T: for<'a> Deserialize<'a>> Deserialize<'de> for Nested<T> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error;
        let value = match Value::deserialize(deserializer)? {
            Value::String(text) => serde_json::from_str(&text).map_err(|_| D::Error::custom("expected JSON in the text"))?,
            value => value,
        };
        serde_json::from_value(value).map(Self).map_err(D::Error::custom)
    }
}

/// The hash as one text, as it is stored: a text as it is, and an object as it was exported. Whether it can be verified is left to
/// `check_imported`.
///
/// # Errors
/// What was expected. Nothing of the hash is repeated.
pub fn text_of(hash: &Value) -> Result<String, Invalid> {
    const EXPECTED: &str = "expected a text, a credential as Keycloak exports it (credentialData, secretData), or Firebase's hash parameters with passwordHash and salt";
    match hash {
        Value::String(text) => Ok(text.clone()),
        Value::Object(object) if object.contains_key("credentialData") => {
            let credential = Keycloak::deserialize(hash).map_err(|_| malformed("Keycloak's credential"))?;
            keycloak(&credential.credential_data.0, &credential.secret_data.0)
        }
        Value::Object(object) if object.contains_key("base64_signer_key") => {
            firebase(&Firebase::deserialize(hash).map_err(|_| malformed("Firebase's hash"))?)
        }
        _ => Err(EXPECTED.into()),
    }
}

fn malformed(what: &str) -> Invalid {
    let members = if what.starts_with('K') {
        "credentialData with hashIterations and algorithm, secretData with value and salt"
    } else {
        "base64_signer_key, base64_salt_separator, rounds, mem_cost, passwordHash and salt"
    };
    format!("expected {what} with {members}, received another object").into()
}

fn keycloak(credential: &KeycloakCredential, secret: &KeycloakSecret) -> Result<String, Invalid> {
    let [salt, hash] = [&secret.salt, &secret.value].map(|text| text.trim_end_matches('='));
    let iterations = credential.hash_iterations;
    match credential.algorithm.as_str() {
        "pbkdf2" => Ok(format!("$pbkdf2-sha1$i={iterations}${salt}${hash}")),
        name @ ("pbkdf2-sha256" | "pbkdf2-sha512") => Ok(format!("${name}$i={iterations}${salt}${hash}")),
        "argon2" => {
            let none = KeycloakParameters::default();
            let given = credential.additional_parameters.as_ref().unwrap_or(&none);
            let first = |list: &[String], default: &str| list.first().cloned().unwrap_or_else(|| default.into());
            let version = if first(&given.version, "1.3") == "1.0" { 16 } else { 19 };
            let (kind, memory) = (first(&given.kind, "id"), first(&given.memory, "7168"));
            let parallelism = first(&given.parallelism, "1");
            Ok(format!("$argon2{kind}$v={version}$m={memory},t={iterations},p={parallelism}${salt}${hash}"))
        }
        other => Err(format!(
            "expected a credential of Keycloak with the algorithm pbkdf2, pbkdf2-sha256, pbkdf2-sha512 or argon2, received '{other}'"
        )
        .into()),
    }
}

fn firebase(given: &Firebase) -> Result<String, Invalid> {
    let bytes = |name: &str, text: &str| {
        // Firebase's exports have the alphabet of either base64.
        let standard = text.replace('-', "+").replace('_', "/");
        STANDARD.decode(standard).map_err(|_| Invalid::from(format!("{name}: expected base64, received something else")))
    };
    let mut salt = bytes("salt", &given.salt)?;
    salt.extend(bytes("base64_salt_separator", &given.base64_salt_separator)?);
    let key = bytes("base64_signer_key", &given.base64_signer_key)?;
    let hash = bytes("passwordHash", &given.password_hash)?;
    let [key, salt, hash] = [key, salt, hash].map(|bytes| STANDARD.encode(bytes));
    Ok(format!("{FIREBASE}ln={},r={}${key}${salt}${hash}", given.mem_cost, given.rounds))
}
