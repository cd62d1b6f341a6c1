//! Proof Key for Code Exchange (RFC 7636): the syntax of challenge and verifier and their comparison; only `S256`. Whether a client
//! must use it is `client`.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::protocol::error::Invalid;

/// The only supported method (RFC 9700 §2.1.1), as in the discovery document.
pub const METHODS: [&str; 1] = ["S256"];

/// A well-formed `S256` challenge: 43 base64url characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge(String);

impl Challenge {
    /// Parses `code_challenge` and `code_challenge_method`.
    ///
    /// # Errors
    /// The expected and the received value, for an `invalid_request`: any method but `S256` (an absent one means `plain`,
    /// RFC 7636 §4.3), or a challenge that cannot be a SHA-256 hash (§4.2).
    pub fn parse(challenge: &str, method: Option<&str>) -> Result<Self, Invalid> {
        match method {
            Some("S256") => {}
            Some(other) => return Err(format!("code_challenge_method: expected 'S256', received '{other}'").into()),
            None => return Err("code_challenge_method: expected 'S256', received none (which means 'plain')".into()),
        }
        match URL_SAFE_NO_PAD.decode(challenge) {
            Ok(digest) if digest.len() == 32 => Ok(Self(challenge.to_owned())),
            _ => Err(format!(
                "code_challenge: expected 43 characters of unpadded base64url (a SHA-256), received {} characters",
                challenge.chars().count()
            )
            .into()),
        }
    }

    /// A challenge read back from the store.
    #[must_use]
    pub fn stored(text: String) -> Self {
        Self(text)
    }

    /// The challenge as sent.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether `verifier` is well-formed (RFC 7636 §4.1) and matches this challenge (§4.6).
    #[must_use]
    pub fn is_answered_by(&self, verifier: &str) -> bool {
        let well_formed = (43..=128).contains(&verifier.len())
            && verifier.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~'));
        let digest = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier));
        well_formed && bool::from(digest.as_bytes().ct_eq(self.0.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // RFC 7636 appendix B.
    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    #[test]
    fn the_example_of_the_rfc_fits() {
        let challenge = Challenge::parse(CHALLENGE, Some("S256")).unwrap();
        assert!(challenge.is_answered_by(VERIFIER));
        assert!(!challenge.is_answered_by(&VERIFIER.replace('d', "e")));
        assert!(!challenge.is_answered_by(""));
        assert!(!challenge.is_answered_by(CHALLENGE));
    }

    #[test]
    fn only_s256_and_only_whole_digests() {
        for method in [None, Some("plain"), Some("s256"), Some("S512")] {
            assert!(Challenge::parse(CHALLENGE, method).is_err(), "{method:?}");
        }
        for bad in ["", "abc", &CHALLENGE[1..], &format!("{CHALLENGE}="), &CHALLENGE.replace('-', "+")] {
            assert!(Challenge::parse(bad, Some("S256")).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_verifier_keeps_to_its_grammar_even_when_the_hash_fits() {
        let short = "short";
        let challenge = Challenge::stored(URL_SAFE_NO_PAD.encode(Sha256::digest(short)));
        assert!(!challenge.is_answered_by(short));
    }
}
