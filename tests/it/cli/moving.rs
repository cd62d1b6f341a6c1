//! Users of another provider who keep what they had: their subject, their password as its hash stands there, and their e-mail address
//! as the user name.

use serde_json::{Value, json};
use symbolon::testing::protocol::oauth::client::ClientKind;

use super::{Binary, accounts::with_mail};
use crate::harness::{Behavior, Browser, CALLBACK, MailServer, Server, claims_of, databases, query_of};

/// The password of all hashes below, which are samples of `src/passwords/formats_tests.rs`, where it says how they were made.
const PASSWORD: &str = "through the looking glass";

fn hashes() -> Vec<(&'static str, Value)> {
    let data = json!({"hashIterations": 1000, "algorithm": "pbkdf2-sha256", "additionalParameters": {}}).to_string();
    let secret = json!({"value": "0oOR7pvnJMGFtyfOoN2dxEdybu64D1tG0sprIQxYc+Y=", "salt": "AAECAwQFBgcICQoLDA0ODw=="}).to_string();
    let keycloak = json!({"id": "1", "type": "password", "createdDate": 1, "credentialData": data, "secretData": secret});
    let firebase = json!({
        "algorithm": "SCRYPT", "rounds": 1, "mem_cost": 4, "base64_salt_separator": "Bw==", "salt": "42xEC+ixf3L2lw==",
        "base64_signer_key": "jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA==",
        "passwordHash": "RL/Or1vcFyMheIQHvwAc9zwMRf4exXjkET7dkg/gNaX4iI+1FblAWZhztgXZFzpmrZjYMmXsHOmgqqaYAcbzyQ==",
    });
    vec![
        ("keycloak", keycloak),
        ("firebase", firebase),
        ("django", json!("pbkdf2_sha256$1000$c2FsdHNhbHRzYWx0c2E$UzBOVGjE+kMuk9lvI5Cj4kVMN8XuHVfbvg5z+HDlSRI=")),
        ("laravel", json!("$2y$04$Oxr38LQFdDx1TsrV43tUNOt..g5R.qyfAwZtazn5.VPP7vw2VHOTG")),
        ("asp-net", json!("AQAAAAIAAAPoAAAAEAABAgMEBQYHCAkKCwwNDg+9EXm9syOA3XLGsMt8Qn5V5nQhppaDX6SJKzi9Iotgew==")),
        ("phpass", json!("$P$5/bPmaxMEshwuxbH6UJjlu0llSAm550")),
        ("ldap", json!("{SSHA}6WborHyzv8f9aYvdeIoBs/XE3/bo3Tvn")),
        ("crypt", json!("$6$abcdefgh$c6n8PWzSGaFEzqUv8m/seVhVc8jcr1oz1k.BfKEuAJ6XWzyqUkZXwb0p6IAKg3ybe/3u9zdFsJTDnqgT7t9nf.")),
    ]
}

fn import(symbolon: &Binary, lines: &[Value]) -> super::Ran {
    let lines: Vec<_> = lines.iter().map(Value::to_string).collect();
    symbolon.run_with(&["user", "import", "-"], &lines.join("\n"))
}

#[test]
fn hashes_of_other_systems_are_verified_once_and_then_made_anew() {
    for database in databases() {
        let name = database.name;
        let server = Server::start(&database, |_| ());
        let symbolon = Binary::beside(&server, &database);
        let line = |(username, hash): (&str, Value)| json!({"username": username, "email": format!("{username}@example.com"), "password_hash": hash});
        let ran = import(&symbolon, &hashes().into_iter().map(line).collect::<Vec<_>>());
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), "imported 8 users\n"), "{name}: {}", ran.stderr);
        for (username, _) in hashes() {
            let sign_in = |password: &str| Browser::new(&server).sign_in_at("/login", username, password).status;
            let hash = || {
                let login = symbolon::testing::protocol::account::login_name::LoginName::parse(username);
                let user = server.store(|connection| symbolon::testing::store::users::find_by_login(connection, &login));
                user.unwrap().password_hash.unwrap()
            };
            let before = hash();
            assert_eq!((sign_in("another one altogether"), hash() == before), (401, true), "{name}: {username}");
            assert_eq!(sign_in(PASSWORD), 303, "{name}: {username}");
            assert!(hash().starts_with("$argon2id$v=19$"), "{name}: {username}: {}", hash());
            assert_eq!(sign_in(PASSWORD), 303, "{name}: {username}");
        }
    }
}

