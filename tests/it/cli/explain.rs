//! `symbolon explain`, beside the server that issued the explained credential: what each credential is, and which rule refuses
//! it. The credential itself is never printed.

use diesel::{RunQueryDsl, sql_query};
use serde_json::{Value, json};
use symbolon::testing::{
    protocol::{
        account::login_name::LoginName,
        oauth::client::{Client, ClientKind},
        oidc::claims::LogoutToken,
        secrets::SecretRing,
        values::{algorithm::Algorithm, id::Id},
    },
    random,
    store::{Error, grants, meta, sessions, users},
};

use super::{Binary, Ran};
use crate::harness::{API, Browser, Database, SECRET, Server, claims_of, databases};

const ALL: &str = "openid offline_access notes:read";

/// A server, the command line beside it, and a client to whom alice has allowed everything.
struct Site {
    server: Server,
    symbolon: Binary,
    client: Client,
}

impl Site {
    /// On a server whose clock is so many seconds behind that of the command line.
    fn new(database: &Database, behind: i64) -> Self {
        let server = Server::start_behind(database, behind);
        let symbolon = Binary::beside(&server, database);
        server.add_user("alice");
        let client = server.add_client("app", ClientKind::Spa, |_| ());
        Self { server, symbolon, client }
    }

    /// What is said of a credential, which is not part of it.
    fn explanation(&self, token: &str) -> Value {
        explanation(&self.symbolon, token)
    }
}

#[track_caller]
fn explanation(symbolon: &Binary, token: &str) -> Value {
    for args in [&["explain", token][..], &["explain", token, "--json"]] {
        let ran = symbolon.run_with(args, "");
        assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{}", ran.stdout);
        assert!(token.len() < 20 || !ran.stdout.contains(&token[7..]), "{}", ran.stdout);
    }
    let from_stdin = symbolon.run_with(&["explain", "--json"], &format!("{token}\nanother line\n"));
    let explanation: Value = serde_json::from_str(&from_stdin.stdout).unwrap();
    let dash = symbolon.run_with(&["explain", "-", "--json"], token);
    assert_eq!((from_stdin.code, dash.stdout), (Some(0), from_stdin.stdout));
    explanation
}

/// Whether it is active, by which row, and with these words.
#[track_caller]
fn is(explanation: &Value, active: bool, row: Option<u8>, words: &str) {
    assert_eq!((&explanation["active"], &explanation["row"]), (&json!(active), &json!(row)), "{explanation}");
    assert!(explanation["because"].as_str().unwrap().contains(words), "{explanation}");
}

#[test]
fn codes_and_refresh_tokens_are_told_by_the_rows_of_the_verdict() {
    for database in databases() {
        let site = Site::new(&database, 0);
        let (server, client) = (&site.server, &site.client);
        let code = Browser::new(server).code(client, "alice", ALL);
        let explanation = site.explanation(&code);
        is(&explanation, true, Some(10), "code_verifier, which this command does not know");
        let grant = explanation["grant"].as_str().unwrap().to_owned();
        assert_eq!(
            (&explanation["is"], &explanation["made_by"], &explanation["client_id"], &explanation["username"]),
            (&json!("an authorization code"), &json!("the newest server secret"), &json!("app"), &json!("alice"))
        );
        assert_eq!((&explanation["generation"], &explanation["current_generation"]), (&json!(0), &json!(0)), "{explanation}");
        assert_eq!((&explanation["scope"], &explanation["audiences"]), (&json!(ALL), &json!([API])), "{explanation}");

        let first = server.redeem(client, &code);
        is(&site.explanation(&code), false, Some(5), "revokes its grant");
        let first = first.text("refresh_token").to_owned();
        let explanation = site.explanation(&first);
        is(&explanation, true, Some(10), "to generation 2");
        assert_eq!((&explanation["is"], &explanation["grant"]), (&json!("a refresh token"), &json!(grant)), "{explanation}");
        let second = server.refresh(client, &first).text("refresh_token").to_owned();
        is(&site.explanation(&first), true, Some(6), "exchanged again for the same new refresh token");
        let third = server.refresh(client, &second);
        let explanation = site.explanation(&first);
        is(&explanation, false, Some(7), "already used");
        assert_eq!((&explanation["generation"], &explanation["current_generation"]), (&json!(1), &json!(3)), "{explanation}");
        assert_eq!(server.refresh(client, third.text("refresh_token")).status, 200, "nothing was changed by explaining");
        let last = server.refresh(client, third.text("refresh_token")).text("refresh_token").to_owned();

        site.symbolon.text("client set app --scope profile");
        is(&site.explanation(&last), false, Some(3), "no longer allowed offline_access");
        site.symbolon.text("client disable app");
        is(&site.explanation(&last), false, Some(3), "is disabled");
        site.symbolon.text(&format!("grant revoke {grant}"));
        is(&site.explanation(&last), false, Some(3), "the grant was revoked");
        is(&site.explanation(&code), false, Some(3), "the grant was revoked");
        site.symbolon.text("client delete app");
        is(&site.explanation(&last), false, None, "its client was deleted");
        let text = site.symbolon.text(&format!("explain {last}"));
        assert!(text.starts_with("type         a refresh token\nactive       no: its client was deleted\n"), "{text}");
        assert!(text.contains("generation   4 (current: 4)\n"), "{text}");
    }
}

