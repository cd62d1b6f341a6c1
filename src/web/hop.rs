//! The one hop: a request enters the blocking pool once, with one connection, and its story runs there from
//! top to bottom. Who finds no connection free waits without a thread, and not for ever.

use std::time::Duration;

use actix_web::web::Data;

use super::fault::Fault;
use crate::{
    app::App,
    store::{AnyConnection, error::Outage},
};

/// How long a story may take. Longer than the limits of the databases themselves (`store::dialect`: 10 s for a
/// statement, 5 s for a lock): only one that neither answers nor hangs up is given up on here.
const STORY_TIME: Duration = Duration::from_secs(15);

/// Runs a story with a connection.
///
/// # Errors
/// What the story says, or a [`Fault`] when no connection is to be had.
pub async fn hop<T, E>(
    app: &Data<App>,
    story: impl FnOnce(&App, &mut AnyConnection) -> Result<T, E> + Send + 'static,
) -> Result<T, E>
where
    T: Send + 'static,
    E: From<Fault> + From<crate::store::Error> + Outage + Send + 'static,
{
    let waiting = app.connections.clone().acquire_owned();
    let Ok(Ok(permit)) = tokio::time::timeout(app.config.database_timeout, waiting).await else {
        return Err(Fault::Busy("every database connection was busy for too long".into()).into());
    };
    let app = app.clone();
    let finished = actix_web::web::block(move || {
        let result = app.store.with(|connection| story(&app, connection));
        drop(permit);
        result
    });
    match tokio::time::timeout(STORY_TIME, finished).await {
        Ok(finished) => finished.unwrap_or_else(|error| Err(Fault::Internal(format!("a story did not end: {error}")).into())),
        // It goes on where it is, and keeps its permit until the connection is found to be dead.
        Err(_) => Err(Fault::Unavailable(format!("the database did not answer within {} s", STORY_TIME.as_secs())).into()),
    }
}
