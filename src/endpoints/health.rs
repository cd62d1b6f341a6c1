//! For whatever watches the server: is it alive, is it ready. Alive needs nothing; ready needs a database that takes writes, the
//! keys, and a server that is not about to stop.

use std::time::Duration;

use actix_web::{
    HttpRequest,
    http::{StatusCode, header},
    web::Data,
};

use crate::{
    app::{App, Readiness},
    clock::Stopwatch,
    store::meta,
    web::{
        fault::{Fault, RETRY_AFTER},
        hop::{Lane, hop},
        reply::Reply,
        request::Context,
    },
};

/// How often a write is tried: a database that can only be read, a standby or a full disk, is found out within this time, and
/// whoever asks all the time does not make it write all the time.
const WRITE_EVERY: Duration = Duration::from_secs(5);

/// `GET /healthz`.
pub async fn alive() -> Reply {
    Reply::text(StatusCode::OK, "alive\n")
}

/// `GET /readyz`.
pub async fn ready(request: HttpRequest, app: Data<App>) -> Reply {
    let not_ready = |why: &str, note: &str| {
        Reply::text(StatusCode::SERVICE_UNAVAILABLE, why).with(header::RETRY_AFTER, RETRY_AFTER).noting(note)
    };
    if app.is_draining() {
        return not_ready("stopping\n", "");
    }
    let tell = |found: &Result<(), String>| match found {
        Ok(()) => Reply::text(StatusCode::OK, "ready\n"),
        Err(reason) => not_ready("not ready\n", reason),
    };
    let now = Context::of(&request).now;
    // Of many who ask at once one tries, and those who came before it began are told what it found.
    let came = Stopwatch::start();
    let mut last = app.readiness.lock().await;
    if let Some(last) = last.as_ref().filter(|last| last.began.elapsed() < came.elapsed()) {
        return tell(&last.found);
    }
    let began = Stopwatch::start();
    let wrote = last.as_ref().and_then(|last| last.wrote).filter(|wrote| wrote.elapsed() < WRITE_EVERY);
    let tried = hop(&app, Lane::Own, move |app, connection| -> Result<(), Fault> {
        if wrote.is_some() {
            meta::ping(connection)?;
        } else {
            meta::write(connection)?;
        }
        app.keys(connection, now)?.check(now)?;
        Ok(())
    });
    let found = tried.await.map_err(|fault| fault.reason().to_owned());
    let reply = tell(&found);
    let wrote = if found.is_ok() { wrote.or(Some(began)) } else { None };
    *last = Some(Readiness { began, wrote, found });
    reply
}
