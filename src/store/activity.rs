//! The table `activity`: a user's account activity, as shown to them. Entries are written in the transaction that causes them; only
//! failed sign-ins are written later, in batches, and those from one network within an hour share a row.

use diesel::prelude::*;

use super::{
    AnyConnection, Result, dialect,
    error::Error,
    mapping::{Row, time},
    probe,
    schema::{activity, users},
};
use crate::protocol::{
    account::activity::{Activity, Entry, Origin, UNKNOWN_ORIGIN},
    values::{
        id::Id,
        network,
        time::{Span, Timestamp},
    },
};

/// An activity event.
#[derive(Clone, Copy, Debug)]
pub struct Event<'a> {
    /// The id of its row.
    pub id: Id,
    /// The user whose account it concerns.
    pub user: Id,
    /// The kind of activity.
    pub activity: Activity,
    /// Where it came from.
    pub origin: &'a Origin,
    /// Its subject.
    pub about: Option<&'a str>,
    /// The grant it is about, if it is about one.
    pub grant: Option<Id>,
    /// When it happened.
    pub at: Timestamp,
}

/// Failed sign-ins from one network within this span share a row.
const TOGETHER: Span = Span::from_seconds(3_600);
/// The maximum number of failed sign-in rows per such span; further ones are counted on the newest.
const FAILURES: i64 = 20;

type Columns = (Vec<u8>, String, i64, Option<String>, Option<String>, Option<String>, Option<String>, Option<Vec<u8>>, i64);

macro_rules! columns {
    () => {
        (
            activity::id,
            activity::kind,
            activity::at,
            activity::address,
            activity::place,
            activity::user_agent,
            activity::about,
            activity::grant_id,
            activity::count,
        )
    };
}

fn to_value((id, kind, at, address, place, user_agent, about, grant, count): Columns) -> Result<(Id, Entry)> {
    let row = Row { table: "activity", name: &at };
    let entry = Entry {
        activity: row.name("kind", Activity::named(&kind))?,
        at: time(at),
        origin: Origin { address, place, user_agent },
        about,
        grant: grant.map(|grant| row.id("grant_id", grant)).transpose()?,
        count: row.generation("count", count)?,
    };
    Ok((row.id("id", id)?, entry))
}

/// Inserts an event.
///
/// # Errors
/// Database errors.
pub fn insert(connection: &mut AnyConnection, event: &Event<'_>) -> Result<()> {
    diesel::insert_into(activity::table)
        .values((
            activity::user_id.eq(event.user.as_bytes().as_slice()),
            activity::id.eq(event.id.as_bytes().as_slice()),
            activity::kind.eq(event.activity.name()),
            activity::at.eq(event.at.millis()),
            activity::address.eq(event.origin.address.as_deref()),
            activity::place.eq(event.origin.place.as_deref()),
            activity::user_agent.eq(event.origin.user_agent.as_deref()),
            activity::about.eq(event.about),
            activity::grant_id.eq(event.grant.as_ref().map(|grant| grant.as_bytes().as_slice())),
            activity::count.eq(1),
        ))
        .execute(connection)?;
    Ok(())
}

/// Counts failed sign-ins in one transaction: each on the row of its network and hour, or on a new one. Nothing is stored for a
/// user who was deleted meanwhile. The order is fixed, so that two processes doing this cannot deadlock.
///
/// # Errors
/// Database errors.
pub fn count_failures(connection: &mut AnyConnection, mut events: Vec<Event<'_>>) -> Result<()> {
    events.sort_by_key(|event| (event.user, range(event.origin.address.as_deref()), event.at));
    match dialect::together(connection, |connection| events.iter().try_for_each(|event| count_failure(connection, event))) {
        // The response to a commit was lost: rows that exist stay as they are.
        Err(Error::Conflict(_)) => events.iter().try_for_each(|event| match count_failure(connection, event) {
            Err(Error::Conflict(_)) => Ok(()),
            counted => counted,
        }),
        counted => counted,
    }
}

