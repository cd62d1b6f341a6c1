//! Spans of time in words, on pages and in e-mails: `templates/span_text.txt`, and relative to now, `templates/relative.txt`.

use askama::Template;

/// A span of time in its largest fitting unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Template)]
#[template(path = "span_text.txt", escape = "none")]
pub enum SpanText {
    /// Seconds.
    Seconds(i64),
    /// Minutes.
    Minutes(i64),
    /// Hours.
    Hours(i64),
    /// Days.
    Days(i64),
    /// Months of 30.4 days.
    Months(i64),
    /// Years.
    Years(i64),
}

impl SpanText {
    const MINUTE: i64 = 60;
    const HOUR: i64 = 60 * Self::MINUTE;
    const DAY: i64 = 24 * Self::HOUR;
    const MONTH: i64 = 2_629_746;

    /// This number of seconds, rounded; `None` for no time at all.
    #[must_use]
    pub const fn of(seconds: i64) -> Option<Self> {
        Some(match seconds {
            ..1 => return None,
            1..60 => Self::Seconds(seconds),
            60..3_570 => Self::Minutes(rounded(seconds, Self::MINUTE)),
            3_570..171_000 => Self::Hours(rounded(seconds, Self::HOUR)),
            171_000..5_140_800 => Self::Days(rounded(seconds, Self::DAY)),
            5_140_800..61_799_031 => Self::Months(rounded(seconds, Self::MONTH)),
            _ => Self::Years(rounded(seconds, 12 * Self::MONTH)),
        })
    }
}

const fn rounded(seconds: i64, unit: i64) -> i64 {
    seconds.saturating_add(unit / 2) / unit
}

/// A point in time relative to now: "3 days ago", "in 1 year".
#[derive(Debug, Clone, Copy, Template)]
#[template(path = "relative.txt", escape = "none")]
struct Relative {
    span_text: Option<SpanText>,
    is_past: bool,
}

/// A span in words, such as "10 minutes".
#[must_use]
pub fn span_text(seconds: i64) -> String {
    SpanText::of(seconds.max(1)).map(|span_text| span_text.to_string()).unwrap_or_default()
}

/// How long ago a time was, or how far in the future it is, in words.
#[must_use]
pub fn relative(seconds_ago: i64) -> String {
    Relative { span_text: SpanText::of(seconds_ago.saturating_abs()), is_past: seconds_ago >= 0 }.to_string()
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::samples::{Sample, sample};
    use super::*;

    pub fn samples() -> Vec<Sample> {
        vec![
            sample("lapse", &SpanText::Days(3)),
            sample("relative", &Relative { span_text: Some(SpanText::Days(3)), is_past: true }),
        ]
    }

    #[test]
    fn lapses_are_said_in_one_unit() {
        let minute = SpanText::MINUTE;
        let (hour, day) = (60 * minute, 24 * 60 * minute);
        for (seconds, said) in [
            (-5, None),
            (0, None),
            (1, Some(SpanText::Seconds(1))),
            (59, Some(SpanText::Seconds(59))),
            (minute, Some(SpanText::Minutes(1))),
            (59 * minute + 29, Some(SpanText::Minutes(59))),
            (59 * minute + 30, Some(SpanText::Hours(1))),
            (36 * hour, Some(SpanText::Hours(36))),
            (2 * day, Some(SpanText::Days(2))),
            (59 * day, Some(SpanText::Days(59))),
            (61 * day, Some(SpanText::Months(2))),
            (700 * day, Some(SpanText::Months(23))),
            (731 * day, Some(SpanText::Years(2))),
            (i64::MAX, Some(SpanText::Years((i64::MAX) / (12 * SpanText::MONTH)))),
        ] {
            assert_eq!(SpanText::of(seconds), said, "{seconds}");
        }
    }

    #[test]
    fn they_are_said_from_now() {
        assert_eq!([span_text(600), span_text(1), span_text(0)], ["10 minutes", "1 second", "1 second"]);
        assert_eq!([relative(-7_200), relative(1), relative(0)], ["in 2 hours", "1 second ago", "just now"]);
    }
}
