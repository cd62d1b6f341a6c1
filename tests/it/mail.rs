//! The delivery of e-mails: over real SMTP with and without TLS, to files and to standard output; what a server's refusal means,
//! and what is never revealed. A server that does not answer in time is tested beside the module.

use std::os::unix::fs::PermissionsExt;

use serde_json::json;
use symbolon::testing::{
    config::{Config, MailSettings, MailTransport, MissingSecret, Settings, SmtpPassword, SmtpSecurity, SmtpSettings},
    mail::{Mailer, Message, SendError},
    protocol::values::time::Timestamp,
};

use crate::harness::{Behavior, MailServer, certificate};

const LINK: &str = "https://id.example.com/recover?link=sym_ml_0123456789-0123456789-0123456789-0123456789-0123456789-0123456789";
const ALICE: &str = "alice@example.com";
const LOGIN: (&str, &str) = ("symbolon", "open-sesame");

fn message(to: &str) -> Message {
    Message {
        id: "01jd3v6q8w2n4m5k7r9t0xyzab".into(),
        to: to.into(),
        subject: "Set a new password at id.example.com".into(),
        text: format!("Hello,\n\nOpen this link:\n\n{LINK}\n"),
        at: Timestamp::from_millis(1_795_325_820_000),
    }
}

fn mailer(server: &MailServer, change: impl FnOnce(&mut SmtpSettings)) -> Mailer {
    let mut smtp = server.smtp();
    change(&mut smtp);
    Mailer::new(&MailSettings { transport: MailTransport::Smtp(Box::new(smtp)), ..server.settings() }).unwrap()
}

/// The e-mail was not taken; nothing of it, and no password, is in the error.
#[track_caller]
fn refused(mailer: &Mailer, to: &str) -> SendError {
    let error = mailer.send(&message(to)).unwrap_err();
    let received = format!("{error} {error:?} {mailer:?}");
    for hidden in ["sym_ml", "Hello", "new password", LOGIN.1, "://"] {
        assert!(!received.contains(hidden), "{received}");
    }
    assert!(!received.contains('\n') && received.len() < 1000, "{received}");
    error
}

#[test]
fn a_message_arrives_over_each_kind_of_connection() {
    for security in [SmtpSecurity::StartTls, SmtpSecurity::Tls, SmtpSecurity::None] {
        for login in [None, Some(LOGIN)] {
            if security == SmtpSecurity::None && login.is_some() {
                continue; // the server offers no login over plain text
            }
            let server = MailServer::start(Behavior { security, login, ..Behavior::WELL });
            let mailer = mailer(&server, |_| ());
            assert!(mailer.is_on());
            mailer.send(&message(ALICE)).unwrap();
            let messages = server.wait_for(ALICE, 1);
            let mail = &messages[0];
            assert_eq!((mail.subject.as_str(), mail.link()), ("Set a new password at id.example.com", LINK), "{security:?}");
            assert_eq!(mail.text.as_str(), message(ALICE).text.trim_end(), "{security:?}");
            assert_eq!(mail.encrypted, security != SmtpSecurity::None, "{security:?}");
            for (name, value) in [
                ("From", "Symbolon <no-reply@id.example.com>"),
                ("To", ALICE),
                ("Message-ID", "<01jd3v6q8w2n4m5k7r9t0xyzab@id.example.com>"),
                ("Date", "Sun, 22 Nov 2026 05:37:00 +0000"),
                ("Auto-Submitted", "auto-generated"),
                ("Content-Type", "text/plain; charset=\"utf-8\""),
            ] {
                assert_eq!(mail.header(name), [value], "{security:?}: {}", mail.raw);
            }
        }
    }
}

