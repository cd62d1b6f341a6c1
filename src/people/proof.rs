//! Proving by a password who one is: at sign-in, and again before what matters in an account. The attempt was counted before
//! (`throttle`); here the password is verified in its own gate, an outdated hash is made anew, and what follows is done.

use actix_web::web::Data;

use super::throttle::Attempt;
use crate::{
    app::App,
    passwords::PasswordError,
    store::{
        AnyConnection,
        people::{self, Person},
    },
    web::{
        fault::Fault,
        hop::{Lane, hop},
        request::Context,
    },
};

/// A password on its way to being verified.
pub struct Candidate {
    /// Whose it may be; nobody where it must not be looked at.
    pub person: Option<Person>,
    /// The counters that it is under.
    pub attempt: Attempt,
}

/// What the gate found out.
struct Proof {
    is_right: bool,
    /// Another hash of the same password, which is to take the place of an outdated one.
    renewed: Option<String>,
}

/// What came of it, and whether it is to be verified once more.
enum Judged<T> {
    Done(T),
    Again(Box<Candidate>),
}

/// Verifies the password, and does what follows, with the person if it is theirs and without if not. What follows says
/// `None` where the password was set anew, or the account switched off, while this one was hashed.
///
/// # Errors
/// What follows says, or a [`Fault`]: then nothing is held against anyone.
pub async fn by_password<T: Send + 'static>(
    app: &Data<App>,
    context: &Context,
    candidate: Candidate,
    password: &str,
    then: impl Fn(&App, &mut AnyConnection, Option<&Person>) -> Result<Option<T>, Fault> + Clone + Send + 'static,
) -> Result<T, Fault> {
    let mut candidate = Box::new(candidate);
    let mut may_try_again = true;
    loop {
        let proof = verify(app, &candidate, password).await;
        let (context, then) = (context.clone(), then.clone());
        let judged = hop(app, Lane::Own, move |app, connection| -> Result<Judged<T>, Fault> {
            judge(app, connection, &context, (*candidate, proof, may_try_again), &then)
        });
        match judged.await? {
            Judged::Done(done) => return Ok(done),
            Judged::Again(again) => candidate = again,
        }
        may_try_again = false;
    }
}

/// Verifies the password, and hashes it anew where that is due. It is no reason to fail if that cannot be done.
async fn verify(app: &App, candidate: &Candidate, password: &str) -> Result<Proof, PasswordError> {
    let hash = candidate.person.as_ref().and_then(|person| person.password_hash.clone());
    let verified = app.passwords.verify(password.to_owned(), hash).await?;
    let renewed = if verified.outdated { app.passwords.hash_within_gate(password.to_owned()).await.ok() } else { None };
    Ok(Proof { is_right: verified.is_right, renewed })
}

/// Once more it is to be verified where it was right, but its hash has another in its place: a new password's, or that of
/// another sign-in, which hashed the same password anew.
fn judge<T>(
    app: &App,
    connection: &mut AnyConnection,
    context: &Context,
    (mut candidate, proof, may_try_again): (Candidate, Result<Proof, PasswordError>, bool),
    then: &impl Fn(&App, &mut AnyConnection, Option<&Person>) -> Result<Option<T>, Fault>,
) -> Result<Judged<T>, Fault> {
    let now = context.now;
    let proof = match proof {
        Ok(proof) => proof,
        Err(error) => {
            candidate.attempt.take_back(connection, now)?; // the password was not looked at
            return Err(error.into());
        }
    };
    if let Some(person) = candidate.person.as_mut().filter(|_| proof.is_right) {
        if let Some(new) = proof.renewed {
            replace_hash(connection, person, new);
        }
        let done = match then(app, connection, Some(person)) {
            Ok(done) => done,
            Err(fault) => {
                candidate.attempt.take_back(connection, now)?; // the password was right: nothing is held against anyone
                return Err(fault);
            }
        };
        if let Some(done) = done {
            candidate.attempt.succeeded(connection, now)?;
            return Ok(Judged::Done(done));
        }
        let current = people::find(connection, person.claims.id)?.filter(|current| current.disabled_at.is_none());
        if let Some(current) = current.filter(|current| may_try_again && current.password_hash != person.password_hash) {
            return Ok(Judged::Again(Box::new(Candidate { person: Some(current), ..candidate })));
        }
    }
    if let Some(person) = &candidate.person {
        app.history.failure(person.claims.id, context.origin(), now);
    }
    let done = then(app, connection, None)?;
    done.map(Judged::Done).ok_or_else(|| Fault::Internal("a wrong password has no answer".into()))
}

/// Keeps the hash made anew, if the old one still stands. Where that fails the person signs in with the old one, which is as
/// right as before.
fn replace_hash(connection: &mut AnyConnection, person: &mut Person, new: String) {
    let old = person.password_hash.as_deref().unwrap_or_default();
    match people::replace_hash(connection, person.claims.id, old, &new) {
        Ok(true) => person.password_hash = Some(new),
        Ok(false) => {}
        Err(error) => tracing::warn!(person = %person.claims.id, %error, "an outdated password hash could not be replaced"),
    }
}
