//! Overload: latency by load, the outcome at twice the capacity, and the effect on the rest of the server.

use std::{rc::Rc, time::Duration};

use super::memory::{PROXY, SIGN_INS};
use crate::{
    database::Kind,
    figures::LoadPoint,
    http,
    load::{Round, closed, open},
    process::Server,
    requests::{Same, SignIn},
    rows::Found,
    run::Run,
    site::{PASSWORD, Site},
    trouble::Result,
};

/// The offered loads, in percent of the capacity.
const LOADS: [u8; 9] = [10, 25, 50, 75, 90, 100, 125, 150, 200];
/// The maximum number of requests in flight: more than twice the capacity times the required latency.
const CONNECTIONS: usize = 2_048;
/// Requests per second besides the load: to `/healthz` meanwhile, and to `/token` during sign-ins.
const BESIDES: f64 = 20.0;

/// All rows, with refreshing.
///
/// # Errors
/// The reason why a row could not be measured.
pub async fn overload(run: &mut Run) -> Result<()> {
    let site = run.few(Kind::Postgres)?;
    let server = site.serve(&[]).await?;
    let plan = closed::Plan { connections: 64, ..run.plan(&[server.address]) };
    let (round, _) = closed::run(&plan, &site.rs256, &run.watched(&[&server])).await?;
    let capacity = round.sound()?.rate();
    let health = Rc::new(Same::new(vec![http::get("/healthz", "")], "alive"));
    for part in LOADS {
        let offered = capacity * f64::from(part) / 100.0;
        let refreshing = offer(run, &server, offered);
        let mail_form = open::Plan { connections: 64, ..offer(run, &server, BESIDES) };
        let (round, healthy) = tokio::join!(open::run(&refreshing, &site.rs256), open::run(&mail_form, &health));
        let (round, healthy) = (round?, healthy?);
        run.by_load.push(point(offered, &round));
        if part == 200 {
            tell(run, (&round, &healthy), capacity);
        }
        tokio::time::sleep(Duration::from_millis(500)).await; // queued requests are answered
    }
    server.stop().await?;
    during_sign_ins(run, &site).await
}

fn tell(run: &mut Run, (round, healthy): (&Round, &Round), capacity: f64) {
    let failure = round.failure.as_ref().map_or_else(String::new, |failure| format!("; first failure: {failure}"));
    let answered = round.rate();
    let refused = round.each_second(round.refused);
    let note = format!(
        "{answered:.0} accepted and {refused:.0} refused in a second; {capacity:.0} is the capacity, with 64 connections"
    );
    let accepted = Found { ours: round.within_ms(0.99), yardstick: None, sound: round.answered > 0, note };
    run.report("overload", accepted);
    let rest = format!("{} of {} requests{failure}", round.failed, round.answered + round.refused + round.failed);
    run.report("overload-rest", Found { ours: round.each_second(round.failed), yardstick: None, sound: true, note: rest });
    let note = format!("{} answered, {} not", healthy.answered, healthy.refused + healthy.failed);
    let sound = healthy.refused + healthy.failed == 0;
    run.report("overload-health", Found { ours: healthy.within_ms(0.99), yardstick: None, sound, note });
}

/// `/token` while 500 users sign in at once, over and over.
async fn during_sign_ins(run: &mut Run, site: &Site) -> Result<()> {
    let server = site.serve(&[PROXY]).await?;
    let sign_ins = Rc::new(SignIn::new(site.users(), PASSWORD));
    let plan = closed::Plan { connections: SIGN_INS, ..run.plan(&[server.address]) };
    let refreshing = offer(run, &server, BESIDES);
    let watched = run.watched(&[&server]);
    let (signed_in, round) = tokio::join!(closed::run(&plan, &sign_ins, &watched), open::run(&refreshing, &site.rs256));
    let ((signed_in, _), round) = (signed_in?, round?);
    let failure = round.failure.as_ref().map_or_else(String::new, |failure| format!("; first failure: {failure}"));
    let note = format!(
        "{} of {} answered, {BESIDES} offered in a second; {:.0} sign-ins a second{failure}",
        round.answered,
        round.answered + round.refused + round.failed,
        signed_in.rate()
    );
    let sound = round.answered > 0 && round.refused + round.failed == 0;
    run.report("overload-sign-ins", Found { ours: round.within_ms(0.99), yardstick: None, sound, note });
    server.stop().await
}

fn offer(run: &Run, server: &Server, rate: f64) -> open::Plan {
    open::Plan { address: server.address, rate, connections: CONNECTIONS, warm_up: Duration::from_secs(1), time: run.time() }
}

fn point(offered: f64, round: &Round) -> LoadPoint {
    LoadPoint {
        offered,
        answered: round.rate(),
        refused: round.each_second(round.refused),
        p50_ms: round.within_ms(0.5),
        p99_ms: round.within_ms(0.99),
    }
}
