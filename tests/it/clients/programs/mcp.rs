//! The SDKs of the Model Context Protocol: a server whose tokens come from here, and a client that finds out by itself, each with
//! the lines of its own preset. Each runs at a path where the server tells which scopes it needs, and at an origin where it does not
//! (then the TypeScript client requests no scope and the Python client those of the discovery document).

use serde_json::{Value, json};
use symbolon::testing::operations::presets::{self, Values};

use super::Operated;
use crate::harness::{Database, free_port, node, python};

/// The address of the server in the presets.
const EXAMPLE: &str = "https://mcp.example.com/mcp";

/// Registers the server's API and the client, and runs the script with what was printed for both.
fn with_sdk(database: Database, sdk: &str, run: impl Fn(&Value)) {
    let operated = Operated::on(database);
    for (path, scopes) in [("/mcp", true), ("", false)] {
        let url = format!("http://localhost:{}{path}", free_port());
        let server = presets::all().iter().find(|preset| preset.name == format!("mcp-server-{sdk}")).unwrap();
        operated.command(server.commands.as_ref().unwrap(), &[(EXAMPLE, &url)]);
        let name = format!("mcp-{sdk}");
        let id = format!("{name}-{scopes}");
        let registered = operated.symbolon.json(&format!("client add --for {name} --id {id} --json"));
        let commands = presets::find(&name).unwrap().commands.as_ref().unwrap();
        operated.command(commands, &[(EXAMPLE, &url), ("{client_id}", &id)]);

        let values = Values::of(&operated.server.app.config.issuer);
        let lines: Vec<_> =
            server.application.iter().map(|part| json!({ "place": part.place, "lines": values.fill(&part.lines) })).collect();
        let mut settings = operated.settings(&url, &registered);
        settings["application_of_server"] = lines.into();
        settings["scopes"] = scopes.into();
        run(&settings);
    }
}

#[test]
fn mcp_typescript_sdk_finds_the_server_and_refreshes() {
    with_sdk(Database::sqlite(), "typescript", |settings| node("programs/mcp.mjs", settings));
}

#[test]
fn mcp_python_sdk_finds_the_server_and_refreshes() {
    with_sdk(Database::postgres(), "python", |settings| python("programs/mcp_app.py", settings));
}
