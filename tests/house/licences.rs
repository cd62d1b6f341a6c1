//! The licences of third-party code in this program: `deny.toml` allows each, and `THIRD-PARTY-LICENSES.txt` contains the texts
//! for the packages of `Cargo.lock` that are in the binary. `SYMBOLON_WRITE_LICENSES=1 cargo test --test house licences` rewrites
//! that file. Other checks of packages are done by `cargo deny` (`tests/run`).

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    process::Command,
    sync::LazyLock,
};

use serde_json::Value;

use super::source::{read, root};

const FILE: &str = "THIRD-PARTY-LICENSES.txt";
/// The system for which the binary in question is built.
const PLATFORM: &str = "x86_64-unknown-linux-gnu";
const HEADING: &str = "Symbolon is licensed under MIT or Apache-2.0. The program that `cargo build --release` makes contains work of others, which is listed here\n\
     with its licences. This file is made by `SYMBOLON_WRITE_LICENSES=1 cargo test --test house licences`, from Cargo.lock, for Linux on x86-64.\n";

/// What Cargo says of the packages: of those for this platform, all of which the build has fetched.
static METADATA: LazyLock<Value> = LazyLock::new(metadata);

fn metadata() -> Value {
    let arguments = ["metadata", "--locked", "--offline", "--format-version", "1", "--filter-platform", &host()];
    let output = Command::new(env!("CARGO")).args(arguments).current_dir(root()).output().unwrap();
    assert!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn host() -> String {
    let output = Command::new(env!("CARGO")).arg("-vV").output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    said.lines().find_map(|line| line.strip_prefix("host: ")).unwrap().to_owned()
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_else(|| panic!("{name}: {value}"))
}

/// Whether an SPDX expression (with the `/` of former times) is satisfied by these licences.
fn is_satisfied(expression: &str, by: &[&str]) -> bool {
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ").replace(" WITH ", "_WITH_");
    let words: Vec<_> = spaced.split_whitespace().collect();
    let mut rest = words.as_slice();
    let is = either(&mut rest, by);
    assert!(rest.is_empty(), "'{expression}' is no SPDX expression");
    is
}

fn either(words: &mut &[&str], by: &[&str]) -> bool {
    let mut is = both(words, by);
    while let Some(rest) = words.strip_prefix(&["OR"]) {
        *words = rest;
        is |= both(words, by);
    }
    is
}

fn both(words: &mut &[&str], by: &[&str]) -> bool {
    let mut is = one(words, by);
    while let Some(rest) = words.strip_prefix(&["AND"]) {
        *words = rest;
        is &= one(words, by);
    }
    is
}

fn one(words: &mut &[&str], by: &[&str]) -> bool {
    let (word, rest) = words.split_first().expect("a licence");
    *words = rest;
    if *word != "(" {
        return by.contains(&word.replace("_WITH_", " WITH ").as_str());
    }
    let is = either(words, by);
    *words = words.strip_prefix(&[")"]).expect("a closing parenthesis");
    is
}

#[test]
fn expressions_are_read_as_spdx_has_them() {
    for (expression, is) in [
        ("MIT", true),
        ("GPL-3.0", false),
        ("GPL-3.0 OR MIT", true),
        ("GPL-3.0/MIT", true),
        ("GPL-3.0 AND MIT", false),
        ("(GPL-3.0 OR MIT) AND ISC", true),
        ("GPL-3.0 OR MIT AND Zlib", false),
        ("Apache-2.0 WITH LLVM-exception", false),
    ] {
        assert_eq!(is_satisfied(expression, &["MIT", "ISC"]), is, "{expression}");
    }
}

#[test]
fn every_package_has_a_licence_that_is_allowed() {
    let deny = read("deny.toml");
    let list = deny.split("\nallow = [").nth(1).and_then(|rest| rest.split(']').next()).expect("deny.toml: a list of licences");
    let allowed: Vec<_> = list.split('"').skip(1).step_by(2).collect();
    let packages = METADATA["packages"].as_array().unwrap();
    let wrong: Vec<_> = packages
        .iter()
        .filter(|package| !package["license"].as_str().is_some_and(|license| is_satisfied(license, &allowed)))
        .map(|package| format!("{} {}: {}", text(package, "name"), text(package, "version"), package["license"]))
        .collect();
    assert!(packages.len() > 200 && wrong.is_empty(), "deny.toml does not allow the licences of {wrong:#?}");
    let used = |license: &&&str| {
        let others: Vec<_> = allowed.iter().filter(|other| other != license).copied().collect();
        packages.iter().any(|package| !is_satisfied(package["license"].as_str().unwrap_or_default(), &others))
    };
    let unused: Vec<_> = allowed.iter().filter(|license| !used(license)).collect();
    assert!(unused.is_empty(), "deny.toml: no package needs {unused:?}; take them out");
}

/// The packages in the binary: those that the program depends on, without what runs while it is compiled.
fn linked(metadata: &Value) -> Vec<&Value> {
    let packages: BTreeMap<_, _> = metadata["packages"].as_array().unwrap().iter().map(|one| (text(one, "id"), one)).collect();
    let nodes: BTreeMap<_, _> =
        metadata["resolve"]["nodes"].as_array().unwrap().iter().map(|node| (text(node, "id"), node)).collect();
    let runs_while_compiling = |id: &str| {
        packages[id]["targets"].as_array().unwrap().iter().any(|target| target["kind"].to_string().contains("proc-macro"))
    };
    let own = *packages.iter().find(|(_, package)| text(package, "name") == "symbolon").unwrap().0;
    let (mut found, mut waiting) = (BTreeSet::new(), vec![own]);
    while let Some(id) = waiting.pop() {
        if !runs_while_compiling(id) && found.insert(id) {
            let of = nodes[id]["deps"].as_array().unwrap().iter();
            let linked = of.filter(|of| of["dep_kinds"].as_array().unwrap().iter().any(|kind| kind["kind"].is_null()));
            waiting.extend(linked.map(|of| text(of, "pkg")));
        }
    }
    found.remove(own);
    let mut found: Vec<_> = found.into_iter().map(|id| packages[id]).collect();
    found.sort_by_key(|package| (text(package, "name"), text(package, "version")));
    found
}

fn folder(package: &Value) -> &Path {
    Path::new(text(package, "manifest_path")).parent().unwrap()
}

fn name(package: &Value) -> String {
    format!("{} {}", text(package, "name"), text(package, "version"))
}

fn tidied(text: &str) -> String {
    text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n").trim_matches('\n').to_owned() + "\n"
}

fn file(path: &Path) -> String {
    tidied(&fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
}

/// The licences of a package, as its own files have them. Where it may be used by MIT alone, that one.
fn own_texts(package: &Value) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(folder(package)).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.retain(|name| {
        ["LICENSE", "LICENCE", "COPYING", "COPYRIGHT", "NOTICE"].iter().any(|word| name.to_uppercase().starts_with(word))
    });
    names.sort();
    if is_satisfied(text(package, "license"), &["MIT"]) && names.iter().any(|name| name == "LICENSE-MIT") {
        names.retain(|name| name == "LICENSE-MIT");
    }
    if names.is_empty() && text(package, "license") == "MPL-2.0" {
        return vec![tidied(&read("tests/setup/mpl_2_licence.txt"))]; // it names the licence, without its text
    }
    names.iter().map(|name| file(&folder(package).join(name))).collect()
}

/// The libraries in C that are compiled into the program: what they are, and their licences.
fn bundled(metadata: &Value) -> Vec<(String, String)> {
    let packages = metadata["packages"].as_array().unwrap();
    let find =
        |of: &str| packages.iter().find(|package| text(package, "name") == of).unwrap_or_else(|| panic!("there is no {of}"));
    let (sqlite, mimalloc, libpq) = (find("libsqlite3-sys"), find("libmimalloc-sys"), find("pq-src"));
    let notice = file(&folder(sqlite).join("sqlite3/sqlite3.h"));
    let notice = notice.lines().skip(1).take_while(|line| !line.starts_with("*****")).map(|line| line.trim_start_matches("**"));
    vec![
        (format!("SQLite, in {}", name(sqlite)), tidied(&notice.map(str::trim).collect::<Vec<_>>().join("\n"))),
        (format!("mimalloc, in {}", name(mimalloc)), file(&folder(mimalloc).join("c_src/mimalloc/v3/LICENSE"))),
        (format!("libpq of PostgreSQL, in {}", name(libpq)), tidied(&read("tests/setup/libpq_licence.txt"))),
    ]
}

/// The file, as it should be.
fn made(metadata: &Value) -> String {
    let line = "=".repeat(80);
    let mut apache = vec![];
    let mut others: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for package in linked(metadata) {
        let by_apache = is_satisfied(text(package, "license"), &["Apache-2.0"]);
        let texts = if by_apache { vec![] } else { own_texts(package) };
        assert!(by_apache || !texts.is_empty() || text(package, "name") == "pq-src", "{}: where is its licence?", name(package));
        if by_apache {
            apache.push(format!("{} ({})", name(package), text(package, "license")));
        }
        for one in texts {
            others.entry(one).or_default().push(format!("{} ({})", name(package), text(package, "license")));
        }
    }
    let openssl = metadata["packages"].as_array().unwrap().iter().find(|package| text(package, "name") == "openssl-src").unwrap();
    apache.push(format!("OpenSSL, in {} (Apache-2.0)", name(openssl)));
    for (of, licence) in bundled(metadata) {
        others.entry(licence).or_default().push(of);
    }
    let django = read("docs/third-party.md");
    let django = django.split("Django's licence:").nth(1).and_then(|rest| rest.split("```").nth(1)).unwrap();
    others.entry(tidied(django)).or_default().push("the list of the passwords used most, of Django (BSD-3-Clause)".to_owned());
    let mut others: Vec<_> = others.into_iter().map(|(licence, of)| (of, licence)).collect();
    others.sort();
    let apache = (apache, file(&root().join("LICENSE-APACHE")));
    let part = |(of, licence): (Vec<String>, String)| format!("\n{line}\n{}\n{line}\n\n{licence}", of.join("\n"));
    HEADING.to_owned() + &[vec![apache], others].concat().into_iter().map(part).collect::<String>()
}

#[test]
fn the_texts_of_the_licences_are_those_of_the_packages_in_the_binary() {
    if host() != PLATFORM {
        return eprintln!("{FILE} is not compared: it is for {PLATFORM}, and this is {}", host());
    }
    let made = made(&METADATA);
    if std::env::var_os("SYMBOLON_WRITE_LICENSES").is_some() {
        fs::write(root().join(FILE), &made).unwrap();
    }
    let kept = fs::read_to_string(root().join(FILE)).unwrap_or_default();
    let differs = made.lines().zip(kept.lines()).find(|(made, kept)| made != kept);
    assert!(made == kept, "{FILE} is out of date ({differs:?}): SYMBOLON_WRITE_LICENSES=1 cargo test --test house licences");
}
