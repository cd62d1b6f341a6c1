//! A grant's life as rows: what stands alone, what is drawn together, and that nothing is lost or told twice.

use proptest::prelude::*;

use super::super::time::Timestamp;
use super::*;

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

fn moment(happening: Happening, seconds: i64, generation: u32) -> Moment {
    Moment {
        happening,
        at: Timestamp::from_millis(seconds * 1000),
        generation,
        address: Some("198.51.100.7".into()),
        place: None,
        user_agent: Some("notes/2".into()),
        why: None,
    }
}

/// A code that is redeemed at once, and `count` refreshes, an hour apart.
fn life(count: u32) -> Vec<Moment> {
    let begin = [moment(Happening::CodeIssued, 0, 0), moment(Happening::Redeemed, 2, 0)];
    let refreshes = (1..=count).map(|n| moment(Happening::Refreshed, i64::from(n) * HOUR, n));
    begin.into_iter().chain(refreshes).collect()
}

fn places(rows: &[Row]) -> Vec<(usize, usize)> {
    rows.iter().map(|row| (row.first, row.last)).collect()
}

#[test]
fn a_short_life_is_told_in_full() {
    assert!(rows(&[], MOST_ROWS).is_empty());
    let told = rows(&life(5), MOST_ROWS);
    assert_eq!(places(&told), (0..7).map(|at| (at, at)).collect::<Vec<_>>());
    assert!(told.iter().all(|row| row.kind == RowKind::Single && row.unlisted == 0));
    let spans: Vec<_> = told.iter().map(|row| row.since_before.map(Span::seconds)).collect();
    assert_eq!(spans[..3], [None, Some(2), Some(HOUR - 2)]);
}

#[test]
fn everyday_refreshes_are_one_row_and_the_newest_stay_single() {
    let told = rows(&life(30), MOST_ROWS);
    assert_eq!(places(&told), [(0, 0), (1, 1), (2, 28), (29, 29), (30, 30), (31, 31)]);
    assert_eq!((told[2].kind, told[2].count(), told[2].lasting.seconds()), (RowKind::Run, 27, 26 * HOUR));
}

#[test]
fn what_is_unusual_breaks_a_run() {
    let mut moments = life(30);
    moments[10].address = Some("203.0.113.9".into());
    for moment in &mut moments[11..] {
        moment.address = Some("203.0.113.9".into());
    }
    moments[20] = moment(Happening::Repeated, 18 * HOUR + 5, 18);
    moments[20].address = Some("203.0.113.9".into());
    let told = rows(&moments, MOST_ROWS);
    assert_eq!(places(&told)[2..6], [(2, 9), (10, 10), (11, 19), (20, 20)]);
    assert!(told[3].changes.address && !told[3].changes.user_agent);
    assert_eq!(told[4].changes, Changes::default());
}

#[test]
fn a_long_silence_breaks_a_run() {
    let mut moments = life(30);
    for moment in &mut moments[12..] {
        moment.at = Timestamp::from_millis(moment.at.millis() + 10 * DAY * 1000);
    }
    let told = rows(&moments, MOST_ROWS);
    assert_eq!(places(&told)[2..4], [(2, 11), (12, 28)]);
    assert_eq!(told[3].since_before.map(Span::seconds), Some(10 * DAY + HOUR));
}

#[test]
fn uses_that_no_moment_tells_of_are_counted() {
    let mut moments = life(30);
    moments.drain(1..12); // the redemption and tokens 1 to 10
    let told = rows(&moments, MOST_ROWS);
    assert_eq!((told[1].unlisted, told[1].kind), (11, RowKind::Run));
    assert_eq!(told.iter().map(|row| row.unlisted).sum::<u32>(), 11);

    // Told again, and revoked: each says which generation the row was at.
    let ends = [moment(Happening::Redeemed, 0, 0), moment(Happening::Repeated, 1, 0), moment(Happening::Revoked, 2, 4)];
    let unlisted: Vec<_> = rows(&ends, MOST_ROWS).iter().map(|row| row.unlisted).collect();
    assert_eq!(unlisted, [0, 0, 3]);
}

