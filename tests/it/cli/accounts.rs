//! `symbolon user`, what an operator does to an account while a server runs: showing it, requiring a new sign-in, removing the
//! password, inviting. What "sign in again" means at each endpoint is `sign_in_again`.

use serde_json::{Value, json};
use symbolon::testing::{
    config::{MailTransport, Registration},
    protocol::{
        account::{
            link::{Invited, LinkContent, LinkKind},
            login_name::LoginName,
            notification::NotificationKind,
        },
        grant::credential::{Credential, Kind},
        oauth::client::ClientKind,
    },
    store::{deliveries, links, users},
};

use super::{Binary, is_time};
use crate::harness::{Behavior, Browser, Database, MailServer, Server, databases};

const WRONG: &str = "correct horse battery stapler";

/// The command line beside a server that sends mail, and lets the invited register.
pub(super) fn with_mail(server: &Server, database: &Database, mail: &MailServer) -> Binary {
    let mut symbolon = Binary::beside(server, database);
    symbolon.variables.extend([
        ("SYMBOLON_REGISTRATION", "invitation".to_owned()),
        ("SYMBOLON_MAIL", "smtp".into()),
        ("SYMBOLON_MAIL_FROM", "Symbolon <no-reply@id.example.com>".into()),
        ("SYMBOLON_SMTP_HOST", "localhost".into()),
        ("SYMBOLON_SMTP_PORT", mail.port().to_string()),
        ("SYMBOLON_SMTP_CA_FILE", mail.ca_file().display().to_string()),
    ]);
    symbolon
}

#[test]
fn what_lives_of_a_user_and_what_happened_is_shown() {
    for database in databases() {
        let server = Server::start(&database, |_| ());
        let (name, symbolon) = (database.name, Binary::beside(&server, &database));
        server.add_user("alice");
        let app = server.add_client("app", ClientKind::Spa, |_| ());
        let shown = symbolon.json("user show alice --json");
        let of = |shown: &Value, key: &str| shown[key].clone();
        let expected = [("signed_in", Value::Null), ("active_sessions", json!(0)), ("active_grants", json!(0))];
        assert!(expected.iter().all(|(key, value)| of(&shown, key) == *value), "{name}: {shown}");
        assert_eq!(symbolon.json("user activity alice --json"), json!([]), "{name}");
        assert!(symbolon.text("user show alice").contains("last sign-in     never\n"), "{name}");

        let mut browser = Browser::new(&server);
        browser.headers.push(("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0".into()));
        let code = browser.code(&app, "alice", "openid offline_access");
        server.redeem(&app, &code);
        let unredeemed = browser.code(&app, "alice", "openid");
        Browser::new(&server).sign_in("alice");
        assert_eq!(Browser::new(&server).sign_in_at("/login", "alice", WRONG).status, 401);
        let shown = symbolon.json("user show alice --json");
        assert!(is_time(&shown["signed_in"]), "{name}: {shown}");
        let counts = |shown: &Value| (of(shown, "active_sessions"), of(shown, "active_grants"));
        assert_eq!(counts(&shown), (json!(2), json!(2)), "{name}: {shown}");
        server.redeem(&app, &unredeemed);
        server.redeem(&app, &unredeemed);
        assert_eq!(counts(&symbolon.json("user show alice --json")), (json!(2), json!(1)), "{name}: a code used twice");

        let store = symbolon.store();
        store.with(|connection| server.app.history.flush(connection)).unwrap();
        let listed = symbolon.json("user activity alice --json");
        let kinds: Vec<_> = listed.as_array().unwrap().iter().map(|one| one["activity"].as_str().unwrap()).collect();
        let expected = ["credential_reused", "sign_in_failed", "signed_in_anew", "app_allowed", "signed_in"];
        assert_eq!(kinds.len(), 5, "{name}: {listed}");
        assert!(expected.iter().all(|kind| kinds.contains(kind)), "{name}: {listed}");
        let first = &listed[0];
        assert_eq!((&first["activity"], &first["about"]), (&json!("credential_reused"), &json!("App app")), "{name}: {listed}");
        assert!(is_time(&first["at"]) && first["count"] == 1 && first["address"].is_string(), "{name}: {first}");
        assert_eq!(symbolon.json("user activity alice --limit 2 --json").as_array().unwrap().len(), 2, "{name}");
        let text = symbolon.text("user activity alice");
        assert!(text.starts_with("WHEN ") && text.lines().count() == 6 && text.contains("Firefox on Linux"), "{name}: {text}");
        assert!(text.lines().nth(1).unwrap().contains("credential reused"), "{name}: {text}");
        assert!(symbolon.refusal("user activity bob").contains("user 'bob': no user has"), "{name}");
    }
}

