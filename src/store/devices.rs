//! The table `devices`: browsers that a user has signed in with, and the networks they came from. A browser is recognised by its
//! cookie together with its address range, never by the address alone. Rows under the id of a grant hold the networks of its app.

use diesel::prelude::*;

use super::{
    AnyConnection, Result,
    mapping::{Row, json, times},
    schema::devices,
};
use crate::protocol::values::{id::Id, time::Timestamp};

/// The maximum number of networks remembered per device.
const NETWORKS: usize = 16;

/// The maximum number of devices remembered per user: the last seen ones.
const DEVICES: usize = 100;

/// What was already known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The device.
    pub device: bool,
    /// The network, with any device of the user.
    pub network: bool,
}

/// A device, as stored.
#[derive(Clone, Debug)]
pub struct Device {
    /// The value of its cookie.
    pub id: String,
    /// The name given by the user.
    pub name: Option<String>,
    /// The address ranges it was seen in, newest first.
    pub networks: Vec<String>,
    /// When it was first seen.
    pub first_seen_at: i64,
    /// When it was last seen.
    pub last_seen_at: i64,
    /// Until when it needs no code of a TOTP app to sign in.
    pub trusted_until: Option<Timestamp>,
}

type Columns = (String, Option<String>, String, i64, i64, Option<i64>);

/// Every device of a user.
///
/// # Errors
/// Database errors.
pub fn of(connection: &mut AnyConnection, user: Id) -> Result<Vec<Device>> {
    let rows: Vec<Columns> = devices::table
        .filter(devices::user_id.eq(user.as_bytes().as_slice()))
        .select((
            devices::id,
            devices::name,
            devices::networks,
            devices::first_seen_at,
            devices::last_seen_at,
            devices::trusted_until,
        ))
        .order(devices::id)
        .load(connection)?;
    let to_value = |(id, name, networks, first_seen_at, last_seen_at, trusted_until): Columns| {
        let networks = Row { table: "devices", name: &user }.list("networks", &networks)?;
        Ok(Device { id, name, networks, first_seen_at, last_seen_at, trusted_until: times(trusted_until) })
    };
    rows.into_iter().map(to_value).collect()
}

/// Whether this user has signed in with this device.
///
/// # Errors
/// Database errors.
pub fn is_known(connection: &mut AnyConnection, user: Id, device: &str) -> Result<bool> {
    let row = devices::table.find((user.as_bytes().as_slice(), device));
    Ok(row.select(devices::first_seen_at).get_result::<i64>(connection).optional()?.is_some())
}

/// Whether this user was seen in this address range, with any device. Takes as long for a user who does not exist.
///
/// # Errors
/// Database errors.
pub fn is_near(connection: &mut AnyConnection, user: Id, range: &str) -> Result<bool> {
    let theirs = devices::table.filter(devices::user_id.eq(user.as_bytes().as_slice()));
    let near = theirs.filter(devices::networks.like(format!("%\"{range}\"%")));
    Ok(near.select(devices::first_seen_at).first::<i64>(connection).optional()?.is_some())
}

/// Records that a device was seen in a network, and returns what was already known. Part of a transaction.
pub(super) fn see(connection: &mut AnyConnection, user: Id, (device, network): (&str, &str), now: Timestamp) -> Result<Seen> {
    let known = of(connection, user)?;
    let own = known.iter().find(|one| one.id == device);
    let is_near = known.iter().any(|one| one.networks.iter().any(|one| one == network));
    let before = own.map(|own| own.networks.clone()).unwrap_or_default();
    let others = before.into_iter().filter(|one| one != network);
    let networks: Vec<_> = std::iter::once(network.to_owned()).chain(others).take(NETWORKS).collect();
    let seen = (devices::networks.eq(json(&networks)), devices::last_seen_at.eq(now.millis()));
    let key = (user.as_bytes().as_slice(), device);
    if own.is_some() {
        diesel::update(devices::table.find(key)).set(seen).execute(connection)?;
    } else {
        let key = (devices::user_id.eq(key.0), devices::id.eq(key.1), devices::first_seen_at.eq(now.millis()));
        diesel::insert_into(devices::table).values((key, seen)).execute(connection)?;
    }
    let mut oldest: Vec<_> = known.iter().filter(|one| one.id != device).collect();
    oldest.sort_by_key(|one| std::cmp::Reverse(one.last_seen_at));
    for forgotten in oldest.into_iter().skip(DEVICES - 1) {
        diesel::delete(devices::table.find((key.0, &forgotten.id))).execute(connection)?;
    }
    Ok(Seen { device: own.is_some(), network: is_near })
}

