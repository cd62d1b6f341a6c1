//! Calls of other servers: the authorization server and the API. They block, and are made on threads that may.

use std::time::Duration;

use ureq::http::{Request, Response};

const TIMEOUT: Duration = Duration::from_secs(5);
const MAX_BYTES: u64 = 1024 * 1024;

/// Sends a request, to this server alone: a redirect could lead a token elsewhere.
pub fn send(request: Request<Vec<u8>>) -> Result<Response<Vec<u8>>, ureq::Error> {
    let config = ureq::Agent::config_builder().max_redirects(0).timeout_global(Some(TIMEOUT)).http_status_as_error(false).build();
    let mut answer = ureq::Agent::new_with_config(config).run(request)?;
    let body = answer.body_mut().with_config().limit(MAX_BYTES).read_to_vec()?;
    Ok(answer.map(|_| body))
}
