//! What a user can sign in with.

use crate::{
    protocol::account::authenticator::{AuthenticatorKind, Owned},
    store::{
        AnyConnection, Result,
        authenticators::{self, Authenticator},
        users::User,
    },
};

/// The number of recovery codes in a set.
pub const RECOVERY_CODES: u32 = 10;

/// What this user has.
///
/// # Errors
/// Database errors.
pub fn owned(connection: &mut AnyConnection, user: &User) -> Result<Owned> {
    Ok(summary(user, &authenticators::of_user(connection, user.claims.id)?))
}

/// What a user with these authenticators has.
#[must_use]
pub fn summary(user: &User, authenticators: &[Authenticator]) -> Owned {
    let of_kind = |kind| authenticators.iter().filter(move |one| one.kind == kind);
    let left = |one: &Authenticator| RECOVERY_CODES.saturating_sub(one.counter.count_ones());
    Owned {
        password: user.password_hash.is_some(),
        passkeys: of_kind(AuthenticatorKind::Passkey).count(),
        hardware: false,
        totp: of_kind(AuthenticatorKind::Totp).count(),
        recovery_codes: of_kind(AuthenticatorKind::RecoveryCodes).map(left).sum(),
    }
}
