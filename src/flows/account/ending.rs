//! Ending access: of a browser, of an app on one device, of an app everywhere, of everything else, of everything. It takes effect
//! at once: `/token`, `/introspect` and `/userinfo` accept none of it any more (ASVS 7.4.5, 7.5.2).

use actix_web::{http::header, web::Data};

use super::{SignedIn, answer, borrowed, devices, url};
use crate::{
    app::App,
    flows::{
        account::overview::{AccountOverview, Words},
        formatting,
    },
    pages::{AccountProblem, AfterEnd, EverythingEnded},
    paths,
    protocol::{account::activity::Activity, values::id::Id},
    store::{
        AnyConnection, account,
        activity::Event,
        clients, devices as known_devices, grants,
        sessions::{self, Offline},
    },
    web::{
        cookies::{Cookie, Keep},
        fault::Fault,
        page,
        page_request::{PageError, PageRequest},
        reply::Reply,
    },
};

/// `POST /account/end`.
pub async fn post(request: PageRequest, app: Data<App>) -> Reply {
    answer(request, &app, paths::ACCOUNT, end).await
}

fn end(app: &App, connection: &mut AnyConnection, signed_in: &SignedIn) -> Result<Reply, PageError> {
    if !signed_in.sent(app, paths::ACCOUNT_END) {
        return devices::show(app, connection, signed_in, Some(AccountProblem::FormExpired));
    }
    let (what, named) = (signed_in.field("what"), signed_in.field("id"));
    let id = Id::parse(named).ok();
    let is_ended = match (what, id) {
        ("session", Some(id)) if id == signed_in.session.id => return sign_out(app, connection, signed_in),
        ("session", Some(id)) => end_session(connection, signed_in, id)?,
        ("trust", Some(id)) => end_trust(connection, signed_in, id)?,
        ("grant", Some(id)) => end_grant(connection, signed_in, id)?,
        ("app", _) => end_app(connection, signed_in, named)?,
        ("others", _) => {
            let event = signed_in.event(Activity::EverythingEnded, None);
            account::end_everything(connection, Some(&signed_in.session), &event)?;
            true
        }
        ("trusts", _) => known_devices::trust_none(connection, signed_in.user.claims.id)? > 0,
        ("everything", _) => return end_everything(app, connection, signed_in),
        ("session" | "trust" | "grant", None) => false,
        _ => {
            let expected = "what: expected 'session', 'trust', 'grant', 'app', 'others', 'trusts' or 'everything'";
            return Ok(signed_in.malformed(app, expected));
        }
    };
    if !is_ended {
        return devices::show(app, connection, signed_in, Some(AccountProblem::Gone));
    }
    app.delivery_waker.wake();
    let note = format!("ended {what}: user {} {}", signed_in.user.claims.id, id.map(|id| id.to_string()).unwrap_or_default());
    let (what, id) = match what {
        "trusts" => ("trust", None),
        "others" => (what, None),
        _ => (what, Some(named)),
    };
    Ok(signed_in.done_at(app, paths::ACCOUNT, what, id).noting(note))
}

/// Ending the current session from the list does the same as `/logout`.
fn sign_out(app: &App, connection: &mut AnyConnection, signed_in: &SignedIn) -> Result<Reply, PageError> {
    let offline = if app.config.revoke_offline_access_on_logout { Offline::Ends } else { Offline::Keep };
    sessions::end(connection, &signed_in.session, offline, &signed_in.event(Activity::SignedOut, None))?;
    app.delivery_waker.wake();
    let note = format!("signed out: user {} session {}", signed_in.user.claims.id, signed_in.session.id);
    Ok(signed_out(app, Reply::see_other(&url(app, paths::LOGOUT))).noting(note))
}

fn end_session(connection: &mut AnyConnection, signed_in: &SignedIn, id: Id) -> Result<bool, Fault> {
    let about = sessions::find(connection, id)?.and_then(|session| formatting::program(&session.origin));
    Ok(account::end_session(connection, id, &signed_in.event(Activity::SessionEnded, about.as_deref()))?)
}

/// The browser of this session asks for a code again.
fn end_trust(connection: &mut AnyConnection, signed_in: &SignedIn, id: Id) -> Result<bool, Fault> {
    let user = signed_in.user.claims.id;
    let found = sessions::find(connection, id)?.filter(|session| session.user_id == user && session.ended_at.is_none());
    let device = found.and_then(|session| session.device_id);
    Ok(device.map_or(Ok(false), |device| known_devices::trust(connection, user, &device, None))?)
}

fn end_grant(connection: &mut AnyConnection, signed_in: &SignedIn, id: Id) -> Result<bool, Fault> {
    let found = grants::find(connection, id)?.map(|found| found.grant);
    let client = found.map(|grant| clients::find(connection, &grant.client_id)).transpose()?.flatten();
    let event = signed_in.event(Activity::AppEnded, client.as_ref().map(|client| client.settings.client_name.as_str()));
    Ok(account::end_grant(connection, id, &Event { grant: Some(id), ..event })?)
}

fn end_app(connection: &mut AnyConnection, signed_in: &SignedIn, id: &str) -> Result<bool, Fault> {
    let Some(client) = clients::find(connection, id)? else { return Ok(false) };
    let ended =
        account::end_app(connection, &client.id, &signed_in.event(Activity::AppEnded, Some(&client.settings.client_name)))?;
    Ok(ended.is_some())
}

fn end_everything(app: &App, connection: &mut AnyConnection, signed_in: &SignedIn) -> Result<Reply, PageError> {
    let account_overview = AccountOverview::read(app, connection, &signed_in.user, signed_in.context.now)?;
    let ended = account::end_everything(connection, None, &signed_in.event(Activity::EverythingEnded, None))?;
    app.delivery_waker.wake();
    Ok(ended_page(app, signed_in, &account_overview.ended(&ended), AfterEnd::SignIn))
}

/// The page that says what was ended. It is the response to the form itself, without a redirect: no session is left in which a
/// GET could show these names.
pub(super) fn ended_page(app: &App, signed_in: &SignedIn, ended: &Words, next: AfterEnd) -> Reply {
    let (browsers, apps) = (borrowed(&ended.browsers), borrowed(&ended.apps));
    let page = EverythingEnded {
        layout: signed_in.layout(app),
        username: &signed_in.user.claims.username,
        browsers: &browsers,
        apps: &apps,
        next,
    };
    let note = format!("signed out everywhere: user {}", signed_in.user.claims.id);
    signed_out(app, page::show(200, &page, None)).noting(note)
}

/// The response, with the session cookie deleted.
pub(super) fn signed_out(app: &App, reply: Reply) -> Reply {
    reply.with(header::SET_COOKIE, &Cookie::Session.set(&app.config.issuer, "", Keep::Delete))
}
