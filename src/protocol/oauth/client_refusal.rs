//! A refused request that named a registered client, as its operator is told: apps often show their developer nothing but "sign-in
//! failed". Anyone can send such a request; what is quoted of it is marked off from what this server says of its own.

use sha2::{Digest, Sha256};

use crate::protocol::{error::ProtocolError, values::time::Timestamp};

/// The maximum length of an error's text, in characters.
const ERROR_LIMIT: usize = 500;
/// The maximum length of a redirect URI that is kept, in bytes.
const URI_LIMIT: usize = 500;

/// Why a request was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// What was expected and received. Never a secret.
    pub error: String,
    /// The command that would allow it, where a setting of the client would. Nothing of the request stands in it.
    pub remedy: Option<String>,
    /// The redirect URI that was refused.
    pub redirect_uri: Option<String>,
}

impl Reason {
    /// A redirect URI that is not registered.
    #[must_use]
    pub fn redirect_uri(error: String, received: &str) -> Self {
        let redirect_uri = (received.len() <= URI_LIMIT).then(|| received.to_owned());
        Self { error, remedy: None, redirect_uri }
    }
}

impl From<&ProtocolError> for Reason {
    fn from(error: &ProtocolError) -> Self {
        let text = format!("{}: {}", error.code.as_str(), error.description);
        Self { error: text, remedy: error.remedy.as_deref().map(str::to_owned), redirect_uri: None }
    }
}

/// A refusal, and how often it happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientRefusal {
    /// The client.
    pub client_id: String,
    /// The path of the endpoint.
    pub endpoint: String,
    /// Why.
    pub reason: Reason,
    /// How often.
    pub count: i64,
    /// When it last happened.
    pub last_at: Timestamp,
}

impl ClientRefusal {
    /// One that happened now.
    #[must_use]
    pub fn new(client_id: &str, endpoint: &str, mut reason: Reason, now: Timestamp) -> Self {
        reason.error = reason.error.chars().take(ERROR_LIMIT).collect();
        Self { client_id: client_id.to_owned(), endpoint: endpoint.to_owned(), reason, count: 1, last_at: now }
    }

    /// The same for the same refusal, whenever it happens.
    #[must_use]
    pub fn key(&self) -> [u8; 32] {
        let parts = [&self.client_id, &self.endpoint, &self.reason.error];
        let hash = parts.iter().fold(Sha256::new(), |hash, part| hash.chain_update(part).chain_update([0]));
        hash.finalize().into()
    }
}
