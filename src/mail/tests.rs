//! Tests of the format of an e-mail, and of servers that do not answer; delivery is tested from `tests/it`.

use std::{
    io::{BufRead, BufReader, Read},
    net::TcpListener,
    thread,
};

use proptest::prelude::*;

use super::*;
use crate::{
    config::{SmtpSecurity, SmtpSettings},
    protocol::account::email_address::EmailAddress,
};

const LINK: &str = "https://id.example.com/recover?link=sym_ml_0123456789";

fn message() -> Message {
    Message {
        id: "01jd3v6q8w2n4m5k7r9t0xyzab".into(),
        to: "alice@example.com".into(),
        subject: "Set a new password".into(),
        text: format!("Hello,\n\n{LINK}\n"),
        at: Timestamp::from_millis(1_795_325_820_999),
    }
}

fn address(text: &str) -> EmailAddress {
    EmailAddress::parse(text).unwrap()
}

fn from() -> Mailbox {
    mailbox(&Sender { name: Some("Symbolon".into()), address: address("no-reply@id.example.com") }).unwrap()
}

fn written(change: impl FnOnce(&mut Message)) -> Result<String, SendError> {
    let mut message = message();
    change(&mut message);
    write_down(&from(), &message).map(|mail| String::from_utf8(mail.formatted()).unwrap())
}

#[test]
fn a_message_has_its_headers() {
    let mail = written(|_| ()).unwrap();
    let (head, body) = mail.split_once("\r\n\r\n").unwrap();
    let mut lines: Vec<_> = head.lines().collect();
    lines.sort_unstable();
    assert_eq!(
        lines,
        [
            "Auto-Submitted: auto-generated",
            "Content-Transfer-Encoding: 7bit",
            "Content-Type: text/plain; charset=utf-8",
            "Date: Sun, 22 Nov 2026 05:37:00 +0000",
            "From: Symbolon <no-reply@id.example.com>",
            "MIME-Version: 1.0",
            "Message-ID: <01jd3v6q8w2n4m5k7r9t0xyzab@id.example.com>",
            "Subject: Set a new password",
            "To: alice@example.com",
        ]
    );
    assert_eq!(body, format!("Hello,\r\n\r\n{LINK}\r\n"));
    assert_eq!(written(|_| ()), written(|_| ()), "the same letter is the same mail");
}

#[test]
fn nothing_begins_another_header() {
    for subject in
        ["Hi\r\nBcc: eve@example.com", "Hi\nBcc: eve@example.com", "Hi\r\n\r\nbody", "Hi\u{2028}Bcc: x\u{0}", "Ünicode\r\nBcc: x"]
    {
        let mail = written(|m| m.subject = subject.into()).unwrap();
        let (head, body) = mail.split_once("\r\n\r\n").unwrap();
        assert!(!head.lines().any(|line| line.starts_with("Bcc") || line.starts_with("body")), "{head}");
        assert_eq!(head.lines().filter(|line| line.starts_with("Subject: ")).count(), 1, "{head}");
        assert!(body.contains(LINK), "{body}");
    }
    for to in [
        "alice@example.com\r\nBcc: eve@example.com",
        "alice@example.com\n",
        "alice@example.com, eve@example.com",
        "<alice@example.com> eve@example.com",
        "alice",
        "alice@",
        "@example.com",
        "a\0@example.com",
        "",
    ] {
        let error = written(|m| m.to = to.into()).unwrap_err();
        assert!(error.is_permanent() && !error.to_string().contains("alice"), "{to}: {error}");
    }
    for id in ["", ".", "a b", "a@b", "a>\r\nBcc: x", "ä", "../a", "x".repeat(201).as_str()] {
        assert!(written(|m| m.id = id.into()).unwrap_err().is_permanent(), "{id}");
    }
    let sender = Sender { name: Some("A\r\nBcc: eve@example.com".into()), address: address("a@example.com") };
    let mail = write_down(&mailbox(&sender).unwrap(), &message()).map(|mail| String::from_utf8(mail.formatted()).unwrap());
    assert!(mail.is_ok_and(|mail| !mail.contains("\nBcc")), "nor does the sender's name");
    for to in ["\"a b\"@example.com", "jörg@example.com", "用户@例子.公司", "a@[127.0.0.1]", "o'brien+x@example.com"] {
        if let Ok(mail) = written(|m| m.to = to.into()) {
            assert_eq!(
                mail.split_once("\r\n\r\n").unwrap().0.lines().filter(|line| line.starts_with("To: ")).count(),
                1,
                "{mail}"
            );
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Every address that can be stored can be written to.
    #[test]
    fn every_address_that_is_kept_can_be_written_to(
        typed in r"\PC{1,10}@\PC{1,12}|[a-zA-Zäßσ．ǅİ'!#/=^{}.+-]{1,12}[@＠][a-zA-Zäß例．。.-]{1,14}|\w{1,8}[.]\w{1,8}@\w{1,8}[.]\w{1,8}",
    ) {
        if let Some(address) = EmailAddress::parse(&typed) {
            let mail = written(|message| message.to = address.as_str().to_owned());
            prop_assert!(mail.is_ok(), "{}: {:?}", address.as_str(), mail);
            prop_assert_eq!(address.as_str().parse::<Address>().map(|to| to.to_string()), Ok(address.as_str().to_owned()));
            prop_assert_eq!(mailbox(&Sender { name: None, address: address.clone() }).err(), None);
        }
    }
}

#[test]
fn long_lines_and_other_alphabets_are_encoded() {
    let long = "x".repeat(1200);
    let mail = written(|m| (m.subject, m.text) = (format!("Grüße an {long}"), format!("Привет\n.\n{long}\n"))).unwrap();
    assert!(mail.is_ascii() && mail.lines().all(|line| line.len() <= 1000), "{mail}");
    assert!(mail.contains("=?utf-8?b?") || mail.contains("=?utf-8?q?"), "{mail}");
}

#[test]
fn times_that_cannot_be_written_stop_nothing() {
    for (at, date) in [(-1, "Thu, 01 Jan 1970 00:00:00 +0000"), (i64::MAX, "Fri, 31 Dec 9999 23:59:59 +0000")] {
        let mail = written(|m| m.at = Timestamp::from_millis(at)).unwrap();
        assert!(mail.contains(&format!("Date: {date}\r\n")), "{mail}");
    }
}

#[test]
fn a_terminal_obeys_no_message() {
    let message = Message { subject: "Hi\u{1b}[2J".into(), text: "a\u{9b}b\u{202e}\nc\n".into(), ..message() };
    assert_eq!(on_a_terminal(&message), "To: alice@example.com\nSubject: Hi [2J\n\nab\nc\n\n");
}

#[test]
fn off_sends_nothing() {
    let mailer = Mailer::new(&MailSettings::default()).unwrap();
    assert!(!mailer.is_on());
    assert_eq!(mailer.send(&message()), Err(SendError::Later("mail is off".into())));
}

#[test]
fn no_debug_shows_a_message_or_a_password() {
    let shown = format!("{:?} {:?}", message(), smtp(1, SmtpSecurity::StartTls, Duration::from_secs(1)));
    for hidden in ["sym_ml", "alice", "open sesame"] {
        assert!(!shown.contains(hidden), "{shown}");
    }
}

fn smtp(port: u16, security: SmtpSecurity, time: Duration) -> Mailer {
    let login = Some(("symbolon".to_owned(), crate::config::SmtpPassword::new("open sesame".into())));
    let smtp = SmtpSettings { host: "127.0.0.1".into(), port, security, login, ca_pem: None };
    let sender = Sender { name: None, address: address("no-reply@id.example.com") };
    let settings = MailSettings { transport: MailTransport::Smtp(Box::new(smtp)), from: Some(sender) };
    Mailer::build(&settings, time).unwrap()
}

#[test]
fn a_server_that_does_not_answer_is_left() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in silent.incoming() {
            thread::spawn(move || {
                let mut stream = stream.unwrap();
                while stream.read(&mut [0; 1024]).is_ok_and(|count| count > 0) {} // until the other side hangs up
            });
        }
    });
    for security in [SmtpSecurity::None, SmtpSecurity::StartTls, SmtpSecurity::Tls] {
        let error = smtp(port, security, Duration::from_millis(100)).send(&message()).unwrap_err();
        assert_eq!(error, SendError::Later(format!("127.0.0.1:{port}: no response in time")), "{security:?}");
    }
}

