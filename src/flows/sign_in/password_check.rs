//! Password verification, at sign-in and for sensitive actions in an account. An attempt waits for its turn, is admitted or
//! rejected by its counts (`throttle`), and waits if its network is slowed down; then the password is verified on the hashing
//! threads, the attempt is counted, an outdated hash is renewed, and the caller's action is done.

mod judging;

use std::sync::Arc;

use actix_web::web::Data;

use self::judging::{Judged, judge, verify};
use super::throttle::{Admission, Attempt};
use crate::{
    app::App,
    clock::Stopwatch,
    limits::password_attempts::Permit,
    protocol::{secrets::sensitive::Sensitive, values::id::Id},
    store::{AnyConnection, users::User},
    web::{
        blocking::{Priority, run_blocking},
        context::Context,
        fault::Fault,
        page_request::PageError,
    },
};

/// A password to be verified, or a code.
#[derive(Clone)]
pub struct Candidate {
    /// The user whose password it may be; `None` if there is no such user, or it must not be verified.
    pub user: Option<User>,
    /// Whether there is a password to verify. Where there is only a code, the attempt waits and is counted all the same, and the caller
    /// checks the code.
    pub has_password: bool,
    /// The user with this name, for the log.
    pub user_id: Option<Id>,
    /// The counts that apply to the attempt.
    pub attempt: Attempt,
}

/// What followed a right password, with the response.
pub enum After<T> {
    /// The action is done, or the sign-in complete: earlier failures no longer count.
    Done(T),
    /// More has to be shown first: earlier failures count on, so that a known password does not renew the attempts at a code.
    Partly(T),
    /// What was shown along with the password is wrong: a failure like a wrong password.
    Failed(T),
}

/// The result for a password.
#[derive(Clone, Copy)]
pub enum Verdict<'a> {
    /// It is this user's.
    Right(&'a User),
    /// It is wrong, or was not verified and is to be answered like a wrong one.
    Wrong {
        /// The user with this name, for the log.
        user_id: Option<Id>,
        /// Whether it was verified.
        is_verified: bool,
    },
    /// It was not verified: there were too many attempts, and the user is told to wait.
    TooMany {
        /// How long, in seconds.
        seconds: i64,
    },
}

/// How long a user is told to wait, in seconds, if their attempt did not get its turn in time.
const PERMIT_TIMEOUT: i64 = 5;

/// The outcome of an attempt that had its turn.
enum Outcome<T> {
    Done(T),
    /// Not yet verified: its network is slowed down. It keeps its turn meanwhile.
    Slowed(Box<Candidate>, Permit),
}

/// An attempt in progress: the password, and the action that follows.
#[derive(Clone)]
struct Proving<F> {
    app: Data<App>,
    context: Context,
    password: Arc<Sensitive<String>>,
    then: F,
}