#[test]
fn the_keys_of_the_configuration_lead_there() {
    let server = MailServer::start(Behavior { login: Some(LOGIN), ..Behavior::WELL });
    let password_file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(password_file.path(), format!("{}\n", LOGIN.1)).unwrap();
    let mut keys = serde_json::to_value(Settings::default()).unwrap();
    for (key, value) in [
        ("mail", json!("smtp")),
        ("mail_from", json!("Symbolon <no-reply@id.example.com>")),
        ("smtp_host", json!("localhost")),
        ("smtp_port", json!(server.port())),
        ("smtp_username", json!(LOGIN.0)),
        ("smtp_password_file", json!(password_file.path())),
        ("smtp_ca_file", json!(server.ca_file())),
    ] {
        keys[key] = value;
    }
    let settings: Settings = serde_json::from_value(keys).unwrap();
    let config = Config::check(settings, Some("a secret of at least thirty-two bytes".into()), MissingSecret::Leave).unwrap();
    Mailer::new(&config.mail).unwrap().send(&message(ALICE)).unwrap();
    assert!(server.wait_for(ALICE, 1)[0].encrypted);
    assert!(!format!("{config:?}").contains(LOGIN.1));
}

#[test]
fn the_same_message_again_is_the_same_mail() {
    let mut server = MailServer::start(Behavior::WELL);
    let mailer = mailer(&server, |_| ());
    for _ in 0..2 {
        mailer.send(&message(ALICE)).unwrap();
    }
    server.restart(Behavior::WELL); // the connection that was kept is dead now
    mailer.send(&message(ALICE)).unwrap();
    let messages = server.wait_for(ALICE, 3);
    assert!(messages.iter().all(|mail| mail.raw == messages[0].raw), "{messages:?}");
}

#[test]
fn words_of_every_alphabet_arrive() {
    let server = MailServer::start(Behavior { utf8: true, ..Behavior::WELL });
    let mailer = mailer(&server, |_| ());
    let long = "wörter ".repeat(300);
    let text = format!("Grüße aus Köln\n.\n..\n{}\n👩‍💻 用户\n", long.trim());
    let sent = Message { subject: "Neues Passwort für Jörg 👍 用户".into(), text: text.clone(), ..message(ALICE) };
    mailer.send(&sent).unwrap();
    mailer.send(&Message { to: "jörg@example.com".into(), ..sent.clone() }).unwrap();
    for to in [ALICE, "jörg@example.com"] {
        let mail = server.wait_for(to, 1).remove(0);
        assert_eq!((mail.subject.as_str(), mail.text.as_str()), (sent.subject.as_str(), text.trim_end()));
    }
}

#[test]
fn an_address_beyond_ascii_needs_a_server_that_takes_it() {
    let server = MailServer::start(Behavior::WELL);
    assert!(refused(&mailer(&server, |_| ()), "jörg@example.com").is_permanent());
}

#[test]
fn nobody_else_is_written_to() {
    let server = MailServer::start(Behavior::WELL);
    let mailer = mailer(&server, |_| ());
    for to in ["alice@example.com\r\nBcc: eve@example.com", "alice@example.com,eve@example.com", "alice@example.com> ORCPT=x"] {
        assert!(refused(&mailer, to).is_permanent(), "{to}");
    }
    let subject = "Hi\r\nBcc: eve@example.com\r\n\r\nOther words";
    mailer
        .send(&Message { subject: subject.into(), text: "\r\n.\r\nMAIL FROM:<eve@example.com>\r\n".into(), ..message(ALICE) })
        .unwrap();
    let messages = server.messages();
    assert_eq!(messages.len(), 1, "{messages:?}");
    assert_eq!((messages[0].to.as_str(), messages[0].header("Bcc").len()), (ALICE, 0));
    assert_eq!(messages[0].subject, "Hi Bcc: eve@example.com Other words");
    assert!(messages[0].text.contains("MAIL FROM"), "it is text: {messages:?}");
}

#[test]
fn a_server_without_starttls_gets_nothing() {
    let server = MailServer::start(Behavior { security: SmtpSecurity::None, ..Behavior::WELL });
    let mailer = mailer(&server, |smtp| smtp.security = SmtpSecurity::StartTls);
    let error = refused(&mailer, ALICE);
    assert!(!error.is_permanent() && error.to_string().contains("STARTTLS"), "{error}");
    assert!(server.messages().is_empty());
}

