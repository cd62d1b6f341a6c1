//! Back-channel logout: notifies clients that a session has ended (OpenID Connect Back-Channel Logout §2.5). The logout token is
//! signed when it is sent, to the address that is registered then. Failed deliveries are retried for a day, with growing delays.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::{LOOK_EVERY, Panicked, next_try, pause, stored, take_each};
use crate::{
    app::{App, KeysError},
    outbound::OutboundError,
    protocol::{
        account::subject,
        oauth::client::Client,
        oidc::claims::{self, LOGOUT_EVENT, LogoutToken},
        values::{id::Id, time::Span},
    },
    random,
    store::{
        AnyConnection, Result as StoreResult, clients,
        deliveries::{self, Content, Delivery, Logout},
    },
    workers::blocking_pool::PoolError,
};
use serde_json::json;

/// The maximum number of concurrent calls.
const AT_ONCE: usize = 32;
/// The maximum number of concurrent calls to one client, so that a client that hangs does not delay the others, however many
/// deliveries it has.
const AT_ONE: usize = 2;
/// How long one process holds a delivery: well beyond the time that a call may take.
const IN_HAND: Span = Span::from_seconds(30);
/// The lifetime of a logout token (§4: two minutes at most).
const LIFETIME: Span = Span::from_seconds(120);

/// The calls that this process is making, and the clients whose last call failed.
#[derive(Clone, Default)]
pub struct Calls(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    now: HashMap<String, usize>,
    troubled: HashSet<String>,
}

/// One of these calls, until it is dropped.
struct Call(Calls, String);

impl Calls {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The number of further calls that may be made to this client. Clients whose last call failed share half of the capacity, one
    /// call each: however many of them hang, the others are notified.
    fn room(&self, client: &str) -> usize {
        let state = self.state();
        let to_this = state.now.get(client).copied().unwrap_or_default();
        let all: usize = state.now.values().sum();
        if !state.troubled.contains(client) {
            return AT_ONE.saturating_sub(to_this).min(AT_ONCE.saturating_sub(all));
        }
        let to_troubled: usize = state.now.iter().filter(|(client, _)| state.troubled.contains(*client)).map(|(_, n)| n).sum();
        1usize.saturating_sub(to_this).min((AT_ONCE / 2).saturating_sub(to_troubled)).min(AT_ONCE.saturating_sub(all))
    }

    fn begin(&self, client: &str) -> Call {
        *self.state().now.entry(client.to_owned()).or_default() += 1;
        Call(self.clone(), client.to_owned())
    }
}

