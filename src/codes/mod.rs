//! One-time codes that users type: those of TOTP apps, and recovery codes. How their secrets are made, sealed at rest and shown, and
//! which code a typed text is. Whether a code was used before is in its row (`store::authenticators`), and attempts are limited by
//! `flows::sign_in::throttle`.

pub mod qr;
pub mod recovery;
pub mod totp;

use crate::{
    jose::{self, seal},
    protocol::{
        secrets::{SecretRing, sensitive::Sensitive},
        values::id::Id,
    },
};

/// Seals the secret of an authenticator for its row.
///
/// # Errors
/// If the encryption fails.
fn seal_for(secrets: &SecretRing, id: Id, secret: &Sensitive<Vec<u8>>) -> Result<Vec<u8>, jose::Error> {
    seal::seal(secrets, &name(id), secret)
}

/// Opens the content of an authenticator's row.
///
/// # Errors
/// If it was sealed for another row or under an unknown secret, or altered.
fn open_of(secrets: &SecretRing, id: Id, sealed: &[u8]) -> Result<Sensitive<Vec<u8>>, jose::Error> {
    seal::open(secrets, &name(id), sealed)
}

/// The content of a row sealed again under the secret that seals now; `None` if it is that already.
///
/// # Errors
/// If it cannot be opened.
pub fn resealed(secrets: &SecretRing, id: Id, sealed: &[u8]) -> Result<Option<Vec<u8>>, jose::Error> {
    if sealed.starts_with(&secrets.sealing_key().0) {
        return Ok(None);
    }
    seal_for(secrets, id, &open_of(secrets, id, sealed)?).map(Some)
}

/// What a sealed secret is bound to: it opens for no other row.
fn name(id: Id) -> String {
    format!("authenticator {id}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_opens_for_its_row_and_is_resealed_once() {
        let [old, new] = ["0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210"];
        let ring = |list: &[&str]| SecretRing::new(list).unwrap();
        let (id, other) = (Id::from([1; 16]), Id::from([2; 16]));
        let secret = Sensitive::new(b"secret".to_vec());
        let sealed = seal_for(&ring(&[old]), id, &secret).unwrap();
        assert!(open_of(&ring(&[old]), other, &sealed).is_err());
        assert_eq!(resealed(&ring(&[old]), id, &sealed), Ok(None));
        let both = ring(&[new, old]);
        let again = resealed(&both, id, &sealed).unwrap().unwrap();
        assert_eq!((resealed(&both, id, &again), open_of(&ring(&[new]), id, &again)), (Ok(None), Ok(secret)));
        assert!(resealed(&ring(&[new]), id, &sealed).is_err(), "the old secret is gone");
    }
}
