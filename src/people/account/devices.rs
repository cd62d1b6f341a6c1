//! Devices and apps: the browsers signed in, and the apps that have access or have it when they ask; and the form that names one.
//! Which of them stand on a page is `listing`, ending them `ending`, the life of one grant `grant`.

use actix_web::{HttpRequest, web::Data};

use super::{
    Visitor, answer,
    listing::{self, Listing, Part},
    url,
};
use crate::{
    app::App,
    pages::{Account, AccountDone, AccountProblem, AskedScope, Ends, Form as Target, ShownApp, ShownBrowser, ShownGrant},
    paths,
    people::{
        inventory::Inventory,
        wording::{self, Told},
    },
    protocol::{
        grant::Grant,
        id::Id,
        profile::{self, DEVICE_NAME_LIMIT, Flaw},
        time::Timestamp,
    },
    store::{AnyConnection, Result as Stored, clients, consents, devices, grants, sessions, sessions::Session},
    web::{body::Form, fault::Fault, page, reply::Reply},
};

/// A browser, with its words.
struct Browser<'a> {
    id: String,
    session: &'a Session,
    program: Option<String>,
    first_used: Told,
    last_used: Told,
}

/// The access of an app on a device, with its words.
struct Access<'a> {
    id: String,
    grant: &'a Grant,
    program: Option<String>,
    first_used: Told,
    last_used: Told,
    /// The latest end; where it may outlive its session, the end if it is not used before.
    at_latest: Told,
    unused: Option<Told>,
    scopes: Vec<AskedScope<'a>>,
}

/// What was just done, with the names of what it was done to.
enum Done {
    Browser(Option<String>),
    Grant(Option<String>, String),
    App(String),
    Others,
    Renamed,
}

/// `GET /account`.
pub async fn get(request: HttpRequest, app: Data<App>) -> Reply {
    answer(&request, &app, None, paths::ACCOUNT, |app, connection, visitor| show(app, connection, visitor, None)).await
}

/// `POST /account/name`.
pub async fn post_name(request: HttpRequest, app: Data<App>, form: Form) -> Reply {
    answer(&request, &app, Some(form), paths::ACCOUNT, rename).await
}

fn rename(app: &App, connection: &mut AnyConnection, visitor: &Visitor) -> Result<Reply, Fault> {
    if !visitor.sent(app, paths::ACCOUNT_NAME) {
        return show(app, connection, visitor, Some(AccountProblem::FormExpired));
    }
    let name = match profile::device_name(visitor.field("name")) {
        Ok(name) => Some(name),
        Err(Flaw::Empty) => None,
        Err(Flaw::TooLong | Flaw::Character) => return show(app, connection, visitor, Some(AccountProblem::NameNotTaken)),
    };
    let (person, id) = (visitor.person.claims.id, Id::parse(visitor.field("id")).ok());
    let (name, now) = (name.as_deref(), visitor.context.now);
    let is_renamed = match (visitor.field("what"), id) {
        ("session", Some(id)) => {
            let found = sessions::find(connection, id)?.filter(|one| one.person_id == person && one.ended_at.is_none());
            // The name is the browser's: it is still there when it signs in again.
            let device = found.and_then(|session| session.device_id);
            device.map_or(Ok(false), |device| devices::rename(connection, person, &device, name))?
        }
        ("grant", Some(id)) => {
            let found = grants::find(connection, id)?.map(|found| found.grant);
            let is_live = found.is_some_and(|grant| grant.revoked_at.is_none() && now < grant.expires_at);
            is_live && grants::rename(connection, person, id, name)?
        }
        ("session" | "grant", None) => false,
        _ => return Ok(visitor.malformed(app, "what: expected 'session' or 'grant'")),
    };
    if is_renamed {
        Ok(visitor.done_at(app, paths::ACCOUNT, ("renamed", None)).noting("renamed a device"))
    } else {
        show(app, connection, visitor, Some(AccountProblem::Gone))
    }
}