#[test]
fn what_a_server_says_is_told_without_the_message_and_the_password() {
    for (said, output) in [
        ("550 5.1.1 no such user", "550: 5.1.1 no such user"),
        ("550 never \u{1b}[2J mind", "550: never [2J mind"),
        (&format!("554 spam: {LINK} link=sym_ml_0123456789 {}", "x".repeat(61)), "554: spam:"),
        ("550 your password is open sesame", "550"),
        (&format!("550 {}", "word ".repeat(80)), &format!("550: {}", "word ".repeat(40))),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let refusal = said.to_owned();
        thread::spawn(move || {
            let (stream, _) = listener.accept().unwrap();
            let mut say = &stream;
            let _ = say.write_all(b"220 hello\r\n");
            for line in BufReader::new(&stream).lines().map_while(Result::ok) {
                let answer = match line.get(..4) {
                    Some("EHLO") => "250-hello\r\n250 AUTH PLAIN",
                    Some("AUTH") => "235 welcome",
                    Some("RCPT") => refusal.as_str(),
                    _ => "250 fine",
                };
                let _ = say.write_all(format!("{answer}\r\n").as_bytes());
            }
        });
        let error = smtp(port, SmtpSecurity::None, Duration::from_secs(5)).send(&message()).unwrap_err();
        assert_eq!(error, SendError::Permanent(format!("127.0.0.1:{port}: answered {output}")));
    }
}

#[test]
fn a_link_in_a_file_is_in_one_piece() {
    let link = format!("{LINK}{}", "x".repeat(200));
    assert!(
        written(|message| message.text = format!("{link}\n")).unwrap().contains(&format!("\r\n{link}\r\n")),
        "by SMTP as well"
    );
    let file = |text: &str| {
        let mail = write_plainly(&from(), &Message { text: text.into(), ..message() }).unwrap();
        String::from_utf8(mail.formatted()).unwrap()
    };
    let plain = file(&format!("Hello,\n\n{link}\n"));
    assert!(plain.contains("Content-Transfer-Encoding: 7bit") && plain.contains(&format!("\r\n{link}\r\n")), "{plain}");
    let other = file(&format!("Hello Émile,\n\n{link}\n"));
    assert!(other.contains("Content-Transfer-Encoding: 8bit") && other.contains(&format!("\r\n{link}\r\n")), "{other}");
    let long = file(&format!("{}\n", "é".repeat(1200)));
    assert!(long.lines().all(|line| line.len() <= 998), "a line of an e-mail is no longer (RFC 5322 §2.1.1)");
}
