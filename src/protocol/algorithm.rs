//! The signature algorithms (RFC 7518 §3.1, RFC 8037 §3.1): those this server signs with and takes from
//! clients. Only asymmetric ones, so that whoever checks a signature cannot make one. Signing is `jose`.

use super::names::names;

/// A signature algorithm.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256: what every client understands (OpenID Connect Core §15.1).
    #[default]
    Rs256,
    /// RSASSA-PSS with SHA-256.
    Ps256,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// Ed25519.
    EdDsa,
}

names!(Algorithm { Rs256 = "RS256", Ps256 = "PS256", Es256 = "ES256", EdDsa = "EdDSA" });

/// What RFC 9864 §2.2 calls `EdDSA` on this curve: the name that web browsers and newer libraries use.
const ED25519: &str = "Ed25519";

impl Algorithm {
    /// The algorithm that a client means by this name in its keys and assertions.
    #[must_use]
    pub fn of_assertion(name: &str) -> Option<Self> {
        if name == ED25519 { Some(Self::EdDsa) } else { Self::from_name(name) }
    }

    /// The names that clients may use in their assertions.
    #[must_use]
    pub fn of_assertions() -> Vec<&'static str> {
        Self::names().into_iter().chain([ED25519]).collect()
    }
}
