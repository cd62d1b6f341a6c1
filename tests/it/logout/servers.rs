//! Requests that come without a browser's cookie: an app's own server calls, with the ID token of its user. The token ends the
//! session that it was issued in, and no other; where there is nothing to end, the response says so. That the other apps of the
//! session are notified is shown in `backchannel`.

use symbolon::testing::{
    jose::keys,
    protocol::{
        account::activity::Activity,
        oauth::client::{Client, ClientKind},
        values::{algorithm::Algorithm, time::Span},
    },
    store::{activity, clients, signing_keys},
};

use super::{BYE, add_app, is_signed_in, signed_in_at, tokens};
use crate::harness::{Answer, Page, Server, both, encode};

/// An app's own server, which has no cookies.
fn call(server: &Server, method: &str, form: &[(&str, &str)]) -> Page {
    match method {
        "POST" => server.send("POST", "/logout", &[], Some(&encode(form))),
        _ => server.send(method, &format!("/logout?{}", encode(form)), &[], None),
    }
}

#[track_caller]
fn ended(page: &Page) {
    page.assert_page();
    assert_eq!((page.status, page.header("location"), page.header("set-cookie")), (200, None, None), "{page:?}");
    assert!(page.is("signed-out") && page.state() == Some("ended-by-app"), "{page:?}");
}

#[track_caller]
fn nothing_found(page: &Page) {
    page.assert_page();
    assert_eq!((page.status, page.header("location"), page.header("set-cookie")), (200, None, None), "{page:?}");
    assert!(page.is("signed-out") && page.state() == Some("nothing-found"), "{page:?}");
    assert!(!page.body.contains("You are signed out"), "{page:?}");
}

fn is_active(server: &Server, client: &Client, tokens: &Answer) -> bool {
    server.userinfo(tokens.text("access_token")).status == 200
        && server.refresh(client, tokens.text("refresh_token")).status == 200
}

#[test]
fn the_session_of_the_id_token_ends_and_no_other() {
    both(|server| {
        let alice = server.add_user("alice").claims.id;
        let other = add_app(server, "other");
        let pairwise = server.add_client("pairwise", ClientKind::Spa, |client| {
            client.settings.pairwise_sector = Some("app.example.com".into());
        });
        let log = || server.store(|connection| activity::of(connection, alice, None, 10));
        for app in [add_app(server, "app"), pairwise] {
            let (mut browser, ours) = signed_in_at(server, &app, "alice");
            let theirs = tokens(server, &mut browser, &other, "alice", "openid");
            let offline = tokens(server, &mut browser, &other, "alice", "openid offline_access");
            let (mut elsewhere, far) = signed_in_at(server, &app, "alice");
            ended(&call(server, "GET", &[("id_token_hint", ours.text("id_token"))]));
            assert!(!is_signed_in(&mut browser) && is_signed_in(&mut elsewhere));
            assert!(!is_active(server, &app, &ours) && !is_active(server, &other, &theirs));
            assert!(is_active(server, &other, &offline), "as by any other sign-out");
            let (_, entry) = log().remove(0);
            let name = app.settings.client_name.clone();
            assert_eq!((entry.activity, entry.about), (Activity::SignedOutByApp, Some(name)));
            assert!(entry.origin.address.is_some(), "{:?}", entry.origin);

            // Once is enough.
            let count = log().len();
            nothing_found(&call(server, "GET", &[("id_token_hint", ours.text("id_token"))]));
            assert_eq!(log().len(), count);
            assert!(is_signed_in(&mut elsewhere) && is_active(server, &app, &far));

            // With the client's id, and with an address for a browser that has lost its cookie.
            let named = [("id_token_hint", far.text("id_token")), ("client_id", &*app.id)];
            ended(&call(server, "GET", &named));
            assert!(!is_signed_in(&mut elsewhere));
        }
        let app = add_app(server, "back");
        let (mut browser, ours) = signed_in_at(server, &app, "alice");
        let form = [("id_token_hint", ours.text("id_token")), ("post_logout_redirect_uri", BYE), ("state", "s")];
        let page = call(server, "GET", &form);
        assert_eq!((page.status, page.location()), (303, format!("{BYE}?state=s").as_str()), "{page:?}");
        assert!(!is_signed_in(&mut browser));
    });
}

