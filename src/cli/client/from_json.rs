//! `--from-json`: all settings of a client at once, in the form in which `client show --json` prints them.

use std::path::Path;

use serde_json::{Map, Value};

use super::super::Error;
use crate::{
    config::named_file,
    jose::client_keys::ClientKeys,
    protocol::{error::Invalid, oauth::client::ClientMetadata},
};

/// What `client show --json` prints besides the settings: it is accepted, and changes nothing.
const NO_SETTINGS: [&str; 3] = ["active_secrets", "disabled", "created"];

/// The settings that were read.
#[derive(Clone, Debug)]
pub struct Given {
    pub settings: ClientMetadata,
    /// The client that they are of, where they name one.
    pub client_id: Option<String>,
    /// Whether they name scopes, and be it none.
    pub has_scope: bool,
}

/// Reads the file with this name; standard input for `-`.
pub fn read(path: &Path) -> Result<Given, Error> {
    let text = named_file::read(path).map_err(|why| format!("--from-json {why}"))?;
    Ok(parse(&text).map_err(|why| format!("--from-json '{}': {why}", path.display()))?)
}

fn parse(text: &str) -> Result<Given, Invalid> {
    let mut given: Map<String, Value> =
        serde_json::from_str(text).map_err(|error| format!("expected a JSON object, received something else: {error}"))?;
    given.retain(|member, _| !NO_SETTINGS.contains(&member.as_str()));
    let client_id = match given.remove("client_id") {
        None => None,
        Some(Value::String(id)) => Some(id),
        Some(other) => return Err(format!("client_id: expected a string, received {other}").into()),
    };
    let has_scope = given.contains_key("scope");
    let mut settings = ClientMetadata::read(&given)?;
    settings.client_name = settings.client_name.trim().to_owned();
    if let Some(set) = &settings.jwks {
        ClientKeys::parse(set).map_err(|why| format!("jwks: {why}"))?;
    }
    Ok(Given { settings, client_id, has_scope })
}
