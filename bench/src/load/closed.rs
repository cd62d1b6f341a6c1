//! The closed loop: so many connections, each of which sends its next request as soon as the last one is answered. Tells what
//! a server can do at most, and what a request costs it.

use std::{net::SocketAddr, rc::Rc, time::Duration};

use tokio::{task::JoinSet, time::Instant};

use super::{Round, Tally, Work};
use crate::{
    http::Connection,
    process::{Usage, Watched},
    trouble::{Result, Trouble},
};

/// What a round is.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Whom the connections call, in turn.
    pub addresses: Vec<SocketAddr>,
    /// How many there are.
    pub connections: usize,
    /// How long they go on before anything counts.
    pub warm_up: Duration,
    /// How long a round is.
    pub time: Duration,
}

/// A connection that failed so often in a row goes on no more.
const MOST_FAILURES: u32 = 20;

/// Sends `work` over and over for the time of the plan. Besides the round, the CPU time that the watched processes took.
///
/// # Errors
/// When the processes cannot be watched.
pub async fn run<W: Work>(plan: &Plan, work: &Rc<W>, watched: &Watched) -> Result<(Round, Usage)> {
    let tally = Rc::new(Tally::new()?);
    let mut connections = JoinSet::new();
    for address in plan.addresses.iter().copied().cycle().take(plan.connections) {
        let (work, tally) = (Rc::clone(work), Rc::clone(&tally));
        connections.spawn_local(async move {
            let mut connection = Connection::new(address);
            let mut failures = 0;
            while failures < MOST_FAILURES && !tally.is_over.get() {
                let sent = Instant::now();
                let outcome = work.once(&mut connection).await;
                failures = if outcome.is_err() { failures + 1 } else { 0 };
                tally.count(&outcome, sent.elapsed());
            }
        });
    }
    tokio::time::sleep(plan.warm_up).await;
    let (before, started) = (watched.usage()?, Instant::now());
    tally.counting.set(true);
    tokio::time::sleep(plan.time).await;
    tally.counting.set(false);
    let (time, after) = (started.elapsed(), watched.usage()?);
    // What is on its way is answered: a successor that nobody read would be missing in the next round.
    tally.is_over.set(true);
    while let Some(ended) = connections.join_next().await {
        ended.map_err(|error| Trouble::new(error.to_string()))?;
    }
    Ok((tally.round(time), after.since(before)))
}
