//! The page of one grant: its details and its history, as a picture and in words. A grant of another user is answered as one that
//! does not exist.

use std::borrow::Cow;

use actix_web::web::Data;

use super::{SignedIn, answer, url};
use crate::{
    app::App,
    display::user_agent,
    flows::{
        account::{
            overview::{State, state},
            timeline::{self, Formatting},
        },
        formatting,
    },
    pages::{EndGrant, GrantState, RequestedScope, Timeline},
    paths,
    protocol::{grant::history, values::id::Id},
    store::{AnyConnection, apis, clients, devices, grant_history, grants, sessions},
    web::{
        page,
        page_request::{PageError, PageRequest},
        reply::Reply,
    },
};

/// The maximum number of history entries read, newest first; the page groups many of them together.
const ENTRIES: u32 = 10_000;

/// `GET /account/grants/{id}`.
pub async fn get(request: PageRequest, app: Data<App>) -> Reply {
    let back = Id::parse(&request.id).map_or_else(|_| Cow::from(paths::ACCOUNT), |id| Cow::from(paths::of_grant(id)));
    answer(request, &app, back, show).await
}

fn show(app: &App, connection: &mut AnyConnection, signed_in: &SignedIn) -> Result<Reply, PageError> {
    let (user, now) = (signed_in.user.claims.id, signed_in.context.now);
    let found = Id::parse(&signed_in.id).ok().map(|id| grants::find(connection, id)).transpose()?.flatten();
    let Some(found) = found.filter(|found| found.grant.user_id == user) else { return Ok(signed_in.not_found(app)) };
    let (status, grant) = (found.status(now, found.read_at), found.grant);
    app.history.settle(connection);
    let entries = history::life(&grant, grant_history::of(connection, grant.id, ENTRIES)?);
    let client = clients::find(connection, &grant.client_id)?;
    let state = state(&app.config.lifetimes, client.as_ref(), &grant, &status);
    let browser = sessions::find(connection, grant.sid)?.and_then(|session| session.device_id);
    let named = devices::of(connection, user)?.into_iter().find(|device| Some(&device.id) == browser.as_ref());
    let device = grant.device_name.clone().or_else(|| named?.name).or_else(|| formatting::program(&grant.seen));
    let device = device.unwrap_or_else(|| user_agent::words(""));
    let last_used = grant.rotated_at.map(formatting::point);
    let apis = apis::of(connection, &grant.audiences)?;
    let scope = |name| formatting::scope(name, &apis, &app.config.scope_claims);
    let scopes: Vec<RequestedScope<'_>> = grant.scopes.iter().map(scope).collect();
    let (when, program) = (&formatting::point, &user_agent::words);
    let (id, action, csrf) = (grant.id.to_string(), url(app, paths::ACCOUNT_END), signed_in.stamp(app, paths::ACCOUNT_END));
    let page = Timeline {
        layout: signed_in.layout(app),
        owner: signed_in.owner(),
        app: client.as_ref().map_or(grant.client_id.as_str(), |client| &client.settings.client_name),
        device: &device,
        given: &formatting::point(grant.created_at),
        last_used: last_used.as_ref(),
        ends: &formatting::point(grant.expires_at),
        scopes: &scopes,
        state: match state {
            State::Waiting => GrantState::Waiting,
            State::InUse => GrantState::InUse,
            State::Ended(why) => GrantState::Ended { why },
        },
        rows: &timeline::rows(&entries, &Formatting { when, program }),
        end: (!matches!(state, State::Ended(_))).then_some(EndGrant { action: &action, csrf: &csrf, id: &id }),
    };
    Ok(page::show(200, &page, None))
}
