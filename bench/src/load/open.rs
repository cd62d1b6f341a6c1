//! The open loop: requests are due at a fixed rate, whether or not earlier ones were answered, as those of many users are.
//! Latency counts from when a request was due, not from when it was sent: what waited for a connection waited.

use std::{cell::Cell, net::SocketAddr, rc::Rc, time::Duration};

use tokio::{task::JoinSet, time::Instant};

use super::{Round, Tally, Work};
use crate::{
    http::Connection,
    numbers::{float, whole},
    trouble::{Result, Trouble},
};

/// What is offered.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// To whom.
    pub address: SocketAddr,
    /// Requests due in a second.
    pub rate: f64,
    /// How many can be on their way at once.
    pub connections: usize,
    /// How long the rate is kept before anything counts.
    pub warm_up: Duration,
    /// How long a round is.
    pub time: Duration,
}

/// Sends `work` at the rate of the plan. The round counts what was due in its time, also where the answer came later.
///
/// # Errors
/// When nothing can be counted.
pub async fn run<W: Work>(plan: &Plan, work: &Rc<W>) -> Result<Round> {
    let tally = Rc::new(Tally::new()?);
    tally.counting.set(true);
    let ignored = Rc::new(Tally::new()?); // what was due while warming up
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
    // Where the server was behind, the last answers came after the time of the plan: they took that long.
    Ok(tally.round(start.elapsed().saturating_sub(plan.warm_up).max(plan.time)))
}

/// When the next request is due, after the start; `None` when the round is over.
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
