//! Filling a database with users, sessions and grants, by SQL statements that generate the rows: ten million grants in minutes.
//! Every value is calculated from the row's number, so that the rows are reproducible and `Population` knows their ids without
//! reading them. Ids look like the server's: six bytes of time, then random-looking bytes. Secondary indexes are created
//! afterwards.

use symbolon::testing::protocol::values::id::Id;

use crate::{
    database::{Database, Kind},
    trouble::{Result, Trouble},
};

/// The number of rows of each kind, and the time of filling.
#[derive(Clone, Copy, Debug)]
pub struct Population {
    /// The number of grants.
    pub grants: u64,
    /// The number of users: one per ten grants.
    pub users: u64,
    /// The number of sessions: two per user.
    pub sessions: u64,
    /// The time of filling, in milliseconds since 1970.
    pub now: u64,
}

/// The number of clients with grants: `app-0` to `app-4`. The last one's tokens are signed with ES256.
pub const CLIENTS: u64 = 5;
/// The redirect URI of all clients.
pub const REDIRECT_URI: &str = "https://app.example.com/callback";
/// The scopes of all grants.
pub const SCOPES: &str = "openid offline_access notes:read";
/// The API that all tokens are for.
pub const API: &str = "https://api.example.com";

const DAY: u64 = 86_400_000;
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const BROWSER: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
/// Multiplication by these, modulo the prime 2^31 - 1, scatters the numbers, and maps no two below it to the same one.
const SCATTER: [u64; 2] = [1_103_515_245, 1_664_525];
const PRIME: u64 = 2_147_483_647;

/// A kind of row: when its rows were created, in days before now, and the suffix of its ids.
#[derive(Clone, Copy)]
struct Age {
    from: u64,
    days: u64,
    mark: &'static str,
}

const USER: Age = Age { from: 100, days: 70, mark: "9e01" };
const SESSION: Age = Age { from: 12, days: 3, mark: "5e55" };
const GRANT: Age = Age { from: 8, days: 7, mark: "64a7" };
const LINE: Age = Age { from: 8, days: 7, mark: "11fe" };

impl Age {
    /// The millisecond in which row `number` of `all` was created.
    const fn made(self, number: u64, all: u64, now: u64) -> u64 {
        now - self.from * DAY + number * (self.days * DAY / all)
    }

    /// The same in SQL.
    fn made_sql(self, number: &str, all: u64, now: u64) -> String {
        format!("({} + ({number}) * {})", now - self.from * DAY, self.days * DAY / all)
    }

    fn id_sql(self, kind: Kind, number: &str, (all, now): (u64, u64)) -> String {
        let made = self.made_sql(number, all, now);
        let [first, second] = SCATTER.map(|factor| format!("(({number}) * {factor} % {PRIME})"));
        match kind {
            Kind::Postgres => format!(
                "decode(lpad(to_hex({made}), 12, '0') || lpad(to_hex({first}), 8, '0') || lpad(to_hex({second}), 8, '0') || '{}', 'hex')",
                self.mark
            ),
            Kind::Sqlite => format!("unhex(printf('%012x%08x%08x{}', {made}, {first}, {second}))", self.mark),
        }
    }

    fn id(self, number: u64, all: u64, now: u64) -> Result<Id> {
        let [first, second] = SCATTER.map(|factor| number * factor % PRIME);
        let text = format!("{:012x}{first:08x}{second:08x}{}", self.made(number, all, now), self.mark);
        Id::parse(&text).map_err(|_| Trouble::new(format!("{text} is not an id")))
    }
}

impl Population {
    /// The population for this number of grants.
    pub fn of(grants: u64, now: u64) -> Self {
        let users = grants.div_ceil(10);
        Self { grants, users, sessions: users * 2, now }
    }

    /// The id of grant `number`, from 1; its generation, and the number of its client.
    pub fn grant(&self, number: u64) -> Result<(Id, u64, u64)> {
        Ok((GRANT.id(number, self.grants, self.now)?, 1 + number * SCATTER[1] % PRIME % 40, number % CLIENTS))
    }

