//! The redirect after signing out: only to an address that is registered for it, the same in every character.

use symbolon::testing::protocol::oauth::client::ClientKind;

use super::{BYE, GONE, add_app, ask, confirm, is_signed_in, requested, signed_in_at};
use crate::harness::{Browser, CALLBACK, both, encode};

#[test]
fn an_address_that_is_nearly_right_is_wrong() {
    both(|server| {
        server.add_user("alice");
        let app = add_app(server, "app");
        server.add_client("other", ClientKind::Spa, |client| {
            client.settings.post_logout_redirect_uris = vec!["https://other.example.com/bye".into()];
        });
        let (mut browser, mut ours) = signed_in_at(server, &app, "alice");
        for (number, address) in [
            "https://app.example.com/bye/",
            "https://app.example.com/bye?",
            "https://app.example.com/bye#",
            "https://app.example.com/bye?x=1",
            "https://app.example.com/bye?y=%20&x=1",
            "https://app.example.com/bye?x=1&y=+",
            "https://app.example.com/bye?state=s",
            "https://app.example.com/Bye",
            "https://APP.example.com/bye",
            "HTTPS://app.example.com/bye",
            "https://app.example.com/b%79e",
            "https://app.example.com/./bye",
            "https://app.example.com//bye",
            "https://app.example.com:443/bye",
            "https://app.example.com./bye",
            "https://app.example.com.evil.example/bye",
            "https://app.example.com@evil.example/bye",
            "https://user@app.example.com/bye",
            "https://app.example.com\\@evil.example/bye",
            "http://app.example.com/bye",
            "//app.example.com/bye",
            "/bye",
            "bye",
            "https://app.example.com",
            "https://evil.example/",
            "https://other.example.com/bye",
            "javascript:alert(1)",
            "javascript://app.example.com/bye",
            "data:text/html,x",
            " https://app.example.com/bye",
            "https://app.example.com/bye ",
            "https://app.example.com/bye\r\nSet-Cookie: a=b",
            CALLBACK,
        ]
        .into_iter()
        .enumerate()
        {
            let method = if number % 2 == 0 { "GET" } else { "POST" };
            let named = [("client_id", "app"), ("post_logout_redirect_uri", address), ("state", "s")];
            let page = ask(&mut browser, method, &named);
            requested(&mut browser, &page);
            assert_eq!(page.form_targets(), "'self'", "{address}");
            assert!(page.is("sign-out") && page.problem().is_some(), "{address}: {page:?}");
            if number % 4 == 0 {
                let page = confirm(&mut browser, &page);
                assert_eq!((page.status, page.location(), page.header("set-cookie")), (303, "/logout", Some(GONE)), "{address}");
            } else {
                let hinted = [("id_token_hint", ours.text("id_token")), ("post_logout_redirect_uri", address), ("state", "s")];
                let page = ask(&mut browser, method, &hinted);
                requested(&mut browser, &page);
                assert!(page.is("sign-out") && page.problem() == Some("return-not-registered"), "{address}: {page:?}");
                assert_eq!(page.form_targets(), "'self'", "{address}");
                let page = confirm(&mut browser, &page);
                assert_eq!((page.status, page.location(), page.header("set-cookie")), (303, "/logout", Some(GONE)), "{address}");
            }
            (browser, ours) = signed_in_at(server, &app, "alice");
        }
        for method in ["GET", "POST"] {
            let page = ask(&mut browser, method, &[("post_logout_redirect_uri", BYE)]);
            requested(&mut browser, &page);
            assert_eq!(page.problem(), Some("client-missing"), "nobody says whose address it is: {page:?}");
            assert!(page.body.contains("id_token_hint") && !page.body.contains("not registered"), "{page:?}");
            let signed_out = ask(&mut Browser::new(server), "GET", &[("post_logout_redirect_uri", BYE)]);
            assert!(signed_out.is("signed-out") && signed_out.problem() == Some("client-missing"), "{signed_out:?}");
        }
    });
}

#[test]
fn a_native_app_listens_on_a_port_of_the_moment() {
    both(|server| {
        server.add_user("alice");
        let native = server.add_client("native", ClientKind::Native, |client| {
            client.settings.redirect_uris = vec!["com.example.app:/cb".into()];
            client.settings.post_logout_redirect_uris = vec!["http://127.0.0.1/bye".into(), "com.example.app:/bye".into()];
        });
        for (address, source) in
            [("http://127.0.0.1:49152/bye", "http://127.0.0.1:49152"), ("com.example.app:/bye", "com.example.app:")]
        {
            let (mut browser, ours) = signed_in_at(server, &native, "alice");
            let page = ask(&mut browser, "GET", &[("client_id", "native"), ("post_logout_redirect_uri", address)]);
            requested(&mut browser, &page);
            assert_eq!(page.form_targets(), format!("'self' https: {source}"));
            let form = [("id_token_hint", ours.text("id_token")), ("post_logout_redirect_uri", address), ("state", "a b")];
            let page = ask(&mut browser, "GET", &form);
            assert_eq!((page.status, page.location()), (303, format!("{address}?state=a+b").as_str()));
        }
        for address in ["http://127.0.0.1:49152/other", "http://localhost:49152/bye", "http://127.0.0.1:0/bye"] {
            let page = ask(&mut Browser::new(server), "GET", &[("client_id", "native"), ("post_logout_redirect_uri", address)]);
            assert_eq!((page.status, page.header("location")), (200, None), "{address}");
        }
    });
}

