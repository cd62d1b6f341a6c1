//! `symbolon client add`: registers a client from options. Defaults are the safe choice: PKCE required, the usual scopes of apps,
//! refresh token rotation.

use clap::{
    Args,
    builder::{PossibleValuesParser, TypedValueParser},
};

use super::{
    super::{Answer, Error, Work, output::Format, refuse},
    new_id,
    registered::{self, refuse_strays},
    settings::{Settings, parse},
    shown::Shown,
};
use crate::{
    protocol::{
        oauth::{
            api::Api,
            client::{Client, ClientKind},
            client_auth::secret_hash,
            scope::{OFFLINE_ACCESS, Scopes},
        },
        values::time::Timestamp,
    },
    random,
    store::{self, AnyConnection, apis, clients},
};

/// The default scopes of an app.
const DEFAULT: [&str; 4] = ["openid", "profile", "email", OFFLINE_ACCESS];

#[derive(Debug, Args)]
pub struct Options {
    /// The client ID [default: generated]
    #[arg(long)]
    id: Option<String>,
    /// The name shown to users
    #[arg(long)]
    name: String,
    /// The type of client: spa and native are public; web and service authenticate
    #[arg(long = "type", value_name = "TYPE", value_parser = kind())]
    kind: ClientKind,
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
        let id = self.id.take().unwrap_or_else(new_id);
        let (now, custom, secret) = (work.now, &work.config.scope_claims, random::client_secret());
        let describe = |connection: &mut AnyConnection| -> Result<Client, Error> {
            let apis = apis::all(connection)?;
            let mut client = self.describe(&id, &apis, now)?;
            refuse_strays(None, &client, &apis, custom)?;
            client.secret_hash = client.has_secret().then(|| secret_hash(secret.expose()));
            Ok(client)
        };
        describe(work.connection)?;
        registered::key(work, self.settings.signing_alg, None)?;
        let client = match clients::register(work.connection, describe) {
            Err(Error::Store(store::Error::Conflict(_))) => {
                return refuse(format!("client ID '{id}' is already taken"));
            }
            registered => registered?,
        };
        let secret = client.has_secret().then_some(&secret);
        format.json_for_all(&Shown::with_secret(&client, secret))
    }

    /// The client described by the options, checked; it has no secret yet.
    fn describe(&self, id: &str, apis: &[Api], now: Timestamp) -> Result<Client, Error> {
        let mut client = Client::new(id, self.name.trim(), self.kind, now);
        if self.settings.scopes.is_empty() && self.kind != ClientKind::Service {
            let wanted = DEFAULT.into_iter().filter(|scope| !(self.settings.no_refresh && *scope == OFFLINE_ACCESS));
            client.scopes = Scopes::default().with(wanted);
        }
        self.settings.give(&mut client)?;
        if self.settings.scopes.is_empty() && self.kind == ClientKind::Service {
            let own = apis.iter().filter(|api| client.audiences.contains(&api.uri));
            let all: Vec<_> = own.flat_map(|api| &api.scopes).map(|scope| scope.name.as_str()).collect();
            client.scopes = parse(&all.join(" "))?;
        }
        Ok(client)
    }
}

#[cfg(test)]
#[path = "add_tests.rs"]
mod tests;