    /// The id of session `number`, from 1, and the number of the client to which its user gave consent.
    pub fn session(&self, number: u64) -> Result<(Id, u64)> {
        Ok((SESSION.id(number, self.sessions, self.now)?, ((number - 1) % self.users + 1) % CLIENTS))
    }

    /// The name of user `number`, from 1.
    pub fn user(number: u64) -> String {
        format!("person-{number:07}")
    }

    /// Inserts the population. All users have the password of this hash.
    ///
    /// # Errors
    /// When the database fails.
    pub fn fill(&self, database: &mut Database, password_hash: &str) -> Result<()> {
        let kind = database.kind();
        let indexes = indexes(database)?;
        if kind == Kind::Sqlite {
            database.run(
                "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -262144; PRAGMA temp_store = MEMORY",
            )?;
        }
        for (name, _) in &indexes {
            database.run(&format!("DROP INDEX {name}"))?;
        }
        for statement in self.statements(kind, password_hash) {
            database.run(&statement)?;
        }
        for (_, made) in &indexes {
            database.run(made)?;
        }
        match kind {
            // As autovacuum would have done by then; and no checkpoint caused by the filling falls into a round.
            Kind::Postgres => database.run("VACUUM (ANALYZE)").and_then(|()| database.run("CHECKPOINT")),
            Kind::Sqlite => database.run("ANALYZE; PRAGMA journal_mode = WAL"),
        }
    }

    fn statements(&self, kind: Kind, password_hash: &str) -> [String; 5] {
        let Self { grants, users, sessions, now } = *self;
        let (p, s, g) = ((users, now), (sessions, now), (grants, now));
        let user_of = |session: &str| format!("((({session}) - 1) % {users} + 1)");
        let user = user_of("i");
        let session_of_grant = format!("(i * {} % {PRIME} % {sessions} + 1)", SCATTER[0]);
        let name = match kind {
            Kind::Postgres => "'person-' || lpad(CAST(i AS TEXT), 7, '0')",
            Kind::Sqlite => "printf('person-%07d', i)",
        };
        let consented = format!("'app-' || (i % {CLIENTS})");
        let created = |age: Age, all| age.made_sql("i", all, now);
        let [made_user, made_session, made_grant] = [created(USER, users), created(SESSION, sessions), created(GRANT, grants)];
        let sid = SESSION.id_sql(kind, &session_of_grant, s);
        let session_made = SESSION.made_sql(&session_of_grant, sessions, now);
        let rotated = format!("({now} - 3600000 - i * {} % {PRIME} % 64800000)", SCATTER[0]);
        let verified = if kind == Kind::Postgres { "TRUE" } else { "1" };
        let rows = |count| numbers(kind, count);
        [
            format!(
                "INSERT INTO users (id, username, email, email_verified, display_name, password_hash, created_at, updated_at, signed_in_at)
                 SELECT {}, {name}, {name} || '@example.com', {verified}, 'Person ' || i, '{password_hash}', {made_user}, {made_user}, {} {}",
                USER.id_sql(kind, "i", p), now - 9 * DAY, rows(users)
            ),
            format!(
                "INSERT INTO sessions (id, user_id, generation, auth_time, created_at, last_seen_at, expires_at, user_agent, address, amr, remembered)
                 SELECT {}, {}, 1, {made_session}, {made_session}, {}, {made_session} + {}, '{BROWSER}', '127.0.0.1', 'pwd', {verified} {}",
                SESSION.id_sql(kind, "i", s), USER.id_sql(kind, &user, p), now - DAY, 30 * DAY, rows(sessions)
            ),
            format!(
                "INSERT INTO consents (user_id, client_id, scopes, audiences, granted_at)
                 SELECT {}, {consented}, '{SCOPES}', '[\"{API}\"]', {} {}",
                USER.id_sql(kind, "i", p), now - 12 * DAY, rows(users)
            ),
            format!(
                "INSERT INTO grants (id, client_id, user_id, session_id, sid, generation, scopes, audiences, redirect_uri, code_challenge,
                                     auth_time, created_at, rotated_at, expires_at, amr, address, user_agent)
                 SELECT id, client, person, CASE WHEN i % 2 = 0 THEN sid END, sid, generation, '{SCOPES}', '[\"{API}\"]', '{REDIRECT_URI}', '{CHALLENGE}',
                        signed_in, created, rotated, CASE WHEN i % 2 = 0 THEN signed_in + {} ELSE created + {} END, 'pwd', '127.0.0.1', '{BROWSER}'
                 FROM (SELECT i, {} AS id, {consented} AS client, {} AS person, {sid} AS sid, 1 + i * {} % {PRIME} % 40 AS generation,
                              {session_made} AS signed_in, {made_grant} AS created, {rotated} AS rotated {}) AS made",
                30 * DAY, 365 * DAY, GRANT.id_sql(kind, "i", g), USER.id_sql(kind, &user_of(&session_of_grant), p), SCATTER[1], rows(grants)
            ),
            format!(
                "INSERT INTO grant_history (grant_id, id, event, at, generation, address, user_agent, routine)
                 SELECT {}, {}, 'redeemed', {made_grant}, 0, '127.0.0.1', '{BROWSER}', {verified} {}",
                GRANT.id_sql(kind, "i", g), LINE.id_sql(kind, "i", g), rows(grants)
            ),
        ]
    }
}

