//! `symbolon client rotate-secret` and `retire-secret`: a client may have two active secrets, so that it takes over a new one
//! without an outage. A secret is printed once, when it is created; only its hash is stored.

use super::{
    super::{Answer, Error, Work, output, refuse},
    One,
    shown::Shown,
    unknown,
};
use crate::{
    protocol::oauth::{
        client::{AuthMethod, Client},
        client_auth::secret_hash,
    },
    random,
    store::clients,
};

/// Creates a new secret; the old one stays active, unless it is to be revoked at once.
pub fn rotate(work: &mut Work<'_>, one: &One, at_once: bool) -> Answer {
    let secret = random::client_secret();
    let change = |client: &mut Client| -> Result<(), Error> {
        refuse_without(client)?;
        if client.previous_secret_hash.is_some() && !at_once {
            return refuse(format!(
                "client '{}' already has two active secrets: retire the old one (symbolon client retire-secret), or revoke both with --now",
                client.id
            ));
        }
        client.previous_secret_hash = client.secret_hash.replace(secret_hash(secret.expose())).filter(|_| !at_once);
        Ok(())
    };
    let Some(client) = clients::update(work.connection, &one.id, |_, client| change(client))? else { return unknown(&one.id) };
    one.format.json_for_all(&Shown::with_secret(&client, Some(&secret)))
}

/// Revokes the older of two secrets.
pub fn retire(work: &mut Work<'_>, one: &One) -> Answer {
    let mut had_two = false;
    let changed = clients::update(work.connection, &one.id, |_, client| -> Result<(), Error> {
        refuse_without(client)?;
        had_two = client.previous_secret_hash.take().is_some();
        Ok(())
    })?;
    let Some(client) = changed else { return unknown(&one.id) };
    let text = || {
        let done = if had_two { "the old secret was revoked; the new secret is active" } else { "there was no old secret" };
        output::clean(&format!("client {}: {done}", client.id)) + "\n"
    };
    one.format.answer(&Shown::new(&client), text)
}

fn refuse_without(client: &Client) -> Result<(), Error> {
    let why = match client.settings.token_endpoint_auth_method {
        AuthMethod::ClientSecretBasic | AuthMethod::ClientSecretPost => return Ok(()),
        AuthMethod::None => format!("a {} client, which has no secret", client.settings.kind.as_str()),
        AuthMethod::PrivateKeyJwt => "one that uses private_key_jwt and has no secret".into(),
    };
    refuse(format!("client '{}': expected a client with a secret, received {why}", client.id))
}
