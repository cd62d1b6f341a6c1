//! Points in time and spans, as the rules use them: whole milliseconds since 1970 UTC. Nothing here reads a clock (`clock.rs`
//! does), and no rule orders credentials by time (generations are integers).

use std::{borrow::Cow, fmt};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A point in time: milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

/// A span of time in milliseconds, never negative.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span(i64);

/// The allowed clock skew: how far ahead of this server's clock a time written by another server may be. Servers of one database
/// have clocks that agree within seconds but not exactly, and each reads what another has just written. Ten seconds are more than
/// synchronised clocks differ by, and less than any lifetime here, so that nothing is valid noticeably longer.
pub const CLOCK_TOLERANCE: Span = Span::from_seconds(10);

/// The age of something written at a given time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Age {
    /// This age; zero if the time is ahead of the clock by no more than [`CLOCK_TOLERANCE`].
    Of(Span),
    /// The time is further ahead: the clock was set back since it was written, and its age is unknown. Treating it as new would
    /// make expired things valid again, for as long as the clock was ahead.
    FromTheFuture,
}

impl Age {
    /// Whether it is known and at most this span.
    #[must_use]
    pub fn is_at_most(self, span: Span) -> bool {
        matches!(self, Self::Of(age) if age <= span)
    }

    /// Whether it is known and less than this span.
    #[must_use]
    pub fn is_below(self, span: Span) -> bool {
        matches!(self, Self::Of(age) if age < span)
    }
}

impl Timestamp {
    /// From milliseconds since 1970 UTC.
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since 1970 UTC.
    #[must_use]
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since 1970 UTC, as JWT claims count them (RFC 7519 §2, `NumericDate`).
    #[must_use]
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// This time plus `span`.
    #[must_use]
    pub const fn plus(self, span: Span) -> Self {
        Self(self.0.saturating_add(span.0))
    }

    /// This time shifted by this many milliseconds; a negative number is earlier.
    #[must_use]
    pub const fn shifted(self, millis: i64) -> Self {
        Self(self.0.saturating_add(millis))
    }

    /// The age, at this time, of something written at `at`. For what is valid only while it is new; [`Timestamp::since`] is for
    /// what ends when it is idle, and must not end because a clock was set back.
    #[must_use]
    pub fn age_of(self, at: Self) -> Age {
        if at.is_ahead_of(self) { Age::FromTheFuture } else { Age::Of(self.since(at)) }
    }

    /// Whether this time is ahead of the clock by more than the allowed skew.
    #[must_use]
    pub fn is_ahead_of(self, now: Self) -> bool {
        self > now.plus(CLOCK_TOLERANCE)
    }

    /// The span from `earlier` to this time; zero if `earlier` is later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Span {
        let span = self.0.saturating_sub(earlier.0);
        Span(if span < 0 { 0 } else { span })
    }
}

impl Span {
    /// The empty span.
    pub const ZERO: Self = Self(0);

    /// A span of whole seconds.
    #[must_use]
    pub const fn from_seconds(seconds: u32) -> Self {
        Self(seconds as i64 * 1000)
    }

    /// A span of milliseconds; a negative number gives zero.
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        Self(if millis < 0 { 0 } else { millis })
    }

    /// Parses a duration of whole milliseconds, as people write it; what [`Span`] displays is parsed to the same value.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let duration = humantime::parse_duration(text).ok().filter(|duration| duration.subsec_nanos() % 1_000_000 == 0)?;
        i64::try_from(duration.as_millis()).ok().map(Self)
    }

    /// Whole milliseconds.
    #[must_use]
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// The sum of this span and another.
    #[must_use]
    pub const fn plus(self, more: Self) -> Self {
        Self(self.0.saturating_add(more.0))
    }

    /// Whole seconds, rounded down.
    #[must_use]
    pub const fn seconds(self) -> i64 {
        self.0 / 1000
    }
}

/// In the notation of settings: `10m`, `1day 12h`, `180days`. Months are not used, as their length is ambiguous, and years only for
/// whole ones (365.25 days).
impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const YEAR: i64 = 31_557_600_000;
        const UNITS: [(i64, &str); 5] = [(86_400_000, "day"), (3_600_000, "h"), (60_000, "m"), (1000, "s"), (1, "ms")];
        let plural = |count: i64| if count == 1 { "" } else { "s" };
        if self.0 == 0 {
            return f.write_str("0s");
        }
        if self.0 % YEAR == 0 {
            return write!(f, "{}year{}", self.0 / YEAR, plural(self.0 / YEAR));
        }
        let (mut rest, mut gap) = (self.0, "");
        for (length, unit) in UNITS {
            let count = rest / length;
            rest %= length;
            if count > 0 {
                write!(f, "{gap}{count}{unit}{}", if unit == "day" { plural(count) } else { "" })?;
                gap = " ";
            }
        }
        Ok(())
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text)
            .ok_or_else(|| de::Error::custom(format_args!("expected a duration such as 30s or 72h, received '{text}'")))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_span_is_shown_as_users_write_it() {
        const SECOND: i64 = 1000;
        const DAY: i64 = 86_400 * SECOND;
        for (millis, text) in [
            (0, "0s"),
            (1, "1ms"),
            (90 * SECOND, "1m 30s"),
            (600 * SECOND, "10m"),
            (3600 * SECOND, "1h"),
            (DAY, "1day"),
            (3 * DAY / 2, "1day 12h"),
            (14 * DAY, "14days"),
            (180 * DAY, "180days"),
            (365 * DAY, "365days"),
            (1461 * DAY / 4, "1year"),
            (1461 * DAY / 2, "2years"),
            (3660 * DAY + 1500, "3660days 1s 500ms"),
        ] {
            assert_eq!(Span::from_millis(millis).to_string(), text);
        }
    }

    #[test]
    fn an_age_has_a_lower_bound() {
        let at = |millis| Timestamp::from_millis(1_000_000 + millis);
        for (written, age) in [
            (-1_500, Age::Of(Span::from_millis(1_500))),
            (0, Age::Of(Span::ZERO)),
            (10_000, Age::Of(Span::ZERO)),
            (10_001, Age::FromTheFuture),
            (i64::MAX - 1_000_000, Age::FromTheFuture),
        ] {
            assert_eq!(at(0).age_of(at(written)), age, "{written}");
        }
        let span = Span::from_millis(1_500);
        assert!(Age::Of(span).is_at_most(span) && !Age::Of(span).is_below(span));
        assert!(!Age::FromTheFuture.is_at_most(span) && !Age::FromTheFuture.is_below(span));
        assert!(!Age::Of(Span::ZERO).is_below(Span::ZERO), "no time at all is a window of none");
    }

    #[test]
    fn spans_that_are_none_are_refused() {
        for text in ["", "10", "soon", "-1s", "1500us", "1ns", "1m 1ns", "300000000000years", "99999999999999999999s"] {
            assert_eq!(Span::parse(text), None, "{text}");
        }
        let parse = Span::parse;
        assert_eq!(
            (parse("5months 27days 19h 12m"), parse("1h30m")),
            (parse("180days"), parse("90m")),
            "other spellings are read"
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn a_span_that_is_shown_is_read_as_the_same(millis in prop_oneof![0..i64::MAX, 0..100_000_i64], unit in 1..=31_557_600_000_i64) {
            for millis in [millis, millis / unit * unit] {
                let shown = Span::from_millis(millis);
                prop_assert_eq!(Span::parse(&shown.to_string()), Some(shown), "{}", shown);
            }
        }
    }
}
