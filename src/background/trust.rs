//! The check of this process's clock before irreversible work: compares it with the database's clock and monotonic time, has
//! `protocol::values::clock_check` judge, and logs a doubt once a minute for as long as it lasts.

use std::sync::PoisonError;

use crate::{
    app::App,
    protocol::values::{clock_check::Reading, time::Timestamp},
    store::{AnyConnection, Result, database_time, sweep_cursors},
};

/// Whether this reading of the clock is trusted: if not, nothing is deleted, ended or given up because of it.
pub(super) fn is_trusted(app: &App, connection: &mut AnyConnection, clock: Timestamp) -> Result<bool> {
    let monotonic = app.clock.monotonic();
    let database = app.clock.of_database(database_time::now(connection)?);
    let lock = || app.clock_check.lock().unwrap_or_else(PoisonError::into_inner);
    let last_work = if lock().is_new() { sweep_cursors::last_begun(connection)? } else { None };
    let mut check = lock();
    let judged = check.judge(Reading { clock, database, monotonic }, last_work);
    match &judged {
        Ok(()) if check.recovered() => tracing::info!("the clock is trusted again: housekeeping resumes"),
        Err(doubt) if check.report(monotonic) => {
            tracing::error!(%doubt, "the clock is not trusted: nothing is deleted, expired or given up meanwhile");
        }
        Ok(()) | Err(_) => {}
    }
    Ok(judged.is_ok())
}
