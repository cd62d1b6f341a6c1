//! Passkeys (Web Authentication Level 3): what a browser is asked for, and what its answers are worth. The only importer of
//! `webauthn-rs-core`. Discoverable credentials with user verification only; the RP ID is the issuer's host, and an origin is accepted
//! if it is, letter for letter, the issuer's or a configured one. Challenges are sealed, bound and used up by `flows::passkeys`, which
//! also finds the credential and its owner.

mod answer;
mod attested;
pub mod models;

use std::time::Duration;

use serde::{Deserialize, Serialize};
use url::{Host, Url};
use webauthn_rs_core::{
    WebauthnCore,
    proto::{
        AllowCredentials, AttestationConveyancePreference, AuthenticationState, AuthenticatorTransport, COSEAlgorithm, COSEKey,
        Credential, ParsedAttestation, PublicKeyCredentialDescriptor, RegisteredExtensions, RegistrationState,
        UserVerificationPolicy,
    },
};

pub use answer::{Answer, Created};

use crate::{
    config::{Issuer, PasskeySettings},
    protocol::{secrets::sensitive::Sensitive, values::time::Span},
};
use attested::Hardware;

/// How long a challenge is valid, and a browser waits for its user.
pub const CHALLENGE_TIME: Span = Span::from_seconds(300);
/// The algorithms of keys. `EdDSA` is none of them: `webauthn-rs-core` 0.6 cannot verify it (decision 0050).
const ALGORITHMS: [COSEAlgorithm; 2] = [COSEAlgorithm::ES256, COSEAlgorithm::RS256];

/// Errors of this module; none of them is the caller's fault.
#[derive(Debug, thiserror::Error)]
#[error("passkeys: {0}")]
pub struct Error(String);

/// Why an answer of a browser is not accepted, for the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unacceptable(pub &'static str);

/// What a browser is asked for, as the page holds it, and what the answer is checked against.
pub struct Requested {
    /// The options of `navigator.credentials.create` or `get`, as JSON.
    pub options: String,
    /// The state of the ceremony with its challenge.
    pub state: Sensitive<Vec<u8>>,
}

/// Whom a new passkey is for.
#[derive(Clone, Copy, Debug)]
pub struct Owner<'a> {
    /// The name under which authenticators know the account; nobody else knows it, and it tells nothing.
    pub handle: &'a [u8],
    /// The user name.
    pub username: &'a str,
    /// The name shown to its owner.
    pub display_name: &'a str,
}

/// What is stored of a passkey besides its id, counter and backup state.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Key {
    #[serde(rename = "key")]
    public: COSEKey,
    /// Whether it may be kept by a provider on several devices. Such a passkey's counter means little.
    #[serde(rename = "eligible")]
    pub is_backup_eligible: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    transports: Vec<AuthenticatorTransport>,
}

impl Key {
    /// As stored.
    ///
    /// # Errors
    /// None that is known.
    pub fn to_stored(&self) -> Result<Vec<u8>, Error> {
        serde_json::to_vec(self).map_err(failed)
    }

    /// Reads what is stored; `None` if it is not a key.
    #[must_use]
    pub fn from_stored(content: &[u8]) -> Option<Self> {
        serde_json::from_slice(content).ok()
    }
}

/// A successful use of a passkey.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Use {
    /// Its counter now.
    pub counter: i64,
    /// Whether a provider keeps it on several devices.
    pub is_synced: bool,
}

/// The passkeys of this server.
pub struct Passkeys {
    core: WebauthnCore,
    rp_id: String,
    origins: Vec<String>,
    hardware: Option<Hardware>,
}

