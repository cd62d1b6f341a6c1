//! How a grant goes on: the compare-and-swap of a rotation, and what is told of one that comes from elsewhere.

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

/// When a statement may be executed, and what time that is. The database may execute it long after it was sent: where it stood
/// still, or its row was held. A rotation counts from when it was written, by the one clock that all servers read, not from when it
/// was asked for, and one whose caller has been told that nothing was done is not written afterwards.
#[derive(Clone, Copy, Debug)]
pub struct Statement {
    /// What is added to the database's time: nothing, but where a test moves time.
    pub shift: i64,
    /// Before when it may be executed, by the database's clock.
    pub until: Timestamp,
}

impl Statement {
    /// A statement that follows a reading of the database's clock, which is taken to say another time. It may be executed within
    /// this time: what was left after the reading is counted from it, and so never ends too late.
    #[must_use]
    pub fn after(read_at: Timestamp, by_database: Timestamp, within: Span) -> Self {
        Self { shift: by_database.millis() - read_at.millis(), until: read_at.plus(within) }
    }
}

/// A rotation: from `generation` to the next.
#[derive(Clone, Debug)]
pub struct Advance {
    /// The grant.
    pub grant: Id,
    /// The generation that was presented.
    pub generation: u32,
    /// From where.
    pub seen: Origin,
    /// When.
    pub statement: Statement,
}

/// Rotations that wait for their turn to write.
pub type Advances = WriteQueue<Advance, Result<bool>>;

/// The statement, written out: Diesel does not keep an update prepared, so that PostgreSQL would parse and plan it each time. One
/// that heals takes a row that is behind the credential, any other the row that is where the credential is.
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

/// Compare-and-swap from `generation` to the next, unless revoked, and from where: false when another was first, or it is too late
/// for it. The guard is in the statement, the row count is the answer.
///
/// # Errors
/// The database's; the row may then have advanced all the same, and the retry window covers it.
pub fn advance(connection: &mut AnyConnection, advance: &Advance) -> Result<bool> {
    Ok(on_either!(connection, one => Rotation::<false>::from(advance).execute(one))? == 1)
}

/// A genuine credential is newer than its row, so that the database went back in time: the row follows it, unless revoked, its history
/// says so, and where the app goes on from another network its user is told, as by [`advance_elsewhere`]. All of it is kept, or
/// nothing. False when another one did so before, or has the row gone further.
///
/// # Errors
/// The database's.
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
    /// As [`advance`]; on SQLite along with all others that wait for their turn to write, in one transaction.
    ///
    /// # Errors
    /// As [`advance`].
    pub fn advance(&self, connection: &mut AnyConnection, wish: Advance) -> Result<bool> {
        if matches!(connection, AnyConnection::Postgres(_)) {
            return advance(connection, &wish);
        }
        let all = |wishes: &[Advance]| {
            // The callers of the others wait still, where the one of this thread has left.
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

/// As [`advance`], of an app that goes on from another network: where nothing of the user was seen there before, they are
/// told. All of it is kept, or nothing.
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

/// The successor of a token was told again to an app in another network: where nothing of the user was seen there before,
/// they are told.
///
/// # Errors
/// The database's.
pub fn repeat_elsewhere(connection: &mut AnyConnection, grant: &Grant, network: &str, event: &Event<'_>) -> Result<()> {
    dialect::together(connection, |connection| tell_of_network(connection, grant, network, event))
}

fn tell_of_network(connection: &mut AnyConnection, grant: &Grant, network: &str, event: &Event<'_>) -> Result<()> {
    let seen = devices::see(connection, grant.user_id, (&grant.id.to_string(), network), event.at)?;
    let user = if seen.network { None } else { users::find(connection, grant.user_id)? };
    user.map_or(Ok(()), |user| notifications::tell(connection, event, NotificationKind::AddressChanged, &user))
}
