//! Whether a process's clock may decide what cannot be undone: deleting rows, ending sessions, giving deliveries up. One reading
//! of one clock never does. The clock is compared with the database's, and with monotonic time, which nobody sets; where they
//! disagree it waits, until they agree again, or until the clock has kept its new time for hours. Reading them is the caller's.

use super::time::{Span, Timestamp};

/// By how much clocks may differ. Reading the database's takes up to ten seconds (its statement timeout).
const ALLOWANCE: Span = Span::from_seconds(60);
/// How old the point is with which monotonic time is compared, at most: over a longer time the two drift apart.
const REFERENCE_AGE: Span = Span::from_seconds(3_600);
/// How long a clock must keep a time to which it jumped until it is trusted: a wrong clock is noticed by then.
const SETTLING: Span = Span::from_seconds(6 * 3_600);
/// For how long a database may have been left alone until the first reading of a process is a jump as well.
const ABSENCE: Span = Span::from_seconds(86_400);
/// How often a clock that is not trusted is reported.
const REPORT_EVERY: Span = Span::from_seconds(60);

/// The clocks, read together.
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
    /// It differs from the database's clock by so many milliseconds; a positive number is ahead.
    #[error("this machine's clock is {} s {} the database's", seconds(*.millis), if *.millis < 0 { "behind" } else { "ahead of" })]
    Differs {
        /// By how many.
        millis: i64,
    },
    /// It jumped by so many milliseconds against monotonic time.
    #[error(
        "this machine's clock jumped {} by {} s; it will be trusted after {} more minutes without a jump",
        if *.millis < 0 { "back" } else { "ahead" }, seconds(*.millis), minutes(*.wait)
    )]
    Jumped {
        /// By how many.
        millis: i64,
        /// Until it is trusted.
        wait: Span,
    },
    /// The process has just started, and by its clock nobody has worked on this database for so long.
    #[error(
        "according to this machine's clock, housekeeping has not run for {} days; it will be trusted after {} more minutes without a jump",
        .since.seconds() / 86_400, minutes(*.wait)
    )]
    Absent {
        /// For how long.
        since: Span,
        /// Until it is trusted.
        wait: Span,
    },
}

/// A point at which the process's clock and monotonic time were read together.
#[derive(Clone, Copy, Debug)]
struct Point {
    clock: Timestamp,
    monotonic: Span,
}

/// What is remembered of a process's clock.
#[derive(Debug, Default)]
pub struct ClockCheck {
    /// The last point at which it was trusted; at most an hour old while it is.
    trusted: Option<Point>,
    /// Where it jumped to.
    jumped: Option<Point>,
    /// When it was last reported that it is not trusted; none while it is.
    reported: Option<Span>,
}

impl Point {
    /// By how much the clock moved against monotonic time since then.
    const fn drift(&self, reading: &Reading) -> i64 {
        let expected = self.clock.millis().saturating_add(self.since(reading.monotonic).millis());
        reading.clock.millis().saturating_sub(expected)
    }

    const fn since(&self, monotonic: Span) -> Span {
        Span::from_millis(monotonic.millis().saturating_sub(self.monotonic.millis()))
    }
}

impl ClockCheck {
    /// Whether there was no reading yet that was trusted: then it matters when work was last done.
    #[must_use]
    pub const fn is_new(&self) -> bool {
        self.trusted.is_none()
    }

    /// Judges a reading. `last_work` is when, by whatever clock, work was last begun on this database, where that is known.
    ///
    /// # Errors
    /// [`Doubt`]: nothing may be done that cannot be undone.
    pub fn judge(&mut self, reading: Reading, last_work: Option<Timestamp>) -> Result<(), Doubt> {
        let here = Point { clock: reading.clock, monotonic: reading.monotonic };
        let millis = reading.clock.millis().saturating_sub(reading.database.millis());
        if exceeds(millis) {
            self.jumped = None; // what it keeps while the database says otherwise proves nothing
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

    /// Whether a doubt is to be reported now: at once, and once a minute for as long as it lasts.
    pub fn report(&mut self, monotonic: Span) -> bool {
        let is_due = |last: Span| monotonic.millis().saturating_sub(last.millis()) >= REPORT_EVERY.millis();
        if self.reported.is_some_and(|last| !is_due(last)) {
            return false;
        }
        self.reported = Some(monotonic);
        true
    }

    /// Whether it is to be reported that the clock is trusted again.
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
