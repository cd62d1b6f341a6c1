//! `symbolon client`: apps that users sign in to, and programs that act for themselves. What may be registered is decided by
//! `protocol::oauth::registration`.

mod add;
mod apis;
mod check;
mod from_json;
mod program;
mod refusals;
mod registered;
mod scopes;
mod secrets;
mod set;
mod set_lists;
pub mod settings;
mod shown;

use clap::Subcommand;
use serde::{Serialize, Serializer};

use super::{
    Answer, Error, Work,
    listing::Part,
    output::{self, Format},
    refusal::note_pending,
};
use crate::{
    operations::{OperationError, Resource, clients, deletions, page::Slice},
    protocol::oauth::client::Client,
    random,
};
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
    /// List clients, by client ID
    List(Part),
    /// Show a client
    Show(One),
    /// Change a client; lists are replaced as a whole, except by --add-... and --remove-...
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
            Self::List(part) => {
                let list = |work: &mut Work<'_>, slice: &Slice| Ok(clients::list(work, slice)?.map(Listed));
                part.print(work, (shown::HEADING, |listed: &Listed| Shown::new(&listed.0).row()), list)
            }
            Self::Show(one) => show(work, &one),
            Self::Set { options, format } => options.run(work, format),
            Self::Check(one) => check::run(work, &one),
            Self::Disable(one) => switched(&clients::disable(work, &one.id)?, "disabled", one.format),
            Self::Enable(one) => switched(&clients::enable(work, &one.id)?, "enabled", one.format),
            Self::RotateSecret { one, now } => secrets::rotate(work, &one, now),
            Self::RetireSecret(one) => secrets::retire(work, &one),
            Self::Delete(one) => delete(work, &one),
        }
    }
}

/// A client of a list, as printed.
struct Listed(Client);

impl Serialize for Listed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Shown::new(&self.0).serialize(serializer)
    }
}

fn show(work: &mut Work<'_>, one: &One) -> Answer {
    let client = find(work, &one.id)?;
    let shown = Shown::new(&client);
    one.format.answer(&shown, || output::fields(&shown.fields()))
}

fn switched(client: &Client, done: &str, format: Format) -> Answer {
    format.answer(&Shown::new(client), || output::clean(&format!("{done} client {}", client.id)) + "\n")
}

fn delete(work: &mut Work<'_>, one: &One) -> Answer {
    let deleted = deletions::client(work, &one.id)?;
    note_pending(&deleted.purge);
    one.format.answer(&deleted, || output::clean(&format!("deleted client {} and revoked its grants", one.id)) + "\n")
}

/// The client with this id.
pub fn find(work: &mut Work<'_>, id: &str) -> Result<Client, Error> {
    Ok(clients::find(work, id)?)
}

fn unknown<T>(id: &str) -> Result<T, Error> {
    Err(OperationError::NotFound { kind: Resource::Client, name: id.to_owned() }.into())
}

/// Twenty hexadecimal digits: never the length of a user's id, thirty-two.
fn new_id() -> String {
    format!("{:020x}", u128::from_be_bytes(random::bytes()) >> 48)
}
