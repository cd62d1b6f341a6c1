//! The machine of a run, described from `/proc` and a few programs.

use std::{fs, process::Command};

use crate::{
    figures::Machine,
    numbers::median,
    signature::Cost,
    trouble::{Result, Trouble},
};

/// Describes the machine, with the version of PostgreSQL and the cost of signatures.
///
/// # Errors
/// When the system provides no information.
pub fn describe(postgres: String, signatures: &[Cost]) -> Result<Machine> {
    let memory = fs::read_to_string("/proc/meminfo")?;
    let kib: u64 = after(&memory, "MemTotal").trim_end_matches(" kB").parse()?;
    let changed = !say("git", &["status", "--porcelain", "--untracked-files=no"])?.is_empty();
    let commit = say("git", &["rev-parse", "--short", "HEAD"])?;
    Ok(Machine {
        processor: after(&fs::read_to_string("/proc/cpuinfo")?, "model name").to_owned(),
        cores: std::thread::available_parallelism()?.get(),
        memory_mib: kib / 1024,
        kernel: say("uname", &["-r"])?,
        postgres,
        rsa2048_us: median(signatures.iter().map(|cost| cost.rsa2048_us).collect()),
        es256_us: median(signatures.iter().map(|cost| cost.es256_us).collect()),
        measured_at: say("date", &["-u", "+%F"])?,
        commit: if changed { format!("{commit}+") } else { commit },
    })
}

/// The text after a name and a colon.
fn after<'t>(text: &'t str, name: &str) -> &'t str {
    let value = |line: &'t str| line.strip_prefix(name)?.trim_start().strip_prefix(':').map(str::trim);
    text.lines().find_map(value).unwrap_or("unknown")
}

fn say(program: &str, arguments: &[&str]) -> Result<String> {
    let output = Command::new(program).args(arguments).output().map_err(|error| Trouble::while_doing(program, &error))?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_found_by_its_name() {
        let text = "processor\t: 0\nmodel name\t: A processor\nmodel\t\t: 1\nMemTotal:       1024 kB\n";
        assert_eq!(after(text, "model name"), "A processor");
        assert_eq!(after(text, "MemTotal"), "1024 kB");
        assert_eq!(after(text, "nothing"), "unknown");
    }
}
