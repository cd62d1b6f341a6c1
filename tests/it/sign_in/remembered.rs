//! Remembered sessions: their cookie outlives the browser's window, and they last longer, as do the grants issued in them. Other
//! sessions are unchanged.

use symbolon::testing::protocol::oauth::client::{Client, ClientKind};

use super::{SESSION, signed_in, silently};
use crate::harness::{Browser, PASSWORD, Page, Server, both};

const DAY: i64 = 86_400;
/// What a slow test may take, in seconds.
const MARGIN: i64 = 60;

/// Signs in with the box "remember me" ticked or not.
fn sign_in(browser: &mut Browser, remember: bool) -> Page {
    let csrf = browser.get("/login").csrf();
    let form = [("username", "alice"), ("password", PASSWORD), ("csrf", &csrf), ("remember", "yes")];
    let page = browser.send("POST", "/login", Some(if remember { &form } else { &form[..3] }));
    assert_eq!(page.status, 303, "{page:?}");
    page
}

/// `Max-Age` of the session's cookie; none where it goes with the window.
fn max_age(page: &Page) -> Option<i64> {
    let mut cookies = page.headers.iter().filter(|(name, value)| name == "set-cookie" && value.starts_with(SESSION));
    let cookie = cookies.next().map(|(_, value)| value.as_str()).unwrap();
    assert!(cookies.next().is_none() && cookie.contains("; Path=/; HttpOnly; SameSite=Lax"), "{page:?}");
    cookie.split_once("; Max-Age=").map(|(_, age)| age.parse().unwrap())
}

fn sid(server: &Server, browser: &mut Browser, client: &Client) -> String {
    let code = silently(browser, client).unwrap();
    crate::harness::claims_of(server.redeem(client, &code).text("access_token"))["sid"].as_str().unwrap().to_owned()
}

#[test]
fn the_cookie_of_one_that_is_remembered_is_kept_until_its_end() {
    both(|server| {
        server.add_user("alice");
        assert_eq!(max_age(&sign_in(&mut Browser::new(server), false)), None);
        let mut browser = Browser::new(server);
        assert_eq!(max_age(&sign_in(&mut browser, true)), Some(30 * DAY));
        // Signing in again goes on in the same session, whose end does not move.
        server.advance(10 * DAY);
        let left = max_age(&sign_in(&mut browser, true)).unwrap();
        assert!((20 * DAY - MARGIN..=20 * DAY).contains(&left), "{left}");
        // Only the word of the box counts.
        let mut other = Browser::new(server);
        let csrf = other.get("/login").csrf();
        for word in ["no", "", "YES", "on"] {
            let form = [("username", "alice"), ("password", PASSWORD), ("csrf", &csrf), ("remember", word)];
            assert_eq!(max_age(&other.send("POST", "/login", Some(&form))), None, "{word}");
        }
    });
}

#[test]
fn it_lasts_longer_without_use_and_so_does_what_was_granted_in_it() {
    both(|server| {
        server.add_user("alice");
        let spa = server.add_client("spa", ClientKind::Spa, |_| ());
        for (remember, days) in [(false, 2), (true, 14)] {
            let [mut used, mut idle] = [Browser::new(server), Browser::new(server)];
            let mut tokens = vec![];
            for browser in [&mut used, &mut idle] {
                sign_in(browser, remember);
                let code = browser.code(&spa, "alice", "openid");
                tokens.push(server.redeem(&spa, &code).text("refresh_token").to_owned());
            }
            server.advance(days * DAY - MARGIN);
            assert_eq!(signed_in(&mut idle), "alice Example", "{remember}");
            assert!(silently(&mut used, &spa).is_ok(), "{remember}: a use");
            let successor = server.refresh(&spa, &tokens[0]);
            assert_eq!(successor.status, 200, "{remember}: {successor:?}");
            server.advance(2 * MARGIN);
            assert_eq!((signed_in(&mut used).as_str(), signed_in(&mut idle).as_str()), ("alice Example", ""), "{remember}");
            assert_eq!(silently(&mut idle, &spa), Err("login_required".into()), "{remember}");
            assert_eq!(server.refresh(&spa, successor.text("refresh_token")).status, 200, "{remember}");
            let unused = server.refresh(&spa, &tokens[1]);
            assert_eq!((unused.error(), unused.status), ("invalid_grant", 400), "{remember}: it idles like its session");
        }
    });
}

#[test]
fn after_thirty_days_it_is_over_however_much_it_is_used() {
    both(|server| {
        server.add_user("alice");
        let spa = server.add_client("spa", ClientKind::Spa, |_| ());
        let [mut browser, mut other] = [Browser::new(server), Browser::new(server)];
        sign_in(&mut browser, true);
        sign_in(&mut other, false);
        let tokens = [&mut browser, &mut other].map(|browser| {
            let code = browser.code(&spa, "alice", "openid");
            server.redeem(&spa, &code).text("refresh_token").to_owned()
        });
        let offline = {
            let code = browser.code(&spa, "alice", "openid offline_access");
            server.redeem(&spa, &code).text("refresh_token").to_owned()
        };
        let [mut token, _] = tokens;
        for day in 1..=30 {
            server.advance(if day == 30 { DAY - MARGIN } else { DAY });
            silently(&mut browser, &spa).unwrap_or_else(|error| panic!("day {day}: {error}"));
            let answer = server.refresh(&spa, &token);
            assert_eq!(answer.status, 200, "day {day}: {answer:?}");
            token = answer.text("refresh_token").into();
        }
        assert_eq!(signed_in(&mut other), "", "one that is not remembered was over long ago");
        server.advance(2 * MARGIN);
        assert_eq!(silently(&mut browser, &spa), Err("login_required".into()));
        assert_eq!(server.refresh(&spa, &token).error(), "invalid_grant", "what was granted in it ends with it");
        let stays_active = server.refresh(&spa, &offline);
        assert_eq!(stays_active.error(), "invalid_grant", "offline access idles by its own rule: thirty days without a refresh");
    });
}

#[test]
fn ticking_the_box_makes_the_same_session_last_and_leaving_it_ends_nothing() {
    both(|server| {
        server.add_user("alice");
        let spa = server.add_client("spa", ClientKind::Spa, |_| ());
        let mut browser = Browser::new(server);
        sign_in(&mut browser, false);
        let code = browser.code(&spa, "alice", "openid");
        let mut token = server.redeem(&spa, &code).text("refresh_token").to_owned();
        let (before, old) = (sid(server, &mut browser, &spa), browser.cookies[SESSION].clone());
        for tick in [true, true, false] {
            sign_in(&mut browser, tick);
            assert_eq!(sid(server, &mut browser, &spa), before, "{tick}");
            token = server.refresh(&spa, &token).text("refresh_token").to_owned();
        }
        // Fifteen days later it would be over, had the box never been ticked; the app in it goes on as well.
        server.advance(10 * DAY);
        token = server.refresh(&spa, &token).text("refresh_token").to_owned();
        browser.get(&Browser::request(&spa, "openid", &[]));
        server.advance(5 * DAY);
        assert_eq!(signed_in(&mut browser), "alice Example");
        assert_eq!(server.refresh(&spa, &token).error(), "invalid_grant", "its own end stays where it was when it was given");
        browser.cookies.insert(SESSION, old);
        assert_eq!(signed_in(&mut browser), "");
    });
}
