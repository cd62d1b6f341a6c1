//! The example `native`: signs in with a browser, keeps its tokens in a file of its own, refreshes, and is told when it is over. A
//! program in the place of `xdg-open` writes down what would be opened.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::ExitStatus,
};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{address, copied::Example, copied::Running, settings, start_api};
use crate::{
    clients::programs::Operated,
    harness::{Database, chromium, free_port, wait_until},
};

/// A user's terminal.
struct Terminal<'a> {
    operated: &'a Operated,
    folder: TempDir,
    api: String,
}

impl<'a> Terminal<'a> {
    fn open(operated: &'a Operated, api: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let opener = folder.path().join("xdg-open");
        let script = format!("#!/bin/sh\necho \"$1\" > {0}/part && mv {0}/part {0}/opened\n", folder.path().display());
        fs::write(&opener, script).unwrap();
        fs::set_permissions(&opener, fs::Permissions::from_mode(0o755)).unwrap();
        Self { operated, folder, api: api.to_owned() }
    }

    fn tokens(&self) -> PathBuf {
        self.folder.path().join("state/tokens.json")
    }

    /// Runs it at an authorization server.
    fn run_at(&self, issuer: &str, arguments: &[&str]) -> Running {
        let path = format!("{}:{}", self.folder.path().display(), std::env::var("PATH").unwrap());
        let tokens = self.tokens();
        let variables = [("ISSUER", issuer), ("API_URL", &self.api), ("PATH", &path), ("TOKEN_FILE", tokens.to_str().unwrap())];
        Example::named("native").run(arguments, &variables)
    }

    fn run(&self, arguments: &[&str]) -> Running {
        self.run_at(&self.operated.server.url, arguments)
    }

    /// Runs it, and waits for its end: whether it went well, and what it said.
    fn says(&self, arguments: &[&str]) -> (bool, String) {
        ended(self.run(arguments).process.end())
    }

    /// Decides in the browser that it has opened.
    fn decide(&self, decision: &str) {
        let opened = self.folder.path().join("opened");
        wait_until(|| opened.exists(), || "no browser was opened".to_owned());
        let mut input = settings(self.operated, "");
        input["authorization"] = fs::read_to_string(&opened).unwrap().trim().into();
        input["decision"] = decision.into();
        fs::remove_file(opened).unwrap();
        chromium("examples/native.mjs", &input);
    }

    /// Its tokens, after a change.
    fn change(&self, change: impl Fn(&mut Value)) -> Value {
        let mut tokens: Value = serde_json::from_str(&fs::read_to_string(self.tokens()).unwrap()).unwrap();
        change(&mut tokens);
        fs::write(self.tokens(), tokens.to_string()).unwrap();
        tokens
    }
}

fn ended((status, said): (ExitStatus, String)) -> (bool, String) {
    (status.success(), said)
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn native_signs_in_refreshes_and_signs_out() {
    let operated = Operated::on(Database::sqlite());
    let (api, api_url) = start_api(&operated, "api-axum", "http://localhost:1");
    Example::named("native").register(&operated, &address());
    let terminal = Terminal::open(&operated, &api_url);

    let denied = terminal.run(&[]);
    terminal.decide("deny");
    let (is_good, said) = ended(denied.process.end());
    assert!(!is_good && said.contains("error: you have not allowed") && !terminal.tokens().exists(), "{said}");

    let first = terminal.run(&["add", "buy \u{1b}[31mfigs"]);
    terminal.decide("allow");
    let (is_good, said) = ended(first.process.end());
    assert!(is_good && said.contains("added"), "{said}");
    assert_eq!(mode(&terminal.tokens()), 0o600);
    assert_eq!(terminal.says(&[]), (true, "- buy  [31mfigs\n".to_owned()), "without signing in, and without control characters");

    // Two runs at once, each with the same old token.
    let old = terminal.change(|tokens| tokens["refresh_at"] = json!(0));
    let both = [terminal.run(&[]), terminal.run(&[])].map(|run| ended(run.process.end()));
    assert!(both.iter().all(|(is_good, said)| *is_good && said.contains("figs")), "{both:?}");
    let new = terminal.change(|_| ());
    assert_ne!(new["refresh_token"], old["refresh_token"]);

    // An API that does not take the token.
    terminal.change(|tokens| tokens["access_token"] = json!("old"));
    assert!(terminal.says(&[]).0);

    // Nobody is there.
    let nobody = format!("http://localhost:{}", free_port());
    terminal.change(|tokens| tokens["refresh_at"] = json!(0));
    assert!(ended(terminal.run_at(&nobody, &[]).process.end()).0, "the token at hand is good");
    let kept = terminal.change(|tokens| tokens["expires_at"] = json!(0));
    let (is_good, said) = ended(terminal.run_at(&nobody, &[]).process.end());
    assert!(!is_good && said.contains("cannot be reached"), "{said}");
    assert_eq!(terminal.change(|_| ()), kept, "still signed in");
    assert!(terminal.says(&[]).0);

    let grants = operated.symbolon.json("grant list --json");
    let grant = grants[0]["id"].as_str().unwrap();
    operated.symbolon.text(&format!("grant revoke {grant}"));
    terminal.change(|tokens| tokens["refresh_at"] = json!(0));
    let over = terminal.run(&[]);
    terminal.decide("allow");
    let (is_good, said) = ended(over.process.end());
    assert!(is_good && said.contains("You have been signed out.") && said.contains("figs"), "{said}");

    assert_eq!(terminal.says(&["sign-out"]), (true, "You are signed out.\n".to_owned()));
    assert!(!terminal.tokens().exists());
    // The first by the operator, the second by signing out; neither was ended by a token that came twice.
    let grants = operated.symbolon.json("grant list --json");
    let ends: Vec<_> = grants.as_array().unwrap().iter().map(|grant| &grant["reason"]).collect();
    assert_eq!(ends, ["revoked", "revoked"]);
    api.end();
}
