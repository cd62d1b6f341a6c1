//! Output: JSON for programs, aligned tables for users. Data may contain anything its owner typed, so nothing that would control a
//! terminal, or reorder text, is printed as it is.

use std::{
    fmt::Write,
    time::{Duration, UNIX_EPOCH},
};

use clap::Args;
use serde::Serialize;

use super::{Answer, Error};
pub use crate::protocol::values::plain_text::is_unsafe;
use crate::protocol::values::time::{Span, Timestamp};

/// For whom the answer is.
#[derive(Clone, Copy, Debug, Default, Args)]
pub struct Format {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Format {
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

/// Rows under a heading, in columns as wide as their widest cell.
pub fn table<const N: usize>(heading: [&str; N], rows: &[[String; N]]) -> String {
    let rows: Vec<[String; N]> = std::iter::once(heading.map(str::to_owned))
        .chain(rows.iter().map(|row| row.each_ref().map(|cell| clean(cell))))
        .collect();
    let mut widths = [0; N];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    let mut text = String::new();
    for row in &rows {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
        text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        text.push('\n');
    }
    text
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
    text.chars().map(|c| if is_unsafe(c) { c.escape_unicode().to_string() } else { c.to_string() }).collect()
}

/// As [`clean`], keeping line breaks.
pub fn clean_lines(text: &str) -> String {
    text.split('\n').map(clean).collect::<Vec<_>>().join("\n")
}

/// A time by RFC 3339 in UTC.
pub fn time(at: Timestamp) -> String {
    const LAST: u64 = 253_402_300_799_000; // the end of the year 9999, the latest that RFC 3339 can express
    let millis = u64::try_from(at.millis()).unwrap_or_default().min(LAST);
    humantime::format_rfc3339_seconds(UNIX_EPOCH + Duration::from_millis(millis)).to_string()
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
        assert_eq!(table(["ID", "NAME"], &rows), "ID         NAME\na          é\\u{1b}[2J\\u{a}\nlong name  x\n");
        assert_eq!(table(["ID"], &[]), "ID\n");
        assert_eq!(fields(&[("id", "a".into()), ("scope", "b\nc\u{202e}".into())]), "id     a\nscope  b\n       c\\u{202e}\n");
        assert_eq!(clean_lines("one\ntwo\u{9b}"), "one\ntwo\\u{9b}");
    }

    #[test]
    fn json_is_read_back_as_it_was_and_holds_no_control_character() {
        let value = serde_json::json!({ "name": "a\u{1b}\u{7f}\u{9b}\u{202e}\n\"é" });
        let text = json(&value).unwrap();
        assert!(text.chars().all(|c| c == '\n' || !is_unsafe(c)), "{text}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), value);
    }

    #[test]
    fn times_that_cannot_be_written_do_not_stop_a_listing() {
        assert_eq!(time(Timestamp::from_millis(1_700_000_000_999)), "2023-11-14T22:13:20Z");
        assert_eq!(time(Timestamp::from_millis(-1)), "1970-01-01T00:00:00Z");
        assert_eq!(time(Timestamp::from_millis(i64::MAX)), "9999-12-31T23:59:59Z");
        assert_eq!(span(Span::from_seconds(600)), "10m");
    }
}
