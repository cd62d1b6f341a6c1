//! Tests of the picture's coordinates: nothing overlaps, whatever happened, and texts that do not fit are truncated.

use proptest::prelude::*;

use super::super::timeline::tests::row;
use super::*;

fn any_row() -> impl Strategy<Value = TimelineRow> {
    let kind = prop_oneof![
        Just(RowKind::CodeIssued),
        Just(RowKind::Redeemed),
        Just(RowKind::Refreshed),
        Just(RowKind::Repeated),
        Just(RowKind::Healed),
        Just(RowKind::Revoked),
        (0usize..9).prop_map(|at| RowKind::Reused { newest: 9, first_used: Some(at) }),
        Just(RowKind::Run { count: 4, last: 9, seconds: 60 }),
        (0usize..3).prop_map(|changed| RowKind::Omitted { count: 4, changed }),
    ];
    let flags = (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>());
    (kind, 0i64..100_000, any::<u32>(), 0u32..2, flags).prop_map(|(kind, seconds, generation, unlisted, flags)| {
        let (new_address, new_program, has_place, is_reported, has_why) = flags;
        let mut row = row(kind, "now", seconds, generation);
        (row.new_address, row.new_program, row.unlisted) = (new_address, new_program, unlisted);
        row.place = row.place.filter(|_| has_place);
        row.program = row.program.filter(|_| is_reported);
        row.address = row.address.filter(|_| is_reported);
        row.why = has_why.then_some(EndReason::RevokedByOperator);
        if matches!(kind, RowKind::Run { .. } | RowKind::Omitted { .. }) {
            row.until = Some(row.at.clone());
        }
        row
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    /// From the top down, nothing overlaps: the text between two rows, the marker, the lines below.
    #[test]
    fn nothing_overlaps(rows in prop::collection::vec(any_row(), 0..60), is_over in any::<bool>()) {
        let picture = Picture::of(&rows, is_over);
        prop_assert_eq!(picture.rows.len(), rows.len());
        let mut above = 0;
        for (placed, row) in picture.rows.iter().zip(&rows) {
            prop_assert!(std::ptr::eq(placed.row, row), "the order is kept");
            prop_assert!(placed.top >= above && placed.y > placed.top && placed.bottom >= placed.y + 15);
            let mut line_above = above;
            for (baseline, _) in &placed.between {
                prop_assert!(*baseline >= line_above + 14 && *baseline + 3 <= placed.top, "{placed:?}");
                line_above = *baseline;
            }
            let mut line_above = placed.y + 5;
            for (baseline, line) in &placed.lines {
                prop_assert!(*baseline >= line_above + 15 && *baseline + 4 <= placed.bottom);
                line_above = *baseline;
                if let Line::Program(text) | Line::NewProgram(text) | Line::From(text) | Line::NewFrom(text) = line {
                    prop_assert!(text.chars().count() <= FITTING);
                }
            }
            // The marker overlaps neither the text at 80 nor the edge.
            prop_assert!(placed.half_width() <= 28);
            above = placed.bottom;
        }
        let lowest = if is_over { above } else { picture.tail + 44 };
        prop_assert!(picture.height > lowest && picture.tail > above + 15);
        for (from, to) in &picture.returns {
            prop_assert!(picture.rows.iter().any(|placed| placed.y == *from) && picture.rows.iter().any(|placed| placed.y == *to));
        }
    }
}

#[test]
fn as_many_rows_as_are_drawn_stay_within_reach() {
    let rows: Vec<_> = (0..120).map(|n| row(RowKind::Refreshed, "22 November 2026, 01:00 UTC", 3600, n)).collect();
    let picture = Picture::of(&rows, false);
    assert!(picture.height < 12_000, "{}", picture.height);
    assert_eq!((picture.first(), picture.last()), (picture.rows[0].y, picture.rows[119].y));
    let empty = Picture::of(&[], false);
    assert_eq!((empty.first(), empty.last()), (empty.tail, empty.tail));
}

#[test]
fn what_does_not_fit_is_cut() {
    assert_eq!(cut("Firefox on Linux"), "Firefox on Linux");
    let long = cut(&"é".repeat(50));
    assert!(long.ends_with("é…") && long.chars().count() == FITTING);
    let numbers = [(7, Some("7")), (999_999, Some("999999")), (1_000_000, None)];
    for (generation, expected) in numbers {
        let row = row(RowKind::Refreshed, "now", 1, generation);
        assert_eq!(place(&row, 0).number().as_deref(), expected);
    }
}
