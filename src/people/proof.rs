//! Proving by a password who one is: at sign-in, and again before what matters in an account. The attempt is found, waits for its
//! turn, is let in by the counts (`throttle`) or not, and waits where its network has to; then the password is verified in its own gate,
//! the attempt is counted, an outdated hash is made anew, and what follows is done.

use std::sync::Arc;

use actix_web::web::Data;

use super::throttle::{Admission, Attempt};
use crate::{
    app::App,
    attempts::Turn,
    clock::Stopwatch,
    passwords::PasswordError,
    protocol::id::Id,
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
#[derive(Clone)]
pub struct Candidate {
    /// Whose it may be; nobody where it must not be looked at.
    pub person: Option<Person>,
    /// Who has the name, for the log.
    pub user: Option<Id>,
    /// The counts that it is under.
    pub attempt: Attempt,
}

/// What is known of a password.
#[derive(Clone, Copy)]
pub enum Verdict<'a> {
    /// It is this user's.
    Right(&'a Person),
    /// It is nobody's, or not looked at and to be answered as that.
    Wrong {
        /// Who has the name, for the log.
        user: Option<Id>,
        /// Whether it was looked at.
        is_verified: bool,
    },
    /// It was not looked at: too many attempts are made, and the user is told to wait so many seconds.
    TooMany {
        /// How long.
        seconds: i64,
    },
}

/// How long someone is told to wait whose turn did not come in time.
const TURN_MISSED: i64 = 5;

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

/// Verifies the password of whom `look` finds, unless that has an answer already, and does what follows. What follows says `None` of
/// a right one where the password was set anew, or the account switched off, while this one was hashed. All of it goes on to
/// its end though the caller may have left: what was begun is counted, and no attempt is left behind that was not.
///
/// # Errors
/// What they say, or a [`Fault`]. Nothing is held against anyone then, but where the database failed after the attempt was let in:
/// that one stays counted for its user, and leaks out.
pub async fn by_password<S: Send + Sync + 'static, T: Send + 'static>(
    app: &Data<App>,
    context: &Context,
    password: String,
    look: impl FnOnce(&App, &mut AnyConnection) -> Result<Result<(S, Candidate), T>, Fault> + Send + 'static,
    then: impl Fn(&App, &mut AnyConnection, &Arc<S>, Verdict<'_>) -> Result<Option<T>, Fault> + Clone + Send + 'static,
) -> Result<T, Fault> {
    let (app, context) = (app.clone(), context.clone());
    let proof = actix_web::rt::spawn(async move {
        let looked = hop(&app, Lane::People, move |app, connection| -> Result<_, Fault> {
            let (state, mut candidate) = match look(app, connection)? {
                Ok(found) => found,
                Err(done) => return Ok(Err(done)),
            };
            // Nearly always nobody is before it, and the same hop goes on.
            let begun = match candidate.attempt.try_turn(&app.attempts) {
                Some(turn) => Some((candidate.attempt.begin(connection, app.clock.now())?, turn)),
                None => None,
            };
            Ok(Ok((Arc::new(state), candidate, begun)))
        });
        let (state, candidate, begun) = match looked.await? {
            Ok(found) => found,
            Err(done) => return Ok(done),
        };
        let then = move |app: &App, connection: &mut AnyConnection, verdict: Verdict<'_>| then(app, connection, &state, verdict);
        let Some((candidate, admission, _turn)) = admitted(&app, candidate, begun).await? else {
            return too_many(&app, TURN_MISSED, then).await;
        };
        match admission {
            Admission::Wait(seconds) => too_many(&app, seconds, then).await,
            Admission::InTurn => match wait(&app, candidate).await? {
                Some((candidate, admission)) => prove(&app, &context, (candidate, admission), &password, then).await,
                None => too_many(&app, TURN_MISSED, then).await,
            },
            Admission::Go | Admission::Refuse => prove(&app, &context, (candidate, admission), &password, then).await,
        }
    });
    proof.await.unwrap_or_else(|_| Err(Fault::Internal("a password's proof did not end".into())))
}

/// What the counts say of an attempt, once it has its turn, which it keeps; `None` where that takes too long.
async fn admitted(
    app: &Data<App>,
    mut candidate: Candidate,
    begun: Option<(Admission, Turn)>,
) -> Result<Option<(Candidate, Admission, Turn)>, Fault> {
    if let Some((admission, turn)) = begun {
        return Ok(Some((candidate, admission, turn)));
    }
    let Some(turn) = candidate.attempt.turn(&app.attempts).await else { return Ok(None) };
    let begun = hop(app, Lane::Own, move |app, connection| -> Result<_, Fault> {
        let admission = candidate.attempt.begin(connection, app.clock.now())?;
        Ok((candidate, admission))
    });
    let (candidate, admission) = begun.await?;
    Ok(Some((candidate, admission, turn)))
}

/// The answer to an attempt that is not looked at.
async fn too_many<T: Send + 'static>(
    app: &Data<App>,
    seconds: i64,
    then: impl Fn(&App, &mut AnyConnection, Verdict<'_>) -> Result<Option<T>, Fault> + Send + 'static,
) -> Result<T, Fault> {
    hop(app, Lane::Own, move |app, connection| answer(then(app, connection, Verdict::TooMany { seconds })?)).await
}

/// Waits until the candidate's network has room again; `None` where that takes too long.
async fn wait(app: &Data<App>, mut candidate: Candidate) -> Result<Option<(Candidate, Admission)>, Fault> {
    let Some((_turn, patience)) = candidate.attempt.waiting(&app.attempts).await else { return Ok(None) };
    let begun = Stopwatch::start();
    loop {
        let admitted = hop(app, Lane::Own, move |app, connection| -> Result<_, Fault> {
            let admission = candidate.attempt.begin_in_turn(connection, app.clock.now())?;
            Ok((candidate, admission))
        });
        let (same, admission) = admitted.await?;
        candidate = same;
        match admission {
            Ok(admission) => return Ok(Some((candidate, admission))),
            Err(pause) if begun.elapsed() + pause <= patience => tokio::time::sleep(pause).await,
            Err(_) => return Ok(None),
        }
    }
}

async fn prove<T: Send + 'static>(
    app: &Data<App>,
    context: &Context,
    (mut candidate, admission): (Candidate, Admission),
    password: &str,
    then: impl Fn(&App, &mut AnyConnection, Verdict<'_>) -> Result<Option<T>, Fault> + Clone + Send + 'static,
) -> Result<T, Fault> {
    let Some(_place) = candidate.attempt.verifying(&app.attempts).await else {
        return hop(app, Lane::Own, move |app, connection| -> Result<T, Fault> {
            candidate.attempt.abandoned(connection)?;
            answer(then(app, connection, Verdict::TooMany { seconds: TURN_MISSED })?)
        })
        .await;
    };
    if admission == Admission::Refuse {
        candidate.person = None; // a decoy is hashed, as for an unknown name: the same answer after the same time
    }
    let is_verified = admission != Admission::Refuse;
    let mut candidate = Box::new(candidate);
    let mut may_try_again = true;
    loop {
        let proof = verify(app, &candidate, password).await;
        let (context, then) = (context.clone(), then.clone());
        let judged = hop(app, Lane::Own, move |app, connection| -> Result<Judged<T>, Fault> {
            let then = |app: &App, connection: &mut AnyConnection, right: Option<&Person>| {
                let wrong = Verdict::Wrong { user: candidate.user, is_verified };
                then(app, connection, right.map_or(wrong, Verdict::Right))
            };
            judge(app, connection, &context, (&candidate, proof, may_try_again), &then)
        });
        match judged.await? {
            Judged::Done(done) => return Ok(done),
            Judged::Again(again) => candidate = again,
        }
        may_try_again = false;
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
    (candidate, proof, may_try_again): (&Candidate, Result<Proof, PasswordError>, bool),
    then: &impl Fn(&App, &mut AnyConnection, Option<&Person>) -> Result<Option<T>, Fault>,
) -> Result<Judged<T>, Fault> {
    let now = app.clock.now();
    let proof = match proof {
        Ok(proof) => proof,
        Err(error) => {
            candidate.attempt.abandoned(connection)?; // the password was not looked at
            return Err(error.into());
        }
    };
    if let Some(person) = candidate.person.as_ref().filter(|_| proof.is_right) {
        let mut person = person.clone();
        if let Some(new) = proof.renewed {
            replace_hash(connection, &mut person, new);
        }
        let done = match then(app, connection, Some(&person)) {
            Ok(done) => done,
            Err(fault) => {
                candidate.attempt.abandoned(connection)?; // the password was right: nothing is held against anyone
                return Err(fault);
            }
        };
        if let Some(done) = done {
            // What was asked for is done, and its answer must not be lost for a count that forgets by itself.
            if let Err(error) = candidate.attempt.succeeded(connection, now) {
                tracing::warn!(%error, "what was counted against a user who signed in rightly could not be cleared");
            }
            return Ok(Judged::Done(done));
        }
        let current = people::find(connection, person.claims.id)?.filter(|current| current.disabled_at.is_none());
        if let Some(current) = current.filter(|current| may_try_again && current.password_hash != person.password_hash) {
            return Ok(Judged::Again(Box::new(Candidate { person: Some(current), ..candidate.clone() })));
        }
    }
    candidate.attempt.failed(connection, now)?;
    if let Some(person) = &candidate.person {
        app.history.failure(person.claims.id, context.origin(), now);
    }
    answer(then(app, connection, None)?).map(Judged::Done)
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
