//! What helps an operator whose command was refused: names that are nearly right, files that are missing, and mail that cannot be sent.

use super::{Binary, Ran};
use crate::harness::databases;

#[test]
fn a_name_that_is_nearly_right_is_named() {
    for database in databases() {
        let (name, symbolon) = (database.name, Binary::migrated(&database.url));
        symbolon.add_api("https://api.example.com", &["notes:read"]);
        symbolon.add_user("alice");
        symbolon.text("client add --id example-notes --name Notes --type spa --redirect-uri https://a.example/cb");
        for (line, words) in [
            ("user show alcie", "symbolon user list). Did you mean 'alice'?"),
            ("user show alice@example.org", "Did you mean 'alice@example.com'?"),
            ("client show exmaple-notes", "Did you mean 'example-notes'?"),
            ("client set example-note --name X", "Did you mean 'example-notes'?"),
            ("client show notes", "The client of this name has the ID 'example-notes'."),
            ("api show https://api.example.org", "Did you mean 'https://api.example.com'?"),
            ("client set example-notes --api https://api.exmaple.com", "Did you mean 'https://api.example.com'?"),
            ("client set example-notes --scope opneid", "Did you mean 'openid'?"),
            (
                "client set example-notes --scope notes:read",
                "It is a scope of https://api.example.com: add --api https://api.example.com",
            ),
            ("consent list --user alcie", "Did you mean 'alice'?"),
            ("grant list --client example-nots", "Did you mean 'example-notes'?"),
        ] {
            let refused = symbolon.refusal(line);
            assert!(refused.contains(words), "{name}: {line}: {refused}");
        }
        let long = "x".repeat(5_000);
        for line in [
            format!("user show {long}"),
            format!("client list --limit {long}"),
            format!("client set example-notes --remove-scope {long}"),
        ] {
            let Ran { code, stderr, .. } = symbolon.run(&line);
            assert!(code != Some(0) && stderr.chars().count() < 1_000 && stderr.contains("xxx…xxx"), "{name}: {stderr}");
        }
        for line in ["user show zebra", "client show zzz", "grant show 0123456789abcdef0123456789abcdef"] {
            assert!(!symbolon.refusal(line).contains("Did you mean"), "{name}: {line}");
        }
    }
}

#[test]
fn a_missing_file_is_said_to_be_missing() {
    let all = databases();
    let symbolon = Binary::migrated(&all[0].url);
    let missing = |line: &str| {
        let refused = symbolon.refusal(line);
        assert!(refused.contains("absent.x': there is no such file"), "{line}: {refused}");
    };
    missing("check-config --config absent.x");
    missing("user import absent.x");
    missing("client add --from-json absent.x");
    missing("client add --name X --type web --redirect-uri https://a.example/cb --auth private_key_jwt --jwks absent.x");
    let configured = |variable: &'static str, others: &[(&'static str, &str)]| {
        let mut symbolon = Binary::new(&symbolon.url);
        symbolon.variables.push((variable, "absent.x".into()));
        symbolon.variables.extend(others.iter().map(|(name, value)| (*name, (*value).to_owned())));
        let refused = symbolon.refusal("check-config");
        assert!(refused.contains("absent.x': there is no such file"), "{variable}: {refused}");
    };
    let smtp = [("SYMBOLON_MAIL", "smtp"), ("SYMBOLON_MAIL_FROM", "a@example.com"), ("SYMBOLON_SMTP_HOST", "mail.example.com")];
    configured("SYMBOLON_CONFIG", &[]);
    configured("SYMBOLON_SECRET_FILE", &[]);
    configured("SYMBOLON_OUTBOUND_CA_FILE", &[]);
    configured("SYMBOLON_BREACHED_PASSWORDS_FILE", &[]);
    configured("SYMBOLON_SMTP_CA_FILE", &smtp);
    configured("SYMBOLON_SMTP_PASSWORD_FILE", &[smtp.as_slice(), &[("SYMBOLON_SMTP_USERNAME", "a")]].concat());
    let directory = symbolon.dir.path().display().to_string();
    assert!(symbolon.refusal(&format!("client add --from-json {directory}")).contains("expected a file, received a directory"));
    let marked = symbolon.dir.path().join("marked.toml");
    std::fs::write(&marked, "\u{feff}registration = \"off\"\n").unwrap();
    symbolon.text(&format!("check-config --config {}", marked.display()));
    std::fs::write(&marked, "\tregistration = \"o\tf\"\n").unwrap();
    let refused = symbolon.refusal(&format!("check-config --config {}", marked.display()));
    assert!(!refused.contains("\\u{9}") && !refused.contains("\\t") && !refused.contains("<U+"), "{refused}");
}

#[test]
fn a_test_e_mail_says_what_happened() {
    let all = databases();
    let url = &all[0].url;
    let with = |variables: &[(&'static str, &str)]| {
        let mut symbolon = Binary::new(url);
        symbolon.variables = variables.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        symbolon
    };
    let test = |symbolon: &Binary, address: &str| -> Ran { symbolon.run(&format!("mail test {address}")) };
    let off = test(&with(&[]), "a@example.com");
    assert!(off.code == Some(1) && off.stderr.contains("mail is off"), "{}", off.stderr);
    let from = ("SYMBOLON_MAIL_FROM", "Example <no-reply@example.com>");

    let files = with(&[("SYMBOLON_MAIL", "file"), from]);
    let sent = test(&files, "Alice@Example.com");
    assert_eq!((sent.code, sent.stderr.as_str()), (Some(0), ""));
    assert!(sent.stdout.starts_with("sent a test e-mail to alice@example.com by a file in "), "{}", sent.stdout);
    let written = std::fs::read_dir(files.dir.path().join("data/mail")).unwrap().next().unwrap().unwrap().path();
    let message = std::fs::read_to_string(written).unwrap();
    assert!(message.contains("Content-Transfer-Encoding: 7bit") && message.contains("To: alice@example.com"), "{message}");
    let link = message.lines().find(|line| line.starts_with("https://")).unwrap();
    assert_eq!(link, format!("https://example.com/link?link={}", "0123456789".repeat(6)), "in one piece");
    assert!(test(&files, "nowhere").stderr.contains("e-mail address 'nowhere': expected name@host"));

    let port = crate::harness::free_port().to_string();
    let smtp = [("SYMBOLON_MAIL", "smtp"), from, ("SYMBOLON_SMTP_HOST", "127.0.0.1"), ("SYMBOLON_SMTP_SECURITY", "none")];
    let closed = test(&with(&[smtp.as_slice(), &[("SYMBOLON_SMTP_PORT", port.as_str())]].concat()), "a@example.com");
    assert!(closed.code == Some(1) && closed.stderr.contains(&format!("127.0.0.1:{port}: no connection")), "{}", closed.stderr);
    assert!(closed.stderr.contains("check smtp_host and smtp_port"), "{}", closed.stderr);

    let server = crate::harness::MailServer::start(crate::harness::Behavior {
        security: symbolon::testing::config::SmtpSecurity::None,
        ..crate::harness::Behavior::WELL
    });
    let port = server.smtp().port.to_string();
    let sent = test(&with(&[smtp.as_slice(), &[("SYMBOLON_SMTP_PORT", port.as_str())]].concat()), "a@example.com");
    assert_eq!(
        (sent.code, sent.stdout),
        (Some(0), format!("sent a test e-mail to a@example.com by 127.0.0.1:{port}\n")),
        "{}",
        sent.stderr
    );
    assert!(server.wait_for("a@example.com", 1)[0].subject.starts_with("A test e-mail from"));
}
