//! The table `people`. Names and addresses are kept in lower case: two that differ in case alone would be
//! taken for one by whoever reads them.

use diesel::prelude::*;

use super::{
    AnyConnection, Result,
    mapping::{Row, json, time, times},
    schema::people,
};
use crate::protocol::{
    id::Id,
    login_name::LoginName,
    person,
    time::{Span, Timestamp},
};

/// A person's row.
#[derive(Clone)]
pub struct Person {
    /// What claims tell of them.
    pub claims: person::Person,
    /// The password's hash (see `passwords`), if they have one.
    pub password_hash: Option<String>,
    /// Since when the account is switched off.
    pub disabled_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When they last signed in.
    pub signed_in_at: Option<Timestamp>,
    /// Since when they have to sign in again.
    pub sign_in_again_at: Option<Timestamp>,
}

impl Person {
    /// The name shown to people: the display name, or else the one they sign in with.
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

impl std::fmt::Debug for Person {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Person({})", self.claims.id)
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = people)]
struct PersonRow {
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
    member_of: String,
    attributes: String,
    signed_in_at: Option<i64>,
    sign_in_again_at: Option<i64>,
}

fn to_value(columns: PersonRow) -> Result<Person> {
    let row = Row { table: "people", name: &columns.username };
    Ok(Person {
        claims: person::Person {
            id: row.id("id", columns.id)?,
            roles: row.list("roles", &columns.roles)?,
            groups: row.list("member_of", &columns.member_of)?,
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

/// The person with this id.
///
/// # Errors
/// The database's.
pub fn find(connection: &mut AnyConnection, id: Id) -> Result<Option<Person>> {
    let found = people::table.find(id.as_bytes().as_slice()).select(PersonRow::as_select()).get_result(connection).optional()?;
    found.map(to_value).transpose()
}

/// The person who signs in by this name or address.
///
/// # Errors
/// The database's.
pub fn find_by_login(connection: &mut AnyConnection, login: &LoginName) -> Result<Option<Person>> {
    let found = people::table.filter(people::username.eq(login.as_str()).or(people::email.eq(login.as_str())));
    let found = found.select(PersonRow::as_select()).first(connection).optional()?;
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
    let some = people::table.filter(people::id.gt(after)).order(people::id).limit(i64::from(limit));
    let rows = some.select((people::id, people::username)).load::<(Vec<u8>, String)>(connection)?;
    rows.into_iter().map(|(id, username)| Row { table: "people", name: &username }.id("id", id)).collect()
}

/// Everyone, by name.
///
/// # Errors
/// The database's.
pub fn all(connection: &mut AnyConnection) -> Result<Vec<Person>> {
    people::table.select(PersonRow::as_select()).order(people::username).load(connection)?.into_iter().map(to_value).collect()
}

/// Inserts a person, and nothing else: an operator adds one by `account::add`, a link makes one by `by_link::register`.
///
/// # Errors
/// [`super::Error::Conflict`] when name or address exist already.
pub fn insert(connection: &mut AnyConnection, person: &Person) -> Result<()> {
    diesel::insert_into(people::table)
        .values((
            people::id.eq(person.claims.id.as_bytes().as_slice()),
            people::username.eq(kept(&person.claims.username)),
            people::email.eq(kept(&person.claims.email)),
            people::email_verified.eq(person.claims.email_verified),
            people::display_name.eq(person.claims.display_name.as_deref()),
            people::password_hash.eq(person.password_hash.as_deref()),
            people::disabled_at.eq(person.disabled_at.map(Timestamp::millis)),
            people::created_at.eq(person.created_at.millis()),
            people::updated_at.eq(person.claims.updated_at.millis()),
            people::roles.eq(json(&person.claims.roles)),
            people::member_of.eq(json(&person.claims.groups)),
            people::attributes.eq(attributes(person)),
        ))
        .execute(connection)?;
    Ok(())
}

/// Sets what claims tell of a person, whose row is held: a conflict when name or address are another's. Part of a
/// transaction.
pub(super) fn update(connection: &mut AnyConnection, person: &Person, now: Timestamp) -> Result<()> {
    diesel::update(people::table.find(person.claims.id.as_bytes().as_slice()))
        .set((
            people::email.eq(kept(&person.claims.email)),
            people::email_verified.eq(person.claims.email_verified),
            people::display_name.eq(person.claims.display_name.as_deref()),
            people::roles.eq(json(&person.claims.roles)),
            people::member_of.eq(json(&person.claims.groups)),
            people::attributes.eq(attributes(person)),
            people::updated_at.eq(now.millis()),
        ))
        .execute(connection)?;
    Ok(())
}

fn attributes(person: &Person) -> String {
    serde_json::Value::Object(person.claims.attributes.clone()).to_string()
}

/// Sets another hash of the password that the person has, as long as `old` is still the hash: false when the password was
/// set anew meanwhile, or its hash was. Nothing ends by it.
///
/// # Errors
/// The database's.
pub fn replace_hash(connection: &mut AnyConnection, id: Id, old: &str, new: &str) -> Result<bool> {
    let unchanged = people::table.find(id.as_bytes().as_slice()).filter(people::password_hash.eq(old));
    Ok(diesel::update(unchanged).set(people::password_hash.eq(new)).execute(connection)? == 1)
}

/// The person with this id, whose row is held until the transaction ends. Whoever changes more of an account than this row begins
/// with it, and goes on in one order, so that no two wait for each other: links, sessions, consents, grants, devices.
pub(super) fn lock(connection: &mut AnyConnection, id: Id) -> Result<Option<Person>> {
    let row = people::table.find(id.as_bytes().as_slice());
    diesel::update(row).set(people::updated_at.eq(people::updated_at)).execute(connection)?;
    find(connection, id)
}

/// Whether password and standing are still those of `person`, who has shown who they are; holds the row as [`lock`] does.
pub(super) fn holds(connection: &mut AnyConnection, person: &Person) -> Result<bool> {
    let unchanged = people::table
        .find(person.claims.id.as_bytes().as_slice())
        .filter(people::password_hash.eq(person.password_hash.as_deref()))
        .filter(people::disabled_at.is_null());
    Ok(diesel::update(unchanged).set(people::updated_at.eq(people::updated_at)).execute(connection)? == 1)
}

/// As [`holds`], of someone who signs in: when they did, `None` where they do not. A clock a little behind the one of whoever
/// asked them to sign in again does not make it earlier than that, and when they last signed in does not go back. Times further
/// ahead are of a clock that was set back since: this sign-in is what was asked for, and takes their place.
pub(super) fn hold(connection: &mut AnyConnection, person: &Person, now: Timestamp) -> Result<Option<Timestamp>> {
    if !holds(connection, person)? {
        return Ok(None);
    }
    let row = people::table.find(person.claims.id.as_bytes().as_slice());
    let (last, asked) =
        row.select((people::signed_in_at, people::sign_in_again_at)).get_result::<(Option<i64>, Option<i64>)>(connection)?;
    let (last, asked) = (times(last).filter(|last| !last.is_ahead_of(now)), times(asked));
    let asked = asked.map(|asked| if asked.is_ahead_of(now) { now } else { asked });
    let at = asked.map_or(now, |asked| now.max(asked));
    let signed_in_at = last.map_or(at, |last| last.max(at)).millis();
    let set = (people::signed_in_at.eq(Some(signed_in_at)), people::sign_in_again_at.eq(asked.map(Timestamp::millis)));
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
    let set = (people::email.eq(kept(email)), people::email_verified.eq(is_verified), people::updated_at.eq(now.millis()));
    diesel::update(people::table.find(id.as_bytes().as_slice())).set(set).execute(connection)?;
    Ok(())
}

/// Sets the name shown, or takes it away. Part of a transaction.
pub(super) fn set_display_name(connection: &mut AnyConnection, id: Id, name: Option<&str>, now: Timestamp) -> Result<()> {
    let set = (people::display_name.eq(name), people::updated_at.eq(now.millis()));
    diesel::update(people::table.find(id.as_bytes().as_slice())).set(set).execute(connection)?;
    Ok(())
}

/// Sets the password's hash, or takes the password away. Part of a transaction.
pub(super) fn set_password(connection: &mut AnyConnection, id: Id, hash: Option<&str>) -> Result<()> {
    diesel::update(people::table.find(id.as_bytes().as_slice())).set(people::password_hash.eq(hash)).execute(connection)?;
    Ok(())
}

/// Sets since when an account is switched off. Part of a transaction.
pub(super) fn set_disabled(connection: &mut AnyConnection, id: Id, at: Option<Timestamp>) -> Result<()> {
    let row = people::table.find(id.as_bytes().as_slice());
    match at {
        // The first time is the one to know.
        Some(at) => diesel::update(row.filter(people::disabled_at.is_null()))
            .set(people::disabled_at.eq(Some(at.millis())))
            .execute(connection)?,
        None => diesel::update(row).set(people::disabled_at.eq(None::<i64>)).execute(connection)?,
    };
    Ok(())
}

/// Asks the person to sign in again before anything goes on: later than their last sign-in, which may be ahead of this clock.
/// Part of a transaction.
pub(super) fn ask_to_sign_in_again(connection: &mut AnyConnection, id: Id, now: Timestamp) -> Result<()> {
    let Some(person) = lock(connection, id)? else { return Ok(()) };
    let since = person.signed_in_at.map_or(now, |last| now.max(last.plus(Span::from_millis(1))));
    let set = people::sign_in_again_at.eq(Some(since.millis()));
    diesel::update(people::table.find(id.as_bytes().as_slice())).set(set).execute(connection)?;
    Ok(())
}

/// Deletes a person's row. Part of a transaction.
pub(super) fn remove(connection: &mut AnyConnection, id: Id) -> Result<()> {
    diesel::delete(people::table.find(id.as_bytes().as_slice())).execute(connection)?;
    Ok(())
}
