//! The calls themselves: none goes to a network that was not allowed, and neither the user who signs out nor other apps wait for
//! a receiver that does not answer.

use std::{
    io::ErrorKind,
    net::TcpListener,
    thread,
    time::{Duration, Instant},
};

use symbolon::testing::config::Config;

use super::{DONE, add_app, all_notified, may_call, sign_out, tokens, waiting};
use crate::harness::{Browser, Listener, Server, both, databases, wait_until};

#[test]
fn where_the_operator_allowed_nothing_no_network_of_ours_is_called() {
    both(|server| {
        server.add_user("alice");
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let port = listener.local_addr().unwrap().port();
        let mut browser = Browser::new(server);
        let urls = [
            format!("http://127.0.0.1:{port}"),
            format!("http://localhost:{port}"),
            format!("https://localhost:{port}"),
            format!("https://[::1]:{port}"),
            format!("https://[::ffff:7f00:1]:{port}"),
            "https://10.0.0.1".into(),
            "https://169.254.169.254".into(),
        ];
        for (number, url) in urls.iter().enumerate() {
            let app = add_app(server, &format!("app-{number}"), url);
            tokens(server, &mut browser, &app, "alice");
        }
        sign_out(&mut browser);
        let tried = || {
            let all = waiting(server);
            all.len() == urls.len() && all.iter().all(|one| one.attempts == 1 && one.next_at.since(server.now()).seconds() < 6)
        };
        wait_until(tried, || format!("{:?}", waiting(server)));
        assert_eq!(listener.accept().unwrap_err().kind(), ErrorKind::WouldBlock, "no connection was made");
    });
}

/// One connection to the database is all there is.
fn narrow(config: &mut Config) {
    may_call(config);
    config.database_pool_size = 1;
}

#[test]
fn nobody_waits_for_an_app_that_hangs() {
    let handle = |server: &Server| {
        server.add_user("alice");
        let (hanging, quick) = (Listener::with(""), Listener::with(DONE));
        hanging.hangs();
        let (slow, fast) = (add_app(server, "slow", &hanging.url), add_app(server, "fast", &quick.url));
        let began = Instant::now();
        for number in 1..=12 {
            let mut browser = Browser::new(server);
            tokens(server, &mut browser, &slow, "alice");
            tokens(server, &mut browser, &fast, "alice");
            let csrf = browser.get("/logout").csrf();
            let started = Instant::now();
            let page = browser.send("POST", "/logout", Some(&[("csrf", &csrf)]));
            assert_eq!(page.status, 303);
            // Who waited for the one that hangs would wait for five seconds.
            assert!(started.elapsed() < Duration::from_secs(4), "signing out took {:?}", started.elapsed());
            quick.wait_for(number);
            assert!(started.elapsed() < Duration::from_secs(4), "the other app was told after {:?}", started.elapsed());
            assert_eq!(server.send("GET", "/readyz", &[], None).status, 200);
        }
        // Each hangs for five seconds, and is followed by the next.
        let most = 2 + 2 * usize::try_from(began.elapsed().as_secs() / 5).unwrap();
        assert!(hanging.count() <= most, "two at a time: {} of {most}", hanging.count());
        assert_eq!(quick.count(), 12);
        hanging.answers(DONE);
        // Those that hang are cut off after five seconds; the others follow at once, and they in their turn.
        wait_until(|| waiting(server).iter().all(|one| one.attempts == 1), || format!("{:?}", waiting(server)));
        server.advance(30);
        all_notified(server);
        assert_eq!(quick.count(), 12);
    };
    thread::scope(|scope| {
        for database in databases() {
            scope.spawn(move || handle(&Server::start(&database, narrow)));
        }
    });
}
