//! Telling clients that a session has ended (OpenID Connect Back-Channel Logout §2.5): a logout token, signed when it is
//! sent, to the address that is registered then. Who does not answer is told again, later and later, for a day.

use serde_json::json;
use std::sync::Arc;

use crate::{
    app::{App, KeysError},
    outbound::OutboundError,
    protocol::{
        claims::{LOGOUT_EVENT, LogoutToken},
        client::Client,
        time::{Span, Timestamp},
    },
    random,
    store::{
        AnyConnection, Result as StoreResult, clients,
        deliveries::{self, Delivery},
    },
};

/// How many are told at once.
const AT_ONCE: u32 = 8;
/// How long a delivery is in the hands of one process: well beyond the time that a call may take.
const IN_HAND: Span = Span::from_seconds(30);
/// How long a logout token is good (§4: two minutes at most).
const LIFETIME: Span = Span::from_seconds(120);
/// For how long a client is told again.
const GIVE_UP_AFTER: Span = Span::from_seconds(86_400);
/// How long to wait after the first attempt; twice as long after each further one.
const FIRST_WAIT: Span = Span::from_seconds(5);
/// The longest wait.
const LONGEST_WAIT: Span = Span::from_seconds(3_600);

/// Tells those that are due; whether there may be more.
pub async fn round(app: &Arc<App>) -> bool {
    let taking = app.clone();
    let taken = tokio::task::spawn_blocking(move || taking.store.with(|connection| take(&taking, connection))).await;
    let taken = match taken {
        Ok(Ok(taken)) => taken,
        Ok(Err(error)) => {
            tracing::warn!(%error, "deliveries");
            return false;
        }
        Err(error) => {
            tracing::warn!(%error, "deliveries");
            return false;
        }
    };
    let count = taken.len();
    let told: Vec<_> = taken.into_iter().map(|delivery| tokio::spawn(tell(app.clone(), delivery))).collect();
    for one in told {
        if let Err(error) = one.await {
            tracing::error!(%error, "a delivery did not end");
        }
    }
    count == AT_ONCE as usize
}

fn take(app: &App, connection: &mut AnyConnection) -> StoreResult<Vec<Delivery>> {
    let now = app.clock.now();
    let mut taken = Vec::new();
    for delivery in deliveries::due(connection, now, AT_ONCE)? {
        if deliveries::take(connection, &delivery, now.plus(IN_HAND))? {
            taken.push(delivery);
        }
    }
    Ok(taken)
}

async fn tell(app: Arc<App>, delivery: Delivery) {
    let told = tokio::task::spawn_blocking(move || {
        let outcome = attempt(&app, &delivery);
        app.store.with(|connection| settle(connection, &delivery, &outcome, app.clock.now()))
    });
    match told.await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(%error, "a delivery could not be settled: it will be tried again"),
        Err(error) => tracing::error!(%error, "a delivery did not end"),
    }
}

/// What came of an attempt.
enum Outcome {
    /// It was told, and taken.
    Told,
    /// Nobody wants to know any more.
    Unwanted,
    /// It will be tried again.
    Failed(String),
}

/// The token is made with a connection, the call without one.
fn attempt(app: &App, delivery: &Delivery) -> Outcome {
    let made = app.store.with(|connection| -> Result<_, KeysError> {
        let Some(client) = clients::find(connection, &delivery.client_id)? else { return Ok(None) };
        let Some(uri) = client.backchannel_logout_uri.clone().filter(|_| client.disabled_at.is_none()) else { return Ok(None) };
        Ok(Some((uri, token(app, connection, &client, delivery)?)))
    });
    let (uri, token) = match made {
        Ok(Some(made)) => made,
        Ok(None) => return Outcome::Unwanted,
        Err(error) => return Outcome::Failed(error.to_string()),
    };
    // §2.8: 200 says that it was done; 204 is said by many, and means the same.
    match app.outbound.post_form(&uri, &[("logout_token", &token)]) {
        Ok(200 | 204) => Outcome::Told,
        Ok(status) => Outcome::Failed(OutboundError::Status(status).to_string()),
        Err(error) => Outcome::Failed(error.to_string()),
    }
}

fn token(app: &App, connection: &mut AnyConnection, client: &Client, delivery: &Delivery) -> Result<String, KeysError> {
    let now = app.clock.now();
    let ring = app.keys_signing(connection, client.algorithm, now)?;
    let key = ring.signing(client.algorithm, now)?;
    let claims = LogoutToken {
        iss: app.config.issuer.as_str(),
        sub: &delivery.logout.sub,
        aud: &client.id,
        iat: now.seconds(),
        exp: now.plus(LIFETIME).seconds(),
        jti: random::text(),
        sid: &delivery.logout.sid,
        events: json!({ LOGOUT_EVENT: {} }),
    };
    Ok(key.logout_token(&claims)?)
}

fn settle(connection: &mut AnyConnection, delivery: &Delivery, outcome: &Outcome, now: Timestamp) -> StoreResult<()> {
    let (client, session, attempt) = (&delivery.client_id, &delivery.logout.sid, delivery.attempts + 1);
    match outcome {
        Outcome::Told => {
            tracing::info!(client, session, attempt, "told that the session has ended");
            deliveries::remove(connection, delivery)
        }
        Outcome::Unwanted => deliveries::remove(connection, delivery),
        Outcome::Failed(why) if now.since(delivery.created_at) >= GIVE_UP_AFTER => {
            tracing::error!(client, session, attempt, why, "could not be told that the session has ended: given up");
            deliveries::remove(connection, delivery)
        }
        Outcome::Failed(why) => {
            tracing::warn!(client, session, attempt, why, "could not be told that the session has ended: will be tried again");
            deliveries::put_off(connection, delivery, now.plus(wait(delivery.attempts)))
        }
    }
}

/// How long to wait after so many attempts before this one.
fn wait(attempts: u32) -> Span {
    Span::from_millis(FIRST_WAIT.millis() << attempts.min(16)).min(LONGEST_WAIT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_grows_to_an_hour() {
        assert_eq!([0, 1, 5, 9, 10, 1000].map(|attempts| wait(attempts).seconds()), [5, 10, 160, 2560, 3600, 3600]);
    }
}
