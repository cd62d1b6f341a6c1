//! The lists of browsers and apps on the page of devices and apps, bounded in length and cost whatever their number: the first of
//! each with a link to the rest, read from the end of the previous page (keyset pagination), without counting.

use std::collections::{BTreeMap, BTreeSet};

use super::SignedIn;
use crate::{
    app::App,
    flows::account::{
        ended,
        overview::{self, AccountOverview},
    },
    pages::{AccountPart, AppConsent},
    protocol::{
        grant::Grant,
        oauth::{client::Client, next_step::ConsentGiver},
        values::{
            id::Id,
            params::{Params, encode},
            time::Timestamp,
        },
    },
    store::{
        AnyConnection, Result, clients,
        consents::{self, Recorded},
        grants::{self, Ended},
        sessions::{self, Session},
    },
};

/// The number of browsers on a page.
const BROWSERS: u32 = 20;
/// The number of apps on a page.
const APPS: usize = 30;
/// The number of devices listed for one app beside others.
const DEVICES: usize = 20;
/// The number of devices listed for all apps together, and for an app that is alone on the page.
const ALL_DEVICES: usize = 60;

/// The number of ended grants listed for one app beside others.
const ENDED: usize = 5;
/// The minimum number of grants read at once: some of them may be inactive.
const AT_ONCE: usize = 50;

/// The query parameter for the position from which the list of browsers continues.
const BROWSERS_BEFORE: &str = "browsers_before";
/// The query parameter for the app after which the list of apps continues.
const APPS_AFTER: &str = "apps_after";
/// The query parameter for the one app whose devices are listed.
const APP: &str = "app";
/// The query parameter for the device after which that list continues.
const BEFORE: &str = "before";

/// The requested part.
pub enum Part {
    /// The first page.
    Overview,
    /// Browsers last used before this position.
    Browsers { before: (Timestamp, Id) },
    /// Apps listed after this one.
    Apps { after: String },
    /// The devices of one app.
    App { id: String, before: Option<Id> },
}

/// An app on the page.
pub struct Listed {
    pub id: String,
    pub name: String,
    /// Who allowed it.
    pub consent: AppConsent,
    /// Whether the user is asked when they sign in to it again.
    pub asks: bool,
    /// Its grants that have ended lately.
    pub ended: Vec<Grant>,
    /// Whether there are more of them.
    pub has_more_ended: bool,
    /// The last of its devices on the page, if there are more.
    last: Option<Id>,
}

/// The content of a page.
pub struct Listing {
    /// The browsers, and the grants of the apps.
    pub account_overview: AccountOverview,
    /// The query of the next page of browsers.
    pub browsers_before: Option<String>,
    /// The apps.
    pub apps: Vec<Listed>,
    /// The query of the next page of apps.
    pub apps_after: Option<String>,
}

impl Part {
    /// The part that a query requests; the first page if the query is invalid.
    pub fn requested(query: &Params) -> Self {
        let browser = || {
            let (millis, id) = query.get(BROWSERS_BEFORE)?.split_once('.')?;
            Some((Timestamp::from_millis(millis.parse().ok()?), Id::parse(id).ok()?))
        };
        if let Some(id) = query.get(APP) {
            return Self::App { id: id.to_owned(), before: query.get(BEFORE).and_then(|id| Id::parse(id).ok()) };
        }
        if let Some(after) = query.get(APPS_AFTER) {
            return Self::Apps { after: after.to_owned() };
        }
        browser().map_or(Self::Overview, |before| Self::Browsers { before })
    }

    /// The part, for the template.
    pub const fn shown(&self) -> AccountPart {
        match self {
            Self::Overview => AccountPart::Overview,
            Self::Browsers { .. } => AccountPart::Browsers,
            Self::Apps { .. } => AccountPart::Apps,
            Self::App { .. } => AccountPart::App,
        }
    }
}

impl Listed {
    /// The query of the next page of devices.
    pub fn rest(&self) -> Option<String> {
        let last = self.last?.to_string();
        Some(encode([(APP, self.id.as_str()), (BEFORE, &last)]))
    }

