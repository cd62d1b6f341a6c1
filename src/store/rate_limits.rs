//! The table `rate_limits`: counters that slow down password guesses and e-mail requests, each under a keyed hash. What they count
//! and under which keys is `flows::sign_in::throttle`; the resulting waits are `protocol::account::rate_limit`. Each change is one guarded statement,
//! or one transaction by key, so that no concurrent one is lost.

use std::collections::HashMap;

use diesel::{
    dsl::{case_when, sql},
    prelude::*,
    sql_types::BigInt,
};

use super::{
    AnyConnection, Result,
    dialect::{self, delete_some, on_either},
    error::Error,
    mapping::time,
    schema::rate_limits,
};
use crate::protocol::{
    account::rate_limit::{Backoff, Bucket, Count, latest_space},
    secrets::SecretRing,
    values::{
        id::Id,
        time::{CLOCK_TOLERANCE, Span, Timestamp},
    },
};

/// A keyed hash of what is counted.
pub type Key = [u8; 32];

/// How often counting is retried when a success clears the counter concurrently.
const TRIES: u32 = 5;

/// The remaining level of a bucket: [`Bucket::level`] in SQL.
macro_rules! level {
    ($now:expr) => {
        sql::<BigInt>("CASE WHEN updated_at > ")
            .bind::<BigInt, _>($now.plus(CLOCK_TOLERANCE).millis())
            .sql(" THEN 0 WHEN updated_at >= ")
            .bind::<BigInt, _>($now.millis())
            .sql(" THEN amount WHEN amount > ")
            .bind::<BigInt, _>($now.millis())
            .sql(" - updated_at THEN amount - (")
            .bind::<BigInt, _>($now.millis())
            .sql(" - updated_at) ELSE 0 END")
    };
}

/// The time of that level: a process whose clock is behind by no more than the allowed skew does not set it back, which would let
/// the same time leak twice.
macro_rules! latest {
    ($now:expr) => {
        sql::<BigInt>("CASE WHEN updated_at BETWEEN ")
            .bind::<BigInt, _>($now.millis())
            .sql(" AND ")
            .bind::<BigInt, _>($now.plus(CLOCK_TOLERANCE).millis())
            .sql(" THEN updated_at ELSE ")
            .bind::<BigInt, _>($now.millis())
            .sql(" END")
    };
}

/// The counters under these keys; keys without one are omitted.
///
/// # Errors
/// Database errors.
pub fn find(connection: &mut AnyConnection, keys: &[Key]) -> Result<HashMap<Key, Count>> {
    let keys: Vec<_> = keys.iter().map(Key::as_slice).collect();
    let rows: Vec<(Vec<u8>, i64, i64, i64)> = rate_limits::table
        .filter(rate_limits::key.eq_any(keys))
        .select((rate_limits::key, rate_limits::amount, rate_limits::updated_at, rate_limits::next_at))
        .load(connection)?;
    let counts = rows.into_iter().filter_map(|(key, amount, updated_at, next_at)| {
        let count = Count { amount, updated_at: time(updated_at), next_at: time(next_at) };
        Some((key.try_into().ok()?, count))
    });
    Ok(counts.collect())
}

/// Counts one more attempt under a backoff, even if it comes too soon.
///
/// # Errors
/// Database errors.
pub fn count(connection: &mut AnyConnection, key: &Key, backoff: &Backoff, now: Timestamp) -> Result<()> {
    attempt(connection, key, backoff, (now, Span::from_millis(i64::MAX))).map(drop)
}

/// As [`count`], unless the attempt comes too soon: then false, and it is not counted.
///
/// # Errors
/// Database errors.
pub fn count_in_time(connection: &mut AnyConnection, key: &Key, backoff: &Backoff, now: Timestamp) -> Result<bool> {
    Ok(attempt(connection, key, backoff, (now, Span::ZERO))?.is_some())
}

/// As [`count_in_time`]. Part of a transaction.
pub(super) fn count_in_time_in(connection: &mut AnyConnection, key: &Key, backoff: &Backoff, now: Timestamp) -> Result<bool> {
    Ok(insert_first(connection, key, backoff, now)? || next(connection, key, backoff, (now, Span::ZERO))?.is_some())
}

