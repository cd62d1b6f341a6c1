//! Liveness and readiness, for load balancers and monitoring. Liveness needs nothing; readiness needs a database that accepts
//! writes, the keys, and a server that is not stopping. A failing background task does not make the server unready, but is named.

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
    },
};

/// The interval between test writes: a database that became read-only, a standby or a full disk, is detected within this time, and
/// frequent checks do not cause constant writes.
const WRITE_EVERY: Duration = Duration::from_secs(5);

/// How long the test write waits for a thread of the blocking pool.
const TO_BEGIN: Duration = Duration::from_millis(250);

/// `GET /healthz`.
pub async fn alive() -> Reply {
    Reply::text(StatusCode::OK, "alive\n")
}

/// `GET /readyz`.
pub async fn ready(app: Data<App>) -> Reply {
    let not_ready = |why: &str, note: &str| {
        Reply::text(StatusCode::SERVICE_UNAVAILABLE, why).with(header::RETRY_AFTER, RETRY_AFTER).noting(note)
    };
    if app.is_draining() {
        return not_ready("stopping\n", "");
    }
    let tell = |found: &Result<(), NotReady>| match found {
        // Requests are still served. Reporting a failing background task as unready would take every process on this database out
        // of service, for one row that makes a task panic.
        Ok(()) => Reply::text(StatusCode::OK, &([vec!["ready".to_owned()], app.supervisor.failing()].concat().join("\n") + "\n")),
        Err(NotReady(reason)) => not_ready("not ready\n", reason),
    };
    let now = app.clock.now();
    // Of concurrent checks one probes, and those that arrived before it began share its result.
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

/// Tries a write, and returns whether it was possible: when all writing threads wait in commits, for a standby or a disk, none is
/// tried. Read-only requests are still served then, and would not be if the server called itself unready.
async fn takes_writes(app: &Data<App>) -> Result<bool, Fault> {
    match run_blocking_within(app, Priority::Internal, TO_BEGIN, |_, connection| -> Result<(), Fault> {
        Ok(meta::write(connection)?)
    })
    .await
    {
        Ok(()) => Ok(true),
        Err(Fault::Busy(_)) => Ok(false),
        Err(fault) => Err(fault),
    }
}
