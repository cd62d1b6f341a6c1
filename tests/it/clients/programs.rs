//! Real programs that sign users in: each registered by `client add --for`, as an operator does it, and set up with the lines that
//! this printed and with what the program's own documentation asks for, nothing else. Their scripts are in
//! `tests/clients/programs`. A program needs seconds to start, so each runs on one database: those here by turns on SQLite and
//! on PostgreSQL.

mod dovecot;
mod installed;
mod mcp;

use std::process::Command;

use serde_json::{Value, json};
use symbolon::testing::config::Config;

use crate::{
    cli::Binary,
    harness::{Database, PASSWORD, Server, free_port, node, not_tried, python, variable},
};

/// A server with alice, and its command line.
pub struct Operated {
    pub server: Server,
    pub symbolon: Binary,
    /// Removed with it.
    _database: Database,
}

impl Operated {
    pub fn on(database: Database) -> Self {
        Self::with(database, |_| ())
    }

    /// With a changed configuration.
    pub fn with(database: Database, change: impl Fn(&mut Config)) -> Self {
        symbolon::testing::jose::begin();
        let server = Server::start(&database, change);
        let hash = server.app.passwords.hash(PASSWORD).unwrap();
        server.add_user_with("alice", &hash, |alice| alice.claims.groups = vec!["staff".into()]);
        let symbolon = Binary::beside(&server, &database);
        Self { server, symbolon, _database: database }
    }

    /// Registers the client of a program that listens at this URL, and gives what its script reads.
    pub fn register(&self, program: &str, url: &str) -> Value {
        let registered = self.symbolon.json(&format!("client add --for {program} --url {url} --json"));
        self.settings(url, &registered)
    }

    /// Runs the commands that stand with a program, with other words in the place of some; what the last one printed.
    pub fn command(&self, commands: &str, in_place_of: &[(&str, &str)]) -> Value {
        let mut printed = Value::Null;
        for command in commands.lines() {
            let changed = in_place_of.iter().fold(command.to_owned(), |text, (old, new)| text.replace(old, new));
            let words = words(&changed);
            let arguments: Vec<_> = words.iter().skip(1).map(String::as_str).collect();
            printed = serde_json::from_str(&self.symbolon.text_of(&arguments)).unwrap_or_default();
        }
        printed
    }

    /// What scripts read of what was registered.
    fn settings(&self, url: &str, registered: &Value) -> Value {
        json!({
            "issuer": self.server.url,
            "url": url,
            "client_id": registered["client_id"],
            "client_secret": registered["client_secret"],
            "application": registered["application"],
            "username": "alice",
            "password": PASSWORD,
        })
    }
}

/// The words of a command; double quotes hold one together.
fn words(command: &str) -> Vec<String> {
    let parts = command.split('"').enumerate();
    parts.fold(vec![String::new()], |mut words, (number, part)| {
        let mut pieces: Vec<_> = if number % 2 == 1 { vec![part] } else { part.split(' ').collect() };
        words.last_mut().unwrap().push_str(pieces.remove(0));
        words.extend(pieces.into_iter().map(str::to_owned));
        words
    })
}

/// Registers a program, and runs its script with where it is to listen.
fn with_program(database: Database, program: &str, run: impl FnOnce(&Value)) {
    let operated = Operated::on(database);
    run(&operated.register(program, &format!("http://localhost:{}", free_port())));
}

#[test]
fn authjs_knows_the_name_and_the_address() {
    with_program(Database::sqlite(), "authjs", |settings| node("programs/authjs.mjs", settings));
}

#[test]
fn passport_openidconnect_knows_the_profile() {
    with_program(Database::postgres(), "passport-openidconnect", |settings| {
        node("programs/passport_openidconnect.mjs", settings);
    });
}

#[test]
fn express_openid_connect_refreshes_and_signs_out() {
    // It requires ES modules, as Node can from 20.19 on; Debian 12 has 18.
    let node_can = Command::new(variable("SYMBOLON_TEST_NODE")).args(["-p", "Boolean(process.features.require_module)"]).output();
    if node_can.unwrap().stdout != b"true\n" {
        return not_tried("express-openid-connect", "it needs Node 20.19");
    }
    with_program(Database::sqlite(), "express-openid-connect", |settings| {
        node("programs/express_openid_connect.mjs", settings);
    });
}

#[test]
fn hono_refreshes_with_and_without_scopes() {
    with_program(Database::postgres(), "hono-oidc-auth", |settings| node("programs/hono_oidc_auth.mjs", settings));
}

#[test]
fn requests_oauthlib_refreshes() {
    with_program(Database::sqlite(), "requests-oauthlib", |settings| python("programs/requests_oauthlib_app.py", settings));
}

#[test]
fn social_auth_knows_the_user() {
    with_program(Database::postgres(), "social-auth", |settings| python("programs/social_auth_app.py", settings));
}

#[test]
fn django_allauth_makes_the_account() {
    with_program(Database::sqlite(), "allauth", |settings| python("programs/allauth_app.py", settings));
}

#[test]
fn authlib_knows_the_user_from_the_id_token() {
    with_program(Database::postgres(), "authlib", |settings| python("programs/authlib_app.py", settings));
}

#[test]
fn streamlit_knows_the_user_from_the_id_token() {
    with_program(Database::sqlite(), "streamlit", |settings| python("programs/streamlit_app.py", settings));
}
