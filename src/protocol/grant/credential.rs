//! Credentials (codes, refresh tokens, session cookies, e-mail links), derived rather than stored:
//! `prefix + base64url(secret's number, id, generation, MAC)`, where the MAC covers kind, id and generation. A forged one is
//! refused before any query; a copied database holds no usable one; the successor of a refresh token can be returned again on a
//! retry. What a generation may do is `grant`.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::Mac;

use crate::protocol::{
    secrets::{SecretRing, SecretUse},
    values::id::Id,
};

/// The kind of a credential. It is covered by the MAC, so one kind never passes for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An authorization code: generation 0 of a grant.
    Code,
    /// A refresh token: generation 1 and later of a grant.
    Refresh,
    /// A browser session's cookie; its generation rises with every sign-in in the same session.
    Session,
    /// A link in an e-mail.
    Link,
}

/// An opened credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Credential {
    /// Its kind.
    pub kind: Kind,
    /// The row it belongs to.
    pub id: Id,
    /// The generation of that row it is the credential of.
    pub generation: u32,
}

/// The origin of a text that looks like a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provenance {
    /// Derived with a server secret of the list, whose use here is this.
    Derived(SecretUse),
    /// It names a server secret that is not in the list: a removed one, or another server's.
    Unknown,
    /// It names a server secret of the list that did not derive it.
    Forged,
    /// Too short, too long, or not base64url.
    Malformed,
}

const MAC_LENGTH: usize = 32;
const LENGTH: usize = 2 + 16 + 4 + MAC_LENGTH; // 54: no padding bits, so one spelling only

impl Kind {
    /// The prefix by which secret scanners (and people) recognise the kind.
    #[must_use]
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Code => "sym_ac_",
            Self::Refresh => "sym_rt_",
            Self::Session => "sym_se_",
            Self::Link => "sym_ml_",
        }
    }
}

impl Credential {
    /// The text of the credential.
    #[must_use]
    pub fn derive(&self, secrets: &SecretRing) -> String {
        let secret = secrets.deriving();
        let mut bytes = Vec::with_capacity(LENGTH);
        bytes.extend(secret.number);
        bytes.extend(self.id.as_bytes());
        bytes.extend(self.generation.to_be_bytes());
        bytes.extend(self.mac(&secret.credentials).finalize().into_bytes());
        let mut text = String::with_capacity(7 + LENGTH * 4 / 3);
        text.push_str(self.kind.prefix());
        URL_SAFE_NO_PAD.encode_string(&bytes, &mut text);
        text
    }

    /// Opens the text of a credential of this kind. `None` for anything this server did not derive.
    #[must_use]
    pub fn open(secrets: &SecretRing, kind: Kind, text: &str) -> Option<Self> {
        match Self::examine(secrets, kind, text) {
            (Provenance::Derived(_), credential) => credential,
            _ => None,
        }
    }

    /// The origin of a text that looks like a credential of this kind, and what it claims to be, whether or not that is true.
    #[must_use]
    pub fn examine(secrets: &SecretRing, kind: Kind, text: &str) -> (Provenance, Option<Self>) {
        let Some((number, credential, mac)) = Self::take_apart(kind, text) else { return (Provenance::Malformed, None) };
        let Some((secret, used)) = secrets.numbered(&number) else { return (Provenance::Unknown, Some(credential)) };
        let is_good = credential.mac(&secret.credentials).verify_slice(&mac).is_ok(); // constant time
        let provenance = if is_good { Provenance::Derived(used) } else { Provenance::Forged };
        (provenance, Some(credential))
    }

    fn take_apart(kind: Kind, text: &str) -> Option<([u8; 2], Self, [u8; MAC_LENGTH])> {
        let mut bytes = [0; LENGTH];
        let written = URL_SAFE_NO_PAD.decode_slice(text.strip_prefix(kind.prefix())?, &mut bytes).ok()?;
        if written != LENGTH {
            return None;
        }
        let (number, rest) = bytes.split_first_chunk::<2>()?;
        let (id, rest) = rest.split_first_chunk::<16>()?;
        let (generation, mac) = rest.split_first_chunk::<4>()?;
        let credential = Self { kind, id: Id::from(*id), generation: u32::from_be_bytes(*generation) };
        Some((*number, credential, mac.try_into().ok()?))
    }

