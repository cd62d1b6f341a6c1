//! For whatever watches the server: is it alive, is it ready. Alive needs nothing; ready needs the database,
//! the keys, and a server that is not about to stop.

use actix_web::{
    HttpRequest,
    http::{StatusCode, header},
    web::Data,
};

use crate::{
    app::App,
    clock::Stopwatch,
    store::meta,
    web::{
        fault::{Fault, RETRY_AFTER},
        hop::{Lane, hop},
        reply::Reply,
        request::Context,
    },
};

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
    if let Some(found) = last.as_ref().filter(|(began, _)| began.elapsed() < came.elapsed()).map(|(_, found)| found) {
        return tell(found);
    }
    let began = Stopwatch::start();
    let tried = hop(&app, Lane::Own, move |app, connection| -> Result<(), Fault> {
        meta::ping(connection)?;
        app.keys(connection, now)?.check(now)?;
        Ok(())
    });
    let found = tried.await.map_err(|fault| fault.reason().to_owned());
    let reply = tell(&found);
    *last = Some((began, found));
    reply
}
