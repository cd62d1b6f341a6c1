//! The table `authenticators`: the passkeys, TOTP apps and sets of recovery codes of users. The password is in `users`. Whoever
//! changes what an account can be entered with does so in `account`, which tells its owner.

use diesel::{dsl::count, prelude::*};

use super::{
    AnyConnection, Result,
    mapping::{Row, time, times},
    schema::{authenticators, users},
};
use crate::protocol::{
    account::authenticator::AuthenticatorKind,
    values::{id::Id, time::Timestamp},
};

/// An authenticator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authenticator {
    /// Its primary key.
    pub id: Id,
    /// Whose it is.
    pub user_id: Id,
    /// Its kind.
    pub kind: AuthenticatorKind,
    /// The name that its owner gave it.
    pub name: Option<String>,
    /// The id by which a browser names a passkey.
    pub credential_id: Option<Vec<u8>>,
    /// A passkey's public key; the secret of a TOTP app or of a set of recovery codes, sealed under the server secret and its id.
    pub content: Vec<u8>,
    /// A passkey's signature counter, the last time step that a TOTP app has signed in with, or which recovery codes are used.
    pub counter: i64,
    /// A passkey's model: its AAGUID.
    pub model: Option<String>,
    /// Whether a passkey is kept by a provider on several devices (its backup state).
    pub synced: bool,
    /// Whether a passkey's maker has attested its model.
    pub attested: bool,
    /// When it was added.
    pub created_at: Timestamp,
    /// When it was last used.
    pub last_used_at: Option<Timestamp>,
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = authenticators)]
struct AuthenticatorRow {
    id: Vec<u8>,
    user_id: Vec<u8>,
    kind: String,
    name: Option<String>,
    credential_id: Option<Vec<u8>>,
    content: Vec<u8>,
    counter: i64,
    model: Option<String>,
    synced: bool,
    attested: bool,
    created_at: i64,
    last_used_at: Option<i64>,
}

fn to_value(row: AuthenticatorRow) -> Result<Authenticator> {
    let of = Row { table: "authenticators", name: &row.created_at };
    Ok(Authenticator {
        id: of.id("id", row.id)?,
        user_id: of.id("user_id", row.user_id)?,
        kind: of.name("kind", AuthenticatorKind::from_name(&row.kind))?,
        name: row.name,
        credential_id: row.credential_id,
        content: row.content,
        counter: row.counter,
        model: row.model,
        synced: row.synced,
        attested: row.attested,
        created_at: time(row.created_at),
        last_used_at: times(row.last_used_at),
    })
}

/// What a user has besides a password, oldest first.
///
/// # Errors
/// Database errors.
pub fn of_user(connection: &mut AnyConnection, user: Id) -> Result<Vec<Authenticator>> {
    let theirs = authenticators::table.filter(authenticators::user_id.eq(user.as_bytes().as_slice()));
    let rows = theirs.order(authenticators::id).select(AuthenticatorRow::as_select()).load(connection)?;
    rows.into_iter().map(to_value).collect()
}

/// The authenticator with this id.
///
/// # Errors
/// Database errors.
pub fn find(connection: &mut AnyConnection, id: Id) -> Result<Option<Authenticator>> {
    let row = authenticators::table.find(id.as_bytes().as_slice()).select(AuthenticatorRow::as_select());
    row.get_result(connection).optional()?.map(to_value).transpose()
}

/// The passkey with this credential id.
///
/// # Errors
/// Database errors.
pub fn find_passkey(connection: &mut AnyConnection, credential_id: &[u8]) -> Result<Option<Authenticator>> {
    let row = authenticators::table.filter(authenticators::credential_id.eq(credential_id)).select(AuthenticatorRow::as_select());
    row.get_result(connection).optional()?.map(to_value).transpose()
}

/// How many users have what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counts {
    /// All users.
    pub users: i64,
    /// Those with a password.
    pub with_password: i64,
    /// Those with a passkey or a TOTP app.
    pub with_second_factor: i64,
    /// Those with an authenticator of a kind.
    pub of_kind: Vec<(AuthenticatorKind, i64)>,
}

/// Counts the users who have what. It reads every authenticator.
///
/// # Errors
/// Database errors.
pub fn counts(connection: &mut AnyConnection) -> Result<Counts> {
    let users_with = |connection: &mut AnyConnection, kinds: &[AuthenticatorKind]| -> Result<i64> {
        let kinds = kinds.iter().map(|kind| kind.as_str());
        let theirs = authenticators::table.filter(authenticators::kind.eq_any(kinds));
        Ok(theirs.select(count(authenticators::user_id).aggregate_distinct()).get_result(connection)?)
    };
    let mut of_kind = Vec::new();
    for kind in AuthenticatorKind::ALL {
        of_kind.push((*kind, users_with(connection, &[*kind])?));
    }
    Ok(Counts {
        users: users::table.count().get_result(connection)?,
        with_password: users::table.filter(users::password_hash.is_not_null()).count().get_result(connection)?,
        with_second_factor: users_with(connection, &[AuthenticatorKind::Passkey, AuthenticatorKind::Totp])?,
        of_kind,
    })
}

