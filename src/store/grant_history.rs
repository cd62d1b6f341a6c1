//! The table `grant_history`: the events of each grant. Routine ones are written in batches, a little later (`crate::workers::history`);
//! evidence of a theft is written in the transaction that revokes the grant. Other revocations and their reasons are recorded in
//! the grant's row.

use diesel::{
    prelude::*,
    sql_types::{Array, BigInt, Binary, Bool, Nullable, Text},
};

use super::{
    AnyConnection, Result, dialect,
    error::Error,
    mapping::{Row, time},
    probe,
    schema::grant_history,
};
use crate::protocol::{
    grant::history::{GrantEvent, HistoryEntry},
    values::{id::Id, time::Timestamp},
};

/// A history entry of a grant, with its id.
#[derive(Clone, Debug)]
pub struct Line {
    /// The grant.
    pub grant: Id,
    /// The id of the row.
    pub id: Id,
    /// The event.
    pub entry: HistoryEntry,
}

type Columns = (String, i64, i64, Option<String>, Option<String>, Option<String>);

fn to_value((event, at, generation, address, place, user_agent): Columns) -> Result<HistoryEntry> {
    let row = Row { table: "grant_history", name: &at };
    Ok(HistoryEntry {
        event: row.name("event", GrantEvent::named(&event))?,
        at: time(at),
        generation: row.generation("generation", generation)?,
        address,
        place,
        user_agent,
        why: None,
    })
}

/// Appends entries in one transaction: one commit for many, and few statements. Entries that already exist, because the response to
/// a commit was lost, stay as they are.
///
/// # Errors
/// Database errors.
pub fn append(connection: &mut AnyConnection, lines: &[Line]) -> Result<()> {
    match dialect::together(connection, |connection| insert(connection, lines)) {
        Err(Error::Conflict(_)) => lines.iter().try_for_each(|line| match insert(connection, std::slice::from_ref(line)) {
            Err(Error::Conflict(_)) => Ok(()),
            inserted => inserted,
        }),
        appended => appended,
    }
}

/// Whether the table accepts a valid row: one of no grant, old enough for housekeeping to delete it, is inserted and deleted.
pub fn takes_lines(connection: &mut AnyConnection) -> bool {
    let (address, place, user_agent, why) = (None, None, None, None);
    let at = Timestamp::from_millis(0);
    let entry = HistoryEntry { event: GrantEvent::Refreshed, at, generation: 0, address, place, user_agent, why };
    let none = Id::from_bytes([0; 16]);
    let line = Line { grant: none, id: none, entry };
    let remove = |connection: &mut AnyConnection| forget_all_of(connection, &[none.as_bytes()]).map(drop);
    probe::is_taken(connection, |connection| insert(connection, &[line]), remove)
}

/// Inserts entries. Part of a transaction.
pub(super) fn insert(connection: &mut AnyConnection, lines: &[Line]) -> Result<()> {
    match connection {
        AnyConnection::Sqlite(sqlite) => lines.iter().try_for_each(|line| insert_one(sqlite, line)),
        AnyConnection::Postgres(postgres) => insert_many(postgres, lines),
    }
}

/// Inserts one entry by a statement that stays prepared: in SQLite it costs no round trip.
fn insert_one(sqlite: &mut SqliteConnection, Line { grant, id, entry }: &Line) -> Result<()> {
    diesel::insert_into(grant_history::table)
        .values((
            grant_history::grant_id.eq(grant.as_bytes().as_slice()),
            grant_history::id.eq(id.as_bytes().as_slice()),
            grant_history::event.eq(entry.event.name()),
            grant_history::at.eq(entry.at.millis()),
            grant_history::generation.eq(i64::from(entry.generation)),
            grant_history::address.eq(entry.address.as_deref()),
            grant_history::place.eq(entry.place.as_deref()),
            grant_history::user_agent.eq(entry.user_agent.as_deref()),
            grant_history::routine.eq(entry.event.is_routine()),
        ))
        .execute(sqlite)?;
    Ok(())
}

