//! The table `sessions`: a browser in which someone is signed in. Its cookie is a credential derived from id
//! and generation; nothing in the row can be used to take it over.

use diesel::prelude::*;

use super::{
    AnyConnection, Result, deliveries, dialect,
    mapping::{Row, time, times},
    people::{self, Person},
    schema::{grants, sessions},
};
use crate::protocol::{
    id::Id,
    time::{Span, Timestamp},
};

/// A browser session.
#[derive(Clone, Debug)]
pub struct Session {
    /// Its row, and `sid` of the tokens.
    pub id: Id,
    /// Who is signed in.
    pub person_id: Id,
    /// Rises with each sign-in; the cookies of older generations are dead.
    pub generation: u32,
    /// When the person last proved who they are.
    pub auth_time: Timestamp,
    /// When it began.
    pub created_at: Timestamp,
    /// When it was last used to sign in or to answer a client.
    pub last_seen_at: Timestamp,
    /// Its absolute end.
    pub expires_at: Timestamp,
    /// When it was ended.
    pub ended_at: Option<Timestamp>,
    /// The browser, as it names itself.
    pub user_agent: Option<String>,
    /// Where the sign-in came from.
    pub address: Option<String>,
    /// How the person proved who they are: values of `amr`, separated by spaces (RFC 8176).
    pub amr: String,
}

/// What becomes of the grants with `offline_access` when a session is ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offline {
    /// They live on.
    Lives,
    /// They end as well.
    Ends,
}

/// Why the grants of a session that has ended are revoked.
const ENDED: &str = "the session was ended";

type Columns = (Vec<u8>, Vec<u8>, i64, i64, i64, i64, i64, Option<i64>, Option<String>, Option<String>, String);

fn to_value(columns: Columns) -> Result<Session> {
    let (id, person_id, generation, auth_time, created_at, last_seen_at, expires_at, ended_at, user_agent, address, amr) =
        columns;
    let row = Row { table: "sessions", name: &created_at };
    Ok(Session {
        id: row.id("id", id)?,
        person_id: row.id("person_id", person_id)?,
        generation: row.generation("generation", generation)?,
        auth_time: time(auth_time),
        created_at: time(created_at),
        last_seen_at: time(last_seen_at),
        expires_at: time(expires_at),
        ended_at: times(ended_at),
        user_agent,
        address,
        amr,
    })
}

impl Session {
    /// Whether it is over: ended, past its absolute end, or not used for `idle`.
    #[must_use]
    pub fn is_over(&self, now: Timestamp, idle: Span) -> bool {
        self.ended_at.is_some() || now >= self.expires_at || now.since(self.last_seen_at) >= idle
    }
}

/// The session with this id.
///
/// # Errors
/// The database's.
pub fn find(connection: &mut AnyConnection, id: Id) -> Result<Option<Session>> {
    let found = sessions::table.find(id.as_bytes().as_slice()).first::<Columns>(connection).optional()?;
    found.map(to_value).transpose()
}

/// Inserts a session.
///
/// # Errors
/// The database's.
pub fn insert(connection: &mut AnyConnection, session: &Session) -> Result<()> {
    diesel::insert_into(sessions::table)
        .values((
            sessions::id.eq(session.id.as_bytes().as_slice()),
            sessions::person_id.eq(session.person_id.as_bytes().as_slice()),
            sessions::generation.eq(i64::from(session.generation)),
            sessions::auth_time.eq(session.auth_time.millis()),
            sessions::created_at.eq(session.created_at.millis()),
            sessions::last_seen_at.eq(session.last_seen_at.millis()),
            sessions::expires_at.eq(session.expires_at.millis()),
            sessions::ended_at.eq(session.ended_at.map(Timestamp::millis)),
            sessions::user_agent.eq(session.user_agent.as_deref()),
            sessions::address.eq(session.address.as_deref()),
            sessions::amr.eq(&session.amr),
        ))
        .execute(connection)?;
    Ok(())
}

/// The same person signed in again on this session: a new generation, the old cookie is dead. False when the
/// session was ended or renewed by someone else meanwhile.
fn renew(connection: &mut AnyConnection, session: &Session, amr: &str, now: Timestamp) -> Result<bool> {
    let row = sessions::table
        .find(session.id.as_bytes().as_slice())
        .filter(sessions::generation.eq(i64::from(session.generation)))
        .filter(sessions::ended_at.is_null());
    let rows = diesel::update(row)
        .set((
            sessions::generation.eq(i64::from(session.generation) + 1),
            sessions::auth_time.eq(now.millis()),
            sessions::last_seen_at.eq(now.millis()),
            sessions::amr.eq(amr),
        ))
        .execute(connection)?;
    Ok(rows == 1)
}

