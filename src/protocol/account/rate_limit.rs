//! The arithmetic of rate limits: a backoff that doubles, for one user name or one browser, and a leaky bucket, for a network and
//! for one user targeted from everywhere. Which counters there are, and what for, is `flows::sign_in::throttle`; where they are stored is
//! `store::rate_limits`.

use crate::protocol::values::time::{CLOCK_TOLERANCE, Span, Timestamp};

/// The counter stored under one key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count {
    /// Attempts for a [`Backoff`]; milliseconds until it is empty for a [`Bucket`].
    pub amount: i64,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// The time before which no further attempt is accepted.
    pub next_at: Timestamp,
}

impl Count {
    /// The seconds to wait until the next attempt is accepted, rounded up; `None` if it is accepted now. A count written by a clock
    /// that was ahead by more than the allowed skew requires no wait.
    #[must_use]
    pub fn wait(&self, now: Timestamp) -> Option<i64> {
        let wait = self.next_at.millis() - now.millis();
        (wait > 0 && !self.updated_at.is_ahead_of(now)).then_some(wait / 1000 + 1)
    }
}

/// The longest spacing between two attempts while a bucket is full.
pub const LONGEST_SPACE: Span = Span::from_seconds(5);

/// The latest time at which such a spacing can end: a later one was written by a clock that was ahead by more than the allowed
/// skew, and is ignored.
#[must_use]
pub const fn latest_space(now: Timestamp) -> Timestamp {
    now.plus(LONGEST_SPACE).plus(CLOCK_TOLERANCE)
}

/// An exponential backoff for attempts at one target: the first are free, then each wait is twice the previous one.
#[derive(Clone, Copy, Debug)]
pub struct Backoff {
    /// How many attempts are free.
    pub free: i64,
    /// The longest wait.
    pub max_wait: Span,
    /// The count is reset after this time without an attempt.
    pub forget_after: Span,
    /// The number of attempts after which `max_wait` no longer applies, and the wait from then on.
    pub exhausted: Option<(i64, Span)>,
}

impl Backoff {
    /// When the next attempt is accepted after this many, the last of them now. Without a wait, it is a time long past and not now:
    /// the next attempt may be judged by a clock that is behind.
    #[must_use]
    pub fn next_at(&self, attempts: i64, now: Timestamp) -> Timestamp {
        match self.wait_after(attempts) {
            Span::ZERO => Timestamp::from_millis(0),
            wait => now.plus(wait),
        }
    }

    /// The wait after this many attempts.
    #[must_use]
    pub fn wait_after(&self, attempts: i64) -> Span {
        if let Some((limit, wait)) = self.exhausted
            && attempts >= limit
        {
            return wait;
        }
        match u32::try_from(attempts - self.free) {
            Err(_) | Ok(0) => Span::ZERO,
            Ok(beyond) => Span::from_seconds(1u32 << (beyond - 1).min(12)).min(self.max_wait),
        }
    }

    /// Until when a count that changes now has to be kept.
    #[must_use]
    pub fn keep_until(&self, now: Timestamp) -> Timestamp {
        let longest = self.exhausted.map_or(self.max_wait, |(_, wait)| wait.max(self.max_wait));
        now.plus(self.forget_after).plus(longest)
    }
}

/// A leaky bucket for attempts at many targets: it holds a given number of attempts, and one leaks out per interval. When it is
/// full, attempts are accepted one at a time with a growing spacing.
#[derive(Clone, Copy, Debug)]
pub struct Bucket {
    /// How many attempts it holds.
    pub capacity: i64,
    /// The interval in which one leaks out.
    pub leak: Span,
    /// How many attempts beyond its capacity are counted.
    pub overflow: i64,
}

impl Bucket {
    /// The same bucket with this much more capacity.
    #[must_use]
    pub const fn with_room_for(self, more: i64) -> Self {
        Self { capacity: self.capacity.saturating_add(more), ..self }
    }

    /// The remaining level of `count`, in milliseconds until it is empty; 0 for a count changed in the future, by a clock that was
    /// set back since. Otherwise nothing would leak for as long as that clock was ahead.
    #[must_use]
    pub fn level(&self, count: Option<&Count>, now: Timestamp) -> i64 {
        let count = count.filter(|count| !count.updated_at.is_ahead_of(now));
        count.map_or(0, |count| (count.amount - now.since(count.updated_at).millis()).clamp(0, self.most()))
    }

