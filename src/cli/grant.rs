//! `symbolon grant`: lists, shows and revokes the grants that users gave to clients.

mod show;

use clap::Subcommand;

use super::{Answer, Error, Work, listing::Part, output::Format};
use crate::{
    display::user_agent,
    operations::{
        Actor, OperationError,
        grants::{self, GrantFilter, GrantView},
    },
    protocol::grant::end_reason::Inactive,
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
        /// Only grants older than this one
        #[arg(long, value_name = "ID")]
        after: Option<String>,
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

impl Command {
    pub fn run(self, work: &mut Work<'_>) -> Answer {
        match self {
            Self::List { user, client, limit, after, format } => {
                let filter = GrantFilter { user, client };
                let part = Part::new(limit, after, format);
                part.print(work, (HEADING, row), |work, slice| grants::list(work, &filter, slice))
            }
            Self::Show { id, format } => {
                let grant = grants::show(work, &id).map_err(refusal)?;
                format.answer(&grant, || show::text(&grant))
            }
            Self::Revoke { id, format } => {
                let revoked = grants::revoke(work, Actor::OPERATOR, &id).map_err(refusal)?;
                let id = &revoked.id;
                let text = || {
                    if revoked.was_revoked {
                        format!("grant {id} was already revoked\n")
                    } else {
                        format!("revoked grant {id}\n")
                    }
                };
                format.answer(&revoked, text)
            }
        }
    }
}

const HEADING: [&str; 8] = ["GRANT", "USER", "CLIENT", "SCOPE", "CREATED", "LAST USED", "DEVICE", "STATE"];

/// A table row below [`HEADING`].
fn row(grant: &GrantView) -> [String; 8] {
    let state = grant.reason.map_or(grant.state, Inactive::description).to_owned();
    let [id, client, scope] = [&grant.id, &grant.client_id, &grant.scope].map(Clone::clone);
    [id, username(grant), client, scope, grant.created.to_string(), last_used(grant), device(grant), state]
}

fn username(grant: &GrantView) -> String {
    grant.username.clone().unwrap_or_else(|| "(deleted)".into())
}

fn last_used(grant: &GrantView) -> String {
    grant.last_used.map_or_else(|| "never".into(), |at| at.to_string())
}

/// The user's name for the device, or else its program, parsed from the user agent.
fn device(grant: &GrantView) -> String {
    grant.device_name.clone().or_else(|| grant.user_agent.as_deref().map(user_agent::words)).unwrap_or_default()
}

/// What is no id could not be one that is listed.
fn refusal(error: OperationError) -> Error {
    match error {
        OperationError::Invalid(why) => Error::Refused(format!("{why}, as shown by symbolon grant list")),
        error => error.into(),
    }
}
