//! The table `grants`: one row is a whole authorization. Here are its rows and how they are read; `insert` issues a grant,
//! `rotation` rotates it by compare-and-swap, `ending` revokes it, `purge` deletes its row. What the statements are used for is
//! `protocol::grant`.

pub(super) mod deletion;
mod ended;
mod ending;
mod insert;
pub mod purge;
pub(super) mod rotation;
mod rotation_events;

use diesel::prelude::*;

use super::{
    AnyConnection, Result,
    dialect::{Clock, on_either},
    mapping::{Row, time, times},
    revisions::revision,
    schema::{grants, revoked_tokens, sessions as session_rows, users},
    users::ClaimsRow,
};
use crate::protocol::{
    account::{activity::Origin, user::User},
    grant::{AccountStatus, Grant, end_reason::EndReason},
    oauth::pkce::Challenge,
    oidc::{authentication::Amr, claims_request::ClaimsRequest},
    values::{id::Id, time::Timestamp},
};

pub use ended::{Ended, among, ended_clients_of, ended_for};
pub use ending::{active_for, active_of, clients_of, rename, revoke, revoke_reused, revoked_at};
pub(super) use ending::{revoke_all, revoke_everything};
#[cfg(feature = "testing")]
pub use insert::insert;
pub use insert::insert_in;
#[cfg(feature = "testing")]
pub use rotation::advance;
pub use rotation::{Advance, Statement};
pub use rotation_events::{advance_elsewhere, heal, repeat_elsewhere};

#[derive(Queryable, Selectable)]
#[diesel(table_name = grants)]
struct GrantRow {
    id: Vec<u8>,
    client_id: String,
    user_id: Vec<u8>,
    session_id: Option<Vec<u8>>,
    sid: Vec<u8>,
    generation: i64,
    scopes: String,
    audiences: String,
    redirect_uri: String,
    redirect_uri_sent: bool,
    code_challenge: Option<String>,
    nonce: Option<String>,
    dpop_jkt: Option<String>,
    auth_time: i64,
    created_at: i64,
    rotated_at: Option<i64>,
    expires_at: i64,
    revoked_at: Option<i64>,
    end_reason: Option<String>,
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
        user_id: row.id("user_id", columns.user_id)?,
        session_id: columns.session_id.map(|session| row.id("session_id", session)).transpose()?,
        sid: row.id("sid", columns.sid)?,
        generation: row.generation("generation", columns.generation)?,
        scopes: row.scopes("scopes", &columns.scopes)?,
        audiences: row.list("audiences", &columns.audiences)?,
        redirect_uri: columns.redirect_uri,
        redirect_uri_sent: columns.redirect_uri_sent,
        challenge: columns.code_challenge.map(Challenge::stored),
        nonce: columns.nonce,
        dpop_jkt: columns.dpop_jkt,
        auth_time: time(columns.auth_time),
        created_at: time(columns.created_at),
        rotated_at: times(columns.rotated_at),
        expires_at: time(columns.expires_at),
        revoked_at: times(columns.revoked_at),
        end_reason: columns.end_reason.as_deref().map(EndReason::named),
        subject: columns.subject,
        amr: row.name("amr", Amr::parse(&columns.amr))?,
        claims: columns.claims.map_or_else(|| Ok(ClaimsRequest::default()), |claims| row.json("claims", &claims))?,
        device_name: columns.device_name,
        seen: Origin { address: columns.address, place: columns.place, user_agent: columns.user_agent },
        remembered: false,
    })
}

/// A grant, with the state it depends on besides its client.
#[derive(Clone, Debug)]
pub struct Found {
    /// The row.
    pub grant: Grant,
    /// Whether the access token in question was revoked individually.
    pub is_token_revoked: bool,
    /// When it was read, by the database's clock.
    pub read_at: Timestamp,
    user_enabled: bool,
    must_sign_in: bool,
    user: Option<ClaimsRow>,
}

impl Found {
    /// The status of the grant's user at a time, given by this server's clock and by the database's.
    #[must_use]
    pub const fn status(&self, now: Timestamp, by_database: Timestamp) -> AccountStatus {
        AccountStatus { user_enabled: self.user_enabled, must_sign_in: self.must_sign_in, now, by_database }
    }

    /// The user's current user name; `None` if the user no longer exists.
    #[must_use]
    pub fn username(&self) -> Option<&str> {
        self.user.as_ref().map(ClaimsRow::username)
    }

    /// The data behind the user's claims, as of now; `None` if the user no longer exists. Parsed only where it is needed.
    ///
    /// # Errors
    /// If a column is malformed.
    pub fn user(&self) -> Result<Option<User>> {
        self.user.as_ref().map(ClaimsRow::to_value).transpose()
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = users)]
struct UserRow {
    #[diesel(embed)]
    claims: ClaimsRow,
    disabled_at: Option<i64>,
    signed_in_at: Option<i64>,
    sign_in_again_at: Option<i64>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = session_rows)]
