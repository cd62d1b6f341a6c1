//! A clock that was ahead and is corrected: what was made in that time and is valid only while new has expired, as its age is
//! unknown. Nobody is locked out by it, and no grant ends.

use symbolon::testing::{
    protocol::{
        account::{
            activity::{Activity, Origin},
            link::LinkKind,
            notification::{Notification, NotificationKind},
        },
        grant::credential::{Credential, Kind},
        oauth::{client::ClientKind, scope::Scopes},
        values::time::Span,
    },
    random,
    store::{
        account,
        deliveries::{self, Content},
        links::{self, Link},
    },
};

use crate::harness::{Browser, CALLBACK, PASSWORD, Page, both, grant_of, query_of};

const HOUR: i64 = 3_600;
/// More than clocks may differ.
const STEP: i64 = 30;

#[track_caller]
fn signs_in(browser: &mut Browser) {
    browser.sign_in("alice");
    assert_eq!(browser.get("/account").status, 200, "signed in again, at once");
}

fn is_signed_in(browser: &mut Browser) -> bool {
    browser.get("/account").status == 200
}

fn leads_to(page: &Page, place: &str) -> bool {
    page.status == 303 && page.location().starts_with(place)
}

#[test]
fn after_a_code_was_issued() {
    both(|server| {
        server.add_user("alice");
        let spa = server.add_client("spa", ClientKind::Spa, |_| ());
        let mut browser = Browser::new(server);
        let code = browser.code(&spa, "alice", "openid");
        server.advance(-5);
        assert_eq!(server.redeem(&spa, &code).status, 200, "clocks of servers differ by a little");
        for step in [HOUR, STEP] {
            server.advance(HOUR);
            let code = browser.code(&spa, "alice", "openid");
            server.advance(-step);
            let answer = server.redeem(&spa, &code);
            assert_eq!((answer.status, answer.error()), (400, "invalid_grant"), "{answer:?}");
            let next = browser.code(&spa, "alice", "openid");
            assert_eq!(server.redeem(&spa, &next).status, 200, "a new sign-in, and a new code");
        }
    });
}

#[test]
fn after_a_rotation() {
    both(|server| {
        server.add_user("alice");
        server.add_apis();
        let spa = server.add_client("spa", ClientKind::Spa, |_| ());
        let web = server.add_web("web");
        let first = server.tokens(&spa, "alice", "openid offline_access");
        let second = server.refresh(&spa, first.text("refresh_token"));
        assert_eq!(second.status, 200, "{second:?}");
        let access = server.tokens_as(&web, "alice", "openid notes:read").text("access_token").to_owned();
        assert!(server.is_active("notes", &access) && server.userinfo(&access).status == 200);
        server.advance(-HOUR);
        for _ in 0..2 {
            let refused = server.refresh(&spa, first.text("refresh_token"));
            assert_eq!((refused.status, refused.error()), (400, "invalid_grant"), "{refused:?}");
            assert!(refused.text("error_description").contains("clock was set back"), "{refused:?}");
        }
        assert!(!server.is_active("notes", &access), "an access token of an hour from now");
        assert_eq!(server.userinfo(&access).status, 401);
        let third = server.refresh(&spa, second.text("refresh_token"));
        assert_eq!(third.status, 200, "nothing was revoked: {third:?}");
        assert_eq!(server.userinfo(third.text("access_token")).status, 200);
        // From then on the row's time is right again: a lost answer is told again, and a reuse revokes.
        assert_eq!(server.refresh(&spa, second.text("refresh_token")).text("refresh_token"), third.text("refresh_token"));
        assert_eq!(server.refresh(&spa, first.text("refresh_token")).error(), "invalid_grant");
        assert_eq!(server.refresh(&spa, third.text("refresh_token")).error(), "invalid_grant", "now it was a reuse");
    });
}

#[test]
fn an_access_token_from_the_future_can_be_revoked() {
    both(|server| {
        server.add_user("alice");
        server.add_apis();
        let web = server.add_web("web");
        let access = server.tokens_as(&web, "alice", "openid offline_access notes:read").text("access_token").to_owned();
        server.advance(-HOUR);
        assert_eq!(server.revoke("web", &access).status, 200);
        server.advance(HOUR);
        assert!(!server.is_active("notes", &access), "and stays so when its time comes");
    });
}

