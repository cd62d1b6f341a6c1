//! Encryption of private keys at rest, and of what a browser keeps for this server: XChaCha20-Poly1305 under a key derived from the
//! server secret, bound to a name (a key's is its id), so that one sealed value cannot be swapped for another. Layout: secret's number, nonce, ciphertext.

use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305,
    aead::{Aead, Payload},
};

use super::{Error, failed};
use crate::{
    protocol::secrets::{SecretRing, sensitive::Sensitive},
    random,
};

/// Seals the private key of `kid`, or another value under a name.
///
/// # Errors
/// If the encryption fails.
pub fn seal(secrets: &SecretRing, kid: &str, private: &Sensitive<Vec<u8>>) -> Result<Vec<u8>, Error> {
    let (number, key) = secrets.sealing_key();
    let nonce = random::bytes::<24>();
    let payload = Payload { msg: private.expose(), aad: kid.as_bytes() };
    let sealed = XChaCha20Poly1305::new(key.into()).encrypt(&nonce.into(), payload).map_err(failed)?;
    Ok([number.as_slice(), &nonce, &sealed].concat())
}

/// Opens the output of [`seal`].
///
/// # Errors
/// If it was sealed under another name or secret, or altered.
pub fn open(secrets: &SecretRing, kid: &str, sealed: &[u8]) -> Result<Sensitive<Vec<u8>>, Error> {
    let opened = || {
        let (number, rest) = sealed.split_first_chunk::<2>()?;
        let (nonce, ciphertext) = rest.split_first_chunk::<24>()?;
        let key = secrets.unsealing_key(number)?;
        let payload = Payload { msg: ciphertext, aad: kid.as_bytes() };
        XChaCha20Poly1305::new(key.into()).decrypt(&(*nonce).into(), payload).map(Sensitive::new).ok()
    };
    opened().ok_or_else(|| Error::Sealed { kid: kid.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_key_opens_under_its_secret_and_name_only() {
        let old = "the old secret of thirty-two bytes";
        let new = "the new secret of thirty-two bytes";
        let ring = |secrets: &[&str]| SecretRing::new(secrets).unwrap();
        let private = Sensitive::new(b"private".to_vec());
        let sealed = seal(&ring(&[old]), "k1", &private).unwrap();
        assert!(!sealed.windows(7).any(|window| window == b"private"));
        assert_eq!(open(&ring(&[old]), "k1", &sealed), Ok(private.clone()));
        assert_eq!(open(&ring(&[new, old]), "k1", &sealed), Ok(private));
        assert!(open(&ring(&[new]), "k1", &sealed).is_err());
        assert!(open(&ring(&[old]), "k2", &sealed).is_err());
        assert!(open(&ring(&[old]), "k1", &sealed[..20]).is_err());
    }
}
