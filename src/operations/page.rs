//! Lists in pages: each begins after a key, so that rows that are added or removed meanwhile are neither skipped nor repeated, and
//! no list has to fit into memory.

use serde::Serialize;

use crate::protocol::{error::Invalid, values::id::Id};

/// The maximum number of items on a page.
pub const MOST: u32 = 500;

/// The part of a list that is wanted.
#[derive(Clone, Debug)]
pub struct Slice {
    /// The key after which it begins; `None` for the beginning of the list.
    pub after: Option<String>,
    /// The number of items, at most [`MOST`].
    pub limit: u32,
}

/// A page of a list.
#[derive(Clone, Debug, Serialize)]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// The key after which the next page begins; `None` at the end of the list.
    pub next: Option<String>,
}

impl Slice {
    /// The number of items of the page, and of rows to read: one more tells whether there is another page.
    pub(super) fn limits(&self) -> (usize, u32) {
        let limit = self.limit.clamp(1, MOST);
        (usize::try_from(limit).unwrap_or(usize::MAX), limit + 1)
    }

    /// The key of a list that is ordered by ids.
    pub(super) fn after_id(&self) -> Result<Option<Id>, Invalid> {
        let parse = |text: &String| Id::parse(text).map_err(|_| format!("after '{text}': expected 32 hexadecimal digits").into());
        self.after.as_ref().map(parse).transpose()
    }
}

impl<T> Page<T> {
    /// The page of these rows, which may be one more than fit.
    pub(super) fn of(mut rows: Vec<T>, limit: usize, key: impl Fn(&T) -> String) -> Self {
        let has_more = rows.len() > limit;
        rows.truncate(limit);
        let next = rows.last().filter(|_| has_more).map(key);
        Self { items: rows, next }
    }

    /// The same page with other items.
    #[must_use]
    pub fn map<U>(self, to: impl FnMut(T) -> U) -> Page<U> {
        Page { items: self.items.into_iter().map(to).collect(), next: self.next }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_ends_where_the_next_begins() {
        let page = |rows: &[u8]| Page::of(rows.to_vec(), 2, ToString::to_string);
        assert_eq!((page(&[]).items, page(&[]).next), (vec![], None));
        assert_eq!((page(&[1, 2]).items, page(&[1, 2]).next), (vec![1, 2], None));
        assert_eq!((page(&[1, 2, 3]).items, page(&[1, 2, 3]).next), (vec![1, 2], Some("2".into())));
        for (limit, expected) in [(0, 1), (7, 7), (u32::MAX, MOST)] {
            assert_eq!(Slice { after: None, limit }.limits(), (expected as usize, expected + 1));
        }
    }
}
