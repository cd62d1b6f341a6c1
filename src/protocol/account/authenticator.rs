//! What a user can sign in with: a password, passkeys, TOTP apps, recovery codes; how strong the strongest of them is; and which
//! proofs are enough to change them.

use super::proof::Proofs;
use crate::protocol::{
    oidc::authentication::{Class, Method},
    values::{
        names::names,
        time::{Span, Timestamp},
    },
};

/// A kind of authenticator that is a row of its own. The password is a column of the user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AuthenticatorKind {
    /// A discoverable WebAuthn credential with user verification: two factors in one.
    Passkey,
    /// An app that shows time-based codes (RFC 6238).
    Totp,
    /// A set of recovery codes, each valid once.
    RecoveryCodes,
}

names!(AuthenticatorKind { Passkey = "passkey", Totp = "totp", RecoveryCodes = "recovery_codes" });

/// The number of recovery codes in a set.
pub const RECOVERY_CODES: u32 = 10;

/// How old a proof may be that allows a change of authenticators or of what recovers the account (ASVS 7.5.1).
pub const RECENT: Span = Span::from_seconds(900);

/// What a user has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Owned {
    /// Whether there is a password.
    pub password: bool,
    /// The number of passkeys.
    pub passkeys: usize,
    /// Whether one of the passkeys is of a model that the operator lists as hardware.
    pub hardware: bool,
    /// The number of TOTP apps.
    pub totp: usize,
    /// The number of recovery codes that are left.
    pub recovery_codes: u32,
}

impl Owned {
    /// Whether there is a second factor: something that a password alone does not replace.
    #[must_use]
    pub const fn has_second_factor(&self) -> bool {
        self.passkeys > 0 || self.totp > 0
    }

    /// Whether a password alone does not sign in: a code is asked for after it. Passkeys do not make that so.
    #[must_use]
    pub const fn needs_code(&self) -> bool {
        self.totp > 0
    }

    /// The strongest class that the user can reach without recovery codes. `None` if there is nothing to sign in with.
    #[must_use]
    pub const fn strongest(&self) -> Option<Class> {
        match self {
            Self { hardware: true, .. } => Some(Class::Hardware),
            Self { passkeys: 1.., .. } => Some(Class::PhishingResistant),
            Self { password: true, totp: 1.., .. } => Some(Class::TwoFactors),
            Self { password: true, .. } => Some(Class::Password),
            _ => None,
        }
    }

    /// Whether these proofs complete a sign-in of this account: after a password, an account with a TOTP app needs a second factor.
    #[must_use]
    pub fn is_signed_in_by(&self, proofs: &Proofs, is_trusted_browser: bool) -> bool {
        match proofs.class() {
            None => false,
            Some(Class::Password) => !self.needs_code() || is_trusted_browser,
            Some(_) => true,
        }
    }

    /// Whether these proofs, none older than [`RECENT`], are of the account's strongest kind, or a recovery code that stands in for
    /// it. With a recovery code the password is needed as well, if there is one.
    #[must_use]
    pub fn is_confirmed_by(&self, proofs: &Proofs, now: Timestamp) -> bool {
        let recent = proofs.recent(now, RECENT);
        let Some(strongest) = self.strongest() else { return recent.has(Method::RecoveryCode) };
        // Any passkey of the account is as good as another for this: models matter to apps, not to their owner.
        if recent.class() >= Some(strongest.min(Class::PhishingResistant)) {
            return true;
        }
        recent.has(Method::RecoveryCode) && (recent.has(Method::Password) || !self.password)
    }

    /// Whether these proofs reach a goal.
    #[must_use]
    pub fn reaches(&self, goal: Goal, proofs: &Proofs, now: Timestamp) -> bool {
        match goal {
            Goal::SignIn => self.is_signed_in_by(proofs, false),
            Goal::Confirm => self.is_confirmed_by(proofs, now),
            Goal::Class(class) => proofs.class() >= Some(class),
        }
    }

