//! The table `sessions`: browsers in which a user is signed in. A session's cookie is a credential derived from id and generation;
//! nothing in the row is enough to take the session over.

mod beginning;
pub(super) mod deletion;
mod ending;
pub mod purge;

use diesel::prelude::*;

use super::{
    AnyConnection, Result, consents,
    dialect::on_either,
    error::Error,
    mapping::{Row, time, times},
    revisions::revision,
    schema::{consents as consent_rows, sessions, users as users_rows},
};
use ending::end_row;

pub(super) use beginning::renew_cookie;
pub use beginning::{SignIn, TWICE, begin, begin_in, just_begun, just_stepped_up, step_up};
pub use ending::{Offline, end, end_expired};
pub(super) use ending::{end_all, end_in};

use crate::protocol::{
    account::{
        activity::Origin,
        proof::{Proof, Proofs},
    },
    oidc::authentication::{Amr, Class, Method},
    values::{
        id::Id,
        time::{Span, Timestamp},
    },
};

/// A browser session.
#[derive(Clone, Debug)]
pub struct Session {
    /// Its primary key, and the `sid` of the tokens.
    pub id: Id,
    /// The signed-in user.
    pub user_id: Id,
    /// Rises with each sign-in; cookies of older generations are invalid.
    pub generation: u32,
    /// When the user last authenticated.
    pub auth_time: Timestamp,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last used to sign in or to answer a client.
    pub last_seen_at: Timestamp,
    /// Its absolute expiry.
    pub expires_at: Timestamp,
    /// When it was ended.
    pub ended_at: Option<Timestamp>,
    /// The origin and browser of the last sign-in.
    pub origin: Origin,
    /// How the user authenticated (RFC 8176).
    pub amr: Amr,
    /// What the user has shown in it, and when.
    pub proofs: Proofs,
    /// Whether it survives closing the browser, and lasts longer.
    pub remembered: bool,
    /// The value of the cookie that identifies the browser.
    pub device_id: Option<String>,
    /// Since when the user is required to sign in again; for a deleted user, from after every sign-in.
    pub sign_in_again_at: Option<Timestamp>,
    /// The subject that another provider gave the user.
    pub subject: Option<String>,
}

/// The maximum number of ids in one statement.
const TOGETHER: usize = 500;

#[derive(Queryable, Selectable)]
#[diesel(table_name = sessions)]
struct SessionRow {
    id: Vec<u8>,
    user_id: Vec<u8>,
    generation: i64,
    auth_time: i64,
    created_at: i64,
    last_seen_at: i64,
    expires_at: i64,
    ended_at: Option<i64>,
    user_agent: Option<String>,
    address: Option<String>,
    place: Option<String>,
    amr: String,
    remembered: bool,
    device_id: Option<String>,
    proofs: Option<String>,
}

/// A session's columns, and since when its user is required to sign in again, if there is still such a user.
type Columns = (SessionRow, OfUser);
/// When the user was created, so that there is a value where there is a user; since when they are required to sign in again; and
/// the subject that was kept.
type OfUser = Option<(i64, Option<i64>, Option<String>)>;

/// After every sign-in.
const NEVER: Timestamp = Timestamp::from_millis(i64::MAX);

fn to_value((columns, user): Columns) -> Result<Session> {
    // Nobody signs in again as a user who was deleted.
    let (sign_in_again_at, subject) = user.map_or((Some(NEVER), None), |(_, since, subject)| (times(since), subject));
    let row = Row { table: "sessions", name: &columns.created_at };
    let amr = row.name("amr", Amr::parse(&columns.amr))?;
    let proofs = columns.proofs.as_deref().map(|text| row.name("proofs", Proofs::parse(text))).transpose()?;
    Ok(Session {
        id: row.id("id", columns.id)?,
        user_id: row.id("user_id", columns.user_id)?,
        generation: row.generation("generation", columns.generation)?,
        auth_time: time(columns.auth_time),
        created_at: time(columns.created_at),
        last_seen_at: time(columns.last_seen_at),
        expires_at: time(columns.expires_at),
        ended_at: times(columns.ended_at),
        origin: Origin { address: columns.address, place: columns.place, user_agent: columns.user_agent },
        proofs: counted(proofs, &amr, time(columns.auth_time)),
        amr,
        remembered: columns.remembered,
        device_id: columns.device_id,
        sign_in_again_at,
        subject,
    })
}

