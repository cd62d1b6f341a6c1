//! An example as its README says: the commands that stand there, run in a copy of its folder. What the README installs is there
//! already: `node_modules` and `.venv` are links to those of the tests, and Rust programs are built once.

use std::{
    env, fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::Command,
    sync::LazyLock,
};

use serde_json::Value;
use tempfile::TempDir;

use crate::{
    clients::programs::Operated,
    harness::{Process, variable, wait_until},
};

/// A copy of an example's folder.
pub struct Example {
    folder: TempDir,
    readme: String,
}

/// An example that runs; killed on drop.
pub struct Running {
    pub process: Process,
    name: String,
    _folder: TempDir,
}

impl Example {
    pub fn named(name: &str) -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let folder = tempfile::tempdir().unwrap();
        copy(&root.join("examples").join(name), folder.path());
        let venv = PathBuf::from(variable("SYMBOLON_TEST_PYTHON")).parent().unwrap().parent().unwrap().to_owned();
        symlink(venv, folder.path().join(".venv")).unwrap();
        symlink(root.join("tests/clients/node_modules"), folder.path().join("node_modules")).unwrap();
        let readme = fs::read_to_string(folder.path().join("README.md")).unwrap();
        Self { folder, readme }
    }

    /// The commands of its README's blocks, with a command that goes on in the next line as one.
    fn commands(&self) -> Vec<String> {
        let blocks = self.readme.split("```sh\n").skip(1).map(|after| after.split("```").next().unwrap());
        let lines: Vec<_> = blocks.map(|block| block.replace("\\\n", " ")).collect();
        lines.iter().flat_map(|block| block.lines()).map(str::to_owned).collect()
    }

    /// Those that tell Symbolon about it.
    fn registration(&self) -> String {
        self.commands().into_iter().filter(|command| command.starts_with("symbolon ")).collect::<Vec<_>>().join("\n")
    }

    /// Registers it where it listens at this URL, with the README's own commands; what the last of them printed.
    pub fn register(&self, operated: &Operated, url: &str) -> Value {
        let squeezed = self.registration().split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
        operated.command(&squeezed, &[("http://localhost:3000", url)])
    }

    /// Starts it with the README's own command and these variables, and waits until it listens at its `PORT`.
    pub fn start(self, variables: &[(&str, &str)]) -> Running {
        let port = variables.iter().find(|(name, _)| *name == "PORT").map(|(_, port)| port.parse::<u16>().unwrap());
        let running = self.run(&[], variables);
        if let Some(port) = port {
            let listens = || std::net::TcpStream::connect(("localhost", port)).is_ok();
            wait_until(listens, || format!("{} does not listen: {}", running.name, running.process.said()));
        }
        running
    }

    /// As [`Example::start`], for one that does not listen, with further arguments.
    pub fn run(self, arguments: &[&str], variables: &[(&str, &str)]) -> Running {
        let command = self.commands().pop().unwrap();
        // Variables before the command are for the reader to fill in: here they are given.
        let mut words = command.split_whitespace().skip_while(|word| word.contains('=')).peekable();
        let program = words.next().unwrap();
        let mut started = Command::new(match program {
            "node" => variable("SYMBOLON_TEST_NODE").into(),
            "cargo" => {
                let package: Vec<_> = words.by_ref().take(3).collect();
                let ["run", "--package", package] = package[..] else {
                    panic!("expected cargo run --package, received {command}")
                };
                built(package)
            }
            _ => self.folder.path().join(program),
        });
        let port = variables.iter().find(|(name, _)| *name == "PORT").map_or("", |(_, port)| port);
        let default = words.clone().find(|word| word.parse::<u16>().is_ok()).unwrap_or_default().to_owned();
        started.args(words.map(|word| if word == default { port } else { word }));
        started.args(arguments).current_dir(self.folder.path());
        if program == "node" {
            started.env("NODE_OPTIONS", node_options());
        }
        Running { process: Process::start_command(started, variables), name: command, _folder: self.folder }
    }
}

impl Running {
    /// Asks it to end, and waits for that: it ends well.
    pub fn end(self) {
        self.process.signal("TERM");
        self.process.end();
    }
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let (path, name) = entry.map(|entry| (entry.path(), entry.file_name())).unwrap();
        if path.is_dir() {
            if name != "node_modules" && name != ".venv" {
                fs::create_dir(to.join(&name)).unwrap();
                copy(&path, &to.join(name));
            }
        } else {
            fs::copy(path, to.join(name)).unwrap();
        }
    }
}

/// What an example needs in the Node of Debian 12, which is older than what its `package.json` asks for: Web Crypto as a global.
fn node_options() -> &'static str {
    static OPTIONS: LazyLock<String> = LazyLock::new(|| {
        let version = Command::new(variable("SYMBOLON_TEST_NODE")).args(["-p", "process.versions.node.split('.')[0]"]).output();
        let version: u32 = String::from_utf8(version.unwrap().stdout).unwrap().trim().parse().unwrap();
        let script = concat!("--import=file://", env!("CARGO_MANIFEST_DIR"), "/tests/clients/environment.mjs");
        if version < 20 { script.to_owned() } else { String::new() }
    });
    &OPTIONS
}

/// The program of a package of this workspace.
fn built(package: &str) -> PathBuf {
    static BUILT: LazyLock<()> = LazyLock::new(build);
    LazyLock::force(&BUILT);
    Path::new(env!("CARGO_BIN_EXE_symbolon")).with_file_name(package)
}

/// Builds the programs of all examples. The test is named as well, so that what they depend on is what the tests were built with.
fn build() {
    let mut command = Command::new(env!("CARGO"));
    command.args(["build", "--locked", "--workspace", "--test", "it"]).current_dir(env!("CARGO_MANIFEST_DIR"));
    for program in ["api-axum", "bff", "native"] {
        command.args(["--bin", &format!("symbolon-example-{program}")]);
    }
    // What Cargo has set for this test: some build scripts would run again, as they are told of their own package by these.
    let is_of_this_test = |name: &str| ["CARGO_PKG_", "CARGO_MANIFEST_"].iter().any(|start| name.starts_with(start));
    for (name, _) in env::vars_os().filter(|(name, _)| is_of_this_test(&name.to_string_lossy())) {
        command.env_remove(name);
    }
    let target = Path::new(env!("CARGO_BIN_EXE_symbolon")).parent().unwrap().parent().unwrap();
    let output = command.env("CARGO_TARGET_DIR", target).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
