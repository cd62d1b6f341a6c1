//! The examples of `examples/`, each started as its README says: the `symbolon` commands that stand there are run against a server,
//! then the command that starts the example, with other ports. Browsers are driven by `tests/clients/examples`. Starting an example
//! is `copied`.

mod copied;

use serde_json::{Value, json};

use crate::{
    clients::programs::Operated,
    harness::{Database, PASSWORD, chromium, free_port, node},
};
use copied::{Example, Running};

/// Starts an API whose authorization server is the script, twice: to try tokens and keys, and what happens to old keys.
fn api(name: &str) {
    for old_keys in [false, true] {
        let (url, issuer) = (address(), address());
        let age = if old_keys { "1" } else { "600" };
        let api = Example::named(name).start(&[("PORT", port(&url)), ("ISSUER", &issuer), ("KEYS_MAX_AGE", age)]);
        node("examples/api.mjs", &json!({ "url": url, "issuer": issuer, "old_keys": old_keys }));
        api.end();
    }
}

#[test]
fn api_express_checks_tokens() {
    api("api-express");
}

#[test]
fn api_fastapi_checks_tokens() {
    api("api-fastapi");
}

/// An address on this machine, where nobody listens yet.
fn address() -> String {
    format!("http://localhost:{}", free_port())
}

fn port(url: &str) -> &str {
    url.rsplit(':').next().unwrap()
}

/// Registers and starts an API for the app at this origin: the API, and its URL.
fn start_api(operated: &Operated, name: &str, app: &str) -> (Running, String) {
    let (api, url) = (Example::named(name), address());
    api.register(operated, &url);
    let running = api.start(&[("PORT", port(&url)), ("ISSUER", &operated.server.url), ("APP_ORIGIN", app)]);
    (running, url)
}

/// What the scripts of apps read.
fn settings(operated: &Operated, url: &str) -> Value {
    json!({ "issuer": operated.server.url, "url": url, "username": "alice", "password": PASSWORD })
}

#[test]
fn spa_refreshes_in_one_tab_for_all() {
    let operated = Operated::on(Database::sqlite());
    let (url, app) = (address(), Example::named("spa"));
    let (api, api_url) = start_api(&operated, "api-express", &url);
    app.register(&operated, &url);
    let app = app.start(&[("PORT", port(&url)), ("ISSUER", &operated.server.url), ("API_URL", &api_url)]);
    chromium("examples/spa.mjs", &settings(&operated, &url));
    app.end();
    api.end();
}
