//! Stamps: short authenticated texts, each bound to a purpose, a browser or session, and a time: a form's CSRF token, "a sign-in
//! was requested at", "consent was given at", and the cookie of a known browser. Nothing is stored for them: the MAC covers the
//! purpose, the binding and the time.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::Mac;

use super::{HmacSha256, SecretRing};
use crate::protocol::values::time::{Span, Timestamp};

/// The purpose of a stamp; a stamp of one purpose never passes for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A form was shown to this browser (RFC 6749 §10.12).
    Form,
    /// A fresh sign-in was required for this request.
    SignInRequested,
    /// Consent to this request was given in this session.
    ConsentGiven,
    /// The account of this session was chosen, for this request.
    AccountChosen,
    /// This browser has signed in as this user before.
    KnownBrowser,
    /// An e-mail was requested in this browser, under this name.
    Requested,
    /// The sign-in page shows this notice to this browser, with this name and this request.
    SignInNotice,
    /// This was done in this session, and a page confirms it.
    Done,
    /// This user has postponed adding another factor.
    EnrolmentPostponed,
}

/// Why a stamp is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StampError {
    /// Not one of ours, or for another purpose or binding.
    #[error("not a stamp of this server for this")]
    Forged,
    /// Ours, but older than allowed, or from the future.
    #[error("a stamp that has expired")]
    Expired,
}

const LENGTH: usize = 2 + 8 + 32;

impl Purpose {
    const fn name(self) -> &'static str {
        match self {
            Self::Form => "form",
            Self::SignInRequested => "sign-in asked",
            Self::ConsentGiven => "consent given",
            Self::AccountChosen => "account chosen",
            Self::KnownBrowser => "known browser",
            Self::Requested => "asked",
            Self::SignInNotice => "sign-in notice",
            Self::Done => "done",
            Self::EnrolmentPostponed => "enrolment postponed",
        }
    }
}

/// A stamp created at `now`, bound to every part of `binding`.
#[must_use]
pub fn make(secrets: &SecretRing, purpose: Purpose, binding: &[&str], now: Timestamp) -> String {
    let secret = secrets.deriving();
    let mut bytes = Vec::with_capacity(LENGTH);
    bytes.extend(secret.number);
    bytes.extend(now.millis().to_be_bytes());
    bytes.extend(mac(&secret.stamps, purpose, binding, now).finalize().into_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

/// When the stamp was created, if it is ours for this purpose and binding and not older than `lifetime`.
///
/// # Errors
/// [`StampError`] otherwise. A stamp from the future has expired: it was created by a clock that was set back since.
pub fn check(
    secrets: &SecretRing,
    purpose: Purpose,
    binding: &[&str],
    text: &str,
    (now, lifetime): (Timestamp, Span),
) -> Result<Timestamp, StampError> {
    let made = open(secrets, purpose, binding, text).ok_or(StampError::Forged)?;
    if now.age_of(made).is_at_most(lifetime) { Ok(made) } else { Err(StampError::Expired) }
}

fn open(secrets: &SecretRing, purpose: Purpose, binding: &[&str], text: &str) -> Option<Timestamp> {
    let mut bytes = [0; LENGTH];
    let written = URL_SAFE_NO_PAD.decode_slice(text, &mut bytes).ok()?;
    if written != LENGTH {
        return None;
    }
    let (number, rest) = bytes.split_first_chunk::<2>()?;
    let (made, tag) = rest.split_first_chunk::<8>()?;
    let made = Timestamp::from_millis(i64::from_be_bytes(*made));
    let (secret, _) = secrets.numbered(number)?;
    mac(&secret.stamps, purpose, binding, made).verify_slice(tag).ok()?;
    Some(made)
}

fn mac(key: &HmacSha256, purpose: Purpose, binding: &[&str], made: Timestamp) -> HmacSha256 {
    let mut mac = key.clone();
    mac.update(&made.millis().to_be_bytes());
    for part in std::iter::once(&purpose.name()).chain(binding) {
        mac.update(&(part.len() as u64).to_be_bytes()); // lengths first: no two bindings give the same bytes
        mac.update(part.as_bytes());
    }
    mac
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_holds_for_its_purpose_binding_and_time() {
        let secrets = SecretRing::new(["a secret of at least thirty-two bytes"]).unwrap();
        let made = Timestamp::from_millis(1_000_000);
        let stamp = make(&secrets, Purpose::Form, &["browser", "/login"], made);
        let check = |purpose, binding: &[&str], at: i64| {
            check(&secrets, purpose, binding, &stamp, (Timestamp::from_millis(at), Span::from_seconds(60)))
        };
        assert_eq!(check(Purpose::Form, &["browser", "/login"], 1_060_000), Ok(made));
        assert_eq!(check(Purpose::Form, &["browser", "/login"], 1_060_001), Err(StampError::Expired));
        assert_eq!(check(Purpose::Form, &["browser", "/login"], 990_000), Ok(made), "a clock that is behind by a little");
        assert_eq!(check(Purpose::Form, &["browser", "/login"], 989_999), Err(StampError::Expired), "a clock that was set back");
        assert_eq!(check(Purpose::Form, &["browser/", "login"], 1_000_000), Err(StampError::Forged));
        assert_eq!(check(Purpose::Form, &["browser"], 1_000_000), Err(StampError::Forged));
        assert_eq!(check(Purpose::SignInRequested, &["browser", "/login"], 1_000_000), Err(StampError::Forged));
    }
}