/// Inserts an authenticator. Part of a transaction.
///
/// # Errors
/// [`super::Error::Conflict`] if its credential id is another's.
pub(super) fn insert(connection: &mut AnyConnection, one: &Authenticator) -> Result<()> {
    let row = AuthenticatorRow {
        id: one.id.as_bytes().to_vec(),
        user_id: one.user_id.as_bytes().to_vec(),
        kind: one.kind.as_str().to_owned(),
        name: one.name.clone(),
        credential_id: one.credential_id.clone(),
        content: one.content.clone(),
        counter: one.counter,
        model: one.model.clone(),
        synced: one.synced,
        attested: one.attested,
        created_at: one.created_at.millis(),
        last_used_at: one.last_used_at.map(Timestamp::millis),
    };
    diesel::insert_into(authenticators::table).values(row).execute(connection)?;
    Ok(())
}

/// Moves the counter from the value that was read: of concurrent uses of one code, one does. False for the others, and if the
/// authenticator is gone.
///
/// # Errors
/// Database errors.
pub fn advance(connection: &mut AnyConnection, before: &Authenticator, counter: i64, at: Timestamp) -> Result<bool> {
    let row = authenticators::table.find(before.id.as_bytes().as_slice()).filter(authenticators::counter.eq(before.counter));
    let set = (authenticators::counter.eq(counter), authenticators::last_used_at.eq(Some(at.millis())));
    Ok(diesel::update(row).set(set).execute(connection)? == 1)
}

/// The sealed contents of TOTP apps and sets of recovery codes after this id, in the order of ids: at most `limit`, each with its id.
///
/// # Errors
/// Database errors.
pub fn sealed_after(connection: &mut AnyConnection, after: Id, limit: u32) -> Result<Vec<(Id, Vec<u8>)>> {
    let kinds = [AuthenticatorKind::Totp, AuthenticatorKind::RecoveryCodes].map(AuthenticatorKind::as_str);
    let sealed = authenticators::table.filter(authenticators::id.gt(after.as_bytes().as_slice()));
    let sealed = sealed.filter(authenticators::kind.eq_any(kinds)).order(authenticators::id).limit(i64::from(limit));
    let rows = sealed.select((authenticators::id, authenticators::content)).load::<(Vec<u8>, Vec<u8>)>(connection)?;
    let of = |id| Row { table: "authenticators", name: &"sealed" }.id("id", id);
    rows.into_iter().map(|(id, content)| Ok((of(id)?, content))).collect()
}

/// Stores a content that was sealed again, unless it has changed meanwhile.
///
/// # Errors
/// Database errors.
pub fn reseal(connection: &mut AnyConnection, id: Id, (old, new): (&[u8], &[u8])) -> Result<bool> {
    let row = authenticators::table.find(id.as_bytes().as_slice()).filter(authenticators::content.eq(old));
    Ok(diesel::update(row).set(authenticators::content.eq(new)).execute(connection)? == 1)
}

/// Records the use of a passkey whose counter is ahead of the stored one, or which has none; false otherwise, and if it is gone. Of
/// concurrent uses with one counter, one does.
pub(super) fn advance_passkey(
    connection: &mut AnyConnection,
    id: Id,
    (counter, synced): (i64, bool),
    at: Timestamp,
) -> Result<bool> {
    let ahead = authenticators::counter.lt(counter).or(authenticators::counter.eq(0).and(authenticators::counter.eq(counter)));
    let row = authenticators::table.find(id.as_bytes().as_slice()).filter(ahead);
    Ok(diesel::update(row).set(used(counter, synced, at)).execute(connection)? == 1)
}

/// Records the use of a passkey, whatever its counter. Part of a transaction.
pub(super) fn set_passkey(connection: &mut AnyConnection, id: Id, (counter, synced): (i64, bool), at: Timestamp) -> Result<()> {
    diesel::update(authenticators::table.find(id.as_bytes().as_slice())).set(used(counter, synced, at)).execute(connection)?;
    Ok(())
}

#[derive(AsChangeset)]
#[diesel(table_name = authenticators)]
struct UsedPasskey {
    counter: i64,
    synced: bool,
    last_used_at: Option<i64>,
}

fn used(counter: i64, synced: bool, at: Timestamp) -> UsedPasskey {
    UsedPasskey { counter, synced, last_used_at: Some(at.millis()) }
}

/// Sets or removes the name that its owner gave to an authenticator; false if they have no such.
pub(super) fn rename(connection: &mut AnyConnection, user: Id, id: Id, name: Option<&str>) -> Result<bool> {
    let row = authenticators::table.find(id.as_bytes().as_slice()).filter(authenticators::user_id.eq(user.as_bytes().as_slice()));
    Ok(diesel::update(row).set(authenticators::name.eq(name)).execute(connection)? == 1)
}

/// Removes an authenticator of a user; false if they have no such. Part of a transaction.
pub(super) fn remove(connection: &mut AnyConnection, user: Id, id: Id) -> Result<bool> {
    let row = authenticators::table.find(id.as_bytes().as_slice()).filter(authenticators::user_id.eq(user.as_bytes().as_slice()));
    Ok(diesel::delete(row).execute(connection)? == 1)
}

/// Removes every authenticator of a user. Part of a transaction.
pub(super) fn remove_all(connection: &mut AnyConnection, user: Id) -> Result<()> {
    diesel::delete(authenticators::table.filter(authenticators::user_id.eq(user.as_bytes().as_slice()))).execute(connection)?;
    Ok(())
}
