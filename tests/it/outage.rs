//! A database that becomes unavailable and returns, under a running server: every request that needs it is answered 503 with
//! Retry-After, nobody loses a token, and nothing has to be restarted.

mod commits;
mod language;
mod silence;
mod unknown;

use std::{
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

use crate::harness::{Answer, Browser, Cluster, Database, Page, Server, claims_of};
use diesel::{Connection, RunQueryDsl, connection::SimpleConnection};
use symbolon::testing::{
    protocol::{
        oauth::client::{Client, ClientKind},
        values::id::Id,
    },
    store::grants,
};

/// How far the grant of these tokens has come.
fn generation(server: &Server, tokens: &Answer) -> u32 {
    let jti = claims_of(tokens.text("access_token"))["jti"].as_str().unwrap()[..32].to_owned();
    server.store(|connection| grants::find(connection, Id::parse(&jti).unwrap())).unwrap().grant.generation
}

#[track_caller]
fn unavailable(page: &Page, content_type: &str) {
    assert_eq!((page.status, page.header("content-type")), (503, Some(content_type)), "{page:?}");
    assert!(page.header("retry-after").is_some_and(|seconds| seconds.parse::<u32>().unwrap() > 0), "{page:?}");
    assert!(!page.body.contains("onnection"), "the reason is for the log: {page:?}");
}

/// An app that refreshes on and on and presents the same token again after a 503, as it should.
struct Chain {
    tokens: Answer,
    steps: u32,
    turned_away: usize,
}

/// Many chains at once, until told to stop.
fn chains(server: &Server, client: &Client, count: usize, until: &AtomicBool, steps: &AtomicUsize) -> Vec<Chain> {
    let first: Vec<_> = (0..count).map(|_| server.tokens(client, "alice", "openid offline_access")).collect();
    steps.store(1, Ordering::SeqCst);
    thread::scope(|scope| {
        let run = |mut tokens: Answer| {
            let mut chain = (0, 0);
            while !until.load(Ordering::SeqCst) {
                let answer = server.refresh(client, tokens.text("refresh_token"));
                if answer.status == 200 {
                    (tokens, chain.0) = (answer, chain.0 + 1);
                    steps.fetch_add(1, Ordering::SeqCst);
                } else {
                    assert_eq!((answer.status, answer.error()), (503, "temporarily_unavailable"), "{answer:?}");
                    assert!(answer.header("retry-after").is_some(), "{answer:?}");
                    chain.1 += 1;
                }
            }
            Chain { tokens, steps: chain.0, turned_away: chain.1 }
        };
        let all: Vec<_> = first.into_iter().map(|tokens| scope.spawn(move || run(tokens))).collect();
        all.into_iter().map(|one| one.join().unwrap()).collect()
    })
}

/// Every chain still stands where its client believes it to.
fn nothing_was_lost(server: &Server, client: &Client, chains: &[Chain]) {
    for chain in chains {
        let current = chain.tokens.text("refresh_token");
        let at_end = generation(server, &chain.tokens);
        // The last answer may not have come, though the row had advanced: the same token gives the same successor.
        assert!((1 + chain.steps..=2 + chain.steps).contains(&at_end), "{} steps, generation {at_end}", chain.steps);
        let next = server.refresh(client, current);
        assert_eq!(next.status, 200, "{next:?}");
        assert_eq!(generation(server, &next), 2 + chain.steps, "advanced once for each step");
    }
}

#[test]
fn postgresql_is_stopped_and_resumed() {
    let cluster = Cluster::start();
    let server =
        Server::start(&Database::at("postgres", &cluster.url), |config| config.database_pool_timeout = Duration::from_secs(1));
    let server = &server;
    server.add_user("alice");
    let spa = server.add_client("spa", ClientKind::Spa, |_| ());
    let quiet = server.tokens(&spa, "alice", "openid offline_access");
    let mut browser = Browser::new(server);
    browser.sign_in("alice");
    let mut outsider = Browser::new(server);
    let login = outsider.get("/login");

    let preflight = |origin| {
        let page = server.send("OPTIONS", "/token", &[("Origin", origin), ("Access-Control-Request-Method", "POST")], None);
        (page.status, page.header("access-control-allow-origin").map(str::to_owned))
    };
    let app = "https://app.example.com";
    let allowed = (204, Some(app.to_owned()));
    assert_eq!(preflight(app), allowed);

    let (until, steps) = (AtomicBool::new(false), AtomicUsize::new(0));
    let chains = thread::scope(|scope| {
        let running = scope.spawn(|| chains(server, &spa, 4, &until, &steps));
        let wait_for_steps = |more: usize| {
            let (started, target) = (Instant::now(), steps.load(Ordering::SeqCst) + more);
            while steps.load(Ordering::SeqCst) < target {
                assert!(!running.is_finished() && started.elapsed() < Duration::from_secs(20), "the refreshes do not go on");
                thread::sleep(Duration::from_millis(20));
            }
            started.elapsed()
        };
        wait_for_steps(20);
        cluster.run("stop");

        let html = "text/html; charset=utf-8";
        let json = "application/json";
        let bearer = format!("Bearer {}", quiet.text("access_token"));
        let form = format!("grant_type=refresh_token&client_id=spa&refresh_token={}", quiet.text("refresh_token"));
        unavailable(&server.send("POST", "/token", &[], Some(&form)), json);
        unavailable(&server.send("GET", "/userinfo", &[("Authorization", &bearer)], None), json);
        unavailable(&browser.get(&Browser::request(&spa, "openid", &[])), html);
        unavailable(&browser.get("/"), html);
        let csrf = login.csrf();
        unavailable(&outsider.send("POST", "/login", Some(&[("username", "alice"), ("password", "x"), ("csrf", &csrf)])), html);
        unavailable(&server.send("GET", "/readyz", &[], None), "text/plain; charset=utf-8");
        server.advance(25); // the keys are no longer fresh
        for path in
            ["/healthz", "/.well-known/jwks.json", "/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"]
        {
            let page = server.send("GET", path, &[], None);
            assert_eq!(page.status, 200, "{path}: {page:?}");
        }

        assert_eq!(preflight(app), allowed, "it was met before");
        for origin in ["https://elsewhere.example", "null"] {
            assert_eq!(preflight(origin), (503, None), "{origin}");
        }

        cluster.run("resume");
        let recovered = wait_for_steps(20);
        eprintln!("recovered after {recovered:?}");
        assert!(recovered < Duration::from_secs(10), "{recovered:?}");
        until.store(true, Ordering::SeqCst);
        running.join().unwrap()
    });
    assert!(chains.iter().all(|chain| chain.turned_away > 0), "the outage was felt");
    nothing_was_lost(server, &spa, &chains);
    for path in ["/readyz", &Browser::request(&spa, "openid", &[("prompt", "none")])] {
        let page = browser.get(path);
        assert!(page.status < 400, "{page:?}");
    }
    assert_eq!(server.userinfo(quiet.text("access_token")).status, 200);
    let refreshed = server.refresh(&spa, quiet.text("refresh_token"));
    assert_eq!((refreshed.status, generation(server, &refreshed)), (200, 2), "{refreshed:?}");
    assert_eq!(outsider.sign_in_at("/login", "alice", crate::harness::PASSWORD).status, 303);
}

#[test]
fn backends_of_postgresql_are_killed_under_load() {
    let database = Database::postgres();
    let server = Server::start(&database, |_| ());
    let server = &server;
    server.add_user("alice");
    let spa = server.add_client("spa", ClientKind::Spa, |_| ());
    let (until, steps) = (AtomicBool::new(false), AtomicUsize::new(0));
    let chains = thread::scope(|scope| {
        let running = scope.spawn(|| chains(server, &spa, 8, &until, &steps));
        while steps.load(Ordering::SeqCst) == 0 {
            thread::sleep(Duration::from_millis(20));
        }
        let mut killer = diesel::PgConnection::establish(&database.url).unwrap();
        let kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
        for _ in 0..20 {
            diesel::sql_query(kill).execute(&mut killer).unwrap();
            thread::sleep(Duration::from_millis(150));
        }
        until.store(true, Ordering::SeqCst);
        running.join().unwrap()
    });
    let (done, away): (u32, usize) = (chains.iter().map(|c| c.steps).sum(), chains.iter().map(|c| c.turned_away).sum());
    eprintln!("{done} refreshes, {away} turned away");
    assert!(done > 0 && away > 0);
    nothing_was_lost(server, &spa, &chains);
}

#[test]
fn another_process_keeps_sqlite_locked() {
    let database = Database::sqlite();
    let server = Server::start(&database, |_| ());
    server.add_user("alice");
    let spa = server.add_client("spa", ClientKind::Spa, |_| ());
    let tokens = server.tokens(&spa, "alice", "openid offline_access");
    let path = database.url.strip_prefix("sqlite:").unwrap();
    let mut other = diesel::SqliteConnection::establish(path).unwrap();
    other.batch_execute("BEGIN EXCLUSIVE").unwrap();
    let form = format!("grant_type=refresh_token&client_id=spa&refresh_token={}", tokens.text("refresh_token"));
    let waited = Instant::now();
    unavailable(&server.send("POST", "/token", &[], Some(&form)), "application/json");
    assert!(waited.elapsed() > Duration::from_secs(4), "it waited for the lock: {:?}", waited.elapsed());
    assert_eq!(server.userinfo(tokens.text("access_token")).status, 200, "who only reads need not wait");
    other.batch_execute("ROLLBACK").unwrap();
    let refreshed = server.refresh(&spa, tokens.text("refresh_token"));
    assert_eq!((refreshed.status, generation(&server, &refreshed)), (200, 2), "{refreshed:?}");
}

#[test]
fn connections_that_were_closed_while_nobody_used_them_fail_nobody() {
    let database = Database::postgres();
    let server = Server::start(&database, |config| config.database_pool_size = 4);
    server.add_user("alice");
    let spa = server.add_client("spa", ClientKind::Spa, |_| ());
    let many: Vec<_> = (0..8).map(|_| server.tokens(&spa, "alice", "openid offline_access")).collect();
    let refresh_all = || {
        thread::scope(|scope| {
            let (server, spa) = (&server, &spa);
            let all: Vec<_> =
                many.iter().map(|tokens| scope.spawn(|| server.refresh(spa, tokens.text("refresh_token")).status)).collect();
            all.into_iter().map(|one| one.join().unwrap()).collect::<Vec<_>>()
        })
    };
    assert_eq!(refresh_all(), [200; 8]);
    for _ in 0..3 {
        let mut other = diesel::PgConnection::establish(&database.url).unwrap();
        let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
        diesel::sql_query(end).execute(&mut other).unwrap();
        thread::sleep(Duration::from_millis(150)); // by then nobody knows that they are there
        assert_eq!(refresh_all(), [200; 8], "each of them told the same again, on a new connection");
        assert_eq!(server.send("GET", "/readyz", &[], None).status, 200);
    }
}
