//! The table `users`. Names and addresses are kept in lower case: two that differ in case alone would be
//! taken for one by whoever reads them.

use diesel::prelude::*;

use super::{
    AnyConnection, Result,
    mapping::{Row, json, time, times},
    schema::users,
};
use crate::protocol::{
    id::Id,
    login_name::LoginName,
    time::{Span, Timestamp},
    user,
};

/// A user's row.
#[derive(Clone)]
pub struct User {
    /// What claims tell of them.
    pub claims: user::User,
    /// The password's hash (see `passwords`), if they have one.
    pub password_hash: Option<String>,
    /// Since when the account is disabled.
    pub disabled_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When they last signed in.
    pub signed_in_at: Option<Timestamp>,
    /// Since when they have to sign in again.
    pub sign_in_again_at: Option<Timestamp>,
}

impl User {
    /// The name shown to users: the display name, or else the one they sign in with.
    #[must_use]
    pub fn shown_name(&self) -> &str {
        self.claims.display_name.as_deref().unwrap_or(&self.claims.username)
    }

    /// Whether they get a link by mail to set a new password.
    #[must_use]
    pub const fn can_recover(&self) -> bool {
        self.claims.email_verified && self.disabled_at.is_none()
    }

    /// Since when they have to sign in again before anything goes on; `None` when they need not, or have.
    #[must_use]
    pub fn must_sign_in_since(&self) -> Option<Timestamp> {
        self.sign_in_again_at.filter(|since| Some(*since) > self.signed_in_at)
    }
}

impl std::fmt::Debug for User {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Person({})", self.claims.id)
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = users)]
struct UserRow {
    id: Vec<u8>,
    username: String,
    email: String,
    email_verified: bool,
    display_name: Option<String>,
    password_hash: Option<String>,
    disabled_at: Option<i64>,
    created_at: i64,
    updated_at: i64,
    roles: String,
    groups: String,
    attributes: String,
    signed_in_at: Option<i64>,
    sign_in_again_at: Option<i64>,
}

fn to_value(columns: UserRow) -> Result<User> {
    let row = Row { table: "users", name: &columns.username };
    Ok(User {
        claims: user::User {
            id: row.id("id", columns.id)?,
            roles: row.list("roles", &columns.roles)?,
            groups: row.list("member_of", &columns.groups)?,
            attributes: row.json("attributes", &columns.attributes)?,
            display_name: columns.display_name,
            email: columns.email,
            email_verified: columns.email_verified,
            updated_at: time(columns.updated_at),
            username: columns.username,
        },
        password_hash: columns.password_hash,
        disabled_at: times(columns.disabled_at),
        created_at: time(columns.created_at),
        signed_in_at: times(columns.signed_in_at),
        sign_in_again_at: times(columns.sign_in_again_at),
    })
}

/// The user with this id.
///
/// # Errors
/// The database's.
pub fn find(connection: &mut AnyConnection, id: Id) -> Result<Option<User>> {
    let found = users::table.find(id.as_bytes().as_slice()).select(UserRow::as_select()).get_result(connection).optional()?;
    found.map(to_value).transpose()
}

/// The user who signs in by this name or address.
///
/// # Errors
/// The database's.
pub fn find_by_login(connection: &mut AnyConnection, login: &LoginName) -> Result<Option<User>> {
    let found = users::table.filter(users::username.eq(login.as_str()).or(users::email.eq(login.as_str())));
    let found = found.select(UserRow::as_select()).first(connection).optional()?;
    found.map(to_value).transpose()
}

/// A name or address in the spelling in which it is found again.
fn kept(name: &str) -> String {
    LoginName::parse(name).as_str().to_owned()
}

/// Some of everyone by id, behind this one, at most `limit`.
///
/// # Errors
/// The database's.
pub fn ids_after(connection: &mut AnyConnection, after: Option<Id>, limit: u32) -> Result<Vec<Id>> {
    let after = after.as_ref().map_or(&[][..], |id| id.as_bytes().as_slice());
    let some = users::table.filter(users::id.gt(after)).order(users::id).limit(i64::from(limit));
    let rows = some.select((users::id, users::username)).load::<(Vec<u8>, String)>(connection)?;
    rows.into_iter().map(|(id, username)| Row { table: "users", name: &username }.id("id", id)).collect()
}

/// Everyone, by name.
///
/// # Errors
/// The database's.
pub fn all(connection: &mut AnyConnection) -> Result<Vec<User>> {
    users::table.select(UserRow::as_select()).order(users::username).load(connection)?.into_iter().map(to_value).collect()
}

/// Inserts a user, and nothing else: an operator adds one by `account::add`, a link makes one by `link_actions::register`.
///
/// # Errors
/// [`super::Error::Conflict`] when name or address exist already.
pub fn insert(connection: &mut AnyConnection, user: &User) -> Result<()> {
    diesel::insert_into(users::table)
        .values((
            users::id.eq(user.claims.id.as_bytes().as_slice()),
            users::username.eq(kept(&user.claims.username)),
            users::email.eq(kept(&user.claims.email)),
            users::email_verified.eq(user.claims.email_verified),
            users::display_name.eq(user.claims.display_name.as_deref()),
            users::password_hash.eq(user.password_hash.as_deref()),
            users::disabled_at.eq(user.disabled_at.map(Timestamp::millis)),
            users::created_at.eq(user.created_at.millis()),
            users::updated_at.eq(user.claims.updated_at.millis()),
            users::roles.eq(json(&user.claims.roles)),
            users::groups.eq(json(&user.claims.groups)),
            users::attributes.eq(attributes(user)),
        ))
        .execute(connection)?;
    Ok(())
}

