//! The table `grants`: one row is a whole authorization. The statements of its life: `insert` at consent,
//! `find` with what it depends on; how one is given is `giving`, how it goes
//! on by compare-and-swap `advancing`, how it ends `ending`, when its row leaves `leaving`. Why one of them is called is
//! `protocol::grant`.

mod advancing;
mod ending;
mod giving;
pub mod leaving;

use diesel::prelude::*;

use super::{
    AnyConnection, Result,
    dialect::{Clock, on_either},
    mapping::{Row, time, times},
    revisions::revision,
    schema::{grants, people, revoked_tokens, sessions as session_rows},
};
use crate::protocol::{
    activity::Origin,
    claims_request::ClaimsRequest,
    end_reason::EndReason,
    grant::{Grant, Standing},
    id::Id,
    pkce::Challenge,
    time::Timestamp,
};

pub(super) use advancing::Advances;
pub use advancing::{Advance, Statement, advance, advance_elsewhere, heal, repeat_elsewhere};
pub use ending::{clients_of, live_of, live_to, rename, revoke, revoke_reused, revoked_at};
pub(super) use ending::{forget_origins, revoke_all, revoke_everything};
pub use giving::{insert, insert_in};

#[derive(Queryable, Selectable)]
#[diesel(table_name = grants)]
struct GrantRow {
    id: Vec<u8>,
    client_id: String,
    person_id: Vec<u8>,
    session_id: Option<Vec<u8>>,
    sid: Vec<u8>,
    generation: i64,
    scopes: String,
    audiences: String,
    redirect_uri: String,
    code_challenge: Option<String>,
    nonce: Option<String>,
    dpop_jkt: Option<String>,
    auth_time: i64,
    created_at: i64,
    rotated_at: Option<i64>,
    expires_at: i64,
    revoked_at: Option<i64>,
    revoked_why: Option<String>,
    subject: Option<String>,
    amr: String,
    claims: Option<String>,
    device_name: Option<String>,
    address: Option<String>,
    place: Option<String>,
    user_agent: Option<String>,
}

fn to_value(columns: GrantRow) -> Result<Grant> {
    let id = Row { table: "grants", name: &columns.created_at }.id("id", columns.id)?;
    let row = Row { table: "grants", name: &id };
    Ok(Grant {
        id,
        client_id: columns.client_id,
        person_id: row.id("person_id", columns.person_id)?,
        session_id: columns.session_id.map(|session| row.id("session_id", session)).transpose()?,
        sid: row.id("sid", columns.sid)?,
        generation: row.generation("generation", columns.generation)?,
        scopes: row.scopes("scopes", &columns.scopes)?,
        audiences: row.list("audiences", &columns.audiences)?,
        redirect_uri: columns.redirect_uri,
        challenge: columns.code_challenge.map(Challenge::stored),
        nonce: columns.nonce,
        dpop_jkt: columns.dpop_jkt,
        auth_time: time(columns.auth_time),
        created_at: time(columns.created_at),
        rotated_at: times(columns.rotated_at),
        expires_at: time(columns.expires_at),
        revoked_at: times(columns.revoked_at),
        end_reason: columns.revoked_why.as_deref().map(EndReason::named),
        subject: columns.subject,
        amr: columns.amr,
        claims: columns.claims.map_or_else(|| Ok(ClaimsRequest::default()), |claims| row.json("claims", &claims))?,
        device_name: columns.device_name,
        seen: Origin { address: columns.address, place: columns.place, user_agent: columns.user_agent },
        remembered: false,
    })
}

/// A grant, with what it depends on besides its client.
#[derive(Clone, Debug)]
pub struct Found {
    /// The row.
    pub grant: Grant,
    /// Whether the access token that was asked about was revoked by itself.
    pub is_token_revoked: bool,
    /// When it was read, by the database's clock.
    pub read_at: Timestamp,
    person_enabled: bool,
    must_sign_in: bool,
    roles: Option<String>,
    groups: Option<String>,
}

impl Found {
    /// How its person stands, at a time, and at one by the database's clock.
    #[must_use]
    pub const fn standing(&self, now: Timestamp, by_database: Timestamp) -> Standing {
        Standing { person_enabled: self.person_enabled, must_sign_in: self.must_sign_in, now, by_database }
    }

    /// The person's roles now.
    ///
    /// # Errors
    /// When the row holds none.
    pub fn roles(&self) -> Result<Vec<String>> {
        names(self.grant.person_id, "roles", self.roles.as_deref())
    }

    /// The person's groups now.
    ///
    /// # Errors
    /// When the row holds none.
    pub fn groups(&self) -> Result<Vec<String>> {
        names(self.grant.person_id, "member_of", self.groups.as_deref())
    }
}

