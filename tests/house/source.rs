//! A reader of Rust source without a compiler: the files of a folder, their code with comments and strings blanked out, which of
//! it is test code, and the paths it names. It contains no rules; the other files of this folder do.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// A Rust file.
pub struct Source {
    /// Its path below the repository, with `/`.
    pub path: String,
    /// All of it.
    pub text: String,
    /// The code without comments, texts and items under `#[cfg(test)]`; empty for a file of tests.
    pub shipped: String,
    /// `store::grants` for `src/store/grants.rs`.
    pub module: Vec<String>,
}

/// The repository.
pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The text of a file of the repository.
pub fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Whether a path is that of a Rust file.
pub fn is_rust(path: &str) -> bool {
    Path::new(path).extension().is_some_and(|extension| extension == "rs")
}

/// Every file below a folder of the repository whose name ends so, sorted; folders in which others' work is kept are left out.
pub fn list(folder: &str, ending: &str) -> Vec<String> {
    let mut found = Vec::new();
    walk(&root().join(folder), ending, &mut found);
    found.sort();
    found
}

fn walk(folder: &Path, ending: &str, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            if !["node_modules", "target", "build", ".git", ".venv"].contains(&name.as_str()) {
                walk(&path, ending, found);
            }
        } else if name.ends_with(ending) {
            found.push(path.strip_prefix(root()).unwrap().to_string_lossy().replace('\\', "/"));
        }
    }
}

/// Every Rust file below these folders.
pub fn sources(folders: &[&str]) -> Vec<Source> {
    let mut all: Vec<Source> = folders.iter().flat_map(|folder| list(folder, ".rs")).map(|path| open(&path)).collect();
    let tests: Vec<String> = all.iter().flat_map(test_files).collect();
    for source in &mut all {
        if source.path.starts_with("tests/") || tests.contains(&source.path) {
            source.shipped = String::new();
        }
    }
    all
}

fn open(path: &str) -> Source {
    let text = read(path);
    let code = blank(&text);
    let module = path.trim_start_matches("src/").trim_end_matches(".rs").trim_end_matches("/mod");
    let module = module.split('/').map(str::to_owned).collect();
    Source { path: path.to_owned(), shipped: without_tests(&code), text, module }
}

/// The code with comments, texts and characters blanked out.
pub fn blank(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = bytes.to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let end = match bytes[at] {
            b'/' if bytes[at..].starts_with(b"//") => at + text[at..].find('\n').unwrap_or(bytes.len() - at),
            b'/' if bytes[at..].starts_with(b"/*") => at + text[at..].find("*/").map_or(bytes.len() - at, |n| n + 2),
            b'"' => end_of_text(bytes, at),
            b'r' if is_raw_text(bytes, at) => {
                let hashes = bytes[at + 1..].iter().take_while(|b| **b == b'#').count();
                let close = format!("\"{}", "#".repeat(hashes));
                let start = at + hashes + 2;
                start + text[start..].find(&close).unwrap_or(0) + close.len()
            }
            // 'x' and '\n' are characters, 'a alone is a lifetime.
            b'\'' if bytes.get(at + 1) == Some(&b'\\') => at + 3 + text[at + 3..].find('\'').unwrap_or(0) + 1,
            b'\'' => {
                let width = text[at + 1..].chars().next().map_or(0, char::len_utf8);
                if bytes.get(at + 1 + width) == Some(&b'\'') { at + width + 2 } else { at }
            }
            _ => at,
        };
        out[at..end].iter_mut().filter(|b| **b != b'\n').for_each(|b| *b = b' ');
        at = end.max(at + 1);
    }
    String::from_utf8(out).unwrap()
}

fn is_raw_text(bytes: &[u8], at: usize) -> bool {
    let starts = at == 0 || !(bytes[at - 1].is_ascii_alphanumeric() || bytes[at - 1] == b'_') || bytes[at - 1] == b'b';
    let after = bytes[at + 1..].iter().find(|b| **b != b'#');
    starts && after == Some(&b'"')
}

