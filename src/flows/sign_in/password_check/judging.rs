//! The verification of an admitted password on the hashing threads, the renewal of an outdated hash, and the counting of the
//! result.

use super::{After, Candidate, answer};
use crate::{
    app::App,
    passwords::PasswordError,
    protocol::secrets::sensitive::Sensitive,
    store::{
        AnyConnection,
        users::{self, User},
    },
    web::{context::Context, fault::Fault},
};

/// The result of the verification.
pub struct Proof {
    is_right: bool,
    /// A new hash of the same password, to replace an outdated one.
    renewed: Option<String>,
}

/// The response, or the user to verify the password against once more.
pub enum Judged<T> {
    Done(T),
    Again(Box<Candidate>),
}

/// Verifies the password, and renews its hash if it is outdated. A failure to renew it is not an error.
pub async fn verify(app: &App, candidate: &Candidate, password: &Sensitive<String>) -> Result<Proof, PasswordError> {
    if !candidate.has_password {
        return Ok(Proof { is_right: true, renewed: None });
    }
    let hash = candidate.user.as_ref().and_then(|user| user.password_hash.clone());
    let verified = app.passwords.verify(password.clone(), hash).await?;
    let renewed = if verified.outdated { app.passwords.hash_within_gate(password.clone()).await.ok() } else { None };
    Ok(Proof { is_right: verified.is_right, renewed })
}

/// Counts the attempt and calls `then`. A right password is verified once more if its hash was replaced meanwhile: by a new
/// password, or by another sign-in that renewed the hash.
pub fn judge<T>(
    app: &App,
    connection: &mut AnyConnection,
    context: &Context,
    (candidate, proof, may_try_again): (&Candidate, Result<Proof, PasswordError>, bool),
    then: &impl Fn(&App, &mut AnyConnection, Option<&User>) -> Result<Option<After<T>>, Fault>,
) -> Result<Judged<T>, Fault> {
    let now = app.clock.now();
    let proof = match proof {
        Ok(proof) => proof,
        Err(error) => {
            candidate.attempt.abandoned(connection)?; // the password was not verified
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
                candidate.attempt.abandoned(connection)?; // the password was right: the attempt is not counted
                return Err(fault);
            }
        };
        match done {
            // The action is done, and its response must not be lost because of a count that expires by itself.
            Some(After::Done(done)) => {
                if let Err(error) = candidate.attempt.succeeded(connection, now) {
                    tracing::warn!(%error, "could not reset the failed attempts of a user who signed in");
                }
                return Ok(Judged::Done(done));
            }
            Some(After::Partly(done)) => {
                if let Err(error) = candidate.attempt.abandoned(connection) {
                    tracing::warn!(%error, "could not take back the count of a right password");
                }
                return Ok(Judged::Done(done));
            }
            Some(After::Failed(failed)) => {
                candidate.attempt.failed(connection, now)?;
                app.history.failure(user.claims.id, context.origin(), now);
                return Ok(Judged::Done(failed));
            }
            None => {}
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

/// Stores the renewed hash, if the old one is still stored. If that fails the user signs in with the old one, which is just as
/// valid.
fn replace_hash(connection: &mut AnyConnection, user: &mut User, new: String) {
    let old = user.password_hash.as_deref().unwrap_or_default();
    match users::replace_hash(connection, user.claims.id, old, &new) {
        Ok(true) => user.password_hash = Some(new),
        Ok(false) => {}
        Err(error) => tracing::warn!(user = %user.claims.id, %error, "could not replace an outdated password hash"),
    }
}
