//! How what was counted turns into waits: a backoff that doubles, for one name or one browser, and a leaky bucket, for a network
//! and for one user tried from everywhere. Arithmetic alone: which counts there are, and what for, is `flows::throttle`; where
//! they are kept is `store::rate_limits`.

use super::time::{CLOCK_TOLERANCE, Span, Timestamp};

/// What has been counted under one key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count {
    /// Attempts for a [`Backoff`]; milliseconds until it is empty for a [`Bucket`].
    pub amount: i64,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// Before when no other attempt is taken.
    pub next_at: Timestamp,
}

/// The longest time between two attempts where a bucket is full.
pub const LONGEST_SPACE: Span = Span::from_seconds(5);

/// After this, no such space can end: one that does was written by a clock that was further ahead than clocks differ, and is none.
#[must_use]
pub const fn latest_space(now: Timestamp) -> Timestamp {
    now.plus(LONGEST_SPACE).plus(CLOCK_TOLERANCE)
}

/// Attempts at one thing: some cost nothing, and after them each wait is twice as long as the one before.
#[derive(Clone, Copy, Debug)]
pub struct Backoff {
    /// How many attempts cost nothing.
    pub free: i64,
    /// The longest wait.
    pub max_wait: Span,
    /// After how long without an attempt the count begins anew.
    pub forget_after: Span,
    /// After how many attempts the ceiling does not hold any more, and what the wait is then.
    pub exhausted: Option<(i64, Span)>,
}

impl Backoff {
    /// The seconds to wait until the next attempt is taken, rounded up; `None` where it is taken now. A count that was written by a
    /// clock that was further ahead than clocks differ asks for no wait.
    #[must_use]
    pub fn wait(&self, count: &Count, now: Timestamp) -> Option<i64> {
        let wait = count.next_at.millis() - now.millis();
        (wait > 0 && !count.updated_at.is_ahead_of(now)).then_some(wait / 1000 + 1)
    }

    /// When the next attempt is taken after so many, the last of them now. Where there is no wait that is long ago, and not now: the
    /// next one may be counted by a clock that is behind.
    #[must_use]
    pub fn next_at(&self, attempts: i64, now: Timestamp) -> Timestamp {
        match self.wait_after(attempts) {
            Span::ZERO => Timestamp::from_millis(0),
            wait => now.plus(wait),
        }
    }

    /// How long to wait after so many attempts.
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

/// Attempts at many things together: so many fit in, and one leaks out in a given time. Where it may overflow, attempts are taken
/// one at a time with a growing space between them.
#[derive(Clone, Copy, Debug)]
pub struct Bucket {
    /// How many fit in.
    pub capacity: i64,
    /// In what time one leaks out.
    pub leak: Span,
    /// How many beyond its capacity are remembered.
    pub overflow: i64,
}

impl Bucket {
    /// The same bucket with room for so many more.
    #[must_use]
    pub const fn with_room_for(self, more: i64) -> Self {
        Self { capacity: self.capacity.saturating_add(more), ..self }
    }

    /// What is left of `count`, in milliseconds until it is empty: nothing of one that was changed in the future, by a clock that was
    /// set back since. Otherwise nothing would leak for as long as that clock was ahead.
    #[must_use]
    pub fn level(&self, count: Option<&Count>, now: Timestamp) -> i64 {
        let count = count.filter(|count| !count.updated_at.is_ahead_of(now));
        count.map_or(0, |count| (count.amount - now.since(count.updated_at).millis()).clamp(0, self.most()))
    }

    /// The highest level at which one more fits in.
    #[must_use]
    pub const fn room_up_to(&self) -> i64 {
        (self.capacity - 1).saturating_mul(self.leak.millis())
    }

    /// The highest level of all.
    #[must_use]
    pub const fn most(&self) -> i64 {
        self.capacity.saturating_add(self.overflow).saturating_mul(self.leak.millis())
    }

    /// How long until one more fits in; nothing where it does now.
    #[must_use]
    pub fn wait(&self, count: Option<&Count>, now: Timestamp) -> Span {
        Span::from_millis(self.level(count, now) - self.room_up_to())
    }

    /// Where one more does not fit in: the space between attempts that are taken all the same, which doubles with every thirty
    /// of them, from one second to `longest`.
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
        assert_eq!(NAME.wait(&count, at(10_500)), Some(2));
        assert_eq!(NAME.wait(&count, at(12_000)), None);
        assert_eq!(NAME.wait(&count, at(-1)), None, "it was written by a clock that was more than ten seconds ahead");
        let free = Count { amount: 4, updated_at: at(8_000), next_at: NAME.next_at(4, at(8_000)) };
        assert_eq!(NAME.wait(&free, at(0)), None, "four are free by whichever clock");
        let hour = Count { amount: 100, updated_at: at(5_000), next_at: at(3_605_000) };
        assert_eq!(NAME.wait(&hour, at(0)), Some(3606), "a process that is five seconds behind waits as well");
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