/// Names a device; false if the user has no such device.
///
/// # Errors
/// Database errors.
pub fn rename(connection: &mut AnyConnection, user: Id, device: &str, name: Option<&str>) -> Result<bool> {
    let row = devices::table.find((user.as_bytes().as_slice(), device));
    Ok(diesel::update(row).set(devices::name.eq(name)).execute(connection)? == 1)
}

/// Whether this device of this user needs no code of a TOTP app now.
///
/// # Errors
/// Database errors.
pub fn is_trusted(connection: &mut AnyConnection, user: Id, device: &str, now: Timestamp) -> Result<bool> {
    let row = devices::table.find((user.as_bytes().as_slice(), device)).filter(devices::trusted_until.gt(now.millis()));
    Ok(row.select(devices::first_seen_at).get_result::<i64>(connection).optional()?.is_some())
}

/// Trusts a device of a user until this time, or no longer; false if the user has no such device.
///
/// # Errors
/// Database errors.
pub fn trust(connection: &mut AnyConnection, user: Id, device: &str, until: Option<Timestamp>) -> Result<bool> {
    let row = devices::table.find((user.as_bytes().as_slice(), device));
    Ok(diesel::update(row).set(devices::trusted_until.eq(until.map(Timestamp::millis))).execute(connection)? == 1)
}

/// Trusts no device of a user any longer; returns how many were.
///
/// # Errors
/// Database errors.
pub fn trust_none(connection: &mut AnyConnection, user: Id) -> Result<usize> {
    let theirs = devices::table.filter(devices::user_id.eq(user.as_bytes().as_slice()));
    let trusted = theirs.filter(devices::trusted_until.is_not_null());
    Ok(diesel::update(trusted).set(devices::trusted_until.eq(None::<i64>)).execute(connection)?)
}

/// Trusts no device of a user any longer, except this one. Part of a transaction.
pub(super) fn end_trust(connection: &mut AnyConnection, user: Id, but: Option<&str>) -> Result<()> {
    let theirs = devices::table.filter(devices::user_id.eq(user.as_bytes().as_slice()));
    let trusted = theirs.filter(devices::trusted_until.is_not_null()).filter(devices::id.ne(but.unwrap_or_default()));
    diesel::update(trusted).set(devices::trusted_until.eq(None::<i64>)).execute(connection)?;
    Ok(())
}

/// Deletes every device of a user, none of which is recognised afterwards. Part of a transaction.
pub(super) fn forget(connection: &mut AnyConnection, user: Id) -> Result<()> {
    diesel::delete(devices::table.filter(devices::user_id.eq(user.as_bytes().as_slice()))).execute(connection)?;
    Ok(())
}

/// Deletes devices of a user, at most `limit`, and returns how many it found. Part of a transaction.
pub(super) fn forget_of_user(connection: &mut AnyConnection, user: Id, limit: u32) -> Result<usize> {
    let theirs = || devices::table.filter(devices::user_id.eq(user.as_bytes().as_slice()));
    let keys: Vec<String> = theirs().select(devices::id).limit(i64::from(limit)).load(connection)?;
    diesel::delete(theirs().filter(devices::id.eq_any(&keys))).execute(connection)?;
    Ok(keys.len())
}

/// Deletes devices not seen since this time, at most about `limit`; returns how many.
///
/// # Errors
/// Database errors.
pub fn forget_before(connection: &mut AnyConnection, before: Timestamp, limit: u32) -> Result<usize> {
    let old = devices::table.filter(devices::last_seen_at.lt(before.millis()));
    let by_age = old.order(devices::last_seen_at).select(devices::last_seen_at);
    let end = by_age.offset(i64::from(limit.max(1)) - 1).first::<i64>(connection).optional()?;
    let end = end.unwrap_or(before.millis() - 1);
    Ok(diesel::delete(devices::table.filter(devices::last_seen_at.le(end))).execute(connection)?)
}

/// Deletes the devices under the ids of purged grants, each with its user. Part of a transaction.
pub(super) fn forget_apps(connection: &mut AnyConnection, grants: &[(Id, Id)]) -> Result<()> {
    let users: Vec<_> = grants.iter().map(|(_, user)| user.as_bytes().as_slice()).collect();
    let theirs = devices::table.filter(devices::user_id.eq_any(users)).select((devices::user_id, devices::id));
    for (user, device) in theirs.load::<(Vec<u8>, String)>(connection)? {
        if grants.iter().any(|(grant, _)| grant.to_string() == device) {
            diesel::delete(devices::table.find((user, device))).execute(connection)?;
        }
    }
    Ok(())
}
