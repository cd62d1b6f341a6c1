//! For whatever watches the server: is it alive, is it ready. Alive needs nothing; ready needs a database that takes writes, the
//! keys, and a server that is not about to stop. Work beside requests that fails does not make it unready, and is named.

use std::time::Duration;

use actix_web::{
    http::{StatusCode, header},
    web::Data,
};

use crate::{
    app::{App, NotReady, Readiness},
    clock::Stopwatch,
    store::meta,
    web::{
        blocking::{Priority, run_blocking, run_blocking_within},
        fault::{Fault, RETRY_AFTER},
        reply::Reply,
        request::Request,
    },
};

/// How often a write is tried: a database that can only be read, a standby or a full disk, is found out within this time, and
/// whoever asks all the time does not make it write all the time.
const WRITE_EVERY: Duration = Duration::from_secs(5);

/// How long a thread for that write is waited for.
const TO_BEGIN: Duration = Duration::from_millis(250);

/// `GET /healthz`.
pub async fn alive() -> Reply {
    Reply::text(StatusCode::OK, "alive\n")
}

/// `GET /readyz`.
pub async fn ready(request: Request, app: Data<App>) -> Reply {
    let not_ready = |why: &str, note: &str| {
        Reply::text(StatusCode::SERVICE_UNAVAILABLE, why).with(header::RETRY_AFTER, RETRY_AFTER).noting(note)
    };
    if app.is_draining() {
        return not_ready("stopping\n", "");
    }
    let tell = |found: &Result<(), NotReady>| match found {
        // Requests are served all the same. Whoever took the server out of service for this would take out every process that
        // works on the same database, for one row that makes a loop of theirs panic.
        Ok(()) => Reply::text(StatusCode::OK, &([vec!["ready".to_owned()], app.supervisor.failing()].concat().join("\n") + "\n")),
        Err(NotReady(reason)) => not_ready("not ready\n", reason),
    };
    let now = request.context.now;
    // Of many who ask at once one tries, and those who came before it began are told what it found.
    let came = Stopwatch::start();
    let mut last = app.readiness.lock().await;
    if let Some(last) = last.as_ref().filter(|last| last.began.elapsed() < came.elapsed()) {
        return tell(&last.found);
    }
    let began = Stopwatch::start();
    let wrote = last.as_ref().and_then(|last| last.wrote).filter(|wrote| wrote.elapsed() < WRITE_EVERY);
    let reads = run_blocking(&app, Priority::Health, move |app, connection| -> Result<(), Fault> {
        meta::ping(connection)?;
        app.keys(connection, now)?.check(now)?;
        Ok(())
    });
    let was_unwritable = last.as_ref().is_some_and(|last| last.is_unwritable);
    let read = reads.await.map_err(|fault| NotReady(fault.reason().to_owned()));
    let (found, wrote, is_unwritable) = match (read, wrote) {
        (Err(reason), _) => (Err(reason), None, was_unwritable),
        (Ok(()), Some(wrote)) => (Ok(()), Some(wrote), false),
        (Ok(()), None) => match takes_writes(&app).await {
            Ok(true) => (Ok(()), Some(began), false),
            Ok(false) if was_unwritable => {
                (Err(NotReady("the last test write failed, and none could be tried since".to_owned())), None, true)
            }
            Ok(false) => (Ok(()), None, false),
            Err(fault) => (Err(NotReady(fault.reason().to_owned())), None, true),
        },
    };
    let reply = tell(&found);
    *last = Some(Readiness { began, wrote, is_unwritable, found });
    reply
}

/// Tries a write, and says whether it could: where all threads that write wait in commits, for a standby or a disk, none is tried.
/// Whoever only reads is served all the same then, and would not be by a server that called itself not ready.
async fn takes_writes(app: &Data<App>) -> Result<bool, Fault> {
    match run_blocking_within(app, Priority::Own, TO_BEGIN, |_, connection| -> Result<(), Fault> { Ok(meta::write(connection)?) })
        .await
    {
        Ok(()) => Ok(true),
        Err(Fault::Busy(_)) => Ok(false),
        Err(fault) => Err(fault),
    }
}
