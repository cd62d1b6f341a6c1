//! A refused request of a registered client, as its operator is told: apps often show their developer nothing but "sign-in failed".

use sha2::{Digest, Sha256};

use crate::protocol::values::time::Timestamp;

/// The maximum length of an error's text, in characters.
const ERROR_LIMIT: usize = 600;

/// A refusal, and how often it happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientRefusal {
    /// The client.
    pub client_id: String,
    /// The path of the endpoint.
    pub endpoint: String,
    /// What was expected and received, and what would allow it where a setting of the client would. Never a secret.
    pub error: String,
    /// How often.
    pub count: u32,
    /// When it last happened.
    pub last_at: Timestamp,
}

impl ClientRefusal {
    /// One that happened now.
    #[must_use]
    pub fn new(client_id: &str, endpoint: &str, error: &str, now: Timestamp) -> Self {
        let error = error.chars().take(ERROR_LIMIT).collect();
        Self { client_id: client_id.to_owned(), endpoint: endpoint.to_owned(), error, count: 1, last_at: now }
    }

    /// The same for the same refusal, whenever it happens.
    #[must_use]
    pub fn key(&self) -> [u8; 32] {
        let parts = [&self.client_id, &self.endpoint, &self.error];
        let hash = parts.iter().fold(Sha256::new(), |hash, part| hash.chain_update(part).chain_update([0]));
        hash.finalize().into()
    }
}
