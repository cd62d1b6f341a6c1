//! Confirming an address of an account: by anyone who reads its mail, signed in or not, once.

use symbolon::testing::{
    protocol::{account::link::LinkKind, values::id::Id},
    store::{
        links::{self, Link},
        users,
    },
};

use super::{made, opened};
use crate::harness::{Browser, Server, settled, with_mail};

/// A link that gives the user this address.
fn link(server: &Server, user: Id, email: &str) -> (Id, String) {
    made(server, LinkKind::ConfirmEmail, |link: &mut Link| {
        (link.user_id, link.email) = (Some(user), Some(email.into()));
    })
}

fn email_of(server: &Server, user: Id) -> (String, bool) {
    let found = server.store(|connection| users::find(connection, user)).unwrap();
    (found.claims.email, found.claims.email_verified)
}

#[test]
fn an_address_becomes_the_accounts_by_the_button_alone() {
    with_mail(
        |_| (),
        |server, mail| {
            let alice = server.add_user("alice");
            for (is_signed_in, email, before) in
                [(false, "one@example.com", "alice@example.com"), (true, "two@example.com", "one@example.com")]
            {
                let (_, text) = link(server, alice.claims.id, email);
                let mut browser = Browser::new(server);
                if is_signed_in {
                    browser.sign_in("alice");
                }
                let page = opened(&mut browser, "/confirm-email", &text);
                assert!(page.status == 200 && page.body.contains(email) && page.body.contains("alice"), "{page:?}");
                assert_eq!(email_of(server, alice.claims.id), (before.to_owned(), true), "not yet");
                assert_eq!(Browser::new(server).submit(&page, &[]).status, 400, "in another browser, without the link");
                let done = browser.submit(&page, &[]);
                assert!(done.status == 200 && done.body.contains(email), "{done:?}");
                assert_eq!(email_of(server, alice.claims.id), (email.to_owned(), true));
                let received = mail.wait_for(before, 1);
                assert!(received.last().unwrap().text.contains(email), "the old address hears of it: {received:?}");
                assert_eq!(opened(&mut browser, "/confirm-email", &text).status, 410);
            }
        },
    );
}

#[test]
fn an_address_that_is_anothers_by_now_stays_theirs() {
    with_mail(
        |_| (),
        |server, _| {
            let alice = server.add_user("alice");
            let (id, text) = link(server, alice.claims.id, "bob@example.com");
            let mut browser = Browser::new(server);
            let page = opened(&mut browser, "/confirm-email", &text);
            server.add_user("bob");
            let done = browser.submit(&page, &[]);
            assert!(done.status == 410 && done.problem() == Some("address-taken"), "{done:?}");
            assert_eq!(email_of(server, alice.claims.id).0, "alice@example.com");
            assert!(server.store(|connection| links::find(connection, id)).unwrap().used_at.is_none());
        },
    );
}

#[test]
fn whoever_is_switched_off_or_gone_confirms_nothing() {
    with_mail(
        |_| (),
        |server, _| {
            let alice = server.add_user("alice");
            let bob = server.add_user("bob");
            let (_, of_alice) = link(server, alice.claims.id, "one@example.com");
            let (_, of_bob) = link(server, bob.claims.id, "two@example.com");
            server.disable(alice.claims.id);
            server.delete(bob.claims.id);
            // What was asked for before the account was disabled is over, and of an account that is gone there is no link.
            for (text, status) in [(of_alice, 410), (of_bob, 400)] {
                assert_eq!(opened(&mut Browser::new(server), "/confirm-email", &text).status, status);
            }
        },
    );
}

#[test]
fn of_twenty_at_once_one_wins() {
    with_mail(
        |_| (),
        |server, mail| {
            let alice = server.add_user("alice");
            let (_, text) = link(server, alice.claims.id, "new@example.com");
            let mut browser = Browser::new(server);
            let page = opened(&mut browser, "/confirm-email", &text);
            let statuses = browser.submit_at_once(&page, &[], 20);
            assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
            assert!(statuses.iter().all(|status| matches!(status, 200 | 410 | 503)), "{statuses:?}");
            settled(server);
            assert_eq!(mail.messages().len(), 1, "told once");
        },
    );
}
