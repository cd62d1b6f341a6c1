//! Issuing a grant: its row is inserted, guarded by the session and the consent it rests on.

use diesel::{
    prelude::*,
    sql_types::{BigInt, Binary, Bool, Nullable, Text},
};

use super::super::{
    AnyConnection, Result, consents, dialect,
    error::Error,
    mapping::json,
    progress,
    schema::{consents as consent_rows, grants, sessions as session_rows},
    sessions::{self, Session},
    write_queue,
};
use crate::protocol::{
    grant::{Grant, end_reason::EndReason},
    oauth::pkce::Challenge,
    values::time::{Span, Timestamp},
};

/// The columns of a newly issued grant, each with its type and value.
macro_rules! with_columns {
    ($grant:expr, $claims:expr, $then:ident) => {
        $then!(
            id: Binary = $grant.id.as_bytes().as_slice(),
            client_id: Text = &$grant.client_id,
            user_id: Binary = $grant.user_id.as_bytes().as_slice(),
            session_id: Nullable<Binary> = $grant.session_id.as_ref().map(|id| id.as_bytes().as_slice()),
            sid: Binary = $grant.sid.as_bytes().as_slice(),
            generation: BigInt = i64::from($grant.generation),
            scopes: Text = $grant.scopes.to_string(),
            audiences: Text = json(&$grant.audiences),
            redirect_uri: Text = &$grant.redirect_uri,
            redirect_uri_sent: Bool = $grant.redirect_uri_sent,
            code_challenge: Nullable<Text> = $grant.challenge.as_ref().map(Challenge::as_str),
            nonce: Nullable<Text> = $grant.nonce.as_deref(),
            dpop_jkt: Nullable<Text> = $grant.dpop_jkt.as_deref(),
            auth_time: BigInt = $grant.auth_time.millis(),
            created_at: BigInt = $grant.created_at.millis(),
            rotated_at: Nullable<BigInt> = $grant.rotated_at.map(Timestamp::millis),
            expires_at: BigInt = $grant.expires_at.millis(),
            revoked_at: Nullable<BigInt> = $grant.revoked_at.map(Timestamp::millis),
            end_reason: Nullable<Text> = $grant.end_reason.map(EndReason::name),
            device_name: Nullable<Text> = $grant.device_name.as_deref(),
            address: Nullable<Text> = $grant.seen.address.as_deref(),
            place: Nullable<Text> = $grant.seen.place.as_deref(),
            user_agent: Nullable<Text> = $grant.seen.user_agent.as_deref(),
            subject: Nullable<Text> = $grant.subject.as_deref(),
            amr: Text = $grant.amr.to_string(),
            claims: Nullable<Text> = $claims.as_deref(),
        )
    };
}

macro_rules! names {
    ($($name:ident: $type:ty = $value:expr,)+) => { ($(grants::$name,)+) };
}

macro_rules! literals {
    ($($name:ident: $type:ty = $value:expr,)+) => { ($($value.into_sql::<$type>(),)+) };
}

macro_rules! assignments {
    ($($name:ident: $type:ty = $value:expr,)+) => { ($(grants::$name.eq($value),)+) };
}

fn claims(grant: &Grant) -> Result<Option<String>> {
    let is_empty = grant.claims.is_empty() && grant.claims.reported_acr.is_none();
    let claims = (!is_empty).then(|| serde_json::to_string(&grant.claims));
    claims.transpose().map_err(|error| Error::Failed(error.to_string()))
}

/// Inserts a grant.
///
/// # Errors
/// Database errors.
pub fn insert(connection: &mut AnyConnection, grant: &Grant) -> Result<()> {
    let claims = claims(grant)?;
    let row = with_columns!(grant, claims, assignments);
    diesel::insert_into(grants::table).values(row).execute(connection)?;
    Ok(())
}

/// Inserts a grant issued in a session, unless the session has ended or consent was withdrawn: ending or withdrawing them
/// afterwards finds the grant. The session's last use is updated only if it is older than `noted_after`, so that most grants are
/// one statement.
///
/// # Errors
/// Database errors.
pub fn insert_in(connection: &mut AnyConnection, grant: &Grant, session: &Session, noted_after: Span) -> Result<bool> {
    let now = grant.created_at;
    if now.age_of(session.last_seen_at).is_below(noted_after) {
        return insert_where_held(connection, grant, session);
    }
    dialect::together(connection, |connection| {
        let is_alive = sessions::hold(connection, session, now)? && consents::hold(connection, grant.user_id, &grant.client_id)?;
        if is_alive {
            insert(connection, grant)?;
        }
        Ok(is_alive)
    })
}

/// One statement: the rows of session and consent are locked while the grant is inserted, by a shared lock, or by being the only
/// writer.
fn insert_where_held(connection: &mut AnyConnection, grant: &Grant, session: &Session) -> Result<bool> {
    let claims = claims(grant)?;
    macro_rules! row {
        () => {
            session_rows::table
                .inner_join(
                    consent_rows::table
                        .on(consent_rows::user_id.eq(session_rows::user_id).and(consent_rows::client_id.eq(&grant.client_id))),
                )
                .filter(session_rows::id.eq(session.id.as_bytes().as_slice()))
                .filter(session_rows::generation.eq(i64::from(session.generation)))
                .filter(session_rows::ended_at.is_null())
                .filter(consent_rows::given_by.ne(consents::WITHDRAWN))
                .select(with_columns!(grant, claims, literals))
        };
    }
    let names = with_columns!(grant, claims, names);
    let inserted = match connection {
        AnyConnection::Sqlite(sqlite) => write_queue::alone(|| {
            progress::expect_caller()?;
            Ok(diesel::insert_into(grants::table).values(row!()).into_columns(names).execute(sqlite)?)
        }),
        AnyConnection::Postgres(postgres) => {
            progress::expect_caller()?;
            diesel::insert_into(grants::table)
                .values(row!().for_share())
                .into_columns(names)
                .execute(postgres)
                .map_err(Error::from)
        }
    };
    Ok(inserted? == 1)
}
