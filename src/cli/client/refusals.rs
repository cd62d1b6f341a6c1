//! The last refused requests of a client, as `symbolon client check` prints them, with the command that would allow each. Anyone can
//! send a request in a client's name: a command is made of what is registered, never of what was sent, but for a redirect URI at a
//! host that the client has already.

use serde::Serialize;
use url::Url;

use super::super::{
    Error, Work,
    output::{self, time},
};
use crate::{
    operations::clients,
    protocol::oauth::{
        client::{Client, ClientMetadata},
        client_refusal::ClientRefusal,
    },
};

/// A refused request.
#[derive(Serialize)]
pub struct Shown {
    endpoint: String,
    error: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<String>,
    count: i64,
    last_at: String,
}

/// Those of a client, latest first.
pub fn of(work: &mut Work<'_>, client: &Client) -> Result<Vec<Shown>, Error> {
    let found = clients::refusals(work, &client.id)?.into_iter();
    Ok(found.map(|refusal| shown(client, refusal)).collect())
}

fn shown(client: &Client, refusal: ClientRefusal) -> Shown {
    let ClientRefusal { endpoint, reason, count, last_at, .. } = refusal;
    let of_uri = || reason.redirect_uri.as_deref().and_then(|received| with_redirect_uri(client, received));
    let remedy = reason.remedy.clone().or_else(of_uri);
    Shown { endpoint, error: reason.error, remedy, count, last_at: time(last_at) }
}

/// As text, below the findings.
pub fn text(refusals: &[Shown]) -> String {
    if refusals.is_empty() {
        return "\nNo refused request was recorded in the last 30 days. It takes ten seconds until one is.\n".into();
    }
    let row = |one: &Shown| [one.last_at.clone(), one.count.to_string(), one.endpoint.clone(), one.error.clone()];
    let rows: Vec<_> = refusals.iter().map(row).collect();
    let table = output::table(["LAST", "COUNT", "ENDPOINT", "ERROR"], &rows);
    let mut remedies: Vec<_> = refusals.iter().filter_map(|one| one.remedy.clone()).collect();
    remedies.sort();
    remedies.dedup();
    let allow = if remedies.is_empty() {
        String::new()
    } else {
        let lines: Vec<_> = remedies.iter().map(|command| format!("  {}\n", output::clean(command))).collect();
        format!("\nTo allow such requests, if they are the client's:\n{}", lines.concat())
    };
    format!("\nLast refused requests. Anyone can send requests in the name of a client, and errors quote them.\n\n{table}{allow}")
}

/// The command that registers a redirect URI besides those registered, if it is at a host of theirs and can be registered.
fn with_redirect_uri(client: &Client, received: &str) -> Option<String> {
    let uris = &client.settings.redirect_uris;
    let place = |uri: &str| Url::parse(uri).ok().and_then(|url| Some((url.scheme().to_owned(), url.host_str()?.to_owned())));
    let is_known_place = place(received).is_some_and(|of| uris.iter().any(|uri| place(uri).as_ref() == Some(&of)));
    if !is_known_place || uris.iter().any(|uri| uri == received) {
        return None;
    }
    let redirect_uris: Vec<_> = uris.iter().cloned().chain([received.to_owned()]).collect();
    let can_be = ClientMetadata { redirect_uris, ..client.settings.clone() }.check().is_ok();
    can_be.then(|| format!("symbolon client set {} --add-redirect-uri {}", client.id, quoted(received)))
}

/// A word for a POSIX shell: in single quotes nothing else is special, and one is written outside them.
fn quoted(word: &str) -> String {
    let is_plain = word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:/".contains(&byte));
    if is_plain { word.to_owned() } else { format!("'{}'", word.replace('\'', "'\\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{
        oauth::{client::ClientKind, scope::Scopes},
        values::time::Timestamp,
    };

    #[test]
    fn a_redirect_uri_is_offered_beside_those_registered_at_their_host_alone() {
        let mut client = Client::new("app", "App", ClientKind::Web, Timestamp::from_millis(0));
        client.settings.redirect_uris = vec!["https://app.example/cb".into()];
        client.settings.scope = Scopes::parse("openid").unwrap();
        let offered = |received: &str| with_redirect_uri(&client, received);
        for (received, word) in [
            ("https://app.example/callback", "https://app.example/callback"),
            ("https://app.example/cb?a=1", "'https://app.example/cb?a=1'"),
            ("https://app.example/;touch$IFS/tmp/x", "'https://app.example/;touch$IFS/tmp/x'"),
            ("https://app.example/it's", "'https://app.example/it'\\''s'"),
        ] {
            let command = format!("symbolon client set app --add-redirect-uri {word}");
            assert_eq!(offered(received), Some(command), "{received}");
        }
        for received in [
            "https://app.example/cb",
            "https://evil.example/cb",
            "http://app.example/cb",
            "https://app.example/cb#x",
            "https://app.example@evil.example/cb",
            "https://app.example/cb?code=1",
            "app.example/cb",
        ] {
            assert_eq!(offered(received), None, "{received}");
        }
    }
}
