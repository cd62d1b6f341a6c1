//! Ending what one has: a browser, an app's access on one device, all access of an app, everything else, everything. It holds at
//! once: nothing of it is taken at `/token`, `/introspect` or `/userinfo` any more (ASVS 7.4.5, 7.5.2).

use actix_web::{http::header, web::Data};

use super::{Visitor, answer, borrowed, devices, url};
use crate::{
    app::App,
    flows::{
        account_overview::{AccountOverview, Words},
        formatting,
    },
    pages::{AccountProblem, AfterEnd, EverythingEnded},
    paths,
    protocol::{activity::Activity, id::Id},
    store::{
        AnyConnection, account, clients, grants,
        sessions::{self, Offline},
    },
    web::{
        body::Form,
        cookies::{self, Keep},
        fault::Fault,
        page,
        reply::Reply,
        request::Request,
    },
};

/// `POST /account/end`.
pub async fn post(request: Request, app: Data<App>, form: Form) -> Reply {
    answer(&request, &app, Some(form), paths::ACCOUNT, end).await
}

fn end(app: &App, connection: &mut AnyConnection, visitor: &Visitor) -> Result<Reply, Fault> {
    if !visitor.sent(app, paths::ACCOUNT_END) {
        return devices::show(app, connection, visitor, Some(AccountProblem::FormExpired));
    }
    let (what, named) = (visitor.field("what"), visitor.field("id"));
    let id = Id::parse(named).ok();
    let is_ended = match (what, id) {
        ("session", Some(id)) if id == visitor.session.id => return sign_out(app, connection, visitor),
        ("session", Some(id)) => end_session(connection, visitor, id)?,
        ("grant", Some(id)) => end_grant(connection, visitor, id)?,
        ("app", _) => end_app(connection, visitor, named)?,
        ("others", _) => {
            let event = visitor.event(Activity::EverythingEnded, None);
            account::end_everything(connection, Some(&visitor.session), &event)?;
            true
        }
        ("everything", _) => return end_everything(app, connection, visitor),
        ("session" | "grant", None) => false,
        _ => return Ok(visitor.malformed(app, "what: expected 'session', 'grant', 'app', 'others' or 'everything'")),
    };
    if !is_ended {
        return devices::show(app, connection, visitor, Some(AccountProblem::Gone));
    }
    app.bell.notify_one();
    let note = format!("ended {what}: user {} {}", visitor.user.claims.id, id.map(|id| id.to_string()).unwrap_or_default());
    let id = (what != "others").then_some(named);
    Ok(visitor.done_at(app, paths::ACCOUNT, (what, id)).noting(note))
}

/// Signing out of this browser by its own row is what `/logout` does.
fn sign_out(app: &App, connection: &mut AnyConnection, visitor: &Visitor) -> Result<Reply, Fault> {
    let offline = if app.config.revoke_offline_access_on_logout { Offline::Ends } else { Offline::Keep };
    sessions::end(connection, &visitor.session, offline, &visitor.event(Activity::SignedOut, None))?;
    app.bell.notify_one();
    let note = format!("signed out: user {} session {}", visitor.user.claims.id, visitor.session.id);
    Ok(signed_out(Reply::see_other(&url(app, paths::LOGOUT))).noting(note))
}

fn end_session(connection: &mut AnyConnection, visitor: &Visitor, id: Id) -> Result<bool, Fault> {
    let about = sessions::find(connection, id)?.and_then(|session| formatting::program(&session.origin));
    Ok(account::end_session(connection, id, &visitor.event(Activity::SessionEnded, about.as_deref()))?)
}

fn end_grant(connection: &mut AnyConnection, visitor: &Visitor, id: Id) -> Result<bool, Fault> {
    let found = grants::find(connection, id)?.map(|found| found.grant);
    let client = found.map(|grant| clients::find(connection, &grant.client_id)).transpose()?.flatten();
    let event = visitor.event(Activity::AppEnded, client.as_ref().map(|client| client.name.as_str()));
    Ok(account::end_grant(connection, id, &event)?)
}

fn end_app(connection: &mut AnyConnection, visitor: &Visitor, id: &str) -> Result<bool, Fault> {
    let Some(client) = clients::find(connection, id)? else { return Ok(false) };
    let ended = account::end_app(connection, &client.id, &visitor.event(Activity::AppEnded, Some(&client.name)))?;
    Ok(ended.is_some())
}

fn end_everything(app: &App, connection: &mut AnyConnection, visitor: &Visitor) -> Result<Reply, Fault> {
    let account_overview = AccountOverview::read(app, connection, &visitor.user, visitor.context.now)?;
    let ended = account::end_everything(connection, None, &visitor.event(Activity::EverythingEnded, None))?;
    app.bell.notify_one();
    Ok(ended_page(app, visitor, &account_overview.ended(&ended), AfterEnd::SignIn))
}

/// The page that says what was ended. It is the answer to the form itself, and no redirect leads to it: nobody is signed in any
/// more, to whom a GET could show these names.
pub(super) fn ended_page(app: &App, visitor: &Visitor, ended: &Words, next: AfterEnd) -> Reply {
    let (browsers, apps) = (borrowed(&ended.browsers), borrowed(&ended.apps));
    let page = EverythingEnded {
        layout: visitor.layout(app),
        username: &visitor.user.claims.username,
        browsers: &browsers,
        apps: &apps,
        next,
    };
    let note = format!("signed out everywhere: user {}", visitor.user.claims.id);
    signed_out(page::show(200, &page, None)).noting(note)
}

/// The answer, with the cookie of the session deleted.
pub(super) fn signed_out(reply: Reply) -> Reply {
    reply.with(header::SET_COOKIE, &cookies::set(cookies::SESSION, "", Keep::Delete))
}