#[test]
fn what_has_run_out_is_told() {
    for database in databases() {
        let site = Site::new(&database, 7 * 86_400);
        let mut browser = Browser::new(&site.server);
        let code = browser.code(&site.client, "alice", ALL);
        is(&site.explanation(&code), false, Some(8), "the code has expired");
        let tokens = site.server.redeem(&site.client, &browser.code(&site.client, "alice", "openid"));
        is(&site.explanation(tokens.text("refresh_token")), false, Some(3), "idle too long");
        is(&site.explanation(tokens.text("access_token")), false, None, "it has expired");
        let explanation = site.explanation(tokens.text("id_token"));
        is(&explanation, false, None, "it has expired");
        assert_eq!(
            (&explanation["is"], &explanation["username"], &explanation["client_id"]),
            (&json!("an ID token"), &json!("alice"), &json!("app"))
        );
        let cookie = browser.cookies.values().find(|value| value.starts_with("sym_se_")).unwrap();
        is(&site.explanation(cookie), false, None, "session has expired");
    }
}

#[test]
fn access_tokens_are_told_as_they_are_worth_now() {
    for database in databases() {
        let site = Site::new(&database, 0);
        let (server, client) = (&site.server, &site.client);
        let tokens = server.tokens(client, "alice", ALL);
        let access = tokens.text("access_token").to_owned();
        let explanation = site.explanation(&access);
        is(&explanation, true, None, "on behalf of a user");
        assert_eq!((&explanation["is"], &explanation["made_by"]), (&json!("an access token"), &json!("a key of this server")));
        assert_eq!(
            (&explanation["client_id"], &explanation["username"], &explanation["scope"]),
            (&json!("app"), &json!("alice"), &json!(ALL)),
            "{explanation}"
        );
        assert_eq!(explanation["audiences"], claims_of(&access)["aud"], "{explanation}");
        assert_eq!(explanation["typ"], "at+jwt: no other kind of token has it", "{explanation}");
        let id_token = site.explanation(tokens.text("id_token"));
        assert_eq!((&id_token["is"], id_token.get("typ")), (&json!("an ID token"), None), "{id_token}");
        // An API for which access tokens have the typ of ID tokens.
        site.symbolon.add_api(API, &["notes:read"]);
        site.symbolon.text(&format!("api set {API} --token-typ JWT"));
        let as_jwt = server.tokens(client, "alice", ALL);
        let explanation = site.explanation(as_jwt.text("access_token"));
        is(&explanation, true, None, "on behalf of a user");
        assert_eq!(explanation["is"], "an access token", "{explanation}");
        assert!(explanation["typ"].as_str().unwrap().contains("distinguishes them by aud"), "{explanation}");
        assert_eq!(site.explanation(as_jwt.text("id_token"))["is"], "an ID token");
        let explanation = site.explanation(&access);
        let grant = explanation["grant"].as_str().unwrap();

        site.symbolon.text("client set app --scope openid --scope offline_access");
        let explanation = site.explanation(&access);
        is(&explanation, true, None, "some of its scopes have since been removed");
        assert_eq!(explanation["scope"], "openid offline_access", "{explanation}");
        site.symbolon.text(&format!("grant revoke {grant}"));
        is(&site.explanation(&access), false, None, "the grant was revoked");
        site.symbolon.text("user disable alice");
        is(&site.explanation(tokens.text("id_token")), true, None, "it grants no access");

        server.add_client("job", ClientKind::Service, |_| ());
        let credentials = [("grant_type", "client_credentials")];
        let basic = format!("Basic {}", base64(&format!("job:{SECRET}")));
        let own = server.token(&credentials, &[("Authorization", &basic)]);
        let explanation = site.explanation(own.text("access_token"));
        is(&explanation, true, None, "for the client itself");
        assert_eq!(
            (&explanation["client_id"], &explanation["username"], &explanation["grant"]),
            (&json!("job"), &Value::Null, &Value::Null),
            "{explanation}"
        );
        server.send("POST", "/revoke", &[("Authorization", &basic)], Some(&format!("token={}", own.text("access_token"))));
        is(&site.explanation(own.text("access_token")), false, None, "it was revoked");
    }
}

