//! Browsers in which a user has signed in, and their networks: known ones cause no notification, unknown ones are reported in the
//! user's activity and by e-mail. A browser is known by its cookie together with its network, never by the network alone. What
//! apps do from other networks is `devices::networks`.

mod networks;

use symbolon::testing::{
    config::Config,
    protocol::{
        account::activity::{
            Activity::{self, SignedIn, SignedInAnew},
            Entry,
        },
        values::id::Id,
    },
};

use crate::harness::{Behavior, Browser, Database, MailServer, PASSWORD, Server, behind_a_proxy, databases, from};

const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
const HOME: &str = "203.0.113.9";
const DEVICE: &str = "symbolon_device";

/// A server behind a proxy that sends e-mails, and alice.
fn stage(database: &Database) -> (MailServer, Server, Id) {
    stage_with(database, |_| ())
}

/// As [`stage`], with a configuration of its own.
fn stage_with(database: &Database, change: impl Fn(&mut Config)) -> (MailServer, Server, Id) {
    eprintln!("on {}", database.name);
    let mail = MailServer::start(Behavior::WELL);
    let server = Server::start(database, |config| {
        behind_a_proxy(config);
        config.mail = mail.settings();
        change(config);
    });
    let alice = server.add_user("alice").claims.id;
    (mail, server, alice)
}

/// Signs in from an address a second later, and says what that was.
fn sign_in(server: &Server, browser: &mut Browser, address: &str, (name, user): (&str, Id)) -> Activity {
    server.advance(1);
    browser.headers = from(address, FIREFOX);
    let before = server.happened(user).len();
    let page = browser.sign_in_at("/login", name, PASSWORD);
    assert_eq!(page.status, 303, "{page:?}");
    let happened = server.happened(user);
    assert_eq!(happened.len(), before + 1, "{happened:?}");
    happened[0].activity
}

#[test]
fn a_browser_or_a_network_that_was_never_seen_is_told() {
    for database in databases() {
        let (mail, server, alice) = stage(&database);
        let who = ("alice", alice);
        let mut browsers = [0; 3].map(|_| Browser::new(&server));
        let [first, second, third] = [0, 1, 2];
        let mut received = 0;
        for (browser, address, expected, what) in [
            (first, HOME, SignedIn, "nothing was known of her: there is nobody else to tell"),
            (first, HOME, SignedIn, "the same browser in the same network"),
            (first, "203.0.200.1", SignedIn, "the next address of the same provider"),
        ] {
            assert_eq!(sign_in(&server, &mut browsers[browser], address, who), expected, "{what}");
        }
        assert_eq!(server.messages_to(&mail, "alice@example.com"), received);
        for (browser, address, expected, what) in [
            (second, HOME, SignedInAnew, "another browser, though in a known network"),
            (first, "198.51.100.7", SignedInAnew, "the same browser, in another network"),
            (first, "198.51.7.200", SignedIn, "which is known by now"),
            (second, "198.51.100.7", SignedIn, "and a browser that is known may come from there, too"),
            (second, HOME, SignedIn, "and from where it was before"),
            (first, "2001:db8:1::1", SignedInAnew, "IPv6"),
            (first, "2001:db8:ffff::9", SignedIn, "of one provider"),
            (first, "2001:db9::1", SignedInAnew, "of another"),
            (third, "2001:db9::1", SignedInAnew, "never by the network alone"),
        ] {
            assert_eq!(sign_in(&server, &mut browsers[browser], address, who), expected, "{what}");
            received += usize::from(expected == SignedInAnew);
            assert_eq!(server.messages_to(&mail, "alice@example.com"), received, "{what}");
        }
        // One who did not get in is nobody's device.
        let mut guesser = server.browser_from("192.0.2.1", FIREFOX);
        assert_eq!(guesser.sign_in_at("/login", "alice", "correct horse battery stapler").status, 401);
        assert_eq!(server.happened(alice)[0].activity, Activity::SignInFailed);
        assert_eq!(sign_in(&server, &mut guesser, "192.0.2.1", who), SignedInAnew, "a failure makes nothing known");
    }
}

