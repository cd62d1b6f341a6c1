//! Concurrent changes to one account: a form or link that was overtaken does nothing, a link does only what it is for, no write
//! restores what was changed meanwhile, and no two requests deadlock.

use std::{sync::Barrier, thread};

use symbolon::testing::{
    protocol::{
        account::{
            activity::{Activity, Origin},
            link::LinkKind,
            notification::{Notification, NotificationKind},
        },
        values::id::Id,
    },
    random,
    store::{
        AnyConnection, Result, account,
        activity::Event,
        link_actions,
        links::{self, Link},
        mail_requests,
        sessions::{self, Session},
        users,
    },
};

use crate::harness::{Browser, Server, both};

/// The browser in which a link is used, and its network.
const BROWSER: (&str, &str) = ("a browser", "192.0.0.0/16");

/// A link of a user, to this address.
fn link(server: &Server, kind: LinkKind, user: Option<Id>, email: &str) -> Link {
    let now = server.now();
    let link = Link { user_id: user, email: Some(email.into()), ..Link::new(random::id(now), kind, now) };
    server.store(|connection| links::insert(connection, &link));
    link
}

/// The session in which a user is signed in.
fn session(server: &Server, user: Id) -> Session {
    server.store(|connection| sessions::unended_of(connection, user)).remove(0)
}

fn find(server: &Server, user: Id) -> users::User {
    server.store(|connection| users::find(connection, user)).unwrap()
}

/// Asks for another address, or deletes the account: whether it was done.
fn asks(server: &Server, user: &users::User, session: &Session) -> bool {
    let (id, now) = (user.claims.id, server.now());
    let email = "thief@example.com".to_owned();
    let link = Link { user_id: Some(id), email: Some(email.clone()), ..Link::new(random::id(now), LinkKind::ConfirmEmail, now) };
    let notice = Notification {
        kind: NotificationKind::ConfirmEmail,
        to: email,
        name: None,
        at: now,
        origin: Origin::default(),
        about: None,
        link: Some(link.id),
        grant: None,
    };
    let event = server.event(id, Activity::EmailChangeRequested);
    server.store(|connection| mail_requests::send_link(connection, (user, session), &link, (random::id(now), &notice), &event))
}

#[test]
fn a_password_shown_before_it_was_taken_away_counts_no_more() {
    type Change = fn(&Server, Id, &Session);
    let changes: [Change; 3] = [
        |server, id, _| {
            let event = server.event(id, Activity::NotMe);
            assert!(server.store(|connection| account::report_not_me(connection, None, &event)).password_taken);
        },
        |server, _, session| server.end_session(session.id),
        |server, id, _| server.disable(id),
    ];
    for change in changes {
        both(|server| {
            let alice = server.add_user("alice");
            let id = alice.claims.id;
            Browser::new(server).sign_in("alice");
            let session = session(server, id);
            assert!(asks(server, &alice, &session), "before");
            change(server, id, &session);
            assert!(!asks(server, &alice, &session));
            let open = server.store(|connection| links::of_user(connection, id));
            assert_eq!(open.iter().filter(|link| link.kind == LinkKind::ConfirmEmail).count(), 1, "{open:?}");
            let now = server.now();
            assert!(!server.store(|connection| account::delete_own(connection, (&alice, &session), now)));
            assert_eq!(find(server, id).claims.username, "alice");
        });
    }
}