/// The numbers from 1 as `i`, as the tail of a SELECT.
fn numbers(kind: Kind, count: u64) -> String {
    match kind {
        Kind::Postgres => format!("FROM generate_series(CAST(1 AS BIGINT), {count}) AS i"),
        Kind::Sqlite => {
            format!("FROM (WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count}) SELECT i FROM n)")
        }
    }
}

/// The secondary indexes of the big tables: their names, and the statements that create them.
fn indexes(database: &mut Database) -> Result<Vec<(String, String)>> {
    let all = match database.kind() {
        Kind::Postgres => {
            "SELECT indexname || ' ' || indexdef AS value FROM pg_indexes WHERE schemaname = 'public' AND indexdef NOT LIKE 'CREATE UNIQUE %'
             AND tablename IN ('grants', 'sessions', 'users', 'consents', 'grant_history') ORDER BY indexname"
        }
        Kind::Sqlite => {
            "SELECT name || ' ' || sql AS value FROM sqlite_master WHERE type = 'index' AND sql LIKE 'CREATE INDEX %'
             AND tbl_name IN ('grants', 'sessions', 'users', 'consents', 'grant_history') ORDER BY name"
        }
    };
    let named = database.texts(all)?;
    Ok(named.iter().filter_map(|text| text.split_once(' ')).map(|(name, made)| (name.to_owned(), made.to_owned())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_has_the_id_that_was_calculated() {
        let mut database = Database::connect("sqlite::memory:").unwrap();
        let population = Population::of(1000, 1_800_000_000_000);
        for number in [1, 2, 999] {
            let sql = GRANT.id_sql(Kind::Sqlite, &number.to_string(), (1000, population.now));
            let found = database.text(&format!("SELECT lower(hex({sql})) AS value")).unwrap();
            assert_eq!(found, population.grant(number).unwrap().0.to_string());
        }
        assert_ne!(population.grant(1).unwrap().0, population.grant(2).unwrap().0);
        assert!(population.grant(999).unwrap().0 < population.grant(1000).unwrap().0, "ids are in the order of time");
    }

    #[test]
    fn numbers_begin_with_one() {
        let mut database = Database::connect("sqlite::memory:").unwrap();
        let found = database.texts(&format!("SELECT CAST(i AS TEXT) AS value {}", numbers(Kind::Sqlite, 3))).unwrap();
        assert_eq!(found, ["1", "2", "3"]);
    }
}