#[test]
fn a_user_is_asked_to_sign_in_again() {
    for database in databases() {
        let server = Server::start(&database, |_| ());
        let (name, symbolon) = (database.name, Binary::beside(&server, &database));
        server.add_user("alice");
        let app = server.add_client("app", ClientKind::Spa, |_| ());
        let mut browser = Browser::new(&server);
        let code = browser.code(&app, "alice", "openid offline_access");
        let token = server.redeem(&app, &code).text("refresh_token").to_owned();
        let shown = symbolon.json("user show alice --json");
        assert_eq!((&shown["sign_in_again_since"], &shown["active_grants"]), (&Value::Null, &json!(1)), "{name}");

        let said = symbolon.text("user sign-in-again ALICE@example.com");
        assert!(said.starts_with("user alice must sign in again; ") && said.contains("not revoked"), "{name}: {said}");
        let shown = symbolon.json("user show alice --json");
        assert!(is_time(&shown["sign_in_again_since"]), "{name}: {shown}");
        assert_eq!((&shown["active_sessions"], &shown["active_grants"]), (&json!(0), &json!(0)), "{name}: {shown}");
        assert!(symbolon.text("user show alice").contains("sign in again    since 20"), "{name}");
        let explained = symbolon.json(&format!("explain {token} --json"));
        assert_eq!(
            (&explained["active"], &explained["row"], &explained["because"]),
            (&json!(false), &json!(3), &json!("the user must sign in again")),
            "{name}"
        );
        let cookie = browser.cookies["symbolon_session"].clone();
        assert_eq!(symbolon.json(&format!("explain {cookie} --json"))["because"], "the user must sign in again", "{name}");
        assert_eq!(symbolon.json("user activity alice --limit 1 --json")[0]["activity"], "sign_in_again", "{name}");

        Browser::new(&server).sign_in("alice");
        let shown = symbolon.json("user show alice --json");
        assert_eq!((&shown["sign_in_again_since"], &shown["active_grants"]), (&Value::Null, &json!(1)), "{name}: {shown}");
        assert_eq!(symbolon.json(&format!("explain {token} --json"))["active"], true, "{name}");
        assert_eq!(server.refresh(&app, &token).status, 200, "{name}");
        assert!(is_time(&symbolon.json("user sign-in-again alice --json")["sign_in_again_since"]), "{name}");
        assert!(symbolon.refusal("user sign-in-again bob").contains("user 'bob': no user has"), "{name}");
    }
}

#[test]
fn an_operator_begins_a_recovery_that_only_the_user_can_finish() {
    for database in databases() {
        let mail = MailServer::start(Behavior::WELL);
        let server = Server::start(&database, |config| config.mail = mail.settings());
        let (name, symbolon) = (database.name, with_mail(&server, &database, &mail));
        let alice = server.add_user("alice").claims.id;
        let app = server.add_client("app", ClientKind::Spa, |_| ());
        let mut browser = Browser::new(&server);
        let code = browser.code(&app, "alice", "openid offline_access");
        let tokens = server.redeem(&app, &code);

        let said = symbolon.text("user reset alice");
        let url = format!("{}/recover", server.url);
        let expected = format!(
            "removed the password of user alice; 1 session and 1 grant ended\nan e-mail to alice@example.com says how to set a new one at {url}\n"
        );
        assert_eq!(said, expected, "{name}");
        assert_eq!(Browser::new(&server).sign_in_at("/login", "alice", crate::harness::PASSWORD).status, 401, "{name}");
        assert_eq!(server.refresh(&app, tokens.text("refresh_token")).error(), "invalid_grant", "{name}");
        assert_eq!(server.userinfo(tokens.text("access_token")).status, 401, "{name}");
        let message = mail.wait_for("alice@example.com", 1).remove(0);
        assert!(message.subject.starts_with("Set a new password"), "{name}: {message:?}");
        assert_eq!(message.link(), url, "{name}: it leads to the question, and does nothing by itself");
        assert!(!message.raw.contains("sym_ml_") && !said.contains("sym_ml_"), "{name}: {message:?}");
        let user = server.store(|connection| users::find(connection, alice)).unwrap();
        assert!(user.password_hash.is_none() && user.must_sign_in_since().is_some(), "{name}");
        let happened = symbolon.json("user activity alice --json");
        let kinds: Vec<_> = happened.as_array().unwrap().iter().map(|one| one["activity"].clone()).collect();
        assert!(kinds.contains(&json!("reset_asked")) && kinds.contains(&json!("everything_ended")), "{name}: {happened}");

        let again = symbolon.json("user reset alice --json");
        assert_eq!((&again["ended_sessions"], &again["url"]), (&json!(0), &json!(url)), "{name}: once more does no harm");

        // Whom no e-mail would reach loses nothing.
        server.add_unverified("bob");
        assert!(symbolon.refusal("user reset bob").contains("--email-verified"), "{name}");
        server.add_user("carol");
        symbolon.text("user disable carol");
        assert!(symbolon.refusal("user reset carol").contains("must be enabled"), "{name}");
        let without_mail = Binary::beside(&server, &database);
        server.add_user("dave");
        assert!(without_mail.refusal("user reset dave").contains("mail is not configured"), "{name}");
        for who in ["bob", "dave"] {
            let kept = server.store(|connection| users::find_by_login(connection, &LoginName::parse(who))).unwrap();
            assert!(kept.password_hash.is_some(), "{name}: {who}");
        }
    }
}

