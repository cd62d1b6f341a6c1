//! The codes tried in one sign-in in progress: ten, then it is void, however often its cookie is copied (NIST SP 800-63B-4 §3.2.2 asks for
//! a limit; the failures of the user are counted beside it, by `password`).

use super::TRIES;
use crate::{
    protocol::{
        secrets::SecretRing,
        values::{id::Id, time::Timestamp},
    },
    store::{AnyConnection, Result, rate_limits},
};

/// Counts another try in the sign-in that begins this session; false if there were ten.
///
/// # Errors
/// Database errors.
pub fn may_try(connection: &mut AnyConnection, secrets: &SecretRing, session: Id, now: Timestamp) -> Result<bool> {
    let key = secrets.pseudonym("second factors of a sign-in", &session.to_string());
    rate_limits::count_in_time(connection, &key, &TRIES, now)
}
