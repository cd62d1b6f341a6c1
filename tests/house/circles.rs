//! Files do not import one another in a circle: each can be read after those it names. A module may name its own submodules, as it
//! re-exports and calls them; what a submodule takes from a re-export, it takes from the file that defines it.

use std::collections::{HashMap, HashSet};

use super::{
    imports::imports,
    source::{Source, exported, sources, tokens},
};

/// The files of a crate, by module.
struct Files<'a> {
    by_module: HashMap<&'a [String], &'a Source>,
    exports: HashMap<&'a str, Vec<Vec<String>>>,
}

impl<'a> Files<'a> {
    fn of(shipped: &'a [Source]) -> Self {
        let by_module: HashMap<_, _> = shipped.iter().map(|source| (module(source), source)).collect();
        let exports = shipped.iter().map(|source| (source.path.as_str(), exports(source, &by_module))).collect();
        Self { by_module, exports }
    }

    /// The file that defines what a path names; a re-export is followed to its source.
    fn defining(&self, path: &[String]) -> Option<&'a Source> {
        let (depth, file) = (1..=path.len()).rev().find_map(|depth| Some((depth, *self.by_module.get(&path[..depth])?)))?;
        let Some(name) = path.get(depth) else { return Some(file) };
        let target = self.exports[file.path.as_str()].iter().find(|target| target.last() == Some(name));
        target.map_or(Some(file), |target| self.defining(target))
    }

    /// The files whose items a file names, except its own submodules.
    fn named_by(&self, source: &'a Source) -> HashSet<&'a str> {
        let below_crate =
            |path: Vec<String>| if path.starts_with(&["bench".into(), "src".into()]) { path[2..].to_vec() } else { path };
        let found = imports(source).into_iter().filter_map(|path| self.defining(&below_crate(path)));
        found.filter(|other| !module(other).starts_with(module(source))).map(|other| other.path.as_str()).collect()
    }
}

/// The module of a file, below its crate.
fn module(source: &Source) -> &[String] {
    let inner = source.module.iter().position(|segment| segment == "src").map_or(0, |at| at + 1);
    let module = &source.module[inner..];
    if [["lib"], ["main"]].iter().any(|root| module == root) { &[] } else { module }
}

/// What a file re-exports, as absolute paths.
fn exports(source: &Source, by_module: &HashMap<&[String], &Source>) -> Vec<Vec<String>> {
    let tokens = tokens(&source.shipped);
    let absolute = |path: Vec<&str>| {
        let own = module(source);
        let up = path.iter().take_while(|segment| **segment == "super").count();
        let rest = path[up..].iter().filter(|segment| !["crate", "self"].contains(segment)).map(ToString::to_string);
        let base = if path[0] == "crate" { &[] } else { &own[..own.len().saturating_sub(up)] };
        let whole: Vec<String> = base.iter().cloned().chain(rest).collect();
        let is_ours = (1..whole.len()).any(|depth| depth > base.len() && by_module.contains_key(&whole[..depth]));
        (up > 0 || path[0] == "crate" || is_ours).then_some(whole)
    };
    exported(&tokens).into_iter().filter_map(absolute).collect()
}

/// The files that can be reached from themselves, each with what it names of the others.
fn circles(shipped: &[Source]) -> Vec<String> {
    let files = Files::of(shipped);
    let edges: HashMap<&str, HashSet<&str>> =
        shipped.iter().map(|source| (source.path.as_str(), files.named_by(source))).collect();
    let reach: HashMap<&str, HashSet<&str>> = edges.keys().map(|path| (*path, reached(&edges, path))).collect();
    let mut found: Vec<String> = Vec::new();
    for (path, others) in &edges {
        let mut together: Vec<_> = others.iter().filter(|other| reach[**other].contains(path)).copied().collect();
        together.sort_unstable();
        if !together.is_empty() {
            found.push(format!("{path} imports {}", together.join(", ")));
        }
    }
    found.sort();
    found
}

/// The files that a file names, directly or through others.
fn reached<'a>(edges: &HashMap<&'a str, HashSet<&'a str>>, from: &'a str) -> HashSet<&'a str> {
    let (mut seen, mut next) = (HashSet::new(), vec![from]);
    while let Some(at) = next.pop() {
        next.extend(edges[at].iter().filter(|other| seen.insert(**other)).copied());
    }
    seen
}

fn shipped(folder: &str) -> Vec<Source> {
    sources(&[folder]).into_iter().filter(|source| !source.shipped.is_empty()).collect()
}

#[test]
fn files_do_not_import_one_another_in_a_circle() {
    for folder in ["src", "bench/src"] {
        let found = circles(&shipped(folder));
        assert!(found.is_empty(), "move what both need to a file of its own:\n{}", found.join("\n"));
    }
}

#[test]
fn a_circle_through_a_re_export_is_found() {
    let file = |path: &str, shipped: &str| Source {
        path: path.into(),
        text: String::new(),
        shipped: shipped.into(),
        module: path.trim_start_matches("src/").trim_end_matches(".rs").split('/').map(str::to_owned).collect(),
    };
    let files = [
        file("src/a.rs", "mod b; mod c; pub use b::Thing;"),
        file("src/a/b.rs", "use super::c::other; pub struct Thing;"),
        file("src/a/c.rs", "use super::Thing; pub fn other() {}"),
    ];
    assert_eq!(circles(&files), ["src/a/b.rs imports src/a/c.rs", "src/a/c.rs imports src/a/b.rs"]);
    assert_eq!(circles(&files[..2]), Vec::<String>::new());
}