/// The proofs that count. A version that does not know them writes the methods alone, for a session of its own or one that it renews:
/// then the password of its sign-in is all that was shown.
fn counted(stored: Option<Proofs>, amr: &Amr, auth_time: Timestamp) -> Proofs {
    let stored = stored.filter(|proofs| proofs.amr().as_ref() == Some(amr));
    let by_password = || (*amr == Amr::password()).then(|| Proofs::from(Proof { method: Method::Password, at: auth_time }));
    stored.or_else(by_password).unwrap_or_default()
}

/// Sessions joined with their user: the selected columns.
macro_rules! with_user {
    () => {
        sessions::table.left_join(users_rows::table.on(users_rows::id.eq(sessions::user_id))).select((
            SessionRow::as_select(),
            (users_rows::created_at, users_rows::sign_in_again_at, users_rows::subject).nullable(),
        ))
    };
}

impl Session {
    /// The class of what was shown in it.
    #[must_use]
    pub fn class(&self) -> Option<Class> {
        Class::of(&self.amr)
    }

    /// Whether the session is no longer signed in: ended, expired, idle for `idle`, or its user required to sign in again. A
    /// sign-in in the future, made before the clock was set back, requires a new one too: its true time and expiry are unknown. A
    /// last use in the future ends nothing: the next use corrects it.
    #[must_use]
    pub fn is_over(&self, now: Timestamp, idle: Span) -> bool {
        let is_stale = self.sign_in_again_at.is_some_and(|since| self.auth_time < since) || self.auth_time.is_ahead_of(now);
        self.ended_at.is_some() || is_stale || now >= self.expires_at || now.since(self.last_seen_at) >= idle
    }
}

/// The session with this id.
///
/// # Errors
/// Database errors.
pub fn find(connection: &mut AnyConnection, id: Id) -> Result<Option<Session>> {
    let found = with_user!().filter(sessions::id.eq(id.as_bytes().as_slice())).get_result::<Columns>(connection).optional()?;
    found.map(to_value).transpose()
}

/// A session, with what a client's request needs besides it.
#[derive(Clone, Debug)]
pub struct Read {
    /// The session.
    pub session: Session,
    /// The consent for the client, or that its user has withdrawn it.
    pub recorded: Option<consents::Recorded>,
    /// The revision of clients and APIs.
    pub revision: Option<i64>,
}

/// The session with this id, the consent of its user for this client, and the revision of clients and APIs, in one statement.
///
/// # Errors
/// Database errors.
pub fn read(connection: &mut AnyConnection, id: Id, client: &str) -> Result<Option<Read>> {
    type Columns = (SessionRow, OfUser, Option<consents::Columns>, Option<i64>);
    let found: Option<Columns> = on_either!(connection, one => {
        sessions::table
            .left_join(users_rows::table.on(users_rows::id.eq(sessions::user_id)))
            .left_join(
                consent_rows::table
                    .on(consent_rows::user_id.eq(sessions::user_id).and(consent_rows::client_id.eq(client))),
            )
            .filter(sessions::id.eq(id.as_bytes().as_slice()))
            .select((
                SessionRow::as_select(),
                (users_rows::created_at, users_rows::sign_in_again_at, users_rows::subject).nullable(),
                (consent_rows::scopes, consent_rows::audiences, consent_rows::given_by).nullable(),
                revision!(),
            ))
            .get_result(one)
            .optional()
    })?;
    let to_read = |(row, user, recorded, revision): Columns| {
        let session = to_value((row, user))?;
        let recorded = recorded.map(|columns| consents::to_value(session.user_id, &columns)).transpose()?;
        Ok(Read { session, recorded, revision })
    };
    found.map(to_read).transpose()
}

/// Inserts a session.
///
/// # Errors
/// Database errors.
pub fn insert(connection: &mut AnyConnection, session: &Session) -> Result<()> {
    diesel::insert_into(sessions::table)
        .values((
            sessions::id.eq(session.id.as_bytes().as_slice()),
            sessions::user_id.eq(session.user_id.as_bytes().as_slice()),
            sessions::generation.eq(i64::from(session.generation)),
            sessions::auth_time.eq(session.auth_time.millis()),
            sessions::created_at.eq(session.created_at.millis()),
            sessions::last_seen_at.eq(session.last_seen_at.millis()),
            sessions::expires_at.eq(session.expires_at.millis()),
            sessions::ended_at.eq(session.ended_at.map(Timestamp::millis)),
            sessions::user_agent.eq(session.origin.user_agent.as_deref()),
            sessions::address.eq(session.origin.address.as_deref()),
            sessions::place.eq(session.origin.place.as_deref()),
            sessions::amr.eq(session.amr.to_string()),
            sessions::proofs.eq(Some(session.proofs.to_string())),
            sessions::remembered.eq(session.remembered),
            sessions::device_id.eq(session.device_id.as_deref()),
        ))
        .execute(connection)?;
    Ok(())
}

