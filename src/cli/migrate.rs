//! `symbolon migrate`: migrates the database before the servers are replaced. It reports which migrations were run, and how e-mail
//! addresses stored in another spelling by an older version were normalised.

use serde_json::json;

use super::{Answer, open, output, output::Format, time};
use crate::{
    config::Config,
    operations::installation,
    store::{migrations, spellings},
};

/// Runs the migrations.
pub fn run(mut config: Config, format: Format) -> Answer {
    let store = open(&config)?;
    store.with(|connection| installation::prepare_secret(connection, &mut config))?;
    let ran = store.with(migrations::run).map_err(|error| format!("database {}: {error}", config.database))?;
    let now = time(&store, true)?;
    store.with(|connection| {
        installation::record_first_secrets(connection, &config, now)?;
        installation::record_issuer(connection, &config)
    })?;
    let addresses = store.with(|connection| spellings::rewrite_all(connection, now))?;
    let taken = addresses
        .taken
        .iter()
        .map(|taken| json!({ "id": taken.user.to_string(), "username": taken.username, "taken_by": taken.holder.to_string() }));
    let value = json!({ "ran": ran, "addresses_rewritten": addresses.users, "addresses_taken": taken.collect::<Vec<_>>() });
    format.answer(&value, || {
        let mut lines: Vec<_> = ran.iter().map(|name| format!("applied {name}")).collect();
        if ran.is_empty() {
            lines.push("the database is up to date".into());
        }
        if addresses.users > 0 {
            lines.push(format!("normalised e-mail addresses: {}", addresses.users));
        }
        lines.extend(addresses.taken.iter().map(|taken| {
            output::clean(&format!(
                "user {} ({}): the e-mail address was not normalised, because user {} already has the normalised address; \
                 change one of them (symbolon user set), or delete one",
                taken.username, taken.user, taken.holder
            ))
        }));
        lines.join("\n") + "\n"
    })
}
