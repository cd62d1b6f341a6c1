//! Password hashes of former systems, and of former parameters, which are replaced when their user signs in, and only then.

use std::{sync::Barrier, thread};

use symbolon::testing::store::users::{self, User};

use super::{WRONG, attempt, attempt_from, behind_a_proxy, signed_in};
use crate::harness::{Browser, PASSWORD, Server, both, both_with};

/// bcrypt of `PASSWORD`, by the package of that name for Python.
const BCRYPT: &str = "$2b$04$L/1LiozrfkWCVW3FlOX7MO3pAorHCpU2TA0eCa.5cMJGKzOpV9Sjq";
/// How every hash of the tests' servers begins.
const OURS: &str = "$argon2id$v=19$m=8,t=1,p=1$";

/// Gives a user the hash of a former system.
fn import(server: &Server, user: &User) {
    let ours = user.password_hash.as_deref().unwrap();
    assert!(server.store(|connection| users::replace_hash(connection, user.claims.id, ours, BCRYPT)));
}

fn hash_of(server: &Server, user: &User) -> String {
    server.store(|connection| users::find(connection, user.claims.id)).unwrap().password_hash.unwrap()
}

#[test]
fn a_hash_of_a_former_system_is_made_anew_at_the_first_sign_in() {
    both(|server| {
        let alice = server.add_user("alice");
        import(server, &alice);
        assert_eq!(attempt(&mut Browser::new(server), "alice", WRONG).status, 401);
        assert_eq!(hash_of(server, &alice), BCRYPT, "a wrong password changes nothing");

        let mut first = Browser::new(server);
        assert_eq!(attempt(&mut first, "alice", PASSWORD).status, 303);
        let hash = hash_of(server, &alice);
        assert!(hash.starts_with(OURS), "{hash}");

        assert_eq!(attempt(&mut Browser::new(server), "alice", PASSWORD).status, 303);
        assert_eq!(hash_of(server, &alice), hash, "once is enough");
        assert_eq!(attempt(&mut Browser::new(server), "alice", WRONG).status, 401);
        assert_eq!(signed_in(&mut first), "alice Example", "nothing has ended");
    });
}

#[test]
fn a_hash_of_former_parameters_is_made_anew() {
    both_with(
        |config| config.passwords.iterations = 2,
        |server| {
            let alice = server.add_user("alice");
            let ours = alice.password_hash.as_deref().unwrap();
            let former = "$argon2id$v=19$m=8,t=1,p=1$AAECAwQFBgcICQoLDA0ODw$0X6mNBypPaYHnqL2TcSqMd0ar5yqZ/tCrEr9BxRwbyY";
            assert!(server.store(|connection| users::replace_hash(connection, alice.claims.id, ours, former)));
            assert_eq!(attempt(&mut Browser::new(server), "alice", PASSWORD).status, 303);
            assert!(hash_of(server, &alice).starts_with("$argon2id$v=19$m=8,t=2,p=1$"));
        },
    );
}

#[test]
fn sign_ins_at_once_all_succeed() {
    both_with(behind_a_proxy, |server| {
        for n in 0..4 {
            let user = server.add_user(&format!("alice{n}"));
            import(server, &user);
            let (start, name) = (Barrier::new(3), &user.claims.username);
            let answers: Vec<_> = thread::scope(|scope| {
                let sign_in = |n: usize| {
                    let start = &start;
                    scope.spawn(move || {
                        start.wait();
                        attempt_from(server, &format!("198.51.100.{n}"), name, PASSWORD).status
                    })
                };
                [0, 1, 2].map(sign_in).map(|thread| thread.join().unwrap()).into()
            });
            assert_eq!(answers, [303, 303, 303], "{name}");
            assert!(hash_of(server, &user).starts_with(OURS));
        }
    });
}
