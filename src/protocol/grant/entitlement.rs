//! The current entitlement of a grant: scopes and APIs withdrawn from the client since are removed from its tokens, at each refresh
//! and whenever a token is presented (OAuth 2.1 §4.3.1, RFC 8707 §2.2).

use crate::protocol::{
    error::{ErrorCode, ProtocolError},
    oauth::{
        client::Client,
        scope::{OPENID, Scopes},
    },
};

/// The scopes and APIs of one access token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entitlement {
    /// Its scopes.
    pub scopes: Scopes,
    /// The APIs it is for.
    pub resources: Vec<String>,
}

impl Entitlement {
    /// The part of a grant that the client is still allowed; `requested_resources` narrow it, empty means all.
    ///
    /// # Errors
    /// `invalid_target` if an API that the client may no longer use was requested, or no other is left; `invalid_scope` if no scope
    /// is left.
    pub fn of(
        client: &Client,
        granted_scopes: &Scopes,
        granted_resources: &[String],
        requested_resources: &[String],
    ) -> Result<Self, ProtocolError> {
        let is_allowed = |uri: &&String| client.settings.audiences.contains(*uri);
        if let Some(gone) = requested_resources.iter().find(|uri| !is_allowed(uri)) {
            let text = format!("resource: '{gone}' is no longer allowed for this client");
            return Err(ProtocolError::new(ErrorCode::InvalidTarget, text));
        }
        let wanted = if requested_resources.is_empty() { granted_resources } else { requested_resources };
        let resources: Vec<_> = wanted.iter().filter(is_allowed).cloned().collect();
        let scopes = granted_scopes.intersection(&client.settings.scope);
        if scopes.is_empty() {
            let text = "none of the granted scopes is still allowed for this client";
            return Err(ProtocolError::new(ErrorCode::InvalidScope, text));
        }
        if resources.is_empty() && !wanted.is_empty() && !scopes.contains(OPENID) {
            return Err(no_api());
        }
        Ok(Self { scopes, resources })
    }

    /// The current entitlement of an access token; a token without any scope was issued to a client on its own behalf.
    ///
    /// # Errors
    /// As [`Entitlement::of`].
    pub fn of_token(client: &Client, scopes: &Scopes, resources: &[String]) -> Result<Self, ProtocolError> {
        if scopes.is_empty() {
            let left: Vec<_> = resources.iter().filter(|uri| client.settings.audiences.contains(uri)).cloned().collect();
            if left.is_empty() && !resources.is_empty() {
                return Err(no_api());
            }
            return Ok(Self { scopes: Scopes::default(), resources: left });
        }
        Self::of(client, scopes, resources, &[])
    }

    /// Whether it covers all of these APIs: then each of its scopes that belongs to one of them comes with that API.
    #[must_use]
    pub fn is_for_all(&self, apis: &[String]) -> bool {
        apis.iter().all(|uri| self.resources.contains(uri))
    }
}

fn no_api() -> ProtocolError {
    ProtocolError::new(ErrorCode::InvalidTarget, "none of the granted APIs is still allowed for this client")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::oauth::client::{ClientKind, tests::client};

    const A: &str = "https://api.example.com";
    const B: &str = "https://files.example.com";

    fn left(client: &Client, scopes: &str, granted: &[&str], requested: &[&str]) -> Result<String, &'static str> {
        let owned = |list: &[&str]| list.iter().map(|uri| (*uri).to_owned()).collect::<Vec<_>>();
        Entitlement::of(client, &Scopes::parse(scopes).unwrap(), &owned(granted), &owned(requested))
            .map(|left| format!("{} at {}", left.scopes, left.resources.join(" ")))
            .map_err(|error| error.code.as_str())
    }

    #[test]
    fn what_was_taken_from_the_client_is_gone() {
        let mut spa = client(ClientKind::Spa);
        assert_eq!(left(&spa, "openid email", &[A, B], &[]), Ok(format!("openid email at {A} {B}")));
        assert_eq!(left(&spa, "openid email", &[A, B], &[B]), Ok(format!("openid email at {B}")));
        spa.settings.audiences = vec![A.into()];
        spa.settings.scope = Scopes::parse("openid").unwrap();
        assert_eq!(left(&spa, "openid email", &[A, B], &[]), Ok(format!("openid at {A}")));
        assert_eq!(left(&spa, "openid email", &[A, B], &[B]), Err("invalid_target"));
        assert_eq!(left(&spa, "openid", &[B], &[]), Ok("openid at ".to_owned()), "openid alone is for the issuer");
        assert_eq!(left(&spa, "email", &[A], &[]), Err("invalid_scope"));
        spa.settings.scope = Scopes::parse("notes:read").unwrap();
        assert_eq!(left(&spa, "notes:read", &[B], &[]), Err("invalid_target"), "never a token for another audience instead");
        assert_eq!(left(&spa, "notes:read", &[], &[]), Ok("notes:read at ".to_owned()));
    }

    #[test]
    fn a_token_without_scopes_is_for_its_apis_or_for_none() {
        let mut job = client(ClientKind::Service);
        let left = |client: &Client, resources: &[&str]| {
            let resources: Vec<_> = resources.iter().map(|uri| (*uri).to_owned()).collect();
            let left = Entitlement::of_token(client, &Scopes::default(), &resources);
            left.map(|left| left.resources.join(" ")).map_err(|error| error.code.as_str())
        };
        assert_eq!(left(&job, &[A, B]), Ok(format!("{A} {B}")));
        assert_eq!(left(&job, &[]), Ok(String::new()), "for the issuer");
        job.settings.audiences = vec![B.into()];
        assert_eq!(left(&job, &[A, B]), Ok(B.into()));
        assert_eq!(left(&job, &[A]), Err("invalid_target"), "never for another audience instead");
    }
}