/// The page, with what has been done as the query says, or the problem.
pub(super) fn show(
    app: &App,
    connection: &mut AnyConnection,
    visitor: &Visitor,
    problem: Option<AccountProblem>,
) -> Result<Reply, Fault> {
    let now = visitor.context.now;
    let part = Part::asked(&visitor.query);
    let Listing { inventory, browsers_before, apps, apps_after } = Listing::read(app, connection, visitor, &part)?;
    let done = if problem.is_none() { done(app, connection, visitor, &inventory)? } else { None };
    let browsers = browsers(visitor, &inventory);
    let browsers: Vec<_> = browsers.iter().map(|browser| browser.shown(visitor, &inventory)).collect();
    let accesses: Vec<_> = inventory.grants.iter().map(|grant| Access::of(app, &inventory, grant, now)).collect();
    let of = |id: &str| -> Vec<ShownGrant<'_>> {
        accesses.iter().filter(|access| access.grant.client_id == id).map(|access| access.shown(&inventory)).collect()
    };
    let own = url(app, paths::ACCOUNT);
    let at = |query: String| format!("{own}?{query}");
    let apps: Vec<_> = apps.iter().map(|listed| (listed, of(&listed.id), listed.rest().map(at))).collect();
    let apps: Vec<_> = apps
        .iter()
        .map(|(listed, grants, rest)| ShownApp { id: &listed.id, name: &listed.name, grants, rest: rest.as_deref() })
        .collect();
    let (more_browsers, more_apps) = (browsers_before.map(at), apps_after.map(at));
    let (end_action, name_action) = (url(app, paths::ACCOUNT_END), url(app, paths::ACCOUNT_NAME));
    let (end_stamp, name_stamp) = (visitor.stamp(app, paths::ACCOUNT_END), visitor.stamp(app, paths::ACCOUNT_NAME));
    let page = Account {
        chrome: visitor.chrome(app),
        owner: visitor.owner(),
        part: part.shown(),
        overview: &own,
        browsers: &browsers,
        more_browsers: more_browsers.as_deref(),
        apps: &apps,
        more_apps: more_apps.as_deref(),
        end: Target { action: &end_action, csrf: &end_stamp },
        rename: Target { action: &name_action, csrf: &name_stamp },
        name_limit: DEVICE_NAME_LIMIT,
        done: done.as_ref().map(Done::shown),
        problem,
    };
    Ok(match problem {
        None => page::show(200, &page, None),
        Some(AccountProblem::FormExpired) => page::show(400, &page, None).noting("form expired or forged"),
        Some(AccountProblem::NameNotTaken) => page::show(400, &page, None).noting("a name that cannot be kept"),
        Some(AccountProblem::Gone) => page::show(404, &page, None).noting("not there, or not theirs"),
    })
}

/// The browsers, this one first.
fn browsers<'a>(visitor: &Visitor, inventory: &'a Inventory) -> Vec<Browser<'a>> {
    let (here, elsewhere): (Vec<_>, Vec<_>) = inventory.sessions.iter().partition(|one| one.id == visitor.session.id);
    here.into_iter().chain(elsewhere).map(|session| Browser::of(session, visitor.context.now)).collect()
}

