//! The table `users`. Names and addresses are stored in lower case: people would take two that differ only in case for one.

use diesel::prelude::*;

use super::{
    AnyConnection, Result,
    mapping::{Row, json, time, times},
    schema::users,
    subjects,
};
use crate::protocol::{
    account::{login_name::LoginName, user},
    values::{
        id::Id,
        time::{Span, Timestamp},
    },
};

/// A user's row.
#[derive(Clone)]
pub struct User {
    /// The data behind the user's claims.
    pub claims: user::User,
    /// The password hash (see `passwords`), if they have one.
    pub password_hash: Option<String>,
    /// When the account was disabled.
    pub disabled_at: Option<Timestamp>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When they last signed in.
    pub signed_in_at: Option<Timestamp>,
    /// Since when they are required to sign in again.
    pub sign_in_again_at: Option<Timestamp>,
}

impl User {
    /// The name shown to users: the display name, or else the user name.
    #[must_use]
    pub fn shown_name(&self) -> &str {
        self.claims.display_name.as_deref().unwrap_or(&self.claims.username)
    }

    /// Whether they can reset their password by e-mail.
    #[must_use]
    pub const fn can_recover(&self) -> bool {
        self.claims.email_verified && self.disabled_at.is_none()
    }

    /// Since when they are required to sign in again before any grant can be used; `None` if they are not, or have done so.
    #[must_use]
    pub fn must_sign_in_since(&self) -> Option<Timestamp> {
        self.sign_in_again_at.filter(|since| Some(*since) > self.signed_in_at)
    }
}

impl std::fmt::Debug for User {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "User({})", self.claims.id)
    }
}

/// The columns behind a user's claims, which are also read along with a grant.
#[derive(Clone, Queryable, Selectable)]
#[diesel(table_name = users)]
pub(super) struct ClaimsRow {
    id: Vec<u8>,
    username: String,
    email: Option<String>,
    email_verified: bool,
    display_name: Option<String>,
    updated_at: i64,
    roles: String,
    groups: String,
    attributes: String,
    subject: Option<String>,
}

impl ClaimsRow {
    /// The user name.
    pub(super) fn username(&self) -> &str {
        &self.username
    }

    /// The data behind the user's claims.
    pub(super) fn to_value(&self) -> Result<user::User> {
        let row = Row { table: "users", name: &self.username };
        Ok(user::User {
            id: row.id("id", self.id.clone())?,
            roles: row.list("roles", &self.roles)?,
            groups: row.list("groups", &self.groups)?,
            attributes: row.json("attributes", &self.attributes)?,
            display_name: self.display_name.clone(),
            email: self.email.clone().unwrap_or_default(),
            email_verified: self.email_verified,
            updated_at: time(self.updated_at),
            subject: self.subject.clone(),
            username: self.username.clone(),
        })
    }
}

impl std::fmt::Debug for ClaimsRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ClaimsRow")
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = users)]
struct UserRow {
    #[diesel(embed)]
    claims: ClaimsRow,
    password_hash: Option<String>,
    disabled_at: Option<i64>,
    created_at: i64,
    signed_in_at: Option<i64>,
    sign_in_again_at: Option<i64>,
}

fn to_value(columns: UserRow) -> Result<User> {
    Ok(User {
        claims: columns.claims.to_value()?,
        password_hash: columns.password_hash,
        disabled_at: times(columns.disabled_at),
        created_at: time(columns.created_at),
        signed_in_at: times(columns.signed_in_at),
        sign_in_again_at: times(columns.sign_in_again_at),
    })
}

/// The maximum number of ids in one statement.
const TOGETHER: usize = 500;

/// The user with this id.
///
/// # Errors
/// Database errors.
pub fn find(connection: &mut AnyConnection, id: Id) -> Result<Option<User>> {
    let found = users::table.find(id.as_bytes().as_slice()).select(UserRow::as_select()).get_result(connection).optional()?;
    found.map(to_value).transpose()
}

