//! Durable delivery: a notification that fails stays in the database, is retried at growing intervals by any running process, and
//! is given up after a day.

use std::{collections::BTreeSet, io::Write, thread, time::Duration};

use symbolon::testing::{
    config::Issuer,
    protocol::{oauth::client::Client, values::time::Span},
    store::{
        clients,
        deliveries::{Content, Delivery},
    },
};

use super::{DONE, FAILED, add_app, all_notified, may_call, received, sign_out, tokens, verified, waiting};
use crate::harness::{Browser, Listener, Port, Process, Server, answer, both_with, claims_of, databases, wait_until};

/// Someone signs in at the apps and out again: the id of the session.
fn end_a_session(server: &Server, apps: &[&Client]) -> String {
    let mut browser = Browser::new(server);
    let all: Vec<_> = apps.iter().map(|app| tokens(server, &mut browser, app, "alice")).collect();
    sign_out(&mut browser);
    claims_of(all[0].text("id_token"))["sid"].as_str().unwrap().to_owned()
}

/// Waits until the one delivery was tried so often, and put off.
#[track_caller]
fn put_off(server: &Server, attempts: u32) -> Delivery {
    let is_so = || matches!(&*waiting(server), [one] if one.attempts == attempts && !is_in_hand(server, one));
    wait_until(is_so, || format!("{attempts}: {:?}", waiting(server)));
    waiting(server).remove(0)
}

/// Whether a process has it: for thirty seconds, where nothing is put off for about as long.
fn is_in_hand(server: &Server, delivery: &Delivery) -> bool {
    (24..=30).contains(&delivery.next_at.since(server.now()).seconds())
}

/// Moves the clock, and has the server look.
fn advance(server: &Server, seconds: i64) {
    server.advance(seconds);
    server.app.delivery_waker.wake();
}

#[test]
fn who_cannot_be_told_is_told_later() {
    both_with(may_call, |server| {
        server.add_user("alice");
        let port = Port::new();
        let app = add_app(server, "app", &port.url());
        let sid = end_a_session(server, &[&app]);
        let delivery = put_off(server, 1);
        assert_eq!(delivery.client_id, "app");
        assert!(matches!(&delivery.content, Content::Logout(logout) if logout.sid == sid), "{delivery:?}");

        let elsewhere = Listener::with(DONE);
        let listener = Listener::at(port, FAILED);
        let moved = format!("HTTP/1.1 307 Moved\r\nlocation: {}/app\r\ncontent-length: 0\r\n\r\n", elsewhere.url);
        for (attempt, say) in
            [FAILED, &moved, &answer(400, "application/json", "{\"error\":\"invalid_request\"}")].into_iter().enumerate()
        {
            listener.answers(say);
            advance(server, 4 << attempt);
            advance(server, 1 << attempt);
            listener.wait_for(attempt + 1);
            put_off(server, u32::try_from(attempt).unwrap() + 2);
        }
        listener.answers(DONE);
        advance(server, 30);
        thread::sleep(Duration::from_millis(100));
        assert_eq!(listener.count(), 3, "later each time: forty seconds after the fourth attempt");
        advance(server, 10);
        let requests = listener.wait_for(4);
        all_notified(server);
        assert_eq!(elsewhere.count(), 0, "no redirect was followed");
        let mut names = BTreeSet::new();
        for request in &requests {
            let (client_id, token) = received(request);
            let (_, claims) = verified(server, &client_id, &token);
            assert_eq!(claims["sid"], sid.as_str());
            assert!(names.insert(claims["jti"].to_string()), "another token each time");
        }
        let last = claims_of(&received(&requests[3]).1);
        assert!(last["exp"].as_i64().unwrap() > server.now().seconds(), "signed when it was sent");
    });
}

#[test]
fn any_answer_of_success_is_one() {
    both_with(may_call, |server| {
        server.add_user("alice");
        for say in [DONE, "HTTP/1.1 204 No Content\r\n\r\n", &answer(200, "text/html", &"x".repeat(70_000))] {
            let listener = Listener::with(say);
            let id = format!("app-{}", listener.url.rsplit(':').next().unwrap());
            let app = add_app(server, &id, &listener.url);
            end_a_session(server, &[&app]);
            listener.wait_for(1);
            all_notified(server);
            assert_eq!(listener.count(), 1);
        }
    });
}

