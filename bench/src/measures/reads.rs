//! Read-only requests: introspection of active tokens, the published keys, discovery.

use std::rc::Rc;

use crate::{
    database::Kind,
    http::{self, Connection},
    requests::Same,
    rows::Found,
    run::{Measured, Run},
    trouble::Result,
};

/// The number of different access tokens introspected in turn.
const TOKENS: usize = 1_000;

/// Introspection of access tokens, of grants from all over the table.
///
/// # Errors
/// The reason why it could not be measured.
pub async fn introspection(run: &mut Run) -> Result<()> {
    let site = run.few(Kind::Postgres)?;
    let server = site.serve(&[]).await?;
    let mut connection = Connection::new(server.address);
    let mut requests = Vec::new();
    for _ in 0..TOKENS {
        if let Some(token) = site.rs256.next(&mut connection).await? {
            requests.push(http::post("/introspect", &site.resource_server, &format!("token={token}")));
        }
    }
    let measured = run.measure(&server, &Rc::new(Same::new(requests, "\"active\":true"))).await?;
    run.report("introspection", cpu(&measured));
    server.stop().await
}

/// The key set and the discovery document.
///
/// # Errors
/// The reason why one could not be measured.
pub async fn published(run: &mut Run) -> Result<()> {
    let site = run.few(Kind::Postgres)?;
    let server = site.serve(&[]).await?;
    for (name, path, word) in
        [("jwks", "/.well-known/jwks.json", "\"kid\""), ("discovery", "/.well-known/openid-configuration", "\"issuer\"")]
    {
        let measured = run.measure(&server, &Rc::new(Same::new(vec![http::get(path, "")], word))).await?;
        run.report(name, cpu(&measured));
    }
    server.stop().await
}

fn cpu(measured: &Measured) -> Found {
    Found { ours: measured.server_us(), yardstick: None, sound: true, note: measured.note() }
}
