//! The stored state of accounts and grants, and pending messages, read directly, as no endpoint shows it.

use diesel::connection::SimpleConnection;
use symbolon::testing::{
    app::App,
    background,
    config::Config,
    protocol::{
        account::activity::{Activity, Entry},
        grant::history::{GrantEvent, HistoryEntry},
        values::{id::Id, time::Span},
    },
    store::{
        DatabaseUrl, Error, activity,
        deliveries::{self, Delivery},
        grant_history,
    },
};

use super::{Answer, Browser, MailServer, Server, claims_of, wait_until};

/// Lets the test choose its address by `X-Forwarded-For`.
pub fn behind_a_proxy(config: &mut Config) {
    config.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap(), "::1/128".parse().unwrap()];
}

/// The headers of a caller behind the proxy, with this address and this program.
pub fn from(address: &str, program: &str) -> Vec<(&'static str, String)> {
    vec![("X-Forwarded-For", address.into()), ("X-Forwarded-Proto", "https".into()), ("User-Agent", program.into())]
}

/// The grant of these tokens.
pub fn grant_of(tokens: &Answer) -> Id {
    Id::parse(&claims_of(tokens.text("access_token"))["jti"].as_str().unwrap()[..32]).unwrap()
}

impl Server {
    /// A browser with this address.
    pub fn browser_from(&self, address: &str, program: &str) -> Browser {
        let mut browser = Browser::new(self);
        browser.headers = from(address, program);
        browser
    }

    /// Makes the database refuse to insert, update or delete the rows of a table for which a condition on `NEW` or `OLD` holds;
    /// other rows are accepted.
    pub fn refuse(&self, what: &str, table: &str, condition: &str) {
        let sql = if matches!(self.app.config.database, DatabaseUrl::Postgres(_)) {
            format!(
                "CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'refused by a test'; END $$; \
                 CREATE TRIGGER refuse_{table} BEFORE {what} ON {table} FOR EACH ROW WHEN ({condition}) EXECUTE FUNCTION refuse()"
            )
        } else {
            format!(
                "CREATE TRIGGER refuse_{table} BEFORE {what} ON {table} WHEN {condition} BEGIN SELECT RAISE(ABORT, 'refused by a test'); END"
            )
        };
        self.store(|connection| connection.batch_execute(&sql).map_err(Error::from));
    }

    /// An id as an SQL literal.
    pub fn literal(&self, id: Id) -> String {
        let is_postgres = matches!(self.app.config.database, DatabaseUrl::Postgres(_));
        if is_postgres { format!("'\\x{id}'::bytea") } else { format!("x'{id}'") }
    }

    /// Writes the pending history.
    pub fn flush(&self) {
        self.store(|connection| self.app.history.flush(connection));
        self.store(|connection| self.app.refusals.flush(connection));
    }

    /// The activity of an account, newest first.
    pub fn happened(&self, user: Id) -> Vec<Entry> {
        self.flush();
        self.store(|connection| activity::of(connection, user, None, 1_000)).into_iter().map(|(_, entry)| entry).collect()
    }

    /// As [`Server::happened`], the kinds alone.
    pub fn activities(&self, user: Id) -> Vec<Activity> {
        self.happened(user).into_iter().map(|entry| entry.activity).collect()
    }

    /// The stored history of a grant, oldest first.
    pub fn entries(&self, grant: Id) -> Vec<HistoryEntry> {
        self.store(|connection| grant_history::of(connection, grant, 1_000))
    }

    /// As [`Server::entries`], including pending entries; the events alone.
    pub fn happenings(&self, grant: Id) -> Vec<GrantEvent> {
        self.flush();
        self.entries(grant).into_iter().map(|entry| entry.event).collect()
    }

    /// The queued e-mails, whether due or not.
    pub fn waiting_messages(&self) -> Vec<Delivery> {
        let later = self.now().plus(Span::from_seconds(10 * 86_400));
        self.store(|connection| deliveries::due_to_users(connection, later, 1_000))
    }

    /// Waits until the queue is empty, and returns how many e-mails an address has received.
    #[track_caller]
    pub fn messages_to(&self, mail: &MailServer, to: &str) -> usize {
        self.app.delivery_waker.wake();
        wait_until(|| self.waiting_messages().is_empty(), || format!("{:?}", self.waiting_messages()));
        mail.messages().iter().filter(|message| message.to == to).count()
    }

    /// Runs one round of housekeeping.
    pub fn tidy(&self) {
        let app: std::sync::Arc<App> = self.app.clone().into_inner();
        actix_web::rt::System::new().block_on(background::housekeeping::round(&app));
    }
}
