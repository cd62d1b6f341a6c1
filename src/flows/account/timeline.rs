//! The history of a grant as the rows of its page: converts the rows of `display::timeline`, which groups them, to
//! `pages::Timeline`, which is plain data. How times and programs are formatted is up to the caller.

use crate::{
    display::timeline::{self, MOST_ROWS, Row},
    pages::{Point, RowKind, TimelineRow},
    protocol::{
        grant::history::{GrantEvent, HistoryEntry},
        values::time::{Span, Timestamp},
    },
};

/// The formatting of values that are not text.
pub struct Formatting<'a> {
    /// A point in time.
    pub when: &'a dyn Fn(Timestamp) -> Point,
    /// A program, from its `User-Agent`.
    pub program: &'a dyn Fn(&str) -> String,
}

/// The rows of these history entries, oldest first.
#[must_use]
pub fn rows(entries: &[HistoryEntry], formatting: &Formatting<'_>) -> Vec<TimelineRow> {
    let rows_of = |row: &Row| Some(tell(row, entries.get(row.first)?, entries.get(row.last)?, formatting));
    timeline::rows(entries, MOST_ROWS).iter().filter_map(rows_of).collect()
}

fn tell(row: &Row, first: &HistoryEntry, last: &HistoryEntry, formatting: &Formatting<'_>) -> TimelineRow {
    // Of omitted entries, only their number is shown.
    let shown = (!matches!(row.kind, timeline::Grouping::Omitted { .. })).then_some(first);
    TimelineRow {
        kind: kind(row, first, last),
        at: (formatting.when)(first.at),
        until: (row.count() > 1).then(|| (formatting.when)(last.at)),
        seconds_before: row.since_before.map(Span::seconds),
        generation: first.generation,
        unlisted: row.unlisted,
        address: shown.and_then(|entry| entry.address.clone()),
        place: shown.and_then(|entry| entry.place.clone()),
        program: shown.and_then(|entry| entry.user_agent.as_deref().map(formatting.program)),
        new_address: shown.is_some() && row.changes.address,
        new_program: shown.is_some() && row.changes.user_agent,
        why: shown.and_then(|entry| entry.why),
    }
}

fn kind(row: &Row, first: &HistoryEntry, last: &HistoryEntry) -> RowKind {
    match (row.kind, first.event) {
        (timeline::Grouping::Omitted { changed }, _) => RowKind::Omitted { count: row.count(), changed },
        (timeline::Grouping::Run, _) => {
            RowKind::Run { count: row.count(), last: last.generation, seconds: row.lasting.seconds() }
        }
        (timeline::Grouping::Single, GrantEvent::CodeIssued) => RowKind::CodeIssued,
        (timeline::Grouping::Single, GrantEvent::Redeemed) => RowKind::Redeemed,
        (timeline::Grouping::Single, GrantEvent::Refreshed) => RowKind::Refreshed,
        (timeline::Grouping::Single, GrantEvent::Repeated) => RowKind::Repeated,
        (timeline::Grouping::Single, GrantEvent::Healed) => RowKind::Healed,
        (timeline::Grouping::Single, GrantEvent::Reused) => RowKind::Reused { newest: row.newest, first_used: row.first_used },
        (timeline::Grouping::Single, GrantEvent::Revoked) => RowKind::Revoked,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::grant::end_reason::EndReason;

    fn entry(event: GrantEvent, seconds: i64, generation: u32) -> HistoryEntry {
        HistoryEntry {
            event,
            at: Timestamp::from_millis(seconds * 1000),
            generation,
            address: Some("198.51.100.7".into()),
            place: Some("Bern".into()),
            user_agent: Some(if generation == 20 { "curl" } else { "notes/2" }.into()),
            why: None,
        }
    }

    fn rows_of(entries: &[HistoryEntry]) -> Vec<TimelineRow> {
        let when = |at: Timestamp| Point { words: at.seconds().to_string(), iso: String::new() };
        rows(entries, &Formatting { when: &when, program: &|name| format!("program {name}") })
    }

    #[test]
    fn each_row_shows_its_entries() {
        let mut entries = vec![entry(GrantEvent::CodeIssued, 0, 0), entry(GrantEvent::Redeemed, 5, 0)];
        entries.extend((1..=20).map(|n| entry(GrantEvent::Refreshed, i64::from(n) * 100, n)));
        entries.push(entry(GrantEvent::Repeated, 2001, 20));
        entries.push(HistoryEntry { why: Some(EndReason::RefreshTokenReused), ..entry(GrantEvent::Reused, 2100, 4) });
        let rows = rows_of(&entries);
        let kinds: Vec<_> = rows.iter().map(|row| row.kind).collect();
        assert_eq!(
            kinds,
            [
                RowKind::CodeIssued,
                RowKind::Redeemed,
                RowKind::Run { count: 19, last: 19, seconds: 1800 },
                RowKind::Refreshed,
                RowKind::Repeated,
                RowKind::Reused { newest: 21, first_used: Some(2) },
            ]
        );
        assert_eq!((rows[0].seconds_before, rows[1].seconds_before, rows[2].seconds_before), (None, Some(5), Some(95)));
        assert_eq!((rows[2].at.words.as_str(), rows[2].until.as_ref().unwrap().words.as_str()), ("100", "1900"));
        let changed: Vec<_> = rows.iter().map(|row| row.new_program).collect();
        assert_eq!(changed, [false, false, false, true, false, true]);
        assert_eq!((rows[3].program.as_deref(), rows[3].until.as_ref()), (Some("program curl"), None));
        assert_eq!((rows[5].generation, rows[5].why), (4, Some(EndReason::RefreshTokenReused)));
        assert!(rows.iter().all(|row| !row.new_address && row.unlisted == 0));
    }

    #[test]
    fn of_what_is_left_out_only_the_number_is_told() {
        let entries: Vec<_> =
            (0..500).map(|n| HistoryEntry { address: Some(n.to_string()), ..entry(GrantEvent::Refreshed, n, 0) }).collect();
        let rows = rows_of(&entries);
        assert_eq!(rows.len(), MOST_ROWS);
        let omitted = &rows[2];
        assert_eq!(omitted.kind, RowKind::Omitted { count: 381, changed: 381 });
        assert_eq!((&omitted.address, &omitted.program, omitted.new_address), (&None, &None, false));
        assert!(rows[3].new_address);
    }
}
