//! The moments of a grant as the rows of its page: between `protocol::timeline`, which says what is told together, and
//! `pages::Timeline`, which holds plain data. How times and programs are put in words is the caller's.

use crate::{
    pages::{Point, RowKind, TimelineRow},
    protocol::{
        history::{Happening, Moment},
        time::{Span, Timestamp},
        timeline::{self, MOST_ROWS, Row},
    },
};

/// How what is not text is put in words.
pub struct Wording<'a> {
    /// A point in time.
    pub when: &'a dyn Fn(Timestamp) -> Point,
    /// A program, from its `User-Agent`.
    pub program: &'a dyn Fn(&str) -> String,
}

/// The rows of these moments, oldest first.
#[must_use]
pub fn rows(moments: &[Moment], wording: &Wording<'_>) -> Vec<TimelineRow> {
    let told = |row: &Row| Some(tell(row, moments.get(row.first)?, moments.get(row.last)?, wording));
    timeline::rows(moments, MOST_ROWS).iter().filter_map(told).collect()
}

fn tell(row: &Row, first: &Moment, last: &Moment, wording: &Wording<'_>) -> TimelineRow {
    // Of what is left out, nothing is told but how much it is.
    let shown = (!matches!(row.kind, timeline::RowKind::Omitted { .. })).then_some(first);
    TimelineRow {
        kind: kind(row, first, last),
        at: (wording.when)(first.at),
        until: (row.count() > 1).then(|| (wording.when)(last.at)),
        seconds_before: row.since_before.map(Span::seconds),
        generation: first.generation,
        unlisted: row.unlisted,
        address: shown.and_then(|moment| moment.address.clone()),
        place: shown.and_then(|moment| moment.place.clone()),
        program: shown.and_then(|moment| moment.user_agent.as_deref().map(wording.program)),
        new_address: shown.is_some() && row.changes.address,
        new_program: shown.is_some() && row.changes.user_agent,
        why: shown.and_then(|moment| moment.why),
    }
}

fn kind(row: &Row, first: &Moment, last: &Moment) -> RowKind {
    match (row.kind, first.happening) {
        (timeline::RowKind::Omitted { changed }, _) => RowKind::Omitted { count: row.count(), changed },
        (timeline::RowKind::Run, _) => RowKind::Run { count: row.count(), last: last.generation, seconds: row.lasting.seconds() },
        (timeline::RowKind::Single, Happening::CodeIssued) => RowKind::CodeIssued,
        (timeline::RowKind::Single, Happening::Redeemed) => RowKind::Redeemed,
        (timeline::RowKind::Single, Happening::Refreshed) => RowKind::Refreshed,
        (timeline::RowKind::Single, Happening::Repeated) => RowKind::Repeated,
        (timeline::RowKind::Single, Happening::Healed) => RowKind::Healed,
        (timeline::RowKind::Single, Happening::Reused) => RowKind::Reused { newest: row.newest, first_used: row.first_used },
        (timeline::RowKind::Single, Happening::Revoked) => RowKind::Revoked,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::end_reason::EndReason;

    fn moment(happening: Happening, seconds: i64, generation: u32) -> Moment {
        Moment {
            happening,
            at: Timestamp::from_millis(seconds * 1000),
            generation,
            address: Some("198.51.100.7".into()),
            place: Some("Bern".into()),
            user_agent: Some(if generation == 20 { "curl" } else { "notes/2" }.into()),
            why: None,
        }
    }

    fn told(moments: &[Moment]) -> Vec<TimelineRow> {
        let when = |at: Timestamp| Point { words: at.seconds().to_string(), iso: String::new() };
        rows(moments, &Wording { when: &when, program: &|name| format!("program {name}") })
    }

    #[test]
    fn each_row_tells_its_moments() {
        let mut moments = vec![moment(Happening::CodeIssued, 0, 0), moment(Happening::Redeemed, 5, 0)];
        moments.extend((1..=20).map(|n| moment(Happening::Refreshed, i64::from(n) * 100, n)));
        moments.push(moment(Happening::Repeated, 2001, 20));
        moments.push(Moment { why: Some(EndReason::RefreshTokenReused), ..moment(Happening::Reused, 2100, 4) });
        let rows = told(&moments);
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
        let moments: Vec<_> =
            (0..500).map(|n| Moment { address: Some(n.to_string()), ..moment(Happening::Refreshed, n, 0) }).collect();
        let rows = told(&moments);
        assert_eq!(rows.len(), MOST_ROWS);
        let omitted = &rows[2];
        assert_eq!(omitted.kind, RowKind::Omitted { count: 381, changed: 381 });
        assert_eq!((&omitted.address, &omitted.program, omitted.new_address), (&None, &None, false));
        assert!(rows[3].new_address);
    }
}
