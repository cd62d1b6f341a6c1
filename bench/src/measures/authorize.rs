//! `/authorize` in a signed-in browser whose user has given consent before, and redeeming the code at `/token`.

use std::rc::Rc;

use super::tokens::beside_signature;
use crate::{
    database::Kind,
    fill::{REDIRECT_URI, SCOPES},
    requests::Authorize,
    run::Run,
    trouble::Result,
};

/// Both requests, one after the other.
///
/// # Errors
/// The reason why it could not be measured.
pub async fn authorize(run: &mut Run) -> Result<()> {
    let site = run.few(Kind::Postgres)?;
    let server = site.serve(&[]).await?;
    let work = Rc::new(Authorize::new(site.browsers()?, REDIRECT_URI, SCOPES));
    let measured = run.measure(&server, &work).await?;
    run.report("authorize", beside_signature(&measured));
    server.stop().await
}
