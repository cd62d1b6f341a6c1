//! The examples of `examples/`, each started as its README says: the `symbolon` commands that stand there are run against a server,
//! then the command that starts the example, with other ports. Browsers are driven by `tests/clients/examples`. Here: the APIs.
//! Starting an example is `copied`.

mod copied;

use serde_json::json;

use crate::harness::{free_port, node};
use copied::Example;

/// Starts an API whose authorization server is the script, twice: to try tokens and keys, and what happens to old keys.
fn api(name: &str) {
    for old_keys in [false, true] {
        let (url, issuer) = (format!("http://localhost:{}", free_port()), format!("http://localhost:{}", free_port()));
        let port = url.rsplit(':').next().unwrap();
        let age = if old_keys { "1" } else { "600" };
        let api = Example::named(name).start(&[("PORT", port), ("ISSUER", &issuer), ("KEYS_MAX_AGE", age)]);
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
