//! Proving by a password who one is: at sign-in, and again before what matters in an account. The attempt is found, waits for its
//! turn, is let in by the counts (`throttle`) or not, and waits where its network has to; then the password is verified in its own gate,
//! the attempt is counted, an outdated hash is made anew, and what follows is done.

mod judging;

use std::sync::Arc;

use actix_web::web::Data;

use self::judging::{Judged, judge, verify};
use super::throttle::{Admission, Attempt};
use crate::{
    app::App,
    clock::Stopwatch,
    password_attempts::Permit,
    protocol::{id::Id, sensitive::Sensitive},
    store::{AnyConnection, users::User},
    web::{
        blocking::{Priority, run_blocking},
        fault::Fault,
        request::Context,
    },
};

/// A password on its way to being verified.
#[derive(Clone)]
pub struct Candidate {
    /// Whose it may be; nobody where it must not be looked at.
    pub user: Option<User>,
    /// Who has the name, for the log.
    pub user_id: Option<Id>,
    /// The counts that it is under.
    pub attempt: Attempt,
}

/// What is known of a password.
#[derive(Clone, Copy)]
pub enum Verdict<'a> {
    /// It is this user's.
    Right(&'a User),
    /// It is nobody's, or not looked at and to be answered as that.
    Wrong {
        /// Who has the name, for the log.
        user_id: Option<Id>,
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
const PERMIT_TIMEOUT: i64 = 5;

/// What came of an attempt that has its turn.
enum Outcome<T> {
    Done(T),
    /// It is not looked at yet: its network has to wait. It keeps its turn meanwhile.
    Slowed(Box<Candidate>, Permit),
}

/// An attempt under way: the password, and what follows.
#[derive(Clone)]
struct Proving<F> {
    app: Data<App>,
    context: Context,
    password: Arc<Sensitive<String>>,
    then: F,
}

/// Verifies the password of whom `look` finds, unless that has an answer already, and does what follows. What follows says `None` of
/// a right one where the password was set anew, or the account disabled, while this one was hashed. Whoever leaves while the
/// attempt waits for its turn, or for its network, has made none. One that has been let in goes on to its end though the caller may
/// have left: it is counted.
///
/// # Errors
/// What they say, or a [`Fault`]. Nothing is held against anyone then, but where the database failed after the attempt was let in:
/// that one stays counted for its user, and leaks out.
pub async fn by_password<S: Send + Sync + 'static, T: Send + 'static>(
    app: &Data<App>,
    context: &Context,
    password: Sensitive<String>,
    look: impl FnOnce(&App, &mut AnyConnection) -> Result<Result<(S, Candidate), T>, Fault> + Send + 'static,
    then: impl Fn(&App, &mut AnyConnection, &Arc<S>, Verdict<'_>) -> Result<Option<T>, Fault> + Clone + Send + 'static,
) -> Result<T, Fault> {
    let (app, context, password) = (app.clone(), context.clone(), Arc::new(password));
    let first = to_its_end(async move {
        let of_lookup = then.clone();
        let lookup = run_blocking(&app, Priority::Browsers, move |app, connection| -> Result<_, Fault> {
            let (state, mut candidate) = match look(app, connection)? {
                Ok((state, candidate)) => (Arc::new(state), candidate),
                Err(done) => return Ok(Err(done)),
            };
            // Nearly always nobody is before it, and the same blocking call goes on.
            let Some(permit) = candidate.attempt.try_acquire(&app.password_attempts) else {
                return Ok(Ok((state, candidate, None)));
            };
            match candidate.attempt.begin(connection, app.clock.now())? {
                Admission::Wait(seconds) => answer(of_lookup(app, connection, &state, Verdict::TooMany { seconds })?).map(Err),
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
    proving.slowed(candidate, permit).await
}

/// Does all of it, though the caller may leave.
async fn to_its_end<T: 'static>(work: impl Future<Output = Result<T, Fault>> + 'static) -> Result<T, Fault> {
    actix_web::rt::spawn(work).await.unwrap_or_else(|_| Err(Fault::Internal("password check failed unexpectedly".into())))
}

impl<T, F> Proving<F>
where
    T: Send + 'static,
    F: Fn(&App, &mut AnyConnection, Verdict<'_>) -> Result<Option<T>, Fault> + Clone + Send + 'static,
{
    /// Goes on with an attempt of which the counts say this.
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

    /// Waits for those that count as it does, and goes on.
    async fn queued(&self, mut candidate: Candidate) -> Result<Outcome<T>, Fault> {
        let Some(permit) = candidate.attempt.acquire(&self.app.password_attempts).await else {
            return self.too_many(PERMIT_TIMEOUT).await.map(Outcome::Done);
        };
        let proving = self.clone();
        to_its_end(async move {
            let begun = run_blocking(&proving.app, Priority::Own, move |app, connection| -> Result<_, Fault> {
                let admission = candidate.attempt.begin(connection, app.clock.now())?;
                Ok((candidate, admission))
            });
            let (candidate, admission) = begun.await?;
            proving.begun(candidate, admission, permit).await
        })
        .await
    }

    /// Waits until its network has room again, and goes on.
    async fn slowed(&self, mut candidate: Candidate, permit: Permit) -> Result<T, Fault> {
        let Some((of_network, patience)) = candidate.attempt.waiting(&self.app.password_attempts).await else {
            return self.too_many(PERMIT_TIMEOUT).await;
        };
        let mut permits = (permit, of_network);
        let begun = Stopwatch::start();
        loop {
            let proving = self.clone();
            let tried = to_its_end(async move {
                let admitted = run_blocking(&proving.app, Priority::Own, move |app, connection| -> Result<_, Fault> {
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

    /// Verifies the password, counts the attempt, and does what follows.
    async fn prove(&self, mut candidate: Candidate, admission: Admission) -> Result<T, Fault> {
        let Some(_place) = candidate.attempt.verifying(&self.app.password_attempts).await else {
            let then = self.then.clone();
            return run_blocking(&self.app, Priority::Own, move |app, connection| -> Result<T, Fault> {
                candidate.attempt.abandoned(connection)?;
                answer(then(app, connection, Verdict::TooMany { seconds: PERMIT_TIMEOUT })?)
            })
            .await;
        };
        if admission == Admission::Refuse {
            candidate.user = None; // a decoy is hashed, as for an unknown name: the same answer after the same time
        }
        let is_verified = admission != Admission::Refuse;
        let mut candidate = Box::new(candidate);
        let mut may_try_again = true;
        loop {
            let proof = verify(&self.app, &candidate, &self.password).await;
            let (context, then) = (self.context.clone(), self.then.clone());
            let judged = run_blocking(&self.app, Priority::Own, move |app, connection| -> Result<Judged<T>, Fault> {
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

    /// The answer to an attempt that is not looked at.
    async fn too_many(&self, seconds: i64) -> Result<T, Fault> {
        let then = self.then.clone();
        run_blocking(&self.app, Priority::Own, move |app, connection| {
            answer(then(app, connection, Verdict::TooMany { seconds })?)
        })
        .await
    }
}

fn answer<T>(done: Option<T>) -> Result<T, Fault> {
    done.ok_or_else(|| Fault::Internal("a rejected password has no response".into()))
}
