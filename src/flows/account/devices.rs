//! The page of devices and apps: the browsers signed in, the apps that have access or get it on request, and the form that
//! renames a device. What a page lists is `listing`, ending access is `ending`, the details of a grant are `grant`.

use actix_web::web::Data;

use super::{
    SignedIn, answer,
    listing::{self, Listed, Listing, Part},
    url,
};
use crate::{
    app::App,
    flows::{
        account::{
            ended::{self, Ended},
            overview::AccountOverview,
        },
        formatting::{self, ShownTime},
    },
    pages::{
        AccountDone, AccountProblem, Devices, Ends, Form as Target, RequestedScope, Retyped, ShownApp, ShownBrowser, ShownEnded,
        ShownGrant,
    },
    paths,
    protocol::{
        account::profile::{self, DEVICE_NAME_LIMIT, Flaw},
        grant::Grant,
        values::{id::Id, time::Timestamp},
    },
    store::{
        AnyConnection, Result as Stored, clients, consents, devices, grants,
        sessions::{self, Session},
    },
    web::{
        page,
        page_request::{PageError, PageRequest},
        reply::Reply,
    },
};

/// A browser, with its texts.
struct Browser<'a> {
    id: String,
    session: &'a Session,
    program: Option<String>,
    first_used: ShownTime,
    last_used: ShownTime,
    trusted: Option<ShownTime>,
}

/// The access of an app on a device, with its texts.
struct Access<'a> {
    id: String,
    grant: &'a Grant,
    program: Option<String>,
    first_used: ShownTime,
    last_used: ShownTime,
    /// The latest end; where the grant may outlive its session, the end if it is not used before.
    at_latest: ShownTime,
    unused: Option<ShownTime>,
    scopes: Vec<RequestedScope<'a>>,
}

/// What was just done, with the names of its subjects.
enum Done {
    Browser(Option<String>),
    Grant(Option<String>, String),
    App(String),
    Others,
    Renamed,
    TrustEnded,
}

/// `GET /account`.
pub async fn get(request: PageRequest, app: Data<App>) -> Reply {
    answer(request, &app, paths::ACCOUNT, |app, connection, signed_in| show(app, connection, signed_in, None)).await
}

/// `POST /account/name`.
pub async fn post_name(request: PageRequest, app: Data<App>) -> Reply {
    answer(request, &app, paths::ACCOUNT, rename).await
}

fn rename(app: &App, connection: &mut AnyConnection, signed_in: &SignedIn) -> Result<Reply, PageError> {
    if !signed_in.sent(app, paths::ACCOUNT_NAME) {
        return show(app, connection, signed_in, Some(AccountProblem::FormExpired));
    }
    let name = match profile::device_name(signed_in.field("name")) {
        Ok(name) => Some(name),
        Err(Flaw::Empty) => None,
        Err(Flaw::TooLong | Flaw::Character) => return show(app, connection, signed_in, Some(AccountProblem::NameNotTaken)),
    };
    let (user, id) = (signed_in.user.claims.id, Id::parse(signed_in.field("id")).ok());
    let (name, now) = (name.as_deref(), signed_in.context.now);
    let is_renamed = match (signed_in.field("what"), id) {
        ("session", Some(id)) => {
            let found = sessions::find(connection, id)?.filter(|one| one.user_id == user && one.ended_at.is_none());
            // The name belongs to the browser: it is kept for the next sign-in.
            let device = found.and_then(|session| session.device_id);
            device.map_or(Ok(false), |device| devices::rename(connection, user, &device, name))?
        }
        ("grant", Some(id)) => {
            let found = grants::find(connection, id)?.map(|found| found.grant);
            let is_active = found.is_some_and(|grant| grant.revoked_at.is_none() && now < grant.expires_at);
            is_active && grants::rename(connection, user, id, name)?
        }
        ("session" | "grant", None) => false,
        _ => return Ok(signed_in.malformed(app, "what: expected 'session' or 'grant'")),
    };
    if is_renamed {
        Ok(signed_in.done_at(app, paths::ACCOUNT, "renamed", None).noting("renamed a device"))
    } else {
        show(app, connection, signed_in, Some(AccountProblem::Gone))
    }
}

