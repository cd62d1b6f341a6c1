//! `symbolon grant`: the grants that users gave to clients. Whether a grant is still active is decided by `protocol::grant`; this
//! module reads its input, and revokes grants.

mod show;

use std::collections::{HashMap, hash_map::Entry};

use clap::Subcommand;
use serde::Serialize;

use super::{
    Answer, Error, Work,
    output::{self, Format, time},
    refuse, user,
};
use crate::{
    display::user_agent,
    protocol::{
        account::activity::Activity,
        grant::{
            self, AccountStatus, Grant, Policy,
            end_reason::{EndReason, Inactive},
            history,
        },
        oauth::client::Client,
        values::id::Id,
    },
    store::{
        account,
        activity::Event,
        clients, grant_history,
        grants::{self, Filter},
        users,
    },
};

#[derive(Debug, Subcommand)]
pub enum Command {
    /// List grants, newest first
    List {
        /// Only those of this user (user name or e-mail address)
        #[arg(long)]
        user: Option<String>,
        /// Only those of this client
        #[arg(long)]
        client: Option<String>,
        /// Maximum number of entries
        #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
        limit: u32,
        #[command(flatten)]
        format: Format,
    },
    /// Show a grant and its history, oldest first
    Show {
        /// The grant ID, as listed
        id: String,
        #[command(flatten)]
        format: Format,
    },
    /// Revoke a grant: its refresh token stops working at once; access tokens that APIs verify themselves work until they expire
    Revoke {
        /// The grant ID, as listed
        id: String,
        #[command(flatten)]
        format: Format,
    },
}

/// A grant, as printed.
#[derive(Serialize)]
struct Shown {
    id: String,
    client_id: String,
    user_id: String,
    username: Option<String>,
    scope: String,
    audiences: Vec<String>,
    /// `code` until the code is redeemed, then `active`, finally `ended`.
    state: &'static str,
    /// The reason why it has ended.
    reason: Option<Inactive>,
    /// Whether it ends with the browser session.
    ends_with_session: bool,
    created: String,
    last_used: Option<String>,
    expires: String,
    /// The name that the user gave to its device.
    device_name: Option<String>,
    /// The address it was last used from; until the code is redeemed, that of the user's browser.
    address: Option<String>,
    place: Option<String>,
    user_agent: Option<String>,
}

impl Shown {
    /// The user's name for the device, or else its program, parsed from the user agent.
    fn device(&self) -> String {
        self.device_name.clone().or_else(|| self.user_agent.as_deref().map(user_agent::words)).unwrap_or_default()
    }
}

impl Command {
    pub fn run(self, work: &mut Work<'_>) -> Answer {
        match self {
            Self::List { user, client, limit, format } => {
                let user = user.map(|login| user::find(work, &login)).transpose()?.map(|user| user.claims.id);
                list(work, &Filter { user, client }, limit, format)
            }
            Self::Show { id, format } => {
                let grant = named(work, &id)?;
                let entries = history::life(&grant, grant_history::of(work.connection, grant.id, show::MOST)?);
                show::run(work, grant, &entries, format)
            }
            Self::Revoke { id, format } => revoke(work, &id, format),
        }
    }
}

fn list(work: &mut Work<'_>, filter: &Filter, limit: u32, format: Format) -> Answer {
    let listed = grants::list(work.connection, filter, limit)?;
    if let (Some(client), true) = (&filter.client, listed.is_empty())
        && clients::find(work.connection, client)?.is_none()
    {
        return refuse(format!("client '{client}': no such client (list all with symbolon client list)"));
    }
    let clients: HashMap<_, _> = clients::all(work.connection)?.into_iter().map(|client| (client.id.clone(), client)).collect();
    let mut names = HashMap::new();
    let mut shown = Vec::new();
    for grant in listed {
        let user = grant.user_id;
        let username = match names.entry(user) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => new.insert(users::find(work.connection, user)?.map(|user| user.claims.username)),
        };
        shown.push(show(work, grant, &clients, username.clone())?);
    }
    let row = |grant: &Shown| {
        let user = grant.username.clone().unwrap_or_else(|| "(deleted)".into());
        let last_use = grant.last_used.clone().unwrap_or_else(|| "never".into());
        let state = grant.reason.map_or(grant.state, Inactive::description).to_owned();
        let [id, client] = [&grant.id, &grant.client_id].map(Clone::clone);
        [id, user, client, grant.scope.clone(), grant.created.clone(), last_use, grant.device(), state]
    };
    let text = || {
        output::table(
            ["GRANT", "USER", "CLIENT", "SCOPE", "CREATED", "LAST USED", "DEVICE", "STATE"],
            &shown.iter().map(row).collect::<Vec<_>>(),
        )
    };
    format.answer(&shown, text)
}

fn show(work: &mut Work<'_>, listed: Grant, clients: &HashMap<String, Client>, username: Option<String>) -> Result<Shown, Error> {
    // Read with its user and its session; a grant deleted meanwhile is shown as it was listed.
    let (status, grant) = match grants::find(work.connection, listed.id)? {
        Some(found) => (found.status(work.now, found.read_at), found.grant),
        None => (AccountStatus { user_enabled: false, must_sign_in: false, now: work.now, by_database: work.now }, listed),
    };
    let (state, reason) = match clients.get(&grant.client_id) {
        None => ("ended", Some(Inactive::ClientDeleted)),
        Some(client) => state(&grant, client, &work.config.lifetimes.policy(client, &grant), &status),
    };
    Ok(Shown {
        id: grant.id.to_string(),
        client_id: grant.client_id,
        user_id: grant.user_id.to_string(),
        username,
        scope: grant.scopes.to_string(),
        audiences: grant.audiences,
        state,
        reason,
        ends_with_session: grant.session_id.is_some(),
        created: time(grant.created_at),
        last_used: grant.rotated_at.map(time),
        expires: time(grant.expires_at),
        device_name: grant.device_name,
        address: grant.seen.address,
        place: grant.seen.place,
        user_agent: grant.seen.user_agent,
    })
}

fn state(grant: &Grant, client: &Client, policy: &Policy, status: &AccountStatus) -> (&'static str, Option<Inactive>) {
    if let Some(inactive) = grant::inactive(grant, client, policy, status) {
        ("ended", Some(inactive))
    } else if grant.generation > 0 {
        ("active", None)
    } else if !grant::is_code_fresh(grant, policy, status.now) {
        ("ended", Some(Inactive::CodeExpired))
    } else {
        ("code", None)
    }
}

fn revoke(work: &mut Work<'_>, text: &str, format: Format) -> Answer {
    let grant = named(work, text)?;
    let id = grant.id;
    let client = clients::find(work.connection, &grant.client_id)?.map_or(grant.client_id, |client| client.settings.client_name);
    let event = Event { about: Some(&client), ..user::operated(work.now, grant.user_id, Activity::AppEnded) };
    let revoked = account::revoke_grant(work.connection, id, EndReason::RevokedByOperator, &event)?;
    let text = || if revoked { format!("revoked grant {id}\n") } else { format!("grant {id} was already revoked\n") };
    format.answer(&serde_json::json!({ "id": id.to_string(), "revoked": true }), text)
}

/// The grant with this id.
fn named(work: &mut Work<'_>, text: &str) -> Result<Grant, Error> {
    let Ok(id) = Id::parse(text) else {
        return refuse(format!("grant '{text}': expected 32 hexadecimal digits, as shown by symbolon grant list"));
    };
    match grants::find(work.connection, id)? {
        Some(found) => Ok(found.grant),
        None => refuse(format!("grant '{id}': no such grant (list the newest with symbolon grant list)")),
    }
}
