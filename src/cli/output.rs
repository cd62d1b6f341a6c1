//! Output: JSON for programs, aligned tables for users. Data may contain anything its owner typed, so nothing that would control a
//! terminal, or reorder text, is printed as it is.

use std::{fmt::Write, time::Duration};

use clap::Args;
use serde::Serialize;

use super::{Answer, Error};
pub use crate::protocol::values::plain_text::is_unsafe;
use crate::{
    operations::DateTime,
    protocol::values::{
        plain_text::one_line,
        time::{Span, Timestamp},
    },
};

/// For whom the answer is.
#[derive(Clone, Copy, Debug, Default, Args)]
pub struct Format {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Format {
    /// Whether it is for programs.
    pub const fn is_json(self) -> bool {
        self.json
    }

    /// `value` as JSON, or the text for users.
    pub fn answer(self, value: &impl Serialize, text: impl FnOnce() -> String) -> Answer {
        if self.json { json(value) } else { Ok(text()) }
    }

    /// `value` as JSON even without `--json`: output to be copied into an app's configuration.
    #[expect(clippy::unused_self, reason = "--json is taken, and changes nothing")]
    pub fn json_for_all(self, value: &impl Serialize) -> Answer {
        json(value)
    }
}

/// A value as JSON. Control characters that JSON allows but that control a terminal are written as `\uXXXX`.
pub fn json(value: &impl Serialize) -> Answer {
    let plain = serde_json::to_string_pretty(value).map_err(|error| Error::Refused(error.to_string()))?;
    let mut safe = String::with_capacity(plain.len() + 1);
    for c in plain.chars() {
        if is_unsafe(c) && c != '\n' {
            let _ = write!(safe, "\\u{:04x}", u32::from(c)); // writing to a String cannot fail
        } else {
            safe.push(c);
        }
    }
    safe.push('\n');
    Ok(safe)
}

/// A value as JSON, as it stands in an array, without a line break at its end.
pub fn indented(value: &impl Serialize) -> Answer {
    Ok(json(value)?.trim_end().lines().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n"))
}

/// Rows under a heading, in columns as wide as their widest cell.
pub fn table<const N: usize>(heading: [&str; N], rows: &[[String; N]]) -> String {
    Widths::of(heading).table(Some(heading), rows)
}

/// The widths of the columns of a table that is printed in parts: those printed before are not narrowed.
pub struct Widths<const N: usize>([usize; N]);

impl<const N: usize> Widths<N> {
    /// As wide as the heading.
    pub fn of(heading: [&str; N]) -> Self {
        Self(heading.map(|cell| cell.chars().count()))
    }

    /// A part of the table; only the first has the heading.
    pub fn table(&mut self, heading: Option<[&str; N]>, rows: &[[String; N]]) -> String {
        let heading = heading.map(|heading| heading.map(str::to_owned));
        let rows = heading.into_iter().chain(rows.iter().map(|row| row.each_ref().map(|cell| clean(cell))));
        let rows: Vec<[String; N]> = rows.collect();
        for row in &rows {
            for (width, cell) in self.0.iter_mut().zip(row) {
                *width = cell.chars().count().max(*width);
            }
        }
        let mut text = String::new();
        for row in &rows {
            let cells = row.iter().zip(self.0).map(|(cell, width)| format!("{cell:width$}"));
            text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
            text.push('\n');
        }
        text
    }
}

/// Names and their values, one per line; a value of several lines is continued below itself.
pub fn fields(fields: &[(impl AsRef<str>, String)]) -> String {
    let width = fields.iter().map(|(name, _)| name.as_ref().chars().count()).max().unwrap_or_default();
    let mut text = String::new();
    for (name, value) in fields {
        for (line, part) in value.split('\n').enumerate() {
            let name = if line == 0 { name.as_ref() } else { "" };
            text.push_str(format!("{name:width$}  {}", clean(part)).trim_end());
            text.push('\n');
        }
    }
    text
}

/// Values one per line, for [`fields`]; `none` if there are none.
pub fn lines(values: impl IntoIterator<Item = impl ToString>) -> String {
    let all: Vec<_> = values.into_iter().map(|value| value.to_string()).collect();
    if all.is_empty() { "none".into() } else { all.join("\n") }
}

/// A number with its noun: "1 grant", "2 grants".
pub fn count(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

/// The text in one line, safe for a terminal.
pub fn clean(text: &str) -> String {
    one_line(text)
}

/// As [`clean`], keeping line breaks.
pub fn clean_lines(text: &str) -> String {
    text.split('\n').map(clean).collect::<Vec<_>>().join("\n")
}

/// A time by RFC 3339 in UTC.
pub fn time(at: Timestamp) -> String {
    DateTime(at).to_string()
}

/// A duration, such as `10m`.
pub fn span(span: Span) -> String {
    span.to_string()
}

/// As [`span`].
pub fn duration(duration: Duration) -> String {
    span(Span::from_millis(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_data_does_nothing_to_the_terminal() {
        let rows = [["a".into(), "é\u{1b}[2J\n".into()], ["long name".into(), "x".into()]];
        assert_eq!(table(["ID", "NAME"], &rows), "ID         NAME\na          é<U+001B>[2J<U+000A>\nlong name  x\n");
        assert_eq!(table(["ID"], &[]), "ID\n");
        assert_eq!(fields(&[("id", "a".into()), ("scope", "b\nc\u{202e}".into())]), "id     a\nscope  b\n       c<U+202E>\n");
        assert_eq!(clean_lines("one\ntwo\u{9b}"), "one\ntwo<U+009B>");
        assert_eq!(clean("\tkey = 1"), " key = 1");
    }

    #[test]
    fn a_table_in_parts_has_one_heading_and_is_as_wide_as_before() {
        let mut widths = Widths::of(["ID", "NAME"]);
        assert_eq!(widths.table(Some(["ID", "NAME"]), &[["long".into(), "x".into()]]), "ID    NAME\nlong  x\n");
        assert_eq!(widths.table(None, &[["a".into(), "y".into()]]), "a     y\n");
        assert_eq!(widths.table(None, &[]), "");
        assert_eq!(indented(&serde_json::json!({ "a": 1 })).unwrap(), "  {\n    \"a\": 1\n  }");
    }

    #[test]
    fn json_is_read_back_as_it_was_and_holds_no_control_character() {
        let value = serde_json::json!({ "name": "a\u{1b}\u{7f}\u{9b}\u{202e}\n\"é" });
        let text = json(&value).unwrap();
        assert!(text.chars().all(|c| c == '\n' || !is_unsafe(c)), "{text}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), value);
    }

    #[test]
    fn durations_are_short() {
        assert_eq!(span(Span::from_seconds(600)), "10m");
    }
}
