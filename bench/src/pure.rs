//! The cost of the pure functions, as a table made from criterion's output (`benches/pure.rs`).

use std::{collections::BTreeMap, fs, path::Path};

use serde::{Deserialize, de::DeserializeOwned};

use crate::{
    numbers::figure,
    trouble::{Result, Trouble},
};

/// A benchmark's name.
#[derive(Deserialize)]
struct Benchmark {
    full_id: String,
}

/// Its results.
#[derive(Deserialize)]
struct Estimates {
    median: Estimate,
}

#[derive(Deserialize)]
struct Estimate {
    /// In nanoseconds.
    point_estimate: f64,
}

/// The medians of the newest measurements in this folder, as Markdown.
///
/// # Errors
/// When there are none, or they cannot be read.
pub fn markdown(folder: &Path) -> Result<String> {
    let mut medians = BTreeMap::new();
    collect(folder, &mut medians)?;
    if medians.is_empty() {
        return Err(Trouble::new(format!("expected measurements of criterion in {}", folder.display())));
    }
    let rows: Vec<String> = medians.iter().map(|(name, median)| format!("| {name} | {} |", duration(*median))).collect();
    Ok(format!("| What | Median |\n|---|---|\n{}\n", rows.join("\n")))
}

/// Collects them from a folder and its subfolders.
fn collect(folder: &Path, medians: &mut BTreeMap<String, f64>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() && path.ends_with("new") {
            let benchmark: Benchmark = read(&path.join("benchmark.json"))?;
            let estimates: Estimates = read(&path.join("estimates.json"))?;
            medians.insert(benchmark.full_id.replace('/', ": "), estimates.median.point_estimate);
        } else if path.is_dir() {
            collect(&path, medians)?;
        }
    }
    Ok(())
}

fn read<T: DeserializeOwned>(file: &Path) -> Result<T> {
    Ok(serde_json::from_slice(&fs::read(file)?)?)
}

fn duration(nanoseconds: f64) -> String {
    if nanoseconds < 1_000.0 { format!("{} ns", figure(nanoseconds)) } else { format!("{} µs", figure(nanoseconds / 1_000.0)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leave(folder: &Path, name: &str, nanoseconds: f64) {
        let own = folder.join(name).join("new");
        fs::create_dir_all(&own).unwrap();
        fs::write(own.join("benchmark.json"), format!(r#"{{"group_id":"a group","full_id":"{name}"}}"#)).unwrap();
        let estimates = format!(r#"{{"mean":{{"point_estimate":1.0}},"median":{{"point_estimate":{nanoseconds}}}}}"#);
        fs::write(own.join("estimates.json"), estimates).unwrap();
    }

    #[test]
    fn each_has_a_line_with_its_newest_median() {
        let folder = tempfile::tempdir().unwrap();
        assert!(markdown(folder.path()).is_err(), "nothing was measured");
        leave(folder.path(), "token/sign", 214_400.0);
        leave(folder.path(), "credential/derive", 583.4);
        fs::create_dir_all(folder.path().join("token/sign/base")).unwrap();
        let text = markdown(folder.path()).unwrap();
        assert_eq!(text, "| What | Median |\n|---|---|\n| credential: derive | 583 ns |\n| token: sign | 214 µs |\n");
    }
}
