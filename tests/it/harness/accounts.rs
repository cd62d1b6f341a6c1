//! What an operator does to accounts, without the command line.

use symbolon::{
    protocol::{
        activity::{Activity, NOWHERE},
        id::Id,
    },
    random,
    store::{
        Error, account,
        activity::Event,
        people,
        sessions::{self, Offline},
    },
};

use super::Server;

impl Server {
    /// Something that happens to an account now, from nowhere.
    pub fn event(&self, person: Id, activity: Activity) -> Event<'static> {
        let now = self.now();
        Event { id: random::id(now), person, activity, origin: &NOWHERE, about: None, at: now }
    }

    /// Changes what is kept of a person, as an operator does.
    pub fn change_person(&self, person: Id, change: impl FnOnce(&mut people::Person)) {
        let event = |activity| self.event(person, activity);
        let set = |kept: &mut people::Person| {
            change(kept);
            Ok::<_, Error>(())
        };
        assert!(self.store(|connection| account::change_details(connection, person, event, set)).is_some());
    }

    /// Switches an account off.
    pub fn disable(&self, person: Id) {
        let event = self.event(person, Activity::Disabled);
        self.store(|connection| account::disable(connection, &event));
    }

    /// Switches an account on.
    pub fn enable(&self, person: Id) {
        let event = self.event(person, Activity::Enabled);
        self.store(|connection| account::enable(connection, &event));
    }

    /// Deletes an account.
    pub fn delete(&self, person: Id) {
        let now = self.now();
        self.store(|connection| account::delete(connection, person, now));
    }

    /// Ends a session; grants that outlive it live on.
    pub fn end_session(&self, id: Id) {
        let session = self.store(|connection| sessions::find(connection, id)).unwrap();
        let event = self.event(session.person_id, Activity::SignedOut);
        self.store(|connection| sessions::end(connection, &session, Offline::Lives, &event));
    }

    /// Withdraws what a person allowed a client; says how many grants ended.
    pub fn withdraw(&self, person: Id, client: &str) -> usize {
        let event = self.event(person, Activity::AppEnded);
        self.store(|connection| account::end_app(connection, client, &event)).unwrap_or_default()
    }

    /// Sets another password's hash.
    pub fn reset_password(&self, person: Id, hash: &str) {
        let event = self.event(person, Activity::PasswordReset);
        self.store(|connection| account::reset_password(connection, hash, &event));
    }
}
