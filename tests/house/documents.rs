//! The rules of the documents: every link inside the repository has a target, and the decisions are numbered and have the same
//! form.

use super::source::{list, read, root, sources};

/// What each decision says, in this order.
const PARTS: [&str; 4] = ["## Context", "## Decision", "## Considered", "## Consequences"];

#[test]
fn links_lead_somewhere() {
    let mut wrong = Vec::new();
    let own = list(".", ".md");
    assert!(own.iter().any(|path| path == "README.md"), "README.md: write it");
    for path in own {
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        for after in read(&path).split("](").skip(1) {
            let target = after.split([')', ' ', '#']).next().unwrap_or_default();
            let elsewhere = target.is_empty() || target.contains("://") || target.starts_with("mailto:");
            if !elsewhere && !root().join(folder).join(target).exists() {
                wrong.push(format!("{path}: the link to '{target}' leads nowhere"));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn the_map_names_every_file() {
    let map = read("docs/architecture.md");
    let map = map.split("```").nth(1).unwrap();
    let words: Vec<_> = map.split(|c: char| !(c.is_alphanumeric() || c == '_')).collect();
    let all = sources(&["src"]).into_iter().filter(|source| !source.shipped.is_empty());
    let missing: Vec<_> =
        all.filter(|source| !words.contains(&source.module.last().unwrap().as_str())).map(|source| source.path).collect();
    assert!(missing.is_empty(), "docs/architecture.md: the map lacks {missing:?}; give each a word");
}

#[test]
fn decisions_are_numbered_and_take_one_form() {
    for (index, path) in list("docs/decisions", ".md").iter().enumerate() {
        let number = format!("{:04}", index + 1);
        assert!(path.starts_with(&format!("docs/decisions/{number}-")), "{path}: expected number {number}: no gap, none twice");
        let text = read(path);
        let places: Vec<_> =
            PARTS.iter().map(|part| text.find(part).unwrap_or_else(|| panic!("{path}: lacks '{part}'"))).collect();
        assert!(places.is_sorted(), "{path}: expected the parts in the order {PARTS:?}");
        assert!(text.lines().count() <= 70, "{path}: a decision is one page");
    }
}
