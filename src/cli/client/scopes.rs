//! The scopes of a client that is registered: the default ones, and those that contradict its grant types.

use super::super::{Error, refuse};
use crate::protocol::oauth::{
    api::Api,
    client::{ClientKind, ClientMetadata, GrantType},
    scope::{OFFLINE_ACCESS, Scopes},
};

/// The default scopes of an app.
const DEFAULT: [&str; 4] = ["openid", "profile", "email", OFFLINE_ACCESS];

/// The usual scopes of an app, without those that it cannot use; all scopes of a service's APIs.
pub fn default_scope(settings: &ClientMetadata, apis: &[Api]) -> Result<Scopes, Error> {
    if settings.kind == ClientKind::Service {
        let own = apis.iter().filter(|api| settings.audiences.contains(&api.uri));
        let all: Vec<_> = own.flat_map(|api| &api.scopes).map(|scope| scope.name.as_str()).collect();
        return parse(&all.join(" "));
    }
    let has_refresh = settings.may_use(GrantType::RefreshToken);
    Ok(Scopes::default().with(DEFAULT.into_iter().filter(|scope| has_refresh || *scope != OFFLINE_ACCESS)))
}

pub fn refuse_offline_access_without_refresh(settings: &ClientMetadata) -> Result<(), Error> {
    let has_none = settings.kind != ClientKind::Service && !settings.may_use(GrantType::RefreshToken);
    if has_none && settings.scope.contains(OFFLINE_ACCESS) {
        return refuse("scope 'offline_access' requires refresh tokens and cannot be used with --no-refresh");
    }
    Ok(())
}

/// Parses scopes.
pub fn parse(text: &str) -> Result<Scopes, Error> {
    Scopes::parse(text).map_err(|malformed| {
        let why = "expected at most 100 scopes of printable ASCII without spaces, quotes and backslashes (RFC 6749 3.3)";
        Error::Refused(format!("scope '{}': {why}", malformed.0))
    })
}