struct SessionRow {
    ended_at: Option<i64>,
    remembered: bool,
}

type Columns = (GrantRow, Option<UserRow>, Option<SessionRow>, i64);

fn to_found((columns, user, session, read_at): Columns) -> Result<Found> {
    let read_at = time(read_at);
    let mut grant = to_value(columns)?;
    if let Some(session) = session {
        // Ending the session ended the grant too, though it may have missed a code issued at that moment.
        grant.revoked_at = grant.revoked_at.or(times(session.ended_at));
        grant.remembered = session.remembered;
    }
    let Some(user) = user else {
        return Ok(Found { grant, is_token_revoked: false, read_at, user_enabled: false, must_sign_in: false, user: None });
    };
    Ok(Found {
        grant,
        is_token_revoked: false,
        read_at,
        user_enabled: user.disabled_at.is_none(),
        must_sign_in: user.sign_in_again_at > user.signed_in_at, // `None` is before every time
        user: Some(user.claims),
    })
}

/// Grants joined with their user and session: the tables, and the selected columns; all, or the one with this id.
macro_rules! with_its_own {
    () => {
        grants::table
            .left_join(users::table.on(users::id.eq(grants::user_id)))
            .left_join(session_rows::table.on(grants::session_id.eq(session_rows::id.nullable())))
    };
    ($id:expr) => {
        with_its_own!().filter(grants::id.eq($id.as_bytes().as_slice()))
    };
}

macro_rules! selected {
    ($($more:expr),*) => {
        (
            GrantRow::as_select(),
            Option::<UserRow>::as_select(),
            Option::<SessionRow>::as_select(),
            $($more),*
        )
    };
}

/// The grant with this id, with its user and session, in one statement.
///
/// # Errors
/// Database errors.
pub fn find(connection: &mut AnyConnection, id: Id) -> Result<Option<Found>> {
    let found: Option<Columns> =
        on_either!(connection, one => with_its_own!(id).select(selected!(Clock)).get_result(one).optional())?;
    found.map(to_found).transpose()
}

/// The grant a request is about, and the access token, if any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    /// The grant.
    pub grant: Id,
    /// The token's `jti`; `None` if the request is about the grant itself.
    pub jti: Option<String>,
}

/// As [`find`], with whether the token was revoked individually, and the revision of clients and APIs: all that most requests have
/// to read, in one statement.
///
/// # Errors
/// Database errors.
pub fn read(connection: &mut AnyConnection, about: &About) -> Result<Option<(Found, Option<i64>)>> {
    type Read = (GrantRow, Option<UserRow>, Option<SessionRow>, i64, Option<i64>, Option<i64>);
    let jti = about.jti.as_deref().unwrap_or_default();
    let found: Option<Read> = on_either!(connection, one => {
        with_its_own!(about.grant)
            .left_join(revoked_tokens::table.on(revoked_tokens::jti.eq(jti)))
            .select(selected!(Clock, revoked_tokens::expires_at.nullable(), revision!()))
            .get_result(one)
            .optional()
    })?;
    let to_value = |(row, user, session, read_at, revoked, revision): Read| {
        Ok((Found { is_token_revoked: revoked.is_some(), ..to_found((row, user, session, read_at))? }, revision))
    };
    found.map(to_value).transpose()
}

/// A filter for listing grants.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Only the grants of this user.
    pub user: Option<Id>,
    /// Only the grants of this client.
    pub client: Option<String>,
}

/// The newest grants, at most `limit`.
///
/// # Errors
/// Database errors.
pub fn list(connection: &mut AnyConnection, filter: &Filter, limit: u32) -> Result<Vec<Grant>> {
    Ok(list_found(connection, filter, None, limit)?.into_iter().map(|found| found.grant).collect())
}

/// A page of grants, newest first, after `before` in that order, at most `limit`: each with its user and session, in one statement.
///
/// # Errors
/// Database errors.
pub fn list_found(connection: &mut AnyConnection, filter: &Filter, before: Option<Id>, limit: u32) -> Result<Vec<Found>> {
    // Ids begin with their creation time: their order is the grants' age. No id sorts after this one.
    let before = before.unwrap_or(Id::from_bytes([0xff; 16]));
    let rows: Vec<Columns> = on_either!(connection, one => {
        let page = with_its_own!().filter(grants::id.lt(before.as_bytes().as_slice()));
        let mut page = page.select(selected!(Clock)).order(grants::id.desc()).limit(i64::from(limit)).into_boxed();
        if let Some(user) = &filter.user {
            page = page.filter(grants::user_id.eq(user.as_bytes().as_slice()));
        }
        if let Some(client) = &filter.client {
            page = page.filter(grants::client_id.eq(client));
        }
        page.load(one)
    })?;
    rows.into_iter().map(to_found).collect()
}