#[test]
fn a_subject_is_kept_at_every_client() {
    for database in databases() {
        let name = database.name;
        let server = Server::start(&database, |_| ());
        let symbolon = Binary::beside(&server, &database);
        let hash = &hashes()[3].1;
        let id = "0123456789abcdef0123456789abcdef";
        let user = |username: &str, sub: &str| {
            json!({"username": username, "email": format!("{username}@example.com"), "password_hash": hash, "sub": sub,
                   "pairwise_subs": {"app.example.com": format!("pair of {username}")}})
        };
        let ran = import(&symbolon, &[user("alice", "auth0|5f7c"), user("bob", id)]);
        assert_eq!(ran.code, Some(0), "{name}: {}", ran.stderr);
        assert_eq!(symbolon.json("user show alice --json")["sub"], "auth0|5f7c", "{name}");
        assert_eq!(symbolon.json("user show bob --json")["id"], id, "{name}: what has the form of an id is the id");

        let public = server.add_client("public", ClientKind::Spa, |_| ());
        let pairwise = |id: &str, sector: &str| {
            server.add_client(id, ClientKind::Spa, |client| client.settings.pairwise_sector = Some(sector.into()))
        };
        let (kept, made) = (pairwise("kept", "app.example.com"), pairwise("made", "other.example.com"));
        for (username, sub) in [("alice", "auth0|5f7c"), ("bob", id)] {
            let mut browser = Browser::new(&server);
            browser.sign_in_at("/login", username, PASSWORD);
            let mut tokens = |client| {
                let code = browser.code(client, username, "openid");
                server.redeem(client, &code)
            };
            let (own, pair, random) = (tokens(&public), tokens(&kept), tokens(&made));
            let id_token = claims_of(own.text("id_token"));
            assert_eq!(id_token["sub"], sub, "{name}");
            assert_eq!(server.userinfo(own.text("access_token")).json["sub"], sub, "{name}");
            assert_eq!(claims_of(own.text("access_token"))["sub"], sub, "{name}");
            assert_eq!(claims_of(pair.text("id_token"))["sub"], format!("pair of {username}"), "{name}");
            let other = claims_of(random.text("id_token"))["sub"].clone();
            assert!(other.as_str().unwrap().starts_with("p."), "{name}: clients of other sectors learn nothing: {other}");

            // The ID token as a hint, and the subject in a claims request, name the user; neither does the id beside a subject.
            let mut answer = |extra: &[(&str, &str)]| {
                let path = Browser::request(&public, "openid", &[extra, &[("prompt", "none")]].concat());
                query_of(browser.get(&path).location()).remove("error").unwrap_or_default()
            };
            let wanted = |sub: &str| json!({"id_token": {"sub": {"value": sub}}}).to_string();
            assert_eq!(answer(&[("id_token_hint", own.text("id_token"))]), "", "{name}");
            assert_eq!(answer(&[("claims", &wanted(sub))]), "", "{name}");
            let user_id = symbolon.json(&format!("user show {username} --json"))["id"].as_str().unwrap().to_owned();
            let expected = if user_id == sub { "" } else { "login_required" };
            assert_eq!(answer(&[("claims", &wanted(&user_id))]), expected, "{name}");
            assert_eq!(answer(&[("claims", &wanted(&format!("pair of {username}")))]), "login_required", "{name}");
        }

        // Neither a user nor a client gets a subject that somebody has, or had.
        symbolon.text("user delete alice");
        for (sub, words) in
            [("auth0|5f7c", "subject 'auth0|5f7c' is already taken"), ("public", "subject 'public' is already taken"), (id, "")]
        {
            let ran = import(&symbolon, &[json!({"username": "carol", "email": "c@example.com", "sub": sub})]);
            assert!(ran.code == Some(1) && ran.stderr.contains(words), "{name}: {}", ran.stderr);
        }
        let taken = import(&symbolon, &[json!({"username": "dora", "email": "d@example.com", "sub": "dora-1"})]);
        assert_eq!(taken.code, Some(0), "{name}: {}", taken.stderr);
        let add = ["client", "add", "--id", "dora-1", "--name", "App", "--type", "spa", "--redirect-uri", CALLBACK];
        let refused = symbolon.run_with(&add, "");
        assert!(refused.stderr.contains("client ID 'dora-1' is the subject of a user"), "{name}: {}", refused.stderr);
    }
}