/// Verifies the password of the user that `look` finds, and calls `then`. The attempt is counted along with `then`, whose only
/// errors are faults; a page that is shown instead is a result. For a right password, `then` returns `None` if the password was
/// changed, or the account disabled, while this one was hashed; for another verdict, what it returns is [`After::Done`]. A caller who disconnects while the attempt waits for its turn, or
/// for its network, has made none. An admitted attempt is completed and counted even if the caller disconnects.
///
/// # Errors
/// The errors of `look` and `then`, or a [`Fault`]. The attempt is not counted then, unless the database failed after it was
/// admitted: it then stays counted for its user, and leaks out.
pub async fn by_password<S: Send + Sync + 'static, T: Send + 'static>(
    app: &Data<App>,
    context: &Context,
    password: Sensitive<String>,
    look: impl FnOnce(&App, &mut AnyConnection) -> Result<(S, Candidate), PageError> + Send + 'static,
    then: impl Fn(&App, &mut AnyConnection, &Arc<S>, Verdict<'_>) -> Result<Option<After<T>>, Fault> + Clone + Send + 'static,
) -> Result<T, PageError> {
    let (app, context, password) = (app.clone(), context.clone(), Arc::new(password));
    let first = to_its_end::<_, PageError>(async move {
        let of_lookup = then.clone();
        let lookup = run_blocking(&app, Priority::Browsers, move |app, connection| -> Result<_, PageError> {
            let (state, mut candidate) = look(app, connection)?;
            let state = Arc::new(state);
            // Almost always the turn is free, and the same blocking call continues.
            let Some(permit) = candidate.attempt.try_acquire(&app.password_attempts) else {
                return Ok(Ok((state, candidate, None)));
            };
            match candidate.attempt.begin(connection, app.clock.now())? {
                Admission::Wait(seconds) => Ok(Err(answer(of_lookup(app, connection, &state, Verdict::TooMany { seconds })?)?)),
                admission => Ok(Ok((state, candidate, Some((admission, permit))))),
            }
        });
        let (state, candidate, begun) = match lookup.await? {
            Ok(found) => found,
            Err(done) => return Ok(Err(done)),
        };
        let then = move |app: &App, connection: &mut AnyConnection, verdict: Verdict<'_>| then(app, connection, &state, verdict);
        let proving = Proving { app, context, password, then };
        let Some((admission, permit)) = begun else { return Ok(Ok((proving, candidate, None))) };
        Ok(match proving.begun(candidate, admission, permit).await? {
            Outcome::Done(done) => Err(done),
            Outcome::Slowed(candidate, permit) => Ok((proving, *candidate, Some(permit))),
        })
    });
    let (proving, candidate, permit) = match first.await? {
        Ok(waiting) => waiting,
        Err(done) => return Ok(done),
    };
    let (candidate, permit) = match permit {
        Some(permit) => (candidate, permit),
        None => match proving.queued(candidate).await? {
            Outcome::Slowed(candidate, permit) => (*candidate, permit),
            Outcome::Done(done) => return Ok(done),
        },
    };
    Ok(proving.slowed(candidate, permit).await?)
}

/// Completes the work even if the caller disconnects.
async fn to_its_end<T: 'static, E: From<Fault> + 'static>(work: impl Future<Output = Result<T, E>> + 'static) -> Result<T, E> {
    actix_web::rt::spawn(work).await.unwrap_or_else(|_| Err(Fault::Internal("password check failed unexpectedly".into()).into()))
}

impl<T, F> Proving<F>
where
    T: Send + 'static,
    F: Fn(&App, &mut AnyConnection, Verdict<'_>) -> Result<Option<After<T>>, Fault> + Clone + Send + 'static,
{
    /// Continues with an attempt after its admission.
    async fn begun(&self, candidate: Candidate, admission: Admission, permit: Permit) -> Result<Outcome<T>, Fault> {
        match admission {
            Admission::Wait(seconds) => self.too_many(seconds).await.map(Outcome::Done),
            Admission::Queued => Ok(Outcome::Slowed(Box::new(candidate), permit)),
            Admission::Go | Admission::Refuse => {
                let done = self.prove(candidate, admission).await;
                drop(permit);
                done.map(Outcome::Done)
            }
        }
    }

    /// Waits for attempts that count against the same name, and continues.
    async fn queued(&self, mut candidate: Candidate) -> Result<Outcome<T>, Fault> {
        let Some(permit) = candidate.attempt.acquire(&self.app.password_attempts).await else {
            return self.too_many(PERMIT_TIMEOUT).await.map(Outcome::Done);
        };
        let proving = self.clone();
        to_its_end(async move {
            let begun = run_blocking(&proving.app, Priority::Internal, move |app, connection| -> Result<_, Fault> {
                let admission = candidate.attempt.begin(connection, app.clock.now())?;
                Ok((candidate, admission))
            });
            let (candidate, admission) = begun.await?;
            proving.begun(candidate, admission, permit).await
        })
        .await
    }

    /// Waits until the network has room again, and continues.
    async fn slowed(&self, mut candidate: Candidate, permit: Permit) -> Result<T, Fault> {
        let Some((of_network, patience)) = candidate.attempt.waiting(&self.app.password_attempts).await else {
            return self.too_many(PERMIT_TIMEOUT).await;
        };
        let mut permits = (permit, of_network);
        let begun = Stopwatch::start();
        loop {
            let proving = self.clone();
            let tried = to_its_end(async move {
                let admitted = run_blocking(&proving.app, Priority::Internal, move |app, connection| -> Result<_, Fault> {
                    let admission = candidate.attempt.begin_queued(connection, app.clock.now())?;
                    Ok((candidate, admission))
                });
                let (candidate, admission) = admitted.await?;
                let admission = match admission {
                    Ok(admission) => admission,
                    Err(pause) => return Ok(Err((candidate, permits, pause))),
                };
                let (_permit, of_network) = permits;
                drop(of_network);
                proving.prove(candidate, admission).await.map(Ok)
            });
            match tried.await? {
                Ok(done) => return Ok(done),
                Err((same, kept, pause)) if begun.elapsed() + pause <= patience => {
                    (candidate, permits) = (same, kept);
                    tokio::time::sleep(pause).await;
                }
                Err(_) => return self.too_many(PERMIT_TIMEOUT).await,
            }
        }
    }

    /// Verifies the password, counts the attempt, and calls `then`.
    async fn prove(&self, mut candidate: Candidate, admission: Admission) -> Result<T, Fault> {
        let Some(_place) = candidate.attempt.verifying(&self.app.password_attempts).await else {
            let then = self.then.clone();
            return run_blocking(&self.app, Priority::Internal, move |app, connection| -> Result<T, Fault> {
                candidate.attempt.abandoned(connection)?;
                answer(then(app, connection, Verdict::TooMany { seconds: PERMIT_TIMEOUT })?)
            })
            .await;
        };
        if admission == Admission::Refuse {
            candidate.user = None; // a decoy is hashed, as for an unknown name: the same response after the same time
        }
        let is_verified = admission != Admission::Refuse;
        let mut candidate = Box::new(candidate);
        let mut may_try_again = true;
        loop {
            let proof = verify(&self.app, &candidate, &self.password).await;
            let (context, then) = (self.context.clone(), self.then.clone());
            let judged = run_blocking(&self.app, Priority::Internal, move |app, connection| -> Result<Judged<T>, Fault> {
                let then = |app: &App, connection: &mut AnyConnection, right: Option<&User>| {
                    let wrong = Verdict::Wrong { user_id: candidate.user_id, is_verified };
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

    /// The response to an attempt that is not verified.
    async fn too_many(&self, seconds: i64) -> Result<T, Fault> {
        let then = self.then.clone();
        run_blocking(&self.app, Priority::Internal, move |app, connection| {
            answer(then(app, connection, Verdict::TooMany { seconds })?)
        })
        .await
    }
}

fn answer<T>(after: Option<After<T>>) -> Result<T, Fault> {
    match after {
        Some(After::Done(response) | After::Partly(response) | After::Failed(response)) => Ok(response),
        None => Err(Fault::Internal("a rejected password has no response".into())),
    }
}
