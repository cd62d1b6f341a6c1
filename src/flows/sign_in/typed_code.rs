//! The check of a typed code: of one of the user's TOTP apps, or a recovery code. A right code is used up by the check itself, in a
//! compare-and-swap, so that of many concurrent uses one wins. Attempts are counted by the caller (`password_check`).

use crate::{
    app::App,
    codes::{recovery::Seed, totp::Secret},
    protocol::{
        account::{
            activity::{Activity, Origin},
            authenticator::{AuthenticatorKind, RECOVERY_CODES},
        },
        oidc::authentication::Method,
        secrets::sensitive::Sensitive,
        values::time::Timestamp,
    },
    random,
    store::{
        AnyConnection, Result, account,
        activity::Event,
        authenticators::{self, Authenticator},
        users::User,
    },
};

/// How often the use of a recovery code is tried, while others of the set are used concurrently.
const TRIES: u32 = 5;

/// A code as it was typed.
pub enum TypedCode {
    /// Of a TOTP app.
    Totp(Sensitive<String>),
    /// A recovery code.
    Recovery(Sensitive<String>),
}

/// The result of the check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checked {
    /// It was right, and is used up now.
    Right,
    /// It would be right, but is the one that was used last, or a recovery code that was used before: wrong, except where the same form
    /// has used it a moment ago.
    Used,
    /// It is wrong.
    Wrong,
}

impl TypedCode {
    /// The method that a right code proves.
    #[must_use]
    pub const fn method(&self) -> Method {
        match self {
            Self::Totp(_) => Method::Totp,
            Self::Recovery(_) => Method::RecoveryCode,
        }
    }

    /// What was typed.
    #[must_use]
    pub const fn text(&self) -> &Sensitive<String> {
        let (Self::Totp(text) | Self::Recovery(text)) = self;
        text
    }

    /// Checks the code of a user, and uses it up.
    ///
    /// # Errors
    /// Database errors.
    pub fn check(
        &self,
        app: &App,
        connection: &mut AnyConnection,
        user: &User,
        (origin, now): (&Origin, Timestamp),
    ) -> Result<Checked> {
        let all = authenticators::of_user(connection, user.claims.id)?;
        match self {
            Self::Totp(code) => {
                let mut result = Checked::Wrong;
                // Every app, so that the time does not say which one a code is of.
                for row in all.iter().filter(|one| one.kind == AuthenticatorKind::Totp) {
                    match check_totp(app, connection, row, code.expose(), now)? {
                        Checked::Wrong => {}
                        found => result = found,
                    }
                }
                Ok(result)
            }
            Self::Recovery(code) => match all.into_iter().find(|one| one.kind == AuthenticatorKind::RecoveryCodes) {
                Some(set) => check_recovery(app, connection, (user, set), code.expose(), (origin, now)),
                None => Ok(Checked::Wrong),
            },
        }
    }
}

/// RFC 6238 §5.2: a step is used once. One before the last that was used is refused as well.
fn check_totp(app: &App, connection: &mut AnyConnection, row: &Authenticator, code: &str, now: Timestamp) -> Result<Checked> {
    let secret = match Secret::open(&app.config.secrets, row.id, &row.content) {
        Ok(secret) => secret,
        Err(error) => {
            tracing::error!(%error, authenticator = %row.id, "the secret of a TOTP app cannot be opened: its codes are refused");
            return Ok(Checked::Wrong);
        }
    };
    let Some(step) = secret.step_of(code, now) else { return Ok(Checked::Wrong) };
    if step > row.counter && authenticators::advance(connection, row, step, now)? {
        return Ok(Checked::Right);
    }
    let current = authenticators::find(connection, row.id)?;
    Ok(if current.is_some_and(|row| row.counter == step) { Checked::Used } else { Checked::Wrong })
}

fn check_recovery(
    app: &App,
    connection: &mut AnyConnection,
    (user, mut set): (&User, Authenticator),
    code: &str,
    (origin, now): (&Origin, Timestamp),
) -> Result<Checked> {
    let seed = match Seed::open(&app.config.secrets, set.id, &set.content) {
        Ok(seed) => seed,
        Err(error) => {
            tracing::error!(%error, authenticator = %set.id, "a set of recovery codes cannot be opened: its codes are refused");
            return Ok(Checked::Wrong);
        }
    };
    let Some(number) = seed.number_of(code) else { return Ok(Checked::Wrong) };
    for _ in 0..TRIES {
        if set.counter >> number & 1 == 1 {
            return Ok(Checked::Used);
        }
        let left = RECOVERY_CODES.saturating_sub(set.counter.count_ones() + 1).to_string();
        let (id, activity, about) = (random::id(now), Activity::RecoveryCodeUsed, Some(left.as_str()));
        let event = Event { id, user: user.claims.id, activity, origin, about, grant: None, at: now };
        if account::use_recovery_code(connection, (user, &set), number, &event)? {
            app.delivery_waker.wake();
            return Ok(Checked::Right);
        }
        // Another code of the set was used at the same time, or this one, or there is another set now.
        match authenticators::find(connection, set.id)? {
            Some(current) => set = current,
            None => break,
        }
    }
    Ok(Checked::Wrong)
}