fn base64(text: &str) -> String {
    use base64::{Engine, engine::general_purpose::STANDARD};
    STANDARD.encode(text)
}

#[test]
fn cookies_secrets_and_logout_tokens_are_told() {
    for database in databases() {
        let site = Site::new(&database, 0);
        let server = &site.server;
        let mut browser = Browser::new(server);
        browser.sign_in("alice");
        let cookie = browser.cookies.values().find(|value| value.starts_with("sym_se_")).unwrap().clone();
        let explanation = site.explanation(&cookie);
        is(&explanation, true, None, "the user is signed in");
        assert_eq!(
            (&explanation["is"], &explanation["username"]),
            (&json!("a session cookie"), &json!("alice")),
            "{explanation}"
        );
        let session = explanation["session"].as_str().unwrap().to_owned();
        let alice = server.store(|connection| users::find_by_login(connection, &LoginName::parse("alice"))).unwrap();
        server.disable(alice.claims.id);
        is(&site.explanation(&cookie), false, None, "ended");

        server.add_client("web", ClientKind::Web, |_| ());
        let explanation = site.explanation(SECRET);
        is(&explanation, true, None, "current secret");
        assert_eq!((&explanation["is"], &explanation["client_id"]), (&json!("a client secret"), &json!("web")), "{explanation}");
        site.symbolon.text("client rotate-secret web");
        is(&site.explanation(SECRET), true, None, "old secret");
        site.symbolon.text("client retire-secret web");
        is(&site.explanation(SECRET), false, None, "no client has this secret");

        let now = server.now();
        let ring = server.store(|connection| Ok(server.app.keys(connection, now).unwrap()));
        let claims = LogoutToken {
            iss: server.app.config.issuer.as_str(),
            sub: "nobody",
            aud: "web",
            iat: now.seconds(),
            exp: now.seconds() + 120,
            jti: random::text(),
            sid: &session,
            events: json!({}),
        };
        let key = ring.signing(Algorithm::Rs256, now).unwrap();
        let explanation = site.explanation(&key.logout_token(&claims).unwrap());
        is(&explanation, true, None, "a session has ended");
        assert_eq!(
            (&explanation["is"], &explanation["client_id"], &explanation["session"]),
            (&json!("a logout token"), &json!("web"), &json!(session)),
            "{explanation}"
        );
    }
}

