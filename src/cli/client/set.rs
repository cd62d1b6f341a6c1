//! `symbolon client set`: changes the settings of a client. Each option replaces a value; the whole is checked again. Tokens and
//! grants already issued to the client stay, as far as it is still entitled to them (`protocol::grant::entitlement`).

use clap::Args;

use super::{
    super::{
        Answer, Error, Work,
        output::{self, Format},
        refuse,
    },
    find,
    registered::{self, refuse_strays},
    secrets::note_secret,
    set_lists::Entries,
    settings::Settings,
    shown::Shown,
    unknown,
};
use crate::{
    protocol::oauth::{
        api::Api,
        client::{Client, ClientKind, ClientMetadata, GrantType, PkceRule},
        client_auth::secret_hash,
    },
    random,
    store::{AnyConnection, apis, clients},
};

#[derive(Debug, Args)]
pub struct Options {
    /// The client ID
    id: String,
    /// The name shown to users
    #[arg(long)]
    name: Option<String>,
    #[command(flatten)]
    settings: Settings,
    #[command(flatten)]
    entries: Entries,
    #[command(flatten)]
    cleared: Cleared,
}

/// What it has no more.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of the command line")]
struct Cleared {
    /// Remove all APIs
    #[arg(long, conflicts_with = "apis")]
    no_api: bool,
    /// Grant openid and the scopes of the requested APIs to a request without scope
    #[arg(long, conflicts_with = "default_scopes")]
    no_default_scope: bool,
    /// All of its APIs are the default
    #[arg(long, conflicts_with = "default_apis")]
    no_default_api: bool,
    /// It can introspect only its own tokens
    #[arg(long, conflicts_with = "introspects")]
    no_introspects: bool,
    /// Accept its secret in the request body as well
    #[arg(long, conflicts_with = "client_secret_basic_only")]
    no_client_secret_basic_only: bool,
    /// Remove the secret of a native client
    #[arg(long, conflicts_with = "secret_for_native")]
    no_secret_for_native: bool,
    /// Return an ID token on refresh, if openid was granted
    #[arg(long, conflicts_with = "no_id_token_on_refresh")]
    id_token_on_refresh: bool,
    /// Return plain JSON from /userinfo
    #[arg(long, conflicts_with = "userinfo_signed")]
    no_userinfo_signed: bool,
    /// Use the same subjects as other clients
    #[arg(long, conflicts_with = "pairwise")]
    no_pairwise: bool,
    /// Remove all post-logout redirect URIs
    #[arg(long, conflicts_with = "post_logout_redirect_uris")]
    no_post_logout_redirect_uri: bool,
    /// Disable back-channel logout
    #[arg(long, conflicts_with = "backchannel_logout_uri")]
    no_backchannel_logout_uri: bool,
    /// Ask users for their consent, as that of the operator no longer counts; grants remain
    #[arg(long, conflicts_with = "first_party")]
    no_first_party: bool,
    /// Disallow the client credentials grant
    #[arg(long, conflicts_with = "client_credentials")]
    no_client_credentials: bool,
    /// The old form of `--pkce required`
    #[arg(long, hide = true, conflicts_with_all = ["pkce", "pkce_optional"])]
    no_pkce_optional: bool,
    /// Use the server's retry window
    #[arg(long, conflicts_with = "retry_window")]
    no_retry_window: bool,
    /// Accept every sign-in
    #[arg(long, conflicts_with = "min_acr")]
    no_min_acr: bool,
    /// Remove all CORS origins other than those of the redirect URIs
    #[arg(long, conflicts_with = "cors_origins")]
    no_cors_origin: bool,
    /// Issue refresh tokens again
    #[arg(long, conflicts_with = "no_refresh")]
    refresh: bool,
}

impl Cleared {
    fn take(&self, settings: &mut ClientMetadata) {
        let clear = |is_requested: bool, list: &mut Vec<String>| {
            if is_requested {
                list.clear();
            }
        };
        clear(self.no_api, &mut settings.audiences);
        clear(self.no_introspects, &mut settings.introspects);
        clear(self.no_post_logout_redirect_uri, &mut settings.post_logout_redirect_uris);
        clear(self.no_cors_origin, &mut settings.cors_origins);
        settings.default_scope.take_if(|_| self.no_default_scope);
        settings.default_audiences.take_if(|_| self.no_default_api || self.no_api);
        settings.pairwise_sector.take_if(|_| self.no_pairwise);
        settings.backchannel_logout_uri.take_if(|_| self.no_backchannel_logout_uri);
        settings.refresh_retry_window.take_if(|_| self.no_retry_window);
        settings.min_acr.take_if(|_| self.no_min_acr);
        settings.id_token_on_refresh |= self.id_token_on_refresh;
        settings.userinfo_signed &= !self.no_userinfo_signed;
        settings.client_secret_basic_only &= !self.no_client_secret_basic_only;
        settings.first_party &= !self.no_first_party;
        settings.secret_for_native &= !self.no_secret_for_native;
        if self.no_pkce_optional {
            settings.pkce = PkceRule::Required;
        }
        if self.no_client_credentials {
            settings.grant_types.retain(|grant| *grant != GrantType::ClientCredentials);
        }
        if self.refresh && settings.kind != ClientKind::Service && !settings.may_use(GrantType::RefreshToken) {
            settings.grant_types.push(GrantType::RefreshToken);
        }
    }
}

impl Options {
    pub fn run(mut self, work: &mut Work<'_>, format: Format) -> Answer {
        self.settings = self.settings.read()?;
        let (custom, secret) = (&work.config.scope_claims, random::client_secret());
        let hash = secret_hash(secret.expose());
        let change = |connection: &mut AnyConnection, client: &mut Client| -> Result<(), Error> {
            let (before, apis) = (client.clone(), apis::all(connection)?);
            self.change(client, &apis)?;
            refuse_strays(Some(&before), client, &apis, custom)?;
            // It gets its first secret, or one again.
            if self.settings.requests_secret() && client.settings.keeps_secret() && client.secret_hash.is_none() {
                client.secret_hash = Some(hash.clone());
            }
            Ok(())
        };
        let current = find(work, &self.id)?;
        change(work.connection, &mut current.clone())?;
        registered::key(work, self.settings.requested_alg(), Some(&current))?;
        let Some(client) = clients::update(work.connection, &self.id, change)? else { return unknown(&self.id) };
        if client.secret_hash.as_ref() == Some(&hash) {
            note_secret(&client);
            return format.json_for_all(&Shown::with_secret(&client, Some(&secret)));
        }
        let shown = Shown::new(&client);
        format.answer(&shown, || output::fields(&shown.fields()))
    }

    fn change(&self, client: &mut Client, apis: &[Api]) -> Result<(), Error> {
        if let Some(given) = &self.settings.given {
            if let Some(other) = given.client_id.as_ref().filter(|id| **id != self.id) {
                return refuse(format!("--from-json: client_id: expected '{}', received '{other}'", self.id));
            }
            let (before, kind) = (client.settings.kind.as_str(), given.settings.kind.as_str());
            if before != kind {
                return refuse(format!(
                    "--from-json: type: expected {before}, which stays as it was registered, received {kind}"
                ));
            }
            client.settings = given.settings.clone();
        }
        if let Some(name) = &self.name {
            name.trim().clone_into(&mut client.settings.client_name);
        }
        self.cleared.take(&mut client.settings);
        self.entries.change(&mut client.settings, apis)?;
        self.settings.give_to_existing(client, apis)
    }
}

#[cfg(test)]
#[path = "set_tests.rs"]
mod tests;
