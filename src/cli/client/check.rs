//! `symbolon client check`: problems in a client's settings, line by line, and its last refused requests. The review is
//! `protocol::oauth::client_review`; this module gathers its input, and fetches the client's keys as the server would.

use super::{
    super::{Answer, Error, Work, output},
    One, find, refusals,
};
use crate::{
    config::Config,
    jose::{client_keys::ClientKeys, keys::KeyRing},
    outbound::Outbound,
    protocol::{
        oauth::{
            client::{Client, ClientKeySource},
            client_review::{Facts, Finding, Level, review},
        },
        values::algorithm::Algorithm,
    },
    store::{apis, grants, signing_keys},
};

/// How many of a client's last sign-ins tell what it uses.
const SIGN_INS: u32 = 100;

pub fn run(work: &mut Work<'_>, one: &One) -> Answer {
    let client = find(work, &one.id)?;
    let apis = apis::all(work.connection)?;
    let has_key = has_key(work, client.settings.signing_alg)?;
    let failure = keys_failure(work.config, &client);
    let last = grants::Filter { user: None, client: Some(client.id.clone()) };
    let last = grants::list_found(work.connection, &last, None, SIGN_INS)?;
    let facts = Facts {
        apis: &apis,
        scope_claims: &work.config.scope_claims,
        has_key,
        keys_failure: failure.as_deref(),
        uses_pkce: !last.is_empty() && last.iter().all(|found| found.grant.challenge.is_some()),
        retry_window: work.config.lifetimes.refresh_retry_window,
    };
    let findings = review(&client, &facts);
    let row = |line: &Finding| {
        [line.level.as_str().into(), line.setting.into(), line.is.clone(), line.should_be.clone(), line.section.into()]
    };
    let refusals = refusals::of(work, &client)?;
    let text = || {
        let rows: Vec<_> = findings.iter().map(row).collect();
        output::table(["LEVEL", "SETTING", "IS", "SHOULD BE", "SECTION"], &rows) + &refusals::text(&refusals)
    };
    let value = serde_json::json!({ "client_id": client.id, "findings": findings, "refusals": refusals });
    let answer = one.format.answer(&value, text)?;
    let is_problem = findings.iter().any(|line| line.level == Level::Problem);
    if is_problem { Err(Error::Problems(answer)) } else { Ok(answer) }
}

/// Whether the server can sign by this algorithm. It creates a key for the default algorithm by itself when it starts.
fn has_key(work: &mut Work<'_>, algorithm: Algorithm) -> Result<bool, Error> {
    let rows = signing_keys::all(work.connection)?;
    if algorithm == Algorithm::default() && !rows.iter().any(|row| row.algorithm == algorithm) {
        return Ok(true);
    }
    let ring = KeyRing::open(&rows, &work.config.secrets, &KeyRing::default());
    Ok(ring.is_ok_and(|ring| ring.signing(algorithm, work.now).is_ok()))
}

/// The reason why the client's registered keys cannot be read.
fn keys_failure(config: &Config, client: &Client) -> Option<String> {
    let text = match client.settings.keys() {
        ClientKeySource::None => return None,
        ClientKeySource::Inline(set) => set,
        ClientKeySource::Url(url) => {
            let outbound = Outbound::new(&config.outbound);
            match outbound.and_then(|outbound| outbound.get(&url)) {
                Ok(text) => text,
                Err(error) => return Some(format!("{url}: {error}")),
            }
        }
    };
    ClientKeys::parse(&text).err().map(|why| why.to_string())
}
