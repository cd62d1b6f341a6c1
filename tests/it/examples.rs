//! The examples of `examples/`, each started as its README says: the `symbolon` commands that stand there are run against a server,
//! then the command that starts the example, with other ports. Browsers are driven by `tests/clients/examples`. Starting an example
//! is `copied`.

mod copied;
mod native;

use serde_json::{Value, json};
use symbolon::testing::{
    config::{Config, OutboundSettings},
    protocol::{grant::history::GrantEvent, values::id::Id},
};

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
fn api_axum_checks_tokens() {
    api("api-axum");
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

/// Lets the server call apps on this machine, as the quickstarts say.
fn may_call(config: &mut Config) {
    config.outbound = OutboundSettings { allow: ["127.0.0.0/8", "::1/128"].map(|net| net.parse().unwrap()).into(), ca_pem: None };
}

/// Registers and starts a backend for a frontend, as its README says.
fn start_bff(operated: &Operated, name: &str, url: &str, api: &str) -> Running {
    let example = Example::named(name);
    let secret = example.register(operated, url)["client_secret"].as_str().unwrap().to_owned();
    let issuer = &operated.server.url;
    example.start(&[("PORT", port(url)), ("ISSUER", issuer), ("API_URL", api), ("CLIENT_SECRET", &secret)])
}

/// A backend for a frontend in a browser, with an API.
fn bff_in_a_browser(name: &str, api: &str, database: Database) {
    let operated = Operated::with(database, may_call);
    let url = address();
    let (api, api_url) = start_api(&operated, api, &url);
    let app = start_bff(&operated, name, &url, &api_url);
    chromium("examples/bff.mjs", &settings(&operated, &url));
    app.end();
    api.end();
}

/// A backend for a frontend whose authorization server and API are the script.
fn bff_with_faults(name: &str) {
    let (url, issuer, api) = (address(), address(), address());
    let variables = [("PORT", port(&url)), ("ISSUER", &issuer), ("API_URL", &api), ("CLIENT_SECRET", "secret")];
    let app = Example::named(name).start(&variables);
    node("examples/bff_faults.mjs", &json!({ "name": name, "url": url, "issuer": issuer, "api": api }));
    app.end();
}

/// Twenty requests at once whose token an API does not take: one refresh at the server.
fn bff_refreshes_once(name: &str) {
    let operated = Operated::with(Database::sqlite(), may_call);
    let (api, url) = (address(), address());
    Example::named("api-express").register(&operated, &api);
    let app = start_bff(&operated, name, &url, &api);
    let mut input = settings(&operated, &url);
    input["api"] = api.into();
    node("examples/bff_once.mjs", &input);
    let grants = operated.symbolon.json("grant list --json");
    let history = operated.server.happenings(Id::parse(grants[0]["id"].as_str().unwrap()).unwrap());
    assert_eq!(history.iter().filter(|event| **event == GrantEvent::Refreshed).count(), 1, "{history:?}");
    assert!(!history.contains(&GrantEvent::Repeated), "{history:?}");
    app.end();
}

#[test]
fn bff_node_keeps_tokens_from_the_browser() {
    bff_in_a_browser("bff-node", "api-fastapi", Database::postgres());
}

#[test]
fn bff_node_stands_faults() {
    bff_with_faults("bff-node");
}

#[test]
fn bff_node_refreshes_once_for_all() {
    bff_refreshes_once("bff-node");
}

#[test]
fn bff_keeps_tokens_from_the_browser() {
    bff_in_a_browser("bff", "api-axum", Database::sqlite());
}

#[test]
fn bff_stands_faults() {
    bff_with_faults("bff");
}

#[test]
fn bff_refreshes_once_for_all() {
    bff_refreshes_once("bff");
}
