//! The current entitlement of a grant: scopes and APIs withdrawn from the client since are removed from its tokens, at each refresh
//! and whenever a token is presented (OAuth 2.1 §4.3.1, RFC 8707 §2.2).

use super::Grant;
use crate::protocol::{
    error::{ErrorCode, ProtocolError},
    oauth::{
        client::Client,
        resource::{self, KnownScopes},
        scope::{OPENID, ScopeClaims, Scopes},
    },
    oidc::{authentication::Class, claims_request::ClaimsRequest},
    values::once_each::once_each,
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
    /// The part of a grant that the client is still allowed; `requested_resources` narrow it, empty means all. An API is named as
    /// the client has it now, whose spelling may be another one since.
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
        let granted = |sent: &String| resource::find(granted_resources, sent).unwrap_or(sent).clone();
        let requested: Vec<_> = requested_resources.iter().map(granted).collect();
        if let Some(gone) = requested.iter().find(|uri| resource::find(&client.settings.audiences, uri).is_none()) {
            let text = format!("resource: '{gone}' is no longer allowed for this client");
            return Err(ProtocolError::new(ErrorCode::InvalidTarget, text));
        }
        let wanted = if requested.is_empty() { granted_resources } else { &requested };
        let resources = allowed(client, wanted);
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

    /// Without the APIs that require a stronger sign-in than this class, of those registered. `is_named` are those that the request
    /// names.
    ///
    /// # Errors
    /// `invalid_target` if it names one of them; `invalid_grant` if no other is left, as only a new authorization helps.
    pub fn within(mut self, class: Option<Class>, known: &KnownScopes<'_>, named: &[String]) -> Result<Self, ProtocolError> {
        if known.min_class(&self.resources) <= class {
            return Ok(self);
        }
        let is_too_strict = |uri: &String| known.min_class(std::slice::from_ref(uri)) > class;
        if let Some(uri) = self.resources.iter().find(|uri| !named.is_empty() && is_too_strict(uri)) {
            let text = format!("resource: '{uri}' requires a stronger sign-in of the user: authorize again");
            return Err(ProtocolError::new(ErrorCode::InvalidTarget, text));
        }
        self.resources.retain(|uri| !is_too_strict(uri));
        if self.resources.is_empty() && !self.scopes.contains(OPENID) {
            let text = "the APIs of the grant require a stronger sign-in of the user: authorize again";
            return Err(ProtocolError::new(ErrorCode::InvalidGrant, text));
        }
        Ok(self)
    }

    /// The current entitlement of an access token; a token without any scope was issued to a client on its own behalf.
    ///
    /// # Errors
    /// As [`Entitlement::of`].
    pub fn of_token(client: &Client, scopes: &Scopes, resources: &[String]) -> Result<Self, ProtocolError> {
        if scopes.is_empty() {
            let left = allowed(client, resources);
            if left.is_empty() && !resources.is_empty() {
                return Err(no_api());
            }
            return Ok(Self { scopes: Scopes::default(), resources: left });
        }
        Self::of(client, scopes, resources, &[])
    }

    /// Removes what does not go together: scopes of other APIs among `among` than those it is for (RFC 8707 §2.2), and APIs of which
    /// it had scopes, in `before`, and has none left, unless the request `is_named` them. An API of which there never was a scope
    /// stays: `resource` named it, or the grant is of an older version. That is not known where a scope is gone that none of these APIs
    /// has any more: it may have been the API's.
    #[must_use]
    pub fn narrowed(self, known: &KnownScopes<'_>, among: &[String], before: &Scopes, is_named: bool) -> Self {
        let scopes = known.at(&self.scopes, &self.resources, among);
        let has_some = |scopes: &Scopes, uri: &str| known.has_some(scopes, uri, among);
        let is_orphan = |scope: &str| !scopes.contains(scope) && known.is_of_none(scope, among);
        let has_lost_any = before.iter().any(is_orphan);
        let stays = |uri: &String| is_named || has_some(&scopes, uri) || !has_lost_any && !has_some(before, uri);
        Self { resources: self.resources.into_iter().filter(stays).collect(), scopes }
    }

    /// The individually requested claims that a token with these scopes opens (OpenID Connect Core §5.5): none if it was requested with
    /// fewer scopes, as it then opens the claims of those and no more.
    #[must_use]
    pub fn requested_claims(&self, client: &Client, grant: &Grant, custom: &ScopeClaims) -> ClaimsRequest {
        if grant.claims.is_empty() {
            return ClaimsRequest::default(); // most requests have none, and this is asked for every token
        }
        let granted = grant.scopes.intersection(&client.settings.scope);
        if granted.iter().any(|scope| custom.is_of_users(scope) && !self.scopes.contains(scope)) {
            return ClaimsRequest::default();
        }
        grant.claims.clone().allowed(&client.settings.scope, custom)
    }

    /// Whether it covers all of these APIs: then each of its scopes that belongs to one of them comes with that API.
    #[must_use]
    pub fn is_for_all(&self, apis: &[String]) -> bool {
        apis.iter().all(|uri| self.resources.contains(uri))
    }
}