    /// The query of the page with more of the grants that have ended.
    pub fn more_ended(&self) -> Option<String> {
        self.has_more_ended.then(|| encode([(APP, self.id.as_str())]))
    }
}

impl Listing {
    /// Reads the content of the requested page.
    ///
    /// # Errors
    /// Database errors.
    pub fn read(app: &App, connection: &mut AnyConnection, signed_in: &SignedIn, part: &Part) -> Result<Self> {
        let (browsers, browsers_before) = match part {
            Part::Overview => browsers(connection, signed_in, None)?,
            Part::Browsers { before } => browsers(connection, signed_in, Some(*before))?,
            Part::Apps { .. } | Part::App { .. } => (Vec::new(), None),
        };
        let mut reading = Reading { app, signed_in, apps: Vec::new(), grants: Vec::new(), has_ended: BTreeSet::new() };
        let apps_after = match part {
            Part::Overview => reading.apps(connection, None)?,
            Part::Apps { after } => reading.apps(connection, Some(after))?,
            Part::App { id, before } => {
                let given_by = match consents::recorded(connection, signed_in.user.claims.id, id)? {
                    Some(Recorded::Allowed(_, giver)) => Some(giver),
                    _ => None,
                };
                let name = clients::find(connection, id)?.map_or_else(|| id.clone(), |client| client.settings.client_name);
                let room = Room { devices: ALL_DEVICES, ended: if before.is_none() { ALL_DEVICES } else { 0 } };
                reading.app(connection, (id.clone(), name, given_by), *before, room)?;
                None
            }
            Part::Browsers { .. } => None,
        };
        let Reading { apps, grants, .. } = reading;
        let now = signed_in.context.now;
        let ended = apps.iter().flat_map(|listed| &listed.ended);
        let account_overview =
            AccountOverview::part(app, connection, &signed_in.user, (browsers, grants), now)?.with_names_of(connection, ended)?;
        Ok(Self { account_overview, browsers_before, apps, apps_after })
    }
}

/// The browsers, the current one first, and the query of the next page.
fn browsers(
    connection: &mut AnyConnection,
    signed_in: &SignedIn,
    before: Option<(Timestamp, Id)>,
) -> Result<(Vec<Session>, Option<String>)> {
    let mut found = sessions::unended_before(connection, signed_in.user.claims.id, before, BROWSERS + 1)?;
    let has_more = found.len() > BROWSERS as usize;
    found.truncate(BROWSERS as usize);
    let next = found.last().filter(|_| has_more).map(|last| {
        let place = format!("{}.{}", last.last_seen_at.millis(), last.id);
        encode([(BROWSERS_BEFORE, place.as_str())])
    });
    found.retain(|session| session.id != signed_in.session.id);
    if before.is_none() {
        found.insert(0, signed_in.session.clone());
    }
    Ok((found, next))
}

/// Active grants of a client, newest first, at most `limit`, and whether there are more.
///
/// # Errors
/// Database errors.
pub fn accesses(
    app: &App,
    connection: &mut AnyConnection,
    (signed_in, client): (&SignedIn, Option<&Client>),
    before: Option<Id>,
    limit: usize,
) -> Result<(Vec<Grant>, bool)> {
    let Some(client) = client else { return Ok((Vec::new(), false)) };
    let (user, now) = (&signed_in.user, signed_in.context.now);
    let (mut found, mut before) = (Vec::new(), before);
    let some = limit.saturating_add(1).max(AT_ONCE);
    loop {
        let next = grants::active_for(connection, (user.claims.id, &client.id), before, some, now)?;
        let is_end = next.len() < some;
        before = next.last().map(|grant| grant.id);
        found.extend(overview::living(app, connection, (user, Some(client)), next, now)?);
        if is_end || found.len() > limit {
            break;
        }
    }
    let has_more = found.len() > limit;
    found.truncate(limit);
    Ok((found, has_more))
}

/// How much of an app there is room for.
#[derive(Clone, Copy)]
struct Room {
    devices: usize,
    ended: usize,
}

