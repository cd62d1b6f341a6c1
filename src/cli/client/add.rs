//! The options of `symbolon client add`, and the client they describe. Defaults are the safe choice: PKCE
//! required, the standard scopes, refresh tokens that rotate.

use clap::{Args, ValueEnum};

use super::super::{Error, refuse};
use crate::protocol::{
    client::{AuthMethod, Client, ClientKind, GrantType, PkceRule},
    scope::{OFFLINE_ACCESS, STANDARD, Scopes},
    time::{Span, Timestamp},
};

/// The widest retry window, as for the server's own.
const MAX_RETRY_WINDOW: std::time::Duration = std::time::Duration::from_mins(5);

#[derive(Debug, Args)]
pub struct Options {
    /// The client id; by default one is made
    #[arg(long)]
    id: Option<String>,
    /// The name shown to people
    #[arg(long)]
    name: String,
    /// What the client is: spa and native are public, web and service get a secret
    #[arg(long = "type", value_name = "TYPE")]
    kind: Kind,
    /// Where answers may go, byte for byte; may be repeated
    #[arg(long = "redirect-uri", value_name = "URI")]
    redirect_uris: Vec<String>,
    #[arg(
        long = "scope",
        value_name = "SCOPE",
        help = "Scopes it may ask for; may be repeated [default: openid profile email offline_access]"
    )]
    scopes: Vec<String>,
    /// The resource servers its access tokens are for, as URIs; may be repeated
    #[arg(long = "audience", value_name = "URI")]
    audiences: Vec<String>,
    #[arg(long, value_name = "METHOD", help = "How a client with a secret sends it [default: client_secret_basic]")]
    auth: Option<Auth>,
    /// Take authorization requests without PKCE, for old clients that have a secret
    #[arg(long)]
    pkce_optional: bool,
    /// How long a refresh token that was lost on the way still gets its successor told again; 0s is strict
    #[arg(long, value_name = "SPAN", value_parser = retry_window)]
    retry_window: Option<Span>,
    /// Origins allowed by CORS besides those of the redirect URIs; may be repeated
    #[arg(long = "cors-origin", value_name = "ORIGIN")]
    cors_origins: Vec<String>,
    /// Issue no refresh tokens
    #[arg(long, conflicts_with = "retry_window")]
    no_refresh: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Kind {
    Spa,
    Native,
    Web,
    Service,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
#[value(rename_all = "snake_case")]
enum Auth {
    ClientSecretBasic,
    ClientSecretPost,
}

impl Options {
    /// The client described, checked; it has no secret yet.
    pub fn into_client(self, new_id: impl FnOnce() -> String, now: Timestamp) -> Result<Client, Error> {
        let kind = match self.kind {
            Kind::Spa => ClientKind::Spa,
            Kind::Native => ClientKind::Native,
            Kind::Web => ClientKind::Web,
            Kind::Service => ClientKind::Service,
        };
        let auth_method = match (self.auth, kind) {
            (Some(Auth::ClientSecretPost), _) => AuthMethod::ClientSecretPost,
            (Some(Auth::ClientSecretBasic), _) | (None, ClientKind::Web | ClientKind::Service) => AuthMethod::ClientSecretBasic,
            (None, ClientKind::Spa | ClientKind::Native) => AuthMethod::None,
        };
        let grant_types = match kind {
            ClientKind::Service => vec![GrantType::ClientCredentials],
            _ if self.no_refresh => vec![GrantType::AuthorizationCode],
            _ => vec![GrantType::AuthorizationCode, GrantType::RefreshToken],
        };
        let scopes = scopes(&self.scopes, kind, self.no_refresh)?;
        let client = Client {
            auth_method,
            redirect_uris: once_each(self.redirect_uris),
            scopes,
            audiences: once_each(self.audiences),
            grant_types,
            pkce: if self.pkce_optional { PkceRule::Optional } else { PkceRule::Required },
            retry_window: self.retry_window,
            cors_origins: once_each(self.cors_origins),
            ..Client::new(self.id.unwrap_or_else(new_id), self.name.trim(), kind, now)
        };
        client.check()?;
        Ok(client)
    }
}

fn scopes(given: &[String], kind: ClientKind, no_refresh: bool) -> Result<Scopes, Error> {
    let text = match (given, kind) {
        ([], ClientKind::Service) => String::new(),
        ([], _) => STANDARD.into_iter().filter(|scope| !(no_refresh && *scope == OFFLINE_ACCESS)).collect::<Vec<_>>().join(" "),
        (given, _) => given.join(" "),
    };
    let scopes = Scopes::parse(&text).map_err(|malformed| {
        format!("scope '{}': expected printable ASCII without spaces, quotes and backslashes (RFC 6749 3.3)", malformed.0)
    })?;
    if no_refresh && scopes.contains(OFFLINE_ACCESS) {
        return refuse("scope 'offline_access': expected none with --no-refresh: it stands for refresh tokens");
    }
    Ok(scopes)
}

fn retry_window(text: &str) -> Result<Span, String> {
    let span = humantime::parse_duration(text).ok().filter(|span| *span <= MAX_RETRY_WINDOW);
    let millis = span.and_then(|span| i64::try_from(span.as_millis()).ok());
    millis.map(Span::from_millis).ok_or_else(|| "expected a span such as 30s, at most 5m; 0s is strict".to_owned())
}

/// The values in their order, repetitions left out.
fn once_each(values: Vec<String>) -> Vec<String> {
    let mut kept: Vec<String> = Vec::with_capacity(values.len());
    for value in values {
        if !kept.contains(&value) {
            kept.push(value);
        }
    }
    kept
}

#[cfg(test)]
#[path = "add_tests.rs"]
mod tests;