impl Passkeys {
    /// Those of an issuer. `None` where its host is an address: browsers make passkeys for names only.
    ///
    /// # Errors
    /// If a root certificate for attestations cannot be used.
    pub fn of(issuer: &Issuer, settings: &PasskeySettings) -> Result<Option<Self>, Error> {
        let own = Url::parse(issuer.origin()).map_err(failed)?;
        let Some(Host::Domain(rp_id)) = own.host() else { return Ok(None) };
        let rp_id = rp_id.to_owned();
        let origins: Vec<_> = std::iter::once(issuer.origin().to_owned()).chain(settings.related_origins.clone()).collect();
        let urls = origins.iter().map(|origin| Url::parse(origin)).collect::<Result<_, _>>().map_err(failed)?;
        let timeout = Duration::from_millis(CHALLENGE_TIME.millis().unsigned_abs());
        let core = WebauthnCore::new_unsafe_experts_only(issuer.host(), &rp_id, urls, timeout, Some(false), Some(false));
        let hardware = settings.hardware.as_ref().map(Hardware::read).transpose()?;
        Ok(Some(Self { core, rp_id, origins, hardware }))
    }

    /// The RP ID.
    #[must_use]
    pub fn rp_id(&self) -> &str {
        &self.rp_id
    }

    /// Whether passkeys of this model, attested by its maker, count as hardware.
    #[must_use]
    pub fn is_hardware(&self, model: Option<&str>) -> bool {
        self.hardware.as_ref().zip(model).is_some_and(|(hardware, model)| hardware.has(model))
    }

    /// Asks for a new passkey. `known` are the ids of those that the user has: an authenticator that holds one makes no other.
    /// `is_offered` is whether the browser may make it without asking its user, who has just signed in (conditional create).
    ///
    /// # Errors
    /// None that is known.
    pub fn ask_for_new(&self, owner: Owner<'_>, known: &[&[u8]], is_offered: bool) -> Result<Requested, Error> {
        let attestation = match self.hardware {
            Some(_) => AttestationConveyancePreference::Direct,
            None => AttestationConveyancePreference::None,
        };
        // A passkey that is made without asking its user shows no user verification; each of its uses has to.
        let policy = if is_offered { UserVerificationPolicy::Preferred } else { UserVerificationPolicy::Required };
        let builder = self.core.new_challenge_register_builder(owner.handle, owner.username, owner.display_name);
        let builder = builder.map_err(failed)?.attestation(attestation).user_verification_policy(policy);
        let builder = builder.credential_algorithms(ALGORITHMS.to_vec()).require_resident_key(true);
        let (mut response, state) = self.core.generate_challenge_register(builder).map_err(failed)?;
        // Not in the state: that a passkey is added once is decided by its unique id in the database.
        let exclude = known.iter().map(|id| PublicKeyCredentialDescriptor {
            type_: "public-key".to_owned(),
            id: id.to_vec(),
            transports: None,
        });
        response.public_key.exclude_credentials = Some(exclude.collect());
        if let Some(selection) = &mut response.public_key.authenticator_selection {
            selection.user_verification = UserVerificationPolicy::Required;
        }
        requested(&response.public_key, &state)
    }

    /// Asks for a passkey: for one of these, with what is stored of each, or for any that the browser knows.
    ///
    /// # Errors
    /// None that is known.
    pub fn ask(&self, allowed: &[(&[u8], &[u8])]) -> Result<Requested, Error> {
        let builder = self.core.new_challenge_authenticate_builder(Vec::new(), Some(UserVerificationPolicy::Required));
        let (mut response, state) = self.core.generate_challenge_authenticate(builder.map_err(failed)?).map_err(failed)?;
        let allow = allowed.iter().map(|(id, content)| AllowCredentials {
            type_: "public-key".to_owned(),
            id: id.to_vec(),
            transports: Key::from_stored(content).map(|key| key.transports).filter(|transports| !transports.is_empty()),
        });
        response.public_key.allow_credentials = allow.collect();
        requested(&response.public_key, &state)
    }

