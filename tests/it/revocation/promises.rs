//! The promise of a 200, that the token is revoked: also while others refresh at the same moment, and never if the database did
//! not accept it (RFC 7009 §2.2.1).

use std::{sync::Barrier, thread};

use diesel::{Connection, RunQueryDsl, connection::SimpleConnection};

use super::{SCOPE, done, opens, refreshes, refused, stage};
use crate::harness::{Answer, Database, Server, both};

const THREADS: usize = 20;

#[test]
fn refreshes_that_race_a_revocation_leave_nothing_alive() {
    both(|server| {
        let (web, _) = stage(server);
        for round in 0..15 {
            let mut current = server.tokens_as(&web, "alice", SCOPE);
            for _ in 0..round % 3 {
                current = server.refresh_as(&web, current.text("refresh_token"), &[]);
            }
            let barrier = Barrier::new(THREADS);
            let answers: Vec<Answer> = thread::scope(|scope| {
                let run = |number: usize| {
                    barrier.wait();
                    match number {
                        0 => {
                            done(&server.revoke("web", current.text("refresh_token")));
                            None
                        }
                        _ => Some(server.refresh_as(&web, current.text("refresh_token"), &[])),
                    }
                };
                let all: Vec<_> = (0..THREADS).map(|number| scope.spawn(move || run(number))).collect();
                all.into_iter().filter_map(|one| one.join().unwrap()).collect()
            });
            for answer in &answers {
                assert!(answer.status == 200 || (answer.status, answer.error()) == (400, "invalid_grant"), "{round}: {answer:?}");
            }
            for tokens in answers.iter().filter(|answer| answer.status == 200).chain([&current]) {
                assert!(!opens(server, tokens) && !refreshes(server, tokens), "{round}");
                let again = server.refresh_as(&web, tokens.text("refresh_token"), &[]);
                assert_eq!((again.status, again.error()), (400, "invalid_grant"), "{round}: {again:?}");
            }
        }
    });
}

/// Every token is refused with 503 while the database cannot write, lives on, and dies when it is revoked again.
fn never_promised(server: &Server, tokens: &Answer, resume: impl FnOnce()) {
    for name in ["refresh_token", "access_token"] {
        let page = server.revoke("web", tokens.text(name));
        refused(&page, 503, "temporarily_unavailable");
        assert!(page.header("retry-after").unwrap().parse::<u32>().unwrap() > 0, "{page:?}");
        assert!(opens(server, tokens) && refreshes(server, tokens), "nothing was done: {name}");
    }
    done(&server.revoke("web", "unknown"));
    resume();
    done(&server.revoke("web", tokens.text("access_token")));
    assert!(!opens(server, tokens) && refreshes(server, tokens));
    done(&server.revoke("web", tokens.text("refresh_token")));
    assert!(!refreshes(server, tokens));
}

#[test]
fn while_another_process_keeps_sqlite_locked_nothing_is_promised() {
    let database = Database::sqlite();
    let server = Server::start(&database, |_| ());
    let (_, tokens) = stage(&server);
    let mut other = diesel::SqliteConnection::establish(database.url.strip_prefix("sqlite:").unwrap()).unwrap();
    other.batch_execute("BEGIN IMMEDIATE").unwrap();
    never_promised(&server, &tokens, move || other.batch_execute("ROLLBACK").unwrap());
}

/// The statement passes, and the commit does not: a deferred trigger speaks when the transaction ends.
const AT_COMMIT: &str = "
    CREATE FUNCTION no_commit() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'could not extend file: No space left on device'; END $$;
    CREATE CONSTRAINT TRIGGER no_commit AFTER UPDATE ON grants
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION no_commit();
    CREATE CONSTRAINT TRIGGER no_commit AFTER INSERT ON revoked_tokens
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION no_commit();
";

#[test]
fn when_postgresql_fails_at_the_commit_nothing_is_promised() {
    let database = Database::postgres();
    let server = Server::start(&database, |_| ());
    let (_, tokens) = stage(&server);
    let mut other = diesel::PgConnection::establish(&database.url).unwrap();
    other.batch_execute(AT_COMMIT).unwrap();
    never_promised(&server, &tokens, move || {
        diesel::sql_query("DROP FUNCTION no_commit CASCADE").execute(&mut other).unwrap();
    });
}

#[test]
fn when_postgresql_holds_the_row_nothing_is_promised() {
    let database = Database::postgres();
    let server = Server::start(&database, |_| ());
    let (_, tokens) = stage(&server);
    let mut other = diesel::PgConnection::establish(&database.url).unwrap();
    other.batch_execute("BEGIN; SELECT 1 FROM grants FOR UPDATE; LOCK TABLE revoked_tokens IN EXCLUSIVE MODE").unwrap();
    never_promised(&server, &tokens, move || other.batch_execute("ROLLBACK").unwrap());
}
