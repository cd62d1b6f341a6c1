//! Lists, printed page by page as they are read: a table for users, an array for programs. However long a list is, memory holds one
//! page of it.

use std::io::{self, Write};

use clap::Args;
use serde::Serialize;

use super::{
    Answer, Error, Work,
    output::{self, Format, Widths},
};
use crate::operations::{
    OperationError,
    page::{self, Page, Slice},
};

/// Which part of a list is printed.
#[derive(Clone, Debug, Args)]
pub struct Part {
    /// Maximum number of entries [default: all]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    limit: Option<u32>,
    /// Only entries after this one, named by the first column
    #[arg(long, value_name = "KEY")]
    after: Option<String>,
    #[command(flatten)]
    format: Format,
}

/// The heading of a table, and the cells of an item.
type Columns<T, const N: usize> = ([&'static str; N], fn(&T) -> [String; N]);

impl Part {
    /// The whole list.
    pub const fn all(format: Format) -> Self {
        Self { limit: None, after: None, format }
    }

    /// Of a list that is long by nature, so that not all of it is printed by default.
    pub fn new(limit: u32, after: Option<String>, format: Format) -> Self {
        Self { limit: Some(limit), after, format }
    }

    /// Prints this part of a list, which `read` gives in pages.
    pub fn print<T: Serialize, const N: usize>(
        &self,
        work: &mut Work<'_>,
        (heading, row): Columns<T, N>,
        read: impl Fn(&mut Work<'_>, &Slice) -> Result<Page<T>, OperationError>,
    ) -> Answer {
        let mut out = io::stdout().lock();
        let mut print = |text: &str| out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(Error::Unprinted);
        let (mut after, mut left) = (self.after.clone(), self.limit.unwrap_or(u32::MAX));
        let (mut widths, mut is_first) = (Widths::of(heading), true);
        loop {
            let Page { items, next } = read(work, &Slice { after, limit: left.min(page::MOST) })?;
            if self.format.is_json() {
                let mut text = String::new();
                for item in &items {
                    text.push_str(if is_first { "[\n" } else { ",\n" });
                    text.push_str(&output::indented(item)?);
                    is_first = false;
                }
                print(&text)?;
            } else {
                let rows: Vec<_> = items.iter().map(row).collect();
                print(&widths.table(is_first.then_some(heading), &rows))?;
                is_first = false;
            }
            left = left.saturating_sub(u32::try_from(items.len()).unwrap_or(u32::MAX));
            after = next;
            if after.is_none() || left == 0 {
                break;
            }
        }
        if self.format.is_json() {
            print(if is_first { "[]\n" } else { "\n]\n" })?;
        }
        Ok(String::new())
    }
}