/// The page, with a confirmation of the action named in the query, or a problem.
pub(super) fn show(
    app: &App,
    connection: &mut AnyConnection,
    signed_in: &SignedIn,
    problem: Option<AccountProblem>,
) -> Result<Reply, PageError> {
    let now = signed_in.context.now;
    let part = Part::requested(&signed_in.query);
    let Listing { account_overview, browsers_before, apps, apps_after } = Listing::read(app, connection, signed_in, &part)?;
    let done = if problem.is_none() { done(app, connection, signed_in, &account_overview)? } else { None };
    let browsers = browsers(signed_in, &account_overview);
    let browsers: Vec<_> = browsers.iter().map(|browser| browser.shown(signed_in, &account_overview)).collect();
    let accesses: Vec<_> = account_overview.grants.iter().map(|grant| Access::of(app, &account_overview, grant, now)).collect();
    let of = |id: &str| -> Vec<ShownGrant<'_>> {
        accesses.iter().filter(|access| access.grant.client_id == id).map(|access| access.shown(&account_overview)).collect()
    };
    let own = url(app, paths::ACCOUNT);
    let at = |query: String| format!("{own}?{query}");
    let ended = apps.iter().map(|listed| listed.ended.iter().map(|grant| Ended::of(app, grant, now)).collect());
    let ended: Vec<Vec<Ended<'_>>> = ended.collect();
    let shown_ended = ended.iter().map(|of_app| of_app.iter().map(|one| one.shown(&account_overview)).collect());
    let ended: Vec<Vec<ShownEnded<'_>>> = shown_ended.collect();
    let ways = |listed: &Listed| (listed.rest().map(at), listed.more_ended().map(at));
    let apps: Vec<_> = apps.iter().zip(&ended).map(|(listed, ended)| (listed, of(&listed.id), ended, ways(listed))).collect();
    let apps: Vec<_> = apps
        .iter()
        .map(|(listed, grants, ended, (rest, more_ended))| {
            let Listed { id, name, consent, asks, .. } = listed;
            let (rest, more_ended) = (rest.as_deref(), more_ended.as_deref());
            ShownApp { id, name, consent: *consent, asks: *asks, grants, ended, more_ended, rest }
        })
        .collect();
    let (more_browsers, more_apps) = (browsers_before.map(at), apps_after.map(at));
    let typed: String = signed_in.field("name").chars().take(10 * DEVICE_NAME_LIMIT).collect();
    let retyped = Retyped { what: signed_in.field("what"), id: signed_in.field("id"), name: &typed };
    let retyped = Some(retyped).filter(|_| problem == Some(AccountProblem::NameNotTaken));
    let (end_action, name_action) = (url(app, paths::ACCOUNT_END), url(app, paths::ACCOUNT_NAME));
    let (end_stamp, name_stamp) = (signed_in.stamp(app, paths::ACCOUNT_END), signed_in.stamp(app, paths::ACCOUNT_NAME));
    let page = Devices {
        layout: signed_in.layout(app),
        owner: signed_in.owner(),
        part: part.shown(),
        overview: &own,
        browsers: &browsers,
        more_browsers: more_browsers.as_deref(),
        apps: &apps,
        more_apps: more_apps.as_deref(),
        trusted: account_overview.trusted_count(now),
        end: Target { action: &end_action, csrf: &end_stamp },
        rename: Target { action: &name_action, csrf: &name_stamp },
        retyped,
        name_limit: DEVICE_NAME_LIMIT,
        ended_within: &formatting::span(ended::ended_within(app)),
        done: done.as_ref().map(Done::shown),
        problem,
    };
    Ok(match problem {
        None => page::show(200, &page, None),
        Some(AccountProblem::FormExpired) => page::show(400, &page, None).noting("form expired or forged"),
        Some(AccountProblem::NameNotTaken) => page::show(400, &page, None).noting("invalid name"),
        Some(AccountProblem::Gone) => page::show(404, &page, None).noting("not found, or not theirs"),
    })
}

/// The browsers, the current one first.
fn browsers<'a>(signed_in: &SignedIn, account_overview: &'a AccountOverview) -> Vec<Browser<'a>> {
    let (here, elsewhere): (Vec<_>, Vec<_>) = account_overview.sessions.iter().partition(|one| one.id == signed_in.session.id);
    let now = signed_in.context.now;
    here.into_iter()
        .chain(elsewhere)
        .map(|session| Browser::of(session, account_overview.trusted_until(session, now), now))
        .collect()
}

