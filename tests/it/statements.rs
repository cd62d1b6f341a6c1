//! The number of statements per request, each a round trip to PostgreSQL, and that those of the hot paths are prepared once per
//! connection rather than parsed and planned each time. Diesel reports each statement that it sends; as the server's own
//! background work runs too, the lowest of several counts is taken.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Mutex,
};

use diesel::connection::{Instrumentation, InstrumentationEvent, set_default_instrumentation};
use symbolon::testing::{
    protocol::{
        grant::{Grant, end_reason::EndReason},
        oauth::client::{Client, ClientKind},
        oidc::authentication::Class,
        values::time::Timestamp,
    },
    random,
    store::{
        AnyConnection, Error, clients,
        grants::{self, Filter},
    },
};

use crate::harness::{Browser, Database, Server, basic, databases};

const SCOPE: &str = "openid offline_access notes:read";
const TRIES: usize = 5;

/// What was said to a database.
#[derive(Default)]
struct Said {
    statements: Vec<String>,
    prepared: BTreeSet<String>,
}

/// The databases that are listened to, by the end of their URL.
static HEARD: Mutex<BTreeMap<String, Said>> = Mutex::new(BTreeMap::new());

/// Listens to one connection.
#[derive(Default)]
struct Ear {
    database: Option<String>,
}

impl Instrumentation for Ear {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        let mut heard = HEARD.lock().unwrap();
        if let InstrumentationEvent::StartEstablishConnection { url, .. } = event {
            let url = url.split('?').next().unwrap();
            self.database = heard.keys().find(|name| url.ends_with(name.as_str())).cloned();
            return;
        }
        let Some(said) = self.database.as_ref().and_then(|name| heard.get_mut(name)) else { return };
        match event {
            InstrumentationEvent::StartQuery { query, .. } => {
                let text = query.to_string();
                said.statements.push(text.split(" -- binds").next().unwrap().to_owned());
            }
            InstrumentationEvent::CacheQuery { sql, .. } => {
                said.prepared.insert(sql.to_owned());
            }
            _ => {}
        }
    }
}

/// A database that is listened to.
struct Listened(String);

impl Listened {
    fn to(database: &Database) -> Self {
        set_default_instrumentation(|| Some(Box::new(Ear::default()))).unwrap();
        let url = database.url.split('?').next().unwrap();
        let name = url[url.rfind('/').unwrap()..].to_owned();
        // The file of SQLite is called the same everywhere, its directory is not.
        let name = url.strip_prefix("sqlite:").map_or(name, str::to_owned);
        HEARD.lock().unwrap().insert(name.clone(), Said::default());
        Self(name)
    }

    fn with<T>(&self, what: impl FnOnce(&mut Said) -> T) -> T {
        what(HEARD.lock().unwrap().get_mut(&self.0).unwrap())
    }

    /// What a request costs: the statements of the cheapest of several; what begins and ends a transaction on SQLite, where
    /// nothing goes over a network, is left out.
    fn fewest(&self, database: &Database, mut request: impl FnMut()) -> Vec<String> {
        request(); // what is read once in a while has been read, and statements are prepared
        let one = |_| {
            self.with(|said| said.statements.clear());
            request();
            let mut said = self.with(|said| said.statements.clone());
            said.retain(|text| database.name != "sqlite" || !["BEGIN IMMEDIATE", "COMMIT"].contains(&text.as_str()));
            said
        };
        (0..TRIES).map(one).min_by_key(Vec::len).unwrap()
    }

    /// Which of these statements are not kept prepared.
    fn unprepared(&self, statements: &[String]) -> Vec<String> {
        let is_prepared = |text: &String| self.with(|said| said.prepared.contains(text));
        statements.iter().filter(|text| !is_prepared(text)).cloned().collect()
    }
}

/// A handler with a server that is listened to, alice, and a web app of hers.
fn listening(handle: impl Fn(&Server, &Client, &dyn Fn(&str, usize, &mut dyn FnMut()))) {
    for database in databases() {
        let listened = Listened::to(&database);
        let server = Server::start(&database, |config| config.database_pool_size = 1);
        server.add_user("alice");
        let web = server.add_web("web");
        let costs = |what: &str, count: usize, request: &mut dyn FnMut()| {
            let said = listened.fewest(&database, request);
            assert_eq!(said.len(), count, "{}: {what}: {said:#?}", database.name);
            let unprepared = listened.unprepared(&said);
            assert!(unprepared.is_empty(), "{}: {what}: {unprepared:#?}", database.name);
        };
        handle(&server, &web, &costs);
    }
}

