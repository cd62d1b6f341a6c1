//! The table, printed and as Markdown, and its place in docs/performance.md.

use crate::{
    figures::{Figures, Machine, Row},
    numbers::{figure, thousands},
    trouble::{Result, Trouble},
};

/// The line after a table in the document.
const END: &str = "<!-- end of the table -->";

/// The line before a table.
fn begin(name: &str) -> String {
    format!("<!-- {name}: written by bench/run --document -->")
}

/// Prints one row as soon as it is known.
pub fn tell(row: &Row) {
    println!("  {} | {}: {}{} {}", row.path, row.measure, ours(row), compared(row), verdict(row));
}

/// All rows, in columns.
pub fn print(rows: &[Row]) {
    let heads = ["path", "measure", "limit", "ours", "yardstick", "ratio", ""].map(str::to_owned);
    let lines: Vec<[String; 7]> = std::iter::once(heads).chain(rows.iter().map(cells)).collect();
    let width = |column: usize| lines.iter().filter_map(|line| line.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..7).map(|column| width(column).unwrap_or_default()).collect();
    for line in &lines {
        let padded: Vec<String> = line.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        println!("{}", padded.join("  ").trim_end());
    }
    for row in rows.iter().filter(|row| !row.holds) {
        println!("does not hold: {} | {}: {}", row.path, row.measure, row.note);
    }
}

fn cells(row: &Row) -> [String; 7] {
    let yardstick = row.yardstick.map_or_else(String::new, |number| format!("{} {}", figure(number), row.unit));
    let ratio = row.ratio.map_or_else(String::new, figure);
    [row.path.clone(), row.measure.clone(), row.limit.clone(), ours(row), yardstick, ratio, verdict(row).to_owned()]
}

/// Our figure; a dash where there is none.
fn ours(row: &Row) -> String {
    if row.note.starts_with("not measured") { "-".to_owned() } else { format!("{} {}", figure(row.ours), row.unit) }
}

fn compared(row: &Row) -> String {
    let yardstick = row.yardstick.map_or_else(String::new, |number| format!(" / {} {}", figure(number), row.unit));
    let ratio = row.ratio.map_or_else(String::new, |ratio| format!(" = {}", figure(ratio)));
    let limit = if row.limit.is_empty() { String::new() } else { format!(" (limit {})", row.limit) };
    format!("{yardstick}{ratio}{limit}")
}

const fn verdict(row: &Row) -> &'static str {
    if row.holds { "holds" } else { "does not hold" }
}

/// The machine and the table as Markdown.
pub fn markdown(figures: &Figures) -> String {
    let line = |row: &Row| format!("| {} |", cells(row).map(|cell| cell.replace('|', "\\|")).join(" | "));
    let rows: Vec<String> = figures.rows.iter().map(line).collect();
    let with_more = figures.rows.iter().filter(|row| !row.note.is_empty());
    let notes: Vec<String> = with_more.map(|row| format!("- {}, {}: {}", row.path, row.measure, row.note)).collect();
    format!(
        "{}\n| Path | Measure | Limit | Symbolon | Yardstick | Ratio | |\n|---|---|---|---|---|---|---|\n{}\n\n\
         What was measured besides:\n\n{}\n",
        about(&figures.machine),
        rows.join("\n"),
        notes.join("\n")
    )
}

fn about(machine: &Machine) -> String {
    let Machine { processor, cores, kernel, postgres, measured_at, commit, .. } = machine;
    format!(
        "Measured on {measured_at} at commit `{commit}`: {processor}, {cores} cores, {} MiB of memory, Linux {kernel}, PostgreSQL {postgres}.\n\
         One RSA-2048 signature takes {:.0} µs there, one with P-256 {:.0} µs (the medians of the run).\n",
        thousands(machine.memory_mib),
        machine.rsa2048_us,
        machine.es256_us
    )
}

/// The document, with its table of this name replaced.
///
/// # Errors
/// When the document has no such table.
pub fn replace(document: &str, name: &str, table: &str) -> Result<String> {
    let begin = begin(name);
    let parts = document.split_once(&begin).and_then(|(before, rest)| Some((before, rest.split_once(END)?.1)));
    let (before, after) = parts.ok_or_else(|| Trouble::new(format!("expected a place between '{begin}' and '{END}'")))?;
    Ok(format!("{before}{begin}\n\n{table}\n{END}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::{Found, GROUPS};

    fn figures() -> Figures {
        let machine = Machine {
            processor: "A processor".into(),
            cores: 2,
            memory_mib: 24_105,
            kernel: "6.1.0".into(),
            postgres: "15.9".into(),
            rsa2048_us: 210.4,
            es256_us: 14.2,
            measured_at: "2026-11-22".into(),
            commit: "abc1234".into(),
        };
        let [first, second, ..] = GROUPS[0].rows else { panic!("two rows") };
        let found = Found { ours: 280.0, yardstick: Some(210.0), sound: true, note: "more".into() };
        let rows = vec![first.found(found, 10), second.missing("no node", 10)];
        Figures { machine, rows, by_size: Vec::new(), by_load: Vec::new() }
    }

    #[test]
    fn the_markdown_has_a_line_for_each_row() {
        let text = markdown(&figures());
        assert!(text.contains("24,105 MiB"), "{text}");
        assert!(text.contains("| ≤ 1.5 | 280 µs | 210 µs | 1.33 | holds |\n"), "{text}");
        assert!(text.contains("| ≥ 3 | - |  |  | does not hold |\n"), "{text}");
        assert!(text.contains(": not measured: no node\n"), "{text}");
    }

    #[test]
    fn a_document_keeps_what_is_around_its_table() {
        let (begin, other) = (begin("this"), begin("other"));
        let document = format!("before\n{other}\nother\n{END}\n{begin}\nold\n{END}\nafter\n");
        let written = replace(&document, "this", "new\n").unwrap();
        assert_eq!(written, format!("before\n{other}\nother\n{END}\n{begin}\n\nnew\n\n{END}\nafter\n"));
        assert_eq!(replace(&written, "this", "new\n").unwrap(), written);
        assert!(replace(&written, "another", "new").is_err());
    }
}
