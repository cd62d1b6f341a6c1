//! Lists without repetitions, in the order of their first occurrence: of resources, APIs and claims, which are few.

/// These values in order, each once.
#[must_use]
pub fn once_each<T: PartialEq>(values: impl IntoIterator<Item = T>) -> Vec<T> {
    values.into_iter().fold(Vec::new(), |mut kept, value| {
        if !kept.contains(&value) {
            kept.push(value);
        }
        kept
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_equal_values_stays() {
        assert_eq!(once_each(["b", "a", "b", "c", "a"]), ["b", "a", "c"]);
        assert!(once_each(Vec::<u8>::new()).is_empty());
    }
}