/// A page of apps being read.
struct Reading<'a> {
    app: &'a App,
    signed_in: &'a SignedIn,
    apps: Vec<Listed>,
    grants: Vec<Grant>,
    /// The clients with grants that have ended lately.
    has_ended: BTreeSet<String>,
}

impl Reading<'_> {
    /// Reads the apps that have a consent or access, by name; returns the query of the next page.
    fn apps(&mut self, connection: &mut AnyConnection, after: Option<&str>) -> Result<Option<String>> {
        let user = self.signed_in.user.claims.id;
        let allowed: BTreeMap<_, _> = consents::clients_of(connection, user)?.into_iter().collect();
        let mut ids: BTreeSet<_> = grants::clients_of(connection, user, self.signed_in.context.now)?.into_iter().collect();
        ids.extend(allowed.keys().cloned());
        self.has_ended = grants::ended_clients_of(connection, &self.ended())?.into_iter().collect();
        ids.extend(self.has_ended.iter().cloned());
        let ids: Vec<_> = ids.into_iter().collect();
        let names: BTreeMap<_, _> = clients::names(connection, &ids)?.into_iter().collect();
        let with_name = |id: String| (names.get(&id).unwrap_or(&id).clone(), id);
        let mut all: Vec<_> = ids.into_iter().map(with_name).collect();
        all.sort_by_cached_key(|(name, id)| (name.to_lowercase(), id.clone()));
        // If that app was deleted since, the list starts from the beginning.
        let first = after.and_then(|after| all.iter().position(|(_, id)| id == after)).map_or(0, |at| at + 1);
        for (name, id) in all.split_off(first) {
            if self.apps.len() == APPS || self.grants.len() >= ALL_DEVICES {
                return Ok(self.apps.last().map(|last| encode([(APPS_AFTER, last.id.as_str())])));
            }
            let given_by = allowed.get(&id).copied();
            let room = Room { devices: DEVICES.min(ALL_DEVICES - self.grants.len()), ended: ENDED };
            self.app(connection, (id, name, given_by), None, room)?;
        }
        Ok(None)
    }

    fn ended(&self) -> Ended {
        let now = self.signed_in.context.now;
        let since = Timestamp::from_millis(now.millis().saturating_sub(ended::ended_within(self.app).millis()));
        Ended { user: self.signed_in.user.claims.id, since, now, idle: self.app.config.lifetimes.refresh_idle }
    }

    /// Reads one app, with its devices after `before`. An app without consent and without grants is skipped.
    fn app(
        &mut self,
        connection: &mut AnyConnection,
        (id, name, given_by): (String, String, Option<ConsentGiver>),
        before: Option<Id>,
        room: Room,
    ) -> Result<()> {
        let client = clients::find(connection, &id)?;
        let (found, has_more) = accesses(self.app, connection, (self.signed_in, client.as_ref()), before, room.devices)?;
        let is_read = room.ended > 0 && (self.has_ended.contains(&id) || room.ended > ENDED);
        let mut ended = if is_read { grants::ended_for(connection, &self.ended(), &id, room.ended + 1)? } else { Vec::new() };
        let has_more_ended = ended.len() > room.ended && room.ended == ENDED;
        ended.truncate(room.ended);
        if found.is_empty() && given_by.is_none() && ended.is_empty() {
            return Ok(());
        }
        let last = found.last().filter(|_| has_more).map(|grant| grant.id);
        let consent = match (given_by, &client) {
            (Some(giver @ ConsentGiver::Operator), Some(client)) if giver.counts_for(client) => AppConsent::Operator,
            (Some(ConsentGiver::Operator), _) => AppConsent::OperatorBefore,
            (None, _) if found.is_empty() => AppConsent::Nobody,
            (Some(ConsentGiver::User) | None, _) => AppConsent::User,
        };
        let asks = matches!(consent, AppConsent::Nobody | AppConsent::OperatorBefore)
            || !client.is_some_and(|client| client.settings.redirect_uris.iter().all(|uri| client.may_skip_consent(uri)));
        self.apps.push(Listed { id, name, consent, asks, ended, has_more_ended, last });
        self.grants.extend(found);
        Ok(())
    }
}
