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
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// A stored private key cannot be opened: the server secret is not the one of this database.
    Sealed {
        /// Which key.
        kid: String,
    },
    /// There is no key that signs now by this algorithm.
    NoKey(Algorithm),
    /// The cryptographic library refused.
    Failed(String),
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Sealed { kid } => write!(
                f,
                "the signing key {kid} cannot be decrypted: expected the server secret that this database was created with (SYMBOLON_SECRET or secret_file), received another"
            ),
            Self::NoKey(algorithm) => {
                let name = algorithm.as_str();
                write!(f, "there is no signing key for {name} (create one with symbolon key add --algorithm {name})")
            }
            Self::Failed(text) => f.write_str(text),
        }
    }
}

impl std::error::Error for Error {}

fn failed(error: impl std::fmt::Display) -> Error {
    Error::Failed(error.to_string())
}
