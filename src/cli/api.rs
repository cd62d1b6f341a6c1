//! `symbolon api`: the APIs that tokens are for (RFC 8707), with their scopes. What may be registered is decided by
//! `protocol::oauth::api::Api::check`; what is removed from an API is removed from every client too, and reported.

use clap::{Args, Subcommand};
use serde::Serialize;

use super::{
    Answer, Error, Work,
    output::{self, Format, time},
    refuse,
};
use crate::{
    protocol::oauth::{
        api::{Api, ApiScope},
        client::Client,
    },
    store::{self, apis, clients},
};

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Register an API
    Add {
        /// The identifier, an absolute URI: the audience of its tokens
        uri: String,
        /// The name shown to users
        #[arg(long)]
        name: String,
        /// A scope, with a description for the consent page; can be repeated
        #[arg(long = "scope", value_name = "SCOPE[=DESCRIPTION]")]
        scopes: Vec<String>,
        #[command(flatten)]
        format: Format,
    },
    /// List all APIs
    List(Format),
    /// Show an API and the clients that can use it
    Show(One),
    /// Change an API; scopes that no longer belong to any API are removed from all clients
    Set {
        #[command(flatten)]
        changes: Changes,
        #[command(flatten)]
        format: Format,
    },
    /// Remove an API, and remove it from all clients with the scopes that no other API has
    Remove(One),
}

#[derive(Debug, Args)]
pub struct One {
    /// The API's identifier
    uri: String,
    #[command(flatten)]
    format: Format,
}

#[derive(Debug, Args)]
pub struct Changes {
    /// The API's identifier
    uri: String,
    /// The name shown to users
    #[arg(long)]
    name: Option<String>,
    /// The new list of scopes, replacing the current one; can be repeated
    #[arg(long = "scope", value_name = "SCOPE[=DESCRIPTION]", conflicts_with_all = ["more", "fewer"])]
    scopes: Vec<String>,
    /// Add a scope, or change its description; can be repeated
    #[arg(id = "more", long = "add-scope", value_name = "SCOPE[=DESCRIPTION]")]
    more: Vec<String>,
    /// Remove a scope; can be repeated
    #[arg(id = "fewer", long = "remove-scope", value_name = "SCOPE")]
    fewer: Vec<String>,
}

/// An API, as printed.
#[derive(Serialize)]
struct Shown<'a> {
    uri: &'a str,
    name: &'a str,
    scopes: &'a [ApiScope],
    /// The clients that may request tokens for it.
    clients: Vec<&'a str>,
    /// The clients that may introspect those tokens.
    introspected_by: Vec<&'a str>,
    created: String,
}

/// What a client loses by a change.
#[derive(Serialize)]
struct Loss {
    client_id: String,
    apis: Vec<String>,
    scopes: Vec<String>,
}

impl Command {
    pub fn run(self, work: &mut Work<'_>) -> Answer {
        match self {
            Self::Add { uri, name, scopes, format } => {
                let api = Api { uri, name: name.trim().into(), scopes: scopes_of(&scopes), created_at: work.now };
                add(work, &api, format)
            }
            Self::List(format) => list(work, format),
            Self::Show(one) => show(work, &one),
            Self::Set { changes, format } => set(work, &changes, format),
            Self::Remove(one) => remove(work, &one),
        }
    }
}

impl Changes {
    /// Applies the change to the API, which is checked again.
    fn make(&self, api: &mut Api) -> Result<(), Error> {
        if let Some(name) = &self.name {
            name.trim().clone_into(&mut api.name);
        }
        if !self.scopes.is_empty() {
            api.scopes = scopes_of(&self.scopes);
        }
        for name in &self.fewer {
            let before = api.scopes.len();
            api.scopes.retain(|scope| scope.name != *name);
            if api.scopes.len() == before {
                return refuse(format!("scope '{name}': the API has no such scope"));
            }
        }
        for scope in scopes_of(&self.more) {
            match api.scopes.iter_mut().find(|own| own.name == scope.name) {
                Some(own) => *own = scope,
                None => api.scopes.push(scope),
            }
        }
        Ok(())
    }
}

fn add(work: &mut Work<'_>, api: &Api, format: Format) -> Answer {
    api.check(work.config.scope_claims.scopes())?;
    match apis::insert(work.connection, api) {
        Err(store::Error::Conflict(_)) => refuse(format!("API '{}' is already registered", api.uri)),
        inserted => {
            inserted?;
            // A client in an older database may already name it.
            let clients = clients::all(work.connection)?;
            format.answer(&shown(api, &clients), || output::clean(&format!("registered API {}", api.uri)) + "\n")
        }
    }
}

fn list(work: &mut Work<'_>, format: Format) -> Answer {
    let (all, clients) = (apis::all(work.connection)?, clients::all(work.connection)?);
    let row = |api: &Api| {
        let scopes: Vec<_> = api.scopes.iter().map(|scope| scope.name.as_str()).collect();
        [api.uri.clone(), api.name.clone(), time(api.created_at), scopes.join(" ")]
    };
    let text = || output::table(["API", "NAME", "CREATED", "SCOPES"], &all.iter().map(row).collect::<Vec<_>>());
    format.answer(&all.iter().map(|api| shown(api, &clients)).collect::<Vec<_>>(), text)
}

fn show(work: &mut Work<'_>, one: &One) -> Answer {
    let Some(api) = apis::of(work.connection, std::slice::from_ref(&one.uri))?.pop() else { return unknown(&one.uri) };
    let clients = clients::all(work.connection)?;
    let shown = shown(&api, &clients);
    one.format.answer(&shown, || text(&shown))
}

