//! Signatures: the server's keys, signing tokens and verifying them. The only importer of `josekit`. What a
//! token says is `protocol::claims`; where keys are stored is `store::signing_keys`.

mod algorithms;
pub mod client_keys;
pub mod first_keys;
pub mod keys;
mod seal;
pub mod sign;
pub mod verify;

use crate::protocol::algorithm::Algorithm;

/// Sets up the cryptographic library. To be called before there is a second thread: whoever sets it up first decides that it
/// does not clean up when the process ends, which races with threads that end at the same time (libpq's connections have
/// some of its state).
pub fn begin() {
    openssl::init();
}

/// What can go wrong with keys and signatures; none of it is the caller's fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A stored private key cannot be opened: the server secret is not the one of this database.
    #[error(
        "the signing key {kid} cannot be decrypted: expected the server secret that this database was created with (SYMBOLON_SECRET or secret_file), received another"
    )]
    Sealed {
        /// Which key.
        kid: String,
    },
    /// There is no key that signs now by this algorithm.
    #[error("there is no signing key for {name} (create one with symbolon key add --algorithm {name})", name = .0.as_str())]
    NoKey(Algorithm),
    /// The cryptographic library refused.
    #[error("{0}")]
    Failed(String),
}

fn failed(error: impl std::fmt::Display) -> Error {
    Error::Failed(error.to_string())
}