#[test]
fn the_message_says_what_the_activity_says() {
    for database in databases() {
        let (mail, server, alice) = stage(&database);
        let who = ("alice", alice);
        sign_in(&server, &mut Browser::new(&server), HOME, who);
        sign_in(&server, &mut Browser::new(&server), "198.51.100.7", who);
        let Entry { activity, origin, about, count, .. } = server.happened(alice).remove(0);
        assert_eq!((activity, origin.address.as_deref(), about, count), (SignedInAnew, Some("198.51.100.7"), None, 1));
        assert_eq!(origin.user_agent.as_deref(), Some(FIREFOX));
        let message = mail.wait_for("alice@example.com", 1).remove(0);
        assert!(message.subject.contains("New sign-in"), "{message:?}");
        for words in ["Hello alice Example,", "Firefox on Linux", "198.51.100.7"] {
            assert!(message.text.contains(words), "{words}: {message:?}");
        }
        assert!(message.link().starts_with(&format!("{}/not-me?link=sym_ml_", server.url)), "{message:?}");
    }
}

#[test]
fn no_message_goes_to_an_address_that_is_not_known_to_be_theirs() {
    for database in databases() {
        let (mail, server, _) = stage(&database);
        let bob = server.add_unverified("bob").claims.id;
        for (address, expected) in [(HOME, SignedIn), ("198.51.100.7", SignedInAnew)] {
            assert_eq!(sign_in(&server, &mut Browser::new(&server), address, ("bob", bob)), expected);
        }
        assert!(server.waiting_messages().is_empty());
        assert_eq!(server.messages_to(&mail, "bob@example.com"), 0, "it is in the activity alone");
    }
}

#[test]
fn the_cookie_of_another_users_browser_makes_nobody_known() {
    for database in databases() {
        let (mail, server, alice) = stage(&database);
        let bob = server.add_user("bob").claims.id;
        let [mut hers, mut his] = [0; 2].map(|_| Browser::new(&server));
        sign_in(&server, &mut hers, HOME, ("alice", alice));
        sign_in(&server, &mut his, HOME, ("bob", bob));
        let her_cookie = hers.cookies[DEVICE].clone();
        for planted in [her_cookie.clone(), her_cookie.replace('.', "x."), format!("x{her_cookie}"), "x.y".into(), ".".into()] {
            let mut browser = Browser::new(&server);
            browser.cookies.insert(DEVICE, planted.clone());
            assert_eq!(sign_in(&server, &mut browser, HOME, ("bob", bob)), SignedInAnew, "{planted}");
            assert_ne!(browser.cookies[DEVICE], planted);
        }
        assert_eq!(server.messages_to(&mail, "bob@example.com"), 5);
        assert_eq!(sign_in(&server, &mut hers, HOME, ("alice", alice)), SignedIn);
        assert_eq!(server.messages_to(&mail, "alice@example.com"), 0);
    }
}

#[test]
fn a_new_password_makes_every_browser_an_outsiders_again() {
    for database in databases() {
        let (mail, server, alice) = stage(&database);
        let who = ("alice", alice);
        let [mut first, mut second] = [0; 2].map(|_| Browser::new(&server));
        sign_in(&server, &mut first, HOME, who);
        sign_in(&server, &mut second, HOME, who);
        assert_eq!(sign_in(&server, &mut second, HOME, who), SignedIn);
        server.advance(1);
        server.reset_password(alice, &server.app.passwords.hash(PASSWORD).unwrap());
        assert_eq!(sign_in(&server, &mut first, HOME, who), SignedInAnew, "whoever it is that signs in first");
        assert_eq!(sign_in(&server, &mut second, HOME, who), SignedInAnew, "who was there before has to be told of");
        assert_eq!(
            server.messages_to(&mail, "alice@example.com"),
            4,
            "the second browser, the new password, and both browsers anew"
        );
    }
}
