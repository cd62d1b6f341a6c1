//! `symbolon client rotate-secret` and `retire-secret`. A secret is printed once, when it is created.

use super::{
    super::{Answer, Work, note, output},
    One,
    shown::Shown,
};
use crate::{
    operations::clients::{self, NewSecret},
    protocol::oauth::client::Client,
};

/// Says so where the secret that is printed does not authenticate the client.
pub fn note_secret(client: &Client) {
    if client.settings.secret_for_native {
        note(
            "note: this client secret does not authenticate the app: every copy of the app contains it, and the client stays public",
        );
    }
}

/// Creates a new secret; the old one stays active, unless it is to be revoked at once.
pub fn rotate(work: &mut Work<'_>, one: &One, at_once: bool) -> Answer {
    let NewSecret { client, secret } = clients::rotate_secret(work, &one.id, at_once)?;
    note_secret(&client);
    one.format.json_for_all(&Shown::with_secret(&client, Some(&secret)))
}

/// Revokes the older of two secrets.
pub fn retire(work: &mut Work<'_>, one: &One) -> Answer {
    let (client, had_two) = clients::retire_secret(work, &one.id)?;
    let text = || {
        let done = if had_two { "the old secret was revoked; the new secret is active" } else { "there was no old secret" };
        output::clean(&format!("client {}: {done}", client.id)) + "\n"
    };
    one.format.answer(&Shown::new(&client), text)
}
