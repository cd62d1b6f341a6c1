//! Tests of the keys under which password attempts are counted.

use super::*;

fn attempt(name: &str, user: Option<u8>, known_browser: Option<&str>, is_near: bool) -> Attempt {
    let secrets = SecretRing::new(["a secret of at least thirty-two bytes"]).unwrap();
    let who = Who { user_id: user.map(|byte| Id::from([byte; 16])), name: &LoginName::parse(name) };
    let from = From { address: IpAddr::from([1, 1, 1, 1]), known_browser, is_near };
    Attempt::to_sign_in(&secrets, who, from, Timestamp::from_millis(0))
}

#[test]
fn one_count_for_every_name_of_a_user_and_none_that_tells_them_apart() {
    let (alice, by_email) = (attempt("alice", Some(1), None, false), attempt("alice@example.com", Some(1), None, false));
    assert_eq!(alice.user, by_email.user);
    assert_ne!(alice.name, by_email.name);
    assert_ne!(alice.user, attempt("alice", Some(1), None, true).user, "near where they have signed in");
    assert_ne!(attempt("nobody", None, None, false).user, attempt("no.one", None, None, false).user);
}

#[test]
fn a_known_browser_counts_for_each_of_its_users_and_not_for_them_from_everywhere() {
    let (alice, bob) = (attempt("alice", Some(1), Some("b"), false), attempt("bob", Some(2), Some("b"), false));
    assert_ne!(alice.name, bob.name);
    assert_eq!(alice.name, attempt("alice@example.com", Some(1), Some("b"), true).name);
    assert!(alice.user.is_none() && bob.user.is_none());
    let network = |attempt: &Attempt| attempt.network.as_ref().unwrap().key;
    assert_eq!(network(&alice), network(&bob));
    assert_ne!(network(&alice), network(&attempt("alice", Some(1), None, false)));
}
