//! Conversion and formatting of numbers.

/// A count, for division.
#[expect(clippy::cast_precision_loss, reason = "no count here comes near 2^52")]
pub const fn float(count: u64) -> f64 {
    count as f64
}

/// A number of microseconds, without its fraction.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cast saturates; durations are not negative")]
pub const fn whole(number: f64) -> u64 {
    number as u64
}

/// The median; 0 if there are no numbers.
pub fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers.get(numbers.len() / 2).copied().unwrap_or_default()
}

/// The mean; 0 if there are no numbers.
pub fn mean(numbers: &[f64]) -> f64 {
    numbers.iter().sum::<f64>() / float(numbers.len().max(1) as u64)
}

/// Rates as written in a note: `3257, 3075`.
pub fn whole_list(numbers: &[f64]) -> String {
    numbers.iter().map(|number| format!("{number:.0}")).collect::<Vec<_>>().join(", ")
}

/// A figure with its significant decimals: `12345`, `86.4`, `1.27`.
pub fn figure(number: f64) -> String {
    match number.abs() {
        100.0.. => format!("{number:.0}"),
        10.0.. => format!("{number:.1}"),
        _ => format!("{number:.2}"),
    }
}

/// `10,000,000`.
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_about_three_digits() {
        for (number, text) in [(12_345.6, "12346"), (86.44, "86.4"), (1.274, "1.27"), (0.0, "0.00")] {
            assert_eq!(figure(number), text);
        }
    }

    #[test]
    fn great_numbers_have_commas() {
        assert_eq!([5, 100_000, 10_000_000].map(thousands), ["5", "100,000", "10,000,000"]);
    }

    #[test]
    fn the_median_is_one_of_them() {
        assert!((median(vec![9.0, 1.0, 2.0]) - 2.0).abs() < f64::EPSILON);
        assert!(median(Vec::new()).abs() < f64::EPSILON);
    }

    #[test]
    fn a_list_has_no_decimals() {
        assert_eq!([whole_list(&[3257.4, 3075.0]), whole_list(&[])], ["3257, 3075", ""]);
    }

    #[test]
    fn the_mean_lies_between_them() {
        assert!((mean(&[9.0, 1.0, 2.0]) - 4.0).abs() < f64::EPSILON);
        assert!(mean(&[]).abs() < f64::EPSILON);
    }
}