#[test]
fn a_certificate_that_is_not_trusted_or_of_another_name_is_refused() {
    for security in [SmtpSecurity::StartTls, SmtpSecurity::Tls] {
        let server = MailServer::start(Behavior { security, ..Behavior::WELL });
        let other = certificate(None).0.to_pem().unwrap();
        for ca_pem in [None, Some(other)] {
            let error = refused(&mailer(&server, |smtp| smtp.ca_pem = ca_pem), ALICE);
            assert!(!error.is_permanent() && error.to_string().contains("certificate"), "{security:?}: {error}");
        }
        let error = refused(&mailer(&server, |smtp| smtp.host = "127.0.0.1".into()), ALICE);
        assert!(!error.is_permanent() && error.to_string().contains("certificate"), "{security:?}: {error}");
        assert!(server.messages().is_empty());
        mailer(&server, |_| ()).send(&message(ALICE)).unwrap();
    }
}

#[test]
fn a_wrong_login_is_not_the_messages_fault() {
    let server = MailServer::start(Behavior { login: Some(LOGIN), ..Behavior::WELL });
    for login in [None, Some(("symbolon".to_owned(), SmtpPassword::new("wrong".into())))] {
        let error = refused(&mailer(&server, |smtp| smtp.login = login), ALICE);
        assert!(!error.is_permanent() && error.to_string().contains("53"), "{error}");
    }
    assert!(server.messages().is_empty());
}

#[test]
fn a_refusal_is_for_good_or_for_now() {
    let behavior = Behavior { refuse: &["gone@example.com"], defer: &["grey@example.com"], ..Behavior::WELL };
    let server = MailServer::start(behavior);
    let mailer = mailer(&server, |_| ());
    let (gone, grey) = (refused(&mailer, "gone@example.com"), refused(&mailer, "grey@example.com"));
    assert!(gone.is_permanent() && gone.to_string().contains("550") && gone.to_string().contains("5.1.1"), "{gone}");
    assert!(!grey.is_permanent() && grey.to_string().contains("451") && grey.to_string().contains("later"), "{grey}");
    mailer.send(&message(ALICE)).unwrap();
    assert_eq!(server.messages().len(), 1);
}

#[test]
fn a_server_that_is_away_is_tried_again() {
    let mut server = MailServer::start(Behavior { manner: "close", ..Behavior::WELL });
    let mailer = mailer(&server, |_| ());
    assert!(!refused(&mailer, ALICE).is_permanent(), "it closes the connection");
    server.stop();
    let error = refused(&mailer, ALICE);
    assert!(!error.is_permanent() && error.to_string().starts_with("localhost:"), "{error}");
    server.restart(Behavior::WELL);
    mailer.send(&message(ALICE)).unwrap();
    assert_eq!(server.messages().len(), 1);
}

#[test]
fn messages_as_files_are_for_their_owner_alone() {
    let dir = tempfile::tempdir().unwrap();
    let directory = dir.path().join("data/mail");
    let server = MailServer::start(Behavior::WELL);
    let settings = MailSettings { transport: MailTransport::File(directory.clone()), ..server.settings() };
    let mailer = Mailer::new(&settings).unwrap();
    for text in ["first\n", "second\n"] {
        mailer.send(&Message { text: text.into(), ..message(ALICE) }).unwrap();
    }
    let files: Vec<_> = std::fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(files, [directory.join("01jd3v6q8w2n4m5k7r9t0xyzab.eml")], "the same letter again takes the place of the first");
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&directory), mode(&files[0])), (0o700, 0o600));
    let mail = std::fs::read_to_string(&files[0]).unwrap();
    assert!(mail.contains("To: alice@example.com\r\n") && mail.ends_with("\r\n\r\nsecond\r\n"), "{mail}");
    let blocked = dir.path().join("a file");
    std::fs::write(&blocked, "").unwrap();
    let mailer = Mailer::new(&MailSettings { transport: MailTransport::File(blocked.join("mail")), ..settings }).unwrap();
    assert!(!refused(&mailer, ALICE).is_permanent());
}
