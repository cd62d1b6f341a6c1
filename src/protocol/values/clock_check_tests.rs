//! Tests of when a clock is trusted: never on a single reading that others contradict, and again once they agree.

use super::*;

const DAY: i64 = 86_400;
const HOUR: i64 = 3_600;

/// A process and its clocks, offset by seconds: its own, and the database's.
struct Process {
    check: ClockCheck,
    monotonic: i64,
}

impl Process {
    fn new() -> Self {
        Self { check: ClockCheck::default(), monotonic: 0 }
    }

    /// The result some seconds later, with both clocks wrong by these offsets.
    fn after(&mut self, seconds: i64, own: i64, database: i64) -> Result<(), Doubt> {
        self.monotonic += seconds;
        let at = |moved: i64| Timestamp::from_millis(1_700_000_000_000 + 1000 * (self.monotonic + moved));
        let reading = Reading { clock: at(own), database: at(database), monotonic: Span::from_millis(1000 * self.monotonic) };
        self.check.judge(reading, None)
    }
}

#[test]
fn a_clock_that_agrees_is_trusted() {
    let mut process = Process::new();
    for own in [0, 30, -30, 59] {
        assert_eq!(process.after(5, own, 0), Ok(()));
    }
}

#[test]
fn one_that_is_wrong_for_a_moment_is_not_and_is_at_once_when_it_is_right_again() {
    // With a database on another machine, and with one that uses the same clock.
    for follows in [false, true] {
        let mut process = Process::new();
        assert_eq!(process.after(0, 0, 0), Ok(()));
        for wrong in [62 * DAY, -62 * DAY, 61] {
            let database = if follows { wrong } else { 0 };
            for seconds in [5, 5, 4] {
                let doubt = process.after(seconds, wrong, database).unwrap_err();
                assert_eq!(matches!(doubt, Doubt::Jumped { .. }), follows, "{doubt}");
            }
            assert_eq!(process.after(5, 0, 0), Ok(()));
        }
    }
}

#[test]
fn one_that_starts_wrong_is_not_trusted_while_the_database_contradicts() {
    let mut process = Process::new();
    for _ in 0..10 {
        assert_eq!(process.after(DAY, 2 * HOUR, 0), Err(Doubt::Differs { millis: 2 * HOUR * 1000 }));
    }
    assert_eq!(process.after(5, 0, 0), Ok(()));
}

#[test]
fn a_jump_that_stays_is_trusted_after_hours() {
    // A machine that was suspended for a day.
    let mut process = Process::new();
    assert_eq!(process.after(0, 0, 0), Ok(()));
    for step in 0..72 {
        let doubt = process.after(300, DAY, DAY).unwrap_err();
        assert!(matches!(doubt, Doubt::Jumped { millis: 86_400_000, .. }), "{step}: {doubt}");
    }
    assert_eq!(process.after(300, DAY, DAY), Ok(()));
    assert_eq!(process.after(5, DAY, DAY), Ok(()));
    assert!(process.after(5, 0, 0).is_err(), "back is a jump too");

    // A clock that keeps jumping never settles.
    let mut process = Process::new();
    assert_eq!(process.after(0, 0, 0), Ok(()));
    for step in 1..20 {
        assert!(process.after(4 * HOUR, step * DAY, step * DAY).is_err());
    }
}

#[test]
fn slow_drift_is_no_jump() {
    let mut process = Process::new();
    // Half a minute each hour, for a month: like a clock that is set by hand, or stepped a little now and then.
    for hour in 0..720 {
        for _ in 0..12 {
            assert_eq!(process.after(300, 30 * hour, 30 * hour), Ok(()), "{hour}");
        }
    }
    assert!(process.after(300, 30 * 720 + 120, 30 * 720 + 120).is_err());
}

#[test]
fn a_start_long_after_the_last_work_waits_as_a_jump_does() {
    let mut check = ClockCheck::default();
    let at = |seconds: i64| Timestamp::from_millis(1000 * seconds);
    let read = |seconds: i64| {
        let monotonic = Span::from_millis(1000 * seconds);
        Reading { clock: at(100 * DAY + seconds), database: at(100 * DAY + seconds), monotonic }
    };
    let last = Some(at(38 * DAY));
    assert!(matches!(check.judge(read(0), last), Err(Doubt::Absent { .. })));
    assert!(check.judge(read(6 * HOUR - 1), last).is_err());
    assert_eq!(check.judge(read(6 * HOUR), last), Ok(()));
    assert_eq!(check.judge(read(6 * HOUR + 5), last), Ok(()), "it is asked at the start alone");
    for fine in [None, Some(at(99 * DAY + 1)), Some(at(200 * DAY))] {
        assert_eq!(ClockCheck::default().judge(read(0), fine), Ok(()), "{fine:?}");
    }
}

#[test]
fn a_doubt_is_reported_once_a_minute_and_its_end_once() {
    let mut check = ClockCheck::default();
    let at = |seconds| Span::from_seconds(seconds);
    assert!(!check.recovered());
    let shown: Vec<_> = (0..25).map(|step| check.report(at(100 + 5 * step))).collect();
    assert_eq!(shown.iter().filter(|shown| **shown).count(), 3);
    assert!(shown[0] && shown[12] && shown[24]);
    assert!(check.recovered() && !check.recovered());
    assert!(check.report(at(300)));
}

#[test]
fn a_doubt_says_how_much() {
    let doubts = [
        Doubt::Differs { millis: -62_000 },
        Doubt::Jumped { millis: 5_356_800_000, wait: Span::from_seconds(21_541) },
        Doubt::Absent { since: Span::from_seconds(200_000), wait: Span::from_seconds(60) },
    ];
    let words = doubts.map(|doubt| doubt.to_string());
    assert!(words[0].contains("62 s behind the database's"), "{}", words[0]);
    assert!(words[1].contains("ahead by 5356800 s") && words[1].contains("after 360 more minutes"), "{}", words[1]);
    assert!(words[2].contains("for 2 days") && words[2].contains("after 1 more minutes"), "{}", words[2]);
}
