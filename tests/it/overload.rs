//! Twice the load that can be handled, for some seconds, by callers that do not wait for one another: accepted requests are
//! answered soon, the rest is rejected at once and has lost nothing, and neither machines nor users starve the others. On
//! PostgreSQL, where a trigger delays a write without using the processor, so that the capacity is known beforehand.

use std::{
    io::Write,
    net::TcpStream,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use diesel::{Connection, connection::SimpleConnection};
use symbolon::testing::{
    protocol::{
        grant::{
            Grant,
            credential::{Credential, Kind},
        },
        oauth::client::Client,
        values::id::Id,
    },
    random,
    store::grants,
};

use crate::harness::{Answer, Browser, Database, Page, SECRET, Server, basic, encode, grant_of};

/// The origin of the web app.
const APP: &str = "https://app.example.com";
const PREFLIGHT: [(&str, &str); 2] = [("Origin", APP), ("Access-Control-Request-Method", "POST")];
const SCOPE: &str = "openid offline_access";
const THREADS: u32 = 2;
/// How long each write of a grant takes.
const WRITE: Duration = Duration::from_millis(40);
const SECONDS: u32 = 3;
/// What can be done in this time, about.
const CAPACITY: u32 = SECONDS * THREADS * 25;
/// How long what is accepted may take at most, but for one of a hundred, in a build without optimisation on a busy machine.
const BOUND: Duration = Duration::from_secs(1);

/// Each write of a grant takes its time.
fn slow_down(database: &Database, write: Duration) {
    let sleep = format!("BEGIN PERFORM pg_sleep({}); RETURN NEW; END", write.as_secs_f64());
    run(database, &format!("CREATE FUNCTION slow() RETURNS trigger AS $$ {sleep} $$ LANGUAGE plpgsql"));
    run(database, "CREATE TRIGGER slow BEFORE INSERT OR UPDATE ON grants FOR EACH ROW EXECUTE FUNCTION slow()");
}

fn run(database: &Database, statements: &str) {
    diesel::PgConnection::establish(&database.url).unwrap().batch_execute(statements).unwrap();
}

/// Twice the capacity: each request when it is due, whatever became of those before; the answers, and how long they took.
fn flood(send: impl Fn(usize) -> Page + Sync) -> Vec<(Page, Duration)> {
    let every = WRITE / THREADS / 2;
    let begun = Instant::now();
    thread::scope(|scope| {
        let all: Vec<_> = (0..2 * CAPACITY)
            .map(|n| {
                thread::sleep((begun + every * n).saturating_duration_since(Instant::now()));
                let send = &send;
                scope.spawn(move || {
                    let requested = Instant::now();
                    (send(n as usize), requested.elapsed())
                })
            })
            .collect();
        all.into_iter().map(|one| one.join().unwrap()).collect()
    })
}

/// Asks on and on until told to stop: how many times, and how long the longest took. Each has to be answered, and soon.
fn ask(over: &AtomicBool, what: &str, request: impl Fn() -> u16) -> u32 {
    let (mut count, mut longest) = (0, Duration::ZERO);
    while !over.load(Ordering::Relaxed) {
        let requested = Instant::now();
        let status = request();
        longest = longest.max(requested.elapsed());
        assert!((200..400).contains(&status), "{what}: {status}");
        count += 1;
        thread::sleep(Duration::from_millis(50));
    }
    eprintln!("{what}: {count} times, the longest in {longest:?}");
    assert!(count > 5 && longest < BOUND, "{what}: {count} times, the longest in {longest:?}");
    count
}

/// Says that it is over, whatever came of it.
struct End<'a>(&'a AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Fails unless most of what could be done was done soon, and the rest turned away: which were accepted.
fn judge(
    bound: Duration,
    answers: &[(Page, Duration)],
    is_accepted: impl Fn(&Page) -> bool,
    is_refusal: impl Fn(&Page),
) -> Vec<bool> {
    let accepted: Vec<bool> = answers.iter().map(|(page, _)| is_accepted(page)).collect();
    for ((page, _), _) in answers.iter().zip(&accepted).filter(|(_, accepted)| !**accepted) {
        assert_eq!(page.status, 503, "{page:?}");
        assert!(page.header("retry-after").is_some_and(|seconds| seconds.parse::<u32>().unwrap() > 0), "{page:?}");
        is_refusal(page);
    }
    let times = |of: bool| {
        let mut times: Vec<_> = answers.iter().zip(&accepted).filter(|(_, is)| **is == of).map(|((_, time), _)| *time).collect();
        times.sort_unstable();
        times
    };
    let (done, refused) = (times(true), times(false));
    let p99 = |times: &[Duration]| times[(times.len() * 99 / 100).min(times.len() - 1)];
    eprintln!(
        "{} of {} accepted, 99 % of them in {:?}, half in {:?}; 99 % of the others turned away in {:?}",
        done.len(),
        answers.len(),
        p99(&done),
        done[done.len() / 2],
        p99(&refused)
    );
    assert!(done.len() > CAPACITY as usize / 3, "{} of {CAPACITY}", done.len());
    assert!(refused.len() > CAPACITY as usize / 4, "{} were turned away", refused.len());
    assert!(p99(&done) < bound && p99(&refused) < bound, "{:?}, {:?}", p99(&done), p99(&refused));
    accepted
}

/// So many grants like this one, each with its refresh token.
fn grants_like(server: &Server, tokens: &Answer, count: u32) -> Vec<(Id, String)> {
    let one = grant_of(tokens);
    let grant = server.store(|connection| grants::find(connection, one)).unwrap().grant;
    let now = server.now();
    let add = |_| {
        let grant = Grant { id: random::id(now), generation: 1, ..grant.clone() };
        server.store(|connection| grants::insert(connection, &grant));
        let credential = Credential { kind: Kind::Refresh, id: grant.id, generation: 1 };
        (grant.id, credential.derive(&server.app.config.secrets))
    };
    (0..count).map(add).collect()
}

fn generation(server: &Server, grant: Id) -> u32 {
    server.store(|connection| grants::find(connection, grant)).unwrap().grant.generation
}

/// A server with few threads, alice, and her web app.
fn small(database: &Database) -> (Server, Client) {
    let server = Server::start(database, |config| config.database_pool_size = THREADS);
    server.add_user("alice");
    let web = server.add_web("web");
    (server, web)
}

fn refresh(server: &Server, token: &str) -> Page {
    let form = encode(&[("grant_type", "refresh_token"), ("refresh_token", token)]);
    server.send("POST", "/token", &[("Authorization", &basic("web", SECRET)), ("Origin", APP)], Some(&form))
}

#[test]
fn a_flood_of_machines_is_turned_away_soon_and_keeps_nobody_else_out() {
    let database = Database::postgres();
    let (server, web) = small(&database);
    let mut browser = Browser::new(&server);
    let tokens = server.redeem_as(&web, &browser.code(&web, "alice", SCOPE), &[]);
    assert_eq!(refresh(&server, tokens.text("refresh_token")).status, 200);
    let all = grants_like(&server, &tokens, 2 * CAPACITY);
    slow_down(&database, WRITE);
    let over = AtomicBool::new(false);
    let answers = thread::scope(|scope| {
        scope.spawn(|| ask(&over, "/healthz", || server.send("GET", "/healthz", &[], None).status));
        scope.spawn(|| ask(&over, "/readyz", || server.send("GET", "/readyz", &[], None).status));
        scope.spawn(|| ask(&over, "the account", || browser.clone().get("/").status));
        scope.spawn(|| {
            ask(&over, "a preflight", || {
                let page = server.send("OPTIONS", "/token", &PREFLIGHT, None);
                assert_eq!(page.header("access-control-allow-origin"), Some(APP), "{page:?}");
                page.status
            })
        });
        scope.spawn(|| ask(&over, "a code", || browser.clone().get(&Browser::request(&web, SCOPE, &[])).status));
        let _end = End(&over);
        flood(|n| refresh(&server, &all[n].1))
    });
    let accepted = judge(
        BOUND,
        &answers,
        |page| page.status == 200,
        |page| {
            assert_eq!(page.header("content-type"), Some("application/json"), "{page:?}");
            assert_eq!(page.header("access-control-allow-origin"), Some(APP), "the app may read it: {page:?}");
            let json: serde_json::Value = serde_json::from_str(&page.body).unwrap();
            assert_eq!(json["error"], "temporarily_unavailable", "{page:?}");
        },
    );

    run(&database, "DROP TRIGGER slow ON grants");
    for ((grant, token), accepted) in all.iter().zip(accepted) {
        assert_eq!(generation(&server, *grant), if accepted { 2 } else { 1 }, "a refusal has used nothing up");
        if !accepted {
            let requested = Instant::now();
            assert_eq!(refresh(&server, token).status, 200, "the same token works");
            assert!(requested.elapsed() < 10 * BOUND, "it is over: {:?}", requested.elapsed());
        }
    }
}

#[test]
fn a_flood_of_users_is_told_so_on_a_page_and_keeps_no_machine_out() {
    let database = Database::postgres();
    let (server, web) = small(&database);
    let mut browser = Browser::new(&server);
    let mut tokens = server.redeem_as(&web, &browser.code(&web, "alice", SCOPE), &[]);
    slow_down(&database, WRITE);
    let (over, request) = (AtomicBool::new(false), Browser::request(&web, SCOPE, &[]));
    let answers = thread::scope(|scope| {
        scope.spawn(|| ask(&over, "/readyz", || server.send("GET", "/readyz", &[], None).status));
        scope.spawn(|| {
            let current = std::cell::RefCell::new(&mut tokens);
            ask(&over, "a refresh", || {
                let next = server.refresh_as(&web, current.borrow().text("refresh_token"), &[]);
                let status = next.status;
                **current.borrow_mut() = next;
                status
            })
        });
        let _end = End(&over);
        flood(|_| browser.clone().get(&request))
    });
    judge(
        3 * BOUND, // users are more patient
        &answers,
        |page| page.status == 303 && page.location().contains("code="),
        |page| {
            page.assert_page();
            assert!(page.body.contains("<h1"), "{page:?}");
        },
    );
    run(&database, "DROP TRIGGER slow ON grants");
    let requested = Instant::now();
    assert!(browser.get(&request).location().contains("code="));
    assert!(requested.elapsed() < 10 * BOUND, "it is over: {:?}", requested.elapsed());
}

/// Sends a refresh, and does not wait for the answer.
fn leave(server: &Server, token: &str) {
    let body = encode(&[("grant_type", "refresh_token"), ("refresh_token", token)]);
    let mut stream = TcpStream::connect(server.url.strip_prefix("http://").unwrap()).unwrap();
    let head = format!("POST /token HTTP/1.1\r\nHost: localhost\r\nAuthorization: {}", basic("web", SECRET));
    let length = body.len();
    let kind = "Content-Type: application/x-www-form-urlencoded";
    stream.write_all(format!("{head}\r\n{kind}\r\nContent-Length: {length}\r\n\r\n{body}").as_bytes()).unwrap();
    thread::sleep(Duration::from_millis(5));
}

#[test]
fn who_leaves_before_their_turn_takes_it_along_and_loses_nothing() {
    let database = Database::postgres();
    let server = Server::start(&database, |config| config.database_pool_size = 1);
    server.add_user("alice");
    let web = server.add_web("web");
    let tokens = server.tokens_as(&web, "alice", SCOPE);
    let all = grants_like(&server, &tokens, 40);
    slow_down(&database, WRITE * 5);
    for (_, token) in &all {
        leave(&server, token);
    }
    let requested = Instant::now();
    while refresh(&server, tokens.text("refresh_token")).status != 200 {
        assert!(requested.elapsed() < Duration::from_secs(10), "it is not over");
    }
    run(&database, "DROP TRIGGER slow ON grants");
    let begun = all.iter().filter(|(grant, _)| generation(&server, *grant) > 1).count();
    eprintln!("{begun} of {} were begun", all.len());
    assert!(begun < all.len() / 2, "{begun} were begun");
    for (grant, token) in &all {
        let page = refresh(&server, token);
        assert_eq!((page.status, generation(&server, *grant)), (200, 2), "{page:?}");
    }
}
