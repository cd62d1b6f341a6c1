//! Tests of a grant's timeline: which entries stand alone, which are merged, and that each appears exactly once.

use proptest::prelude::*;

use super::*;
use crate::protocol::values::time::Timestamp;

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

fn entry(event: GrantEvent, seconds: i64, generation: u32) -> HistoryEntry {
    HistoryEntry {
        event,
        at: Timestamp::from_millis(seconds * 1000),
        generation,
        address: Some("198.51.100.7".into()),
        place: None,
        user_agent: Some("notes/2".into()),
        why: None,
    }
}

/// A code redeemed at once, and `count` refreshes, an hour apart.
fn life(count: u32) -> Vec<HistoryEntry> {
    let begin = [entry(GrantEvent::CodeIssued, 0, 0), entry(GrantEvent::Redeemed, 2, 0)];
    let refreshes = (1..=count).map(|n| entry(GrantEvent::Refreshed, i64::from(n) * HOUR, n));
    begin.into_iter().chain(refreshes).collect()
}

fn places(rows: &[Row]) -> Vec<(usize, usize)> {
    rows.iter().map(|row| (row.first, row.last)).collect()
}

#[test]
fn a_short_life_is_told_in_full() {
    assert!(rows(&[], MOST_ROWS).is_empty());
    let shown = rows(&life(5), MOST_ROWS);
    assert_eq!(places(&shown), (0..7).map(|at| (at, at)).collect::<Vec<_>>());
    assert!(shown.iter().all(|row| row.kind == Grouping::Single && row.unlisted == 0));
    let spans: Vec<_> = shown.iter().map(|row| row.since_before.map(Span::seconds)).collect();
    assert_eq!(spans[..3], [None, Some(2), Some(HOUR - 2)]);
}

#[test]
fn everyday_refreshes_are_one_row_and_the_newest_stay_single() {
    let shown = rows(&life(30), MOST_ROWS);
    assert_eq!(places(&shown), [(0, 0), (1, 1), (2, 28), (29, 29), (30, 30), (31, 31)]);
    assert_eq!((shown[2].kind, shown[2].count(), shown[2].lasting.seconds()), (Grouping::Run, 27, 26 * HOUR));
}

#[test]
fn what_is_unusual_breaks_a_run() {
    let mut entries = life(30);
    entries[10].address = Some("203.0.113.9".into());
    for entry in &mut entries[11..] {
        entry.address = Some("203.0.113.9".into());
    }
    entries[20] = entry(GrantEvent::Repeated, 18 * HOUR + 5, 18);
    entries[20].address = Some("203.0.113.9".into());
    let shown = rows(&entries, MOST_ROWS);
    assert_eq!(places(&shown)[2..6], [(2, 9), (10, 10), (11, 19), (20, 20)]);
    assert!(shown[3].changes.address && !shown[3].changes.user_agent);
    assert_eq!(shown[4].changes, Changes::default());
}

#[test]
fn a_long_silence_breaks_a_run() {
    let mut entries = life(30);
    for entry in &mut entries[12..] {
        entry.at = Timestamp::from_millis(entry.at.millis() + 10 * DAY * 1000);
    }
    let shown = rows(&entries, MOST_ROWS);
    assert_eq!(places(&shown)[2..4], [(2, 11), (12, 28)]);
    assert_eq!(shown[3].since_before.map(Span::seconds), Some(10 * DAY + HOUR));
}

#[test]
fn uses_without_an_entry_are_counted() {
    let mut entries = life(30);
    entries.drain(1..12); // the redemption and tokens 1 to 10
    let shown = rows(&entries, MOST_ROWS);
    assert_eq!((shown[1].unlisted, shown[1].kind), (11, Grouping::Run));
    assert_eq!(shown.iter().map(|row| row.unlisted).sum::<u32>(), 11);

    // Retried, and revoked: each entry gives the generation of the row.
    let ends = [entry(GrantEvent::Redeemed, 0, 0), entry(GrantEvent::Repeated, 1, 0), entry(GrantEvent::Revoked, 2, 4)];
    let unlisted: Vec<_> = rows(&ends, MOST_ROWS).iter().map(|row| row.unlisted).collect();
    assert_eq!(unlisted, [0, 0, 3]);
}

