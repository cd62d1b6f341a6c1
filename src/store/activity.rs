//! The table `activity`: what happened to a user's account, as they are shown it. Written in the transaction that does it;
//! only sign-ins that failed come later, in batches, and those of one network within an hour are one row.

use diesel::prelude::*;

use super::{
    AnyConnection, Result, dialect,
    error::Error,
    mapping::{Row, time},
    probe,
    schema::{activity, users},
};
use crate::protocol::{
    activity::{Activity, Entry, Origin, UNKNOWN_ORIGIN},
    id::Id,
    network,
    time::{Span, Timestamp},
};

/// Something that happened.
#[derive(Clone, Copy, Debug)]
pub struct Event<'a> {
    /// Its row.
    pub id: Id,
    /// Whose account.
    pub user: Id,
    /// What.
    pub activity: Activity,
    /// From where.
    pub origin: &'a Origin,
    /// What it was about.
    pub about: Option<&'a str>,
    /// When.
    pub at: Timestamp,
}

/// Failed sign-ins within this span, and from one network, are one row.
const TOGETHER: Span = Span::from_seconds(3_600);
/// So many rows of failed sign-ins are made in such a span; what comes then is counted on the newest.
const FAILURES: i64 = 20;

type Columns = (Vec<u8>, String, i64, Option<String>, Option<String>, Option<String>, Option<String>, i64);

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
            activity::count,
        )
    };
}

fn to_value((id, kind, at, address, place, user_agent, about, times): Columns) -> Result<(Id, Entry)> {
    let row = Row { table: "activity", name: &at };
    let entry = Entry {
        activity: row.name("kind", Activity::named(&kind))?,
        at: time(at),
        origin: Origin { address, place, user_agent },
        about,
        count: row.generation("times", times)?,
    };
    Ok((row.id("id", id)?, entry))
}

/// Inserts an event.
///
/// # Errors
/// The database's.
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
            activity::count.eq(1),
        ))
        .execute(connection)?;
    Ok(())
}

/// Counts sign-ins that failed, all in one transaction: each on the row of its network and hour, or on a new one.
/// Of a user who was deleted meanwhile nothing is kept. Always in the same order, so that two processes that do so
/// do not wait for each other.
///
/// # Errors
/// The database's.
pub fn count_failures(connection: &mut AnyConnection, mut events: Vec<Event<'_>>) -> Result<()> {
    events.sort_by_key(|event| (event.user, range(event.origin.address.as_deref()), event.at));
    match dialect::together(connection, |connection| events.iter().try_for_each(|event| count_failure(connection, event))) {
        // The answer to a commit was lost: what is there already stays as it is.
        Err(Error::Conflict(_)) => events.iter().try_for_each(|event| match count_failure(connection, event) {
            Err(Error::Conflict(_)) => Ok(()),
            counted => counted,
        }),
        counted => counted,
    }
}

/// Whether the table takes an event that nothing is wrong with: one of nobody, from so long ago that housekeeping removes it, is
/// inserted and removed.
pub fn takes_events(connection: &mut AnyConnection) -> bool {
    let nobody = Id::from_bytes([0; 16]);
    let (activity, at) = (Activity::SignInFailed, Timestamp::from_millis(0));
    let event = Event { id: nobody, user: nobody, activity, origin: &UNKNOWN_ORIGIN, about: None, at };
    probe::is_taken(connection, |connection| insert(connection, &event), |connection| forget(connection, nobody))
}

fn range(address: Option<&str>) -> Option<String> {
    address.and_then(network::range_of)
}

fn count_failure(connection: &mut AnyConnection, event: &Event<'_>) -> Result<()> {
    let user = users::table.find(event.user.as_bytes().as_slice()).select(users::created_at);
    if user.get_result::<i64>(connection).optional()?.is_none() {
        return Ok(());
    }
    // Ids begin with the time they were made: those of the last hour come after this one.
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

/// What happened to a user's account, newest first, at most `limit`; `before` is the id of the last that was seen. Entries that
/// only a later version knows are left out: its processes may already write while this one is being replaced.
///
/// # Errors
/// The database's.
pub fn of(connection: &mut AnyConnection, user: Id, before: Option<Id>, limit: u32) -> Result<Vec<(Id, Entry)>> {
    // Ids begin with the time they were made, so that nothing of a user sorts after this.
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

/// Forgets everything of a user. Part of a transaction.
pub(super) fn forget(connection: &mut AnyConnection, user: Id) -> Result<()> {
    diesel::delete(activity::table.filter(activity::user_id.eq(user.as_bytes().as_slice()))).execute(connection)?;
    Ok(())
}

/// Forgets what is older, at most about `limit` rows, and says how many.
///
/// # Errors
/// The database's.
pub fn forget_before(connection: &mut AnyConnection, before: Timestamp, limit: u32) -> Result<usize> {
    let old = activity::table.filter(activity::at.lt(before.millis())).order(activity::at).select(activity::at);
    let Some(end) = old.offset(i64::from(limit.max(1)) - 1).first::<i64>(connection).optional()? else {
        return Ok(diesel::delete(activity::table.filter(activity::at.lt(before.millis()))).execute(connection)?);
    };
    Ok(diesel::delete(activity::table.filter(activity::at.le(end))).execute(connection)?)
}