/// The action just done, if its effect still holds.
fn done(
    app: &App,
    connection: &mut AnyConnection,
    signed_in: &SignedIn,
    account_overview: &AccountOverview,
) -> Stored<Option<Done>> {
    let (user, named) = (signed_in.user.claims.id, signed_in.query.get("id").unwrap_or_default());
    let id = Id::parse(named).ok();
    Ok(match (signed_in.done(app), id) {
        ("others", _) => Some(Done::Others),
        ("renamed", _) => Some(Done::Renamed),
        ("trust", _) => Some(Done::TrustEnded),
        ("session", Some(id)) => {
            let ended = sessions::find(connection, id)?.filter(|one| one.user_id == user && one.ended_at.is_some());
            ended.map(|session| {
                Done::Browser(
                    account_overview.browser_name(&session).map(str::to_owned).or_else(|| formatting::program(&session.origin)),
                )
            })
        }
        ("grant", Some(id)) => {
            let found = grants::find(connection, id)?.map(|found| found.grant);
            let Some(grant) = found.filter(|one| one.user_id == user && one.revoked_at.is_some()) else { return Ok(None) };
            let name = account_overview.device_name(&grant).map(str::to_owned).or_else(|| formatting::program(&grant.seen));
            let app = clients::find(connection, &grant.client_id)?.map_or(grant.client_id, |client| client.settings.client_name);
            Some(Done::Grant(name, app))
        }
        ("app", _) => {
            let client = clients::find(connection, named)?;
            let has_nothing = consents::find(connection, user, named)?.is_none()
                && listing::accesses(app, connection, (signed_in, client.as_ref()), None, 1)?.0.is_empty();
            client.filter(|_| has_nothing).map(|client| Done::App(client.settings.client_name))
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
            Self::TrustEnded => AccountDone::TrustEnded,
        }
    }
}

impl<'a> Browser<'a> {
    fn of(session: &'a Session, trusted_until: Option<Timestamp>, now: Timestamp) -> Self {
        Self {
            id: session.id.to_string(),
            session,
            program: formatting::program(&session.origin),
            first_used: ShownTime::of(session.created_at, now),
            last_used: ShownTime::of(session.last_seen_at, now),
            trusted: trusted_until.map(|until| ShownTime::of(until, now)),
        }
    }

    fn shown(&'a self, signed_in: &SignedIn, account_overview: &'a AccountOverview) -> ShownBrowser<'a> {
        ShownBrowser {
            id: &self.id,
            name: account_overview.browser_name(self.session),
            origin: formatting::origin(&self.session.origin, self.program.as_deref()),
            first_used: self.first_used.when(),
            last_used: self.last_used.when(),
            is_remembered: self.session.remembered,
            trusted: self.trusted.as_ref().map(ShownTime::when),
            is_this: self.session.id == signed_in.session.id,
        }
    }
}

impl<'a> Access<'a> {
    fn of(app: &'a App, account_overview: &'a AccountOverview, grant: &'a Grant, now: Timestamp) -> Self {
        let used = grant.rotated_at.unwrap_or(grant.created_at);
        let max_auth_age = account_overview.client(&grant.client_id).and_then(|client| client.settings.max_auth_age);
        let at_latest =
            max_auth_age.map_or(grant.expires_at, |max_auth_age| grant.auth_time.plus(max_auth_age).min(grant.expires_at));
        let at_latest = account_overview.end_of_session(grant).map_or(at_latest, |end| end.min(at_latest));
        let unused = used.plus(app.config.lifetimes.refresh_idle).min(at_latest);
        let scope = |name: &'a str| formatting::scope(name, &account_overview.apis, &app.config.scope_claims);
        Self {
            id: grant.id.to_string(),
            grant,
            program: formatting::program(&grant.seen),
            first_used: ShownTime::of(grant.created_at, now),
            last_used: ShownTime::of(used, now),
            at_latest: ShownTime::of(at_latest, now),
            unused: grant.session_id.is_none().then(|| ShownTime::of(unused, now)),
            scopes: grant.scopes.iter().map(scope).collect(),
        }
    }

    fn shown(&'a self, account_overview: &'a AccountOverview) -> ShownGrant<'a> {
        let at_latest = self.at_latest.when();
        ShownGrant {
            id: &self.id,
            name: account_overview.device_name(self.grant),
            origin: formatting::origin(&self.grant.seen, self.program.as_deref()),
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
