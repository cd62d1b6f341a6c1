//! An overview of an account: the browsers signed in, the active grants of apps, the consents, and what each is called. Read in a
//! few statements, whatever its size; whether a grant is active is decided in `protocol::grant`.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    app::App,
    config::Lifetimes,
    flows::formatting,
    protocol::{
        grant::{self, AccountStatus, Grant, end_reason::Inactive},
        oauth::{api::Api, client::Client},
        values::{id::Id, time::Timestamp},
    },
    store::{
        AnyConnection, Result,
        account::{self, Ended},
        apis, clients,
        consents::{self, Consent},
        devices, grants,
        sessions::{self, Session},
        users::User,
    },
};

/// An overview of an account, or of a part of it.
pub struct AccountOverview {
    /// The browsers signed in, the last used first.
    pub sessions: Vec<Session>,
    /// The grants in use, and those whose code was not yet redeemed, newest first.
    pub grants: Vec<Grant>,
    /// The consents, by client.
    pub consents: Vec<Consent>,
    /// The APIs that the grants are for.
    pub apis: Vec<Api>,
    clients: BTreeMap<String, Client>,
    /// The names that the user gave their browsers, by device id.
    names: BTreeMap<String, String>,
    /// Until when browsers need no code of a TOTP app, by device id.
    trusted: BTreeMap<String, Timestamp>,
    /// The browsers in which the grants were given, by session; the session may have ended since.
    browsers: BTreeMap<Id, Option<String>>,
    /// The ends of the sessions that the grants are bound to.
    ends: BTreeMap<Id, Timestamp>,
}

/// Browsers and apps in words, as pages list them.
#[derive(Debug, Default)]
pub struct Words {
    /// The browsers.
    pub browsers: Vec<String>,
    /// The apps, each with its device.
    pub apps: Vec<String>,
}

/// The state of a grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// The code was not yet redeemed.
    Waiting,
    /// In use.
    InUse,
    /// Inactive, and why.
    Ended(Inactive),
}

/// The state of a grant of this client; `None` if the client was deleted.
pub fn state(lifetimes: &Lifetimes, client: Option<&Client>, grant: &Grant, status: &AccountStatus) -> State {
    let Some(client) = client else { return State::Ended(Inactive::ClientDeleted) };
    let policy = lifetimes.policy(client, grant);
    match grant::inactive(grant, client, &policy, status) {
        Some(why) => State::Ended(why),
        None if grant.generation > 0 => State::InUse,
        None if !grant::is_code_fresh(grant, &policy, status.now) => State::Ended(Inactive::CodeExpired),
        None => State::Waiting,
    }
}

impl AccountOverview {
    /// Reads the whole overview, as it is now.
    ///
    /// # Errors
    /// Database errors.
    pub fn read(app: &App, connection: &mut AnyConnection, user: &User, now: Timestamp) -> Result<Self> {
        let id = user.claims.id;
        let unended = sessions::unended_of(connection, id)?;
        let grants = grants::active_of(connection, id, now)?;
        let grants = with_their_sessions(grants, &unended);
        let mut account_overview = Self { consents: consents::of_user(connection, id)?, ..Self::of(unended, grants) };
        account_overview.name(connection, id)?;
        account_overview.keep_living(&app.config.lifetimes, user, now);
        account_overview.apis = apis_of(connection, &account_overview.grants)?;
        Ok(account_overview)
    }

    /// An overview of these browsers and grants, without the inactive ones.
    ///
    /// # Errors
    /// Database errors.
    pub fn part(
        app: &App,
        connection: &mut AnyConnection,
        user: &User,
        (sessions, grants): (Vec<Session>, Vec<Grant>),
        now: Timestamp,
    ) -> Result<Self> {
        let ids: BTreeSet<_> = grants.iter().filter_map(|grant| grant.session_id).collect();
        let bound_to = sessions::among(connection, &ids.into_iter().collect::<Vec<_>>())?;
        let grants = with_their_sessions(grants, &bound_to);
        let ends = bound_to.iter().map(|session| (session.id, session.expires_at)).collect();
        let mut account_overview = Self { ends, ..Self::of(sessions, grants) };
        account_overview.name(connection, user.claims.id)?;
        account_overview.keep_living(&app.config.lifetimes, user, now);
        account_overview.apis = apis_of(connection, &account_overview.grants)?;
        Ok(account_overview)
    }

