//! The redirect URIs of native apps (RFC 8252 §7): loopback IPs on any port, private-use schemes, and nothing that only looks
//! alike.

use symbolon::testing::protocol::oauth::client::ClientKind;

use super::ask;
use crate::harness::{Browser, VERIFIER, both, query_of};

#[test]
fn a_native_app_listens_on_any_port_of_a_loopback_ip() {
    both(|server| {
        server.add_user("alice");
        let native = server.add_client("native", ClientKind::Native, |client| {
            client.settings.redirect_uris =
                ["http://127.0.0.1/cb?a=b", "http://[::1]:1234/cb", "http://localhost:8000/cb"].map(String::from).into();
        });
        for address in [
            "http://127.0.0.1/cb?a=b",
            "http://127.0.0.1:1/cb?a=b",
            "http://127.0.0.1:65535/cb?a=b",
            "http://[::1]/cb",
            "http://[::1]:51004/cb",
            "http://localhost:8000/cb",
            "http://localhost/cb",
            "http://localhost:8001/cb",
        ] {
            let page =
                Browser::new(server).follow(&Browser::request(&native, "openid", &[("redirect_uri", address)]), "alice", "allow");
            assert!(page.location().starts_with(address), "{address}: {page:?}");
            let code = query_of(page.location())["code"].clone();
            let redeem = |uri: &str| {
                let form = [
                    ("grant_type", "authorization_code"),
                    ("client_id", "native"),
                    ("code", &code),
                    ("redirect_uri", uri),
                    ("code_verifier", VERIFIER),
                ];
                server.token(&form, &[])
            };
            assert_eq!(redeem("http://127.0.0.1:2/cb?a=b").error(), "invalid_grant", "the code is bound to the address as sent");
            assert_eq!(redeem(address).status, 200, "{address}");
        }
        for outsider in [
            "http://127.0.0.1:8000/cb",
            "http://127.0.0.1:8000/cb?a=c",
            "http://127.0.0.1:8000/other?a=b",
            "http://127.0.0.1:0/cb?a=b",
            "http://127.0.0.1:65536/cb?a=b",
            "http://127.0.0.1:/cb?a=b",
            "http://127.0.0.1:+80/cb?a=b",
            "http://127.0.0.1:80:80/cb?a=b",
            "http://127.0.0.1:80@evil.example/cb?a=b",
            "http://127.0.0.1@evil.example/cb?a=b",
            "http://127.0.0.1.evil.example/cb?a=b",
            "http://127.0.0.2/cb?a=b",
            "http://127.1/cb?a=b",
            "http://2130706433/cb?a=b",
            "http://localhost/cb?a=b",
            "http://localhost:8001/cb?a=b",
            "http://localhost:0/cb",
            "http://localhost.evil.example/cb",
            "https://127.0.0.1/cb?a=b",
            "http://[::1]:80/cb?a=b",
            "http://[0:0:0:0:0:0:0:1]/cb",
            "http://[::ffff:127.0.0.1]/cb?a=b",
        ] {
            for prompt in ["", "none"] {
                let page = ask(
                    server,
                    &Browser::new(server),
                    "GET",
                    &Browser::request(&native, "openid", &[("redirect_uri", outsider), ("prompt", prompt)]),
                );
                assert_eq!((page.status, page.header("location")), (400, None), "{outsider}: {page:?}");
            }
        }
    });
}

#[test]
fn an_empty_path_and_a_slash_are_one_on_loopback() {
    both(|server| {
        server.add_user("alice");
        let native = server.add_client("native", ClientKind::Native, |client| {
            client.settings.redirect_uris = vec!["http://127.0.0.1".into(), "http://localhost/".into()];
        });
        for address in ["http://127.0.0.1:10000/", "http://127.0.0.1:10000", "http://localhost:49152", "http://localhost"] {
            let request = Browser::request(&native, "openid", &[("redirect_uri", address)]);
            let page = Browser::new(server).follow(&request, "alice", "allow");
            let answer = page.location().strip_prefix(address).unwrap_or_else(|| panic!("{address}: {page:?}"));
            let code = query_of(answer)["code"].clone();
            let form = [
                ("grant_type", "authorization_code"),
                ("client_id", "native"),
                ("code", &code),
                ("redirect_uri", address),
                ("code_verifier", VERIFIER),
            ];
            assert_eq!(server.token(&form, &[]).status, 200, "{address}");
        }
    });
}

#[test]
fn ports_are_free_for_native_apps_alone() {
    both(|server| {
        for (id, kind) in [("spa", ClientKind::Spa), ("web", ClientKind::Web)] {
            let client =
                server.add_client(id, kind, |client| client.settings.redirect_uris = vec!["http://127.0.0.1:8000/cb".into()]);
            let ask = |uri: &str| {
                ask(server, &Browser::new(server), "GET", &Browser::request(&client, "openid", &[("redirect_uri", uri)])).status
            };
            assert_eq!(
                (ask("http://127.0.0.1:8000/cb"), ask("http://127.0.0.1:8001/cb"), ask("http://127.0.0.1/cb")),
                (303, 400, 400)
            );
        }
    });
}

#[test]
fn a_private_use_scheme_is_matched_whole() {
    both(|server| {
        server.add_user("alice");
        let native = server.add_client("native", ClientKind::Native, |client| {
            client.settings.redirect_uris = vec!["com.example.app:/cb".into()];
        });
        let page = Browser::new(server).follow(&Browser::request(&native, "openid", &[]), "alice", "allow");
        assert!(page.location().starts_with("com.example.app:/cb?code=sym_ac_"), "{page:?}");
        assert_eq!(server.redeem(&native, &query_of(page.location())["code"]).status, 200);
        for outsider in [
            "com.example.app:/cb/",
            "com.example.app://cb",
            "com.example.app:cb",
            "com.example.app.evil:/cb",
            "COM.example.app:/cb",
        ] {
            let page =
                ask(server, &Browser::new(server), "GET", &Browser::request(&native, "openid", &[("redirect_uri", outsider)]));
            assert_eq!((page.status, page.header("location")), (400, None), "{outsider}: {page:?}");
        }
    });
}
