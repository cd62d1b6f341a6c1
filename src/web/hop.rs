//! The one hop: a request leaves the thread that reads requests once, and its story runs from top to bottom on a thread that
//! may block, with one connection. Who waits for a turn does so without a thread, and not for ever (`crate::stories`).

use std::time::Duration;

use actix_web::web::Data;

pub use crate::stories::Lane;

use super::fault::Fault;
use crate::{
    app::App,
    store::{AnyConnection, error::Outage},
    stories::Refused,
};

/// How long is waited for a story once the time for it to begin is over. Longer than the limits of the databases themselves
/// (`store::dialect`: 10 s for a statement, 2 s for a lock): only one that neither answers nor hangs up is given up on here.
const STORY_TIME: Duration = Duration::from_secs(15);

/// Runs a story with a connection.
///
/// # Errors
/// What the story says, or a [`Fault`] when it could not begin, or did not end.
pub async fn hop<T, E>(
    app: &Data<App>,
    lane: Lane,
    story: impl FnOnce(&App, &mut AnyConnection) -> Result<T, E> + Send + 'static,
) -> Result<T, E>
where
    T: Send + 'static,
    E: From<Fault> + From<crate::store::Error> + Outage + Send + 'static,
{
    let (told, stuck) = (app.clone(), app.clone());
    let work = move || told.store.with(|connection| story(&told, connection));
    let ran = app.stories.run(lane, (app.config.database_timeout, STORY_TIME), work).await;
    ran.unwrap_or_else(|refused| {
        let reason = refused.to_string();
        let fault = match refused {
            Refused::Overload | Refused::TooLate => Fault::Busy(reason),
            Refused::Unfinished => {
                rescue(&stuck);
                Fault::Unavailable(reason) // it goes on where it is until it ends, or the connection is found to be dead
            }
            Refused::Died => Fault::Internal(reason),
        };
        Err(fault.into())
    })
}

/// A story did not end in time: it may wait in a commit for a standby that is away, with its thread, and the caller has been told
/// that it is not known what became of it.
fn rescue(app: &Data<App>) {
    let store = app.store.clone();
    tokio::task::spawn_blocking(move || match store.end_waiting_commits() {
        Ok(0) => {}
        Ok(count) => tracing::error!(count, "commits waited too long for a synchronous standby: they count without it now"),
        Err(error) => tracing::warn!(%error, "commits that wait could not be looked for"),
    });
}
