//! What was ended, by the names under which people know it: browsers and apps. The names that they gave to browsers are forgotten
//! with an account's devices, so they are read before.

use std::collections::BTreeMap;

use crate::{
    protocol::{id::Id, user_agent},
    store::{AnyConnection, account::Ended, clients, devices},
    web::fault::Fault,
};

/// The names of a person's devices.
pub struct Names(BTreeMap<String, String>);

impl Names {
    /// Those that the person gave.
    pub fn of(connection: &mut AnyConnection, person: Id) -> Result<Self, Fault> {
        let devices = devices::of(connection, person)?;
        Ok(Self(devices.into_iter().filter_map(|device| Some((device.id, device.name?))).collect()))
    }

    /// "Work laptop (Firefox on Linux)", or the program alone.
    pub fn browsers(&self, ended: &Ended) -> Vec<String> {
        let told = ended.sessions.iter().map(|session| {
            let program = user_agent::words(session.origin.user_agent.as_deref().unwrap_or_default());
            match session.device_id.as_ref().and_then(|device| self.0.get(device)) {
                Some(name) => format!("{name} ({program})"),
                None => program,
            }
        });
        told.collect()
    }
}

/// "Example Notes (Work phone)": each app with the name of the device, or the program that it was last seen as.
pub fn apps(connection: &mut AnyConnection, ended: &Ended) -> Result<Vec<String>, Fault> {
    let mut known: BTreeMap<&str, String> = BTreeMap::new();
    let mut told = Vec::with_capacity(ended.grants.len());
    for grant in &ended.grants {
        if !known.contains_key(grant.client_id.as_str()) {
            let client = clients::find(connection, &grant.client_id)?;
            known.insert(&grant.client_id, client.map_or_else(|| grant.client_id.clone(), |client| client.name));
        }
        let app = known.get(grant.client_id.as_str()).map_or(grant.client_id.as_str(), String::as_str);
        let on = grant.device_name.clone().or_else(|| grant.seen.user_agent.as_deref().map(user_agent::words));
        told.push(on.map_or_else(|| app.to_owned(), |on| format!("{app} ({on})")));
    }
    Ok(told)
}