#[test]
fn after_a_form_was_shown() {
    both(|server| {
        server.add_user("alice");
        let spa = server.add_client("spa", ClientKind::Spa, |_| ());
        let mut browser = Browser::new(server);
        let page = browser.get("/login");
        let fields = [("username", "alice"), ("password", PASSWORD)];
        server.advance(-STEP);
        let sent = browser.submit(&page, &fields);
        assert!(sent.status == 400 && sent.problem() == Some("form-expired"), "{sent:?}");
        let sent = browser.submit(&sent, &fields);
        assert!(leads_to(&sent, "/"), "the form is shown again: {sent:?}");
        server.advance(2 * STEP);
        let page = browser.get(&Browser::request(&spa, "openid", &[]));
        let page = browser.get(page.location());
        server.advance(-STEP);
        let allow = [("decision", "allow")];
        let sent = browser.submit(&page, &allow);
        assert_eq!(sent.status, 400, "the form of a page of someone who is signed in: {sent:?}");
        assert!(leads_to(&browser.submit(&sent, &allow), "/authorize?"));
    });
}

#[test]
fn after_consent_was_given_or_a_sign_in_asked_for() {
    both(|server| {
        server.add_user("alice");
        let native = server.add_client("native", ClientKind::Native, |client| {
            client.settings.redirect_uris = vec!["com.example.app:/cb".into()]; // consent is asked for each time
        });
        let request = Browser::request(&native, "openid", &[]);
        let mut browser = Browser::new(server);
        browser.sign_in("alice");
        server.advance(HOUR);
        let page = browser.get(&request);
        let page = browser.fill(page.location(), &[("decision", "allow")]);
        let stamped = page.location().to_owned();
        server.advance(-STEP);
        assert!(leads_to(&browser.get(&stamped), "/consent?"), "it is asked for again");
        let page = browser.fill(browser.clone().get(&stamped).location(), &[("decision", "allow")]);
        assert!(leads_to(&browser.get(page.location()), "com.example.app:/cb?code="));

        // Asked for a sign-in; the one that the browser has is from the future then.
        let spa = server.add_client("spa", ClientKind::Spa, |_| ());
        browser.code(&spa, "alice", "openid");
        for more in [("prompt", "login"), ("max_age", "60")] {
            server.advance(HOUR);
            browser.sign_in("alice");
            server.advance(-HOUR);
            let page = browser.get(&Browser::request(&spa, "openid", &[more]));
            assert!(leads_to(&page, "/login?"), "{more:?}: {page:?}");
            assert!(leads_to(&browser.get(&page.location().replace("/login?", "/authorize?")), "/login?"), "{more:?}");
            let page = browser.sign_in_at(page.location(), "alice", PASSWORD);
            assert!(leads_to(&browser.get(page.location()), &format!("{CALLBACK}?code=")), "signed in once: {more:?}");
        }
        let silent = browser.get(&Browser::request(&spa, "openid", &[("prompt", "none")]));
        assert!(query_of(silent.location()).contains_key("code"), "{silent:?}");
    });
}

#[test]
fn after_a_session_began_or_was_used() {
    both(|server| {
        server.add_user("alice");
        let spa = server.add_client("spa", ClientKind::Spa, |_| ());
        let mut before = Browser::new(server);
        before.sign_in("alice");
        let bound = server.redeem(&spa, &before.code(&spa, "alice", "openid"));
        server.advance(HOUR);
        let mut during = Browser::new(server);
        let offline = server.redeem(&spa, &during.code(&spa, "alice", "openid offline_access"));
        let with_session = server.redeem(&spa, &during.code(&spa, "alice", "openid"));
        assert!(is_signed_in(&mut before), "used an hour ahead");
        server.advance(-HOUR);
        assert!(is_signed_in(&mut before), "who was signed in stays so");
        assert!(!is_signed_in(&mut during), "who signed in at a time that has not come signs in again");
        for tokens in [&bound, &offline, &with_session] {
            assert_eq!(server.refresh(&spa, tokens.text("refresh_token")).status, 200, "grants go on: {tokens:?}");
        }
        signs_in(&mut during);
        // The last use is written anew, so that a session that is not used ends as early as it should.
        let idle = server.app.config.lifetimes.idle(false).seconds();
        server.advance(idle + 1);
        assert!(!is_signed_in(&mut before) && !is_signed_in(&mut during));
    });
}