#[test]
fn a_subject_that_cannot_be_kept_is_refused_by_its_line() {
    for database in databases() {
        let (name, symbolon) = (database.name, Binary::migrated(&database.url));
        let user = |username: &str, extra: Value| {
            let mut user = json!({"username": username, "email": format!("{username}@example.com")});
            user.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
            user
        };
        let ran = import(
            &symbolon,
            &[
                user("a", json!({"sub": ""})),
                user("b", json!({"sub": "x".repeat(256)})),
                user("c", json!({"sub": "é"})),
                user("d", json!({"sub": "one"})),
                user("e", json!({"sub": "one"})),
                user("f", json!({"pairwise_subs": {"app.example.com": "one"}})),
                user("g", json!({"pairwise_subs": {"https://app": "two"}})),
                user("h", json!({"pairwise_subs": {"app.example.com": "0".repeat(32)}})),
            ],
        );
        let lines: Vec<_> = ran.stderr.lines().collect();
        let expected = [
            "error: nothing was imported",
            "line 1: sub: expected 1 to 255 printable ASCII characters",
            "line 2: sub: expected 1 to 255",
            "line 3: sub: expected 1 to 255",
            "line 5: subject 'one' is already used in line 4",
            "line 6: subject 'one' is already used in line 4",
            "line 7: pairwise_subs: sector 'https://app': expected a host name",
            "line 8: pairwise_subs: expected something that cannot be mistaken for a user's id",
        ];
        assert_eq!(lines.len(), expected.len(), "{name}: {lines:?}");
        for (line, expected) in lines.iter().zip(expected) {
            assert!(line.starts_with(expected), "{name}: {line}");
        }
    }
}

#[test]
fn an_address_can_be_the_user_name_of_its_owner_alone() {
    for database in databases() {
        let name = database.name;
        let server = Server::start(&database, |_| ());
        let symbolon = Binary::beside(&server, &database);
        let hash = &hashes()[3].1;
        let lines = [
            json!({"username": "Alice@example.com", "email": "alice@Example.com", "password_hash": hash}).to_string(),
            json!({"username": "bob", "email": "bob@example.com", "password_hash": hash}).to_string(),
        ];
        // With a byte order mark, and line ends of Windows.
        let ran = symbolon.run_with(&["user", "import", "-"], &format!("\u{feff}{}\r\n", lines.join("\r\n")));
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), "imported 2 users\n"), "{name}: {}", ran.stderr);
        assert_eq!(Browser::new(&server).sign_in_at("/login", "ALICE@example.com", PASSWORD).status, 303, "{name}");
        let stranger = json!({"username": "bob@example.com", "email": "other@example.com"});
        let ran = import(&symbolon, &[stranger]);
        assert!(ran.stderr.contains("'@' only if it is the user's own e-mail address"), "{name}: {}", ran.stderr);
        let ran = import(&symbolon, &[json!({"username": "bob@example.com", "email": "bob@example.com"})]);
        assert!(ran.stderr.contains("is already taken"), "{name}: {}", ran.stderr);
        // The name follows the address, so that who gets the old address is another user.
        symbolon.text("user set alice@example.com --email new@example.com");
        assert_eq!(symbolon.json("user show new@example.com --json")["username"], "new@example.com", "{name}");
        let ran = import(&symbolon, &[json!({"username": "alice@example.com", "email": "alice@example.com"})]);
        assert_eq!(ran.code, Some(0), "{name}: {}", ran.stderr);
        assert_eq!(symbolon.json("user list --json").as_array().unwrap().len(), 3, "{name}");
    }
}