#[test]
fn what_comes_twice_or_broken_is_refused_whole() {
    both(|server| {
        server.add_user("alice");
        let app = add_app(server, "app");
        let (mut browser, ours) = signed_in_at(server, &app, "alice");
        let hint = ours.text("id_token");
        let good = encode(&[("id_token_hint", hint), ("client_id", "app"), ("post_logout_redirect_uri", BYE), ("state", "s")]);
        let mut broken: Vec<String> =
            ["a=%00", "a=%zz", "state2=%ff", "%00=a"].iter().map(|more| format!("{good}&{more}")).collect();
        for name in ["id_token_hint", "client_id", "post_logout_redirect_uri", "state"] {
            broken.push(format!("{good}&{name}=x"));
            broken.push(format!("{name}=&{good}"));
        }
        broken.push(good.replace("state=s", "state=%00"));
        broken.push(format!("{good}{}", "&a".repeat(300)));
        for query in &broken {
            for (method, path, body) in
                [("GET", format!("/logout?{query}"), None), ("POST", "/logout".into(), Some(query.as_str()))]
            {
                for who in ["alice", "nobody"] {
                    let cookie = if who == "alice" {
                        format!("{}={}", super::SESSION, browser.cookies[super::SESSION])
                    } else {
                        String::new()
                    };
                    let page = server.send(method, &path, &[("Cookie", &cookie)], body);
                    page.assert_page();
                    let found = (page.status, page.header("location"), page.header("set-cookie"));
                    assert_eq!(found, (400, None, None), "{who} {method} {query}: {page:?}");
                }
            }
        }
        assert!(is_signed_in(&mut browser));
        let page = ask(
            &mut browser,
            "GET",
            &[("id_token_hint", hint), ("post_logout_redirect_uri", BYE), ("ui_locales", "de"), ("logout_hint", "alice")],
        );
        assert_eq!((page.status, page.location()), (303, BYE), "what means nothing here is no obstacle");
    });
}

#[test]
fn other_methods_and_what_is_too_long() {
    both(|server| {
        server.add_user("alice");
        let app = add_app(server, "app");
        let (mut browser, ours) = signed_in_at(server, &app, "alice");
        let good = encode(&[("id_token_hint", ours.text("id_token")), ("post_logout_redirect_uri", BYE)]);
        let cookie = format!("{}={}", super::SESSION, browser.cookies[super::SESSION]);
        let send = |method: &str, path: &str, body: Option<&str>| server.send(method, path, &[("Cookie", &cookie)], body);
        for method in ["PUT", "DELETE", "PATCH", "OPTIONS"] {
            let page = send(method, &format!("/logout?{good}"), None);
            assert_eq!(
                (page.status, page.header("allow"), page.header("set-cookie")),
                (405, Some("GET, HEAD, POST"), None),
                "{method}"
            );
        }
        let long = |length: usize, of: &str| format!("{good}&state={}", of.repeat((length - good.len() - 7) / of.len()));
        for (method, query, status) in [
            ("GET", long(17_000, "x"), 414),
            ("POST", long(17_000, "x"), 413),
            // Once encoded anew it is three times as long, and our form could not bring it back.
            ("GET", long(16_000, "!"), 414),
            ("POST", long(16_000, "!"), 414),
        ] {
            let page = match method {
                "GET" => send("GET", &format!("/logout?{query}"), None),
                _ => send("POST", "/logout", Some(&query)),
            };
            page.assert_page();
            assert_eq!((page.status, page.header("location"), page.header("set-cookie")), (status, None, None), "{page:?}");
        }
        let page = server.send("POST", "/logout", &[("Cookie", &cookie), ("Content-Type", "application/json")], Some("{}"));
        assert_eq!((page.status, page.header("set-cookie")), (400, None));
        assert!(is_signed_in(&mut browser));
        let page = browser.get(&format!("/logout?{}", long(16_000, "x")));
        assert_eq!(page.status, 303, "{page:?}");
        assert!(page.location().ends_with("xxx"));
    });
}
