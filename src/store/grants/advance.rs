//! Rotation of a grant: the compare-and-swap, and the notification when a credential is used from a new network.

use diesel::{
    backend::Backend,
    prelude::*,
    query_builder::{AstPass, QueryFragment, QueryId},
    serialize::ToSql,
    sql_types::{BigInt, Binary, Nullable, Text},
};

use super::super::{
    AnyConnection, Result, Store,
    activity::Event,
    devices,
    dialect::{self, Clock, on_either},
    error::Error,
    grant_history::{self, Line},
    notifications, progress, users,
    write_queue::WriteQueue,
};
use crate::protocol::{
    activity::Origin,
    grant::Grant,
    id::Id,
    notification::NotificationKind,
    time::{Span, Timestamp},
};

/// The deadline of a statement, and the time it writes. The database may execute a statement long after it was sent, if it was
/// stalled or the row was locked. A rotation is dated when it is written, by the one clock that all servers read, not when it was
/// requested; once its caller has been told that nothing was done, it is no longer written.
#[derive(Clone, Copy, Debug)]
pub struct Statement {
    /// An offset added to the database's time; zero except in tests that move time.
    pub shift: i64,
    /// The deadline, by the database's clock.
    pub until: Timestamp,
}

impl Statement {
    /// A statement that follows a reading of the database's clock, shifted to another time. It may be executed within this span,
    /// counted from the reading: so the deadline is never too late.
    #[must_use]
    pub fn after(read_at: Timestamp, by_database: Timestamp, within: Span) -> Self {
        Self { shift: by_database.millis() - read_at.millis(), until: read_at.plus(within) }
    }
}

/// A rotation from `generation` to the next.
#[derive(Clone, Debug)]
pub struct Advance {
    /// The grant.
    pub grant: Id,
    /// The presented generation.
    pub generation: u32,
    /// Where it was presented from.
    pub seen: Origin,
    /// Its deadline.
    pub statement: Statement,
}

/// Rotations queued for their turn to write.
pub type Advances = WriteQueue<Advance, Result<bool>>;

/// The rotation statement, written out because Diesel does not keep an update prepared, and PostgreSQL would parse and plan it each
/// time. A healing statement takes a row that is behind the credential, any other a row of exactly its generation.
struct Rotation<'a, const HEALS: bool> {
    id: &'a [u8],
    generation: i64,
    next: i64,
    shift: i64,
    until: i64,
    address: Option<&'a str>,
    place: Option<&'a str>,
    user_agent: Option<&'a str>,
}

impl<'a, const HEALS: bool> From<&'a Advance> for Rotation<'a, HEALS> {
    fn from(Advance { grant, generation, seen, statement }: &'a Advance) -> Self {
        let generation = i64::from(*generation);
        Self {
            id: grant.as_bytes().as_slice(),
            generation,
            next: generation + 1,
            shift: statement.shift,
            until: statement.until.millis(),
            address: seen.address.as_deref(),
            place: seen.place.as_deref(),
            user_agent: seen.user_agent.as_deref(),
        }
    }
}

impl<const HEALS: bool> QueryId for Rotation<'_, HEALS> {
    type QueryId = Rotation<'static, HEALS>;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl<DB: Backend, const HEALS: bool> QueryFragment<DB> for Rotation<'_, HEALS>
where
    i64: ToSql<BigInt, DB>,
    for<'b> &'b [u8]: ToSql<Binary, DB>,
    for<'b> Option<&'b str>: ToSql<Nullable<Text>, DB>,
    Clock: QueryFragment<DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.push_sql("UPDATE grants SET generation = ");
        out.push_bind_param::<BigInt, _>(&self.next)?;
        out.push_sql(", rotated_at = ");
        Clock.walk_ast(out.reborrow())?;
        out.push_sql(" + ");
        out.push_bind_param::<BigInt, _>(&self.shift)?;
        out.push_sql(", address = ");
        out.push_bind_param::<Nullable<Text>, _>(&self.address)?;
        out.push_sql(", place = ");
        out.push_bind_param::<Nullable<Text>, _>(&self.place)?;
        out.push_sql(", user_agent = ");
        out.push_bind_param::<Nullable<Text>, _>(&self.user_agent)?;
        out.push_sql(" WHERE id = ");
        out.push_bind_param::<Binary, _>(&self.id)?;
        out.push_sql(if HEALS { " AND generation < " } else { " AND generation = " });
        out.push_bind_param::<BigInt, _>(&self.generation)?;
        out.push_sql(" AND revoked_at IS NULL AND ");
        Clock.walk_ast(out.reborrow())?;
        out.push_sql(" < ");
        out.push_bind_param::<BigInt, _>(&self.until)?;
        Ok(())
    }
}