/// Those of these APIs that the client may still use, as it has them, each once.
fn allowed(client: &Client, resources: &[String]) -> Vec<String> {
    once_each(resources.iter().filter_map(|uri| resource::find(&client.settings.audiences, uri)).cloned())
}

fn no_api() -> ProtocolError {
    ProtocolError::new(ErrorCode::InvalidTarget, "none of the granted APIs is still allowed for this client")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::oauth::{
        api::tests::api,
        client::{ClientKind, tests::client},
        scope::ScopeClaims,
    };

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
    fn an_api_is_named_as_the_client_has_it() {
        let mut spa = client(ClientKind::Spa);
        let (slash, upper) = ("https://api.example.com/", "HTTPS://API.example.com:443");
        assert_eq!(left(&spa, "openid", &[A, B], &[slash, upper]), Ok(format!("openid at {A}")));
        assert_eq!(left(&spa, "openid", &[slash, B], &[]), Ok(format!("openid at {A} {B}")), "an old grant");
        assert_eq!(left(&spa, "openid", &[upper], &[A]), Ok(format!("openid at {A}")));
        spa.settings.audiences = vec![A.into(), slash.into()];
        assert_eq!(left(&spa, "openid", &[slash], &[A]), Ok(format!("openid at {slash}")), "never another than was granted");
        spa.settings.audiences = vec![B.into()];
        assert_eq!(left(&spa, "openid", &[A, B], &[slash]), Err("invalid_target"));
    }

    #[test]
    fn an_api_goes_with_the_last_of_its_scopes() {
        let apis = [api(A, &["a:read", "a:write"]), api(B, &["b:read"])];
        let known = KnownScopes { of_users: &ScopeClaims::default(), apis: &apis };
        let scopes = |text: &str| Scopes::parse(text).unwrap();
        let narrowed = |left: &str, resources: &[&str], before: &str, is_named: bool| {
            let resources = resources.iter().map(|uri| (*uri).to_owned()).collect();
            let among = [A.to_owned(), B.into(), "https://old.example".into()];
            let left = Entitlement { scopes: scopes(left), resources }.narrowed(&known, &among, &scopes(before), is_named);
            format!("{} at {}", left.scopes, left.resources.join(" "))
        };
        assert_eq!(narrowed("openid", &[A, B], "openid a:read b:read", false), "openid at ");
        assert_eq!(narrowed("openid b:read", &[A, B], "openid a:read b:read", false), format!("openid b:read at {B}"));
        assert_eq!(narrowed("openid a:read", &[A, B], "openid a:read a:write b:read", false), format!("openid a:read at {A}"));
        assert_eq!(narrowed("openid", &[A], "openid a:read", true), format!("openid at {A}"), "resource names it");
        assert_eq!(narrowed("openid", &[A, B], "openid b:read", false), format!("openid at {A}"), "it had none");
        assert_eq!(narrowed("openid a:read b:read", &[A], "openid a:read b:read", false), format!("openid a:read at {A}"));
        let old = "https://old.example";
        assert_eq!(narrowed("openid", &[A], "openid a:old", false), "openid at ", "the API had it, and has it no more");
        assert_eq!(narrowed("openid b:read", &[A, B], "openid a:old b:read", false), format!("openid b:read at {B}"));
        assert_eq!(narrowed("openid", &[A], "openid a:old", true), format!("openid at {A}"));
        assert_eq!(narrowed("openid", &[old], "openid legacy", false), "openid at ", "one that is not registered");
        assert_eq!(narrowed("openid legacy", &[old, B], "openid legacy b:read", false), format!("openid legacy at {old}"));
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
