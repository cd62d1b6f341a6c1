//! `/token`: refreshing on both databases and with both kinds of key, compared with the yardstick; client credentials.

use std::rc::Rc;

use crate::{
    database::Kind,
    http,
    requests::{Refresh, Same},
    rows::Found,
    run::{Measured, Run},
    trouble::Result,
    yardstick,
};

/// Refreshing with rotation.
///
/// # Errors
/// The reason why a row could not be measured.
pub async fn refresh(run: &mut Run) -> Result<()> {
    let site = run.few(Kind::Postgres)?;
    let server = site.serve(&[]).await?;
    let rs256 = run.measure(&server, &site.rs256).await?;
    run.report("refresh-cpu", beside_signature(&rs256));
    site.set_id_tokens(true)?;
    let with_id_token = run.measure(&server, &site.rs256).await?;
    site.set_id_tokens(false)?;
    run.report("refresh-id-token-cpu", beside_signature(&with_id_token));
    let es256 = run.measure(&server, &site.es256).await?;
    let note = format!("{}; one P-256 signature {:.0} µs", es256.note(), es256.signature.es256_us);
    run.report("refresh-es256", Found { ours: es256.server_us(), yardstick: None, sound: true, note });
    server.stop().await?;

    let site_on_disk = run.few(Kind::Sqlite)?;
    let server = site_on_disk.serve(&[]).await?;
    let sqlite = run.measure(&server, &site_on_disk.rs256).await;
    server.stop().await?;

    let theirs = yardstick(run, (site.rs256.chains(), yardstick::SCOPES)).await?;
    let with_openid = yardstick(run, (site.rs256.chains(), yardstick::WITH_OPENID)).await?;
    let yardstick = Some(theirs.round.rate());
    let about = |theirs: &Measured| {
        format!("oidc-provider: one process of Node, in memory, {:.0} µs for each request", theirs.server_us())
    };
    run.report("refresh", Found { ours: rs256.round.rate(), yardstick, sound: true, note: about(&theirs) });
    let found = Found {
        ours: with_id_token.round.rate(),
        yardstick: Some(with_openid.round.rate()),
        sound: true,
        note: about(&with_openid),
    };
    run.report("refresh-id-token", found);
    let sqlite = sqlite?;
    run.report("refresh-sqlite", Found { ours: sqlite.round.rate(), yardstick, sound: true, note: sqlite.note() });
    Ok(())
}

/// The yardstick with this number of refresh tokens of these scopes.
async fn yardstick(run: &mut Run, tokens: (usize, &str)) -> Result<Measured> {
    let (provider, tokens) = yardstick::start(&run.yardstick, &run.place.folder, tokens).await?;
    let refreshing = Rc::new(Refresh::new(tokens));
    run.round(&[&provider], &refreshing).await?; // a warm-up round: Node compiles frequently run code
    run.measure(&provider, &refreshing).await
}

/// Client credentials, RS256.
///
/// # Errors
/// The reason why it could not be measured.
pub async fn client_credentials(run: &mut Run) -> Result<()> {
    let site = run.few(Kind::Postgres)?;
    let server = site.serve(&[]).await?;
    let request = http::post("/token", &site.service, "grant_type=client_credentials");
    let measured = run.measure(&server, &Rc::new(Same::new(vec![request], "access_token"))).await?;
    run.report("client-credentials", beside_signature(&measured));
    server.stop().await
}

/// The server's CPU time compared with that of an RSA signature.
pub fn beside_signature(measured: &Measured) -> Found {
    Found { ours: measured.server_us(), yardstick: Some(measured.signature.rsa2048_us), sound: true, note: measured.note() }
}