    /// What a user with these proofs is asked for to reach a goal; nothing, if they have reached it, or cannot with what they have.
    #[must_use]
    pub fn missing(&self, goal: Goal, proofs: &Proofs, now: Timestamp) -> Missing {
        let shown = if goal == Goal::Confirm { proofs.recent(now, RECENT) } else { proofs.clone() };
        if self.reaches(goal, proofs, now) {
            return Missing::default();
        }
        let class = match goal {
            Goal::SignIn => Some(Class::TwoFactors),
            Goal::Confirm => self.strongest(),
            Goal::Class(class) => Some(class),
        };
        let needs_two = class == Some(Class::TwoFactors);
        let with_password = self.password || shown.has(Method::Password);
        // A recovery code confirms that it is the user; to an app it is no more than the second of two factors.
        let with_recovery = if goal == Goal::Confirm { class != Some(Class::Password) } else { needs_two && with_password };
        let (code, recovery_code) = (needs_two && with_password && self.totp > 0, with_recovery && self.recovery_codes > 0);
        Missing {
            password: self.password && !shown.has(Method::Password) && (class == Some(Class::Password) || code || recovery_code),
            code,
            recovery_code,
            passkey: self.passkeys > 0 && (class < Some(Class::Hardware) || self.hardware),
        }
    }
}

/// What a page asks a user for further proofs for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goal {
    /// To complete a sign-in.
    SignIn,
    /// To confirm that it is they, before a change of what protects the account.
    Confirm,
    /// To reach a class for an app.
    Class(Class),
}

/// What the page asks for. With a passkey nothing else is needed; otherwise the password, where it is missing, and one of the codes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "any of them may be asked for beside any other")]
pub struct Missing {
    /// The password.
    pub password: bool,
    /// A code of a TOTP app.
    pub code: bool,
    /// A recovery code, in place of that one or of the passkey.
    pub recovery_code: bool,
    /// A passkey.
    pub passkey: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::account::proof::Proof;

    const NOW: Timestamp = Timestamp::from_millis(10_000_000);

    fn shown(methods: &[Method], age: i64) -> Proofs {
        let at = Timestamp::from_millis(NOW.millis() - age * 1000);
        methods.iter().fold(Proofs::default(), |proofs, method| proofs.with(Proof { method: *method, at }))
    }

    #[test]
    fn the_strongest_class_is_that_of_what_there_is() {
        let password = Owned { password: true, ..Owned::default() };
        let totp = Owned { totp: 2, ..password };
        let passkey = Owned { passkeys: 1, ..Owned::default() };
        assert_eq!(Owned::default().strongest(), None);
        assert_eq!(Owned { totp: 1, ..Owned::default() }.strongest(), None, "a code alone signs nobody in");
        assert_eq!(
            [password, totp, passkey, Owned { hardware: true, ..passkey }].map(|owned| owned.strongest().unwrap()),
            [Class::Password, Class::TwoFactors, Class::PhishingResistant, Class::Hardware]
        );
    }

    #[test]
    fn a_totp_app_is_needed_after_a_password_and_not_after_a_passkey() {
        let owned = Owned { password: true, passkeys: 1, totp: 1, ..Owned::default() };
        assert!(!owned.is_signed_in_by(&shown(&[Method::Password], 0), false));
        assert!(owned.is_signed_in_by(&shown(&[Method::Password], 0), true));
        for enough in [&[Method::Password, Method::Totp][..], &[Method::Password, Method::RecoveryCode], &[Method::Passkey]] {
            assert!(owned.is_signed_in_by(&shown(enough, 0), false), "{enough:?}");
        }
        assert!(!owned.is_signed_in_by(&shown(&[Method::Totp, Method::RecoveryCode], 0), true), "one factor twice");
    }

    #[test]
    fn a_change_needs_recent_proofs_of_the_strongest_kind_or_a_recovery_code() {
        let password = Owned { password: true, recovery_codes: 3, ..Owned::default() };
        let totp = Owned { totp: 1, ..password };
        let passkey = Owned { passkeys: 1, ..totp };
        let only_passkeys = Owned { password: false, totp: 0, ..passkey };
        let cases: [(Owned, &[Method], bool); 11] = [
            (password, &[Method::Password], true),
            (totp, &[Method::Password], false),
            (totp, &[Method::Totp], false),
            (totp, &[Method::Password, Method::Totp], true),
            (totp, &[Method::Password, Method::RecoveryCode], true),
            (passkey, &[Method::Password, Method::Totp], false),
            (passkey, &[Method::RecoveryCode], false),
            (passkey, &[Method::Passkey], true),
            (passkey, &[Method::Password, Method::RecoveryCode], true),
            (only_passkeys, &[Method::RecoveryCode], true),
            (Owned { hardware: true, ..passkey }, &[Method::Passkey], true),
        ];
        for (owned, methods, is_enough) in cases {
            assert_eq!(owned.is_confirmed_by(&shown(methods, 900), NOW), is_enough, "{owned:?} {methods:?}");
            assert!(!owned.is_confirmed_by(&shown(methods, 901), NOW), "too old: {owned:?} {methods:?}");
        }
    }
}