#[test]
fn a_user_without_an_address_is_added_if_the_operator_says_so() {
    for database in databases() {
        let name = database.name;
        let server = Server::start(&database, |_| ());
        let symbolon = Binary::beside(&server, &database);
        let hash = &hashes()[3].1;
        let line = |username: &str| json!({"username": username, "email": null, "password_hash": hash});
        let refused = import(&symbolon, &[line("alice")]);
        assert!(
            refused.stderr.contains("line 1: email: expected an address, received null; --allow-no-email"),
            "{name}: {}",
            refused.stderr
        );
        let lines = format!("{}\n{}\n", line("alice"), line("bob"));
        let ran = symbolon.run_with(&["user", "import", "-", "--allow-no-email"], &lines);
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), "imported 2 users\n"), "{name}: {}", ran.stderr);
        let ran = symbolon.run_with(&["user", "add", "carol", "--no-email", "--password-stdin"], &format!("{PASSWORD}\n"));
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), "user carol was added\n"), "{name}: {}", ran.stderr);
        let ran = symbolon.run_with(&["user", "import", "-", "--allow-no-email"], &json!({"username": "dora"}).to_string());
        assert!(ran.stderr.contains("missing field `email`"), "{name}: {}", ran.stderr);

        // No claim about an address that there is none of, no e-mail, and pages that say so.
        let app = server.add_client("app", ClientKind::Spa, |_| ());
        let mut browser = Browser::new(&server);
        browser.sign_in_at("/login", "alice", PASSWORD);
        let code = browser.code(&app, "alice", "openid email profile");
        let tokens = server.redeem(&app, &code);
        let claims = server.userinfo(tokens.text("access_token")).json;
        assert_eq!((claims.get("email"), claims.get("email_verified")), (None, None), "{name}: {claims}");
        assert_eq!(
            (&claims["preferred_username"], claims_of(tokens.text("id_token")).get("email")),
            (&json!("alice"), None),
            "{name}"
        );
        for path in ["/account", "/account/email", "/account/data", "/account/activity", "/account/password", "/account/details"]
        {
            assert_eq!(browser.get(path).status, 200, "{name}: {path}");
        }
        let shown = symbolon.json("user show alice --json");
        assert_eq!((&shown["email"], &shown["email_verified"]), (&Value::Null, &json!(false)), "{name}");
        assert!(symbolon.text("user show alice").contains("none\n"), "{name}");

        // An address later, and none again.
        symbolon.text("user set alice --email alice@example.com --email-verified");
        assert_eq!(symbolon.json("user show alice@example.com --json")["email_verified"], true, "{name}");
        symbolon.text("user set alice --no-email");
        let shown = symbolon.json("user show alice --json");
        assert_eq!((&shown["email"], &shown["email_verified"]), (&Value::Null, &json!(false)), "{name}");
        assert!(symbolon.refusal("user set alice --email-verified").contains("expected an e-mail address"), "{name}");
        symbolon.text("user delete alice");
        symbolon.text("user delete bob");
        assert_eq!(symbolon.json("user list --json").as_array().unwrap().len(), 1, "{name}");
    }
}