#[test]
fn after_an_operator_asked_for_a_sign_in() {
    both(|server| {
        let alice = server.add_user("alice").claims.id;
        let spa = server.add_client("spa", ClientKind::Spa, |_| ());
        let ask = || {
            let event = server.event(alice, Activity::SignInAgain);
            server.store(|connection| account::ask_to_sign_in_again(connection, &event));
        };
        let mut browser = Browser::new(server);
        let code = browser.code(&spa, "alice", "openid offline_access");
        let mut tokens = server.redeem(&spa, &code);
        let refreshed = |tokens: &_| server.refresh(&spa, crate::harness::Answer::text(tokens, "refresh_token"));
        // Asked an hour ahead: a sign-in is enough all the same.
        server.advance(HOUR);
        ask();
        server.advance(-HOUR + 1);
        assert_eq!(refreshed(&tokens).error(), "invalid_grant");
        signs_in(&mut browser);
        tokens = refreshed(&tokens);
        assert_eq!(tokens.status, 200, "{tokens:?}");
        // Signed in an hour ahead, asked afterwards: it counts.
        server.advance(HOUR);
        browser.sign_in("alice");
        server.advance(-HOUR);
        ask();
        assert_eq!(refreshed(&tokens).error(), "invalid_grant");
        assert!(!is_signed_in(&mut browser));
        signs_in(&mut browser);
        assert_eq!(refreshed(&tokens).status, 200, "{}", grant_of(&tokens));
    });
}

#[test]
fn after_a_link_was_made_or_something_was_to_be_sent() {
    both(|server| {
        let alice = server.add_user("alice");
        for (kind, path) in [(LinkKind::ConfirmEmail, "/confirm-email"), (LinkKind::NotMe, "/not-me")] {
            let now = server.now();
            let email = Some("alice@example.com".to_owned());
            let link = Link { email, user_id: Some(alice.claims.id), ..Link::new(random::id(now), kind, now) };
            server.store(|connection| links::insert(connection, &link));
            let text = Credential { kind: Kind::Link, id: link.id, generation: 0 }.derive(&server.app.config.secrets);
            let mut browser = Browser::new(server);
            assert!(leads_to(&browser.get(&format!("{path}?link={text}")), path));
            let shown = browser.get(path);
            assert!(kind == LinkKind::NotMe || shown.status == 200, "it works: {shown:?}");
            server.advance(-STEP);
            let shown = browser.get(path);
            assert!(shown.status == 410 && shown.problem() == Some("expired"), "{shown:?}");
        }
        let (now, to) = (server.now(), alice.claims.email.clone());
        let notice = Notification {
            kind: NotificationKind::PasswordChanged,
            to,
            name: None,
            at: now,
            origin: Origin::default(),
            about: None,
            link: None,
            grant: None,
        };
        let due = |hours: u32| {
            let then = now.plus(Span::from_seconds(hours * 3_600));
            server.store(|connection| {
                deliveries::enqueue(connection, random::id(now), &Content::Notification(notice.clone()), then)?;
                deliveries::due_to_users(connection, now, 10)
            })
        };
        assert!(due(1).is_empty(), "it may have been put off until then");
        assert_eq!(due(48).len(), 1, "nothing is put off for days");
    });
}

#[test]
fn after_a_client_was_registered_or_refused() {
    both(|server| {
        server.add_apis();
        server.advance(HOUR);
        server.add_client("job", ClientKind::Service, |client| client.settings.scope = Scopes::parse("notes:read").unwrap());
        let wrong = || server.token(&[("grant_type", "client_credentials"), ("client_id", "job"), ("client_secret", "x")], &[]);
        while wrong().status != 429 {}
        server.advance(-HOUR);
        assert_eq!(wrong().status, 400, "the wait is over");
        let token = server.serve("job", &[]).text("access_token").to_owned();
        assert!(server.is_active("notes", &token));
    });
}
