//! The pages and the demonstration in Chromium, by the scripts of `tests/clients`; the screenshots are kept.

use std::path::Path;

use serde_json::json;
use symbolon::testing::{
    protocol::oauth::{client::ClientKind, scope::Scopes},
    store::{
        clients,
        grants::{self, Filter},
    },
};

use crate::harness::{Behavior, Browser, MailServer, PASSWORD, Process, both, both_with, chromium, free_port, free_ports};

#[test]
fn users_visit_the_pages() {
    both(|server| {
        server.add_user("alice");
        let redirect_uri = format!("http://localhost:{}/callback", free_port());
        let web = server.add_client("notes", ClientKind::Spa, |client| {
            client.settings.client_name = "Example Notes".into();
            client.settings.redirect_uris = vec![redirect_uri.clone()];
            client.settings.scope = Scopes::parse("openid profile email address phone offline_access").unwrap();
        });
        let remembered =
            server.add_client("web", ClientKind::Web, |client| client.settings.redirect_uris = vec![redirect_uri.clone()]);
        let settings = json!({
            "issuer": server.url,
            "client_id": web.id,
            "web_client_id": remembered.id,
            "redirect_uri": redirect_uri,
            "username": "alice",
            "password": PASSWORD,
        });
        chromium("pages.mjs", &settings);
    });
}

/// An account in which something has happened: browsers, apps with and without access, a stolen token, guesses.
#[test]
fn users_look_after_their_account() {
    let mail = MailServer::start(Behavior::WELL);
    both_with(
        |config| config.mail = mail.settings(),
        |server| {
            let alice = server.add_user("alice").claims.id;
            server.add_apis();
            for (id, name) in
                [("web", "Example Notes"), ("mail", "Example Mail"), ("old", "An app with a name that is rather long")]
            {
                server.add_client(id, ClientKind::Web, |client| {
                    (client.settings.client_name, client.settings.scope) =
                        (name.into(), Scopes::parse("openid profile offline_access notes:read").unwrap());
                });
            }
            let programs = [
                "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
                "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4 Mobile/15E148 Safari/604.1",
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36 Edg/126.0.0.0",
            ];
            let mut worst = None;
            for program in programs {
                let mut browser = Browser::new(server);
                browser.headers.push(("User-Agent", program.into()));
                browser.sign_in("alice");
                for (id, scope) in [("web", "openid profile offline_access notes:read"), ("mail", "openid notes:read")] {
                    let client = server.store(|connection| clients::find(connection, id)).unwrap();
                    let code = browser.code(&client, "alice", scope);
                    let first = server.redeem_as(&client, &code, &[]).text("refresh_token").to_owned();
                    server.advance(3600);
                    let second = server.refresh_as(&client, &first, &[]).text("refresh_token").to_owned();
                    if worst.is_none() {
                        worst = Some(server.store(|connection| grants::list(connection, &Filter::default(), 1))[0].id);
                        server.advance(3600);
                        server.refresh_as(&client, &second, &[]);
                        server.advance(3600);
                        assert_eq!(server.refresh_as(&client, &first, &[]).error(), "invalid_grant");
                    }
                }
            }
            let old = server.store(|connection| clients::find(connection, "old")).unwrap();
            let mut browser = Browser::new(server);
            browser.code(&old, "alice", "openid");
            server.advance(3600);
            for _ in 0..3 {
                Browser::new(server).sign_in_at("/login", "alice", "a wrong password");
            }
            server.advance(60);
            assert!(server.store(|connection| grants::active_of(connection, alice, server.now())).len() > 3);
            let settings = json!({
                "issuer": server.url,
                "username": "alice",
                "password": PASSWORD,
                "new_password": "a horse of another colour, really",
                "grant": worst.unwrap().to_string(),
            });
            chromium("account.mjs", &settings);
        },
    );
}

/// An app and recovery codes: added, used, removed.
#[test]
fn users_add_a_second_factor() {
    both(|server| {
        server.add_user("alice");
        chromium("factors.mjs", &json!({"issuer": server.url, "username": "alice", "password": PASSWORD}));
    });
}

#[test]
fn the_demonstration_runs_by_itself_and_leaves_nothing() {
    let port = free_ports(3);
    let mut demo = Process::start(&["demo", "--port", &port.to_string()], &[]);
    demo.wait_for("Press Ctrl-C to stop.");
    let said = demo.said();
    let after = |label: &str| said.lines().find_map(|line| line.trim().strip_prefix(label)).unwrap().trim().to_owned();
    let (username, password) = after("Sign in").split_once(" / ").map(|(name, word)| (name.to_owned(), word.to_owned())).unwrap();
    let data = after("Data").split_once(' ').unwrap().0.to_owned();
    assert!(Path::new(&data).join("symbolon.db").is_file(), "{said}");
    assert_eq!(after("Server"), format!("http://localhost:{port}"));
    assert_eq!(after("Open"), format!("http://localhost:{}", port + 1));
    // A second one is told what to do.
    let (status, refused) = Process::start(&["demo", "--port", &(port - 1).to_string()], &[]).end();
    assert_eq!(status.code(), Some(1), "{refused}");
    assert!(refused.contains(&format!("{port}")) && refused.contains("--port"), "{refused}");
    chromium("demo.mjs", &json!({"url": after("Open"), "username": username, "password": password}));
    demo.signal("INT");
    let (status, said) = demo.end();
    assert_eq!(status.code(), Some(0), "{said}");
    assert!(!Path::new(&data).exists(), "its data are gone");
    assert!(!said.contains("ERROR"), "{said}");
}
