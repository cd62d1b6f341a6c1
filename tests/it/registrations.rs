//! Clients and APIs, cached in memory while the revision in the database is the same: what another process changes takes effect
//! with the very next request, at every endpoint. Each change is made by another store, and then reverted. The revision itself,
//! and requests that name someone else's objects, have files of their own.

mod outsiders;
mod revision;

use std::{collections::BTreeMap, time::Duration};

use symbolon::testing::{
    protocol::{
        oauth::{
            api::ApiScope,
            client::{Client, ClientKind, GrantType},
            client_auth::secret_hash,
            scope::Scopes,
        },
        values::time::Timestamp,
    },
    store::{AnyConnection, DatabaseUrl, Error, Store, apis, clients},
};

use crate::harness::{API, Answer, Browser, Database, FILES, INACTIVE, Process, SECRET, Server, basic, databases, encode};

const SCOPE: &str = "openid offline_access notes:read files:read";
const EXTRA: &str = "https://extra.example.com";
const MORE: &str = "https://app.example.com/more";

/// The database as another process has it.
fn elsewhere(database: &Database) -> Store {
    Store::open(&DatabaseUrl::parse(&database.url).unwrap(), 1, Duration::from_secs(3)).unwrap()
}

/// A running server that has read all of it, and what is asked of it.
struct Site<'a> {
    server: &'a Server,
    other: Store,
    web: Client,
    tokens: Answer,
    browser: Browser,
}

impl<'a> Site<'a> {
    fn new(server: &'a Server, database: &Database) -> Self {
        server.add_user("alice");
        server.add_apis();
        let web = server.add_client("web", ClientKind::Web, |client| {
            client.settings.audiences = vec![API.into(), FILES.into()];
            client.settings.scope = Scopes::parse(SCOPE).unwrap();
            client.settings.redirect_uris.push(MORE.into());
            client.settings.cors_origins = vec![EXTRA.into()];
            client.previous_secret_hash = Some(secret_hash("the former secret"));
        });
        server.add_client("job", ClientKind::Service, |_| ());
        let mut browser = Browser::new(server);
        let code = browser.code(&web, "alice", SCOPE);
        let tokens = server.redeem_as(&web, &code, &[]);
        assert_eq!(tokens.status, 200, "{tokens:?}");
        Self { server, other: elsewhere(database), web, tokens, browser }
    }

    /// What every endpoint says now, in short.
    fn answers(&self) -> Vec<(&'static str, String)> {
        let server = self.server;
        let token =
            |answer: Answer| format!("{} {}{}", answer.status, answer.error(), answer.json["scope"].as_str().unwrap_or_default());
        let refresh = |more: &[(&str, &str)]| token(server.refresh_as(&self.web, self.tokens.text("refresh_token"), more));
        let by = |client: &str, text: &str| {
            let page = server.post_as(client, "/introspect", &[("token", self.tokens.text(text))]);
            let answer = Answer::of(page);
            format!(
                "{} {}{}",
                answer.status,
                answer.error(),
                answer.json["scope"].as_str().unwrap_or(if answer.json["active"] == false { "inactive" } else { "" })
            )
        };
        let former = [("Authorization", basic("web", "the former secret"))];
        let former: Vec<_> = former.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let form = [("grant_type", "refresh_token"), ("refresh_token", self.tokens.text("refresh_token"))];
        let authorize = |more: &[(&str, &str)]| {
            let page = self.browser.clone().get(&Browser::request(&self.web, SCOPE, &[&[("prompt", "none")], more].concat()));
            let to = if page.status == 303 { crate::harness::query_of(page.location()) } else { BTreeMap::new() };
            format!(
                "{} {}",
                page.status,
                to.get("error").map_or(if to.contains_key("code") { "code" } else { "" }, String::as_str)
            )
        };
        let preflight = |path: &str, origin: &str| {
            let page = server.send("OPTIONS", path, &[("Origin", origin), ("Access-Control-Request-Method", "POST")], None);
            format!("{} {}", page.status, page.header("access-control-allow-origin").unwrap_or("nobody"))
        };
        vec![
            ("refresh", refresh(&[])),
            ("refresh for one API", refresh(&[("resource", FILES)])),
            ("refresh with the former secret", token(server.token(&form, &former))),
            ("client credentials", token(server.serve("job", &[]))),
            ("introspection by itself", by("web", "access_token")),
            ("introspection of the refresh token", by("web", "refresh_token")),
            ("introspection by the API", by("notes", "access_token")),
            ("userinfo", token(server.userinfo(self.tokens.text("access_token")))),
            ("revocation", token(Answer::of(server.revoke("web", "unknown")))),
            ("authorize", authorize(&[])),
            ("authorize at another address", authorize(&[("redirect_uri", MORE)])),
            ("preflight", preflight("/token", "https://app.example.com")),
            ("preflight of another origin", preflight("/userinfo", EXTRA)),
        ]
    }

