//! The resident memory of a server: at rest, the maximum while many connections refresh, the maximum during many concurrent
//! sign-ins.

use std::{rc::Rc, time::Duration};

use crate::{database::Kind, load::closed, process, requests::SignIn, rows::Found, run::Run, site::PASSWORD, trouble::Result};

/// The number of users signing in at once.
pub const SIGN_INS: usize = 500;
/// The proxy that reports the addresses of the users signing in.
pub const PROXY: (&str, &str) = ("SYMBOLON_TRUSTED_PROXIES", "127.0.0.1");

/// All three measurements.
///
/// # Errors
/// The reason why one could not be measured.
pub async fn memory(run: &mut Run) -> Result<()> {
    let site = run.few(Kind::Postgres)?;
    let server = site.serve(&[]).await?;
    tokio::time::sleep(Duration::from_secs(2)).await; // the first rounds of background work have finished
    let at_rest = process::memory_mib(server.pid(), "VmRSS")?;
    run.report("memory-rest", reported(at_rest, String::new()));
    let plan = closed::Plan { connections: 64, ..run.plan(&[server.address]) };
    let (round, _) = closed::run(&plan, &site.rs256, &run.watched(&[&server])).await?;
    let round = round.sound()?;
    let most = process::memory_mib(server.pid(), "VmHWM")?;
    run.report("memory-refresh", reported(most, format!("{:.0} requests a second", round.rate())));
    server.stop().await?;

    let server = site.serve(&[PROXY]).await?;
    let plan = closed::Plan { connections: SIGN_INS, ..run.plan(&[server.address]) };
    let work = Rc::new(SignIn::new(site.users(), PASSWORD));
    let (round, _) = closed::run(&plan, &work, &run.watched(&[&server])).await?;
    let most = process::memory_mib(server.pid(), "VmHWM")?;
    let after = process::memory_mib(server.pid(), "VmRSS")?;
    let note = format!(
        "{:.0} sign-ins a second, {} refused, {} failed; {after:.0} MiB afterwards",
        round.rate(),
        round.refused,
        round.failed
    );
    run.report("memory-sign-ins", Found { sound: round.failed == 0, ..reported(most, note) });
    server.stop().await
}

fn reported(ours: f64, note: String) -> Found {
    Found { ours, yardstick: None, sound: true, note }
}