/// The user with this user name or address.
///
/// # Errors
/// Database errors.
pub fn find_by_login(connection: &mut AnyConnection, login: &LoginName) -> Result<Option<User>> {
    let found = users::table.filter(users::username.eq(login.as_str()).or(users::email.eq(login.as_str())));
    let found = found.select(UserRow::as_select()).first(connection).optional()?;
    found.map(to_value).transpose()
}

/// The user whose passkeys know them by this handle.
///
/// # Errors
/// Database errors.
pub fn find_by_handle(connection: &mut AnyConnection, handle: &[u8]) -> Result<Option<User>> {
    let found = users::table.filter(users::user_handle.eq(handle)).select(UserRow::as_select()).first(connection).optional()?;
    found.map(to_value).transpose()
}

/// The handle by which passkeys know this user, if they ever had one.
///
/// # Errors
/// Database errors.
pub fn handle(connection: &mut AnyConnection, id: Id) -> Result<Option<Vec<u8>>> {
    let row = users::table.find(id.as_bytes().as_slice()).select(users::user_handle);
    Ok(row.get_result::<Option<Vec<u8>>>(connection).optional()?.flatten())
}

/// Gives the user this handle, if they have none; whether it is theirs now. Part of a transaction.
pub(super) fn keep_handle(connection: &mut AnyConnection, id: Id, handle: &[u8]) -> Result<bool> {
    let row = users::table.find(id.as_bytes().as_slice());
    let without = row.filter(users::user_handle.is_null());
    diesel::update(without).set(users::user_handle.eq(Some(handle))).execute(connection)?;
    let theirs = self::handle(connection, id)?;
    Ok(theirs.as_deref() == Some(handle))
}

/// The spelling in which a name or address is stored and looked up.
fn kept(name: &str) -> String {
    LoginName::parse(name).as_str().to_owned()
}

/// As [`kept`]; no address is no text.
fn address(email: &str) -> Option<String> {
    (!email.is_empty()).then(|| kept(email))
}

/// Some user ids in order, after this one, at most `limit`.
///
/// # Errors
/// Database errors.
pub fn ids_after(connection: &mut AnyConnection, after: Option<Id>, limit: u32) -> Result<Vec<Id>> {
    let after = after.as_ref().map_or(&[][..], |id| id.as_bytes().as_slice());
    let some = users::table.filter(users::id.gt(after)).order(users::id).limit(i64::from(limit));
    let rows = some.select((users::id, users::username)).load::<(Vec<u8>, String)>(connection)?;
    rows.into_iter().map(|(id, username)| Row { table: "users", name: &username }.id("id", id)).collect()
}

/// The names of those of these users who exist.
///
/// # Errors
/// Database errors.
pub fn names(connection: &mut AnyConnection, mut ids: Vec<Id>) -> Result<Vec<(Id, String)>> {
    ids.sort_unstable();
    ids.dedup();
    let mut found = Vec::with_capacity(ids.len());
    for some in ids.chunks(TOGETHER) {
        let keys = some.iter().map(|id| id.as_bytes().as_slice());
        let rows = users::table.filter(users::id.eq_any(keys)).select((users::id, users::username));
        for (id, username) in rows.load::<(Vec<u8>, String)>(connection)? {
            found.push((Row { table: "users", name: &username }.id("id", id)?, username));
        }
    }
    Ok(found)
}

/// Users ordered by name, after this one, at most `limit`.
///
/// # Errors
/// Database errors.
pub fn page(connection: &mut AnyConnection, after: Option<&str>, limit: u32) -> Result<Vec<User>> {
    let some = users::table.filter(users::username.gt(after.unwrap_or_default())).order(users::username);
    let rows = some.limit(i64::from(limit)).select(UserRow::as_select()).load(connection)?;
    rows.into_iter().map(to_value).collect()
}