/// Records that the session is in use, and locks its row until the transaction ends, so that ending it concurrently happens before
/// or after. False if it was ended or renewed meanwhile.
pub(super) fn hold(connection: &mut AnyConnection, session: &Session, now: Timestamp) -> Result<bool> {
    let row = sessions::table
        .find(session.id.as_bytes().as_slice())
        .filter(sessions::generation.eq(i64::from(session.generation)))
        .filter(sessions::ended_at.is_null());
    Ok(diesel::update(row).set(sessions::last_seen_at.eq(now.millis())).execute(connection)? == 1)
}

/// Every session of a user that was not ended, last used first.
///
/// # Errors
/// Database errors.
pub fn unended_of(connection: &mut AnyConnection, user: Id) -> Result<Vec<Session>> {
    let theirs = with_user!().filter(sessions::user_id.eq(user.as_bytes().as_slice()));
    let rows = theirs.filter(sessions::ended_at.is_null()).order(sessions::last_seen_at.desc()).load::<Columns>(connection)?;
    rows.into_iter().map(to_value).collect()
}

/// A page of these sessions, after one last used at this time, at most `limit`.
///
/// # Errors
/// Database errors.
pub fn unended_before(
    connection: &mut AnyConnection,
    user: Id,
    before: Option<(Timestamp, Id)>,
    limit: u32,
) -> Result<Vec<Session>> {
    let (at, id) = before.map_or((i64::MAX, Id::from_bytes([0xff; 16])), |(at, id)| (at.millis(), id));
    let same_time = sessions::last_seen_at.eq(at).and(sessions::id.lt(id.as_bytes().as_slice()));
    let theirs = with_user!()
        .filter(sessions::user_id.eq(user.as_bytes().as_slice()))
        .filter(sessions::ended_at.is_null())
        .filter(sessions::last_seen_at.lt(at).or(same_time))
        .order((sessions::last_seen_at.desc(), sessions::id.desc()));
    theirs.limit(i64::from(limit)).load::<Columns>(connection)?.into_iter().map(to_value).collect()
}

/// The sessions with these ids that exist, in no particular order.
///
/// # Errors
/// Database errors.
pub fn among(connection: &mut AnyConnection, ids: &[Id]) -> Result<Vec<Session>> {
    let mut found = Vec::with_capacity(ids.len());
    for some in ids.chunks(TOGETHER) {
        let keys = some.iter().map(|id| id.as_bytes().as_slice());
        found.extend(with_user!().filter(sessions::id.eq_any(keys)).load::<Columns>(connection)?);
    }
    found.into_iter().map(to_value).collect()
}

/// Every stored session of a user, newest first.
///
/// # Errors
/// Database errors.
pub fn of_user(connection: &mut AnyConnection, user: Id) -> Result<Vec<Session>> {
    let theirs = with_user!().filter(sessions::user_id.eq(user.as_bytes().as_slice()));
    theirs.order(sessions::id.desc()).load::<Columns>(connection)?.into_iter().map(to_value).collect()
}

/// Sessions past their absolute expiry that were not ended, oldest first, at most `limit`.
fn expired(connection: &mut AnyConnection, now: Timestamp, limit: u32) -> Result<Vec<Session>> {
    let expired = with_user!().filter(sessions::ended_at.is_null()).filter(sessions::expires_at.le(now.millis()));
    let rows = expired.order(sessions::expires_at).limit(i64::from(limit)).load::<Columns>(connection)?;
    // An unreadable row does not keep the others from being ended.
    let report = |error: &Error| tracing::error!(%error, "an expired session could not be read: skipped");
    Ok(rows.into_iter().filter_map(|row| to_value(row).inspect_err(report).ok()).collect())
}

/// Records that the session is in use.
///
/// # Errors
/// Database errors.
pub fn touch(connection: &mut AnyConnection, session: &Session, now: Timestamp) -> Result<bool> {
    hold(connection, session, now)
}

/// Heals a row that is older than a genuine cookie, because the database was restored to an earlier state: the row follows the
/// cookie, unless it has ended. False if a concurrent request did so before.
///
/// # Errors
/// Database errors.
pub fn heal(connection: &mut AnyConnection, id: Id, generation: u32) -> Result<bool> {
    let behind = sessions::table
        .find(id.as_bytes().as_slice())
        .filter(sessions::generation.lt(i64::from(generation)))
        .filter(sessions::ended_at.is_null());
    Ok(diesel::update(behind).set(sessions::generation.eq(i64::from(generation))).execute(connection)? == 1)
}
