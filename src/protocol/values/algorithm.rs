//! Signature algorithms (RFC 7518 §3.1, RFC 8037 §3.1) that this server signs with and accepts from clients. Only asymmetric ones,
//! so that verifying a signature does not enable anyone to make one. Signing is `jose`.

use super::names::names;

/// A signature algorithm.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256: supported by every client (OpenID Connect Core §15.1).
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

/// The name of `EdDSA` on this curve by RFC 9864 §2.2, used by web browsers and newer libraries.
const ED25519: &str = "Ed25519";

impl Algorithm {
    /// The algorithm with this name in a client's keys and assertions.
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
