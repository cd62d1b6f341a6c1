//! An open loop: requests are due at a fixed rate, whether or not earlier ones were answered, like those of many independent users.
//! Latency counts from when a request was due, not from when it was sent: waiting for a connection is included.

use std::{cell::Cell, net::SocketAddr, rc::Rc, time::Duration};

use tokio::{task::JoinSet, time::Instant};

use super::{Round, Tally, Work};
use crate::{
    http::Connection,
    numbers::{float, whole},
    trouble::{Result, Trouble},
};

/// The offered load.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// The server's address.
    pub address: SocketAddr,
    /// Requests due per second.
    pub rate: f64,
    /// The maximum number of requests in flight.
    pub connections: usize,
    /// The warm-up time at this rate, which is not counted.
    pub warm_up: Duration,
    /// The duration of the round.
    pub time: Duration,
}

/// Sends `work` at the rate of the plan. The round counts the requests due in its time, even if the response came later.
///
/// # Errors
/// When the counters cannot be created.
pub async fn run<W: Work>(plan: &Plan, work: &Rc<W>) -> Result<Round> {
    let tally = Rc::new(Tally::new()?);
    tally.counting.set(true);
    let ignored = Rc::new(Tally::new()?); // requests due during the warm-up
    let taken = Rc::new(Cell::new(0));
    let (start, plan) = (Instant::now(), *plan);
    let mut connections = JoinSet::new();
    for _ in 0..plan.connections {
        let (work, tally, ignored, taken) = (Rc::clone(work), Rc::clone(&tally), Rc::clone(&ignored), Rc::clone(&taken));
        connections.spawn_local(async move {
            let mut connection = Connection::new(plan.address);
            while let Some(due) = next(&plan, &taken) {
                let at = start + due;
                tokio::time::sleep_until(at).await;
                let outcome = work.once(&mut connection).await;
                let into = if due < plan.warm_up { &ignored } else { &tally };
                into.count(&outcome, at.elapsed());
            }
        });
    }
    while let Some(ended) = connections.join_next().await {
        ended.map_err(|error| Trouble::new(error.to_string()))?;
    }
    // If the server fell behind, the last responses came after the planned time: the round took that long.
    Ok(tally.round(start.elapsed().saturating_sub(plan.warm_up).max(plan.time)))
}

/// The time after the start at which the next request is due; `None` at the end of the round.
fn next(plan: &Plan, taken: &Cell<u64>) -> Option<Duration> {
    let number = taken.get();
    taken.set(number + 1);
    let due = Duration::from_micros(whole(float(number) * 1_000_000.0 / plan.rate));
    (due < plan.warm_up + plan.time).then_some(due)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_due_at_the_rate_and_end_with_the_time() {
        let (warm_up, time) = (Duration::from_secs(1), Duration::from_secs(2));
        let plan = Plan { address: ([127, 0, 0, 1], 1).into(), rate: 4.0, connections: 1, warm_up, time };
        let taken = Cell::new(0);
        let due: Vec<_> = std::iter::from_fn(|| next(&plan, &taken)).collect();
        assert_eq!(due.len(), 12);
        assert_eq!(due[3], Duration::from_millis(750));
    }
}
