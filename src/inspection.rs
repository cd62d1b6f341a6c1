//! The inspection of a token: opened, its grant and client read, judged by its current state. `/userinfo`, `/introspect`
//! and `symbolon explain` all use it, so that none of them can judge differently. Nothing is changed.

use std::sync::Arc;

use crate::{
    caches::registrations::{Registered, Registrations},
    config::Config,
    jose::{
        keys::KeyRing,
        verify::{self, Claims, Typ},
    },
    protocol::{
        error::{ErrorCode, ProtocolError},
        grant::{
            self, Grant, Presentation, TokenParams, Verdict,
            credential::{Credential, Kind},
            entitlement::Entitlement,
        },
        oauth::{
            client::{Client, GrantType},
            introspection,
            resource::KnownScopes,
            scope::{ScopeClaims, Scopes},
        },
        oidc::{
            authentication::Class,
            claims::{self, ReadAccessToken},
        },
        secrets::SecretRing,
        values::time::Timestamp,
    },
    store::{
        AnyConnection, Result,
        grants::{self, About, Found},
        revoked_tokens,
    },
};

/// The reason why a token of a key-bound grant is inactive: nothing here could verify a proof of the key.
const BOUND: &str = "its grant is bound to a key, and DPoP proofs are not supported";

/// Inspects tokens at one point in time.
#[derive(Clone, Copy)]
pub struct Inspector<'a> {
    /// The configuration.
    pub config: &'a Config,
    /// The server's keys.
    pub ring: &'a KeyRing,
    /// The registered clients and APIs.
    pub registered: Registered<'a>,
    /// The time.
    pub now: Timestamp,
    /// The offset added to the database's time: zero, except where a test moves time.
    pub shift: i64,
}

/// The result of an inspection: a token, or the reason why it is inactive.
pub type Finding<T> = std::result::Result<T, InactiveToken>;

/// An inactive token.
#[derive(Clone, Debug)]
pub struct InactiveToken {
    /// The reason.
    pub reason: String,
}

/// An active access token.
#[derive(Clone, Debug)]
pub struct AccessToken {
    /// Its claims.
    pub claims: Claims,
    /// The client it was issued to.
    pub client: Arc<Client>,
    /// The grant it belongs to, with its user; `None` where the client acts for itself.
    pub found: Option<Found>,
    /// The name of its user, if the token lets it be told.
    pub username: Option<String>,
    /// Its remaining entitlement.
    pub left: Entitlement,
}

/// An active refresh token, which `/token` would accept.
#[derive(Clone, Debug)]
pub struct RefreshToken {
    /// The client it was issued to.
    pub client: Arc<Client>,
    /// Its grant.
    pub grant: Grant,
    /// The name of its user, if the grant lets it be told.
    pub username: Option<String>,
    /// The entitlement it would give now.
    pub left: Entitlement,
    /// Its expiry if it is not used before.
    pub expires_at: Timestamp,
}

/// The grant a token claims to belong to: nothing is verified here.
#[must_use]
pub fn about(secrets: &SecretRing, token: &str) -> Option<About> {
    if token.starts_with(Kind::Refresh.prefix()) {
        return Some(About { grant: Credential::open(secrets, Kind::Refresh, token)?.id, jti: None });
    }
    let jti = verify::named_jti(token)?;
    Some(About { grant: claims::grant_of_jti(&jti)?, jti: Some(jti) })
}

/// Reads the rows that a request about a grant depends on: the grant, and the revision of clients and APIs, in one statement.
///
/// # Errors
/// When the database fails.
pub fn read_ahead<'a>(
    registrations: &'a Registrations,
    connection: &mut AnyConnection,
    about: Option<&About>,
    now: Timestamp,
) -> Result<(Registered<'a>, Option<Found>)> {
    if let Some(about) = about
        && let Some((found, Some(revision))) = grants::read(connection, about)?
    {
        return Ok((registrations.at(revision, now), Some(found)));
    }
    Ok((registrations.now(connection, now)?, None))
}