    /// What every endpoint says differently after a change, which is then taken back.
    fn differences(&self, change: impl FnOnce(&mut AnyConnection) -> Result<(), Error>) -> Vec<(&'static str, String)> {
        let before = self.answers();
        let client = self.other.with(|connection| clients::find(connection, "web")).unwrap().unwrap();
        let job = self.other.with(|connection| clients::find(connection, "job")).unwrap().unwrap();
        let notes = self.other.with(|connection| clients::find(connection, "notes")).unwrap().unwrap();
        let apis = self.other.with(apis::all).unwrap();
        self.other.with(change).unwrap();
        let after = self.answers();
        for api in apis {
            if !self.other.with(|connection| apis::update(connection, &api)).unwrap() {
                self.other.with(|connection| apis::insert(connection, &api)).unwrap();
            }
        }
        for client in [client, job, notes] {
            self.other.with(|connection| restore(connection, &client)).unwrap();
        }
        assert_eq!(self.answers(), before, "taken back");
        after.into_iter().zip(before).filter(|(after, before)| after != before).map(|(after, _)| after).collect()
    }
}

/// Writes a client as it was.
fn restore(connection: &mut AnyConnection, client: &Client) -> Result<(), Error> {
    clients::update(connection, &client.id, |_, kept| -> Result<(), Error> {
        *kept = client.clone();
        Ok(())
    })?;
    clients::set_disabled(connection, &client.id, client.disabled_at).map(drop)
}

/// Changes a client.
fn set(id: &str, change: impl Fn(&mut Client)) -> impl FnOnce(&mut AnyConnection) -> Result<(), Error> {
    move |connection| {
        let changed = clients::update(connection, id, |_, client| -> Result<(), Error> {
            change(client);
            Ok(())
        })?;
        assert!(changed.is_some());
        Ok(())
    }
}

/// Switches a client off.
fn switch_off(id: &str) -> impl FnOnce(&mut AnyConnection) -> Result<(), Error> {
    move |connection| clients::set_disabled(connection, id, Some(Timestamp::from_millis(1))).map(drop)
}

#[track_caller]
fn assert_differs(site: &Site<'_>, change: impl FnOnce(&mut AnyConnection) -> Result<(), Error>, expected: &[(&str, &str)]) {
    let differences = site.differences(change);
    let differences: Vec<_> = differences.iter().map(|(name, now)| (*name, now.as_str())).collect();
    assert_eq!(differences, expected);
}

