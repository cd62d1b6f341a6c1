//! The rules of `examples/`: each is in `docs/quickstarts.md` with the commands of its README, is run by a test, says at the top of
//! its Rust files what they own, and uses the versions that the tests use.

use std::collections::BTreeSet;

use serde_json::Value;

use super::source::{list, read, sources};

/// The names of the examples.
fn names() -> BTreeSet<String> {
    let all = list("examples", "README.md");
    let names: BTreeSet<_> = all.iter().filter_map(|path| path.split('/').nth(1)).map(str::to_owned).collect();
    assert!(names.len() >= 7, "examples/: {names:?}");
    names
}

/// The commands in the blocks of a document.
fn commands(document: &str) -> Vec<String> {
    let blocks = document.split("```sh\n").skip(1).filter_map(|after| after.split("```").next());
    let joined: Vec<_> = blocks.map(|block| block.replace("\\\n", " ")).collect();
    let lines = joined.iter().flat_map(|block| block.lines());
    lines.map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

#[test]
fn every_example_is_in_the_quickstarts_and_run_by_a_test() {
    let quickstarts = read("docs/quickstarts.md");
    let there = commands(&quickstarts);
    let tests: String =
        list("tests/it/examples", ".rs").iter().map(|path| read(path)).collect::<String>() + &read("tests/it/examples.rs");
    let mut wrong = Vec::new();
    for name in names() {
        if !quickstarts.contains(&format!("(../examples/{name})")) {
            wrong.push(format!("docs/quickstarts.md: lead to examples/{name}"));
        }
        if !tests.contains(&format!("\"{name}\"")) {
            wrong.push(format!("tests/it/examples.rs: run examples/{name}"));
        }
        let own = commands(&read(&format!("examples/{name}/README.md")));
        let missing = own.iter().filter(|command| !there.contains(command));
        wrong.extend(missing.map(|command| format!("docs/quickstarts.md: lacks a command of examples/{name}: {command}")));
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn examples_use_the_versions_of_the_tests() {
    let json = |path: &str| serde_json::from_str::<Value>(&read(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
    let tested = json("tests/clients/package.json")["dependencies"].clone();
    let pinned = read("tests/clients/requirements.txt");
    let mut wrong = Vec::new();
    for name in names() {
        for path in list(&format!("examples/{name}"), "package.json") {
            let own = json(&path)["dependencies"].clone();
            let differs = own.as_object().unwrap().iter().filter(|(package, version)| tested[package.as_str()] != **version);
            wrong.extend(
                differs.map(|(package, version)| format!("{path}: {package} {version}, tested with {}", tested[package])),
            );
        }
        for path in list(&format!("examples/{name}"), "requirements.txt") {
            let text = read(&path);
            let differs = text.lines().filter(|line| !pinned.lines().any(|pinned| pinned == *line));
            wrong.extend(differs.map(|line| format!("{path}: {line} is not in tests/clients/requirements.txt")));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn both_backends_have_the_same_app_in_the_browser() {
    for path in list("examples/bff-node/public", "") {
        let other = path.replace("/bff-node/", "/bff/");
        assert!(read(&path) == read(&other), "{path} and {other} differ: change both");
    }
}

#[test]
fn rust_files_of_examples_say_what_they_own() {
    let files = sources(&["examples"]);
    let wrong: Vec<_> = files.iter().filter(|source| !source.text.starts_with("//! ")).map(|source| &source.path).collect();
    assert!(files.len() > 10 && wrong.is_empty(), "open these with //!: {wrong:?}");
}