#[test]
fn a_cookie_of_an_earlier_sign_in_is_told() {
    for database in databases() {
        let site = Site::new(&database, 0);
        let mut browser = Browser::new(&site.server);
        browser.sign_in("alice");
        let cookie = browser.cookies.values().find(|value| value.starts_with("sym_se_")).unwrap().clone();
        let again = Browser::request(&site.client, "openid", &[("prompt", "login")]);
        browser.follow(&again, "alice", "allow");
        let explanation = site.explanation(&cookie);
        is(&explanation, false, None, "a later sign-in");
        assert_eq!((&explanation["generation"], &explanation["current_generation"]), (&json!(0), &json!(1)), "{explanation}");
        let newest = browser.cookies.values().find(|value| value.starts_with("sym_se_")).unwrap();
        is(&site.explanation(newest), true, None, "signed in");
        site.server.store(|connection| {
            let id = Id::parse(explanation["session"].as_str().unwrap()).unwrap();
            sessions::find(connection, id).map(|session| assert_eq!(session.unwrap().generation, 1))
        });
    }
}

#[test]
fn forgeries_and_what_another_server_made_are_told_apart() {
    for database in databases() {
        let site = Site::new(&database, 0);
        let tokens = site.server.tokens(&site.client, "alice", ALL);
        let (refresh, access) = (tokens.text("refresh_token"), tokens.text("access_token"));
        let last = if refresh.ends_with('A') { "B" } else { "A" };
        let forged = site.explanation(&format!("{}{last}", &refresh[..refresh.len() - 1]));
        is(&forged, false, None, "forged");
        assert_eq!((&forged["grant"], &forged["client_id"]), (&Value::Null, &Value::Null), "nothing is said of what it names");
        is(&site.explanation(&refresh[..40]), false, None, "incomplete");
        is(&site.explanation(&refresh.replace("_rt_", "_se_")), false, None, "forged");
        is(&site.explanation("sym_cs_nobody"), false, None, "no client has this secret");
        is(&site.explanation("something else"), false, None, "starts with sym_ac_");
        let (body, _) = access.rsplit_once('.').unwrap();
        is(&site.explanation(&format!("{body}.AAAA")), false, None, "signature is not valid");

        // A server secret that was dropped, and one that was added. The servers had both for a while.
        let (other, secret) = ("another server secret as long as it must be", "the server secret of the integration tests");
        let both = SecretRing::new([other, secret]).unwrap().fingerprints();
        let before = site.server.store(meta::secrets);
        assert!(site.server.store(|connection| meta::record_secrets(connection, before.as_deref(), &both)));
        let mut symbolon = Binary::beside(&site.server, &database);
        symbolon.variables[0].1 = other.into();
        let dropped = explanation(&symbolon, refresh);
        is(&dropped, false, None, "its server secret was removed");
        assert_eq!((&dropped["client_id"], &dropped["username"]), (&json!("app"), &json!("alice")), "{dropped}");
        symbolon.variables[0].1 = format!("{other},{secret}");
        let older = explanation(&symbolon, refresh);
        is(&older, true, Some(10), "to generation 2");
        assert_eq!(older["made_by"], "an older server secret", "{older}");
        let elsewhere = "https://elsewhere.example";
        let moved = format!("UPDATE meta SET value = '{elsewhere}' WHERE name = 'issuer'");
        site.server.store(|connection| sql_query(&moved).execute(connection).map_err(Error::from));
        symbolon.variables[1].1 = elsewhere.into();
        is(&explanation(&symbolon, access), false, None, "another issuer");
        is(&explanation(&symbolon, tokens.text("id_token")), false, None, "another issuer");

        let grant = Id::parse(older["grant"].as_str().unwrap()).unwrap();
        site.server
            .store(|connection| grants::find(connection, grant).map(|found| assert_eq!(found.unwrap().grant.generation, 1)));
    }
}

#[test]
fn a_line_without_a_token_is_refused_and_none_is_repeated() {
    let database = &databases()[0];
    let symbolon = Binary::migrated(&database.url);
    assert!(symbolon.refusal("explain").contains("expected a token on the first line"));
    assert!(symbolon.refusal("explain -").contains("expected a token on the first line"));
    let two = symbolon.refusal("explain sym_rt_one sym_rt_two");
    assert!(two.contains("received 2") && !two.contains("sym_rt_"), "{two}");
    let help: Ran = symbolon.run("explain --help");
    assert!(help.stdout.contains("shell's history"), "{}", help.stdout);
}
