//! The lease: one process at a time does the work, and another only when the first has died or stopped.

use std::{sync::Barrier, thread, time::Duration};

use symbolon::testing::{
    background,
    protocol::values::{
        id::Id,
        time::{Span, Timestamp},
    },
    random,
    store::leases,
};

use super::{is_kept, revoke_expired};
use crate::harness::{Server, both, databases};

const LEASE: &str = "housekeeping";
const SPAN: Span = Span::from_seconds(90);

fn take(server: &Server, name: &str, holder: Id, now: Timestamp) -> bool {
    server.store(|connection| leases::take(connection, name, holder, now, SPAN))
}

#[test]
fn whoever_waits_for_a_dead_process_waits_until_its_lease_ends() {
    both(|server| {
        assert!(take(server, LEASE, random::id(server.now()), server.now()));
        revoke_expired(server, "a");
        server.tidy();
        server.advance(80);
        server.tidy();
        assert!(is_kept(server, "a"), "the other may live");
        server.advance(11);
        server.tidy();
        assert!(!is_kept(server, "a"));
    });
}

#[test]
fn one_of_two_works_and_the_other_goes_on_at_once_when_it_has_stopped() {
    for database in databases() {
        eprintln!("on {}", database.name);
        let one = Server::start(&database, |_| ());
        let two = one.sibling(&database);
        one.tidy();
        revoke_expired(&one, "a");
        two.tidy();
        assert!(is_kept(&one, "a"), "the first has the lease");
        one.tidy();
        assert!(!is_kept(&one, "a"));
        let finish = |server: &Server| {
            let app = server.app.clone().into_inner();
            actix_web::rt::System::new().block_on(background::finish(&app));
        };
        let three = one.sibling(&database);
        finish(&three);
        revoke_expired(&one, "b");
        two.tidy();
        assert!(is_kept(&one, "b"), "the third had nothing to give back");
        finish(&one);
        one.tidy();
        assert!(is_kept(&one, "b"), "who is about to stop begins nothing");
        two.tidy();
        assert!(!is_kept(&one, "b"));
        revoke_expired(&one, "c");
        one.tidy();
        assert!(is_kept(&one, "c"), "now the second has it");
    }
}

#[test]
fn who_stops_gives_it_back_when_the_batch_is_done() {
    both(|server| {
        server.tidy();
        let next = random::id(server.now());
        let batch = server.app.housekeeping_is_over.lock().unwrap();
        thread::scope(|scope| {
            let stopping = scope.spawn(|| {
                let app = server.app.clone().into_inner();
                actix_web::rt::System::new().block_on(background::finish(&app));
            });
            thread::sleep(Duration::from_millis(50));
            assert!(!stopping.is_finished() && !take(server, LEASE, next, server.now()), "something is still being done");
            drop(batch);
        });
        assert!(take(server, LEASE, next, server.now()));
    });
}

#[test]
fn a_lease_is_one_holders_and_is_prolonged_in_time() {
    both(|server| {
        let start = server.now();
        let at = |seconds: u32| start.plus(Span::from_seconds(seconds));
        let [one, two] = [random::id(start), random::id(start)];
        let take = |holder, seconds| take(server, "work", holder, at(seconds));
        assert!(take(one, 0));
        assert!(!take(two, 0) && !take(two, 89), "another's");
        assert!(take(one, 20) && take(two, 90), "of one that has much left nothing is written");
        assert!(!take(one, 90));
        assert!(take(two, 130), "it has less than two thirds left: prolonged to 220");
        assert!(!take(one, 219) && take(one, 220));
        assert!(take(two, 86_400), "by a clock that is ahead by a day");
        assert!(take(one, 230) && !take(two, 230), "it does not count for so long");
    });
}

#[test]
fn of_many_who_ask_at_once_one_gets_it() {
    both(|server| {
        const MANY: usize = 8;
        let now = server.now();
        for ends in [0, 90] {
            // First there is none, then one that has ended.
            let barrier = Barrier::new(MANY);
            let got: Vec<bool> = thread::scope(|scope| {
                let ask = || {
                    barrier.wait();
                    take(server, "work", random::id(now), now.plus(Span::from_seconds(ends)))
                };
                let all: Vec<_> = (0..MANY).map(|_| scope.spawn(ask)).collect();
                all.into_iter().map(|one| one.join().unwrap()).collect()
            });
            assert_eq!(got.iter().filter(|got| **got).count(), 1, "{got:?}");
        }
    });
}