#[test]
fn a_token_that_came_again_leads_to_its_first_use() {
    let mut moments = life(30);
    moments.push(moment(Happening::Reused, 31 * HOUR, 4));
    let told = rows(&moments, MOST_ROWS);
    let reuse = told.last().unwrap();
    assert_eq!((reuse.first_used, reuse.newest, reuse.unlisted), (Some(2), 31, 0));
    assert_eq!(told[2].kind, RowKind::Run);

    let code = [moment(Happening::CodeIssued, 0, 0), moment(Happening::Redeemed, 1, 0), moment(Happening::Reused, 2, 0)];
    assert_eq!(rows(&code, MOST_ROWS)[2].first_used, Some(1));
    assert_eq!(rows(&code[2..], MOST_ROWS)[0].first_used, None);
}

#[test]
fn too_many_rows_are_shortened_between_the_beginning_and_the_newest() {
    let mut moments = life(500);
    for (at, moment) in moments.iter_mut().enumerate() {
        moment.address = Some(format!("198.51.100.{}", at % 2));
    }
    let told = rows(&moments, 10);
    assert_eq!(told.len(), 10);
    assert_eq!(places(&told)[..3], [(0, 0), (1, 1), (2, 494)]);
    assert_eq!(told[2].kind, RowKind::Omitted { changed: 493 });
    assert!(told[2].changes.address);
    assert_eq!(places(&told)[3], (495, 495));
}

/// A year of refreshes every ten minutes, with a week's holiday and a token told again now and then.
#[test]
fn a_year_stays_readable() {
    let moments: Vec<_> = (0..52_560u32)
        .filter(|n| !(20_000..21_100).contains(n))
        .map(|n| {
            let happening = if n % 5000 == 4999 { Happening::Repeated } else { Happening::Refreshed };
            moment(happening, i64::from(n) * 600, n)
        })
        .collect();
    let told = rows(&moments, MOST_ROWS);
    assert!(told.len() < 50, "{}", told.len());
    assert_eq!(told.iter().map(Row::count).sum::<usize>(), moments.len());
}

fn any_moment() -> impl Strategy<Value = (usize, i64, u32, bool)> {
    let happening = prop_oneof![6 => Just(2usize), 1 => 0..Happening::ALL.len()];
    let apart = prop_oneof![8 => 0..2 * HOUR, 1 => 0..30 * DAY, 1 => -HOUR..0];
    (happening, apart, prop_oneof![20 => Just(1u32), 2 => 0..5u32, 1 => Just(u32::MAX)], prop::bool::weighted(0.05))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever happened: every moment is in exactly one row, in order, and no more rows than asked for.
    #[test]
    fn every_moment_is_in_exactly_one_row(
        drawn in prop::collection::vec(any_moment(), 0..300),
        most in 0usize..60,
    ) {
        let (mut at, mut generation) = (0, 0u32);
        let moments: Vec<_> = drawn.into_iter().map(|(happening, apart, step, moved)| {
            at += apart;
            generation = generation.saturating_add(step);
            let mut moment = moment(Happening::ALL[happening], at, generation);
            if moved {
                moment.address = Some(format!("192.0.2.{}", generation % 256));
            }
            moment
        }).collect();
        let told = rows(&moments, most);
        prop_assert!(told.len() <= most.max(4));
        let mut next = 0;
        for (index, row) in told.iter().enumerate() {
            prop_assert_eq!(row.first, next);
            prop_assert!(row.last >= row.first);
            prop_assert_eq!(row.since_before.is_none(), index == 0);
            prop_assert!(row.first_used.is_none_or(|used| used < index));
            match row.kind {
                RowKind::Single => prop_assert_eq!(row.count(), 1),
                RowKind::Run => {
                    prop_assert!(row.count() >= SHORTEST_RUN && row.last + NEWEST_SINGLE < moments.len());
                    prop_assert!(moments[row.first..=row.last].iter().all(|moment| moment.happening == Happening::Refreshed));
                    prop_assert_eq!(row.changes, Changes::default());
                }
                RowKind::Omitted { changed } => prop_assert!(changed <= row.count()),
            }
            next = row.last + 1;
        }
        prop_assert_eq!(next, moments.len());
    }
}
