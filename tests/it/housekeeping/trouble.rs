//! A row that cannot be read, ended or removed, and does not block the others.

use diesel::connection::SimpleConnection;
use symbolon::testing::{
    protocol::oauth::client::ClientKind,
    store::{Error, grants, sessions},
};

use super::{DAY, OFFLINE, another, count, is_there, pattern};
use crate::harness::{Browser, Server, both, grant_of};

fn execute(server: &Server, sql: &str) {
    server.store(|connection| connection.batch_execute(sql).map_err(Error::from));
}

#[test]
fn grants_leave_around_one_that_cannot() {
    both(|server| {
        server.add_user("alice");
        let spa = server.add_strict_client("spa");
        let pattern = pattern(server, &spa);
        let all: Vec<_> = (0..6).map(|number| another(server, &pattern, 70 * DAY + number, |_| ()).id).collect();
        execute(server, &format!("UPDATE grants SET generation = -1 WHERE id = {}", server.literal(all[1])));
        server.refuse("DELETE", "grants", &format!("OLD.id = {}", server.literal(all[3])));
        for _ in 0..3 {
            server.tidy();
        }
        let left = count(server, "grants");
        assert_eq!(left, 3, "the pattern, and those two");
        assert!(is_there(server, pattern.id) && is_there(server, all[3]));
    });
}

#[test]
fn sessions_end_and_leave_around_one_that_cannot() {
    both(|server| {
        server.add_user("alice");
        let spa = server.add_client("spa", ClientKind::Spa, |_| ());
        let begin = || {
            let tokens = server.tokens(&spa, "alice", OFFLINE);
            server.store(|connection| grants::find(connection, grant_of(&tokens))).unwrap().grant.sid
        };
        let all: Vec<_> = (0..4).map(|_| begin()).collect();
        server.refuse("UPDATE", "sessions", &format!("OLD.id = {}", server.literal(all[1])));
        // First they are idle for too long, then they have reached their end.
        for seconds in
            [server.app.config.lifetimes.session_idle.seconds(), server.app.config.lifetimes.session_absolute.seconds()]
        {
            server.advance(seconds + 3_700);
            server.tidy();
        }
        let ended = |id| server.store(|connection| sessions::find(connection, id)).is_none_or(|one| one.ended_at.is_some());
        let unended: Vec<_> = all.iter().filter(|id| !ended(**id)).collect();
        assert_eq!(unended, [&all[1]]);

        let mut browser = Browser::new(server);
        browser.sign_in("alice");
        assert_eq!(browser.get("/account").status, 200);
    });
}