impl Inspector<'_> {
    /// Inspects an access token (RFC 9068 §4, and what no signature can prove: the state of its grant, its user and its client).
    /// `ahead` is the result of the early read for [`about`].
    ///
    /// # Errors
    /// When the database fails.
    pub fn access_token(
        &self,
        connection: &mut AnyConnection,
        token: &str,
        ahead: Option<Found>,
    ) -> Result<Finding<AccessToken>> {
        let claims = match verify::own(self.ring, Typ::AccessToken, token) {
            Ok(claims) => claims,
            Err(refused) => return Ok(Err(inactive_token(&refused.0))),
        };
        let said = match ReadAccessToken::read(&claims) {
            Ok(said) => said,
            Err(bad) => return Ok(Err(inactive_token(&bad.to_string()))),
        };
        let keep = self.config.lifetimes.access_token.max(self.config.lifetimes.id_token);
        // A key that was retired because it leaked could have signed anything.
        if !verify::named_key(token).is_some_and(|kid| self.ring.publishes(&kid, self.now, keep)) {
            return Ok(Err(inactive_token("the key that signed it is no longer published")));
        }
        let refused = |reason: &str| Ok(Err(inactive_token(reason)));
        if said.iss != self.config.issuer.as_str() {
            return refused("iss names another issuer");
        }
        if self.now.seconds() >= said.exp {
            return refused("it has expired");
        }
        if Timestamp::from_millis(said.iat.saturating_mul(1000)).is_ahead_of(self.now) {
            return refused("it was issued in the future: the server's clock has been set back since");
        }
        let found = match claims::grant_of_jti(said.jti) {
            Some(id) => {
                let found = match ahead.filter(|found| found.grant.id == id) {
                    Some(found) => Some(found),
                    None => {
                        grants::read(connection, &About { grant: id, jti: Some(said.jti.to_owned()) })?.map(|(found, _)| found)
                    }
                };
                match found.filter(|found| !found.is_token_revoked) {
                    Some(found) => Some(found),
                    None => return refused("it was revoked, or its grant no longer exists"),
                }
            }
            None if revoked_tokens::contains(connection, said.jti)? => return refused("it was revoked"),
            None => None,
        };
        let Some(client) = self.registered.client(connection, said.client_id)? else { return refused("its client was deleted") };
        if client.disabled_at.is_some() {
            return refused("its client is disabled");
        }
        // RFC 9449 §7.2: refused as a bearer token. A later version may have bound its grant; this one accepts no proofs.
        if found.as_ref().is_some_and(|found| found.grant.dpop_jkt.is_some()) {
            return refused(BOUND);
        }
        if let Some(found) = &found {
            let status = found.status(self.now, found.read_at.shifted(self.shift));
            let policy = self.config.lifetimes.policy(&client, &found.grant);
            if let Some(inactive) = grant::inactive(&found.grant, &client, &policy, &status) {
                return refused(inactive.description());
            }
            if found.grant.sub() != said.sub || found.grant.client_id != client.id {
                return refused("the grant belongs to another user or client");
            }
        }
        // A client created before the clock was set back is not newer than its tokens.
        let is_older_than_client = said.iat < client.created_at.seconds() && !client.created_at.is_ahead_of(self.now);
        if found.is_none() && (!client.settings.may_use(GrantType::ClientCredentials) || is_older_than_client) {
            return refused("its client is no longer allowed the client_credentials grant");
        }
        let issuer = self.config.issuer.as_str();
        let resources: Vec<_> = verify::audiences(&claims).filter(|uri| *uri != issuer).map(str::to_owned).collect();
        let left = Entitlement::of_token(&client, &said.scopes, &resources);
        // A client that acts for itself signs nobody in.
        let left = match (left, &found) {
            (Ok(left), Some(found)) => within(connection, self.known(), left, (found.grant.class(), &[]))?,
            (left, _) => left,
        };
        let left = match left {
            Ok(left) => narrow(connection, self.known(), left, (&resources, &said.scopes), false)?,
            Err(error) => Err(error),
        };
        let left = match left {
            Ok(left) => left,
            Err(error) => return refused(&error.description),
        };
        let username = found.as_ref().and_then(|found| username(found, &left));
        Ok(Ok(AccessToken { claims, client, found, username, left }))
    }

    /// Inspects a refresh token: the verdict of the token endpoint, without acting on it.
    ///
    /// # Errors
    /// When the database fails.
    pub fn refresh_token(
        &self,
        connection: &mut AnyConnection,
        token: &str,
        ahead: Option<Found>,
    ) -> Result<Finding<RefreshToken>> {
        let Some(credential) = Credential::open(&self.config.secrets, Kind::Refresh, token) else {
            return Ok(Err(inactive_token("it was not issued by this server")));
        };
        let found = match ahead.filter(|found| found.grant.id == credential.id) {
            Some(found) => Some(found),
            None => grants::find(connection, credential.id)?,
        };
        let Some(found) = found else {
            return Ok(Err(inactive_token("its grant no longer exists")));
        };
        let status = found.status(self.now, found.read_at.shifted(self.shift));
        let grant = &found.grant;
        let refused = |reason: &str| Ok(Err(inactive_token(reason)));
        let Some(client) = self.registered.client(connection, &grant.client_id)? else {
            return refused("its client was deleted");
        };
        if !client.settings.may_use(GrantType::RefreshToken) {
            return refused("its client is no longer allowed the refresh_token grant");
        }
        if grant.dpop_jkt.is_some() {
            return refused(BOUND);
        }
        let presentation = Presentation {
            client: &client,
            generation: credential.generation,
            params: TokenParams::Refresh { scopes: None },
            proof: None,
            resources: &[],
        };
        let policy = self.config.lifetimes.policy(&client, grant);
        let last_use = grant.rotated_at.unwrap_or(grant.created_at);
        let end = match grant::judge(grant, &presentation, &policy, &status) {
            Verdict::Advance | Verdict::Heal => last_use.plus(policy.idle_lifetime),
            Verdict::Repeat => last_use.plus(policy.retry_window),
            Verdict::Reused(_, error) | Verdict::Refuse(error) => return refused(&error.description),
        };
        let left = match left_of(connection, self.known(), (&client, grant), &grant.scopes, &[])? {
            Ok(left) => left,
            Err(error) => return refused(&error.description),
        };
        let (expires_at, username) = (grant.expires_at.min(end), username(&found, &left));
        Ok(Ok(RefreshToken { client, grant: found.grant, username, left, expires_at }))
    }

    fn known(&self) -> Known<'_> {
        (&self.registered, &self.config.scope_claims)
    }
}

