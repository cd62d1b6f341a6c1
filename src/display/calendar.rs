//! Calendar dates for display: a point in time as a date and a time of day, in UTC. Its wording is in `templates/when.txt`.

use crate::protocol::values::time::Timestamp;

/// A minute in the Gregorian calendar, in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Calendar {
    /// The year, such as 2026.
    pub year: i64,
    /// The month, 1 to 12.
    pub month: u8,
    /// The day of the month, 1 to 31.
    pub day: u8,
    /// The hour, 0 to 23.
    pub hour: u8,
    /// The minute, 0 to 59.
    pub minute: u8,
}

const DAY: i64 = 86_400;
/// The number of days after which the calendar repeats: 400 years.
const CYCLE: i64 = 146_097;

impl Calendar {
    /// The minute that `at` is in.
    #[must_use]
    pub fn of(at: Timestamp) -> Self {
        let (days, second) = (at.seconds().div_euclid(DAY), at.seconds().rem_euclid(DAY));
        // Counted from 1 March of the year 0, so that a leap day is the last of its year.
        let since = days + 719_468;
        let (cycle, day_of_cycle) = (since.div_euclid(CYCLE), since.rem_euclid(CYCLE));
        let year_of_cycle = (day_of_cycle - day_of_cycle / 1_460 + day_of_cycle / 36_524 - day_of_cycle / 146_096) / 365;
        let day_of_year = day_of_cycle - (365 * year_of_cycle + year_of_cycle / 4 - year_of_cycle / 100);
        let from_march = (5 * day_of_year + 2) / 153;
        let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
        Self {
            year: cycle * 400 + year_of_cycle + i64::from(month <= 2),
            month: small(month),
            day: small(day_of_year - (153 * from_march + 2) / 5 + 1),
            hour: small(second / 3_600),
            minute: small(second / 60 % 60),
        }
    }
}

/// The day of the week of `at`: 0 is Sunday.
#[must_use]
pub fn weekday(at: Timestamp) -> u8 {
    small((at.seconds().div_euclid(DAY) + 4).rem_euclid(7)) // 1 January 1970 was a Thursday
}

/// Narrows a number that is below 60 by construction.
fn small(number: i64) -> u8 {
    u8::try_from(number).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(seconds: i64) -> (i64, u8, u8, u8, u8) {
        let Calendar { year, month, day, hour, minute } = Calendar::of(Timestamp::from_millis(seconds * 1000));
        (year, month, day, hour, minute)
    }

    #[test]
    fn days_are_those_of_the_calendar() {
        for (seconds, expected) in [
            (0, (1970, 1, 1, 0, 0)),
            (-1, (1969, 12, 31, 23, 59)),
            (951_782_399, (2000, 2, 28, 23, 59)),
            (951_782_400, (2000, 2, 29, 0, 0)), // a leap year, as every fourth century is
            (951_868_800, (2000, 3, 1, 0, 0)),
            (1_700_000_000, (2023, 11, 14, 22, 13)),
            (1_795_325_820, (2026, 11, 22, 5, 37)),
            (4_107_542_399, (2100, 2, 28, 23, 59)),
            (4_107_542_400, (2100, 3, 1, 0, 0)), // not a leap year
            (253_402_300_799, (9999, 12, 31, 23, 59)),
        ] {
            assert_eq!(of(seconds), expected, "{seconds}");
        }
    }

    #[test]
    fn every_day_follows_the_one_before() {
        let mut before = of(0);
        for day in 1..80 * 366 {
            let next = of(day * DAY);
            let new_year = (before.1, before.2, next.0, next.1, next.2) == (12, 31, before.0 + 1, 1, 1);
            let new_month = next.0 == before.0 && next.1 == before.1 + 1 && next.2 == 1 && before.2 >= 28;
            let same_month = (next.0, next.1, next.2) == (before.0, before.1, before.2 + 1);
            assert!(new_year || new_month || same_month, "{before:?}, {next:?}");
            before = next;
        }
        for at in [i64::MIN, i64::MAX] {
            let far = Calendar::of(Timestamp::from_millis(at));
            assert!((1..=12).contains(&far.month) && (1..=31).contains(&far.day), "{far:?}");
        }
    }
}
