//! The rotation of the server secret during a rolling restart: at each step one of two servers has the new list and the other the
//! previous one, and each accepts everything that the other derives. The list is defined in `protocol::secrets`.

use symbolon::testing::{
    clock::Clock,
    config::Config,
    jose::{first_keys, keys},
    protocol::{oauth::client::ClientKind, secrets::SecretRing},
    store::{Store, grants, signing_keys},
};

use crate::harness::{Behavior, Browser, MailServer, PASSWORD, Phone, Server, databases, grant_of, settled};

const OLD: &str = "the server secret of the integration tests";
const NEW: &str = "another server secret, as long as it must be";
const MARKED: &str = "next another server secret, as long as it must be";

/// The documented procedure, from the list before to the list after.
const STEPS: [[&[&str]; 2]; 3] = [[&[OLD], &[MARKED, OLD]], [&[MARKED, OLD], &[NEW, OLD]], [&[NEW, OLD], &[NEW]]];

fn with(list: &[&str]) -> SecretRing {
    SecretRing::new(list).unwrap()
}

/// Runs a handler with two servers at each step, on each database: whichever of them was restarted first.
fn at_each_step(change: impl Fn(&mut Config), handle: impl Fn(&Server, &Server)) {
    for database in databases() {
        let mut first = Server::start(&database, &change);
        first.add_user("alice");
        first.stop(); // it goes on for nobody: the two of each step have its name and its database
        for lists in STEPS {
            if lists[1] == [NEW] {
                seal_anew(&first.app.store);
            }
            let [one, two] = lists.map(|list| {
                first.sibling_with(&database, |config| {
                    change(config);
                    config.secrets = with(list);
                })
            });
            for (here, there) in [(&one, &two), (&two, &one)] {
                eprintln!("on {}: {:?} and {:?}", database.name, here.app.config.secrets.uses(), there.app.config.secrets.uses());
                handle(here, there);
            }
        }
    }
}

/// As `key rotate --now` does for each algorithm, once the new secret derives: keys that are sealed under it.
fn seal_anew(store: &Store) {
    let now = Clock::system().now();
    for algorithm in first_keys::OF_EVERY_INSTALLATION {
        let key = keys::generate(&with(&[NEW, OLD]), algorithm, now, now).unwrap();
        store.with(|connection| signing_keys::insert(connection, &key)).unwrap();
    }
}

#[test]
fn whatever_one_server_gave_out_the_other_takes() {
    at_each_step(
        |_| (),
        |here, there| {
            let id = format!("spa-{}", symbolon::testing::random::id(here.now()));
            let spa =
                here.add_client(&id, ClientKind::Spa, |client| client.settings.pairwise_sector = Some("app.example.com".into()));

            // A form that one shows and the other gets; then a cookie, and a way through pages of both.
            let mut browser = Browser::new(here);
            let page = browser.get("/login");
            let (action, csrf) = (page.attribute("form ", "action"), page.csrf());
            let mut other = browser.elsewhere(there);
            let form = [("username", "alice"), ("password", PASSWORD), ("csrf", csrf.as_str())];
            assert_eq!(other.send("POST", &action, Some(&form)).status, 303);
            browser = other.elsewhere(here);
            assert_eq!(browser.get("/account").status, 200, "the cookie of the other");
            let consent = browser.get(&Browser::request(&spa, "openid offline_access", &[("prompt", "login")]));
            let mut other = browser.elsewhere(there);
            let page = other.sign_in_at(consent.location(), "alice", PASSWORD);
            let mut browser = other.elsewhere(here);
            let page = browser.follow(page.location(), "alice", "allow");
            let code = crate::harness::query_of(page.location())["code"].clone();

            // The code of one is redeemed at the other; its successors go to and fro.
            let tokens = there.redeem(&spa, &code);
            assert_eq!(tokens.status, 200, "{tokens:?}");
            let mut token = tokens.text("refresh_token").to_owned();
            for server in [here, there, there, here] {
                let answer = server.refresh(&spa, &token);
                assert_eq!(answer.status, 200, "{answer:?}");
                assert_eq!(there.userinfo(answer.text("access_token")).status, 200);
                let again = there.refresh(&spa, &token);
                assert_eq!(again.status, 200, "{again:?}");
                token = again.text("refresh_token").into();
            }
            let found = here.store(|connection| grants::find(connection, grant_of(&tokens)));
            assert_eq!(found.unwrap().grant.generation, 5);

            // The ID token of one, in which stands a `sid` that it derived, signs out at the other.
            let page = browser.get(&format!("/logout?id_token_hint={}", tokens.text("id_token")));
            assert_eq!(page.status, 200, "{page:?}");
            assert_eq!(browser.get("/account").status, 303, "without being asked: it is the app of this session");
        },
    );
}

#[test]
fn a_link_that_was_asked_for_at_one_server_works_at_the_other() {
    let mail = MailServer::start(Behavior::WELL);
    at_each_step(
        |config| config.mail = mail.settings(),
        |here, there| {
            here.advance(86_400); // so that nobody has asked for too many
            let mut browser = Browser::new(here);
            browser.ask_by("/recover", ("login", "alice"));
            settled(here);
            // Notices of a changed password have a link to another page, and may still come in after this e-mail.
            let messages = mail.messages();
            let path = messages.iter().rev().find_map(|message| message.link().split_once("/recover"));
            let path = path.map(|(_, rest)| format!("/recover{rest}")).unwrap();
            let mut other = browser.elsewhere(there);
            let page = other.get(&path);
            assert_eq!(page.status, 303, "{page:?}");
            let page = other.get(page.location());
            assert!(page.status == 200 && page.body.contains("new_password"), "{page:?}");
            let page = other.submit(&page, &[("new_password", PASSWORD)]);
            assert_eq!(page.status, 303, "{page:?}");
            other.elsewhere(here).sign_in("alice");
        },
    );
}

/// The apps and recovery codes of users follow the new secret by themselves, so that the old one can be retired.
#[test]
fn the_secrets_of_authenticators_are_sealed_again_by_housekeeping() {
    for database in databases() {
        eprintln!("on {}", database.name);
        let mut old = Server::start(&database, |_| ());
        old.add_user("alice");
        let mut browser = Browser::new(&old);
        browser.sign_in("alice");
        let phone = Phone::added(&old, &mut browser);
        let codes = browser.recovery_codes();
        old.stop();
        seal_anew(&old.app.store);
        let mut both = old.sibling_with(&database, |config| config.secrets = with(&[NEW, OLD]));
        both.advance(7200); // so that the next sweep is due
        both.tidy();
        both.stop();
        let new = both.sibling_with(&database, |config| config.secrets = with(&[NEW]));
        let mut browser = Browser::new(&new);
        let page = browser.arrive_at_second_factor("/login", "alice");
        assert_eq!(browser.submit(&page, &[("code", &phone.code(&new))]).status, 303);
        let mut other = Browser::new(&new);
        other.arrive_at_second_factor("/login", "alice");
        let page = other.get("/login/verify?use=recovery");
        assert_eq!(other.submit(&page, &[("recovery_code", &codes[9])]).status, 303);
    }
}
