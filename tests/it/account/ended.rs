//! Access that has ended: listed under its app for a month, with its history; found from the activity, and from the e-mail.

use symbolon::testing::protocol::account::activity::Activity;

use super::{OFFLINE, SCOPE, end, newest_grant, signed_in, tokens};
use crate::harness::{Behavior, Browser, MailServer, PASSWORD, Page, Server, both, both_with, wait_until};

/// Uses a token again long after it was replaced: the grant that is ended.
fn stolen(server: &Server, browser: &mut Browser, client: &symbolon::testing::protocol::oauth::client::Client) -> String {
    let alice = super::session_user(server, browser);
    let first = tokens(server, browser, client, OFFLINE).refresh;
    let grant = newest_grant(server, alice).to_string();
    let second = server.refresh_as(client, &first, &[]).text("refresh_token").to_owned();
    server.advance(3_600);
    server.refresh_as(client, &second, &[]);
    server.advance(3_600);
    assert_eq!(server.refresh_as(client, &first, &[]).error(), "invalid_grant");
    grant
}

fn leads_to(page: &Page, grant: &str) -> bool {
    page.body.contains(&format!("href=\"/account/grants/{grant}\""))
}

#[test]
fn a_theft_is_found_from_the_account_and_its_activity() {
    both(|server| {
        server.add_apis();
        server.add_user("alice");
        let web = server.add_web("web");
        let mut browser = signed_in(server);
        let grant = stolen(server, &mut browser, &web);
        let account = browser.get("/account");
        assert!(leads_to(&account, &grant) && account.body.contains("Ended in the last 30 days"), "{account:?}");
        assert!(account.body.contains("An old token was reused") && account.body.contains("<details class=\"more ended\" open>"));
        let activity = browser.get("/account/activity");
        assert!(leads_to(&activity, &grant), "{activity:?}");
        let history = browser.get(&format!("/account/grants/{grant}"));
        assert!(history.is("timeline") && history.body.contains("was used a second time"), "{history:?}");
        for path in ["/account", "/account/activity", "/account/password", "/logout"] {
            assert!(history.body.contains(&format!("href=\"{path}\"")), "the account's navigation: {path}");
        }
        // A month later it is gone from the list.
        server.advance(31 * 86_400);
        browser.sign_in("alice");
        assert!(!browser.get("/account").body.contains("Ended in the last"));
    });
}

#[test]
fn the_message_about_it_leads_there_through_the_sign_in() {
    let mail = MailServer::start(Behavior::WELL);
    both_with(
        |config| config.mail = mail.settings(),
        |server| {
            server.add_apis();
            server.add_user("alice");
            server.add_user("bob");
            let web = server.add_web("web");
            let before = mail.messages().len();
            let grant = stolen(server, &mut signed_in(server), &web);
            let told = |mail: &MailServer| mail.messages().into_iter().skip(before).find(|one| one.text.contains("An old key"));
            wait_until(|| told(&mail).is_some(), || "the letter".into());
            let message = told(&mail).unwrap();
            let path = format!("/account/grants/{grant}");
            let link = format!("{}{path}", server.url);
            assert!(message.text.lines().any(|line| line == link), "{message:?}");
            let mut browser = Browser::new(server);
            let page = browser.get(&path);
            assert_eq!(page.status, 303);
            let to = page.location().to_owned();
            let signed_in = browser.sign_in_at(&to, "alice", PASSWORD);
            assert_eq!((signed_in.status, signed_in.location()), (303, path.as_str()));
            assert!(browser.get(&path).is("timeline"));
            // Another user learns nothing, not even that it exists.
            let mut bob = Browser::new(server);
            bob.sign_in("bob");
            assert_eq!(bob.get(&path).status, 404);
        },
    );
}

#[test]
fn the_way_back_leads_to_pages_of_the_account_alone() {
    both(|server| {
        server.add_user("alice");
        let id = "0123456789abcdef0123456789abcdef";
        for (then, to) in [
            (format!("/account/grants/{id}"), format!("/account/grants/{id}")),
            (format!("/account/grants/{}", id.to_uppercase()), "/".into()),
            (format!("/account/grants/{id}/x"), "/".into()),
            ("/account/grants/../../evil".into(), "/".into()),
            ("/account/grants//evil.example".into(), "/".into()),
            ("//evil.example/account/grants/".to_owned() + id, "/".into()),
        ] {
            let query = crate::harness::encode(&[("then", &then)]);
            let page = Browser::new(server).sign_in_at(&format!("/login?{query}"), "alice", PASSWORD);
            assert_eq!((page.status, page.location()), (303, to.as_str()), "{then}");
        }
    });
}

