//! The check of `docs/rfc-index.md`: each rule names the file that decides it, that file cites the section, and the named test
//! exists, so that the index stays true. The rules are the RFCs'; our deviations are in the document itself.

use std::collections::HashMap;

use super::source::{self, blank, read, root};

const INDEX: &str = "docs/rfc-index.md";

struct Entry {
    line: usize,
    sections: Vec<String>,
    decided: Vec<String>,
    shown: Vec<String>,
}

/// The cells between backticks, or, in the first column, between semicolons.
fn entries() -> Vec<Entry> {
    let quoted = |cell: &str| cell.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>();
    let mut entries = Vec::new();
    let mut in_table = false;
    for (number, line) in read(INDEX).lines().enumerate() {
        let cells: Vec<&str> = line.trim().trim_matches('|').split('|').map(str::trim).collect();
        if !line.starts_with('|') {
            in_table = false;
        } else if cells == ["Section", "Rule", "Decided in", "Shown by"] {
            in_table = true;
        } else if in_table && !line.starts_with("|-") {
            assert_eq!(cells.len(), 4, "{INDEX}:{}: expected four cells", number + 1);
            let sections = cells[0].split(';').map(|section| section.trim().to_owned()).collect();
            entries.push(Entry { line: number + 1, sections, decided: quoted(cells[2]), shown: quoted(cells[3]) });
        }
    }
    entries
}

/// Whether the text names the section: the document, and behind it, with nothing but other sections between, the number standing
/// alone.
fn names(text: &str, section: &str) -> bool {
    let Some((document, number)) = section.rsplit_once(['§', ' ']) else { return false };
    let document = document.trim().trim_start_matches("OpenID Connect ");
    let text = text.split_whitespace().filter(|word| !word.starts_with("//")).collect::<Vec<_>>().join(" ");
    let is_between = |c: char| c.is_ascii_digit() || "§., and to".contains(c);
    let is_it = |at: usize| {
        let (before, after) = (&text[..at], &text[at + number.len()..]);
        let mut after = after.chars();
        let next = after.next().unwrap_or(' ');
        let goes_on = next.is_ascii_digit() || next == '.' && after.next().is_some_and(|c| c.is_ascii_digit());
        let begins = before.ends_with(['§', ' ']);
        !goes_on && begins && before.rfind(document).is_some_and(|at| before[at + document.len()..].chars().all(is_between))
    };
    text.match_indices(number).any(|(at, _)| is_it(at))
}

#[test]
fn every_entry_leads_to_the_rule_and_to_its_test() {
    let entries = entries();
    assert!(!entries.is_empty(), "{INDEX}: expected a table | Section | Rule | Decided in | Shown by |");
    let mut wrong = Vec::new();
    let mut texts: HashMap<String, Option<String>> = HashMap::new();
    let mut text =
        |path: &str| texts.entry(path.to_owned()).or_insert_with(|| std::fs::read_to_string(root().join(path)).ok()).clone();
    for entry in entries {
        let mut say = |what: String| wrong.push(format!("{INDEX}:{}: {what}", entry.line));
        let mut decided = String::new();
        for path in &entry.decided {
            match text(path) {
                Some(found) => decided.push_str(&found),
                None => say(format!("there is no file {path}")),
            }
        }
        for section in entry.sections.iter().filter(|section| !names(&decided, section)) {
            say(format!("'{section}' is not named in {}: cite it where it is decided", entry.decided.join(", ")));
        }
        if entry.decided.is_empty() || entry.shown.is_empty() {
            say("name a file that decides it and a test that shows it, each in backticks".into());
        }
        for shown in &entry.shown {
            let (path, name) = shown.split_once("::").unwrap_or((shown, ""));
            let Some(found) = text(path) else {
                say(format!("there is no file {path}"));
                continue;
            };
            let there = if source::is_rust(path) {
                blank(&found).contains(&format!("fn {name}("))
            } else {
                !name.is_empty() && found.contains(name)
            };
            if !there {
                say(format!("there is no test {name} in {path}"));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn a_section_is_named_only_as_a_whole() {
    assert!(names("/// See RFC 6749 §4.1.2: a code", "RFC 6749 §4.1.2"));
    assert!(names("(RFC 6749 §2.3, §5.2)", "RFC 6749 §5.2"));
    assert!(names("OpenID Connect Core 3.1.2.1 to", "OpenID Connect Core 3.1.2.1"));
    assert!(!names("RFC 6749 §4.1.2.1", "RFC 6749 §4.1.2"));
    assert!(!names("RFC 6749 §4.1", "RFC 6749 §4.1.2"));
    assert!(!names("RFC 7636 §4.1.2", "RFC 6749 §4.1.2"));
    assert!(!names("RFC 6749 §4.1, RFC 7636 §4.2", "RFC 6749 §4.2"));
    assert!(!names("RFC 9207: returns 2", "RFC 9207 §2"));
    assert!(names("/// RFC 6749\n/// §4.1.2.1 and §5.2: told", "RFC 6749 §5.2"));
}