/// Inserts a user, and nothing else: an operator adds one by `account::add`, a link by `link_actions::register`.
///
/// # Errors
/// [`super::Error::Conflict`] if the name, the address or the subject is already taken.
pub fn insert(connection: &mut AnyConnection, user: &User) -> Result<()> {
    diesel::insert_into(users::table)
        .values((
            users::id.eq(user.claims.id.as_bytes().as_slice()),
            users::username.eq(kept(&user.claims.username)),
            users::email.eq(address(&user.claims.email)),
            users::email_verified.eq(user.claims.email_verified),
            users::display_name.eq(user.claims.display_name.as_deref()),
            users::password_hash.eq(user.password_hash.as_deref()),
            users::disabled_at.eq(user.disabled_at.map(Timestamp::millis)),
            users::created_at.eq(user.created_at.millis()),
            users::updated_at.eq(user.claims.updated_at.millis()),
            users::roles.eq(json(&user.claims.roles)),
            users::groups.eq(json(&user.claims.groups)),
            users::attributes.eq(attributes(user)),
            users::subject.eq(user.claims.subject.as_deref()),
        ))
        .execute(connection)?;
    user.claims.subject.as_deref().map_or(Ok(()), |subject| subjects::keep(connection, user.claims.id, subjects::PUBLIC, subject))
}

/// Sets the data behind a user's claims, with the row locked: a conflict if the name or address is another user's. Part of a
/// transaction.
pub(super) fn update(connection: &mut AnyConnection, user: &User, now: Timestamp) -> Result<()> {
    diesel::update(users::table.find(user.claims.id.as_bytes().as_slice()))
        .set((
            users::email.eq(address(&user.claims.email)),
            users::email_verified.eq(user.claims.email_verified),
            users::display_name.eq(user.claims.display_name.as_deref()),
            users::roles.eq(json(&user.claims.roles)),
            users::groups.eq(json(&user.claims.groups)),
            users::attributes.eq(attributes(user)),
            users::updated_at.eq(now.millis()),
        ))
        .execute(connection)?;
    rename(connection, user.claims.id, &user.claims.email)
}

/// A user name that is the address changes with it: otherwise a user who gets the old address could not be told from this one.
fn rename(connection: &mut AnyConnection, id: Id, email: &str) -> Result<()> {
    let row = users::table.find(id.as_bytes().as_slice()).filter(users::username.like("%@%"));
    diesel::update(row).set(users::username.eq(kept(email))).execute(connection)?;
    Ok(())
}

fn attributes(user: &User) -> String {
    serde_json::Value::Object(user.claims.attributes.clone()).to_string()
}

/// Stores another hash of the same password, as long as `old` is still the hash: false if the password was changed or rehashed
/// meanwhile. No session or grant ends by it.
///
/// # Errors
/// Database errors.
pub fn replace_hash(connection: &mut AnyConnection, id: Id, old: &str, new: &str) -> Result<bool> {
    let unchanged = users::table.find(id.as_bytes().as_slice()).filter(users::password_hash.eq(old));
    Ok(diesel::update(unchanged).set(users::password_hash.eq(new)).execute(connection)? == 1)
}

/// The user with this id, with the row locked until the transaction ends. A transaction that changes more of an account begins with
/// it, and continues in a fixed order, so that no two deadlock: links, sessions, consents, grants, devices.
pub(super) fn lock(connection: &mut AnyConnection, id: Id) -> Result<Option<User>> {
    let row = users::table.find(id.as_bytes().as_slice());
    diesel::update(row).set(users::updated_at.eq(users::updated_at)).execute(connection)?;
    find(connection, id)
}

/// Whether password and account status are still those of `user`, who has authenticated; locks the row as [`lock`] does.
pub(super) fn holds(connection: &mut AnyConnection, user: &User) -> Result<bool> {
    let row = users::table.find(user.claims.id.as_bytes().as_slice()).filter(users::disabled_at.is_null());
    let touched = users::updated_at.eq(users::updated_at);
    // Two statements, because to SQL nothing equals NULL, not even no password.
    let rows = match user.password_hash.as_deref() {
        Some(hash) => diesel::update(row.filter(users::password_hash.eq(hash))).set(touched).execute(connection)?,
        None => diesel::update(row.filter(users::password_hash.is_null())).set(touched).execute(connection)?,
    };
    Ok(rows == 1)
}

