//! Time-based one-time passwords (RFC 6238) with the parameters that every app knows: SHA-1, six digits, 30 seconds (`totp-rs` does
//! the arithmetic). A code is accepted one step early or late (§5.2), compared in constant time; that a step is used once is the
//! caller's compare-and-swap.

use subtle::ConstantTimeEq;
use totp_rs::{Algorithm, Builder, Totp};

use crate::{
    jose,
    protocol::{
        secrets::{SecretRing, sensitive::Sensitive},
        values::{id::Id, time::Timestamp},
    },
    random,
};

/// The bytes of a secret: 160 bits (RFC 4226 §4).
const LENGTH: usize = 20;
/// The seconds of a step.
const STEP: u64 = 30;
/// How many steps a clock may be early or late.
const SKEW: i64 = 1;
/// The characters of a group, in the secret as text.
const GROUP: usize = 4;

/// The secret of a TOTP app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Secret(Sensitive<Vec<u8>>);

impl Secret {
    /// A new secret.
    #[must_use]
    pub fn random() -> Self {
        Self(Sensitive::new(random::bytes::<LENGTH>().to_vec()))
    }

    /// The secret of these bytes; `None` unless there are twenty.
    #[must_use]
    pub fn from_bytes(bytes: Sensitive<Vec<u8>>) -> Option<Self> {
        (bytes.expose().len() == LENGTH).then_some(Self(bytes))
    }

    /// Its bytes.
    #[must_use]
    pub const fn bytes(&self) -> &Sensitive<Vec<u8>> {
        &self.0
    }

    /// Sealed for the row with this id.
    ///
    /// # Errors
    /// If the encryption fails.
    pub fn seal(&self, secrets: &SecretRing, id: Id) -> Result<Vec<u8>, jose::Error> {
        super::seal_for(secrets, id, &self.0)
    }

    /// The secret of the row with this id.
    ///
    /// # Errors
    /// If it cannot be opened.
    pub fn open(secrets: &SecretRing, id: Id, sealed: &[u8]) -> Result<Self, jose::Error> {
        super::open_of(secrets, id, sealed).map(Self)
    }

    /// The latest step now accepted whose code this is. Spaces in it do not matter.
    #[must_use]
    pub fn step_of(&self, code: &str, now: Timestamp) -> Option<i64> {
        let now = step_at(now);
        let steps = (now - SKEW).max(0)..=now + SKEW;
        // All of them, so that the time says nothing about a code.
        steps.filter(|step| self.is_code_at(code, *step)).fold(None, |_, step| Some(step))
    }

    /// Whether this is the code of a step.
    #[must_use]
    pub fn is_code_at(&self, code: &str, step: i64) -> bool {
        let typed = Sensitive::new(code.chars().filter(|c| !c.is_whitespace()).collect::<String>());
        let Some(expected) = self.code_at(step) else { return false };
        typed.expose().as_bytes().ct_eq(expected.expose().as_bytes()).into()
    }

    /// The code of a step.
    #[must_use]
    pub fn code_at(&self, step: i64) -> Option<Sensitive<String>> {
        let step = u64::try_from(step).ok()?;
        Some(Sensitive::new(self.totp("", "user").generate(step.checked_mul(STEP)?).to_string()))
    }

    /// The secret as text, for an app that cannot read the picture: base32 (RFC 4648 §6) in groups.
    #[must_use]
    pub fn groups(&self) -> Sensitive<String> {
        let text = Sensitive::new(self.totp("", "user").secret().to_base32());
        let groups: Vec<_> = text.expose().as_bytes().chunks(GROUP).map(String::from_utf8_lossy).collect();
        Sensitive::new(groups.join(" "))
    }

    /// The `otpauth` URL that apps read, for an account at a site. `None` if it cannot be written.
    #[must_use]
    pub fn url(&self, site: &str, username: &str) -> Option<Sensitive<String>> {
        // A colon would separate the two names.
        let named = |name: &str| name.replace(':', " ");
        self.totp(&named(site), &named(username)).to_url().ok().map(Sensitive::new)
    }

    fn totp(&self, site: &str, username: &str) -> Totp {
        let issuer = (!site.is_empty()).then_some(site);
        let secret = self.0.expose().as_slice();
        let builder = Builder::new().with_algorithm(Algorithm::SHA1).with_digits(6).with_step_duration(STEP);
        builder.with_secret(secret).with_account_name(username).with_issuer(issuer).build_noncompliant()
    }
}

/// The step at a time.
fn step_at(now: Timestamp) -> i64 {
    now.millis().div_euclid(1000 * STEP.cast_signed())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6238 appendix B, whose codes have eight digits: the last six are those of six digits.
    const RFC: [(i64, &str); 6] = [
        (59, "287082"),
        (1_111_111_109, "081804"),
        (1_111_111_111, "050471"),
        (1_234_567_890, "005924"),
        (2_000_000_000, "279037"),
        (20_000_000_000, "353130"),
    ];

    fn secret() -> Secret {
        Secret::from_bytes(Sensitive::new(b"12345678901234567890".to_vec())).unwrap()
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    #[test]
    fn the_codes_are_those_of_the_rfc() {
        for (seconds, code) in RFC {
            assert_eq!(secret().step_of(code, at(seconds)), Some(seconds / 30), "{seconds}");
        }
    }

    #[test]
    fn a_code_is_accepted_one_step_early_and_late() {
        let (seconds, code) = RFC[1];
        let step = seconds / 30;
        let accepted = |steps: i64| secret().step_of(code, at((step + steps) * 30));
        assert_eq!([-2, -1, 0, 1, 2].map(accepted), [None, Some(step), Some(step), Some(step), None]);
    }

    #[test]
    fn spaces_do_not_matter_and_everything_else_does() {
        let (seconds, _) = RFC[0];
        for (typed, is_good) in [
            (" 287 082 ", true),
            ("287\u{a0}082", true),
            ("2870820", false),
            ("87082", false),
            ("+87082", false),
            ("", false),
            ("287082\0", false),
            ("٢٨٧٠٨٢", false),
        ] {
            assert_eq!(secret().step_of(typed, at(seconds)).is_some(), is_good, "{typed:?}");
        }
    }

    #[test]
    fn it_is_shown_as_text_and_as_url_and_by_no_debug() {
        assert_eq!(secret().groups().expose(), "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ");
        let url = secret().url("id.example.com:8443", "alice").unwrap();
        assert_eq!(
            url.expose(),
            "otpauth://totp/id.example.com%208443:alice?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=id.example.com%208443"
        );
        assert_eq!(format!("{:?}", secret()), "Secret(Sensitive(..))");
        assert_ne!(Secret::random(), Secret::random());
    }
}
