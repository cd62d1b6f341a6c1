//! An operator's actions on accounts, without the command line.

use symbolon::testing::{
    protocol::{
        account::activity::{Activity, UNKNOWN_ORIGIN},
        values::id::Id,
    },
    random,
    store::{
        Error, account,
        activity::Event,
        deletion_stages,
        deletions::Deleted,
        sessions::{self, Offline},
        users,
    },
};

use super::Server;

impl Server {
    /// An activity of an account now, from an unknown origin.
    pub fn event(&self, user: Id, activity: Activity) -> Event<'static> {
        let now = self.now();
        Event { id: random::id(now), user, activity, origin: &UNKNOWN_ORIGIN, about: None, grant: None, at: now }
    }

    /// Changes a user's details, as an operator does.
    pub fn change_user(&self, user: Id, change: impl FnOnce(&mut users::User)) {
        let event = |activity| self.event(user, activity);
        let set = |kept: &mut users::User| {
            change(kept);
            Ok::<_, Error>(())
        };
        assert!(self.store(|connection| account::change_details(connection, user, event, set)).is_some());
    }

    /// Disables an account.
    pub fn disable(&self, user: Id) {
        let event = self.event(user, Activity::Disabled);
        self.store(|connection| account::disable(connection, &event));
    }

    /// Enables an account.
    pub fn enable(&self, user: Id) {
        let event = self.event(user, Activity::Enabled);
        self.store(|connection| account::enable(connection, &event));
    }

    /// Deletes an account, and purges what it leaves.
    pub fn delete(&self, user: Id) {
        self.mark_deleted(user);
        self.purge(&Deleted::User(user));
    }

    /// Deletes an account, and leaves everything but its row.
    pub fn mark_deleted(&self, user: Id) {
        let now = self.now();
        self.store(|connection| account::delete(connection, user, now));
    }

    /// Purges what a deleted user or client has left.
    pub fn purge(&self, deleted: &Deleted) {
        while !self.store(|connection| deletion_stages::purge(connection, deleted, self.now(), deletion_stages::ROWS)).is_complete
        {
        }
    }

    /// Ends a session; grants that outlive it stay active.
    pub fn end_session(&self, id: Id) {
        let session = self.store(|connection| sessions::find(connection, id)).unwrap();
        let event = self.event(session.user_id, Activity::SignedOut);
        self.store(|connection| sessions::end(connection, &session, Offline::Keep, &event));
    }

    /// Withdraws a user's consent to a client; returns how many grants ended.
    pub fn withdraw(&self, user: Id, client: &str) -> usize {
        let event = self.event(user, Activity::AppEnded);
        self.store(|connection| account::end_app(connection, client, &event)).unwrap_or_default()
    }

    /// Sets another password hash.
    pub fn reset_password(&self, user: Id, hash: &str) {
        let event = self.event(user, Activity::PasswordReset);
        self.store(|connection| account::reset_password(connection, hash, &event));
    }
}