/// Runs a handler with a site on each database.
fn sites(handle: impl Fn(&Site<'_>)) {
    for database in databases() {
        eprintln!("on {}", database.name);
        let server = Server::start(&database, |_| ());
        handle(&Site::new(&server, &database));
    }
}

#[test]
fn a_client_that_is_switched_off_is_off_everywhere() {
    sites(|site| {
        let off = "401 invalid_client";
        assert_differs(
            site,
            switch_off("web"),
            &[
                ("refresh", off),
                ("refresh for one API", off),
                ("refresh with the former secret", off),
                ("introspection by itself", off),
                ("introspection of the refresh token", off),
                ("introspection by the API", "200 inactive"),
                ("userinfo", "401 invalid_token"),
                ("revocation", off),
                ("authorize", "400 "),
                ("authorize at another address", "400 "),
            ],
        );
        assert_differs(site, switch_off("job"), &[("client credentials", off)]);
        assert_differs(site, switch_off("notes"), &[("introspection by the API", off)]);
    });
}

#[test]
fn a_code_that_was_refused_is_good_when_its_client_is_switched_on_again() {
    sites(|site| {
        let code = site.browser.clone().code(&site.web, "alice", SCOPE);
        let switch = |at| site.other.with(|connection| clients::set_disabled(connection, "web", at)).unwrap();
        switch(Some(Timestamp::from_millis(1)));
        assert_eq!(site.server.redeem_as(&site.web, &code, &[]).error(), "invalid_client");
        switch(None);
        assert_eq!(site.server.redeem_as(&site.web, &code, &[]).status, 200);
    });
}

#[test]
fn what_a_client_may_do_changes_with_its_registration() {
    sites(|site| {
        let retired = set("web", |client| client.previous_secret_hash = None);
        assert_differs(site, retired, &[("refresh with the former secret", "401 invalid_client")]);
        let scopes = set("web", |client| client.settings.scope = Scopes::parse("offline_access notes:read files:read").unwrap());
        let left = "200 offline_access notes:read files:read";
        assert_differs(
            site,
            scopes,
            &[
                ("refresh", left),
                ("refresh for one API", "200 offline_access files:read"),
                ("refresh with the former secret", left),
                ("introspection by itself", left),
                ("introspection of the refresh token", left),
                ("userinfo", "403 insufficient_scope"),
            ],
        );
        let addresses = set("web", |client| client.settings.redirect_uris.truncate(1));
        assert_differs(site, addresses, &[("authorize at another address", "400 ")]);
        let origins = set("web", |client| client.settings.cors_origins.clear());
        assert_differs(site, origins, &[("preflight of another origin", "204 nobody")]);
        let grants = set("web", |client| client.settings.grant_types = vec![GrantType::AuthorizationCode]);
        let refused = "400 unauthorized_client";
        assert_differs(
            site,
            grants,
            &[
                ("refresh", refused),
                ("refresh for one API", refused),
                ("refresh with the former secret", refused),
                ("introspection of the refresh token", "200 inactive"),
            ],
        );
        let job = set("job", |client| client.settings.scope = Scopes::parse("notes:read").unwrap());
        assert_differs(site, job, &[("client credentials", "200 notes:read")]);
        let serves = set("notes", |client| client.settings.introspects = vec![FILES.into()]);
        assert_differs(site, serves, &[("introspection by the API", "200 files:read")]);
    });
}

#[test]
fn what_an_api_is_changes_with_its_registration() {
    sites(|site| {
        let renamed = |connection: &mut AnyConnection| {
            apis::change(connection, FILES, |api| -> Result<(), Error> {
                api.scopes = vec![ApiScope { name: "files:write".into(), description: None }];
                Ok(())
            })
            .map(drop)
        };
        let left = "200 openid offline_access notes:read";
        assert_differs(
            site,
            renamed,
            &[
                ("refresh", left),
                ("refresh for one API", "200 openid offline_access"),
                ("refresh with the former secret", left),
                ("introspection by itself", left),
                ("introspection of the refresh token", left),
                ("authorize", "303 invalid_scope"),
                ("authorize at another address", "303 invalid_scope"),
            ],
        );
        assert_differs(
            site,
            |connection| apis::remove(connection, FILES).map(drop),
            &[
                ("refresh", left),
                ("refresh for one API", "400 invalid_target"),
                ("refresh with the former secret", left),
                ("introspection by itself", left),
                ("introspection of the refresh token", left),
                ("authorize", "303 invalid_scope"),
                ("authorize at another address", "303 invalid_scope"),
            ],
        );
    });
}

#[test]
fn what_the_command_line_changes_counts_with_the_next_request() {
    for database in databases() {
        let name = database.name;
        let server = Server::start(&database, |_| ());
        let site = Site::new(&server, &database);
        let run = |line: &str| {
            let directory = tempfile::tempdir().unwrap();
            let args: Vec<_> = line.split(' ').collect();
            let data = directory.path().display().to_string();
            let process = Process::start(
                &args,
                &[
                    ("SYMBOLON_DATABASE_URL", &database.url),
                    ("SYMBOLON_ISSUER", server.app.config.issuer.as_str()),
                    ("SYMBOLON_SECRET", "the server secret of the integration tests"),
                    ("SYMBOLON_DATA_DIR", &data),
                ],
            );
            let (status, said) = process.end();
            assert_eq!(status.code(), Some(0), "{name}: {line}: {said}");
        };
        let before = site.answers();
        assert_eq!(site.answers(), before, "{name}");
        run("client disable web");
        assert_eq!(server.refresh_as(&site.web, site.tokens.text("refresh_token"), &[]).error(), "invalid_client", "{name}");
        run("client enable web");
        assert_eq!(site.answers(), before, "{name}");
        run("client retire-secret web");
        let form = encode(&[("token", "unknown")]);
        let revoked =
            |secret: &str| server.send("POST", "/revoke", &[("Authorization", &basic("web", secret))], Some(&form)).status;
        assert_eq!((revoked("the former secret"), revoked(SECRET)), (401, 200), "{name}");
        run("client rotate-secret web --now");
        assert_eq!(revoked(SECRET), 401, "{name}");
        run("client delete notes");
        let page = server.post_as("notes", "/introspect", &[("token", site.tokens.text("access_token"))]);
        assert!(page.status == 401 && !page.body.contains(INACTIVE), "{name}: {page:?}");
    }
}
