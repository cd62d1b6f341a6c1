//! Recovery of a forgotten password: requested by name or address, answered only by e-mail, and completed with a link in the
//! browser that requested it.

mod enumeration;
mod limits;
mod outages;

use symbolon::testing::{
    protocol::oauth::client::ClientKind,
    store::{activity, rate_limits, users},
};

use crate::harness::{
    Browser, LINK, MailServer, PASSWORD, ReceivedMessage, Server, both, query_of, settled, wait_until, with_mail,
};

/// A password that nobody guesses.
const NEW: &str = "violet tractor over the moon";

/// Asks for a new password in this browser: the e-mail.
#[track_caller]
fn requested(browser: &mut Browser, mail: &MailServer, path: &str, name: &str) -> ReceivedMessage {
    let before = resets(mail).len();
    browser.ask_by(path, ("login", name));
    wait_until(|| resets(mail).len() > before, || format!("no letter to {name}"));
    resets(mail).remove(before)
}

/// Every e-mail that brings a new password.
fn resets(mail: &MailServer) -> Vec<ReceivedMessage> {
    mail.messages().into_iter().filter(|message| message.text.contains("/recover/password?")).collect()
}

/// Whether this password is the one of this name.
fn signs_in(server: &Server, name: &str, password: &str) -> bool {
    Browser::new(server).sign_in_at("/login", name, password).status == 303
}

#[test]
fn a_new_password_is_set_in_the_browser_that_asked() {
    with_mail(
        |_| (),
        |server, mail| {
            let alice = server.add_user("alice");
            let spa = server.add_client("spa", ClientKind::Spa, |_| ());
            let tokens = server.tokens(&spa, "alice", "openid offline_access");
            let mut elsewhere = Browser::new(server);
            elsewhere.sign_in("alice");
            let mut browser = Browser::new(server);
            let message = requested(&mut browser, mail, "/recover", "alice");
            assert!(message.text.contains("10 minutes"), "{message:?}");
            assert!(signs_in(server, "alice", PASSWORD), "nothing has happened yet");

            let page = browser.open(server, &message);
            assert!(page.status == 200 && page.body.contains("alice"), "{page:?}");
            for (password, problem) in [
                ("sh0rty", "password-too-short"),
                ("alice@example.com", "password-contextual"),
                ("passwordpassword", "password-repetitive"),
            ] {
                let sent = browser.submit(&page, &[("new_password", password)]);
                assert!(
                    sent.status == 400 && sent.problem() == Some(problem) && !sent.body.contains(password),
                    "{password}: {sent:?}"
                );
            }
            let page = browser.submit(&page, &[("new_password", NEW)]);
            assert_eq!(page.status, 303, "{page:?}");
            assert!(page.location().starts_with("/login?notice=password_set&sign_in_as=alice&notice_stamp="), "{page:?}");
            assert!(!browser.cookies.contains_key(LINK));
            assert!(browser.get(page.location()).done() == Some("password-set"));
            assert!(browser.get("/").state() == Some("signed-out"), "a link is no sign-in");

            assert!(!signs_in(server, "alice", PASSWORD) && signs_in(server, "alice", NEW));
            assert!(elsewhere.get("/").state() == Some("signed-out"), "everything has ended");
            assert_eq!(server.refresh(&spa, tokens.text("refresh_token")).error(), "invalid_grant");
            settled(server);
            let received = mail.messages().into_iter().filter(|message| message.subject.contains("assword")).count();
            assert_eq!(received, 2, "the person is told");
            let happened = server.store(|connection| activity::of(connection, alice.claims.id, None, 20));
            let happened: Vec<_> = happened.iter().map(|(_, entry)| entry.activity.name()).collect();
            assert!(happened.contains(&"reset_asked") && happened.contains(&"password_reset"), "{happened:?}");
        },
    );
}

