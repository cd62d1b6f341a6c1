//! Paths named in comments and documents lead somewhere: `protocol::grant::judge` names a module and something in it. A name that
//! has moved would send its reader to the wrong room.

use std::collections::{HashMap, HashSet};

use super::source::{blank, list, read, sources, tokens};

/// The modules of the library and of its tests, by path, and the identifiers in their files.
struct Modules(HashMap<Vec<String>, HashSet<String>>);

impl Modules {
    fn of(folders: &[&str]) -> Self {
        let names = |text: &str| tokens(&blank(text)).into_iter().map(str::to_owned).collect();
        Self(sources(folders).into_iter().map(|source| (source.module, names(&source.text))).collect())
    }

    /// Whether a path leads to a module, or to a name in the file of one. A path may begin at any depth.
    fn has(&self, path: &[&str]) -> bool {
        self.0.iter().any(|(module, names)| {
            (0..module.len()).any(|start| {
                let shared = module[start..].iter().zip(path).take_while(|(a, b)| a == b).count();
                // All of the module is named, and the rest of the path stands in its file.
                shared == module.len() - start && shared > 0 && path[shared..].iter().all(|name| names.contains(*name))
            })
        })
    }

    /// Whether the path is one of these: its first segment is a module.
    fn is_ours(&self, first: &str) -> bool {
        self.0.keys().flatten().any(|name| name == first)
    }
}

/// The paths between back-ticks in a text.
fn named(text: &str) -> Vec<Vec<&str>> {
    let quoted = text.split('`').skip(1).step_by(2);
    let paths = quoted.map(|quoted| quoted.trim_start_matches("crate::").trim_end_matches("()").split("::").collect::<Vec<_>>());
    let is_name = |name: &&str| !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    paths.filter(|path| path.len() > 1 && path.iter().all(is_name)).collect()
}

#[test]
fn paths_in_comments_and_documents_lead_somewhere() {
    let modules = Modules::of(&["src", "tests"]);
    let mut wrong = Vec::new();
    let mut look = |path: &str, number: usize, line: &str| {
        for named in named(line) {
            if modules.is_ours(named[0]) && !modules.has(&named) {
                wrong.push(format!("{path}:{number}: `{}` leads nowhere", named.join("::")));
            }
        }
    };
    for source in sources(&["src", "tests", "bench/src"]) {
        for (number, line) in source.text.lines().enumerate() {
            if let Some((_, comment)) = line.split_once("//") {
                look(&source.path, number + 1, comment);
            }
        }
    }
    for path in list(".", ".md").iter().filter(|path| *path != "CHANGELOG.md") {
        for (number, line) in read(path).lines().enumerate() {
            look(path, number + 1, line);
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn paths_are_those_between_back_ticks() {
    assert_eq!(named("as `a::b` and `crate::c::d()`, not `e` nor `f::<T>` nor g::h"), [vec!["a", "b"], vec!["c", "d"]]);
}
