//! Housekeeping: what is deleted, when, and by which process. That it is deleted on time is `purge` for grants and `sessions`;
//! that one process does it is `lease`; that a wrong clock deletes nothing is `clocks`; that a row in trouble does not block
//! others is `trouble`; that tables stop growing under a steady load is `flat`. How times are counted is `protocol::grant::retention`,
//! when a clock is trusted `protocol::values::clock_check`.

mod clocks;
mod flat;
mod lease;
mod purge;
mod sessions;
mod trouble;

use diesel::{QueryableByName, RunQueryDsl, sql_query, sql_types::BigInt};
use symbolon::testing::{
    protocol::{
        grant::Grant,
        oauth::client::Client,
        values::{
            id::Id,
            time::{Span, Timestamp},
        },
    },
    random,
    store::{Error, grants, revoked_tokens},
};

use crate::harness::{Server, grant_of};

const DAY: i64 = 86_400;
const OFFLINE: &str = "openid offline_access";

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

/// How many rows a table has.
fn count(server: &Server, table: &str) -> i64 {
    let query = format!("SELECT count(*) AS number FROM {table}");
    server.store(|connection| sql_query(query).get_result::<Number>(connection).map_err(Error::from)).number
}

/// Revokes an access token that has expired a second ago, by its `jti`.
fn revoke_expired(server: &Server, jti: &str) {
    let before = Timestamp::from_millis(server.now().millis() - 1_000);
    server.store(|connection| revoked_tokens::insert(connection, jti, before));
}

/// Whether it is kept.
fn is_kept(server: &Server, jti: &str) -> bool {
    server.store(|connection| revoked_tokens::contains(connection, jti))
}

/// Whether a grant is there.
fn is_there(server: &Server, grant: Id) -> bool {
    server.store(|connection| grants::find(connection, grant)).is_some()
}

/// A grant of alice that outlives its session and was redeemed, from which others are made.
fn pattern(server: &Server, client: &Client) -> Grant {
    let tokens = server.tokens(client, "alice", OFFLINE);
    server.flush();
    server.store(|connection| grants::find(connection, grant_of(&tokens))).unwrap().grant
}

/// Another one like it, made so many seconds ago in a session that is long gone, after a change.
fn another(server: &Server, pattern: &Grant, age: i64, change: impl FnOnce(&mut Grant)) -> Grant {
    let made = Timestamp::from_millis(server.now().millis() - 1_000 * age);
    let mut grant = Grant {
        id: random::id(made),
        sid: random::id(made),
        created_at: made,
        rotated_at: Some(made),
        expires_at: made.plus(Span::from_seconds(366 * 86_400)),
        ..pattern.clone()
    };
    change(&mut grant);
    server.store(|connection| grants::insert(connection, &grant));
    grant
}