impl Call {
    /// Records the outcome of the call.
    fn ended(&self, outcome: &Outcome) {
        let mut state = self.0.state();
        match outcome {
            Outcome::Failed(_) => drop(state.troubled.insert(self.1.clone())),
            Outcome::Delivered | Outcome::Unwanted => drop(state.troubled.remove(&self.1)),
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        let mut state = self.0.state();
        if let Some(count) = state.now.get_mut(&self.1) {
            *count -= 1;
        }
        state.now.retain(|_, count| *count > 0);
    }
}

/// Runs until it is dropped, or a job of it panics.
pub async fn run(app: &Arc<App>, calls: &Calls) {
    while round(app, calls).await.is_ok() {
        let _ = tokio::time::timeout(LOOK_EVERY, app.delivery_waker.for_clients()).await;
    }
}

/// Starts the due deliveries, as far as there is capacity; notifies itself when more are due.
async fn round(app: &Arc<App>, calls: &Calls) -> Result<(), Panicked> {
    let (taking, room) = (app.clone(), calls.clone());
    let taken = stored(app, move |connection| take(&taking, connection, &room)).await;
    match taken {
        Ok(Ok(taken)) => {
            for (call, delivery) in taken {
                tokio::spawn(deliver(app.clone(), call, delivery));
            }
        }
        Ok(Err(error)) => pause(&error).await,
        Err(PoolError::Panicked) => return Err(Panicked),
        Err(error) => pause(&error).await,
    }
    Ok(())
}

fn take(app: &App, connection: &mut AnyConnection, calls: &Calls) -> StoreResult<Vec<(Call, Delivery)>> {
    let now = app.clock.now();
    let mut taken = Vec::new();
    for client in deliveries::clients_due(connection, now)? {
        // If the database fails half-way, the deliveries taken before are sent all the same.
        let due = deliveries::due(connection, &client, now, calls.room(&client));
        match due.and_then(|due| take_each(connection, due, now.plus(IN_HAND))) {
            Ok(own) => taken.extend(own.into_iter().map(|delivery| (calls.begin(&client), delivery))),
            Err(error) if taken.is_empty() => return Err(error),
            Err(error) => {
                tracing::warn!(%error, "could not claim some deliveries: will retry");
                break;
            }
        }
    }
    Ok(taken)
}

/// The token is made with a connection, the call without one.
async fn deliver(app: Arc<App>, call: Call, delivery: Delivery) {
    let (making, wanted) = (app.clone(), delivery.clone());
    let made = stored(&app, move |connection| make(&making, connection, &wanted)).await;
    let outcome = match made {
        Ok(Ok(Some((uri, token)))) => send(&app, uri, token).await,
        Ok(Ok(None)) => Outcome::Unwanted,
        Ok(Err(error)) => Outcome::Failed(error.to_string()),
        Err(error) => Outcome::Failed(error.to_string()),
    };
    call.ended(&outcome);
    let settling = app.clone();
    match stored(&app, move |connection| settle(&settling, connection, &delivery, &outcome)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(%error, "the result of a delivery could not be saved: will retry"),
        Err(error) => tracing::error!(%error, "a delivery task failed"),
    }
    drop(call);
    app.delivery_waker.wake();
}

/// The outcome of an attempt.
enum Outcome {
    /// The client accepted it.
    Delivered,
    /// The client no longer wants it.
    Unwanted,
    /// It will be retried.
    Failed(String),
}

/// The address and the token, as registered and signed now; `None` if the client no longer wants it.
fn make(app: &App, connection: &mut AnyConnection, delivery: &Delivery) -> Result<Option<(String, String)>, KeysError> {
    let Some(client) = clients::find(connection, &delivery.client_id)? else { return Ok(None) };
    let Some(uri) = client.settings.backchannel_logout_uri.clone().filter(|_| client.disabled_at.is_none()) else {
        return Ok(None);
    };
    let Content::Logout(logout) = &delivery.content else { return Ok(None) };
    Ok(Some((uri, token(app, connection, &client, logout)?)))
}

/// Back-Channel Logout §2.8: success is 200; many clients send 204, which means the same.
async fn send(app: &Arc<App>, uri: String, token: String) -> Outcome {
    let outbound = app.outbound.clone();
    match tokio::task::spawn_blocking(move || outbound.post_form(&uri, &[("logout_token", &token)])).await {
        Ok(Ok(200 | 204)) => Outcome::Delivered,
        Ok(Ok(status)) => Outcome::Failed(OutboundError::Status(status).to_string()),
        Ok(Err(error)) => Outcome::Failed(error.to_string()),
        Err(error) => Outcome::Failed(error.to_string()),
    }
}

fn token(app: &App, connection: &mut AnyConnection, client: &Client, logout: &Logout) -> Result<String, KeysError> {
    let now = app.clock.now();
    let ring = app.keys_signing(connection, client.settings.signing_alg, now)?;
    let key = ring.signing(client.settings.signing_alg, now)?;
    let Logout { sub, sid: session } = logout;
    let sid = match Id::parse(session) {
        Ok(session) => claims::sid(&app.config.secrets, subject::stored(sub), session),
        Err(_) => session.clone(),
    };
    let claims = LogoutToken {
        iss: app.config.issuer.as_str(),
        sub,
        aud: &client.id,
        iat: now.seconds(),
        exp: now.plus(LIFETIME).seconds(),
        jti: random::text(),
        sid: &sid,
        events: json!({ LOGOUT_EVENT: {} }),
    };
    Ok(key.logout_token(&claims)?)
}

fn settle(app: &App, connection: &mut AnyConnection, delivery: &Delivery, outcome: &Outcome) -> StoreResult<()> {
    let Content::Logout(Logout { sid: session, .. }) = &delivery.content else { return deliveries::remove(connection, delivery) };
    let (client, attempt) = (&delivery.client_id, delivery.attempts);
    match outcome {
        Outcome::Delivered => {
            tracing::info!(client, session, attempt, "back-channel logout delivered");
            deliveries::remove(connection, delivery)
        }
        Outcome::Unwanted => deliveries::remove(connection, delivery),
        Outcome::Failed(why) => {
            let Some(next) = next_try(app, connection, delivery, app.clock.now())? else {
                tracing::error!(client, session, attempt, why, "back-channel logout failed: given up");
                return deliveries::remove(connection, delivery);
            };
            tracing::warn!(client, session, attempt, why, "back-channel logout failed: will retry");
            deliveries::put_off(connection, delivery, next)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_client_takes_the_room_of_others() {
        let calls = Calls::default();
        let held: Vec<_> = (0..AT_ONE).map(|_| calls.begin("hanging")).collect();
        assert_eq!((calls.room("hanging"), calls.room("other")), (0, AT_ONE));
        let others: Vec<_> = (AT_ONE + 1..AT_ONCE).map(|number| calls.begin(&number.to_string())).collect();
        assert_eq!((calls.room("hanging"), calls.room("other")), (0, 1));
        drop((held, others));
        assert_eq!((calls.room("hanging"), calls.state().now.len()), (AT_ONE, 0));
        let failed: Vec<_> = (0..AT_ONCE).map(|number| (number, calls.begin(&number.to_string()))).collect();
        for (_, call) in &failed {
            call.ended(&Outcome::Failed(String::new()));
        }
        drop(failed);
        let retried: Vec<_> = (0..AT_ONCE / 2).map(|number| calls.begin(&number.to_string())).collect();
        assert_eq!(
            (calls.room("20"), calls.room("0"), calls.room("other")),
            (0, 0, AT_ONE),
            "half of the room is for the others"
        );
        retried[0].ended(&Outcome::Delivered);
        assert_eq!((calls.room("0"), calls.room("20")), (AT_ONE - 1, 1));
    }
}