#[test]
fn the_owner_of_an_address_is_invited() {
    for database in databases() {
        let mail = MailServer::start(Behavior::WELL);
        let server = Server::start(&database, |config| {
            config.mail = mail.settings();
            config.registration = Registration::Invitation;
        });
        let (name, symbolon) = (database.name, with_mail(&server, &database, &mail));
        let said = symbolon.text("user invite --email New@Example.com --role editor --role admin --group staff");
        assert_eq!(said, "sent an invitation to new@example.com; the link is valid for 7 days\n", "{name}");
        let message = mail.wait_for("new@example.com", 1).remove(0);
        let first = message.link().to_owned();
        let link_of = |url: &str| {
            let text =
                url.strip_prefix(&format!("{}/register/finish?link=", server.url)).unwrap_or_else(|| panic!("{name}: {url}"));
            let opened = Credential::open(&server.app.config.secrets, Kind::Link, text).unwrap();
            server.store(|connection| links::find(connection, opened.id)).unwrap()
        };
        let row = link_of(&first);
        assert_eq!(
            (row.kind, row.email.as_deref(), row.used_at),
            (LinkKind::Invitation, Some("new@example.com"), None),
            "{name}"
        );
        let invited = Invited { roles: vec!["editor".into(), "admin".into()], groups: vec!["staff".into()] };
        assert_eq!(row.content, LinkContent::Invited(invited), "{name}");
        assert_eq!(row.expires_at.since(row.created_at).seconds(), 7 * 86_400, "{name}");

        let listed = symbolon.json("user invitations --json");
        assert_eq!(
            (&listed[0]["email"], &listed[0]["roles"], &listed[0]["groups"], listed.as_array().unwrap().len()),
            (&json!("new@example.com"), &json!(["editor", "admin"]), &json!(["staff"]), 1),
            "{name}"
        );
        assert!(is_time(&listed[0]["expires"]) && !listed.to_string().contains("sym_ml_"), "{name}: {listed}");
        let text = symbolon.text("user invitations");
        assert!(text.starts_with("EMAIL ") && text.contains("editor, admin") && !text.contains("sym_ml_"), "{name}: {text}");

        // The newest counts, and it is printed only where that is asked for.
        let printed = symbolon.json("user invite --email new@example.com --print --json");
        assert_eq!(
            (link_of(printed["link"].as_str().unwrap()).used_at, link_of(&first).ended_at.is_some()),
            (None, true),
            "{name}"
        );
        assert_eq!(symbolon.json("user invitations --json").as_array().unwrap().len(), 1, "{name}");
        let text = symbolon.text("user invite --email other@example.com --print");
        assert!(text.contains(&format!("link     {}/register/finish?link=sym_ml_", server.url)), "{name}: {text}");
        assert_eq!(mail.messages().len(), 1, "{name}: what is printed is not mailed");

        assert_eq!(symbolon.text("user uninvite OTHER@example.com"), "withdrew the invitation for other@example.com\n", "{name}");
        assert!(symbolon.refusal("user uninvite other@example.com").contains("no open invitation"), "{name}");
        assert_eq!(symbolon.json("user uninvite new@example.com --json")["withdrawn"], true, "{name}");
        assert_eq!(symbolon.json("user invitations --json"), json!([]), "{name}");

        server.add_user("alice");
        assert!(
            symbolon.refusal("user invite --email ALICE@example.com --print").contains("already belongs to a user"),
            "{name}"
        );
        assert!(symbolon.refusal("user invite --email nowhere --print").contains("name@host"), "{name}");
        let off = Binary::beside(&server, &database);
        assert!(off.refusal("user invite --email a@example.com --print").contains("received off"), "{name}");
        let mut mute = Binary::beside(&server, &database);
        mute.variables.push(("SYMBOLON_REGISTRATION", "invitation".into()));
        assert!(mute.refusal("user invite --email a@example.com").contains("--print"), "{name}");
        assert!(matches!(server.app.config.mail.transport, MailTransport::Smtp(_)));
    }
}

#[test]
fn an_invitation_that_was_withdrawn_is_not_mailed_any_more() {
    for database in databases() {
        let mut mail = MailServer::start(Behavior::WELL);
        mail.stop();
        let server = Server::start(&database, |config| config.mail = mail.settings());
        let (name, symbolon) = (database.name, with_mail(&server, &database, &mail));
        symbolon.text("user invite --email new@example.com");
        let waiting = |server: &Server| {
            let later = server.now().plus(symbolon::testing::protocol::values::time::Span::from_seconds(86_400));
            server.store(|connection| deliveries::due_to_users(connection, later, 10))
        };
        let is_invitation = |one: &deliveries::Delivery| matches!(&one.content, deliveries::Content::Notification(notice) if notice.kind == NotificationKind::Invitation);
        assert!(waiting(&server).iter().all(is_invitation) && waiting(&server).len() == 1, "{name}");
        symbolon.text("user uninvite new@example.com");
        mail.restart(Behavior::WELL);
        server.advance(60);
        crate::harness::wait_until(|| waiting(&server).is_empty(), || format!("{name}: {:?}", waiting(&server)));
        assert_eq!(mail.messages().len(), 0, "{name}");
    }
}