/// Inserts entries column by column: the statement is the same for any number of them, so it stays prepared too.
fn insert_many(postgres: &mut PgConnection, lines: &[Line]) -> Result<()> {
    let column = |value: fn(&Line) -> &[u8]| lines.iter().map(value).collect::<Vec<_>>();
    let text = |value: fn(&HistoryEntry) -> Option<&str>| lines.iter().map(|line| value(&line.entry)).collect::<Vec<_>>();
    let number = |value: fn(&HistoryEntry) -> i64| lines.iter().map(|line| value(&line.entry)).collect::<Vec<_>>();
    let rows = diesel::select((
        unnest_binary(column(|line| line.grant.as_bytes().as_slice())),
        unnest_binary(column(|line| line.id.as_bytes().as_slice())),
        unnest_text(lines.iter().map(|line| line.entry.event.name()).collect::<Vec<_>>()),
        unnest_number(number(|entry| entry.at.millis())),
        unnest_number(number(|entry| i64::from(entry.generation))),
        unnest_some_text(text(|entry| entry.address.as_deref())),
        unnest_some_text(text(|entry| entry.place.as_deref())),
        unnest_some_text(text(|entry| entry.user_agent.as_deref())),
        unnest_truth(lines.iter().map(|line| line.entry.event.is_routine()).collect::<Vec<_>>()),
    ));
    let columns = (
        grant_history::grant_id,
        grant_history::id,
        grant_history::event,
        grant_history::at,
        grant_history::generation,
        grant_history::address,
        grant_history::place,
        grant_history::user_agent,
        grant_history::routine,
    );
    diesel::insert_into(grant_history::table).values(rows).into_columns(columns).execute(postgres)?;
    Ok(())
}

#[diesel::declare_sql_function]
extern "SQL" {
    /// The elements of a byte array as rows.
    #[sql_name = "unnest"]
    fn unnest_binary(values: Array<Binary>) -> Binary;
    /// The elements of a text array as rows.
    #[sql_name = "unnest"]
    fn unnest_text(values: Array<Text>) -> Text;
    /// The elements of a nullable text array as rows.
    #[sql_name = "unnest"]
    fn unnest_some_text(values: Array<Nullable<Text>>) -> Nullable<Text>;
    /// The elements of an integer array as rows.
    #[sql_name = "unnest"]
    fn unnest_number(values: Array<BigInt>) -> BigInt;
    /// The elements of a boolean array as rows.
    #[sql_name = "unnest"]
    fn unnest_truth(values: Array<Bool>) -> Bool;
}

/// The newest `limit` entries of a grant, oldest first. Entries unknown to this version are omitted: processes of a newer one may
/// already write during a rolling upgrade.
///
/// # Errors
/// Database errors.
pub fn of(connection: &mut AnyConnection, grant: Id, limit: u32) -> Result<Vec<HistoryEntry>> {
    let mut rows: Vec<Columns> = grant_history::table
        .filter(grant_history::grant_id.eq(grant.as_bytes().as_slice()))
        .filter(grant_history::event.eq_any(GrantEvent::ALL.map(GrantEvent::name)))
        .select((
            grant_history::event,
            grant_history::at,
            grant_history::generation,
            grant_history::address,
            grant_history::place,
            grant_history::user_agent,
        ))
        .order(grant_history::id.desc())
        .limit(i64::from(limit))
        .load(connection)?;
    rows.reverse();
    rows.into_iter().map(to_value).collect()
}

/// Deletes entries before this time, either the routine ones or the others, at most about `limit` rows; returns how many.
///
/// # Errors
/// Database errors.
pub fn forget_before(connection: &mut AnyConnection, before: Timestamp, routine: bool, limit: u32) -> Result<usize> {
    let end = grant_history::table
        .filter(grant_history::routine.eq(routine))
        .filter(grant_history::at.lt(before.millis()))
        .order(grant_history::at)
        .select(grant_history::at)
        .offset(i64::from(limit.max(1)) - 1)
        .first::<i64>(connection)
        .optional()?;
    let gone = grant_history::table.filter(grant_history::routine.eq(routine));
    Ok(diesel::delete(gone.filter(grant_history::at.le(end.unwrap_or(before.millis() - 1)))).execute(connection)?)
}

/// If these grants have more than `limit` entries in total, deletes that many and returns how many; otherwise deletes none. Part of
/// a transaction that has locked the grants.
pub(super) fn forget_some_of(connection: &mut AnyConnection, grants: &[&[u8]], limit: u32) -> Result<usize> {
    let lines = grant_history::table.filter(grant_history::grant_id.eq_any(grants));
    let by_grant = lines.order((grant_history::grant_id, grant_history::id)).select((grant_history::grant_id, grant_history::id));
    let end = by_grant.offset(i64::from(limit)).first::<(Vec<u8>, Vec<u8>)>(connection).optional()?;
    let Some((last, end)) = end else { return Ok(0) };
    let before: Vec<_> = grants.iter().copied().filter(|id| *id < last.as_slice()).collect();
    let whole = forget_all_of(connection, &before)?;
    let part = grant_history::table.filter(grant_history::grant_id.eq(last)).filter(grant_history::id.le(end));
    Ok(whole + diesel::delete(part).execute(connection)?)
}

/// Deletes every entry of these grants; returns how many.
pub(super) fn forget_all_of(connection: &mut AnyConnection, grants: &[&[u8]]) -> Result<usize> {
    Ok(diesel::delete(grant_history::table.filter(grant_history::grant_id.eq_any(grants))).execute(connection)?)
}