fn end_of_text(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while at < bytes.len() && bytes[at] != b'"' {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    (at + 1).min(bytes.len())
}

/// The code without every item under `#[cfg(test)]`.
fn without_tests(code: &str) -> String {
    let mut kept = String::new();
    let mut rest = code;
    while let Some(at) = rest.find("#[cfg(test)]") {
        kept.push_str(&rest[..at]);
        rest = &rest[at..];
        let end = rest.find(['{', ';']).unwrap_or(rest.len() - 1);
        let end = if rest.as_bytes()[end] == b'{' { closing(rest, end) } else { end };
        rest = &rest[(end + 1).min(rest.len())..];
    }
    kept + rest
}

fn closing(code: &str, open: usize) -> usize {
    let mut depth = 0;
    for (at, byte) in code.bytes().enumerate().skip(open) {
        match byte {
            b'{' => depth += 1,
            b'}' if depth == 1 => return at,
            b'}' => depth -= 1,
            _ => {}
        }
    }
    code.len()
}

/// The files that a file declares as modules under `#[cfg(test)]`.
fn test_files(source: &Source) -> Vec<String> {
    let folder = if source.path.ends_with("/mod.rs") || !source.path[4..].contains('/') {
        source.path.rsplit_once('/').unwrap().0.to_owned()
    } else {
        source.path.trim_end_matches(".rs").to_owned()
    };
    let beside = source.path.rsplit_once('/').unwrap().0;
    let mut found = Vec::new();
    for after in source.text.split("#[cfg(test)]").skip(1) {
        let item = after.split(['{', ';']).next().unwrap_or_default();
        let named = item.split("mod ").nth(1).map(|name| format!("{folder}/{}.rs", name.trim()));
        let pathed = item.split("#[path = \"").nth(1).and_then(|p| p.split('"').next()).map(|p| format!("{beside}/{p}"));
        found.extend(pathed.or(named));
    }
    found
}

/// Identifiers and signs; `::` is one sign.
pub fn tokens(code: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = code.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = if first.is_alphanumeric() || first == '_' {
            rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len())
        } else if rest.starts_with("::") {
            2
        } else {
            first.len_utf8()
        };
        found.push(&rest[..length]);
        rest = rest[length..].trim_start();
    }
    found
}

/// Every path that begins with one of these names, as segments; the trees of `use` are spread out.
pub fn paths<'a>(tokens: &[&'a str], first: &[&str]) -> Vec<Vec<&'a str>> {
    let mut found = Vec::new();
    for at in 0..tokens.len() {
        let begins = first.contains(&tokens[at]) && tokens.get(at + 1) == Some(&"::") && (at == 0 || tokens[at - 1] != "::");
        if begins {
            spread(tokens, at, &mut Vec::new(), &mut found);
        }
    }
    found
}

/// Every path that a `pub use` names, as written.
pub fn exported<'a>(tokens: &[&'a str]) -> Vec<Vec<&'a str>> {
    let mut found = Vec::new();
    for at in (1..tokens.len()).filter(|at| tokens[*at] == "use" && ["pub", ")"].contains(&tokens[at - 1])) {
        spread(tokens, at + 1, &mut Vec::new(), &mut found);
    }
    found
}

fn spread<'a>(tokens: &[&'a str], mut at: usize, before: &mut Vec<&'a str>, found: &mut Vec<Vec<&'a str>>) -> usize {
    let depth = before.len();
    loop {
        match tokens.get(at) {
            Some(&"{") => {
                at += 1;
                while tokens.get(at).is_some_and(|token| *token != "}") {
                    at = if tokens[at] == "," { at + 1 } else { spread(tokens, at, before, found).max(at + 1) };
                }
                before.truncate(depth);
                return at + 1;
            }
            Some(token) if token.starts_with(|c: char| c.is_alphabetic() || c == '_' || c == '*') => before.push(token),
            _ => break,
        }
        at += 1;
        if tokens.get(at) != Some(&"::") {
            break;
        }
        at += 1;
    }
    found.push(before.clone());
    before.truncate(depth);
    if tokens.get(at) == Some(&"as") { at + 2 } else { at }
}

#[test]
fn the_reader_reads() {
    let code = "use crate::{a::{b, c as d}, e};\nfn f<'x>(c: char) { c == '\"' || g(\"crate::no\") /* crate::no */ } // crate::no\nlet r = r#\"crate::\"no\"#;";
    let blanked = blank(code);
    assert_eq!(blanked.lines().count(), 3);
    let spread = paths(&tokens(&blanked), &["crate"]);
    assert_eq!(spread, [vec!["crate", "a", "b"], vec!["crate", "a", "c"], vec!["crate", "e"]]);
    let exports = tokens("mod a; use b::c; pub use a::{d, e::f}; pub(super) use super::g;");
    assert_eq!(exported(&exports), [vec!["a", "d"], vec!["a", "e", "f"], vec!["super", "g"]]);
    assert_eq!(without_tests("a;\n#[cfg(test)]\nmod t { fn x() { {} } }\nb; #[cfg(test)] mod u; c"), "a;\n\nb;  c");
}
