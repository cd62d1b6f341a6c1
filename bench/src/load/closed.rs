//! A closed loop: a number of connections, each of which sends its next request as soon as the previous one is answered. Measures
//! the server's maximum throughput, and the cost of a request.

use std::{net::SocketAddr, rc::Rc, time::Duration};

use tokio::{task::JoinSet, time::Instant};

use super::{Round, Tally, Work};
use crate::{
    http::Connection,
    process::{Usage, Watched},
    trouble::{Result, Trouble},
};

/// The plan of a round.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The servers' addresses, assigned to the connections in turn.
    pub addresses: Vec<SocketAddr>,
    /// The number of connections.
    pub connections: usize,
    /// The warm-up time, which is not counted.
    pub warm_up: Duration,
    /// The duration of the round.
    pub time: Duration,
}

/// The number of consecutive failures after which a connection gives up.
const MOST_FAILURES: u32 = 20;

/// Repeats `work` for the time of the plan. Returns the round, and the CPU time of the watched processes.
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
    // Requests in flight are completed: a successor that nobody read would be missing in the next round.
    tally.is_over.set(true);
    while let Some(ended) = connections.join_next().await {
        ended.map_err(|error| Trouble::new(error.to_string()))?;
    }
    Ok((tally.round(time), after.since(before)))
}
