//! Logout as promised: the redirect back to the app, and the notification of a client, with the session that has ended.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpListener,
    sync::mpsc,
    thread,
    time::Duration,
};

use symbolon::testing::{config::OutboundSettings, protocol::oauth::client::ClientKind};

use super::document;
use crate::harness::{Browser, CALLBACK, both_with, claims_of};

#[test]
fn a_client_is_told_of_the_end_of_a_session() {
    let allow = |config: &mut symbolon::testing::config::Config| {
        config.outbound = OutboundSettings { allow: vec!["127.0.0.0/8".parse().unwrap()], ..OutboundSettings::default() };
    };
    both_with(allow, |server| {
        server.add_user("alice");
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let uri = format!("http://{}/logout", listener.local_addr().unwrap());
        let (tell, received) = mpsc::channel();
        thread::spawn(move || {
            let (stream, _) = listener.accept().unwrap();
            let mut reader = BufReader::new(stream);
            let (mut line, mut length) = (String::new(), 0);
            while reader.read_line(&mut line).unwrap() > 2 {
                if let Some(text) = line.to_lowercase().strip_prefix("content-length:") {
                    length = text.trim().parse().unwrap();
                }
                line.clear();
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            reader.get_mut().write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").unwrap();
            tell.send(String::from_utf8(body).unwrap()).unwrap();
        });
        let spa = server.add_client("spa", ClientKind::Spa, |client| {
            client.settings.backchannel_logout_uri = Some(uri);
            client.settings.post_logout_redirect_uris = vec![CALLBACK.into()];
        });
        let mut browser = Browser::new(server);
        let code = browser.code(&spa, "alice", "openid");
        let id_token = server.redeem(&spa, &code).text("id_token").to_owned();
        let query =
            crate::harness::encode(&[("id_token_hint", &id_token), ("post_logout_redirect_uri", CALLBACK), ("state", "bye")]);
        let end_session = document(server)["end_session_endpoint"].as_str().unwrap().replace(&server.url, "");
        let page = browser.get(&format!("{end_session}?{query}"));
        assert_eq!((page.status, page.location()), (303, format!("{CALLBACK}?state=bye").as_str()));

        let body = received.recv_timeout(Duration::from_mins(1)).unwrap();
        let claims = claims_of(body.strip_prefix("logout_token=").unwrap());
        assert_eq!(document(server)["backchannel_logout_supported"], true);
        assert_eq!(claims["sub"], claims_of(&id_token)["sub"]);
        assert_eq!(document(server)["backchannel_logout_session_supported"], true);
        assert_eq!(claims["sid"], claims_of(&id_token)["sid"]);
    });
}
