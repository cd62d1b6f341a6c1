//! Load on a server: the requests (`Work`) and the results of a round (`Round`). `closed` sends the next request when the previous
//! one is answered, `open` when it is due. Everything runs in one thread, so that it takes at most one core from the server.

pub mod closed;
pub mod open;

use std::{
    cell::{Cell, RefCell},
    time::Duration,
};

use hdrhistogram::Histogram;

use crate::{
    http::{Answer, Connection},
    numbers::float,
    trouble::{Result, Trouble},
};

/// The outcome of one piece of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Completed.
    Answered,
    /// Refused as overloaded: 503 with `Retry-After`.
    Refused,
}

/// The work that a connection repeats.
pub trait Work: 'static {
    /// Performs it once.
    ///
    /// # Errors
    /// When the response is not as expected.
    async fn once(&self, connection: &mut Connection) -> Result<Outcome>;
}

/// The outcome of a response where this status is expected.
pub fn outcome(answer: &Answer, expected: u16) -> Result<Outcome> {
    match answer.status {
        status if status == expected => Ok(Outcome::Answered),
        503 if answer.header("retry-after").is_some() => Ok(Outcome::Refused),
        _ => Err(answer.unexpected()),
    }
}

/// The counters of a round in progress.
struct Tally {
    counting: Cell<bool>,
    is_over: Cell<bool>,
    answered: Cell<u64>,
    refused: Cell<u64>,
    failed: Cell<u64>,
    failure: RefCell<Option<String>>,
    latencies: RefCell<Histogram<u64>>,
}

impl Tally {
    fn new() -> Result<Self> {
        // Up to a minute, to three digits.
        let latencies = Histogram::new_with_bounds(1, 60_000_000, 3).map_err(|error| Trouble::new(error.to_string()))?;
        Ok(Self {
            counting: Cell::new(false),
            is_over: Cell::new(false),
            answered: Cell::new(0),
            refused: Cell::new(0),
            failed: Cell::new(0),
            failure: RefCell::new(None),
            latencies: RefCell::new(latencies),
        })
    }

    fn count(&self, outcome: &Result<Outcome>, latency: Duration) {
        if let Err(trouble) = outcome {
            self.failure.borrow_mut().get_or_insert_with(|| trouble.to_string());
        }
        if !self.counting.get() {
            return;
        }
        match outcome {
            Ok(Outcome::Answered) => {
                self.answered.set(self.answered.get() + 1);
                self.latencies.borrow_mut().saturating_record(u64::try_from(latency.as_micros()).unwrap_or(u64::MAX));
            }
            Ok(Outcome::Refused) => self.refused.set(self.refused.get() + 1),
            Err(_) => self.failed.set(self.failed.get() + 1),
        }
    }

    fn round(&self, time: Duration) -> Round {
        Round {
            answered: self.answered.get(),
            refused: self.refused.get(),
            failed: self.failed.get(),
            failure: self.failure.take(),
            seconds: time.as_secs_f64(),
            latencies: self.latencies.borrow().clone(),
        }
    }
}

/// The results of a round.
#[derive(Clone, Debug)]
pub struct Round {
    /// Responses as expected.
    pub answered: u64,
    /// Responses with 503 and Retry-After.
    pub refused: u64,
    /// Other responses, and missing ones.
    pub failed: u64,
    /// The first of those failures.
    pub failure: Option<String>,
    seconds: f64,
    latencies: Histogram<u64>,
}

impl Round {
    /// Expected responses per second.
    pub fn rate(&self) -> f64 {
        self.each_second(self.answered)
    }

    /// A count of the whole round, per second.
    pub fn each_second(&self, count: u64) -> f64 {
        float(count) / self.seconds
    }

    /// The latency percentile for this fraction of the responses, in milliseconds.
    pub fn within_ms(&self, part: f64) -> f64 {
        float(self.latencies.value_at_quantile(part)) / 1000.0
    }

    /// The round, if nothing failed in it.
    ///
    /// # Errors
    /// When a response was missing or not as expected.
    pub fn sound(self) -> Result<Self> {
        match &self.failure {
            Some(failure) => {
                Err(Trouble::new(format!("{} of {} requests failed: {failure}", self.failed, self.answered + self.failed)))
            }
            None if self.answered == 0 => Err(Trouble::new("no request was answered")),
            None => Ok(self),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_of_what_was_answered() {
        let tally = Tally::new().unwrap();
        tally.count(&Ok(Outcome::Answered), Duration::from_secs(9)); // warming up
        tally.counting.set(true);
        for millis in 1..=100 {
            tally.count(&Ok(Outcome::Answered), Duration::from_millis(millis));
        }
        tally.count(&Ok(Outcome::Refused), Duration::from_secs(5));
        let round = tally.round(Duration::from_secs(2));
        assert_eq!((round.answered, round.refused, round.failed), (100, 1, 0));
        assert!((round.within_ms(0.5) - 50.0).abs() < 0.1, "{}", round.within_ms(0.5));
        assert!((round.within_ms(0.99) - 99.0).abs() < 0.1, "{}", round.within_ms(0.99));
        assert!((round.rate() - 50.0).abs() < f64::EPSILON);
        assert!(round.sound().is_ok());
    }

    #[test]
    fn a_round_with_a_failure_is_not_sound() {
        let tally = Tally::new().unwrap();
        tally.counting.set(true);
        tally.count(&Ok(Outcome::Answered), Duration::from_millis(1));
        tally.count(&Err(Trouble::new("status 500")), Duration::from_millis(1));
        assert!(
            tally.round(Duration::from_secs(1)).sound().unwrap_err().to_string().contains("1 of 2 requests failed: status 500")
        );
        assert!(Tally::new().unwrap().round(Duration::from_secs(1)).sound().is_err(), "nothing was answered");
    }
}