/// As [`holds`], for a sign-in: the time of the sign-in, or `None` if it is refused. If this clock is a little behind the one that
/// required the new sign-in, the sign-in is dated no earlier than that requirement; the last sign-in never moves back. Times
/// further ahead come from a clock that was set back since: this sign-in satisfies the requirement, and replaces them.
pub(super) fn hold(connection: &mut AnyConnection, user: &User, now: Timestamp) -> Result<Option<Timestamp>> {
    if !holds(connection, user)? {
        return Ok(None);
    }
    let row = users::table.find(user.claims.id.as_bytes().as_slice());
    let (last, requested) =
        row.select((users::signed_in_at, users::sign_in_again_at)).get_result::<(Option<i64>, Option<i64>)>(connection)?;
    let (last, requested) = (times(last).filter(|last| !last.is_ahead_of(now)), times(requested));
    let requested = requested.map(|requested| if requested.is_ahead_of(now) { now } else { requested });
    let at = requested.map_or(now, |requested| now.max(requested));
    let signed_in_at = last.map_or(at, |last| last.max(at)).millis();
    let set = (users::signed_in_at.eq(Some(signed_in_at)), users::sign_in_again_at.eq(requested.map(Timestamp::millis)));
    diesel::update(row).set(set).execute(connection)?;
    Ok(Some(at))
}

/// Sets the address, and whether it is verified: [`super::Error::Conflict`] if another user has it. Part of a transaction.
pub(super) fn set_email(
    connection: &mut AnyConnection,
    id: Id,
    (email, is_verified): (&str, bool),
    now: Timestamp,
) -> Result<()> {
    let set = (users::email.eq(address(email)), users::email_verified.eq(is_verified), users::updated_at.eq(now.millis()));
    diesel::update(users::table.find(id.as_bytes().as_slice())).set(set).execute(connection)?;
    rename(connection, id, email)
}

/// Sets or removes the display name. Part of a transaction.
pub(super) fn set_display_name(connection: &mut AnyConnection, id: Id, name: Option<&str>, now: Timestamp) -> Result<()> {
    let set = (users::display_name.eq(name), users::updated_at.eq(now.millis()));
    diesel::update(users::table.find(id.as_bytes().as_slice())).set(set).execute(connection)?;
    Ok(())
}

/// Sets or removes the password hash. Part of a transaction.
pub(super) fn set_password(connection: &mut AnyConnection, id: Id, hash: Option<&str>) -> Result<()> {
    diesel::update(users::table.find(id.as_bytes().as_slice())).set(users::password_hash.eq(hash)).execute(connection)?;
    Ok(())
}

/// Sets when an account was disabled. Part of a transaction.
pub(super) fn set_disabled(connection: &mut AnyConnection, id: Id, at: Option<Timestamp>) -> Result<()> {
    let row = users::table.find(id.as_bytes().as_slice());
    match at {
        // The first time is kept.
        Some(at) => diesel::update(row.filter(users::disabled_at.is_null()))
            .set(users::disabled_at.eq(Some(at.millis())))
            .execute(connection)?,
        None => diesel::update(row).set(users::disabled_at.eq(None::<i64>)).execute(connection)?,
    };
    Ok(())
}

/// Requires the user to sign in again: dated after their last sign-in, which may be ahead of this clock. Part of a transaction.
pub(super) fn ask_to_sign_in_again(connection: &mut AnyConnection, id: Id, now: Timestamp) -> Result<()> {
    let Some(user) = lock(connection, id)? else { return Ok(()) };
    let since = user.signed_in_at.map_or(now, |last| now.max(last.plus(Span::from_millis(1))));
    let set = users::sign_in_again_at.eq(Some(since.millis()));
    diesel::update(users::table.find(id.as_bytes().as_slice())).set(set).execute(connection)?;
    Ok(())
}

/// Deletes a user's row. Part of a transaction.
pub(super) fn remove(connection: &mut AnyConnection, id: Id) -> Result<()> {
    diesel::delete(users::table.find(id.as_bytes().as_slice())).execute(connection)?;
    Ok(())
}
