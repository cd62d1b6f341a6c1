//! An operator's reset of an account with second factors: they are removed after a time in which e-mails tell and cancel; then a link
//! by e-mail is enough, as for an account that has a password alone.

use symbolon::testing::{
    operations::{Actor, Context, authenticators, recovery},
    protocol::{
        account::{activity::Activity, authenticator::AuthenticatorKind},
        oidc::authentication::Method,
        values::time::Span,
    },
    store::{authenticators as rows, users::User},
};

use super::{give, short, show};
use crate::harness::{Browser, MailServer, PASSWORD, Server, settled, with_mail};

const DAY: u32 = 86_400;

/// Alice, with a password, a TOTP app and recovery codes, signed in.
fn alice(server: &Server) -> (User, Browser) {
    let alice = server.add_user("alice");
    let mut home = Browser::new(server);
    home.sign_in("alice");
    give(server, &alice, AuthenticatorKind::Totp, "Phone");
    give(server, &alice, AuthenticatorKind::RecoveryCodes, "codes");
    (alice, home)
}

fn reset(server: &Server, after: u32) -> recovery::ResetBegun {
    let (config, now) = (&server.app.config, server.now());
    let mut begun = None;
    server.store(|connection| {
        let mut context = Context { config, connection, now };
        begun = Some(recovery::reset(&mut context, Actor::OPERATOR, "alice", Span::from_seconds(after)).unwrap());
        Ok(())
    });
    server.app.delivery_waker.wake();
    begun.unwrap()
}

/// How many authenticators there are.
fn left(server: &Server, user: &User) -> usize {
    server.store(|connection| rows::of_user(connection, user.claims.id)).len()
}

/// The newest e-mail to Alice with these words in its subject.
fn newest(server: &Server, mail: &MailServer, words: &str) -> crate::harness::ReceivedMessage {
    settled(server);
    let found = mail.messages().into_iter().rfind(|message| message.subject.contains(words));
    found.unwrap_or_else(|| panic!("no e-mail about {words}"))
}

#[test]
fn it_waits_for_an_objection_and_then_removes_everything() {
    with_mail(
        |_| (),
        |server, mail| {
            let (alice, mut home) = alice(server);
            let begun = reset(server, DAY);
            assert!(!begun.authenticators_removed && begun.authenticators_removed_at.is_some());
            assert_eq!((begun.ended_sessions, left(server, &alice)), (1, 2), "signed out at once, and nothing removed yet");
            assert_eq!(short(&home.get("/account")), "/login");
            let told = newest(server, mail, "will be removed");
            assert!(told.text.replace('\n', " ").contains("passkeys, authenticator apps and recovery codes"), "{told:?}");
            newest(server, mail, "Set a new password");
            server.tidy();
            assert_eq!(left(server, &alice), 2, "not due");
            server.advance(i64::from(DAY) - 60);
            server.tidy();
            assert_eq!(left(server, &alice), 2, "not due");
            server.advance(120);
            server.tidy();
            assert_eq!(left(server, &alice), 0);
            newest(server, mail, "were removed");
            let activities = server.activities(alice.claims.id);
            assert!(activities.starts_with(&[Activity::AuthenticatorsReset]), "{activities:?}");
            // From here on a forgotten password is one of an account with a password alone.
            let mut phone = Browser::new(server);
            phone.ask_by("/recover", ("login", "alice"));
            settled(server);
            let link = mail.messages().into_iter().find(|message| message.text.contains("/recover/password?")).unwrap();
            phone.open_and_submit(server, &link, &[("new_password", "violet tractor over the moon")]);
            let page = phone.sign_in_at("/login", "alice", "violet tractor over the moon");
            assert_eq!(short(&page), "/");
            server.tidy();
            assert_eq!(server.activities(alice.claims.id).iter().filter(|one| **one == Activity::AuthenticatorsReset).count(), 1);
        },
    );
}

#[test]
fn the_link_in_its_e_mail_cancels_it() {
    with_mail(
        |_| (),
        |server, mail| {
            let (alice, _) = alice(server);
            reset(server, DAY);
            let told = newest(server, mail, "will be removed");
            let mut phone = Browser::new(server);
            let page = phone.open(server, &told);
            assert!(page.is("not-me") && page.state() == Some("reset-planned"), "{page:?}");
            server.advance(600);
            server.tidy();
            let done = phone.submit(&page, &[]);
            assert!(done.is("everything-ended"), "{done:?}");
            assert!(server.activities(alice.claims.id).contains(&Activity::ResetCancelled));
            server.advance(2 * i64::from(DAY));
            server.tidy();
            assert_eq!(left(server, &alice), 2, "cancelled");
        },
    );
}