#[test]
fn an_address_that_an_operator_typed_is_confirmed_by_its_owner() {
    for database in databases() {
        let (name, mail) = (database.name, MailServer::start(Behavior::WELL));
        let server = Server::start(&database, |config| config.mail = mail.settings());
        let symbolon = with_mail(&server, &database, &mail);
        let add = |arguments: &[&str]| {
            let ran = symbolon.run_with(&[&["user", "add", "--password-stdin"], arguments].concat(), &format!("{PASSWORD}\n"));
            assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{name}");
            ran.stdout
        };
        assert_eq!(add(&["carol", "--email", "carol@example.com", "--email-verified"]), "user carol was added\n", "{name}");
        let said = add(&["alice", "--email", "alice@example.com", "--email-unverified"]);
        assert!(said.contains("is not verified: many apps refuse") && said.contains("a link that confirms it"), "{name}: {said}");
        let link = mail.wait_for("alice@example.com", 1)[0].link().to_owned();
        let mut browser = Browser::new(&server);
        let page = browser.get(link.strip_prefix(&server.url).unwrap());
        let page = browser.get(page.location());
        let csrf = page.csrf();
        let form = [("csrf", csrf.as_str())];
        assert_eq!(browser.send("POST", &page.attribute("form ", "action"), Some(&form)).status, 200, "{name}");
        assert_eq!(symbolon.json("user show alice --json")["email_verified"], true, "{name}");
        let said = symbolon.text("user set alice --email other@example.com");
        assert!(said.contains("the address other@example.com is not verified"), "{name}: {said}");
    }
}

#[test]
fn the_id_of_a_client_at_another_provider_is_kept() {
    use base64::{Engine, engine::general_purpose::STANDARD};
    for database in databases() {
        let name = database.name;
        let server = Server::start(&database, |_| ());
        let symbolon = Binary::beside(&server, &database);
        for id in ["urn:example:app", "https://app.example.com/callback?a=b&c=%20", "a:b", "app+one", "\"quoted\"<b>"] {
            let add = [
                "client",
                "add",
                "--id",
                id,
                "--name",
                "App",
                "--type",
                "web",
                "--client-credentials",
                "--redirect-uri",
                CALLBACK,
            ];
            let client: Value = serde_json::from_str(&symbolon.text_of(&add)).unwrap();
            let secret = client["client_secret"].as_str().unwrap();
            assert_eq!(
                symbolon.text_of(&["client", "show", id]).lines().next().unwrap().split_whitespace().last(),
                Some(id),
                "{name}"
            );
            let form = [("grant_type", "client_credentials")];
            let with = |id: &str| {
                let header = format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")));
                server.token(&form, &[("Authorization", &header)])
            };
            let encoded = crate::harness::encode(&[("x", id)])["x=".len()..].to_owned();
            assert_eq!(with(&encoded).status, 200, "{name}: {id}");
            let is_read_as_it_is = !id.contains([':', '+', '%']);
            assert_eq!(with(id).status == 200, is_read_as_it_is, "{name}: {id}: unencoded, a colon ends the id");
            let body = [("grant_type", "client_credentials"), ("client_id", id), ("client_secret", secret)];
            assert_eq!(server.token(&body, &[]).status, 200, "{name}: {id}");
            let advice = symbolon.run_with(&["client", "check", id], "").stdout;
            assert_eq!(advice.contains("must be form-encoded"), !is_read_as_it_is, "{name}: {id}: {advice}");
            // Pages and redirects take it as text.
            let mut browser = Browser::new(&server);
            if symbolon.json("user list --json") == json!([]) {
                server.add_user("alice");
            }
            browser.sign_in("alice");
            let path = format!(
                "/authorize?{}",
                crate::harness::encode(&[
                    ("client_id", id),
                    ("redirect_uri", CALLBACK),
                    ("response_type", "code"),
                    ("scope", "openid"),
                    ("nonce", "n"),
                    ("state", "s"),
                ])
            );
            let page = browser.get(&path);
            let page = browser.get(page.location());
            assert!(page.is("consent") && !page.body.contains("<b>"), "{name}: {id}: {page:?}");
            symbolon.text_of(&["client", "delete", id]);
        }
        let dash = ["client", "add", "--id=-x", "--name", "App", "--type", "spa", "--redirect-uri", CALLBACK];
        assert!(symbolon.run_with(&dash, "").stderr.contains("by which commands know their options"), "{name}");
    }
}