    fn of(sessions: Vec<Session>, grants: Vec<Grant>) -> Self {
        let ends = sessions.iter().map(|session| (session.id, session.expires_at)).collect();
        let (consents, apis, clients, names, trusted, browsers) = Default::default();
        Self { sessions, grants, consents, apis, clients, names, trusted, browsers, ends }
    }

    /// An overview of what was ended at exactly this time, without what was inactive before.
    ///
    /// # Errors
    /// Database errors.
    pub fn of_ended(app: &App, connection: &mut AnyConnection, user: &User, at: Timestamp) -> Result<Self> {
        let lifetimes = &app.config.lifetimes;
        let Ended { sessions, grants, .. } = account::ended_at(connection, user.claims.id, at)?;
        let mut account_overview = Self::of(sessions, grants);
        account_overview.name(connection, user.claims.id)?;
        for session in &mut account_overview.sessions {
            session.ended_at = None;
        }
        for grant in &mut account_overview.grants {
            let session = account_overview.sessions.iter().find(|session| Some(session.id) == grant.session_id);
            (grant.revoked_at, grant.remembered) = (None, session.is_some_and(|session| session.remembered));
        }
        account_overview.keep_living(lifetimes, user, at);
        Ok(account_overview)
    }

    /// Removes what has expired or become inactive.
    fn keep_living(&mut self, lifetimes: &Lifetimes, user: &User, now: Timestamp) {
        let status = status(user, now);
        self.sessions.retain(|session| !session.is_over(now, lifetimes.idle(session.remembered)));
        let clients = &self.clients;
        let is_active =
            |grant: &Grant| !matches!(state(lifetimes, clients.get(&grant.client_id), grant, &status), State::Ended(_));
        self.grants.retain(is_active);
    }

    /// The same, with the names of the devices of these grants.
    ///
    /// # Errors
    /// Database errors.
    pub fn with_names_of<'a>(mut self, connection: &mut AnyConnection, grants: impl Iterator<Item = &'a Grant>) -> Result<Self> {
        let others: BTreeSet<_> = grants.map(|grant| grant.sid).filter(|session| !self.browsers.contains_key(session)).collect();
        if !others.is_empty() {
            let others = sessions::among(connection, &others.into_iter().collect::<Vec<_>>())?;
            self.browsers.extend(others.into_iter().map(|session| (session.id, session.device_id)));
        }
        Ok(self)
    }

    /// Reads the names of everything.
    fn name(&mut self, connection: &mut AnyConnection, user: Id) -> Result<()> {
        let named = devices::of(connection, user)?;
        self.trusted = named.iter().filter_map(|device| Some((device.id.clone(), device.trusted_until?))).collect();
        self.names = named.into_iter().filter_map(|device| Some((device.id, device.name?))).collect();
        self.browsers = self.sessions.iter().map(|session| (session.id, session.device_id.clone())).collect();
        let others: BTreeSet<_> = self.grants.iter().map(|grant| grant.sid).collect();
        let others: Vec<_> = others.into_iter().filter(|session| !self.browsers.contains_key(session)).collect();
        let others = sessions::among(connection, &others)?;
        self.browsers.extend(others.into_iter().map(|session| (session.id, session.device_id)));
        let ids = self.grants.iter().map(|grant| &grant.client_id);
        let ids: BTreeSet<_> = ids.chain(self.consents.iter().map(|consent| &consent.client_id)).collect();
        for id in ids {
            if let Some(client) = clients::find(connection, id)? {
                self.clients.insert(id.clone(), client);
            }
        }
        Ok(())
    }

    /// The browsers and apps that were ended, in words, without those that were inactive before.
    pub fn ended(&self, ended: &Ended) -> Words {
        let lived = |grant: &&Grant| self.grants.iter().any(|one| one.id == grant.id);
        let was_used = |session: &&Session| self.sessions.iter().any(|one| one.id == session.id);
        let browsers = ended.sessions.iter().filter(was_used).map(|session| self.browser(session)).collect();
        let apps = ended.grants.iter().filter(lived).map(|grant| self.access(grant)).collect();
        Words { browsers, apps }
    }

    /// All browsers and apps, in words.
    pub fn words(&self) -> Words {
        let browsers = self.sessions.iter().map(|session| self.browser(session)).collect();
        Words { browsers, apps: self.grants.iter().map(|grant| self.access(grant)).collect() }
    }

    /// The client of an app, unless it was deleted.
    pub fn client(&self, id: &str) -> Option<&Client> {
        self.clients.get(id)
    }

    /// What an app is called: its name, or its id if it was deleted.
    pub fn app<'a>(&'a self, id: &'a str) -> &'a str {
        self.client(id).map_or(id, |client| client.settings.client_name.as_str())
    }

    /// The latest end of the session that this grant is bound to; `None` if the grant outlives it.
    pub fn end_of_session(&self, grant: &Grant) -> Option<Timestamp> {
        self.ends.get(&grant.session_id?).copied()
    }

    /// Until when the browser of a session needs no code of a TOTP app.
    pub fn trusted_until(&self, session: &Session, now: Timestamp) -> Option<Timestamp> {
        self.trusted.get(session.device_id.as_deref()?).copied().filter(|until| now < *until)
    }

    /// The number of browsers that are trusted, signed in or not.
    pub fn trusted_count(&self, now: Timestamp) -> usize {
        self.trusted.values().filter(|until| now < **until).count()
    }

    /// The name that the user gave the browser of a session.
    pub fn browser_name(&self, session: &Session) -> Option<&str> {
        self.names.get(session.device_id.as_deref()?).map(String::as_str)
    }

    /// The name that the user gave the device of this grant, or else the browser in which they allowed it.
    pub fn device_name<'a>(&'a self, grant: &'a Grant) -> Option<&'a str> {
        let given = || self.names.get(self.browsers.get(&grant.sid)?.as_deref()?).map(String::as_str);
        grant.device_name.as_deref().or_else(given)
    }

    /// "Work laptop (Firefox on Linux)", as far as known.
    fn browser(&self, session: &Session) -> String {
        together(self.browser_name(session), formatting::program(&session.origin).or_else(|| session.origin.address.clone()))
    }

    /// "Example Notes (phone)", as far as known.
    fn access(&self, grant: &Grant) -> String {
        let device = self.device_name(grant).map(str::to_owned).or_else(|| formatting::program(&grant.seen));
        together(Some(self.app(&grant.client_id)), device)
    }
}