#[test]
fn in_another_browser_it_does_nothing_and_stays_good_in_the_first() {
    with_mail(
        |_| (),
        |server, mail| {
            server.add_user("alice");
            let mut browser = Browser::new(server);
            let message = requested(&mut browser, mail, "/recover", "alice");
            let mut thief = Browser::new(server);
            thief.get("/recover");
            for mut other in [thief.clone(), Browser::new(server)] {
                let page = other.open(server, &message);
                assert!(page.status == 400 && page.problem() == Some("other-browser"), "{page:?}");
                assert!(page.body.contains("href=\"/recover\"") && !page.body.contains("alice"), "{page:?}");
            }
            // Nor with the form that the first browser was shown.
            let page = browser.open(server, &message);
            thief.open(server, &message);
            assert_eq!(thief.submit(&page, &[("new_password", NEW)]).status, 400);
            assert!(signs_in(server, "alice", PASSWORD));
            assert_eq!(browser.submit(&page, &[("new_password", NEW)]).status, 303);
            assert!(signs_in(server, "alice", NEW));
        },
    );
}

#[test]
fn a_newer_message_takes_the_place_of_an_older() {
    with_mail(
        |_| (),
        |server, mail| {
            server.add_user("alice");
            let mut browser = Browser::new(server);
            let older = requested(&mut browser, mail, "/recover", "alice");
            let others = requested(&mut Browser::new(server), mail, "/recover", "alice");
            assert_ne!(older.link(), others.link());
            assert_eq!(browser.open(server, &older).status, 200, "whoever else asks takes nothing away");
            let newer = requested(&mut browser, mail, "/recover", "alice");
            assert_ne!(older.link(), newer.link());
            assert_eq!(browser.open(server, &older).status, 410);
            assert_eq!(browser.open_and_submit(server, &newer, &[("new_password", NEW)]).status, 303);
            assert_eq!(browser.open(server, &newer).status, 410);
        },
    );
}

#[test]
fn the_request_of_an_app_is_kept_on_the_way() {
    with_mail(
        |_| (),
        |server, mail| {
            server.add_user("alice");
            let spa = server.add_client("spa", ClientKind::Spa, |_| ());
            let mut browser = Browser::new(server);
            let more = [("prompt", "login"), ("nonce", "n0nce"), ("login_hint", "alice")];
            let page = browser.get(&Browser::request(&spa, "openid", &more));
            let login = browser.get(page.location());
            let recover = login.attribute("href=\"/recover", "href");
            assert_eq!(browser.get(&recover).attribute("name=\"login\"", "value"), "alice");
            let message = requested(&mut browser, mail, &recover, "alice");
            let page = browser.open_and_submit(server, &message, &[("new_password", NEW)]);
            let login = browser.get(page.location());
            let page = browser.submit(&login, &[("username", "alice"), ("password", NEW)]);
            let to = page.location().to_owned();
            assert!(to.starts_with("/authorize?client_id=spa&"), "{to}");
            let page = browser.follow(&to, "alice", "allow");
            let tokens = server.redeem(&spa, &query_of(page.location())["code"]);
            assert_eq!(crate::harness::claims_of(tokens.text("id_token"))["nonce"], "n0nce");
        },
    );
}

#[test]
fn an_address_typed_at_the_sign_in_page_is_filled_in_and_nothing_else_is_in_the_url() {
    with_mail(
        |_| (),
        |server, _| {
            let mut browser = Browser::new(server);
            for (typed, filled_in) in [("alice@example.com", "alice@example.com"), (NEW, ""), ("alice", "")] {
                let login = browser.get("/login");
                let page = browser.submit(&login, &[("username", typed), ("password", "not the password")]);
                let recover = page.attribute("href=\"/recover", "href");
                assert_eq!(recover.contains("sent_for"), !filled_in.is_empty(), "{recover}");
                assert_eq!(browser.get(&recover).attribute("name=\"login\"", "value"), filled_in);
            }
        },
    );
}

