//! What is kept of accounts and grants, and what waits to be sent, read as no endpoint tells it.

use diesel::connection::SimpleConnection;
use symbolon::{
    app::App,
    background,
    config::Config,
    protocol::{
        activity::{Activity, Entry},
        history::{GrantEvent, HistoryEntry},
        id::Id,
        time::Span,
    },
    store::{
        DatabaseUrl, Error, activity,
        deliveries::{self, Delivery},
        grant_history,
    },
};

use super::{Answer, Browser, MailServer, Server, claims_of, wait_until};

/// Lets the test say by `X-Forwarded-For` where it comes from.
pub fn behind_a_proxy(config: &mut Config) {
    config.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap(), "::1/128".parse().unwrap()];
}

/// What a caller behind the proxy sends, from this address and with this program.
pub fn from(address: &str, program: &str) -> Vec<(&'static str, String)> {
    vec![("X-Forwarded-For", address.into()), ("X-Forwarded-Proto", "https".into()), ("User-Agent", program.into())]
}

/// The grant of these tokens.
pub fn grant_of(tokens: &Answer) -> Id {
    Id::parse(&claims_of(tokens.text("access_token"))["jti"].as_str().unwrap()[..32]).unwrap()
}

impl Server {
    /// A browser that comes from this address.
    pub fn browser_from(&self, address: &str, program: &str) -> Browser {
        let mut browser = Browser::new(self);
        browser.headers = from(address, program);
        browser
    }

    /// From now on the database refuses to insert, update or delete the rows of a table for which a condition on `NEW` or `OLD`
    /// holds, and takes all others.
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

    /// The bytes of an id as the database writes them.
    pub fn literal(&self, id: Id) -> String {
        let is_postgres = matches!(self.app.config.database, DatabaseUrl::Postgres(_));
        if is_postgres { format!("'\\x{id}'::bytea") } else { format!("x'{id}'") }
    }

    /// What waits to be written is written.
    pub fn flush(&self) {
        self.store(|connection| self.app.history.flush(connection));
    }

    /// What happened to an account, newest first.
    pub fn happened(&self, user: Id) -> Vec<Entry> {
        self.flush();
        self.store(|connection| activity::of(connection, user, None, 1_000)).into_iter().map(|(_, entry)| entry).collect()
    }

    /// As [`Server::happened`], the kinds alone.
    pub fn activities(&self, user: Id) -> Vec<Activity> {
        self.happened(user).into_iter().map(|entry| entry.activity).collect()
    }

    /// The moments that are written of a grant, oldest first.
    pub fn entries(&self, grant: Id) -> Vec<HistoryEntry> {
        self.store(|connection| grant_history::of(connection, grant, 1_000))
    }

    /// As [`Server::entries`], with those that wait; what happened alone.
    pub fn happenings(&self, grant: Id) -> Vec<GrantEvent> {
        self.flush();
        self.entries(grant).into_iter().map(|entry| entry.event).collect()
    }

    /// The e-mails that wait, be they due or not.
    pub fn waiting_messages(&self) -> Vec<Delivery> {
        let later = self.now().plus(Span::from_seconds(10 * 86_400));
        self.store(|connection| deliveries::due_to_users(connection, later, 1_000))
    }

    /// Waits until nothing waits, and says how many e-mails an address has got.
    #[track_caller]
    pub fn messages_to(&self, mail: &MailServer, to: &str) -> usize {
        self.app.bell.notify_one();
        wait_until(|| self.waiting_messages().is_empty(), || format!("{:?}", self.waiting_messages()));
        mail.messages().iter().filter(|message| message.to == to).count()
    }

    /// Tidies up once.
    pub fn tidy(&self) {
        let app: std::sync::Arc<App> = self.app.clone().into_inner();
        actix_web::rt::System::new().block_on(background::housekeeping::round(&app));
    }
}