    /// Verifies the answer to [`Self::ask_for_new`].
    ///
    /// # Errors
    /// [`Unacceptable`].
    pub fn created(&self, state: &[u8], answer: &str, is_offered: bool) -> Result<Created, Unacceptable> {
        let state: RegistrationState = serde_json::from_slice(state).map_err(|_| Unacceptable("state of another kind"))?;
        let new = answer::read_new(answer, &self.rp_id, is_offered)?;
        self.check_client(&new.response.client_data_json, "webauthn.create")?;
        let attested = self.hardware.as_ref().and_then(|hardware| {
            let made = self.core.register_credential(&new, &state, Some(hardware.roots())).ok()?;
            let model = attested::model(&made.attestation.metadata)?;
            hardware.has(&model).then_some((made, model))
        });
        let (made, model, is_attested) = if let Some((made, model)) = attested {
            (made, Some(model), true)
        } else {
            let made = self.core.register_credential(&new, &state, None).map_err(|error| answer::unacceptable(&error))?;
            (made, answer::model(&new.response.attestation_object, &self.rp_id), false)
        };
        Ok(Created {
            id: made.cred_id,
            key: Key {
                public: made.cred,
                is_backup_eligible: made.backup_eligible,
                transports: new.response.transports.unwrap_or_default(),
            },
            counter: i64::from(made.counter),
            is_synced: made.backup_state,
            model,
            is_attested,
        })
    }

    /// Verifies the answer to [`Self::ask`] against the stored passkey that it names, and its counter and backup state; the counter
    /// is not judged here.
    ///
    /// # Errors
    /// [`Unacceptable`].
    pub fn used(&self, state: &[u8], answer: &Answer, stored: (&[u8], &Key), was_synced: bool) -> Result<Use, Unacceptable> {
        let state: AuthenticationState = serde_json::from_slice(state).map_err(|_| Unacceptable("state of another kind"))?;
        self.check_client(answer.client_data(), "webauthn.get")?;
        let (id, key) = stored;
        let credential = Credential {
            cred_id: id.to_vec(),
            cred: key.public.clone(),
            counter: 0, // judged by the caller, who can tell its owner
            transports: None,
            user_verified: true,
            backup_eligible: key.is_backup_eligible,
            backup_state: was_synced,
            registration_policy: UserVerificationPolicy::Required,
            extensions: RegisteredExtensions::none(),
            attestation: ParsedAttestation::default(),
            attestation_format: webauthn_rs_core::proto::AttestationFormat::None,
        };
        let used = self.core.authenticate_single_credential(answer.credential(), &state, &credential);
        let used = used.map_err(|error| answer::unacceptable(&error))?;
        if !used.user_verified() {
            return Err(Unacceptable("no user verification"));
        }
        Ok(Use { counter: i64::from(used.counter()), is_synced: used.backup_state() })
    }

    /// Checks what the browser says of itself: the library compares parsed URLs, and does not ask about frames at each use.
    fn check_client(&self, client_data: &[u8], kind: &str) -> Result<(), Unacceptable> {
        let said: ClientData = serde_json::from_slice(client_data).map_err(|_| Unacceptable("client data that is not JSON"))?;
        if said.kind != kind {
            return Err(Unacceptable("an answer to another kind of request"));
        }
        if !self.origins.contains(&said.origin) {
            return Err(Unacceptable("another origin"));
        }
        if said.is_cross_origin || said.top_origin.is_some() {
            return Err(Unacceptable("a page in a frame of another origin"));
        }
        Ok(())
    }
}

/// The client data (Web Authentication Level 3 §5.8.1), as far as it is compared here.
#[derive(Deserialize)]
struct ClientData {
    #[serde(rename = "type")]
    kind: String,
    origin: String,
    #[serde(rename = "crossOrigin", default)]
    is_cross_origin: bool,
    #[serde(rename = "topOrigin", default)]
    top_origin: Option<String>,
}

fn requested(options: &impl Serialize, state: &impl Serialize) -> Result<Requested, Error> {
    let state = Sensitive::new(serde_json::to_vec(state).map_err(failed)?);
    Ok(Requested { options: serde_json::to_string(options).map_err(failed)?, state })
}

fn failed(error: impl std::fmt::Debug) -> Error {
    Error(format!("{error:?}"))
}

#[cfg(test)]
#[path = "passkeys/tests.rs"]
mod tests;