#[test]
fn the_user_cancels_it_on_the_activity_page() {
    with_mail(
        |_| (),
        |server, mail| {
            let (alice, mut home) = alice(server);
            reset(server, DAY);
            // Signed in again, by a new password and the second factor.
            server.reset_password(alice.claims.id, &server.app.passwords.hash(PASSWORD).unwrap());
            let id = rows_without(server, &alice);
            home = home.elsewhere(server);
            home.sign_in("alice");
            put_back(server, &alice, &id);
            show(server, &[Method::Password, Method::Totp]);
            let page = home.get("/account/activity");
            assert_eq!(page.state(), Some("reset-planned"), "{page:?}");
            let forged = home.send("POST", "/account/cancel-reset", Some(&[("csrf", "x")]));
            assert_eq!((forged.status, forged.problem()), (400, Some("form-expired")));
            let page = home.submit(&page, &[]);
            let page = home.get(page.location());
            assert_eq!((page.done(), page.state()), (Some("reset-cancelled"), None), "{page:?}");
            newest(server, mail, "stay");
            server.advance(2 * i64::from(DAY));
            server.tidy();
            assert_eq!(left(server, &alice), 2);
        },
    );
}

/// Hides a user's authenticators, so that a password alone begins a session.
fn rows_without(server: &Server, user: &User) -> String {
    use diesel::RunQueryDsl;
    let hidden = server.literal(symbolon::testing::random::id(server.now()));
    let sql = format!("UPDATE authenticators SET user_id = {hidden} WHERE user_id = {}", server.literal(user.claims.id));
    server.store(|connection| diesel::sql_query(sql).execute(connection).map_err(Into::into));
    hidden
}

/// Brings them back.
fn put_back(server: &Server, user: &User, hidden: &str) {
    use diesel::RunQueryDsl;
    let sql = format!("UPDATE authenticators SET user_id = {} WHERE user_id = {hidden}", server.literal(user.claims.id));
    server.store(|connection| diesel::sql_query(sql).execute(connection).map_err(Into::into));
}

#[test]
fn without_a_waiting_time_it_is_done_at_once_and_without_factors_there_is_nothing_to_wait_for() {
    with_mail(
        |_| (),
        |server, mail| {
            let (alice, _) = alice(server);
            let begun = reset(server, 0);
            assert!(begun.authenticators_removed && begun.authenticators_removed_at.is_none());
            assert_eq!(left(server, &alice), 0);
            newest(server, mail, "were removed");
            let again = reset(server, DAY);
            assert!(!again.authenticators_removed && again.authenticators_removed_at.is_none(), "nothing is left");
        },
    );
}

#[test]
fn an_operator_cancels_removes_and_counts() {
    with_mail(
        |_| (),
        |server, mail| {
            let (alice, _) = alice(server);
            server.add_user("bob");
            reset(server, DAY);
            let (config, now) = (&server.app.config, server.now());
            let theirs = server.store(|connection| rows::of_user(connection, alice.claims.id));
            let id = theirs.iter().find(|one| one.kind == AuthenticatorKind::Totp).unwrap().id.to_string();
            server.store(|connection| {
                let mut context = Context { config, connection, now };
                let counts = authenticators::counts(&mut context).unwrap();
                assert_eq!((counts.users, counts.with_password, counts.with_totp, counts.with_passkey), (2, 1, 1, 0));
                assert_eq!((counts.with_recovery_codes, counts.without_second_factor), (1, 1));
                let shown = authenticators::list(&mut context, "alice").unwrap();
                assert!(shown.removed_at.is_some() && !shown.password);
                assert_eq!(shown.authenticators.iter().find_map(|one| one.codes_left), Some(10));
                let kept = authenticators::cancel_reset(&mut context, Actor::OPERATOR, "alice@example.com").unwrap();
                assert!(kept.removed_at.is_none());
                assert!(authenticators::cancel_reset(&mut context, Actor::OPERATOR, "alice").is_err(), "there is none any more");
                assert!(authenticators::remove(&mut context, Actor::OPERATOR, "bob", &id).is_err(), "it is Alice's");
                let removed = authenticators::remove(&mut context, Actor::OPERATOR, "alice", &id).unwrap();
                assert_eq!(removed.left, 0, "recovery codes go with what they stand in for");
                assert!(authenticators::remove(&mut context, Actor::OPERATOR, "alice", &id).is_err(), "it is gone");
                Ok(())
            });
            server.app.delivery_waker.wake();
            let told = newest(server, mail, "was removed");
            assert!(told.text.contains("Authenticator app: Phone"), "{told:?}");
            server.advance(2 * i64::from(DAY));
            server.tidy();
            assert!(!server.activities(alice.claims.id).contains(&Activity::AuthenticatorsReset));
        },
    );
}

#[test]
fn a_deleted_user_has_no_reset() {
    with_mail(
        |_| (),
        |server, _| {
            let (alice, _) = alice(server);
            reset(server, DAY);
            server.delete(alice.claims.id);
            server.advance(2 * i64::from(DAY));
            server.tidy();
            let found = server.store(|connection| symbolon::testing::store::resets::find(connection, alice.claims.id));
            assert_eq!(found, None);
        },
    );
}
