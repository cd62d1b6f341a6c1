//! Presenting a credential of a grant: find it, judge it, and do what the verdict says. One guarded statement advances the row; if
//! another request was first, the row is read and judged again, once.

use super::{Exchange, user_claims::UserClaims};
use crate::{
    inspection,
    protocol::{
        account::activity::{Activity, Origin},
        error::{ErrorCode, ProtocolError},
        grant::{
            Grant, Presentation, TokenParams, Verdict,
            end_reason::EndReason,
            entitlement::Entitlement,
            history::{GrantEvent, HistoryEntry},
            judge,
        },
        values::{
            id::Id,
            network,
            time::{Span, Timestamp},
        },
    },
    random,
    store::{
        AnyConnection,
        activity::Event,
        grant_history::Line,
        grants::{self, Advance, Found, Statement},
    },
    web::{fault::Fault, oauth_error::OauthError},
};

/// A credential that was opened, with the parameters presented with it.
pub struct Credentials<'a> {
    /// The grant's id.
    pub grant: Id,
    /// The credential's generation.
    pub generation: u32,
    /// The parameters.
    pub params: TokenParams<'a>,
    /// The requested resources.
    pub resources: &'a [String],
}

/// A presentation that was accepted.
pub struct Accepted {
    /// The grant, as read before it advanced.
    pub found: Found,
    /// The generation of the refresh token that the client gets.
    pub successor: u32,
    /// The entitlement of the access token.
    pub left: Entitlement,
    /// What the tokens say about the user.
    pub user_claims: UserClaims,
    /// Whether the successor had been issued before (row 6 of the verdict).
    pub is_repeat: bool,
}

