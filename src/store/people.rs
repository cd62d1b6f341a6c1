//! The table `people`. Names and addresses are kept in lower case: two that differ in case alone would be
//! taken for one by whoever reads them.

use diesel::prelude::*;

use super::{
    AnyConnection, Result, dialect,
    error::Error,
    mapping::{Row, json, time, times},
    schema::{consents, grants, people},
    sessions,
};
use crate::protocol::{id::Id, person, time::Timestamp};

/// A person's row.
#[derive(Clone)]
pub struct Person {
    /// What claims tell of them.
    pub claims: person::Person,
    /// The password's hash (PHC string), if they have one.
    pub password_hash: Option<String>,
    /// Since when the account is switched off.
    pub disabled_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
}

impl Person {
    /// The name shown to people: the display name, or else the one they sign in with.
    #[must_use]
    pub fn shown_name(&self) -> &str {
        self.claims.display_name.as_deref().unwrap_or(&self.claims.username)
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
    })
}

/// The person with this id.
///
/// # Errors
/// The database's.
pub fn find(connection: &mut AnyConnection, id: Id) -> Result<Option<Person>> {
    let found = people::table.find(id.as_bytes().as_slice()).select(PersonRow::as_select()).first(connection).optional()?;
    found.map(to_value).transpose()
}

/// The person who signs in by this name or address, in any case.
///
/// # Errors
/// The database's.
pub fn find_by_login(connection: &mut AnyConnection, login: &str) -> Result<Option<Person>> {
    let login = login.trim().to_lowercase();
    let found = people::table.filter(people::username.eq(&login).or(people::email.eq(&login)));
    let found = found.select(PersonRow::as_select()).first(connection).optional()?;
    found.map(to_value).transpose()
}

/// Everyone, by name.
///
/// # Errors
/// The database's.
pub fn all(connection: &mut AnyConnection) -> Result<Vec<Person>> {
    people::table.select(PersonRow::as_select()).order(people::username).load(connection)?.into_iter().map(to_value).collect()
}

/// Inserts a person.
///
/// # Errors
/// [`super::Error::Conflict`] when name or address exist already.
pub fn insert(connection: &mut AnyConnection, person: &Person) -> Result<()> {
    diesel::insert_into(people::table)
        .values((
            people::id.eq(person.claims.id.as_bytes().as_slice()),
            people::username.eq(person.claims.username.to_lowercase()),
            people::email.eq(person.claims.email.to_lowercase()),
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

/// Changes what claims tell of a person: reads them, lets `change` have them, and writes them back, while nobody else does
/// so. `None` when there is no such person.
///
/// # Errors
/// What `change` says, or the database: [`super::Error::Conflict`] when the address is another's.
pub fn change<E: From<Error>>(
    connection: &mut AnyConnection,
    id: Id,
    now: Timestamp,
    change: impl FnOnce(&mut Person) -> std::result::Result<(), E>,
) -> std::result::Result<Option<Person>, E> {
    dialect::exclusively(connection, |connection| {
        let Some(mut person) = find(connection, id)? else { return Ok(None) };
        change(&mut person)?;
        person.claims.updated_at = now;
        update(connection, &person, now)?;
        Ok(Some(person))
    })
}

/// Sets what claims tell of a person; false when there is no such person. For who has read them just now: see [`change`].
///
/// # Errors
/// [`super::Error::Conflict`] when name or address are another's.
pub fn update(connection: &mut AnyConnection, person: &Person, now: Timestamp) -> Result<bool> {
    let rows = diesel::update(people::table.find(person.claims.id.as_bytes().as_slice()))
        .set((
            people::email.eq(person.claims.email.to_lowercase()),
            people::email_verified.eq(person.claims.email_verified),
            people::display_name.eq(person.claims.display_name.as_deref()),
            people::roles.eq(json(&person.claims.roles)),
            people::member_of.eq(json(&person.claims.groups)),
            people::attributes.eq(attributes(person)),
            people::updated_at.eq(now.millis()),
        ))
        .execute(connection)?;
    Ok(rows == 1)
}

fn attributes(person: &Person) -> String {
    serde_json::Value::Object(person.claims.attributes.clone()).to_string()
}

/// Sets the hash of a password that someone else chose, and ends the person's sessions and grants: whoever had
/// the old password is out.
///
/// # Errors
/// The database's.
pub fn reset_password(connection: &mut AnyConnection, id: Id, hash: &str, now: Timestamp) -> Result<()> {
    dialect::together(connection, |connection| {
        diesel::update(people::table.find(id.as_bytes().as_slice())).set(people::password_hash.eq(hash)).execute(connection)?;
        end_everything(connection, id, "the person's password was reset", now)
    })
}

/// Whether password and standing are still those of `person`; holds the row until the transaction ends.
pub(super) fn hold(connection: &mut AnyConnection, person: &Person) -> Result<bool> {
    let unchanged = people::table
        .find(person.claims.id.as_bytes().as_slice())
        .filter(people::password_hash.eq(person.password_hash.as_deref()))
        .filter(people::disabled_at.is_null());
    Ok(diesel::update(unchanged).set(people::password_hash.eq(person.password_hash.as_deref())).execute(connection)? == 1)
}

/// Switches the account off and ends its sessions and grants, which stay dead when it is switched on again.
///
/// # Errors
/// The database's.
pub fn disable(connection: &mut AnyConnection, id: Id, now: Timestamp) -> Result<()> {
    dialect::together(connection, |connection| {
        diesel::update(people::table.find(id.as_bytes().as_slice()).filter(people::disabled_at.is_null()))
            .set(people::disabled_at.eq(Some(now.millis())))
            .execute(connection)?;
        end_everything(connection, id, "the person's account was switched off", now)
    })
}

/// Ends every session and every grant of the person. Part of a transaction.
fn end_everything(connection: &mut AnyConnection, id: Id, why: &str, now: Timestamp) -> Result<()> {
    let key = id.as_bytes().as_slice();
    sessions::end_all(connection, id, now)?;
    diesel::update(grants::table.filter(grants::person_id.eq(key)).filter(grants::revoked_at.is_null()))
        .set((grants::revoked_at.eq(Some(now.millis())), grants::revoked_why.eq(why)))
        .execute(connection)?;
    Ok(())
}

/// Deletes a person: their sessions and grants end, what they allowed is forgotten. Their id and their pairwise
/// subjects stay theirs: neither is ever given to anyone else (OpenID Connect Core §5.7).
///
/// # Errors
/// The database's.
pub fn delete(connection: &mut AnyConnection, id: Id, now: Timestamp) -> Result<()> {
    let key = id.as_bytes().as_slice();
    dialect::together(connection, |connection| {
        end_everything(connection, id, "the person was deleted", now)?;
        diesel::delete(consents::table.filter(consents::person_id.eq(key))).execute(connection)?;
        diesel::delete(people::table.find(key)).execute(connection)?;
        Ok(())
    })
}

/// Switches the account on again.
///
/// # Errors
/// The database's.
pub fn enable(connection: &mut AnyConnection, id: Id) -> Result<()> {
    diesel::update(people::table.find(id.as_bytes().as_slice())).set(people::disabled_at.eq(None::<i64>)).execute(connection)?;
    Ok(())
}