    /// The highest level at which one more attempt fits.
    #[must_use]
    pub const fn room_up_to(&self) -> i64 {
        (self.capacity - 1).saturating_mul(self.leak.millis())
    }

    /// The maximum level.
    #[must_use]
    pub const fn most(&self) -> i64 {
        self.capacity.saturating_add(self.overflow).saturating_mul(self.leak.millis())
    }

    /// The time until one more attempt fits; zero if it fits now.
    #[must_use]
    pub fn wait(&self, count: Option<&Count>, now: Timestamp) -> Span {
        Span::from_millis(self.level(count, now) - self.room_up_to())
    }

    /// If one more attempt does not fit: the spacing between attempts that are accepted nonetheless, which doubles with every
    /// thirty of them, from one second to `longest`.
    #[must_use]
    pub fn spacing(&self, count: Option<&Count>, now: Timestamp) -> Option<Span> {
        let beyond = self.level(count, now) - self.room_up_to();
        let doublings = beyond / self.leak.millis().max(1) / 30;
        (beyond > 0).then(|| Span::from_seconds(1 << u32::try_from(doublings).unwrap_or(0).min(12)).min(LONGEST_SPACE))
    }

    /// Until when a bucket that changes now has to be kept.
    #[must_use]
    pub fn keep_until(&self, now: Timestamp) -> Timestamp {
        now.plus(Span::from_millis(self.most()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAME: Backoff = Backoff {
        free: 4,
        max_wait: Span::from_seconds(300),
        forget_after: Span::from_seconds(86_400),
        exhausted: Some((100, Span::from_seconds(3600))),
    };
    const BUCKET: Bucket = Bucket { capacity: 3, leak: Span::from_seconds(10), overflow: 100 };

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    #[test]
    fn waits_double_to_a_maximum_and_never_lock_for_good() {
        let waits: Vec<_> = [1, 4, 5, 6, 7, 12, 13, 14, 99, 100, 5000].iter().map(|n| NAME.wait_after(*n).seconds()).collect();
        assert_eq!(waits, [0, 0, 1, 2, 4, 128, 256, 300, 300, 3600, 3600]);
    }

    #[test]
    fn a_wait_is_told_in_whole_seconds_and_ignored_when_a_clock_was_ahead() {
        let count = Count { amount: 6, updated_at: at(10_000), next_at: at(12_000) };
        assert_eq!(count.wait(at(10_500)), Some(2));
        assert_eq!(count.wait(at(12_000)), None);
        assert_eq!(count.wait(at(-1)), None, "it was written by a clock that was more than ten seconds ahead");
        let free = Count { amount: 4, updated_at: at(8_000), next_at: NAME.next_at(4, at(8_000)) };
        assert_eq!(free.wait(at(0)), None, "four are free by whichever clock");
        let hour = Count { amount: 100, updated_at: at(5_000), next_at: at(3_605_000) };
        assert_eq!(hour.wait(at(0)), Some(3606), "a process that is five seconds behind waits as well");
    }

    #[test]
    fn a_bucket_leaks_and_takes_what_fits() {
        let full = Count { amount: 30_000, updated_at: at(0), next_at: at(0) };
        assert_eq!([0, 9_999, 10_000].map(|now| BUCKET.wait(Some(&full), at(now)).millis()), [10_000, 1, 0]);
        assert_eq!(BUCKET.wait(None, at(0)), Span::ZERO);
        assert_eq!(BUCKET.with_room_for(1).wait(Some(&full), at(0)), Span::ZERO);
        assert_eq!([31_000, -10_000, -10_001].map(|now| BUCKET.level(Some(&full), at(now))), [0, 30_000, 0]);
    }

    #[test]
    fn spacing_grows_with_what_is_beyond_the_capacity() {
        let spacing = |units: i64| {
            let count = Count { amount: units * 10_000, updated_at: at(0), next_at: at(0) };
            BUCKET.spacing(Some(&count), at(0)).map(Span::seconds)
        };
        assert_eq!([2, 3, 31, 32, 62, 92, 5000].map(spacing), [None, Some(1), Some(1), Some(2), Some(4), Some(5), Some(5)]);
    }

    #[test]
    fn a_count_is_kept_for_as_long_as_it_may_matter() {
        assert_eq!(NAME.keep_until(at(0)), at(90_000_000));
        assert_eq!(BUCKET.keep_until(at(0)), at(1_030_000));
    }
}
