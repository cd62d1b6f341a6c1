//! Authentication methods and classes of a sign-in: `amr` (RFC 8176) and `acr` (OpenID Connect Core §2). A session stores its
//! methods; the class follows from them alone, so that no token can claim more.

use std::fmt;

use crate::protocol::values::names::names;

/// A way to show who one is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Method {
    /// The password.
    Password,
    /// A passkey, with user verification.
    Passkey,
    /// A passkey whose model the operator lists as hardware, proven by its attestation.
    HardwareKey,
    /// A code of a TOTP app.
    Totp,
    /// A recovery code.
    RecoveryCode,
}

names!(Method {
    Password = "password",
    Passkey = "passkey",
    HardwareKey = "hardware_key",
    Totp = "totp",
    RecoveryCode = "recovery_code",
});

/// A class of authentication, the weakest first: each one includes those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// A password and nothing else: one factor.
    Password,
    /// Two different factors: a password and a code.
    TwoFactors,
    /// A passkey with user verification, which works at this server only.
    PhishingResistant,
    /// A passkey of a model that the operator lists, kept in hardware.
    Hardware,
}

names!(Class {
    Password = "urn:symbolon:acr:password",
    TwoFactors = "urn:symbolon:acr:two-factors",
    PhishingResistant = "urn:symbolon:acr:phishing-resistant",
    Hardware = "urn:symbolon:acr:hardware",
});

/// A sign-in by password (RFC 8176 §2, as the others).
const PASSWORD: &str = "pwd";
/// A code that is valid once.
const ONE_TIME: &str = "otp";
/// A key.
const KEY: &str = "pop";
/// A key in hardware.
const HARDWARE_KEY: &str = "hwk";
/// Presence of the user, tested along with the key.
const USER: &str = "user";
/// More than one factor.
const SEVERAL: &str = "mfa";

/// The methods of a sign-in, as in `amr`: at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Amr(Vec<String>);

impl Amr {
    /// The methods of a sign-in by password.
    #[must_use]
    pub fn password() -> Self {
        Self(vec![PASSWORD.to_owned()])
    }

    /// The methods that were shown. `None` if there is none.
    #[must_use]
    pub fn of(shown: impl Iterator<Item = Method>) -> Option<Self> {
        let mut amr = Self(Vec::new());
        for method in shown {
            let names: &[&str] = match method {
                Method::Password => &[PASSWORD],
                Method::Passkey => &[KEY, USER],
                Method::HardwareKey => &[HARDWARE_KEY, USER],
                Method::Totp | Method::RecoveryCode => &[ONE_TIME],
            };
            for name in names {
                if !amr.has(name) {
                    amr.0.push((*name).to_owned());
                }
            }
        }
        if Class::of(&amr) > Some(Class::Password) {
            amr.0.push(SEVERAL.to_owned());
        }
        (!amr.0.is_empty()).then_some(amr)
    }

    fn has(&self, method: &str) -> bool {
        self.0.iter().any(|one| one == method)
    }

    /// Parses the stored methods, each separated by one space. `None` if there is none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let methods: Vec<_> = text.split(' ').map(str::to_owned).collect();
        let is_good = |method: &String| !method.is_empty() && method.bytes().all(|byte| byte.is_ascii_graphic());
        methods.iter().all(is_good).then_some(Self(methods))
    }

    /// The methods.
    pub fn methods(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

impl fmt::Display for Amr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(" "))
    }
}

/// The words by which operators name the classes, the weakest first.
pub const CLASS_WORDS: [&str; 4] = ["password", "two-factors", "phishing-resistant", "hardware"];

impl Class {
    /// The word by which operators name it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        let [password, two_factors, phishing_resistant, hardware] = CLASS_WORDS;
        match self {
            Self::Password => password,
            Self::TwoFactors => two_factors,
            Self::PhishingResistant => phishing_resistant,
            Self::Hardware => hardware,
        }
    }

    /// The class that operators name by this word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|class| class.word() == word)
    }

    /// The class of a sign-in by these methods. `None` if they are too few. A key is only ever recorded with user verification: a
    /// passkey is two factors.
    #[must_use]
    pub fn of(amr: &Amr) -> Option<Self> {
        if amr.has(HARDWARE_KEY) {
            Some(Self::Hardware)
        } else if amr.has(KEY) {
            Some(Self::PhishingResistant)
        } else if amr.has(PASSWORD) && amr.has(ONE_TIME) {
            Some(Self::TwoFactors)
        } else {
            amr.has(PASSWORD).then_some(Self::Password)
        }
    }
}

/// A class that may be absent, in settings: by its word.
pub(crate) mod by_word {
    use std::borrow::Cow;

    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

    use super::{CLASS_WORDS, Class};

    /// Writes it.
    ///
    /// # Errors
    /// The serializer's.
    #[expect(clippy::ref_option, clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
    pub fn serialize<S: Serializer>(class: &Option<Class>, serializer: S) -> Result<S::Ok, S::Error> {
        class.map(Class::word).serialize(serializer)
    }

    /// Reads it.
    ///
    /// # Errors
    /// What was expected and what was received.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Class>, D::Error> {
        let Some(word) = Option::<Cow<'de, str>>::deserialize(deserializer)? else { return Ok(None) };
        let expected = || Error::custom(format_args!("expected one of {}, received '{word}'", CLASS_WORDS.join(", ")));
        Class::from_word(&word).map(Some).ok_or_else(expected)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_class_follows_from_the_methods() {
        assert_eq!(Class::of(&Amr::password()), Some(Class::Password));
        let [several, none] = ["otp pwd", "otp"].map(|text| Amr::parse(text).unwrap());
        assert_eq!((Class::of(&several), Class::of(&none)), (Some(Class::TwoFactors), None));
        assert_eq!((several.to_string(), Amr::password().to_string()), ("otp pwd".into(), "pwd".into()));
        for malformed in ["", " ", "pwd ", "pwd  otp", "pwd\u{e9}"] {
            assert_eq!(Amr::parse(malformed), None, "{malformed:?}");
        }
        let key = Amr::parse("user pop").unwrap();
        assert_eq!(Class::of(&key), Some(Class::PhishingResistant));
        assert!(Class::ALL.is_sorted(), "the weakest first");
        let words: Vec<_> = Class::ALL.iter().map(|class| class.word()).collect();
        assert_eq!(words, CLASS_WORDS);
        assert!(Class::ALL.iter().all(|class| Class::from_word(class.word()) == Some(*class)));
    }

    #[test]
    fn the_methods_are_those_of_the_registry() {
        let amr = |methods: &[Method]| Amr::of(methods.iter().copied()).map(|amr| amr.to_string());
        assert_eq!(amr(&[]), None);
        assert_eq!(amr(&[Method::Password]).unwrap(), "pwd");
        assert_eq!(amr(&[Method::Password, Method::Totp, Method::RecoveryCode]).unwrap(), "pwd otp mfa");
        assert_eq!(amr(&[Method::Passkey]).unwrap(), "pop user mfa");
        assert_eq!(amr(&[Method::Password, Method::HardwareKey]).unwrap(), "pwd hwk user mfa");
    }
}