/// Sets what claims tell of a user, whose row is held: a conflict when name or address are another's. Part of a
/// transaction.
pub(super) fn update(connection: &mut AnyConnection, user: &User, now: Timestamp) -> Result<()> {
    diesel::update(users::table.find(user.claims.id.as_bytes().as_slice()))
        .set((
            users::email.eq(kept(&user.claims.email)),
            users::email_verified.eq(user.claims.email_verified),
            users::display_name.eq(user.claims.display_name.as_deref()),
            users::roles.eq(json(&user.claims.roles)),
            users::groups.eq(json(&user.claims.groups)),
            users::attributes.eq(attributes(user)),
            users::updated_at.eq(now.millis()),
        ))
        .execute(connection)?;
    Ok(())
}

fn attributes(user: &User) -> String {
    serde_json::Value::Object(user.claims.attributes.clone()).to_string()
}

/// Sets another hash of the password that the user has, as long as `old` is still the hash: false when the password was
/// set anew meanwhile, or its hash was. Nothing ends by it.
///
/// # Errors
/// The database's.
pub fn replace_hash(connection: &mut AnyConnection, id: Id, old: &str, new: &str) -> Result<bool> {
    let unchanged = users::table.find(id.as_bytes().as_slice()).filter(users::password_hash.eq(old));
    Ok(diesel::update(unchanged).set(users::password_hash.eq(new)).execute(connection)? == 1)
}

/// The user with this id, whose row is held until the transaction ends. Whoever changes more of an account than this row begins
/// with it, and goes on in one order, so that no two wait for each other: links, sessions, consents, grants, devices.
pub(super) fn lock(connection: &mut AnyConnection, id: Id) -> Result<Option<User>> {
    let row = users::table.find(id.as_bytes().as_slice());
    diesel::update(row).set(users::updated_at.eq(users::updated_at)).execute(connection)?;
    find(connection, id)
}

/// Whether password and standing are still those of `user`, who has shown who they are; holds the row as [`lock`] does.
pub(super) fn holds(connection: &mut AnyConnection, user: &User) -> Result<bool> {
    let unchanged = users::table
        .find(user.claims.id.as_bytes().as_slice())
        .filter(users::password_hash.eq(user.password_hash.as_deref()))
        .filter(users::disabled_at.is_null());
    Ok(diesel::update(unchanged).set(users::updated_at.eq(users::updated_at)).execute(connection)? == 1)
}

/// As [`holds`], of someone who signs in: when they did, `None` where they do not. A clock a little behind the one of whoever
/// asked them to sign in again does not make it earlier than that, and when they last signed in does not go back. Times further
/// ahead are of a clock that was set back since: this sign-in is what was asked for, and takes their place.
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

/// Sets the address, and whether it is known to be theirs: [`super::Error::Conflict`] when another has it. Part of a transaction.
pub(super) fn set_email(
    connection: &mut AnyConnection,
    id: Id,
    (email, is_verified): (&str, bool),
    now: Timestamp,
) -> Result<()> {
    let set = (users::email.eq(kept(email)), users::email_verified.eq(is_verified), users::updated_at.eq(now.millis()));
    diesel::update(users::table.find(id.as_bytes().as_slice())).set(set).execute(connection)?;
    Ok(())
}

/// Sets the name shown, or takes it away. Part of a transaction.
pub(super) fn set_display_name(connection: &mut AnyConnection, id: Id, name: Option<&str>, now: Timestamp) -> Result<()> {
    let set = (users::display_name.eq(name), users::updated_at.eq(now.millis()));
    diesel::update(users::table.find(id.as_bytes().as_slice())).set(set).execute(connection)?;
    Ok(())
}

/// Sets the password's hash, or takes the password away. Part of a transaction.
pub(super) fn set_password(connection: &mut AnyConnection, id: Id, hash: Option<&str>) -> Result<()> {
    diesel::update(users::table.find(id.as_bytes().as_slice())).set(users::password_hash.eq(hash)).execute(connection)?;
    Ok(())
}

/// Sets since when an account is disabled. Part of a transaction.
pub(super) fn set_disabled(connection: &mut AnyConnection, id: Id, at: Option<Timestamp>) -> Result<()> {
    let row = users::table.find(id.as_bytes().as_slice());
    match at {
        // The first time is the one to know.
        Some(at) => diesel::update(row.filter(users::disabled_at.is_null()))
            .set(users::disabled_at.eq(Some(at.millis())))
            .execute(connection)?,
        None => diesel::update(row).set(users::disabled_at.eq(None::<i64>)).execute(connection)?,
    };
    Ok(())
}

/// Asks the user to sign in again before anything goes on: later than their last sign-in, which may be ahead of this clock.
/// Part of a transaction.
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
