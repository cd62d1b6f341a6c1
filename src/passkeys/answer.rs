//! The answers of a browser, read: what it sends of a passkey that it has made or used.

use sha2::{Digest, Sha256};
use webauthn_rs_core::{
    error::WebauthnError,
    proto::{PublicKeyCredential, RegisterPublicKeyCredential},
};

use super::{Key, Unacceptable};

/// The maximum length of a credential id, in bytes (Web Authentication Level 3 §5.8.3).
const LONGEST_ID: usize = 1023;
/// Where the flags are in authenticator data, after the hash of the RP ID (§6.1), and where the model is.
const FLAGS: usize = 32;
const MODEL: std::ops::Range<usize> = 37..53;
/// The flag "user present".
const PRESENT: u8 = 1;

/// A passkey that was made.
#[derive(Clone, Debug)]
pub struct Created {
    /// Its id.
    pub id: Vec<u8>,
    /// Its public key.
    pub key: Key,
    /// Its counter.
    pub counter: i64,
    /// Whether a provider keeps it on several devices.
    pub is_synced: bool,
    /// Its model, an AAGUID; `None` if it says none.
    pub model: Option<String>,
    /// Whether a maker that the operator trusts has attested that model, and the operator lists it.
    pub is_attested: bool,
}

/// The use of a passkey, not yet verified.
#[derive(Clone, Debug)]
pub struct Answer(PublicKeyCredential);

impl Answer {
    /// Reads what a browser has sent.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let read: PublicKeyCredential = serde_json::from_str(text).ok()?;
        (!read.raw_id.is_empty() && read.raw_id.len() <= LONGEST_ID).then_some(Self(read))
    }

    /// The id of the passkey.
    #[must_use]
    pub fn id(&self) -> &[u8] {
        &self.0.raw_id
    }

    /// The user handle that it was made with.
    #[must_use]
    pub fn handle(&self) -> Option<&[u8]> {
        self.0.response.user_handle.as_deref().filter(|handle| !handle.is_empty())
    }

    pub(super) fn client_data(&self) -> &[u8] {
        &self.0.response.client_data_json
    }

    pub(super) const fn credential(&self) -> &PublicKeyCredential {
        &self.0
    }
}

/// Reads a passkey that was made. Of one that was made without asking the user (Web Authentication Level 3 §5.1.3, conditional mediation) nobody's presence was
/// tested, which the library does not know: with the format `none` nothing signs that flag, and with another one the altered flag
/// fails the signature.
pub(super) fn read_new(text: &str, rp_id: &str, is_offered: bool) -> Result<RegisterPublicKeyCredential, Unacceptable> {
    let mut new: RegisterPublicKeyCredential =
        serde_json::from_str(text).map_err(|_| Unacceptable("not a passkey that was made"))?;
    if new.raw_id.is_empty() || new.raw_id.len() > LONGEST_ID {
        return Err(Unacceptable("an id of another length"));
    }
    if is_offered {
        let object = &mut new.response.attestation_object;
        let flags = start(object, rp_id).and_then(|start| object.get_mut(start + FLAGS));
        if let Some(flags) = flags {
            *flags |= PRESENT;
        }
    }
    Ok(new)
}

/// The model in the authenticator data of an attestation object: nobody vouches for it. `None` if it is all zeros.
pub(super) fn model(object: &[u8], rp_id: &str) -> Option<String> {
    let start = start(object, rp_id)?;
    let bytes = object.get(start + MODEL.start..start + MODEL.end)?;
    if bytes.iter().all(|byte| *byte == 0) {
        return None;
    }
    let hex = bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
    let part = |range: std::ops::Range<usize>| hex.get(range);
    Some([part(0..8)?, part(8..12)?, part(12..16)?, part(16..20)?, part(20..32)?].join("-"))
}

/// Where the authenticator data begins: with the hash of the RP ID.
fn start(object: &[u8], rp_id: &str) -> Option<usize> {
    let hash = Sha256::digest(rp_id);
    object.windows(hash.len()).position(|window| window == hash.as_slice())
}

/// The reason, for the log: nothing of what was sent.
pub(super) fn unacceptable(error: &WebauthnError) -> Unacceptable {
    Unacceptable(match error {
        WebauthnError::InvalidClientDataType => "an answer to another kind of request",
        WebauthnError::MismatchedChallenge => "another challenge",
        WebauthnError::InvalidRPOrigin => "another origin",
        WebauthnError::InvalidRPIDHash => "another RP ID",
        WebauthnError::UserNotPresent => "no user presence",
        WebauthnError::UserNotVerified => "no user verification",
        WebauthnError::CredentialBackupEligibilityInconsistent => "backup eligibility that has changed",
        WebauthnError::CredentialMayNotBeHardwareBound => "backed up, although not eligible for it",
        WebauthnError::CredentialAlteredAlgFromRequest => "another algorithm",
        WebauthnError::AuthenticationFailure | WebauthnError::SignatureInvalid => "a signature by another key",
        WebauthnError::AttestationNotSupported | WebauthnError::AttestationNotVerifiable => {
            "an attestation that cannot be verified"
        }
        _ => "malformed",
    })
}
