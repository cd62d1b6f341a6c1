//! What a user has shown: by which method, and when. Sign-in, "confirm that it is you", step-up and recovery all decide by these
//! values; `amr` and `acr` follow from them, so that no token claims more than was shown.

use std::fmt;

use crate::protocol::{
    oidc::authentication::{Amr, Class, Method},
    values::time::{Span, Timestamp},
};

/// A method that was shown at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proof {
    /// The method.
    pub method: Method,
    /// When it was verified.
    pub at: Timestamp,
}

/// Proofs of one user: at most one by each method, the latest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proofs(Vec<Proof>);

impl From<Proof> for Proofs {
    fn from(proof: Proof) -> Self {
        Self(vec![proof])
    }
}

impl Proofs {
    /// With another proof, which replaces an older one by the same method.
    #[must_use]
    pub fn with(mut self, proof: Proof) -> Self {
        let at = self.0.iter().find(|one| one.method == proof.method).map_or(proof.at, |one| one.at.max(proof.at));
        self.0.retain(|one| one.method != proof.method);
        self.0.push(Proof { at, ..proof });
        self.0.sort_by_key(|one| one.method);
        self
    }

    /// Whether there is a proof by this method.
    #[must_use]
    pub fn has(&self, method: Method) -> bool {
        self.0.iter().any(|proof| proof.method == method)
    }

    /// The proofs.
    pub fn iter(&self) -> impl Iterator<Item = Proof> + '_ {
        self.0.iter().copied()
    }

    /// Those not older than `age`; one from the future, before the clock was set back, is none of them.
    #[must_use]
    pub fn recent(&self, now: Timestamp, age: Span) -> Self {
        let is_recent = |proof: &Proof| !proof.at.is_ahead_of(now) && now.age_of(proof.at).is_at_most(age);
        Self(self.iter().filter(is_recent).collect())
    }

    /// The others: those that are older.
    #[must_use]
    pub fn older(&self, now: Timestamp, age: Span) -> Self {
        let recent = self.recent(now, age);
        Self(self.iter().filter(|proof| !recent.has(proof.method)).collect())
    }

    /// The authentication methods, as in `amr` (RFC 8176 §2). `None` if there is no proof.
    #[must_use]
    pub fn amr(&self) -> Option<Amr> {
        Amr::of(self.iter().map(|proof| proof.method))
    }

    /// The class of a sign-in by these proofs; `None` if they sign nobody in.
    #[must_use]
    pub fn class(&self) -> Option<Class> {
        self.amr().as_ref().and_then(Class::of)
    }

    /// Parses the stored text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let parse = |part: &str| {
            let (method, at) = part.split_once('@')?;
            Some(Proof { method: Method::from_name(method)?, at: Timestamp::from_millis(at.parse().ok()?) })
        };
        if text.is_empty() {
            return Some(Self::default());
        }
        let proofs = text.split(' ').map(parse).collect::<Option<Vec<_>>>()?;
        Some(proofs.into_iter().fold(Self::default(), Self::with))
    }
}

impl fmt::Display for Proofs {
    /// As stored: `password@1733011200000 totp@1733011214000`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, proof) in self.0.iter().enumerate() {
            let space = if index == 0 { "" } else { " " };
            write!(f, "{space}{}@{}", proof.method.as_str(), proof.at.millis())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proof(method: Method, at: i64) -> Proof {
        Proof { method, at: Timestamp::from_millis(at) }
    }

    #[test]
    fn the_latest_proof_by_a_method_counts_and_is_stored() {
        let proofs = Proofs::from(proof(Method::Totp, 5)).with(proof(Method::Password, 1)).with(proof(Method::Totp, 3));
        assert_eq!(proofs.to_string(), "password@1 totp@5");
        assert_eq!(Proofs::parse("totp@5 password@1"), Some(proofs));
        assert_eq!(Proofs::parse(""), Some(Proofs::default()));
        for malformed in [" ", "totp", "totp@", "totp@x", "sms@1", "totp@1 ", "totp@1  password@1"] {
            assert_eq!(Proofs::parse(malformed), None, "{malformed:?}");
        }
    }

    #[test]
    fn the_class_is_that_of_what_was_shown() {
        use Method::{HardwareKey, Passkey, Password, RecoveryCode, Totp};
        let class =
            |methods: &[Method]| methods.iter().fold(Proofs::default(), |proofs, method| proofs.with(proof(*method, 1))).class();
        let cases: [(&[Method], Option<Class>); 9] = [
            (&[], None),
            (&[Totp], None),
            (&[Totp, RecoveryCode], None),
            (&[Password], Some(Class::Password)),
            (&[Password, Totp], Some(Class::TwoFactors)),
            (&[Password, RecoveryCode], Some(Class::TwoFactors)),
            (&[Passkey], Some(Class::PhishingResistant)),
            (&[Password, Passkey, Totp], Some(Class::PhishingResistant)),
            (&[HardwareKey], Some(Class::Hardware)),
        ];
        for (methods, expected) in cases {
            assert_eq!(class(methods), expected, "{methods:?}");
        }
    }

    #[test]
    fn only_what_is_recent_counts_and_nothing_of_the_future() {
        let proofs = Proofs::from(proof(Method::Password, 0)).with(proof(Method::Totp, 60_000));
        let recent = |now| proofs.recent(Timestamp::from_millis(now), Span::from_seconds(60)).to_string();
        assert_eq!(recent(60_000), "password@0 totp@60000");
        assert_eq!(recent(60_001), "totp@60000");
        assert_eq!(recent(120_001), "");
        assert_eq!(proofs.older(Timestamp::from_millis(60_001), Span::from_seconds(60)).to_string(), "password@0");
    }
}
