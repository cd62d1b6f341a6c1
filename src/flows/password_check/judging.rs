//! What is done with a password that was let in: it is verified in the gate of hashing, an outdated hash is made anew, and the
//! attempt is counted as what it was.

use super::{Candidate, answer};
use crate::{
    app::App,
    passwords::PasswordError,
    protocol::sensitive::Sensitive,
    store::{
        AnyConnection,
        users::{self, User},
    },
    web::{fault::Fault, request::Context},
};

/// What the gate found out.
pub struct Proof {
    is_right: bool,
    /// Another hash of the same password, which is to take the place of an outdated one.
    renewed: Option<String>,
}

/// What came of it, and whether it is to be verified once more.
pub enum Judged<T> {
    Done(T),
    Again(Box<Candidate>),
}

/// Verifies the password, and hashes it anew where that is due. It is no reason to fail if that cannot be done.
pub async fn verify(app: &App, candidate: &Candidate, password: &Sensitive<String>) -> Result<Proof, PasswordError> {
    let hash = candidate.user.as_ref().and_then(|user| user.password_hash.clone());
    let verified = app.passwords.verify(password.clone(), hash).await?;
    let renewed = if verified.outdated { app.passwords.hash_within_gate(password.clone()).await.ok() } else { None };
    Ok(Proof { is_right: verified.is_right, renewed })
}

/// Once more it is to be verified where it was right, but its hash has another in its place: a new password's, or that of
/// another sign-in, which hashed the same password anew.
pub fn judge<T>(
    app: &App,
    connection: &mut AnyConnection,
    context: &Context,
    (candidate, proof, may_try_again): (&Candidate, Result<Proof, PasswordError>, bool),
    then: &impl Fn(&App, &mut AnyConnection, Option<&User>) -> Result<Option<T>, Fault>,
) -> Result<Judged<T>, Fault> {
    let now = app.clock.now();
    let proof = match proof {
        Ok(proof) => proof,
        Err(error) => {
            candidate.attempt.abandoned(connection)?; // the password was not looked at
            return Err(error.into());
        }
    };
    if let Some(user) = candidate.user.as_ref().filter(|_| proof.is_right) {
        let mut user = user.clone();
        if let Some(new) = proof.renewed {
            replace_hash(connection, &mut user, new);
        }
        let done = match then(app, connection, Some(&user)) {
            Ok(done) => done,
            Err(fault) => {
                candidate.attempt.abandoned(connection)?; // the password was right: nothing is held against anyone
                return Err(fault);
            }
        };
        if let Some(done) = done {
            // What was asked for is done, and its answer must not be lost for a count that forgets by itself.
            if let Err(error) = candidate.attempt.succeeded(connection, now) {
                tracing::warn!(%error, "could not reset the failed attempts of a user who signed in");
            }
            return Ok(Judged::Done(done));
        }
        let current = users::find(connection, user.claims.id)?.filter(|current| current.disabled_at.is_none());
        if let Some(current) = current.filter(|current| may_try_again && current.password_hash != user.password_hash) {
            return Ok(Judged::Again(Box::new(Candidate { user: Some(current), ..candidate.clone() })));
        }
    }
    candidate.attempt.failed(connection, now)?;
    if let Some(user) = &candidate.user {
        app.history.failure(user.claims.id, context.origin(), now);
    }
    answer(then(app, connection, None)?).map(Judged::Done)
}

/// Keeps the hash made anew, if the old one still stands. Where that fails the user signs in with the old one, which is as
/// right as before.
fn replace_hash(connection: &mut AnyConnection, user: &mut User, new: String) {
    let old = user.password_hash.as_deref().unwrap_or_default();
    match users::replace_hash(connection, user.claims.id, old, &new) {
        Ok(true) => user.password_hash = Some(new),
        Ok(false) => {}
        Err(error) => tracing::warn!(user = %user.claims.id, %error, "could not replace an outdated password hash"),
    }
}