/// The number of attempts including this one, which may come this much too early; `None` if it comes earlier.
fn attempt(connection: &mut AnyConnection, key: &Key, backoff: &Backoff, at: (Timestamp, Span)) -> Result<Option<i64>> {
    for _ in 0..TRIES {
        if insert_first(connection, key, backoff, at.0)? {
            return Ok(Some(1));
        }
        let attempts = dialect::together(connection, |connection| next(connection, key, backoff, at))?;
        if attempts.is_some() || exists(connection, key)? {
            return Ok(attempts);
        }
    }
    Err(Error::Busy("a rate limit keeps changing".into()))
}

fn exists(connection: &mut AnyConnection, key: &Key) -> Result<bool> {
    Ok(find(connection, std::slice::from_ref(key))?.contains_key(key))
}

fn insert_first(connection: &mut AnyConnection, key: &Key, backoff: &Backoff, now: Timestamp) -> Result<bool> {
    let first = Row { amount: 1, now, next_at: backoff.next_at(1, now), expires_at: backoff.keep_until(now) };
    insert(connection, key, &first)
}

/// The row stays locked from the first statement to the end of the transaction, so that the wait is that of this attempt.
fn next(connection: &mut AnyConnection, key: &Key, backoff: &Backoff, (now, early): (Timestamp, Span)) -> Result<Option<i64>> {
    let forgotten = now.millis() - backoff.forget_after.millis();
    let is_ahead = rate_limits::updated_at.gt(now.plus(CLOCK_TOLERANCE).millis()); // as in `Backoff::wait`
    let in_time = rate_limits::next_at.le(now.plus(early).millis()).or(is_ahead);
    let row = rate_limits::table.find(key.as_slice());
    let attempts = diesel::update(row.filter(in_time))
        .set((
            rate_limits::amount
                .eq(case_when(rate_limits::updated_at.lt(forgotten), 1.into_sql::<BigInt>()).otherwise(rate_limits::amount + 1)),
            rate_limits::updated_at.eq(now.millis()),
            rate_limits::expires_at.eq(backoff.keep_until(now).millis()),
        ))
        .returning(rate_limits::amount)
        .get_result::<i64>(connection)
        .optional()?;
    let Some(attempts) = attempts else { return Ok(None) };
    diesel::update(row).set(rate_limits::next_at.eq(backoff.next_at(attempts, now).millis())).execute(connection)?;
    Ok(Some(attempts))
}

/// Adds one attempt to a bucket unless its level is above `limit`; then false.
///
/// # Errors
/// Database errors.
pub fn fill(connection: &mut AnyConnection, key: &Key, bucket: &Bucket, limit: i64, now: Timestamp) -> Result<bool> {
    let (one, expires_at) = (bucket.leak.millis(), bucket.keep_until(now));
    for _ in 0..TRIES {
        if insert(connection, key, &Row { amount: one, now, next_at: now, expires_at })? {
            return Ok(true);
        }
        let row = rate_limits::table.find(key.as_slice()).filter(level!(now).le(limit));
        let rows = diesel::update(row)
            .set((
                rate_limits::amount.eq(level!(now) + one),
                rate_limits::updated_at.eq(latest!(now)),
                rate_limits::expires_at.eq(expires_at.millis()),
            ))
            .execute(connection)?;
        if rows == 1 || exists(connection, key)? {
            return Ok(rows == 1);
        }
    }
    Err(Error::Busy("a rate limit keeps changing".into()))
}

/// Takes this much out of a bucket again, in milliseconds of its leak.
///
/// # Errors
/// Database errors.
pub fn take_out(connection: &mut AnyConnection, key: &Key, less: i64) -> Result<()> {
    let rest = case_when(rate_limits::amount.gt(less), rate_limits::amount - less).otherwise(0.into_sql::<BigInt>());
    diesel::update(rate_limits::table.find(key.as_slice())).set(rate_limits::amount.eq(rest)).execute(connection)?;
    Ok(())
}