    fn mac(&self, key: &crate::protocol::secrets::HmacSha256) -> crate::protocol::secrets::HmacSha256 {
        let mut mac = key.clone();
        mac.update(self.kind.prefix().as_bytes());
        mac.update(self.id.as_bytes());
        mac.update(&self.generation.to_be_bytes());
        mac
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ring(secrets: &[&str]) -> SecretRing {
        SecretRing::new(secrets).unwrap()
    }

    const OLD: &str = "an old secret of thirty-two bytes";
    const NEW: &str = "a new secret of thirty-two bytes.";

    #[test]
    fn what_was_derived_opens_as_its_kind_only() {
        let secrets = ring(&[OLD]);
        let refresh = Credential { kind: Kind::Refresh, id: Id::from([7; 16]), generation: 3 };
        let text = refresh.derive(&secrets);
        assert!(text.starts_with("sym_rt_"));
        assert_eq!(Credential::open(&secrets, Kind::Refresh, &text), Some(refresh));
        assert_eq!(Credential::open(&secrets, Kind::Code, &text), None);
        assert_eq!(Credential::open(&secrets, Kind::Code, &text.replace("_rt_", "_ac_")), None);
        assert_eq!(refresh.derive(&secrets), text, "derived again, the same text");
    }

    #[test]
    fn every_changed_character_is_refused() {
        let secrets = ring(&[OLD]);
        let text = Credential { kind: Kind::Code, id: Id::from([1; 16]), generation: 0 }.derive(&secrets);
        for at in 0..text.len() {
            let mut changed = text.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            assert_eq!(Credential::open(&secrets, Kind::Code, &changed), None, "{at}");
        }
        for text in [&text[..text.len() - 1], &format!("{text}A"), &format!("{text}AAAA"), "sym_ac_", ""] {
            assert_eq!(Credential::open(&secrets, Kind::Code, text), None);
        }
    }

    #[test]
    fn an_older_secret_still_opens_and_a_dropped_one_does_not() {
        let credential = Credential { kind: Kind::Refresh, id: Id::from([9; 16]), generation: 1 };
        let text = credential.derive(&ring(&[OLD]));
        assert_eq!(Credential::open(&ring(&[NEW, OLD]), Kind::Refresh, &text), Some(credential));
        assert_eq!(Credential::open(&ring(&[NEW]), Kind::Refresh, &text), None);
    }

    #[test]
    fn a_refused_text_says_what_it_lacks() {
        let credential = Credential { kind: Kind::Refresh, id: Id::from([9; 16]), generation: 1 };
        let text = credential.derive(&ring(&[OLD]));
        let examine = |secrets: &[&str], text: &str| Credential::examine(&ring(secrets), Kind::Refresh, text);
        assert_eq!(examine(&[OLD], &text), (Provenance::Derived(SecretUse::Derives), Some(credential)));
        assert_eq!(examine(&[NEW, OLD], &text), (Provenance::Derived(SecretUse::Older), Some(credential)));
        let next = format!("next {OLD}");
        assert_eq!(examine(&[NEW, &next], &text), (Provenance::Derived(SecretUse::Next), Some(credential)));
        assert_eq!(examine(&[NEW], &text), (Provenance::Unknown, Some(credential)));
        let end = if text.ends_with('A') { "B" } else { "A" };
        let forged = format!("{}{end}", &text[..text.len() - 1]);
        assert_eq!(examine(&[OLD], &forged), (Provenance::Forged, Some(credential)));
        for text in ["", "sym_rt_", &text[..20], &format!("{text}AAAA"), &text.replace("_rt_", "_ac_")] {
            assert_eq!(examine(&[OLD], text), (Provenance::Malformed, None), "{text}");
        }
    }
}