/// Notes that the session is in use, and holds its row until the transaction ends, so that whoever ends it comes
/// before or after. False when it was ended or renewed meanwhile.
pub(super) fn hold(connection: &mut AnyConnection, session: &Session, now: Timestamp) -> Result<bool> {
    let row = sessions::table
        .find(session.id.as_bytes().as_slice())
        .filter(sessions::generation.eq(i64::from(session.generation)))
        .filter(sessions::ended_at.is_null());
    Ok(diesel::update(row).set(sessions::last_seen_at.eq(now.millis())).execute(connection)? == 1)
}

/// The person signed in in a browser. Their session in it gets a new generation; anyone else's ends, and the new
/// one begins. `None` when the password was set anew or the account switched off meanwhile: then nothing was done.
///
/// # Errors
/// The database's.
pub fn begin(
    connection: &mut AnyConnection,
    person: &Person,
    before: Option<&Session>,
    new: Session,
    now: Timestamp,
) -> Result<Option<Session>> {
    dialect::together(connection, |connection| {
        if !people::hold(connection, person)? {
            return Ok(None);
        }
        if let Some(before) = before {
            let is_theirs = before.person_id == person.claims.id && now < before.expires_at;
            if is_theirs && renew(connection, before, &new.amr, now)? {
                return Ok(Some(Session {
                    generation: before.generation + 1,
                    auth_time: now,
                    last_seen_at: now,
                    amr: new.amr,
                    ..before.clone()
                }));
            }
            end_row(connection, before, now)?;
        }
        insert(connection, &new)?;
        Ok(Some(new))
    })
}

/// Ends a session and the grants that end with it. A code issued meanwhile is of a session that has ended, and
/// is refused when it is redeemed. The clients that want to know will be told.
///
/// # Errors
/// The database's.
pub fn end(connection: &mut AnyConnection, session: &Session, offline: Offline, now: Timestamp) -> Result<()> {
    dialect::together(connection, |connection| {
        end_row(connection, session, now)?;
        if offline == Offline::Ends {
            let given_in_it = grants::table
                .filter(grants::person_id.eq(session.person_id.as_bytes().as_slice()))
                .filter(grants::sid.eq(session.id.as_bytes().as_slice()))
                .filter(grants::revoked_at.is_null());
            diesel::update(given_in_it)
                .set((grants::revoked_at.eq(Some(now.millis())), grants::revoked_why.eq(ENDED)))
                .execute(connection)?;
        }
        Ok(())
    })
}

/// Ends every session of a person. Part of a transaction.
pub(super) fn end_all(connection: &mut AnyConnection, person: Id, now: Timestamp) -> Result<()> {
    let theirs = sessions::table.filter(sessions::person_id.eq(person.as_bytes().as_slice()));
    let rows = theirs.filter(sessions::ended_at.is_null()).load::<Columns>(connection)?;
    rows.into_iter().try_for_each(|columns| end_row(connection, &to_value(columns)?, now))
}

/// Ends some of the sessions that have reached their absolute end, and says how many: nothing lives in them any more, but
/// clients want to know.
///
/// # Errors
/// The database's.
pub fn end_expired(connection: &mut AnyConnection, now: Timestamp, limit: u32) -> Result<usize> {
    let expired = sessions::table.filter(sessions::ended_at.is_null()).filter(sessions::expires_at.le(now.millis()));
    let rows = expired.order(sessions::expires_at).limit(i64::from(limit)).load::<Columns>(connection)?;
    let count = rows.len();
    for columns in rows {
        let session = to_value(columns)?;
        dialect::together(connection, |connection| end_row(connection, &session, now))?;
    }
    Ok(count)
}

/// Whoever ends the session, and nobody else, enqueues what is to be told.
fn end_row(connection: &mut AnyConnection, session: &Session, now: Timestamp) -> Result<()> {
    let key = session.id.as_bytes().as_slice();
    let alive = sessions::table.find(key).filter(sessions::ended_at.is_null());
    if diesel::update(alive).set(sessions::ended_at.eq(Some(now.millis()))).execute(connection)? == 0 {
        return Ok(());
    }
    deliveries::enqueue_logout(connection, session.id, session.person_id, now)?;
    let ending_with_it = grants::table.filter(grants::session_id.eq(key)).filter(grants::revoked_at.is_null());
    diesel::update(ending_with_it)
        .set((grants::revoked_at.eq(Some(now.millis())), grants::revoked_why.eq(ENDED)))
        .execute(connection)?;
    Ok(())
}