/// Reserves the next attempt under `key`, after which no other is accepted for `space`: false if one is already reserved, until
/// `next_at`.
///
/// # Errors
/// Database errors.
pub fn reserve(connection: &mut AnyConnection, key: &Key, space: Span, now: Timestamp) -> Result<bool> {
    let free = rate_limits::next_at.le(now.millis()).or(rate_limits::next_at.gt(latest_space(now).millis()));
    let row = rate_limits::table.find(key.as_slice()).filter(free);
    Ok(diesel::update(row).set(rate_limits::next_at.eq(now.plus(space).millis())).execute(connection)? == 1)
}

/// Adds a member to a set, until it expires: false if it is already a member.
///
/// # Errors
/// Database errors.
pub fn add_member(connection: &mut AnyConnection, key: &Key, now: Timestamp, expires_at: Timestamp) -> Result<bool> {
    insert(connection, key, &Row { amount: 1, now, next_at: now, expires_at })
}

/// Adds one to a plain counter, which is kept until it expires.
///
/// # Errors
/// Database errors.
pub fn add_one(connection: &mut AnyConnection, key: &Key, now: Timestamp, expires_at: Timestamp) -> Result<()> {
    if add_member(connection, key, now, expires_at)? {
        return Ok(());
    }
    diesel::update(rate_limits::table.find(key.as_slice()))
        .set((rate_limits::amount.eq(rate_limits::amount + 1), rate_limits::updated_at.eq(now.millis())))
        .execute(connection)?;
    Ok(())
}

/// Deletes a counter and returns it. Of several concurrent calls one gets it.
///
/// # Errors
/// Database errors.
pub fn take(connection: &mut AnyConnection, key: &Key) -> Result<Option<Count>> {
    let taken: Option<(i64, i64, i64)> = diesel::delete(rate_limits::table.find(key.as_slice()))
        .returning((rate_limits::amount, rate_limits::updated_at, rate_limits::next_at))
        .get_result(connection)
        .optional()?;
    Ok(taken.map(|(amount, updated_at, next_at)| Count { amount, updated_at: time(updated_at), next_at: time(next_at) }))
}

/// Deletes the counters under these keys.
///
/// # Errors
/// Database errors.
pub fn clear(connection: &mut AnyConnection, keys: &[Key]) -> Result<()> {
    let keys: Vec<_> = keys.iter().map(Key::as_slice).collect();
    diesel::delete(rate_limits::table.filter(rate_limits::key.eq_any(keys))).execute(connection)?;
    Ok(())
}

/// Deletes the counters of failed sign-ins of a user from everywhere: others' guesses do not slow down the next sign-in.
///
/// # Errors
/// Database errors.
pub fn forget_user(connection: &mut AnyConnection, secrets: &SecretRing, user: Id) -> Result<()> {
    clear(connection, &[true, false].map(|is_near| user_key(secrets, user, is_near)))
}

/// The key of failures for a user from everywhere: from near an earlier sign-in of theirs, or from elsewhere.
#[must_use]
pub fn user_key(secrets: &SecretRing, user: Id, is_near: bool) -> Key {
    secrets.pseudonym(if is_near { "user, from near" } else { "user, from elsewhere" }, &user.to_string())
}

/// Deletes expired counters, at most `limit`; returns how many.
///
/// # Errors
/// Database errors.
pub fn purge(connection: &mut AnyConnection, now: Timestamp, limit: u32) -> Result<usize> {
    delete_some!(connection, rate_limits, (key: Vec<u8>, expires_at), rate_limits::expires_at.lt(now.millis()), limit)
}

/// The initial values of a row.
struct Row {
    amount: i64,
    now: Timestamp,
    next_at: Timestamp,
    expires_at: Timestamp,
}

/// Inserts a row: false if there is one.
fn insert(connection: &mut AnyConnection, key: &Key, row: &Row) -> Result<bool> {
    let values = (
        rate_limits::key.eq(key.as_slice()),
        rate_limits::amount.eq(row.amount),
        rate_limits::updated_at.eq(row.now.millis()),
        rate_limits::next_at.eq(row.next_at.millis()),
        rate_limits::expires_at.eq(row.expires_at.millis()),
    );
    let rows = on_either!(connection, one => {
        diesel::insert_into(rate_limits::table).values(values).on_conflict_do_nothing().execute(one)
    })?;
    Ok(rows == 1)
}
