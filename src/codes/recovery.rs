//! Recovery codes: ten of a set, 80 bits each, derived from a random seed that its row holds sealed (decision 0049). They are written
//! in Crockford's base32, which has no letters that look like digits, and read forgivingly: case, spaces and hyphens do not matter,
//! and neither do O for 0, I or L for 1.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::{Choice, ConstantTimeEq};

use crate::{
    jose,
    protocol::{
        account::authenticator::RECOVERY_CODES,
        secrets::{SecretRing, sensitive::Sensitive},
        values::id::Id,
    },
    random,
};

/// The bytes of a seed.
const SEED: usize = 32;
/// The characters of a code: of five bits each.
const LENGTH: usize = 16;
/// The characters of a group.
const GROUP: usize = 4;
/// Crockford's base32.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// The purpose of the derivation.
const PURPOSE: &[u8] = b"symbolon recovery code 1";

/// The seed of a set of recovery codes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seed(Sensitive<Vec<u8>>);

impl Seed {
    /// A new seed.
    #[must_use]
    pub fn random() -> Self {
        Self(Sensitive::new(random::bytes::<SEED>().to_vec()))
    }

    /// Sealed for the row with this id.
    ///
    /// # Errors
    /// If the encryption fails.
    pub fn seal(&self, secrets: &SecretRing, id: Id) -> Result<Vec<u8>, jose::Error> {
        super::seal_for(secrets, id, &self.0)
    }

    /// The seed of the row with this id.
    ///
    /// # Errors
    /// If it cannot be opened.
    pub fn open(secrets: &SecretRing, id: Id, sealed: &[u8]) -> Result<Self, jose::Error> {
        super::open_of(secrets, id, sealed).map(Self)
    }

    /// The codes of the set, in groups, in the order of their numbers.
    #[must_use]
    pub fn codes(&self) -> Vec<Sensitive<String>> {
        let grouped = |code: &Sensitive<String>| {
            let groups: Vec<_> = code.expose().as_bytes().chunks(GROUP).map(String::from_utf8_lossy).collect();
            Sensitive::new(groups.join("-"))
        };
        self.each().map(|(_, code)| grouped(&code)).collect()
    }

    /// The number of the code that was typed, used or not.
    #[must_use]
    pub fn number_of(&self, typed: &str) -> Option<u32> {
        let typed = read(typed)?;
        // All of them, so that the time says nothing about a code.
        let matches = |code: &Sensitive<String>| -> Choice { code.expose().as_bytes().ct_eq(typed.expose().as_bytes()) };
        self.each().filter(|(_, code)| matches(code).into()).fold(None, |_, (number, _)| Some(number))
    }

    fn each(&self) -> impl Iterator<Item = (u32, Sensitive<String>)> {
        (0..RECOVERY_CODES).filter_map(|number| Some((number, self.derive(number)?)))
    }

    fn derive(&self, number: u32) -> Option<Sensitive<String>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.0.expose()).ok()?;
        mac.update(PURPOSE);
        mac.update(&number.to_be_bytes());
        let bits: Sensitive<[u8; 32]> = Sensitive::new(mac.finalize().into_bytes().into());
        let number = bits.expose().iter().take(LENGTH * 5 / 8).fold(0_u128, |all, byte| all << 8 | u128::from(*byte));
        let character = |at: usize| {
            let index = usize::try_from(number >> (5 * (LENGTH - 1 - at)) & 31).ok()?;
            ALPHABET.get(index).map(|byte| char::from(*byte))
        };
        (0..LENGTH).map(character).collect::<Option<String>>().map(Sensitive::new)
    }
}

/// A typed code as it is derived; `None` if it cannot be one.
fn read(typed: &str) -> Option<Sensitive<String>> {
    let mut code = Sensitive::new(String::with_capacity(LENGTH + 1));
    for c in typed.chars().filter(|c| !c.is_whitespace() && !matches!(c, '-' | '\u{2010}'..='\u{2015}' | '\u{2212}')) {
        let c = match c.to_ascii_uppercase() {
            'O' => '0',
            'I' | 'L' => '1',
            c => c,
        };
        if !u8::try_from(c).is_ok_and(|byte| ALPHABET.contains(&byte)) || code.expose().len() == LENGTH {
            return None;
        }
        code.expose_mut().push(c);
    }
    (code.expose().len() == LENGTH).then_some(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seed() -> Seed {
        Seed(Sensitive::new(vec![7; SEED]))
    }

    #[test]
    fn there_are_ten_different_codes_of_eighty_bits() {
        let codes: Vec<String> = seed().codes().iter().map(|code| code.expose().clone()).collect();
        assert_eq!(codes.len(), 10);
        for (number, code) in codes.iter().enumerate() {
            assert_eq!(code.split('-').map(str::len).collect::<Vec<_>>(), [4; 4], "{code}");
            assert_eq!(seed().number_of(code), Some(u32::try_from(number).unwrap()));
            assert!(!codes[..number].contains(code) && Seed::random().number_of(code).is_none());
        }
        // As HMAC-SHA-256 and base32 of other authors have it.
        assert_eq!(codes[0], "3HKB-7Y1T-VXSP-YYA4");
    }

    #[test]
    fn a_code_is_read_as_it_may_have_been_written_down() {
        let canonical = |text: &str| read(text).map(|code| code.expose().clone());
        let code = "0123-4567-89AB-CDEF";
        for written in [code, "0123456789abcdef", " oI23 4567 89ab cdef ", "Ol23–4567‐89AB—CDEF", "O123\u{a0}4567\n89ABCDEF"]
        {
            assert_eq!(canonical(written).as_deref(), Some("0123456789ABCDEF"), "{written:?}");
        }
        for other in ["", "0123-4567-89AB-CDE", "0123-4567-89AB-CDEF0", "0123-4567-89AB-CDEU", "0123-4567-89AB-CDEé"] {
            assert_eq!(canonical(other), None, "{other:?}");
        }
    }

    #[test]
    fn another_code_is_none_of_them() {
        let codes = seed().codes();
        let last = codes[3].expose().chars().last().unwrap();
        let changed = if last == '0' { "1" } else { "0" };
        let other = format!("{}{changed}", &codes[3].expose()[..18]);
        assert_eq!(seed().number_of(&other), None);
        assert_eq!(format!("{:?}", seed()), "Seed(Sensitive(..))");
    }
}