#[test]
fn what_others_guessed_does_not_slow_down_the_new_password() {
    with_mail(
        |_| (),
        |server, mail| {
            let alice = server.add_user("alice");
            let key = server.app.config.secrets.pseudonym("user, from elsewhere", &alice.claims.id.to_string());
            let count = || server.store(|connection| rate_limits::find(connection, &[key])).remove(&key);
            let mut browser = Browser::new(server);
            let message = requested(&mut browser, mail, "/recover", "alice");
            assert!(!signs_in(server, "alice", "wrong"));
            assert!(count().is_some());
            assert_eq!(browser.open_and_submit(server, &message, &[("new_password", NEW)]).status, 303);
            assert_eq!(count(), None);
        },
    );
}

#[test]
fn whoever_is_switched_off_since_sets_nothing() {
    with_mail(
        |_| (),
        |server, mail| {
            let alice = server.add_user("alice");
            let mut browser = Browser::new(server);
            let message = requested(&mut browser, mail, "/recover", "alice");
            let page = browser.open(server, &message);
            server.disable(alice.claims.id);
            assert_eq!(browser.submit(&page, &[("new_password", NEW)]).status, 410, "it ended with the account's access");
            assert_eq!(browser.open(server, &message).status, 410);
            let found = server.store(|connection| users::find(connection, alice.claims.id)).unwrap();
            assert_eq!(found.password_hash, alice.password_hash);
        },
    );
}

#[test]
fn of_twenty_at_once_one_wins() {
    with_mail(
        |_| (),
        |server, mail| {
            server.add_user("alice");
            let mut browser = Browser::new(server);
            let message = requested(&mut browser, mail, "/recover", "alice");
            let page = browser.open(server, &message);
            let statuses = browser.submit_at_once(&page, &[("new_password", NEW)], 20);
            assert_eq!(statuses.iter().filter(|status| **status == 303).count(), 1, "{statuses:?}");
            assert!(statuses.iter().all(|status| matches!(status, 303 | 410 | 503)), "{statuses:?}");
            settled(server);
            let received = mail.messages().iter().filter(|message| message.link().contains("/not-me?")).count();
            assert_eq!(received, 1, "told once");
        },
    );
}

#[test]
fn without_mail_the_page_says_so() {
    both(|server| {
        let mut browser = Browser::new(server);
        for page in [browser.get("/recover"), browser.send("POST", "/recover", Some(&[("login", "alice")]))] {
            assert!(page.status == 200 && !page.body.contains("<form"), "{page:?}");
            assert!(page.body.contains("the people who run this server"), "{page:?}");
        }
        assert!(!browser.get("/login").body.contains("/recover"));
    });
}

#[test]
fn the_page_says_beforehand_where_the_link_works_and_keeps_the_name() {
    with_mail(
        |_| (),
        |server, mail| {
            server.add_user("alice");
            let mut browser = Browser::new(server);
            assert!(browser.get("/recover").body.contains("works only in this browser"), "before it is sent");
            let sent = browser.ask_by("/recover", ("login", "alice"));
            let again = sent.attribute("href=\"/recover?", "href");
            let form = browser.get(&again);
            assert!(form.is("recover") && form.attribute("id=\"login\"", "value") == "alice", "{form:?}");
            assert_eq!(browser.submit(&form, &[("login", "alice")]).status, 303);
            // Nobody else's link fills in a name.
            assert_eq!(Browser::new(server).get(&again).attribute("id=\"login\"", "value"), "");
            assert!(!browser.get(&again.replace("alice", "mallory")).body.contains("mallory"));
            // From the sign-in page, with what was typed there, and with the request of the app.
            let spa = server.add_client("spa", ClientKind::Spa, |_| ());
            let page = browser.get(&Browser::request(&spa, "openid", &[]));
            let wrong = browser.sign_in_at(page.location(), "alice@example.com", "not the password");
            let forgot = wrong.attribute("href=\"/recover?", "href");
            let form = browser.get(&forgot);
            assert_eq!(form.attribute("id=\"login\"", "value"), "alice@example.com", "{form:?}");
            assert!(form.attribute("form ", "action").contains("client_id=spa"), "{form:?}");
            wait_until(|| !resets(mail).is_empty(), || "no letter".into());
        },
    );
}
