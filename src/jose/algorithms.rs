//! Signature algorithms in terms of the library: generating a key pair, signing, and verifying with the public key.

use josekit::{
    jwk::{Jwk, KeyPair, alg::ed::EdCurve},
    jws::{ES256, EdDSA, JwsSigner, JwsVerifier, PS256, RS256},
};

use super::{Error, failed};
use crate::protocol::values::algorithm::Algorithm;

/// RFC 7518 §3.3, §3.5: 2048 bits or more.
const RSA_BITS: u32 = 2048;

/// Generates a key. Takes a while for RSA.
pub fn generate(algorithm: Algorithm) -> Result<Box<dyn KeyPair>, Error> {
    Ok(match algorithm {
        Algorithm::Rs256 => Box::new(RS256.generate_key_pair(RSA_BITS).map_err(failed)?),
        Algorithm::Ps256 => Box::new(PS256.generate_key_pair(RSA_BITS).map_err(failed)?),
        Algorithm::Es256 => Box::new(ES256.generate_key_pair().map_err(failed)?),
        Algorithm::EdDsa => Box::new(EdDSA.generate_key_pair(EdCurve::Ed25519).map_err(failed)?),
    })
}

/// A signer for a private key in DER.
pub fn signer(algorithm: Algorithm, private: &[u8]) -> Result<Box<dyn JwsSigner>, Error> {
    Ok(match algorithm {
        Algorithm::Rs256 => Box::new(RS256.signer_from_der(private).map_err(failed)?),
        Algorithm::Ps256 => Box::new(PS256.signer_from_der(private).map_err(failed)?),
        Algorithm::Es256 => Box::new(ES256.signer_from_der(private).map_err(failed)?),
        Algorithm::EdDsa => Box::new(EdDSA.signer_from_der(private).map_err(failed)?),
    })
}

/// A verifier for a public key. A key of another type, or declared for another algorithm or use, is refused (RFC 8725 §3.1).
pub fn verifier(algorithm: Algorithm, public: &Jwk) -> Result<Box<dyn JwsVerifier>, Error> {
    let curve = public.parameter("crv").and_then(|curve| curve.as_str());
    Ok(match algorithm {
        Algorithm::Rs256 => Box::new(RS256.verifier_from_jwk(public).map_err(failed)?),
        Algorithm::Ps256 => Box::new(PS256.verifier_from_jwk(public).map_err(failed)?),
        Algorithm::Es256 => Box::new(ES256.verifier_from_jwk(public).map_err(failed)?),
        Algorithm::EdDsa if curve == Some("Ed25519") => Box::new(EdDSA.verifier_from_jwk(public).map_err(failed)?),
        Algorithm::EdDsa => return Err(failed("crv: expected Ed25519")),
    })
}