impl Exchange<'_> {
    /// Presents the credential.
    pub fn present(&self, connection: &mut AnyConnection, credentials: &Credentials<'_>) -> Result<Accepted, OauthError> {
        let client = self.client;
        let presentation = Presentation {
            client,
            generation: credentials.generation,
            params: credentials.params,
            proof: None, // not verified yet: a public client's grant that is bound to a key is refused
            resources: credentials.resources,
        };
        for _ in 0..2 {
            let (found, now) = self.find(connection, credentials.grant)?;
            let by_database = self.app.clock.of_database(found.read_at);
            let statement = Statement::after(found.read_at, by_database, self.deadline.left());
            let status = found.status(now, by_database);
            match judge(&found.grant, &presentation, &self.app.config.lifetimes.policy(client, &found.grant), &status) {
                Verdict::Advance => {
                    let accepted = self.accept(connection, found, credentials, false)?;
                    if self.advance(connection, &accepted.found.grant, statement)? {
                        let is_code = credentials.generation == 0;
                        self.note(credentials, if is_code { GrantEvent::Redeemed } else { GrantEvent::Refreshed });
                        return Ok(accepted);
                    } // another request was first: read and judge again
                }
                Verdict::Heal => {
                    let accepted = self.accept(connection, found, credentials, false)?;
                    if self.heal(connection, &accepted.found.grant, credentials, statement)? {
                        return Ok(accepted);
                    }
                }
                Verdict::Repeat => {
                    let accepted = self.accept(connection, found, credentials, true)?;
                    self.repeat(connection, &accepted.found.grant)?;
                    self.note(credentials, GrantEvent::Repeated);
                    return Ok(accepted);
                }
                Verdict::Reused(reason, error) => {
                    self.revoke(connection, &found.grant, credentials, reason)?;
                    tracing::warn!(id = self.context.id, grant = %credentials.grant, client = client.id, "security: {}", error.description);
                    return Err(error.into());
                }
                Verdict::Refuse(error) => {
                    if error.detail.is_some() {
                        tracing::error!(id = self.context.id, grant = %credentials.grant, client = client.id, "{error}");
                    }
                    return Err(error.into());
                }
            }
        }
        Err(Fault::Busy(format!("grant {} changed twice concurrently", credentials.grant)).into())
    }

    /// The grant, read ahead or now, and when it was read.
    fn find(&self, connection: &mut AnyConnection, id: Id) -> Result<(Found, Timestamp), OauthError> {
        if let Some((found, at)) = self.ahead.take().filter(|(found, _)| found.grant.id == id) {
            return Ok((found, at));
        }
        let found = grants::find(connection, id)?;
        let gone =
            || ProtocolError::new(ErrorCode::InvalidGrant, "the grant no longer exists").with_detail(format!("grant {id}"));
        Ok((found.ok_or_else(gone)?, self.app.clock.now()))
    }

    fn advance(&self, connection: &mut AnyConnection, grant: &Grant, statement: Statement) -> Result<bool, OauthError> {
        let seen = self.context.origin();
        let Some(network) = self.new_network(grant) else {
            let advance = Advance { grant: grant.id, generation: grant.generation, seen, statement };
            return Ok(self.app.store.advance(connection, advance)?);
        };
        let event = self.event(grant, Activity::NewNetwork, &seen);
        let is_first = grants::advance_elsewhere(connection, grant, statement, &network, &event)?;
        self.app.delivery_waker.wake();
        Ok(is_first)
    }

    /// Advances the row to a credential that is newer than it. An operator is alerted, as every write in between was lost.
    fn heal(
        &self,
        connection: &mut AnyConnection,
        grant: &Grant,
        credentials: &Credentials<'_>,
        statement: Statement,
    ) -> Result<bool, OauthError> {
        let (seen, id) = (self.context.origin(), random::id(self.context.now));
        let advance = Advance { grant: grant.id, generation: credentials.generation, seen: seen.clone(), statement };
        let line = Line { grant: grant.id, id, entry: self.entry(credentials, GrantEvent::Healed) };
        let (network, event) = (self.new_network(grant), self.event(grant, Activity::NewNetwork, &seen));
        let elsewhere = network.as_deref().map(|network| (network, &event));
        let is_first = grants::heal(connection, (grant, &advance), &line, elsewhere)?;
        if is_first {
            self.app.metrics.grant(GrantEvent::Healed);
            self.app.delivery_waker.wake();
            tracing::error!(
                id = self.context.id, grant = %grant.id, client = self.client.id, from = grant.generation, to = credentials.generation + 1,
                "the database is older than a refresh token (restored backup, or a standby that was behind): the grant continues from the token"
            );
        }
        Ok(is_first)
    }

    /// Nothing is written for a repeated response, unless it comes from another network.
    fn repeat(&self, connection: &mut AnyConnection, grant: &Grant) -> Result<(), OauthError> {
        let Some(network) = self.new_network(grant) else { return Ok(()) };
        let seen = self.context.origin();
        grants::repeat_elsewhere(connection, grant, &network, &self.event(grant, Activity::NewNetwork, &seen))?;
        self.app.delivery_waker.wake();
        Ok(())
    }

    /// The network, if it differs from the one before. A public client runs on its user's device, so that the user is told when it
    /// continues from another network. Servers of confidential clients move as they like.
    fn new_network(&self, grant: &Grant) -> Option<String> {
        let network = network::range(self.context.address);
        let before = grant.seen.address.as_deref().and_then(network::range_of)?;
        (grant.generation > 0 && self.client.settings.is_public() && before != network).then_some(network)
    }

    /// A credential was reused: revokes the grant and queues the notification to its user in one step.
    fn revoke(
        &self,
        connection: &mut AnyConnection,
        grant: &Grant,
        credentials: &Credentials<'_>,
        reason: EndReason,
    ) -> Result<(), OauthError> {
        let seen = self.context.origin();
        let now = self.context.now;
        let line = Line { grant: grant.id, id: random::id(now), entry: self.entry(credentials, GrantEvent::Reused) };
        let event = self.event(grant, Activity::CredentialReused, &seen);
        if grants::revoke_reused(connection, &line, reason, &event)? {
            self.app.metrics.grant(GrantEvent::Reused);
            self.app.delivery_waker.wake();
        }
        Ok(())
    }

    fn event<'e>(&'e self, grant: &Grant, activity: Activity, origin: &'e Origin) -> Event<'e> {
        let (user, now) = (grant.user_id, self.context.now);
        Event {
            id: random::id(now),
            user,
            activity,
            origin,
            about: Some(&self.client.settings.client_name),
            grant: Some(grant.id),
            at: now,
        }
    }

    fn entry(&self, credentials: &Credentials<'_>, event: GrantEvent) -> HistoryEntry {
        let Origin { address, place, user_agent } = self.context.origin();
        let (at, generation) = (self.context.now, credentials.generation);
        HistoryEntry { event, at, generation, address, place, user_agent, why: None }
    }

    /// Counts a routine event, to be written asynchronously; where none are kept, nothing is written.
    fn note(&self, credentials: &Credentials<'_>, event: GrantEvent) {
        self.app.metrics.grant(event);
        if self.app.config.lifetimes.refresh_history > Span::ZERO {
            self.app.history.entry(credentials.grant, self.entry(credentials, event));
        }
    }

    /// The client's entitlement: the rest of the grant, and of its scopes those of the APIs that the token is for. Read before the
    /// grant advances, so that a failure here uses nothing up.
    fn accept(
        &self,
        connection: &mut AnyConnection,
        found: Found,
        credentials: &Credentials<'_>,
        is_repeat: bool,
    ) -> Result<Accepted, OauthError> {
        let grant = &found.grant;
        let scopes = match credentials.params {
            TokenParams::Refresh { scopes: Some(scopes) } => scopes,
            _ => &grant.scopes,
        };
        let known = (&self.registered, &self.app.config.scope_claims);
        let left = inspection::left_of(connection, known, (self.client, grant), scopes, credentials.resources)??;
        let user_claims = self.user_claims(connection, (&found, &left), credentials.params)?;
        self.place.clone()?;
        Ok(Accepted { successor: credentials.generation + 1, left, user_claims, is_repeat, found })
    }
}
