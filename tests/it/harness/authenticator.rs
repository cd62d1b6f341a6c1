//! An authenticator with its client, by other authors (the crate `passkey`): it makes a passkey for what a page asks, and uses it. The
//! answers are the texts that the pages' script sends.

use std::{future::Future, pin::Pin};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use passkey::{
    authenticator::{Authenticator as Device, UiHint, UserCheck, UserValidationMethod},
    client::{Client, DefaultClientData},
    crypto::rust_crypto::RustCryptoBackend,
    types::{
        Passkey,
        ctap2::{Aaguid, Ctap2Error},
        webauthn::{CredentialCreationOptions, CredentialRequestOptions},
    },
};
use serde::Serialize;
use serde_json::{Value, json};
use url::Url;

/// An authenticator with room for one passkey.
#[derive(Clone)]
pub struct Authenticator {
    /// The origin that its client says it is at.
    pub origin: String,
    /// Whether it verifies its user; it does as it likes, whatever the page demands.
    pub is_verifying: bool,
    /// What it keeps.
    pub passkey: Option<Passkey>,
}

/// A user who is present, and verified or not.
struct User(bool);

type Checked<'a> = Pin<Box<dyn Future<Output = Result<UserCheck, Ctap2Error>> + Send + 'a>>;

impl UserValidationMethod for User {
    type PasskeyItem = Passkey;

    fn check_user<'a, 'own, 'all>(&'own self, _: UiHint<'a, Passkey>, _: bool, _: bool) -> Checked<'all>
    where
        'a: 'all,
        'own: 'all,
        Self: 'all,
    {
        let verification = self.0;
        Box::pin(async move { Ok(UserCheck { presence: true, verification }) })
    }

    fn is_presence_enabled(&self) -> bool {
        true
    }

    fn is_verification_enabled(&self) -> Option<bool> {
        Some(true)
    }
}

impl Authenticator {
    /// One whose client is at this origin.
    pub fn at(origin: &str) -> Self {
        Self { origin: origin.to_owned(), is_verifying: true, passkey: None }
    }

    /// The id of its passkey.
    pub fn id(&self) -> Vec<u8> {
        self.passkey.as_ref().unwrap().credential_id.to_vec()
    }

    /// Makes a passkey, in place of the one that it has.
    pub fn make(&mut self, options: &str) -> String {
        let request: CredentialCreationOptions = serde_json::from_value(self.read(options, true)).unwrap();
        let mut device = Device::new(Aaguid::new_empty(), None, User(self.is_verifying), RustCryptoBackend);
        device.set_make_credentials_with_signature_counter(true);
        let mut client = Client::new(device).allows_insecure_localhost(true);
        let origin = Url::parse(&self.origin).unwrap();
        let made = run(client.register(&origin, request, DefaultClientData)).unwrap();
        self.passkey.clone_from(client.authenticator().store());
        answer(&made)
    }

    /// Uses its passkey.
    pub fn show(&mut self, options: &str) -> String {
        let request: CredentialRequestOptions = serde_json::from_value(self.read(options, false)).unwrap();
        let device = Device::new(Aaguid::new_empty(), self.passkey.clone(), User(self.is_verifying), RustCryptoBackend);
        let mut client = Client::new(device).allows_insecure_localhost(true);
        let origin = Url::parse(&self.origin).unwrap();
        let shown = run(client.authenticate(&origin, request, DefaultClientData)).unwrap();
        self.passkey.clone_from(client.authenticator().store());
        answer(&shown)
    }

    /// The options; without the demand for verification, if this one does not care.
    fn read(&self, options: &str, is_new: bool) -> Value {
        let mut options: Value = serde_json::from_str(options).unwrap();
        let place = if is_new { "/authenticatorSelection/userVerification" } else { "/userVerification" };
        let demanded = options.pointer_mut(place).unwrap();
        assert_eq!(*demanded, "required");
        if !self.is_verifying {
            *demanded = json!("discouraged");
        }
        json!({ "publicKey": options })
    }
}

/// As the script writes it: the crate writes bytes as lists of numbers.
fn answer(made: &impl Serialize) -> String {
    fn written(value: Value) -> Value {
        let byte = |one: &Value| one.as_u64().and_then(|one| u8::try_from(one).ok());
        match value {
            Value::Array(items) => match items.iter().map(byte).collect::<Option<Vec<_>>>() {
                Some(bytes) if !bytes.is_empty() => json!(URL_SAFE_NO_PAD.encode(bytes)),
                _ => Value::Array(items.into_iter().map(written).collect()),
            },
            Value::Object(members) => members.into_iter().map(|(name, value)| (name, written(value))).collect(),
            other => other,
        }
    }
    written(serde_json::to_value(made).unwrap()).to_string()
}

fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(work)
}
