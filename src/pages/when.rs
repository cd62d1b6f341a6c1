//! A point in time in words, `templates/when.txt`, and a day, `templates/day.txt`, on pages and in e-mails. The conversion from
//! seconds is done by the caller.

use askama::Template;

/// A minute in UTC; shown as "22 November 2026, 05:37 UTC".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Template)]
#[template(path = "when.txt", escape = "none")]
pub struct CalendarTime {
    /// The year.
    pub year: i64,
    /// The month, 1 to 12.
    pub month: u8,
    /// The day of the month.
    pub day: u8,
    /// The hour, 0 to 23.
    pub hour: u8,
    /// The minute.
    pub minute: u8,
}

/// A day in UTC; shown as "Sunday, 22 November 2026".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Template)]
#[template(path = "day.txt", escape = "none")]
pub struct CalendarDay {
    /// The day of the week, 0 to 6; 0 is Sunday.
    pub weekday: u8,
    /// The day of the month, 1 to 31.
    pub day: u8,
    /// The month, 1 to 12.
    pub month: u8,
    /// The year.
    pub year: i64,
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::samples::{Sample, sample};
    use super::*;

    pub const NOVEMBER: CalendarTime = CalendarTime { year: 2026, month: 11, day: 22, hour: 5, minute: 37 };

    pub fn samples() -> Vec<Sample> {
        let day = CalendarDay { weekday: 0, day: 22, month: 11, year: 2026 };
        vec![sample("when", &NOVEMBER), sample("day", &day)]
    }

    #[test]
    fn every_day_has_its_name() {
        let days: Vec<_> = (0..7).map(|weekday| CalendarDay { weekday, day: 1, month: 2, year: 2027 }.to_string()).collect();
        let names = "Sunday Monday Tuesday Wednesday Thursday Friday Saturday";
        assert_eq!(days, names.split(' ').map(|name| format!("{name}, 1 February 2027")).collect::<Vec<_>>());
    }

    #[test]
    fn every_month_has_its_name() {
        assert_eq!(NOVEMBER.to_string(), "22 November 2026, 05:37 UTC");
        let words: Vec<_> = (1..=12).map(|month| CalendarTime { month, day: 1, hour: 0, ..NOVEMBER }.to_string()).collect();
        let names = "January February March April May June July August September October November December";
        assert_eq!(words, names.split(' ').map(|name| format!("1 {name} 2026, 00:37 UTC")).collect::<Vec<_>>());
    }
}