/// Whether the table accepts a valid row: one of no user, old enough for housekeeping to delete it, is inserted and deleted.
pub fn takes_events(connection: &mut AnyConnection) -> bool {
    let nobody = Id::from_bytes([0; 16]);
    let (activity, at) = (Activity::SignInFailed, Timestamp::from_millis(0));
    let event = Event { id: nobody, user: nobody, activity, origin: &UNKNOWN_ORIGIN, about: None, grant: None, at };
    probe::is_taken(
        connection,
        |connection| insert(connection, &event),
        |connection| forget_of_user(connection, nobody, 1).map(drop),
    )
}

fn range(address: Option<&str>) -> Option<String> {
    address.and_then(network::range_of)
}

fn count_failure(connection: &mut AnyConnection, event: &Event<'_>) -> Result<()> {
    let user = users::table.find(event.user.as_bytes().as_slice()).select(users::created_at);
    if user.get_result::<i64>(connection).optional()?.is_none() {
        return Ok(());
    }
    // Ids begin with their creation time: those of the last hour sort after this one.
    let since = Id::new(Timestamp::from_millis(event.at.millis() - TOGETHER.millis()), [0; 10]);
    let recent: Vec<Columns> = activity::table
        .filter(activity::user_id.eq(event.user.as_bytes().as_slice()))
        .filter(activity::kind.eq(event.activity.name()))
        .filter(activity::id.gt(since.as_bytes().as_slice()))
        .select(columns!())
        .order(activity::id.desc())
        .limit(FAILURES)
        .load(connection)?;
    let mut recent = recent.into_iter().map(to_value).collect::<Result<Vec<_>>>()?;
    let same =
        recent.iter().position(|(_, entry)| range(entry.origin.address.as_deref()) == range(event.origin.address.as_deref()));
    let at = same.or((recent.len() >= usize::try_from(FAILURES).unwrap_or(usize::MAX)).then_some(0));
    let Some((id, _)) = at.map(|at| recent.swap_remove(at)) else { return insert(connection, event) };
    diesel::update(activity::table.find((event.user.as_bytes().as_slice(), id.as_bytes().as_slice())))
        .set((activity::count.eq(activity::count + 1), activity::at.eq(event.at.millis())))
        .execute(connection)?;
    Ok(())
}

/// A user's activity, newest first, at most `limit`; `before` is the id of the last entry seen. Entries unknown to this version are
/// omitted: processes of a newer one may already write during a rolling upgrade.
///
/// # Errors
/// Database errors.
pub fn of(connection: &mut AnyConnection, user: Id, before: Option<Id>, limit: u32) -> Result<Vec<(Id, Entry)>> {
    // Ids begin with their creation time: no entry sorts after this id.
    let before = before.unwrap_or(Id::from_bytes([0xff; 16]));
    let rows: Vec<Columns> = activity::table
        .filter(activity::user_id.eq(user.as_bytes().as_slice()))
        .filter(activity::id.lt(before.as_bytes().as_slice()))
        .filter(activity::kind.eq_any(Activity::ALL.map(Activity::name)))
        .select(columns!())
        .order(activity::id.desc())
        .limit(i64::from(limit))
        .load(connection)?;
    rows.into_iter().map(to_value).collect()
}

/// Deletes entries of a user, at most `limit`, and returns how many it found. Part of a transaction.
pub(super) fn forget_of_user(connection: &mut AnyConnection, user: Id, limit: u32) -> Result<usize> {
    let theirs = || activity::table.filter(activity::user_id.eq(user.as_bytes().as_slice()));
    let keys: Vec<Vec<u8>> = theirs().select(activity::id).limit(i64::from(limit)).load(connection)?;
    diesel::delete(theirs().filter(activity::id.eq_any(&keys))).execute(connection)?;
    Ok(keys.len())
}

/// Deletes entries before this time, at most about `limit` rows, and returns how many.
///
/// # Errors
/// Database errors.
pub fn forget_before(connection: &mut AnyConnection, before: Timestamp, limit: u32) -> Result<usize> {
    let old = activity::table.filter(activity::at.lt(before.millis())).order(activity::at).select(activity::at);
    let Some(end) = old.offset(i64::from(limit.max(1)) - 1).first::<i64>(connection).optional()? else {
        return Ok(diesel::delete(activity::table.filter(activity::at.lt(before.millis()))).execute(connection)?);
    };
    Ok(diesel::delete(activity::table.filter(activity::at.le(end))).execute(connection)?)
}
