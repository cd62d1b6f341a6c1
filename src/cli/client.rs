//! `symbolon client`: apps that users sign in to, and programs that act for themselves. What may be registered is decided by
//! `protocol::oauth::registration`.

mod add;
mod check;
mod from_json;
mod registered;
mod scopes;
mod secrets;
mod set;
pub mod settings;
mod shown;

use clap::Subcommand;

use super::{
    Answer, Error, Work,
    output::{self, Format},
    refuse,
};
use crate::{protocol::oauth::client::Client, random, store::clients};
use shown::Shown;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Register a client and print it as JSON, including its secret, which is not shown again
    Add {
        #[command(flatten)]
        options: Box<add::Options>,
        #[command(flatten)]
        format: Format,
    },
    /// List all clients
    List(Format),
    /// Show a client
    Show(One),
    /// Change a client; lists are replaced as a whole
    Set {
        #[command(flatten)]
        options: Box<set::Options>,
        #[command(flatten)]
        format: Format,
    },
    /// Review a client's settings against the specifications
    #[command(
        long_about = "Review a client's settings line by line against OAuth 2.1, RFC 9700, OpenID Connect Core and related \
                            specifications.\n\nThe exit status is 1 if there is a problem, and 0 if there is only advice."
    )]
    Check(One),
    /// Disable a client: it gets no tokens until it is enabled again
    Disable(One),
    /// Enable a client again; its grants work again
    Enable(One),
    /// Generate a new secret and print it; the old one works until it is retired
    RotateSecret {
        #[command(flatten)]
        one: One,
        /// Revoke the old secret at once, for example after a leak
        #[arg(long)]
        now: bool,
    },
    /// Revoke the old secret, once the client uses the new one
    RetireSecret(One),
    /// Delete a client and revoke all of its grants
    Delete(One),
}

#[derive(Debug, clap::Args)]
pub struct One {
    /// The client ID
    id: String,
    #[command(flatten)]
    format: Format,
}

impl Command {
    pub fn run(self, work: &mut Work<'_>) -> Answer {
        match self {
            Self::Add { options, format } => options.run(work, format),
            Self::List(format) => list(&clients::all(work.connection)?, format),
            Self::Show(one) => show(work, &one),
            Self::Set { options, format } => options.run(work, format),
            Self::Check(one) => check::run(work, &one),
            Self::Disable(one) => switch(work, &one, false),
            Self::Enable(one) => switch(work, &one, true),
            Self::RotateSecret { one, now } => secrets::rotate(work, &one, now),
            Self::RetireSecret(one) => secrets::retire(work, &one),
            Self::Delete(one) => delete(work, &one),
        }
    }
}

fn list(all: &[Client], format: Format) -> Answer {
    let shown: Vec<_> = all.iter().map(Shown::new).collect();
    let text = || output::table(shown::HEADING, &shown.iter().map(Shown::row).collect::<Vec<_>>());
    format.answer(&shown, text)
}

fn show(work: &mut Work<'_>, one: &One) -> Answer {
    let client = find(work, &one.id)?;
    let shown = Shown::new(&client);
    one.format.answer(&shown, || output::fields(&shown.fields()))
}

fn switch(work: &mut Work<'_>, one: &One, on: bool) -> Answer {
    let before = find(work, &one.id)?;
    // The time since when it is disabled stays unchanged.
    let disabled_at = if on { None } else { before.disabled_at.or(Some(work.now)) };
    if !clients::set_disabled(work.connection, &one.id, disabled_at)? {
        return unknown(&one.id);
    }
    let done = if on { "enabled" } else { "disabled" };
    one.format
        .answer(&Shown::new(&Client { disabled_at, ..before }), || output::clean(&format!("{done} client {}", one.id)) + "\n")
}

fn delete(work: &mut Work<'_>, one: &One) -> Answer {
    if !clients::delete(work.connection, &one.id, work.now)? {
        return unknown(&one.id);
    }
    let text = || output::clean(&format!("deleted client {} and revoked its grants", one.id)) + "\n";
    one.format.answer(&serde_json::json!({ "client_id": one.id, "deleted": true }), text)
}

/// The client with this id.
pub fn find(work: &mut Work<'_>, id: &str) -> Result<Client, Error> {
    match clients::find(work.connection, id)? {
        Some(client) => Ok(client),
        None => unknown(id),
    }
}

fn unknown<T>(id: &str) -> Result<T, Error> {
    refuse(format!("client '{id}': no such client (list all with symbolon client list)"))
}

/// Twenty hexadecimal digits: never the length of a user's id, thirty-two.
fn new_id() -> String {
    format!("{:020x}", u128::from_be_bytes(random::bytes()) >> 48)
}