#[test]
fn every_way_to_end_is_told_and_an_app_without_consent_is_listed_by_what_ended() {
    both(|server| {
        server.add_apis();
        let alice = server.add_user("alice").claims.id;
        let web = server.add_web("web");
        let mut browser = signed_in(server);
        tokens(server, &mut browser, &web, OFFLINE);
        let ended = newest_grant(server, alice).to_string();
        assert_eq!(end(&mut browser, "grant", &ended).status, 303);
        assert!(leads_to(&browser.get("/account/activity"), &ended), "who ended it finds its history, too");
        // Nobody came for this code: there is nothing to tell.
        browser.code(&web, "alice", SCOPE);
        let waiting = newest_grant(server, alice).to_string();
        server.advance(server.app.config.lifetimes.code.seconds() + 1);
        assert_eq!(end(&mut browser, "app", "web").status, 303);
        let page = browser.get("/account");
        assert!(page.body.contains("You ended it") && leads_to(&page, &ended) && !leads_to(&page, &waiting), "{page:?}");
        assert!(
            page.body.contains("It asks you when you next sign in to it.") && !page.body.contains("without asking"),
            "{page:?}"
        );
        assert!(!page.body.contains("<details class=\"more ended\" open>"), "nothing unusual");
        assert!(!page.body.contains("value=\"app\""), "there is nothing left to remove");
        // By time: idle, and expired.
        tokens(server, &mut browser, &web, OFFLINE);
        let idle = newest_grant(server, alice).to_string();
        let lifetimes = server.app.config.lifetimes;
        server.advance(lifetimes.refresh_idle.seconds() + 1);
        browser.sign_in("alice");
        let page = browser.get("/account");
        assert!(leads_to(&page, &idle) && page.body.contains("It was not used for a long time"), "{page:?}");
    });
}

#[test]
fn of_many_the_thefts_come_first_and_the_rest_is_on_the_page_of_the_app() {
    both(|server| {
        server.add_apis();
        let alice = server.add_user("alice").claims.id;
        let web = server.add_web("web");
        let mut browser = signed_in(server);
        let theft = stolen(server, &mut browser, &web);
        for _ in 0..7 {
            tokens(server, &mut browser, &web, OFFLINE);
            let grant = newest_grant(server, alice).to_string();
            assert_eq!(end(&mut browser, "grant", &grant).status, 303);
        }
        let page = browser.get("/account");
        assert!(leads_to(&page, &theft) && page.body.matches("href=\"/account/grants/").count() == 5, "{page:?}");
        let more = page.attribute("href=\"/account?app=web\"", "href");
        assert_eq!(browser.get(&more).body.matches("href=\"/account/grants/").count(), 8);
        // Nobody else's.
        server.add_user("bob");
        let mut bob = Browser::new(server);
        bob.sign_in("bob");
        assert!(!bob.get(&more).body.contains("/account/grants/"));
        assert_eq!(super::happened(server, alice, Activity::CredentialReused), 1);
    });
}

#[test]
fn an_app_that_asks_each_time_is_not_said_to_get_access_without() {
    both(|server| {
        server.add_apis();
        server.add_user("alice");
        let native = server.add_client("native", symbolon::testing::protocol::oauth::client::ClientKind::Native, |client| {
            client.settings.redirect_uris = vec!["com.example.app:/cb".into()];
        });
        let web = server.add_web("web");
        let mut browser = signed_in(server);
        for client in [&native, &web] {
            browser.code(client, "alice", "openid");
        }
        server.advance(server.app.config.lifetimes.code.seconds() + 61);
        let page = browser.get("/account");
        let of = |name: &str| {
            let (_, section) = page.body.split_once(&format!("<bdi>{name}</bdi></h3>")).unwrap();
            section.split_once("</section>").unwrap().0.to_owned()
        };
        assert!(of("App native").contains("It asks you when you next sign in to it."), "{page:?}");
        assert!(of("App web").contains("without asking you"), "{page:?}");
    });
}