#[test]
fn after_a_day_nobody_tries_any_more() {
    both_with(may_call, |server| {
        server.add_user("alice");
        let listener = Listener::with(FAILED);
        let app = add_app(server, "app", &listener.url);
        end_a_session(server, &[&app]);
        put_off(server, 1);
        advance(server, 86_300);
        put_off(server, 2);
        advance(server, 200);
        all_notified(server);
        assert_eq!(listener.count(), 3, "tried once more, and given up");
        advance(server, 86_400);
        thread::sleep(Duration::from_millis(100));
        assert_eq!(listener.count(), 3);
    });
}

#[test]
fn the_address_is_the_one_that_is_registered_when_it_is_sent() {
    both_with(may_call, |server| {
        server.add_user("alice");
        let (old, new) = (Listener::with(FAILED), Listener::with(DONE));
        let now = server.now();
        for (number, change) in ["moved", "removed", "disabled", "deleted"].into_iter().enumerate() {
            let app = add_app(server, change, &old.url);
            end_a_session(server, &[&app]);
            put_off(server, 1);
            let set = |uri: Option<String>| {
                server.store(|connection| {
                    clients::update(connection, change, |_, client| -> Result<(), symbolon::testing::store::Error> {
                        client.settings.backchannel_logout_uri = uri;
                        Ok(())
                    })
                });
            };
            match change {
                "moved" => set(Some(format!("{}/moved?of=symbolon", new.url))),
                "removed" => set(None),
                "disabled" => drop(server.store(|connection| clients::set_disabled(connection, change, Some(now)))),
                _ => drop(server.store(|connection| clients::delete(connection, change, now))),
            }
            advance(server, 5);
            all_notified(server);
            assert_eq!((old.count(), new.count()), (number + 1, 1), "{change}");
        }
        assert_eq!(received(&new.requests()[0]).0, "moved");
    });
}

#[test]
fn a_server_that_is_started_again_goes_on_and_so_does_another() {
    for database in databases() {
        let mut server = Server::start(&database, may_call);
        server.add_user("alice");
        let listener = Listener::with(FAILED);
        let app = add_app(&server, "app", &listener.url);
        for (count, by) in [(2, "itself"), (4, "another")] {
            listener.answers(FAILED);
            let sid = end_a_session(&server, &[&app]);
            put_off(&server, 1);
            let sibling = (by == "another").then(|| server.sibling_with(&database, may_call));
            if sibling.is_some() {
                server.stop();
            } else {
                server = server.restart(&database, may_call);
            }
            listener.answers(DONE);
            assert_eq!((waiting(&server).len(), listener.count()), (1, count - 1));
            server.advance(5); // nobody rings: it is looked for every second
            let requests = listener.wait_for(count);
            all_notified(&server);
            let now_served_by = sibling.as_ref().unwrap_or(&server);
            let (_, claims) = verified(now_served_by, "app", &received(&requests[count - 1]).1);
            assert_eq!(claims["sid"], sid.as_str());
        }
    }
}

#[test]
fn two_processes_do_not_both_send_one() {
    for database in databases() {
        let one = Server::start(&database, may_call);
        let two = one.sibling_with(&database, may_call);
        one.add_user("alice");
        let listener = Listener::with(FAILED);
        let apps: Vec<_> = (0..6).map(|number| add_app(&one, &format!("app-{number}"), &listener.url)).collect();
        let apps: Vec<_> = apps.iter().collect();
        for _ in 0..2 {
            end_a_session(&one, &apps);
        }
        for round in 1..=3_u32 {
            let count = 12 * usize::try_from(round).unwrap();
            listener.wait_for(count);
            let settled = || {
                let all = waiting(&one);
                all.len() == 12 && all.iter().all(|delivery| delivery.attempts == round && !is_in_hand(&one, delivery))
            };
            wait_until(settled, || format!("{round}: {:?}", waiting(&one)));
            assert_eq!(listener.count(), count, "round {round}");
            if round == 3 {
                listener.answers(DONE);
            }
            one.advance(5 << (round - 1));
            for server in [&one, &two] {
                server.app.delivery_waker.wake();
            }
        }
        listener.wait_for(48);
        all_notified(&one);
        assert_eq!(listener.count(), 48);
        let names: BTreeSet<_> =
            listener.requests().iter().map(|request| claims_of(&received(request).1)["jti"].to_string()).collect();
        assert_eq!(names.len(), 48);
    }
}

