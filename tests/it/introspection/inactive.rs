//! Inactive tokens, and tokens that the caller may not introspect: whatever the reason, the response is the same to the byte,
//! headers included (RFC 7662 §2.2), and the request changes nothing.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use symbolon::testing::{
    protocol::{grant::end_reason::EndReason, oauth::client::ClientKind, values::id::Id},
    store::{clients, grants},
};

use super::stage;
use crate::harness::{Answer, Browser, Database, FILES, INACTIVE, Server, both, claims_of};

/// The headers that are the same each time.
fn headers(server: &Server, client: &str, token: &str) -> Vec<(String, String)> {
    let page = server.introspect(client, token);
    assert_eq!(page.body, INACTIVE, "{client} about {token}");
    let mut headers = page.headers;
    headers.retain(|(name, _)| !["date", "x-request-id"].contains(&name.as_str()));
    headers.sort();
    headers
}

fn part(json: &str) -> String {
    URL_SAFE_NO_PAD.encode(json)
}

/// A JWT with another header, the same claims, and this signature.
fn with_header(token: &str, header: &str, signature: &str) -> String {
    format!("{}.{}.{signature}", part(header), token.split('.').nth(1).unwrap())
}

/// What nobody issued, made from what was.
fn forgeries(tokens: &Answer) -> Vec<String> {
    let (access, refresh) = (tokens.text("access_token"), tokens.text("refresh_token"));
    let kid = String::from_utf8(URL_SAFE_NO_PAD.decode(access.split('.').next().unwrap()).unwrap()).unwrap();
    let kid = serde_json::from_str::<serde_json::Value>(&kid).unwrap()["kid"].as_str().unwrap().to_owned();
    let (signed, signature) = access.rsplit_once('.').unwrap();
    let mut wider = claims_of(access);
    wider["scope"] = "openid admin".into();
    let wider = format!("{}.{}.{signature}", access.split('.').next().unwrap(), part(&wider.to_string()));
    vec![
        with_header(access, r#"{"alg":"none","typ":"at+jwt"}"#, ""),
        with_header(access, &format!(r#"{{"alg":"none","typ":"at+jwt","kid":"{kid}"}}"#), ""),
        with_header(access, &format!(r#"{{"alg":"none","typ":"at+jwt","kid":"{kid}"}}"#), signature),
        with_header(access, &format!(r#"{{"alg":"HS256","typ":"at+jwt","kid":"{kid}"}}"#), signature),
        with_header(access, &format!(r#"{{"alg":"RS256","typ":"at+jwt","kid":"{kid}","crit":["x"],"x":1}}"#), signature),
        with_header(access, r#"{"alg":"RS256","typ":"at+jwt","kid":"another"}"#, signature),
        wider,
        format!("{signed}."),
        signed.to_owned(),
        access[..access.len() - 1].to_owned(),
        access[1..].to_owned(),
        format!("{access}A"),
        format!("{access}.x"),
        format!(" {access}"),
        format!("{access}\n"),
        access.to_uppercase(),
        refresh[..refresh.len() - 1].to_owned(),
        refresh[..60].to_owned(),
        format!("{refresh}A"),
        format!("{refresh} "),
        refresh.to_uppercase(),
        refresh.replace("sym_rt_", "sym_ac_"),
        refresh.replace("sym_rt_", ""),
    ]
}

#[test]
fn whatever_is_wrong_the_answer_is_the_same() {
    both(|server| {
        let (web, tokens) = stage(server);
        let other_database = Database::sqlite();
        let elsewhere = Server::start(&other_database, |_| ());
        let (_, theirs) = stage(&elsewhere);
        let mut browser = Browser::new(server);
        let code = browser.code(&web, "alice", "openid");
        let signed = server.add_client("signed", ClientKind::Web, |client| client.settings.userinfo_signed = true);
        let signed_tokens = server.tokens_as(&signed, "alice", "openid");
        let user_info = server.send(
            "GET",
            "/userinfo",
            &[("Authorization", &format!("Bearer {}", signed_tokens.text("access_token")))],
            None,
        );
        assert_eq!(user_info.header("content-type"), Some("application/jwt"));

        let mut inactive = forgeries(&tokens);
        inactive.extend(
            [".", "..", "...", "x", "a.b.c", "e30.e30.", "sym_rt_", "sym_at_x", " ", "\n", "null", "ünïcode"].map(str::to_owned),
        );
        inactive.extend(["x".repeat(16_000), "sym_rt_".to_owned() + &"A".repeat(10_000), "a.".repeat(7_000)]);
        inactive.extend([code.clone(), tokens.text("id_token").to_owned(), user_info.body]);
        inactive.extend(browser.cookies.values().cloned());
        inactive.extend(["access_token", "refresh_token", "id_token"].map(|name| theirs.text(name).to_owned()));
        let expected = headers(server, "web", "x");
        for token in &inactive {
            for client in ["web", "notes"] {
                assert_eq!(headers(server, client, token), expected, "{client} about {token}");
            }
        }
        assert_eq!(headers(server, "web", signed_tokens.text("access_token")), expected, "a living one of another client");
        assert_eq!(headers(server, "files", signed_tokens.text("access_token")), expected, "and for no API of the caller");
        assert_eq!(headers(server, "notes", tokens.text("refresh_token")), expected);
        assert!(server.is_active("web", tokens.text("access_token")) && server.is_active("web", tokens.text("refresh_token")));
        assert_eq!(server.redeem_as(&web, &code, &[]).status, 200, "a code that was asked about is still good");
    });
}

/// Each time another way to end what was alive a moment ago.
#[test]
fn what_has_ended_is_told_like_what_never_was() {
    both(|server| {
        let (web, _) = stage(server);
        let expected = headers(server, "web", "x");
        let scope = "openid offline_access notes:read";
        let grant = |tokens: &Answer| Id::parse(&claims_of(tokens.text("access_token"))["jti"].as_str().unwrap()[..32]).unwrap();
        let is_refused = |tokens: &Answer, what: &str| {
            for (client, name) in [("web", "access_token"), ("notes", "access_token"), ("web", "refresh_token")] {
                assert_eq!(headers(server, client, tokens.text(name)), expected, "{what}: {name} to {client}");
            }
        };
        let alive = |tokens: &Answer| {
            server.is_active("web", tokens.text("access_token"))
                && server.is_active("notes", tokens.text("access_token"))
                && server.is_active("web", tokens.text("refresh_token"))
        };

        let revoked = server.tokens_as(&web, "alice", scope);
        assert!(alive(&revoked));
        let now = server.now();
        server.store(|connection| grants::revoke(connection, grant(&revoked), EndReason::Other, now));
        is_refused(&revoked, "revoked");

        let replayed = server.tokens_as(&web, "alice", scope);
        let next = server.refresh_as(&web, replayed.text("refresh_token"), &[]);
        server.advance(31);
        assert_eq!(server.refresh_as(&web, replayed.text("refresh_token"), &[]).error(), "invalid_grant");
        is_refused(&replayed, "replayed");
        is_refused(&next, "replayed");

        let bob = server.add_user("bob").claims.id;
        let of_bob = server.tokens_as(&web, "bob", scope);
        server.disable(bob);
        is_refused(&of_bob, "disabled");

        let expired = server.tokens_as(&web, "alice", scope);
        server.advance(590);
        assert!(alive(&expired));
        server.advance(11);
        for client in ["web", "notes"] {
            assert_eq!(headers(server, client, expired.text("access_token")), expected);
        }
        assert!(server.is_active("web", expired.text("refresh_token")), "it lives longer");
        server.advance(30 * 24 * 60 * 60);
        is_refused(&expired, "idle for too long");

        let of_deleted = server.tokens_as(&web, "alice", &format!("{scope} files:read"));
        let other = server.add_client("other", ClientKind::Web, |client| client.settings.introspects = vec![FILES.into()]);
        let for_files = server.refresh_as(&web, of_deleted.text("refresh_token"), &[("resource", FILES), ("scope", "openid")]);
        assert!(server.is_active(&other.id, for_files.text("access_token")));
        server.store(|connection| clients::delete(connection, "web", now));
        assert_eq!(headers(server, &other.id, for_files.text("access_token")), expected);
    });
}
