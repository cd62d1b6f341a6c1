//! The yardstick: `oidc-provider` from npm in one Node process (`bench/yardstick/provider.mjs`), with its tokens in memory, the
//! same kind of key and claims, and as many refresh tokens as requested.

use std::{
    fs::File,
    path::Path,
    process::{Command, Stdio},
};

use serde::Deserialize;

use crate::{
    process::{self, Server},
    trouble::{Result, Trouble},
};

/// Its output when it is ready.
#[derive(Deserialize)]
struct Ready {
    client_id: String,
    tokens: Vec<String>,
}

/// The scopes of its tokens: as ours, but without `openid`, with which it signs an ID token at each refresh.
pub const SCOPES: &str = "offline_access notes:read";
/// The same with `openid`: compared with clients of ours that get an ID token on refresh.
pub const WITH_OPENID: &str = "openid offline_access notes:read";

/// Starts it with this number of refresh tokens of these scopes; returns the server, and a client's id with each token.
///
/// # Errors
/// When Node is missing, or the provider does not start.
pub async fn start(folder: &Path, work: &Path, (tokens, scopes): (usize, &str)) -> Result<(Server, Vec<(String, String)>)> {
    let address = process::free_address()?;
    let reported = work.join("yardstick.json");
    let mut node = Command::new("node");
    node.arg(folder.join("provider.mjs")).arg(address.port().to_string()).arg(tokens.to_string()).arg(scopes);
    node.env("NODE_ENV", "production").stdout(Stdio::from(File::create(&reported)?));
    let server = Server::start(node, address, "/.well-known/openid-configuration", &work.join("yardstick.log")).await?;
    let ready: Ready =
        serde_json::from_reader(File::open(&reported)?).map_err(|error| Trouble::while_doing("the yardstick", &error))?;
    Ok((server, ready.tokens.into_iter().map(|token| (ready.client_id.clone(), token)).collect()))
}