#[test]
fn what_was_in_hand_when_a_process_died_is_sent_by_the_next() {
    for database in databases() {
        let mut server = Server::start(&database, may_call);
        server.add_user("alice");
        let listener = Listener::with("");
        listener.hangs();
        let app = add_app(&server, "app", &listener.url);
        server.stop();
        let issuer = server.url.clone();
        let directory = tempfile::tempdir().unwrap();
        let mut process = Process::start(
            &["serve"],
            &[
                ("SYMBOLON_ISSUER", &issuer),
                ("SYMBOLON_LISTEN", issuer.strip_prefix("http://").unwrap()),
                ("SYMBOLON_DATABASE_URL", &database.url),
                ("SYMBOLON_DATA_DIR", directory.path().to_str().unwrap()),
                ("SYMBOLON_SECRET", "the server secret of the integration tests"),
                ("SYMBOLON_OUTBOUND_ALLOWLIST", "[\"127.0.0.0/8\"]"),
                ("SYMBOLON_PASSWORD_HASH_MEMORY_KIB", "8"),
                ("SYMBOLON_PASSWORD_HASH_ITERATIONS", "1"),
            ],
        );
        process.wait_for("serving");
        let sid = end_a_session(&server, &[&app]);
        listener.wait_for(1);
        process.signal("KILL");
        process.end();

        listener.answers(DONE);
        let next = Server::start(&database, |config| {
            may_call(config);
            config.issuer = Issuer::parse(&issuer).unwrap();
        });
        let left = waiting(&next);
        assert_eq!((left.len(), left[0].attempts), (1, 1), "it was in hand");
        assert!(left[0].next_at > next.now() && left[0].next_at <= next.now().plus(Span::from_seconds(30)), "{left:?}");
        next.advance(31);
        let requests = listener.wait_for(2);
        all_notified(&next);
        assert_eq!(verified(&next, "app", &received(&requests[1]).1).1["sid"], sid.as_str());
        assert_eq!(listener.count(), 2);
    }
}

#[test]
fn one_that_takes_its_time_is_told_once() {
    both_with(may_call, |server| {
        server.add_user("alice");
        let listener = Listener::with("");
        listener.does(|stream| {
            thread::sleep(Duration::from_millis(700));
            stream.write_all(DONE.as_bytes())
        });
        let app = add_app(server, "app", &listener.url);
        end_a_session(server, &[&app]);
        listener.wait_for(1);
        server.app.delivery_waker.wake(); // looked for meanwhile, and found to be in hand
        all_notified(server);
        assert_eq!(listener.count(), 1);
    });
}

#[test]
fn one_that_the_database_refuses_to_hand_out_keeps_no_other_back() {
    both_with(may_call, |server| {
        server.add_user("alice");
        let listener = Listener::with(FAILED);
        let apps: Vec<_> = (0..3).map(|number| add_app(server, &format!("app-{number}"), &listener.url)).collect();
        end_a_session(server, &apps.iter().collect::<Vec<_>>());
        listener.wait_for(3);
        let all_put_off = || waiting(server).iter().all(|one| one.attempts == 1 && !is_in_hand(server, one));
        wait_until(all_put_off, || format!("{:?}", waiting(server)));
        server.refuse("UPDATE", "deliveries", "OLD.client_id = 'app-0'");
        listener.answers(DONE);
        advance(server, 6);
        listener.wait_for(5);
        wait_until(|| waiting(server).len() == 1, || format!("{:?}", waiting(server)));
        assert_eq!(waiting(server)[0].client_id, "app-0");
    });
}