#[test]
fn a_post_is_answered_with_the_get_that_ends_it() {
    both(|server| {
        server.add_user("alice");
        let app = add_app(server, "app");
        let (mut browser, ours) = signed_in_at(server, &app, "alice");
        let form = [("id_token_hint", ours.text("id_token"))];
        // A browser's POST from another site has no cookie either: that one is to come with the GET.
        let page = call(server, "POST", &form);
        assert_eq!(page.status, 303, "{page:?}");
        assert!(is_signed_in(&mut browser));
        ended(&server.send("GET", page.location(), &[], None));
        assert!(!is_signed_in(&mut browser));
    });
}

#[test]
fn what_does_not_name_a_session_ends_none() {
    both(|server| {
        let alice = server.add_user("alice").claims.id;
        let (app, other) = (add_app(server, "app"), add_app(server, "other"));
        let (mut browser, ours) = signed_in_at(server, &app, "alice");
        let theirs = tokens(server, &mut browser, &other, "alice", "openid");
        let hint = ours.text("id_token");
        let (signed, signature) = hint.rsplit_once('.').unwrap();
        let altered = format!("{signed}.{}", signature.chars().rev().collect::<String>());
        for form in [
            vec![("id_token_hint", theirs.text("id_token")), ("client_id", "app")],
            vec![("id_token_hint", hint), ("client_id", "unknown")],
            vec![("id_token_hint", ours.text("access_token"))],
            vec![("id_token_hint", ours.text("refresh_token"))],
            vec![("id_token_hint", &altered)],
            vec![("id_token_hint", "garbage")],
            vec![("client_id", "app")],
            vec![("client_id", "app"), ("logout_hint", "alice")],
        ] {
            nothing_found(&call(server, "GET", &form));
        }
        // A cookie came: the session of that browser decides, or that there is none.
        let (path, cookie) = (
            format!("/logout?{}", encode(&[("id_token_hint", hint)])),
            format!("{}=forged", browser.cookies.name(super::SESSION)),
        );
        nothing_found(&server.send("GET", &path, &[("Cookie", &cookie)], None));
        let head = call(server, "HEAD", &[("id_token_hint", hint)]);
        assert_eq!((head.status, &*head.body), (200, ""), "HEAD does nothing");
        let now = server.now();
        server.store(|connection| clients::set_disabled(connection, "app", Some(now)));
        nothing_found(&call(server, "GET", &[("id_token_hint", hint)]));
        server.store(|connection| clients::set_disabled(connection, "app", None));
        assert!(is_signed_in(&mut browser) && is_active(server, &app, &ours), "nothing has happened");

        // Nobody is told that they were signed out when they only look.
        let page = server.send("GET", "/logout", &[], None);
        assert_eq!(page.state(), Some("signed-out"), "{page:?}");
        server.delete(alice);
        nothing_found(&call(server, "GET", &[("id_token_hint", hint)]));
    });
}

#[test]
fn an_old_id_token_counts_for_as_long_as_its_session() {
    both(|server| {
        server.add_user("alice");
        let app = add_app(server, "app");
        let (mut browser, ours) = signed_in_at(server, &app, "alice");
        let (now, secrets) = (server.now(), &server.app.config.secrets);
        let key = keys::generate(secrets, Algorithm::Rs256, now, now.plus(Span::from_seconds(1200))).unwrap();
        server.store(|connection| signing_keys::insert(connection, &key));
        server.advance(86_400); // the token has expired, and its key is no longer published
        assert!(is_signed_in(&mut browser));
        ended(&call(server, "GET", &[("id_token_hint", ours.text("id_token"))]));
        assert!(!is_signed_in(&mut browser));
        // The same browser and user again: another session, of which the old token knows nothing.
        let (mut browser, _) = signed_in_at(server, &app, "alice");
        nothing_found(&call(server, "GET", &[("id_token_hint", ours.text("id_token"))]));
        assert!(is_signed_in(&mut browser));
    });
}