#[test]
fn a_token_that_came_again_leads_to_its_first_use() {
    let mut entries = life(30);
    entries.push(entry(GrantEvent::Reused, 31 * HOUR, 4));
    let shown = rows(&entries, MOST_ROWS);
    let reuse = shown.last().unwrap();
    assert_eq!((reuse.first_used, reuse.newest, reuse.unlisted), (Some(2), 31, 0));
    assert_eq!(shown[2].kind, Grouping::Run);

    let code = [entry(GrantEvent::CodeIssued, 0, 0), entry(GrantEvent::Redeemed, 1, 0), entry(GrantEvent::Reused, 2, 0)];
    assert_eq!(rows(&code, MOST_ROWS)[2].first_used, Some(1));
    assert_eq!(rows(&code[2..], MOST_ROWS)[0].first_used, None);
}

#[test]
fn too_many_rows_are_shortened_between_the_beginning_and_the_newest() {
    let mut entries = life(500);
    for (at, entry) in entries.iter_mut().enumerate() {
        entry.address = Some(format!("198.51.100.{}", at % 2));
    }
    let shown = rows(&entries, 10);
    assert_eq!(shown.len(), 10);
    assert_eq!(places(&shown)[..3], [(0, 0), (1, 1), (2, 494)]);
    assert_eq!(shown[2].kind, Grouping::Omitted { changed: 493 });
    assert!(shown[2].changes.address);
    assert_eq!(places(&shown)[3], (495, 495));
}

/// A year of refreshes every ten minutes, with a week's holiday and an occasional retry.
#[test]
fn a_year_stays_readable() {
    let entries: Vec<_> = (0..52_560u32)
        .filter(|n| !(20_000..21_100).contains(n))
        .map(|n| {
            let event = if n % 5000 == 4999 { GrantEvent::Repeated } else { GrantEvent::Refreshed };
            entry(event, i64::from(n) * 600, n)
        })
        .collect();
    let shown = rows(&entries, MOST_ROWS);
    assert!(shown.len() < 50, "{}", shown.len());
    assert_eq!(shown.iter().map(Row::count).sum::<usize>(), entries.len());
}

fn any_entry() -> impl Strategy<Value = (usize, i64, u32, bool)> {
    let event = prop_oneof![6 => Just(2usize), 1 => 0..GrantEvent::ALL.len()];
    let apart = prop_oneof![8 => 0..2 * HOUR, 1 => 0..30 * DAY, 1 => -HOUR..0];
    (event, apart, prop_oneof![20 => Just(1u32), 2 => 0..5u32, 1 => Just(u32::MAX)], prop::bool::weighted(0.05))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    /// For any history: every entry is in exactly one row, in order, and there are no more rows than requested.
    #[test]
    fn every_entry_is_in_exactly_one_row(
        drawn in prop::collection::vec(any_entry(), 0..300),
        most in 0usize..60,
    ) {
        let (mut at, mut generation) = (0, 0u32);
        let entries: Vec<_> = drawn.into_iter().map(|(event, apart, step, moved)| {
            at += apart;
            generation = generation.saturating_add(step);
            let mut entry = entry(GrantEvent::ALL[event], at, generation);
            if moved {
                entry.address = Some(format!("192.0.2.{}", generation % 256));
            }
            entry
        }).collect();
        let shown = rows(&entries, most);
        prop_assert!(shown.len() <= most.max(4));
        let mut next = 0;
        for (index, row) in shown.iter().enumerate() {
            prop_assert_eq!(row.first, next);
            prop_assert!(row.last >= row.first);
            prop_assert_eq!(row.since_before.is_none(), index == 0);
            prop_assert!(row.first_used.is_none_or(|used| used < index));
            match row.kind {
                Grouping::Single => prop_assert_eq!(row.count(), 1),
                Grouping::Run => {
                    prop_assert!(row.count() >= SHORTEST_RUN && row.last + NEWEST_SINGLE < entries.len());
                    prop_assert!(entries[row.first..=row.last].iter().all(|entry| entry.event == GrantEvent::Refreshed));
                    prop_assert_eq!(row.changes, Changes::default());
                }
                Grouping::Omitted { changed } => prop_assert!(changed <= row.count()),
            }
            next = row.last + 1;
        }
        prop_assert_eq!(next, entries.len());
    }
}
