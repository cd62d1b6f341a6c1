//! Signatures: the server's keys, signing tokens and verifying them. The only importer of `josekit`. The contents of a token are
//! `protocol::oidc::claims`; keys are stored by `store::signing_keys`.

mod algorithms;
pub mod client_keys;
pub mod first_keys;
pub mod key_cache;
pub mod keys;
pub mod seal;
pub mod sign;
pub mod verify;

use crate::protocol::values::algorithm::Algorithm;

/// Initialises the cryptographic library, before a second thread starts: the first initialisation decides that the library is not
/// cleaned up at exit, which would race with threads that end at the same time (libpq's connections hold some of its state).
pub fn begin() {
    openssl::init();
}

/// Errors of keys and signatures; none of them is the caller's fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A stored private key cannot be opened: the server secret is not that of this database.
    #[error(
        "the signing key {kid} cannot be decrypted: expected the server secret that this database was created with (SYMBOLON_SECRET or secret_file), received another"
    )]
    Sealed {
        /// The key id.
        kid: String,
    },
    /// No key signs by this algorithm now.
    #[error("there is no signing key for {name} (create one with symbolon key add --algorithm {name})", name = .0.as_str())]
    NoKey(Algorithm),
    /// The cryptographic library reported an error.
    #[error("{0}")]
    Failed(String),
}

fn failed(error: impl std::fmt::Display) -> Error {
    Error::Failed(error.to_string())
}
