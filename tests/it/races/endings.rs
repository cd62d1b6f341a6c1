//! Grants issued while what they rest on is ended: the session, the consent, everything, the account. Issued in one statement
//! where the session was read a moment ago, and in a transaction where it was not; ended through another server. Whatever the
//! interleaving, none of them stays active.

use std::{
    sync::{Barrier, Mutex},
    thread,
    time::Duration,
};

use symbolon::testing::{
    protocol::{account::activity::Activity, oauth::client::Client, values::id::Id},
    store::{
        account, grants,
        sessions::{self, Offline},
    },
};

use crate::harness::{Answer, Browser, Server, databases, query_of};

const SCOPE: &str = "openid offline_access";
const ROUNDS: u32 = 10;
const BROWSERS: usize = 6;

/// What is ended, the scope of the grants that end with it, and how, on a server.
type Ending = (&'static str, &'static str, fn(&Server, Id));

fn sign_out(server: &Server, user: Id, offline: Offline) {
    for session in server.store(|connection| sessions::unended_of(connection, user)) {
        let event = server.event(user, Activity::SignedOut);
        server.store(|connection| sessions::end(connection, &session, offline, &event));
    }
}

const ENDINGS: [Ending; 5] = [
    ("the session", "openid", |server, user| sign_out(server, user, Offline::Keep)),
    ("the session, with offline access", SCOPE, |server, user| sign_out(server, user, Offline::Ends)),
    ("the consent", SCOPE, |server, user| {
        server.withdraw(user, "web");
    }),
    ("everything", SCOPE, |server, user| {
        let event = server.event(user, Activity::EverythingEnded);
        server.store(|connection| account::end_everything(connection, None, &event));
    }),
    ("the account", SCOPE, Server::disable),
];

/// Asks for a code and redeems it, on and on, until it is not given any more: the tokens.
fn collect(browser: &mut Browser, servers: [&Server; 2], (client, scope): (&Client, &str)) -> Vec<Answer> {
    let mut got = Vec::new();
    for turn in 0..40 {
        let page = browser.get(&Browser::request(client, scope, &[]));
        assert!(page.status == 303, "{page:?}");
        let query = query_of(page.location());
        let Some(code) = query.get("code") else { break };
        let answer = servers[turn % 2].redeem_as(client, code, &[]);
        assert!(answer.status == 200 || answer.error() == "invalid_grant", "{answer:?}");
        if answer.status == 200 {
            got.push(answer);
        }
    }
    got
}

/// Many ask at once in one session, in both servers, while the other ends it: what they got.
fn race(servers: [&Server; 2], (client, scope): (&Client, &str), round: u32, end: impl Fn(&Server)) -> Vec<Answer> {
    let mut browser = Browser::new(servers[0]);
    browser.code(client, "alice", scope);
    let other = browser.elsewhere(servers[1]);
    if round % 2 == 1 {
        servers[0].advance(61); // the first to ask notes that the session was seen
    }
    let (barrier, got) = (Barrier::new(BROWSERS + 1), Mutex::new(Vec::new()));
    thread::scope(|threads| {
        for n in 0..BROWSERS {
            let mut browser = [&browser, &other][n % 2].clone();
            let (barrier, got) = (&barrier, &got);
            threads.spawn(move || {
                barrier.wait();
                let tokens = collect(&mut browser, servers, (client, scope));
                got.lock().unwrap().extend(tokens);
            });
        }
        barrier.wait();
        thread::sleep(Duration::from_micros(1500) * round);
        end(servers[(round % 2) as usize]);
    });
    got.into_inner().unwrap()
}

#[test]
fn none_that_is_given_meanwhile_lives_on() {
    for database in databases() {
        let one = Server::start(&database, |_| ());
        let two = one.sibling(&database);
        let servers = [&one, &two];
        let alice = one.add_user("alice").claims.id;
        let web = one.add_web("web");
        for (what, scope, end) in ENDINGS {
            let mut given = 0;
            for round in 0..ROUNDS {
                let case = format!("{}: {what}, round {round}", database.name);
                let got = race(servers, (&web, scope), round, |server| end(server, alice));
                given += got.len();
                let now = one.now();
                let live = one.store(|connection| grants::active_of(connection, alice, now));
                assert!(live.is_empty(), "{case}: {} grants live on", live.len());
                for (n, tokens) in got.iter().enumerate() {
                    let server = servers[n % 2];
                    assert!(!server.is_active("web", tokens.text("access_token")), "{case}");
                    assert!(!server.is_active("web", tokens.text("refresh_token")), "{case}");
                    let refreshed = server.refresh_as(&web, tokens.text("refresh_token"), &[]);
                    assert_eq!(refreshed.error(), "invalid_grant", "{case}: {refreshed:?}");
                }
                one.enable(alice);
            }
            eprintln!("{}: {what}: {given} grants were given meanwhile", database.name);
            assert!(given > 0, "{what}: the race was never close");
        }
    }
}