/// The active ones among these grants of one client.
///
/// # Errors
/// Database errors.
pub fn living(
    app: &App,
    connection: &mut AnyConnection,
    (user, client): (&User, Option<&Client>),
    grants: Vec<Grant>,
    now: Timestamp,
) -> Result<Vec<Grant>> {
    let ids: BTreeSet<_> = grants.iter().filter_map(|grant| grant.session_id).collect();
    let bound_to = sessions::among(connection, &ids.into_iter().collect::<Vec<_>>())?;
    let (status, lifetimes) = (status(user, now), &app.config.lifetimes);
    let mut grants = with_their_sessions(grants, &bound_to);
    grants.retain(|grant| !matches!(state(lifetimes, client, grant, &status), State::Ended(_)));
    Ok(grants)
}

/// Grants, completed from their sessions. When a session ends, its grants end too, although a code issued at that moment may not
/// have been revoked with them.
fn with_their_sessions(grants: Vec<Grant>, sessions: &[Session]) -> Vec<Grant> {
    let unended = sessions.iter().filter(|session| session.ended_at.is_none());
    let remembered: BTreeMap<Id, bool> = unended.map(|session| (session.id, session.remembered)).collect();
    let is_active = |grant: Grant| match grant.session_id {
        None => Some(grant),
        Some(session) => Some(Grant { remembered: *remembered.get(&session)?, ..grant }),
    };
    grants.into_iter().filter_map(is_active).collect()
}

/// The APIs that these grants are for.
fn apis_of(connection: &mut AnyConnection, grants: &[Grant]) -> Result<Vec<Api>> {
    let uris: BTreeSet<_> = grants.iter().flat_map(|grant| grant.audiences.iter().cloned()).collect();
    apis::of(connection, &uris.into_iter().collect::<Vec<_>>())
}

/// The account status of a signed-in user.
pub fn status(user: &User, now: Timestamp) -> AccountStatus {
    let must_sign_in = user.sign_in_again_at > user.signed_in_at; // an absent time is before every other
    AccountStatus { user_enabled: user.disabled_at.is_none(), must_sign_in, now, by_database: now }
}

fn together(name: Option<&str>, more: Option<String>) -> String {
    match (name, more) {
        (Some(name), Some(more)) => format!("{name} ({more})"),
        (name, more) => name.map(str::to_owned).or(more).unwrap_or_else(|| "?".into()),
    }
}