#[test]
fn a_link_does_what_it_is_for_and_for_its_user_alone() {
    both(|server| {
        let (alice, bob) = (server.add_user("alice").claims.id, server.add_user("bob").claims.id);
        let event = |user| server.event(user, Activity::PasswordReset);
        let reset = link(server, LinkKind::Reset, Some(alice), "alice@example.com");
        let not_me = link(server, LinkKind::NotMe, Some(alice), "alice@example.com");
        let sets = |link: &Link, user| {
            server.store(|connection| link_actions::reset_password(connection, link, "a hash", BROWSER, &event(user))).is_some()
        };
        assert!(!sets(&not_me, alice) && !sets(&reset, bob));
        assert!(server.store(|connection| link_actions::not_me(connection, &reset, &event(alice))).is_none());
        assert!(server.store(|connection| link_actions::not_me(connection, &not_me, &event(bob))).is_none());
        let confirms = |link: &Link, user| server.store(|connection| link_actions::confirm_email(connection, link, &event(user)));
        assert_eq!(confirms(&not_me, alice), link_actions::Confirmed::Invalid);
        assert!(sets(&reset, alice) && !sets(&reset, alice), "once");

        let mut zoe = find(server, bob);
        (zoe.claims.id, zoe.claims.username) = (random::id(server.now()), "zoe".into());
        zoe.claims.email = "someone.else@example.com".into();
        let registers = |link: &Link| {
            let made = |connection: &mut _| link_actions::register(connection, link, &zoe, &event(zoe.claims.id), |_| Ok(()));
            server.store(made).is_some()
        };
        assert!(!registers(&not_me));
        assert!(registers(&link(server, LinkKind::Register, None, "zoe@example.com")));
        assert_eq!(find(server, zoe.claims.id).claims.email, "zoe@example.com");
    });
}

#[test]
fn whom_no_message_reaches_keeps_the_password() {
    both(|server| {
        let alice = server.add_unverified("alice");
        let event = server.event(alice.claims.id, Activity::NotMe);
        Browser::new(server).sign_in("alice");
        let ended = server.store(|connection| account::report_not_me(connection, None, &event));
        assert!(!ended.password_taken && ended.sessions.len() == 1, "{ended:?}");
        assert_eq!(find(server, alice.claims.id).password_hash, alice.password_hash);
    });
}

#[test]
fn a_clock_behind_the_operators_locks_nobody_out() {
    both(|server| {
        for (name, ahead) in [("alice", 5), ("bob", 60), ("carol", 3_600)] {
            let id = server.add_user(name).claims.id;
            let requested = server.now().plus(symbolon::testing::protocol::values::time::Span::from_seconds(ahead));
            let event = Event { at: requested, ..server.event(id, Activity::SignInAgain) };
            server.store(|connection| account::ask_to_sign_in_again(connection, &event));
            assert_eq!(find(server, id).must_sign_in_since(), Some(requested));
            let mut browser = Browser::new(server);
            browser.sign_in(name);
            assert_eq!(browser.get("/account").status, 200, "the session counts");
            let found = find(server, id);
            assert_eq!(found.must_sign_in_since(), None);
            // Clocks differ by a little, or one of them was wrong: then its time is not taken over.
            assert_eq!(found.signed_in_at == Some(requested), ahead == 5, "{found:?}");
            browser.sign_in(name);
            let again = find(server, id);
            assert!(again.signed_in_at >= found.signed_in_at && again.must_sign_in_since().is_none(), "it never goes back");
            server.advance(120);
            Browser::new(server).sign_in(name);
            assert!(find(server, id).signed_in_at > again.signed_in_at);
        }
    });
}

/// Two at once: both come to their end.
fn together(
    server: &Server,
    one: impl FnOnce(&mut AnyConnection) -> Result<()> + Send,
    two: impl FnOnce(&mut AnyConnection) -> Result<()> + Send,
) {
    let barrier = &Barrier::new(2);
    thread::scope(|scope| {
        scope.spawn(|| {
            server.store(|connection| {
                barrier.wait();
                one(connection)
            });
        });
        scope.spawn(|| {
            server.store(|connection| {
                barrier.wait();
                two(connection)
            });
        });
    });
}

