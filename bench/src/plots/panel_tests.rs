//! Tests of readable numbers, sufficient axes, and labels that do not overlap.

use super::*;

#[test]
fn numbers_are_told_with_the_digits_that_matter() {
    let reported = [0.0, 0.05, 2.46, 9.5, 12.0, 250.4, 1_000.0, 9_875.5, 10_000_000.0].map(number);
    assert_eq!(reported, ["0", "0.05", "2.5", "9.5", "12", "250", "1,000", "9,876", "10,000,000"]);
}

#[test]
fn axes_have_room_for_their_numbers() {
    let ends = [0.0, 0.3, 9.0, 960.0, 1_900.0, 2_310.0, 4_900.0, 8_000.0].map(|most| number(above(most)));
    assert_eq!(ends, ["0.2", "0.4", "10", "1,000", "2,000", "2,500", "5,000", "8,000"]);
}

#[test]
fn names_are_moved_apart_and_stay_inside() {
    assert_eq!(spread(&[10, 200], 300), [10, 200]);
    assert_eq!(spread(&[10, 20, 25], 300), [10, 10 + LABEL_GAP, 10 + 2 * LABEL_GAP]);
    assert_eq!(spread(&[290, 300], 300), [300 - LABEL_GAP, 300]);
    assert!(spread(&[], 300).is_empty());
}