/// What has been done just before, where that still holds.
fn done(app: &App, connection: &mut AnyConnection, visitor: &Visitor, inventory: &Inventory) -> Stored<Option<Done>> {
    let (person, named) = (visitor.person.claims.id, visitor.query.get("id").unwrap_or_default());
    let id = Id::parse(named).ok();
    Ok(match (visitor.done(app), id) {
        ("others", _) => Some(Done::Others),
        ("renamed", _) => Some(Done::Renamed),
        ("session", Some(id)) => {
            let ended = sessions::find(connection, id)?.filter(|one| one.person_id == person && one.ended_at.is_some());
            ended.map(|session| {
                Done::Browser(inventory.browser_name(&session).map(str::to_owned).or_else(|| wording::program(&session.origin)))
            })
        }
        ("grant", Some(id)) => {
            let found = grants::find(connection, id)?.map(|found| found.grant);
            let Some(grant) = found.filter(|one| one.person_id == person && one.revoked_at.is_some()) else { return Ok(None) };
            let name = inventory.device_name(&grant).map(str::to_owned).or_else(|| wording::program(&grant.seen));
            let app = clients::find(connection, &grant.client_id)?.map_or(grant.client_id, |client| client.name);
            Some(Done::Grant(name, app))
        }
        ("app", _) => {
            let client = clients::find(connection, named)?;
            let has_nothing = consents::find(connection, person, named)?.is_none()
                && listing::accesses(app, connection, (visitor, client.as_ref()), None, 1)?.0.is_empty();
            client.filter(|_| has_nothing).map(|client| Done::App(client.name))
        }
        _ => None,
    })
}

impl Done {
    fn shown(&self) -> AccountDone<'_> {
        match self {
            Self::Browser(name) => AccountDone::BrowserEnded { name: name.as_deref() },
            Self::Grant(name, app) => AccountDone::GrantEnded { name: name.as_deref(), app: Some(app) },
            Self::App(app) => AccountDone::AppEnded { app: Some(app) },
            Self::Others => AccountDone::OthersEnded,
            Self::Renamed => AccountDone::Renamed,
        }
    }
}

impl<'a> Browser<'a> {
    fn of(session: &'a Session, now: Timestamp) -> Self {
        Self {
            id: session.id.to_string(),
            session,
            program: wording::program(&session.origin),
            first_used: Told::of(session.created_at, now),
            last_used: Told::of(session.last_seen_at, now),
        }
    }

    fn shown(&'a self, visitor: &Visitor, inventory: &'a Inventory) -> ShownBrowser<'a> {
        ShownBrowser {
            id: &self.id,
            name: inventory.browser_name(self.session),
            origin: wording::origin(&self.session.origin, self.program.as_deref()),
            first_used: self.first_used.when(),
            last_used: self.last_used.when(),
            is_remembered: self.session.remembered,
            is_this: self.session.id == visitor.session.id,
        }
    }
}

impl<'a> Access<'a> {
    fn of(app: &'a App, inventory: &'a Inventory, grant: &'a Grant, now: Timestamp) -> Self {
        let used = grant.rotated_at.unwrap_or(grant.created_at);
        let ceiling = inventory.client(&grant.client_id).and_then(|client| client.sign_in_ceiling);
        let at_latest = ceiling.map_or(grant.expires_at, |ceiling| grant.auth_time.plus(ceiling).min(grant.expires_at));
        let at_latest = inventory.end_of_session(grant).map_or(at_latest, |end| end.min(at_latest));
        let unused = used.plus(app.config.lifetimes.refresh_idle).min(at_latest);
        let scope = |name: &'a str| wording::scope(name, &inventory.apis, &app.config.scope_claims);
        Self {
            id: grant.id.to_string(),
            grant,
            program: wording::program(&grant.seen),
            first_used: Told::of(grant.created_at, now),
            last_used: Told::of(used, now),
            at_latest: Told::of(at_latest, now),
            unused: grant.session_id.is_none().then(|| Told::of(unused, now)),
            scopes: grant.scopes.iter().map(scope).collect(),
        }
    }

    fn shown(&'a self, inventory: &'a Inventory) -> ShownGrant<'a> {
        let at_latest = self.at_latest.when();
        ShownGrant {
            id: &self.id,
            name: inventory.device_name(self.grant),
            origin: wording::origin(&self.grant.seen, self.program.as_deref()),
            first_used: self.first_used.when(),
            last_used: self.last_used.when(),
            scopes: &self.scopes,
            ends: match &self.unused {
                None => Ends::WithBrowser { at_latest },
                Some(unused) => Ends::ByItself { unused: unused.when(), at_latest },
            },
        }
    }
}