#[test]
fn no_two_wait_for_each_other() {
    both(|server| {
        let alice = server.add_user("alice").claims.id;
        for says_by_link in [false, true].repeat(15) {
            let reset = link(server, LinkKind::Reset, Some(alice), "alice@example.com");
            let not_me = link(server, LinkKind::NotMe, Some(alice), "alice@example.com");
            let event = |activity| server.event(alice, activity);
            let link_actions = |connection: &mut AnyConnection| {
                link_actions::reset_password(connection, &reset, "a hash", BROWSER, &event(Activity::PasswordReset)).map(drop)
            };
            let says =
                |connection: &mut AnyConnection| link_actions::not_me(connection, &not_me, &event(Activity::NotMe)).map(drop);
            let disowns =
                |connection: &mut AnyConnection| account::report_not_me(connection, None, &event(Activity::NotMe)).map(drop);
            if says_by_link {
                together(server, link_actions, says);
            } else {
                together(server, link_actions, disowns);
            }
        }
    });
}

#[test]
fn an_address_and_a_role_that_change_at_once_both_stay() {
    both(|server| {
        let alice = server.add_user("alice").claims.id;
        for round in 0..20 {
            let (email, role) = (format!("alice{round}@example.com"), format!("role{round}"));
            let confirm = link(server, LinkKind::ConfirmEmail, Some(alice), &email);
            let event = server.event(alice, Activity::EmailChanged);
            let confirms = |connection: &mut AnyConnection| link_actions::confirm_email(connection, &confirm, &event).map(drop);
            let gives = |connection: &mut AnyConnection| {
                let event = |activity| server.event(alice, activity);
                account::change_details(connection, alice, event, |user| {
                    user.claims.roles.push(role.clone());
                    Ok::<_, symbolon::testing::store::Error>(())
                })
                .map(drop)
            };
            together(server, confirms, gives);
            let claims = find(server, alice).claims;
            assert_eq!((claims.email, claims.roles.len()), (email, round + 1));
        }
    });
}

/// Whoever was in may have asked for another address: no way of locking them out leaves that open.
#[test]
fn nothing_that_was_asked_for_before_survives_what_locks_an_outsider_out() {
    type Change = fn(&Server, &users::User, &Session);
    let changes: [(&str, Change); 4] = [
        ("a new password", |server, user, session| {
            let (hash, event) = (
                server.app.passwords.hash("four herons and a kettle").unwrap(),
                server.event(user.claims.id, Activity::PasswordChanged),
            );
            let changed =
                server.store(|connection| account::change_password(connection, user, &hash, (session, true, false), &event));
            assert!(changed.is_some());
        }),
        ("a reset", |server, user, _| server.reset_password(user.claims.id, user.password_hash.as_deref().unwrap())),
        ("switched off and on", |server, user, _| {
            server.disable(user.claims.id);
            server.enable(user.claims.id);
        }),
        ("everything ended", |server, user, _| {
            let event = server.event(user.claims.id, Activity::EverythingEnded);
            server.store(|connection| account::end_everything(connection, None, &event));
        }),
    ];
    both(|server| {
        for (name, change) in changes {
            let alice = server.add_user(&format!("alice{}", name.len()));
            let id = alice.claims.id;
            Browser::new(server).sign_in(&alice.claims.username);
            let requested =
                [LinkKind::ConfirmEmail, LinkKind::Reset].map(|kind| link(server, kind, Some(id), "thief@example.com"));
            change(server, &find(server, id), &session(server, id));
            let event = server.event(id, Activity::EmailChanged);
            let confirmed = server.store(|connection| link_actions::confirm_email(connection, &requested[0], &event));
            assert_eq!(confirmed, link_actions::Confirmed::Invalid, "{name}");
            let reset =
                server.store(|connection| link_actions::reset_password(connection, &requested[1], "a hash", BROWSER, &event));
            assert!(reset.is_none() && find(server, id).claims.email == alice.claims.email, "{name}");
        }
    });
}

#[test]
fn a_link_for_a_password_is_of_the_address_that_it_went_to() {
    both(|server| {
        let alice = server.add_user("alice");
        let id = alice.claims.id;
        server.change_user(id, |user| user.claims.email = "new@example.com".into());
        let reset = link(server, LinkKind::Reset, Some(id), "alice@example.com");
        let event = server.event(id, Activity::PasswordReset);
        assert!(server.store(|connection| link_actions::reset_password(connection, &reset, "a hash", BROWSER, &event)).is_none());
    });
}