fn names(person: Id, column: &str, json: Option<&str>) -> Result<Vec<String>> {
    json.map_or_else(|| Ok(Vec::new()), |json| Row { table: "people", name: &person }.list(column, json))
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = people)]
struct PersonRow {
    disabled_at: Option<i64>,
    roles: String,
    member_of: String,
    signed_in_at: Option<i64>,
    sign_in_again_at: Option<i64>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = session_rows)]
struct SessionRow {
    ended_at: Option<i64>,
    remembered: bool,
}

type Columns = (GrantRow, Option<PersonRow>, Option<SessionRow>, i64);

fn to_found((columns, person, session, read_at): Columns) -> Result<Found> {
    let read_at = time(read_at);
    let mut grant = to_value(columns)?;
    if let Some(session) = session {
        // What ended the session ended the grant, though it may have missed a code just issued.
        grant.revoked_at = grant.revoked_at.or(times(session.ended_at));
        grant.remembered = session.remembered;
    }
    let Some(person) = person else {
        let (roles, groups) = (None, None);
        return Ok(Found { grant, is_token_revoked: false, read_at, person_enabled: false, must_sign_in: false, roles, groups });
    };
    Ok(Found {
        grant,
        is_token_revoked: false,
        read_at,
        person_enabled: person.disabled_at.is_none(),
        must_sign_in: person.sign_in_again_at > person.signed_in_at, // none is before every time
        roles: Some(person.roles),
        groups: Some(person.member_of),
    })
}

/// A grant with its person and its session: rows, and what is selected of them.
macro_rules! with_its_own {
    ($id:expr) => {
        grants::table
            .left_join(people::table.on(people::id.eq(grants::person_id)))
            .left_join(session_rows::table.on(grants::session_id.eq(session_rows::id.nullable())))
            .filter(grants::id.eq($id.as_bytes().as_slice()))
    };
}

macro_rules! selected {
    ($($more:expr),*) => {
        (
            GrantRow::as_select(),
            Option::<PersonRow>::as_select(),
            Option::<SessionRow>::as_select(),
            $($more),*
        )
    };
}

/// The grant with this id, its person and its session, in one statement.
///
/// # Errors
/// The database's.
pub fn find(connection: &mut AnyConnection, id: Id) -> Result<Option<Found>> {
    let found: Option<Columns> =
        on_either!(connection, one => with_its_own!(id).select(selected!(Clock)).get_result(one).optional())?;
    found.map(to_found).transpose()
}

/// Which grant a request is about, and by which access token of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    /// The grant.
    pub grant: Id,
    /// The token's `jti`; none where it is about the grant itself.
    pub jti: Option<String>,
}

/// As [`find`], with whether the token was revoked by itself, and the revision of clients and APIs: all that most requests have
/// to read, in one statement too.
///
/// # Errors
/// The database's.
pub fn read(connection: &mut AnyConnection, about: &About) -> Result<Option<(Found, Option<i64>)>> {
    type Read = (GrantRow, Option<PersonRow>, Option<SessionRow>, i64, Option<i64>, Option<i64>);
    let jti = about.jti.as_deref().unwrap_or_default();
    let found: Option<Read> = on_either!(connection, one => {
        with_its_own!(about.grant)
            .left_join(revoked_tokens::table.on(revoked_tokens::jti.eq(jti)))
            .select(selected!(Clock, revoked_tokens::expires_at.nullable(), revision!()))
            .get_result(one)
            .optional()
    })?;
    let to_value = |(row, person, session, read_at, revoked, revision): Read| {
        Ok((Found { is_token_revoked: revoked.is_some(), ..to_found((row, person, session, read_at))? }, revision))
    };
    found.map(to_value).transpose()
}

/// Which grants to list.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Those of one person.
    pub person: Option<Id>,
    /// Those of one client.
    pub client: Option<String>,
}

/// The newest grants, at most `limit`.
///
/// # Errors
/// The database's.
pub fn list(connection: &mut AnyConnection, filter: &Filter, limit: u32) -> Result<Vec<Grant>> {
    let none_person: &[u8] = &[];
    let person = filter.person.as_ref().map_or(none_person, |id| id.as_bytes().as_slice());
    let client = filter.client.as_deref().unwrap_or_default();
    // Ids begin with the time they were made: their order is the grants' age.
    let newest = grants::table.select(GrantRow::as_select()).order(grants::id.desc()).limit(i64::from(limit));
    let rows: Vec<GrantRow> = match (filter.person.is_some(), filter.client.is_some()) {
        (false, false) => newest.load(connection)?,
        (true, false) => newest.filter(grants::person_id.eq(person)).load(connection)?,
        (false, true) => newest.filter(grants::client_id.eq(client)).load(connection)?,
        (true, true) => newest.filter(grants::person_id.eq(person)).filter(grants::client_id.eq(client)).load(connection)?,
    };
    rows.into_iter().map(to_value).collect()
}
