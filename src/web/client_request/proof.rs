//! Client authentication (RFC 6749 §2.3, RFC 7523 §3): by secret or by assertion, with guessing slowed; and fetching the keys of a
//! client that signs its assertions, where they are not cached.

use std::{sync::Arc, time::Duration};

use actix_web::{
    http::{StatusCode, header},
    web::Data,
};
use serde_json::json;

use super::ClientRequest;
use crate::{
    app::App,
    caches::{
        client_keys::{Keys, KeysUnread},
        registrations::Registered,
    },
    paths,
    protocol::{
        error::{ErrorCode, ProtocolError},
        oauth::{
            client::{AuthMethod, Client},
            client_assertion::{self, Recipient},
            client_auth::{Presented, Verified},
        },
    },
    store::{AnyConnection, used_assertions},
    web::{oauth_error::OauthError, reply::Reply},
};

/// How long a request waits for its turn to fetch keys: slightly longer than one fetch may take.
const FETCH_LOCK_WAIT: Duration = Duration::from_secs(6);

/// The result of the authentication.
pub(super) enum Authenticated {
    /// Authenticated as this client, and whether by credentials in a place where it may send them.
    As(Arc<Client>, Result<(), ProtocolError>),
    /// Refused, with this response.
    Refused(Reply),
    /// Undecided until the client's keys are fetched.
    Fetch(Arc<Client>),
}

/// Which keys of a client are acceptable.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum KeysAre {
    /// Recently fetched keys; otherwise they are fetched first.
    Fresh,
    /// Any keys in the cache.
    AsKnown,
}

impl ClientRequest {
    /// RFC 6749 §2.3.1: guessing is slowed. The right secret always passes, so that nobody can shut a client out.
    pub(super) fn authenticate(
        &self,
        app: &App,
        connection: &mut AnyConnection,
        registered: &Registered<'_>,
        keys: KeysAre,
    ) -> Result<Authenticated, OauthError> {
        let presented =
            Presented::read(self.authorization.clone()?.as_ref().map(|header| header.expose().as_str()), &self.params)?;
        let (address, id, now) = (self.context.address, &presented.client_id, self.context.now);
        let error = match registered.client(connection, id)? {
            None => presented.unknown(),
            Some(client) => match presented.verify(&client) {
                Ok(Verified::Wholly) => {
                    let place = presented.place(&client);
                    return Ok(Authenticated::As(client, place));
                }
                Ok(Verified::UpToAssertion(assertion)) => match assert(app, connection, (&client, keys), assertion)? {
                    Ok(Asserted::Holds) => return Ok(Authenticated::As(client, Ok(()))),
                    Ok(Asserted::KeysNeeded) => return Ok(Authenticated::Fetch(client)),
                    Err(error) => error,
                },
                Err(error) => error,
            },
        };
        if presented.method == AuthMethod::None {
            return Err(error.into());
        }
        if let Some(seconds) = app.client_auth_failures.wait(address, id, now) {
            return Ok(Authenticated::Refused(slow_down(seconds)));
        }
        app.client_auth_failures.count(address, id, now);
        Err(error.with_detail(format!("client '{id}'")).into())
    }
}

/// The result of an assertion that is not refused.
enum Asserted {
    Holds,
    KeysNeeded,
}

/// RFC 7523 §3: signed by the client, for us, valid now (the keys may have been waited for), used once. The use is recorded last:
/// nothing else can fail after it.
fn assert(
    app: &App,
    connection: &mut AnyConnection,
    (client, keys): (&Client, KeysAre),
    assertion: &str,
) -> Result<Result<Asserted, ProtocolError>, OauthError> {
    let refuse = |text: String| ProtocolError::new(ErrorCode::InvalidClient, format!("client_assertion: {text}"));
    let now = app.clock.now();
    let keys = match app.client_keys.find(client, assertion, now) {
        Keys::Ready(keys) => keys,
        Keys::Fetch(_) => match app.client_keys.known(client, now).filter(|_| keys == KeysAre::AsKnown) {
            Some(keys) => keys,
            None => return Ok(Ok(Asserted::KeysNeeded)),
        },
        Keys::Missing(why) => return Ok(Err(refuse("the client's keys cannot be loaded".into()).with_detail(why))),
    };
    let claims = match keys.verify(assertion) {
        Ok(claims) => claims,
        Err(refused) => return Ok(Err(refuse(refused.0))),
    };
    let (issuer, token_endpoint) = (app.config.issuer.as_str(), app.config.issuer.url(paths::TOKEN));
    let recipient = Recipient { issuer, token_endpoint: &token_endpoint };
    let checked = match client_assertion::check(&claims, client, recipient, now) {
        Ok(checked) => checked,
        Err(error) => return Ok(Err(error)),
    };
    if !used_assertions::insert(connection, &checked)? {
        return Ok(Err(refuse("jti: this assertion was already used".into())));
    }
    Ok(Ok(Asserted::Holds))
}

/// Fetches the client's keys, without a connection: one request at a time per client, and a few clients at once. A request that
/// waited may find them cached. A fetch that was begun continues when its caller leaves, so that nobody can start it over and over.
pub(super) async fn fetch(app: &Data<App>, client_request: &ClientRequest, client: Arc<Client>) {
    let fetch_lock = app.client_keys.fetch_lock(&client);
    let fetch_lock = tokio::time::timeout(FETCH_LOCK_WAIT, async {
        (fetch_lock.lock_owned().await, app.fetches.clone().acquire_owned().await)
    });
    let Ok(fetch_lock) = fetch_lock.await else { return };
    let assertion = client_request.params.get("client_assertion").unwrap_or_default();
    let Keys::Fetch(url) = app.client_keys.find(&client, assertion, app.clock.now()) else { return };
    let app = app.clone();
    let fetched = actix_web::rt::spawn(async move {
        let outbound = app.outbound.clone();
        let got = actix_web::web::block(move || outbound.get(&url)).await;
        let got = got.map_err(KeysUnread::fetch).and_then(|got| got.map_err(KeysUnread::fetch));
        if let Err(why) = &got {
            tracing::warn!(client = client.id, %why, "could not fetch the client's keys");
        }
        app.client_keys.put(&client, got, app.clock.now());
        drop(fetch_lock);
    });
    let _ = fetched.await; // the result is in the cache
}

fn slow_down(seconds: i64) -> Reply {
    let description = format!("too many failed authentication attempts; try again in {seconds} seconds");
    let body = json!({"error": "temporarily_unavailable", "error_description": description});
    Reply::json(StatusCode::TOO_MANY_REQUESTS, &body).with(header::RETRY_AFTER, &seconds.to_string()).noting(description)
}