impl<C, const HEALS: bool> RunQueryDsl<C> for Rotation<'_, HEALS> {}

/// Compare-and-swap from `generation` to the next, unless revoked, recording the origin: false if a concurrent request was first,
/// or the deadline has passed. The guard is in the statement, the row count is the answer.
///
/// # Errors
/// Database errors; the row may have advanced nonetheless, and the retry window covers that.
pub fn advance(connection: &mut AnyConnection, advance: &Advance) -> Result<bool> {
    Ok(on_either!(connection, one => Rotation::<false>::from(advance).execute(one))? == 1)
}

/// Heals a row that is older than a genuine credential, because the database was restored to an earlier state. In one transaction,
/// the row follows the credential unless it is revoked, the history records it, and if the app continues from another network the
/// user is notified, as by [`advance_elsewhere`]. False if a concurrent request did so before, or the row has advanced further.
///
/// # Errors
/// Database errors.
pub fn heal(
    connection: &mut AnyConnection,
    (grant, wish): (&Grant, &Advance),
    line: &Line,
    elsewhere: Option<(&str, &Event<'_>)>,
) -> Result<bool> {
    dialect::together(connection, |connection| {
        if on_either!(connection, one => Rotation::<true>::from(wish).execute(one))? == 0 {
            return Ok(false);
        }
        grant_history::insert(connection, std::slice::from_ref(line))?;
        if let Some((network, event)) = elsewhere {
            tell_of_network(connection, grant, network, event)?;
        }
        Ok(true)
    })
}

impl Store {
    /// As [`advance`]; on SQLite grouped with all other queued rotations in one transaction.
    ///
    /// # Errors
    /// As [`advance`].
    pub fn advance(&self, connection: &mut AnyConnection, wish: Advance) -> Result<bool> {
        if matches!(connection, AnyConnection::Postgres(_)) {
            return advance(connection, &wish);
        }
        let all = |wishes: &[Advance]| {
            // The other callers still wait, even if this thread's own has given up.
            let done = progress::of(None, || {
                dialect::together(connection, |connection| {
                    wishes.iter().map(|wish| advance(connection, wish)).collect::<Result<Vec<bool>>>()
                })
            });
            match done {
                Ok(done) => done.into_iter().map(Ok).collect(),
                Err(error) => vec![Err(error); wishes.len()],
            }
        };
        self.advances().take(wish, all).unwrap_or_else(|| Err(Error::Failed("a rotation failed unexpectedly".into())))
    }
}

/// As [`advance`], for an app that continues from another network: if nothing of the user was seen there before, they are notified,
/// in the same transaction.
///
/// # Errors
/// As [`advance`].
pub fn advance_elsewhere(
    connection: &mut AnyConnection,
    grant: &Grant,
    statement: Statement,
    network: &str,
    event: &Event<'_>,
) -> Result<bool> {
    let wish = Advance { grant: grant.id, generation: grant.generation, seen: event.origin.clone(), statement };
    dialect::together(connection, |connection| {
        let is_first = advance(connection, &wish)?;
        if is_first {
            tell_of_network(connection, grant, network, event)?;
        }
        Ok(is_first)
    })
}

/// The successor of a token was returned again to an app in another network: if nothing of the user was seen there before, they are
/// notified.
///
/// # Errors
/// Database errors.
pub fn repeat_elsewhere(connection: &mut AnyConnection, grant: &Grant, network: &str, event: &Event<'_>) -> Result<()> {
    dialect::together(connection, |connection| tell_of_network(connection, grant, network, event))
}

fn tell_of_network(connection: &mut AnyConnection, grant: &Grant, network: &str, event: &Event<'_>) -> Result<()> {
    let seen = devices::see(connection, grant.user_id, (&grant.id.to_string(), network), event.at)?;
    let user = if seen.network { None } else { users::find(connection, grant.user_id)? };
    user.map_or(Ok(()), |user| notifications::tell(connection, event, NotificationKind::AddressChanged, &user))
}
