//! A check whether a process's clock may be trusted for irreversible work: deleting rows, ending sessions, giving up deliveries. A
//! single reading of one clock never is. The clock is compared with the database's, and with monotonic time, which cannot be set;
//! when they disagree, that work waits until they agree again, or until the clock has kept its new time for hours. Reading the
//! clocks is left to the caller.

use super::time::{Span, Timestamp};

/// The allowed difference between clocks. Reading the database's takes up to ten seconds (its statement timeout).
const ALLOWANCE: Span = Span::from_seconds(60);
/// The maximum age of the point that monotonic time is compared with: over a longer time the two drift apart.
const REFERENCE_AGE: Span = Span::from_seconds(3_600);
/// How long a clock that jumped must keep its new time before it is trusted: a wrong clock is noticed by then.
const SETTLING: Span = Span::from_seconds(6 * 3_600);
/// How long a database may have been idle before a process's first reading counts as a jump too.
const ABSENCE: Span = Span::from_seconds(86_400);
/// How often an untrusted clock is reported.
const REPORT_EVERY: Span = Span::from_seconds(60);

/// Readings of the clocks, taken together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// The process's clock.
    pub clock: Timestamp,
    /// The database's clock.
    pub database: Timestamp,
    /// Monotonic time.
    pub monotonic: Span,
}

/// Why the clock is not trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Doubt {
    /// It differs from the database's clock; a positive number is ahead.
    #[error("this machine's clock is {} s {} the database's", seconds(*.millis), if *.millis < 0 { "behind" } else { "ahead of" })]
    Differs {
        /// The difference in milliseconds.
        millis: i64,
    },
    /// It jumped against monotonic time.
    #[error(
        "this machine's clock jumped {} by {} s; it will be trusted after {} more minutes without a jump",
        if *.millis < 0 { "back" } else { "ahead" }, seconds(*.millis), minutes(*.wait)
    )]
    Jumped {
        /// The jump in milliseconds.
        millis: i64,
        /// The time until it is trusted.
        wait: Span,
    },
    /// The process has just started, and by its clock no process has worked on this database for a long time.
    #[error(
        "according to this machine's clock, housekeeping has not run for {} days; it will be trusted after {} more minutes without a jump",
        .since.seconds() / 86_400, minutes(*.wait)
    )]
    Absent {
        /// The length of that time.
        since: Span,
        /// The time until it is trusted.
        wait: Span,
    },
}

/// A point at which the process's clock and monotonic time were read together.
#[derive(Clone, Copy, Debug)]
struct Point {
    clock: Timestamp,
    monotonic: Span,
}

/// The state kept about a process's clock.
#[derive(Debug, Default)]
pub struct ClockCheck {
    /// The last point at which it was trusted; while it is, at most an hour old.
    trusted: Option<Point>,
    /// The point it jumped to.
    jumped: Option<Point>,
    /// When an untrusted clock was last reported; `None` while it is trusted.
    reported: Option<Span>,
}

impl Point {
    /// How far the clock has moved against monotonic time since this point.
    const fn drift(&self, reading: &Reading) -> i64 {
        let expected = self.clock.millis().saturating_add(self.since(reading.monotonic).millis());
        reading.clock.millis().saturating_sub(expected)
    }

    const fn since(&self, monotonic: Span) -> Span {
        Span::from_millis(monotonic.millis().saturating_sub(self.monotonic.millis()))
    }
}

impl ClockCheck {
    /// Whether no reading was trusted yet: then the time of the last work matters.
    #[must_use]
    pub const fn is_new(&self) -> bool {
        self.trusted.is_none()
    }

    /// Judges a reading. `last_work` is when work was last begun on this database, by any process's clock, if known.
    ///
    /// # Errors
    /// [`Doubt`]: no irreversible work may be done.
    pub fn judge(&mut self, reading: Reading, last_work: Option<Timestamp>) -> Result<(), Doubt> {
        let here = Point { clock: reading.clock, monotonic: reading.monotonic };
        let millis = reading.clock.millis().saturating_sub(reading.database.millis());
        if exceeds(millis) {
            self.jumped = None; // keeping a time that the database contradicts proves nothing
            return Err(Doubt::Differs { millis });
        }
        let absent = last_work.map(|last| reading.clock.since(last)).filter(|absent| *absent > ABSENCE);
        let drift = self.trusted.map(|point| point.drift(&reading));
        let is_steady = drift.map_or(absent.is_none(), |millis| !exceeds(millis));
        if is_steady {
            let is_old = |point: &Point| point.since(reading.monotonic) >= REFERENCE_AGE;
            self.trusted = self.trusted.filter(|point| !is_old(point)).or(Some(here));
            self.jumped = None;
            return Ok(());
        }
        let jumped = self.jumped.filter(|point| !exceeds(point.drift(&reading))).unwrap_or(here);
        let kept = jumped.since(reading.monotonic);
        if kept >= SETTLING {
            (self.trusted, self.jumped) = (Some(here), None);
            return Ok(());
        }
        self.jumped = Some(jumped);
        let wait = Span::from_millis(SETTLING.millis() - kept.millis());
        Err(match drift {
            Some(millis) => Doubt::Jumped { millis, wait },
            None => Doubt::Absent { since: absent.unwrap_or(Span::ZERO), wait },
        })
    }

    /// Whether a doubt is to be reported now: at once, and then once a minute while it lasts.
    pub fn report(&mut self, monotonic: Span) -> bool {
        let is_due = |last: Span| monotonic.millis().saturating_sub(last.millis()) >= REPORT_EVERY.millis();
        if self.reported.is_some_and(|last| !is_due(last)) {
            return false;
        }
        self.reported = Some(monotonic);
        true
    }

    /// Whether to report that the clock is trusted again.
    pub fn recovered(&mut self) -> bool {
        self.reported.take().is_some()
    }
}

const fn exceeds(millis: i64) -> bool {
    millis.unsigned_abs() > ALLOWANCE.millis().unsigned_abs()
}

const fn seconds(millis: i64) -> u64 {
    millis.unsigned_abs() / 1000
}

/// Minutes that have begun.
const fn minutes(span: Span) -> i64 {
    Span::from_millis(span.millis() + 59_999).seconds() / 60
}

#[cfg(test)]
#[path = "clock_check_tests.rs"]
mod tests;
