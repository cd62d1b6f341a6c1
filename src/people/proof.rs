//! Proving by a password who one is: at sign-in, and again before what matters in an account. The attempt was let in before
//! (`throttle`); here it waits for its turn, the password is verified in its own gate, the attempt is counted, an outdated hash is
//! made anew, and what follows is done.

use actix_web::web::Data;

use super::throttle::{Admission, Attempt};
use crate::{
    app::App,
    attempts::Turn,
    clock::Stopwatch,
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
    /// The counts that it is under.
    pub attempt: Attempt,
    /// Whether it has to wait until its network has room again.
    pub must_wait: bool,
    /// Its turns, which end with it.
    pub turns: Vec<Turn>,
}

/// What is known of a password.
#[derive(Clone, Copy)]
pub enum Verdict<'a> {
    /// It is this user's.
    Right(&'a Person),
    /// It is nobody's, or not looked at and to be answered as that.
    Wrong,
    /// It was not looked at: too many attempts are made, and the user is told to wait so many seconds.
    TooMany {
        /// How long.
        seconds: i64,
    },
}

/// How long someone is told to wait whose turn did not come in time.
pub const TURN_MISSED: i64 = 5;

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

/// Verifies the password, and does what follows. What follows says `None` of a right one where the password was set anew, or the
/// account switched off, while this one was hashed. What was begun is ended and counted though the caller may have left.
///
/// # Errors
/// What follows says, or a [`Fault`]: then nothing is held against anyone.
pub async fn by_password<T: Send + 'static>(
    app: &Data<App>,
    context: &Context,
    candidate: Candidate,
    password: &str,
    then: impl Fn(&App, &mut AnyConnection, Verdict<'_>) -> Result<Option<T>, Fault> + Clone + Send + 'static,
) -> Result<T, Fault> {
    let (app, context, password) = (app.clone(), context.clone(), password.to_owned());
    let proof = actix_web::rt::spawn(async move { prove(&app, &context, candidate, &password, then).await });
    proof.await.unwrap_or_else(|_| Err(Fault::Internal("a password's proof did not end".into())))
}

async fn prove<T: Send + 'static>(
    app: &Data<App>,
    context: &Context,
    mut candidate: Candidate,
    password: &str,
    then: impl Fn(&App, &mut AnyConnection, Verdict<'_>) -> Result<Option<T>, Fault> + Clone + Send + 'static,
) -> Result<T, Fault> {
    let is_admitted = !candidate.must_wait || wait(app, &mut candidate).await?;
    let place = if is_admitted { candidate.attempt.verifying(&app.attempts).await } else { None };
    let Some(place) = place else {
        return hop(app, Lane::Own, move |app, connection| -> Result<T, Fault> {
            if is_admitted {
                candidate.attempt.abandoned(connection)?;
            }
            answer(then(app, connection, Verdict::TooMany { seconds: TURN_MISSED })?)
        })
        .await;
    };
    candidate.turns.push(place);
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

/// Waits until the candidate's network has room again; false where that takes too long.
async fn wait(app: &Data<App>, candidate: &mut Candidate) -> Result<bool, Fault> {
    let Some((turn, patience)) = candidate.attempt.waiting(&app.attempts).await else { return Ok(false) };
    let begun = Stopwatch::start();
    loop {
        let mut attempt = candidate.attempt.clone();
        let admitted = hop(app, Lane::Own, move |app, connection| -> Result<_, Fault> {
            let admission = attempt.begin_in_turn(connection, app.clock.now())?;
            Ok((attempt, admission))
        });
        let (attempt, admission) = admitted.await?;
        candidate.attempt = attempt;
        match admission {
            Ok(admission) => {
                // As for a wrong password a decoy is hashed: the same answer after the same time.
                candidate.person.take_if(|_| admission == Admission::Refuse);
                drop(turn);
                return Ok(true);
            }
            Err(pause) if begun.elapsed() + pause <= patience => tokio::time::sleep(pause).await,
            Err(_) => return Ok(false),
        }
    }
}

fn answer<T>(done: Option<T>) -> Result<T, Fault> {
    done.ok_or_else(|| Fault::Internal("a password that is not taken has no answer".into()))
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
    then: &impl Fn(&App, &mut AnyConnection, Verdict<'_>) -> Result<Option<T>, Fault>,
) -> Result<Judged<T>, Fault> {
    let now = app.clock.now();
    let proof = match proof {
        Ok(proof) => proof,
        Err(error) => {
            candidate.attempt.abandoned(connection)?; // the password was not looked at
            return Err(error.into());
        }
    };
    if let Some(person) = candidate.person.as_mut().filter(|_| proof.is_right) {
        if let Some(new) = proof.renewed {
            replace_hash(connection, person, new);
        }
        let done = match then(app, connection, Verdict::Right(person)) {
            Ok(done) => done,
            Err(fault) => {
                candidate.attempt.abandoned(connection)?; // the password was right: nothing is held against anyone
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
    candidate.attempt.failed(connection, now)?;
    if let Some(person) = &candidate.person {
        app.history.failure(person.claims.id, context.origin(), now);
    }
    answer(then(app, connection, Verdict::Wrong)?).map(Judged::Done)
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
