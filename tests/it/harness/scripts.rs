//! Third-party client libraries, driven by the scripts in `tests/clients`.

use std::{
    io::Write,
    process::{Command, Stdio},
    sync::{Mutex, PoisonError},
};

use serde_json::Value;

/// Runs a Node script of `tests/clients` with its settings; fails with its output.
pub fn node(script: &str, settings: &Value) {
    run(&variable("SYMBOLON_TEST_NODE"), script, Some(settings), None);
}

/// As [`node`], for a script that drives Chromium: one at a time, so that each has the machine to itself.
pub fn chromium(script: &str, settings: &Value) {
    in_turn(script, settings);
}

/// As [`chromium`], for Firefox.
pub fn firefox(script: &str, settings: &Value) {
    in_turn(script, settings);
}

fn in_turn(script: &str, settings: &Value) {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _guard = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    node(script, settings);
}

/// Runs a verifier of `tests/clients` (Node or Python), which reads its cases from standard input.
pub fn python(script: &str, input: &Value) {
    run(&variable("SYMBOLON_TEST_PYTHON"), script, None, Some(input));
}

/// As [`python`], for Node.
pub fn node_with_input(script: &str, input: &Value) {
    run(&variable("SYMBOLON_TEST_NODE"), script, None, Some(input));
}

/// A variable set by `tests/run`.
pub fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run the tests by ./tests/run, which installs the clients"))
}

fn run(program: &str, script: &str, settings: Option<&Value>, input: Option<&Value>) {
    let path = format!("{}/tests/clients/{script}", env!("CARGO_MANIFEST_DIR"));
    let mut command = Command::new(program);
    command.arg(path).env("PYTHONDONTWRITEBYTECODE", "1").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    if let Some(settings) = settings {
        command.arg(settings.to_string());
    }
    let mut child = command.spawn().unwrap();
    if let Some(input) = input {
        child.stdin.as_mut().unwrap().write_all(input.to_string().as_bytes()).unwrap();
    }
    drop(child.stdin.take());
    let output = child.wait_with_output().unwrap();
    let printed = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{script} failed:\n{printed}");
    eprintln!("{printed}");
}
