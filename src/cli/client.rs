//! `symbolon client`: the apps people sign in to. What may be registered is decided by
//! `protocol::client::Client::check`. A secret is printed once, when it is made; only its hash is kept.

mod add;
mod shown;

use clap::Subcommand;

use super::{
    Answer, Error, Work, note,
    output::{self, Format},
    refuse,
};
use crate::{
    protocol::{
        client::{Client, ClientKind},
        client_auth::secret_hash,
    },
    random,
    store::{self, clients},
};
use shown::Shown;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Register a client and print it as JSON, with its secret: it is not shown again
    Add {
        #[command(flatten)]
        options: Box<add::Options>,
        #[command(flatten)]
        format: Format,
    },
    /// List the clients
    List(Format),
    /// Show a client
    Show(One),
    /// Switch a client off: it gets no tokens until it is switched on again
    Disable(One),
    /// Switch a client on again, and the grants it had
    Enable(One),
    /// Make a new secret and print it; the old one is dead at once
    RotateSecret(One),
    /// Delete a client, and revoke what people allowed it
    Delete(One),
}

#[derive(Debug, clap::Args)]
pub struct One {
    /// The client's id
    id: String,
    #[command(flatten)]
    format: Format,
}

impl Command {
    pub fn run(self, work: &mut Work<'_>) -> Answer {
        match self {
            Self::Add { options, format } => register(work, *options, format),
            Self::List(format) => list(&clients::all(work.connection)?, format),
            Self::Show(one) => show(work, &one),
            Self::Disable(one) => switch(work, &one, false),
            Self::Enable(one) => switch(work, &one, true),
            Self::RotateSecret(one) => rotate_secret(work, &one),
            Self::Delete(one) => delete(work, &one),
        }
    }
}

fn register(work: &mut Work<'_>, options: add::Options, format: Format) -> Answer {
    let mut client = options.into_client(new_id, work.now)?;
    let secret = (!client.is_public()).then(random::client_secret);
    client.secret_hash = secret.as_deref().map(secret_hash);
    match clients::insert(work.connection, &client) {
        Err(store::Error::Conflict(_)) => {
            return refuse(format!("client '{}': expected an id that is free, received one that another client has", client.id));
        }
        inserted => inserted?,
    }
    if client.kind == ClientKind::Service {
        note(
            "note: a service uses the grant client_credentials, which this version does not serve; the client is registered without a grant",
        );
    }
    format.json_for_all(&Shown::with_secret(&client, secret))
}

fn list(all: &[Client], format: Format) -> Answer {
    let shown: Vec<_> = all.iter().map(Shown::new).collect();
    let text = || output::table(shown::HEADING, &shown.iter().map(Shown::row).collect::<Vec<_>>());
    format.answer(&shown, text)
}

fn show(work: &mut Work<'_>, one: &One) -> Answer {
    let client = find(work, one)?;
    let shown = Shown::new(&client);
    one.format.answer(&shown, || output::fields(&shown.fields()))
}

fn switch(work: &mut Work<'_>, one: &One, on: bool) -> Answer {
    let before = find(work, one)?;
    // Since when it is off stays as it was.
    let disabled_at = if on { None } else { before.disabled_at.or(Some(work.now)) };
    if !clients::set_disabled(work.connection, &one.id, disabled_at)? {
        return unknown(one);
    }
    let state = if on { "on" } else { "off" };
    one.format.answer(&Shown::new(&Client { disabled_at, ..before }), || {
        output::clean(&format!("client {} is switched {state}", one.id)) + "\n"
    })
}

fn rotate_secret(work: &mut Work<'_>, one: &One) -> Answer {
    let client = find(work, one)?;
    if client.is_public() {
        return refuse(format!(
            "client '{}': expected a web app or service, received a {} app, which has no secret",
            one.id,
            client.kind.as_str()
        ));
    }
    let secret = random::client_secret();
    let changed = clients::update(work.connection, &one.id, |_, client| -> Result<(), Error> {
        client.previous_secret_hash = client.secret_hash.replace(secret_hash(&secret));
        Ok(())
    })?;
    if changed.is_none() {
        return unknown(one);
    }
    one.format.json_for_all(&Shown::with_secret(&client, Some(secret)))
}

fn delete(work: &mut Work<'_>, one: &One) -> Answer {
    if !clients::delete(work.connection, &one.id, work.now)? {
        return unknown(one);
    }
    let text = || output::clean(&format!("client {} is deleted; what people allowed it is revoked", one.id)) + "\n";
    one.format.answer(&serde_json::json!({ "client_id": one.id, "deleted": true }), text)
}

fn find(work: &mut Work<'_>, one: &One) -> Result<Client, Error> {
    match clients::find(work.connection, &one.id)? {
        Some(client) => Ok(client),
        None => unknown(one),
    }
}

fn unknown<T>(one: &One) -> Result<T, Error> {
    refuse(format!("client '{}': there is no client with this id (symbolon client list shows all)", one.id))
}

/// Twenty hexadecimal digits: never the thirty-two of a person's id.
fn new_id() -> String {
    format!("{:020x}", u128::from_be_bytes(random::bytes()) >> 48)
}