fn set(work: &mut Work<'_>, changes: &Changes, format: Format) -> Answer {
    let before = clients::all(work.connection)?;
    let custom = &work.config.scope_claims;
    let api = apis::change(work.connection, &changes.uri, |api| {
        changes.make(api)?;
        Ok::<_, Error>(api.check(custom.scopes())?)
    })?;
    let Some(api) = api else { return unknown(&changes.uri) };
    let after = clients::all(work.connection)?;
    let losses = losses(&before, &after);
    let shown = shown(&api, &after);
    let text = || text(&shown) + &describe_losses(&losses);
    format.answer(&serde_json::json!({ "api": shown, "lost": losses }), text)
}

fn remove(work: &mut Work<'_>, one: &One) -> Answer {
    let before = clients::all(work.connection)?;
    if !apis::remove(work.connection, &one.uri)? {
        return unknown(&one.uri);
    }
    let losses = losses(&before, &clients::all(work.connection)?);
    let text = || output::clean(&format!("removed API {}", one.uri)) + "\n" + &describe_losses(&losses);
    one.format.answer(&serde_json::json!({ "uri": one.uri, "removed": true, "lost": losses }), text)
}

fn unknown<T>(uri: &str) -> Result<T, Error> {
    refuse(format!("API '{uri}': no such API (list all with symbolon api list)"))
}

/// Parses `name=words`, or the name alone.
fn scopes_of(texts: &[String]) -> Vec<ApiScope> {
    let read = |text: &String| match text.split_once('=') {
        Some((name, words)) => ApiScope { name: name.into(), description: Some(words.trim().into()) },
        None => ApiScope { name: text.clone(), description: None },
    };
    texts.iter().map(read).collect()
}

fn losses(before: &[Client], after: &[Client]) -> Vec<Loss> {
    let lost = |before: &Client| {
        let after = after.iter().find(|after| after.id == before.id)?;
        let had = before.settings.audiences.iter().chain(&before.settings.introspects);
        let mut apis: Vec<_> = had
            .filter(|uri| !after.settings.audiences.contains(uri) && !after.settings.introspects.contains(uri))
            .cloned()
            .collect();
        apis.dedup();
        let scopes: Vec<_> =
            before.settings.scope.iter().filter(|scope| !after.settings.scope.contains(scope)).map(str::to_owned).collect();
        (!apis.is_empty() || !scopes.is_empty()).then(|| Loss { client_id: before.id.clone(), apis, scopes })
    };
    before.iter().filter_map(lost).collect()
}

fn describe_losses(losses: &[Loss]) -> String {
    let line = |loss: &Loss| {
        let lost: Vec<_> = loss.apis.iter().chain(&loss.scopes).map(String::as_str).collect();
        output::clean(&format!("removed from client {}: {}", loss.client_id, lost.join(", "))) + "\n"
    };
    losses.iter().map(line).collect()
}

fn shown<'a>(api: &'a Api, clients: &'a [Client]) -> Shown<'a> {
    let having = |list: fn(&Client) -> &[String]| {
        clients.iter().filter(|client| list(client).contains(&api.uri)).map(|client| client.id.as_str()).collect()
    };
    Shown {
        uri: &api.uri,
        name: &api.name,
        scopes: &api.scopes,
        clients: having(|client| &client.settings.audiences),
        introspected_by: having(|client| &client.settings.introspects),
        created: time(api.created_at),
    }
}

fn text(shown: &Shown<'_>) -> String {
    let scope = |scope: &ApiScope| match &scope.description {
        Some(words) => format!("{}: {words}", scope.name),
        None => scope.name.clone(),
    };
    output::fields(&[
        ("API", shown.uri.into()),
        ("name", shown.name.into()),
        ("created", shown.created.clone()),
        ("scopes", output::lines(shown.scopes.iter().map(scope))),
        ("clients", output::lines(&shown.clients)),
        ("introspected by", output::lines(&shown.introspected_by)),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::values::time::Timestamp;

    fn api(scopes: &[&str]) -> Api {
        let scopes: Vec<_> = scopes.iter().map(ToString::to_string).collect();
        Api { uri: "https://a".into(), name: "A".into(), scopes: scopes_of(&scopes), created_at: Timestamp::from_millis(0) }
    }

    #[test]
    fn scopes_are_replaced_added_and_removed() {
        let changed = |fewer: &[&str], more: &[&str], scopes: &[&str]| {
            let owned = |list: &[&str]| list.iter().map(ToString::to_string).collect();
            let changes =
                Changes { uri: String::new(), name: None, scopes: owned(scopes), more: owned(more), fewer: owned(fewer) };
            let mut api = api(&["read=Read it", "write"]);
            changes.make(&mut api).map(|()| api.scopes).map_err(|error| error.to_string())
        };
        assert_eq!(changed(&["write"], &["list", "read=See it"], &[]), Ok(api(&["read=See it", "list"]).scopes));
        assert_eq!(changed(&[], &[], &["list=a=b"]), Ok(api(&["list=a=b"]).scopes));
        assert!(changed(&["gone"], &[], &[]).unwrap_err().contains("scope 'gone'"));
    }

    #[test]
    fn words_follow_the_first_equals_sign() {
        let scopes = scopes_of(&["a= b=c ".into(), "d".into()]);
        assert_eq!((scopes[0].name.as_str(), scopes[0].description.as_deref()), ("a", Some("b=c")));
        assert_eq!(scopes[1].description, None);
    }
}