#[test]
fn the_endpoints_of_machines_cost_what_they_must() {
    listening(|server, web, costs| {
        server.add_client("job", ClientKind::Service, |_| ());
        server.add_apis();
        let spa = server.add_client("spa", ClientKind::Spa, |_| ());
        let (mut of_web, mut of_spa) = (server.tokens_as(web, "alice", SCOPE), server.tokens(&spa, "alice", SCOPE));

        costs("a refresh with a secret", 2, &mut || {
            of_web = server.refresh_as(web, of_web.text("refresh_token"), &[]);
            assert_eq!(of_web.status, 200, "{of_web:?}");
        });
        costs("a refresh of a public client", 2, &mut || {
            of_spa = server.refresh(&spa, of_spa.text("refresh_token"));
            assert_eq!(of_spa.status, 200, "{of_spa:?}");
        });
        let before = of_web.text("refresh_token").to_owned();
        costs("the same token again", 1, &mut || assert_eq!(server.refresh_as(web, &before, &[]).status, 200));
        let token = of_web.text("access_token");
        costs("introspection by the client", 1, &mut || assert!(server.is_active("web", token)));
        costs("introspection by a resource server", 1, &mut || assert!(server.is_active("notes", token)));
        let newest = server.refresh_as(web, &before, &[]);
        let newest = newest.text("refresh_token");
        costs("introspection of a refresh token", 1, &mut || assert!(server.is_active("web", newest)));
        costs("client credentials", 1, &mut || assert_eq!(server.serve("job", &[]).status, 200));
        costs("userinfo", 1, &mut || assert_eq!(server.userinfo(token).status, 200));
        costs("a wrong token", 1, &mut || assert!(!server.is_active("web", "x")));
        let wrong = basic("web", "wrong");
        costs("a wrong secret", 1, &mut || {
            let answer = server.token(&[("grant_type", "client_credentials")], &[("Authorization", &wrong)]);
            assert!([400, 401, 429].contains(&answer.status), "{answer:?}");
        });
    });
}

#[test]
fn an_authorization_of_one_who_is_signed_in_and_has_consented_costs_two() {
    listening(|server, web, costs| {
        let mut browser = Browser::new(server);
        browser.code(web, "alice", SCOPE);
        costs("authorize", 2, &mut || assert!(browser.get(&Browser::request(web, SCOPE, &[])).location().contains("code=")));
        // What is required and met costs nothing; what the user has is read where they have shown too little.
        let set = |_: &mut AnyConnection, client: &mut Client| -> Result<(), Error> {
            client.settings.min_acr = Some(Class::Password);
            Ok(())
        };
        server.store(|connection| clients::update(connection, "web", set)).unwrap();
        let mut wishing = |class: Class| {
            let path = Browser::request(web, SCOPE, &[("acr_values", class.as_str())]);
            assert!(browser.get(&path).location().contains("code="));
        };
        costs("authorize, strong enough", 2, &mut || wishing(Class::Password));
        costs("authorize, with a wish", 4, &mut || wishing(Class::Hardware));
    });
}

/// The page of devices and apps is as long for a user with 600 grants, active and ended, as for one with a few: it is bounded by what
/// it shows, not by what there is.
#[test]
fn the_account_page_costs_the_same_however_many_grants_there_are() {
    for database in databases() {
        let listened = Listened::to(&database);
        let server = Server::start(&database, |config| config.database_pool_size = 1);
        server.add_apis();
        server.add_user("alice");
        let web = server.add_web("web");
        server.tokens_as(&web, "alice", SCOPE);
        let mut browser = Browser::new(&server);
        browser.sign_in("alice");
        let mut cost = || listened.fewest(&database, || assert_eq!(browser.get("/account").status, 200)).len();
        let few = cost();
        let pattern = server.store(|connection| grants::list(connection, &Filter::default(), 1)).remove(0);
        for number in 0..600 {
            let made = Timestamp::from_millis(server.now().millis() - 1_000 - number);
            let end = (number % 2 == 0).then_some(made);
            let end_reason = end.map(|_| EndReason::RevokedByUser);
            let grant = Grant { id: random::id(made), created_at: made, revoked_at: end, end_reason, ..pattern.clone() };
            server.store(|connection| grants::insert(connection, &grant));
        }
        let many = cost();
        eprintln!("{}: {few} statements with one grant, {many} with 601", database.name);
        assert!(many <= few + 3 && many <= 25, "{}: {few} statements, then {many}", database.name);
    }
}

/// What `.cargo/config.toml` asks for (decision 0024); a build without it works, and costs more.
#[test]
#[cfg(feature = "bundled")]
fn sqlite_is_compiled_as_it_is_meant_to_be() {
    use diesel::{Connection, QueryableByName, RunQueryDsl, SqliteConnection, sql_query, sql_types::Text};

    #[derive(QueryableByName)]
    struct Compiled {
        #[diesel(sql_type = Text)]
        compile_options: String,
    }
    let mut connection = SqliteConnection::establish(":memory:").unwrap();
    let options: Vec<Compiled> = sql_query("PRAGMA compile_options").load(&mut connection).unwrap();
    let has = |wanted: &str| options.iter().any(|option| option.compile_options == wanted);
    for wanted in ["THREADSAFE=2", "ENABLE_QPSG", "DEFAULT_MEMSTATUS=0"] {
        assert!(has(wanted), "{wanted}");
    }
    for unwanted in ["ENABLE_STAT4", "ENABLE_MEMORY_MANAGEMENT"] {
        assert!(!has(unwanted), "{unwanted}");
    }
}