/// The name of the user, read along with the grant.
fn username(found: &Found, left: &Entitlement) -> Option<String> {
    introspection::tells_username(&left.scopes).then(|| found.username().map(str::to_owned)).flatten()
}

/// The registered APIs, and the operator's own scopes about users.
pub type Known<'a> = (&'a Registered<'a>, &'a ScopeClaims);

/// The client's current entitlement from a grant: the rest of the requested scopes and resources, with the scopes limited to the
/// APIs that the token is for.
///
/// # Errors
/// When the database fails.
pub fn left_of(
    connection: &mut AnyConnection,
    known: Known<'_>,
    (client, grant): (&Client, &Grant),
    scopes: &Scopes,
    resources: &[String],
) -> Result<std::result::Result<Entitlement, ProtocolError>> {
    let left = match Entitlement::of(client, scopes, &grant.audiences, resources) {
        Ok(left) => within(connection, known, left, (grant.class(), resources))?,
        Err(error) => Err(error),
    };
    let left = match left {
        Ok(left) => left,
        Err(error) => return Ok(Err(error)),
    };
    let mut among = grant.audiences.clone(); // the client may have lost some of them since
    among.extend(client.settings.audiences.iter().filter(|uri| !grant.audiences.contains(uri)).cloned());
    narrow(connection, known, left, (&among, &grant.scopes), !resources.is_empty())
}

/// Removes the APIs for which the sign-in is too weak ([`Entitlement::within`]).
fn within(
    connection: &mut AnyConnection,
    (registered, of_users): Known<'_>,
    left: Entitlement,
    (class, named): (Option<Class>, &[String]),
) -> Result<std::result::Result<Entitlement, ProtocolError>> {
    if left.resources.is_empty() {
        return Ok(Ok(left));
    }
    let apis = registered.all_apis(connection)?;
    Ok(left.within(class, &KnownScopes { of_users, apis: &apis }, named))
}

/// Removes what does not go together ([`Entitlement::narrowed`]): of these APIs, and of the scopes that there were `before`.
fn narrow(
    connection: &mut AnyConnection,
    (registered, of_users): Known<'_>,
    left: Entitlement,
    (among, before): (&[String], &Scopes),
    is_named: bool,
) -> Result<std::result::Result<Entitlement, ProtocolError>> {
    if left.scopes.is_empty() || left.scopes == *before && left.is_for_all(among) {
        return Ok(Ok(left));
    }
    let apis = registered.all_apis(connection)?;
    let left = left.narrowed(&KnownScopes { of_users, apis: &apis }, among, before, is_named);
    if left.scopes.is_empty() {
        let text = "scope: none of the granted scopes belongs to the requested resource";
        return Ok(Err(ProtocolError::new(ErrorCode::InvalidScope, text)));
    }
    Ok(Ok(left))
}

fn inactive_token(reason: &str) -> InactiveToken {
    InactiveToken { reason: reason.to_owned() }
}
