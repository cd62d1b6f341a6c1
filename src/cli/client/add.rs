//! `symbolon client add`: registers a client from options, or for a program that is known (`operations::presets`), whose own lines
//! are then printed. Defaults are the safe choice: PKCE, or a nonce of a web client; the usual scopes of apps; refresh token
//! rotation.

use clap::{
    Args,
    builder::{PossibleValuesParser, TypedValueParser},
};

use super::{
    super::{Answer, Error, Work, output::Format, refuse},
    new_id,
    program::Program,
    registered::{self, refuse_strays},
    secrets::note_secret,
    settings::Settings,
};
use crate::{
    protocol::{
        oauth::{
            api::Api,
            client::{Client, ClientKind, ClientMetadata},
            client_auth::secret_hash,
        },
        values::time::Timestamp,
    },
    random,
    store::{self, AnyConnection, apis, clients, subjects},
};

#[derive(Debug, Args)]
pub struct Options {
    /// The client ID [default: generated]
    #[arg(long)]
    id: Option<String>,
    #[command(flatten)]
    program: Program,
    /// The name shown to users
    #[arg(long, required_unless_present_any = ["from_json", "preset"])]
    name: Option<String>,
    /// The type of client: spa and native are public; web and service authenticate
    #[arg(long = "type", value_name = "TYPE", value_parser = kind(), required_unless_present_any = ["from_json", "preset"], conflicts_with = "from_json")]
    kind: Option<ClientKind>,
    #[command(flatten)]
    settings: Settings,
}

fn kind() -> impl TypedValueParser<Value = ClientKind> {
    let names = PossibleValuesParser::new(ClientKind::names());
    names.try_map(|name| ClientKind::from_name(&name).ok_or("expected a kind of client"))
}

impl Options {
    /// Registers the client described by the options.
    pub fn run(mut self, work: &mut Work<'_>, format: Format) -> Answer {
        self.settings = self.settings.read()?;
        if let Some(given) = self.program.given()? {
            self.settings.given = Some(given);
        }
        let given = self.settings.given.as_mut().and_then(|given| given.client_id.take());
        let id = self.id.take().or(given).unwrap_or_else(new_id);
        let (now, custom, secret) = (work.now, &work.config.scope_claims, random::client_secret());
        let describe = |connection: &mut AnyConnection| -> Result<Client, Error> {
            let apis = apis::all(connection)?;
            let mut client = self.describe(&id, &apis, now)?;
            refuse_strays(None, &client, &apis, custom)?;
            // RFC 9700 §4.15: a client's id, which is the `sub` of its own tokens, must never equal a user's.
            if subjects::find(connection, &id)?.is_some() {
                return refuse(format!("client ID '{id}' is the subject of a user; --id names another"));
            }
            client.secret_hash = client.settings.keeps_secret().then(|| secret_hash(secret.expose()));
            Ok(client)
        };
        describe(work.connection)?;
        registered::key(work, self.settings.requested_alg(), None)?;
        let client = match clients::register(work.connection, describe) {
            Err(Error::Store(store::Error::Conflict(_))) => {
                return refuse(format!(
                    "client ID '{id}' is already taken, or was that of a client whose deletion is not complete; --id names another"
                ));
            }
            registered => registered?,
        };
        let secret = client.settings.keeps_secret().then_some(&secret);
        note_secret(&client);
        self.program.answer(&client, secret, &work.config.issuer, format)
    }

    /// The client described by the options, checked; it has no secret yet.
    fn describe(&self, id: &str, apis: &[Api], now: Timestamp) -> Result<Client, Error> {
        let (name, kind) = (self.name.as_deref().map(str::trim), self.kind);
        let settings = match (&self.settings.given, name, kind) {
            (Some(given), Some(name), _) => ClientMetadata { client_name: name.to_owned(), ..given.settings.clone() },
            (Some(given), None, _) => given.settings.clone(),
            (None, Some(name), Some(kind)) => ClientMetadata::new(name, kind),
            (None, ..) => return refuse("expected --name and --type, or --from-json"),
        };
        let mut client = Client { settings, ..Client::new(id, "", ClientKind::Spa, now) };
        self.settings.give_to_new(&mut client, apis)?;
        Ok(client)
    }
}

#[cfg(test)]
#[path = "add_tests.rs"]
mod tests;
