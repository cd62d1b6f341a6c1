//! The rules of files: each opens with what it owns, is short, is named by a noun, and contains nothing unfinished; and every
//! path of the server is in the route table.

use super::source::{Source, list, read, sources, tokens};

const MAX_CODE: usize = 300;
const MAX_LINES: usize = 400;

/// Parts of names that say nothing about what a file is.
const EMPTY_NAMES: [&str; 8] = ["_handler", "_service", "_manager", "util", "helper", "common", "misc", "_impl"];

fn everything() -> Vec<Source> {
    sources(&["src", "tests"])
}

#[test]
fn every_file_says_at_its_top_what_it_owns() {
    let mut wrong = Vec::new();
    for source in everything() {
        let top: Vec<&str> = source.text.lines().map_while(|line| line.strip_prefix("//!")).collect();
        let words = top.join(" ").trim().to_owned();
        if words.len() < 20 || !words.ends_with(['.', '?', '!']) || top.len() > 8 {
            wrong.push(format!(
                "{}: open it with one to eight lines of //!: what it owns, and what it leaves to whom",
                source.path
            ));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn files_are_short() {
    let mut wrong = Vec::new();
    for source in sources(&["src"]) {
        let code = source.shipped.lines().filter(|line| !line.trim().is_empty()).count();
        let lines = source.text.lines().count();
        if code > MAX_CODE || lines > MAX_LINES {
            wrong.push(format!(
                "{}: {code} lines of code, {lines} in all; expected at most {MAX_CODE} and {MAX_LINES}: split it",
                source.path
            ));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn names_are_nouns() {
    let names = list("src", "").into_iter().chain(list("tests", ".rs"));
    let wrong: Vec<_> = names.filter(|path| EMPTY_NAMES.iter().any(|empty| path.contains(empty))).collect();
    assert!(wrong.is_empty(), "name these after what they hold: {wrong:?}");
}

#[test]
fn nothing_is_unfinished() {
    // Spelled in two halves, so that this file does not find itself.
    let marks = [
        concat!("to", "do!("),
        concat!("unimpl", "emented!("),
        concat!("db", "g!("),
        concat!("#[ign", "ore"),
        concat!("#[al", "low("),
        concat!("for", " now"),
        concat!("FIX", "ME"),
        concat!("TO", "DO"),
    ];
    let mut wrong = Vec::new();
    for source in everything() {
        for (number, line) in source.text.lines().enumerate() {
            let line = line.replace(concat!("asked for", " now"), "asked");
            for mark in marks.iter().filter(|mark| line.contains(**mark)) {
                wrong.push(format!("{}:{}: '{mark}': finish it, or open an issue and take it out", source.path, number + 1));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn every_path_has_a_route() {
    let routes = read("src/routes.rs");
    let routes = tokens(&routes);
    let paths = read("src/paths.rs");
    let names = paths
        .lines()
        .filter_map(|line| line.strip_prefix("pub const ")?.split_once(':'))
        .map(|(name, _)| name)
        .filter(|name| !name.starts_with("fn "));
    let missing: Vec<_> = names.filter(|name| !routes.contains(name)).collect();
    assert!(missing.is_empty(), "src/routes.rs: no route for {missing:?} of src/paths.rs; add it, or take the path out");
}
