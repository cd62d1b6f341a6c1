//! Tests of the mail settings: what is refused, and how they are read.

use std::path::PathBuf;

use proptest::prelude::*;

use super::*;
use crate::config::{Config, MissingSecret};

const FROM: &str = "Symbolon <no-reply@example.com>";
const PASSWORD: &str = "open sesame";

fn check(change: impl FnOnce(&mut Settings)) -> Result<MailSettings, String> {
    let mut settings = Settings { mail: MailKind::Smtp, mail_from: Some(FROM.into()), ..Settings::default() };
    settings.smtp_host = Some("smtp.example.com".into());
    change(&mut settings);
    let checked = Config::check(settings, Some("a secret of at least thirty-two bytes".into()), MissingSecret::Leave);
    checked.map(|config| config.mail).map_err(|error| error.to_string())
}

fn smtp(change: impl FnOnce(&mut Settings)) -> SmtpSettings {
    match check(change).unwrap().transport {
        MailTransport::Smtp(settings) => *settings,
        other => panic!("{other:?}"),
    }
}

#[test]
fn it_is_off_unless_it_is_wanted() {
    let settings = MailSettings::read(&Settings::default()).unwrap();
    assert!(matches!(settings.transport, MailTransport::Off) && settings.from.is_none());
    let off = check(|s| (s.mail, s.smtp_host) = (MailKind::Off, None)).unwrap();
    assert_eq!(off.from.unwrap().to_string(), FROM, "a sender may stay while it is off");
}

#[test]
fn a_port_goes_with_the_security() {
    for (security, port) in [(None, 587), (Some(SmtpSecurity::StartTls), 587), (Some(SmtpSecurity::Tls), 465)] {
        assert_eq!(smtp(|s| s.smtp_security = security).port, port, "{security:?}");
    }
    let local = smtp(|s| (s.smtp_host, s.smtp_security) = (Some("127.0.0.1".into()), Some(SmtpSecurity::None)));
    assert_eq!((local.port, local.security), (25, SmtpSecurity::None));
    assert_eq!(smtp(|s| s.smtp_port = Some(2525)).port, 2525);
    assert_eq!(smtp(|s| s.smtp_host = Some("::1".into())).host, "::1");
}

#[test]
fn messages_in_files_stand_in_the_data_directory() {
    let file = |directory: Option<&str>| {
        check(|s| (s.mail, s.smtp_host, s.mail_directory) = (MailKind::File, None, directory.map(PathBuf::from)))
            .unwrap()
            .transport
    };
    assert!(matches!(file(None), MailTransport::File(path) if path == Path::new("symbolon-data/mail")));
    assert!(matches!(file(Some("/tmp/letters")), MailTransport::File(path) if path == Path::new("/tmp/letters")));
}

#[test]
fn senders() {
    for (text, name, address) in [
        (FROM, Some("Symbolon"), "no-reply@example.com"),
        ("no-reply@example.com", None, "no-reply@example.com"),
        (" <no-reply@example.com> ", None, "no-reply@example.com"),
        ("\"Example, Inc.\" <id+mail@mail.example.com>", Some("Example, Inc."), "id+mail@mail.example.com"),
        ("Bücher & Söhne <a@b.example>", Some("Bücher & Söhne"), "a@b.example"),
        ("Id <No-Reply@exämple.com>", Some("Id"), "no-reply@xn--exmple-cua.com"),
    ] {
        let read = check(|s| s.mail_from = Some(text.into())).unwrap().from.unwrap();
        assert_eq!((read.name.as_deref(), read.address.as_str()), (name, address), "{text}");
    }
    for bad in [
        "",
        "Symbolon",
        "Symbolon <no-reply>",
        "a@b@c",
        "a@",
        "@b",
        "a b@example.com",
        "a@exa mple.com",
        "a..b@example.com",
        "a@example.com, b@example.com",
        "A <a@example.com> B",
        "A <a@example.com>, B <b@example.com>",
        "A\r\nBcc: x@example.com <a@example.com>",
        "A\u{202e} <a@example.com>",
        "a@example.com\r\nBcc: x@example.com",
        "a@b_c.example",
        "é@example.com",
        "a@-b.example",
    ] {
        let error = check(|s| s.mail_from = Some(bad.into())).unwrap_err();
        assert!(error.contains("mail_from: expected") && !error.contains('\n'), "{bad}: {error}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    /// The sender's address is checked and normalised as every other address.
    #[test]
    fn the_address_of_a_sender_is_one_that_users_may_have(
        typed in r"\PC{1,8}@\PC{1,8}|[a-zA-Zäß．'+. ]{1,8}[@＠][a-zäß．.-]{1,8}".prop_filter("no name", |text| !text.contains(['<', '>'])),
    ) {
        let address = EmailAddress::parse(&typed).filter(EmailAddress::is_ascii);
        prop_assert_eq!(sender(&typed).ok().map(|sender| sender.address), address.clone());
        prop_assert_eq!(sender(&format!("Example <{typed}>")).ok().map(|sender| sender.address), address);
    }
}

#[test]
fn contradictions_are_refused_with_key_and_expectation() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let path = || Some(file.path().to_path_buf());
    let password = || Some(SmtpPassword::new(PASSWORD.into()));
    let off = |s: &mut Settings| (s.mail, s.smtp_host) = (MailKind::Off, None);
    for (result, key, words) in [
        (check(|s| s.mail_from = None), "mail_from", "received none"),
        (check(|s| s.smtp_host = None), "smtp_host", "received none"),
        (check(|s| s.smtp_host = Some("smtp.example.com:25".into())), "smtp_host", "smtp_port"),
        (check(|s| s.smtp_host = Some("smtp://x".into())), "smtp_host", "alone"),
        (check(|s| s.smtp_host = Some(String::new())), "smtp_host", "alone"),
        (check(|s| s.smtp_port = Some(0)), "smtp_port", "65535"),
        (check(|s| s.smtp_security = Some(SmtpSecurity::None)), "smtp_security", "starttls or tls"),
        (check(|s| s.smtp_username = Some("u".into())), "smtp_username", "SYMBOLON_SMTP_PASSWORD"),
        (check(|s| s.smtp_password = password()), "smtp_username", "belongs to"),
        (
            check(|s| (s.smtp_username, s.smtp_password) = (Some("u\r\n".into()), password())),
            "smtp_username",
            "u<U+000D><U+000A>",
        ),
        (
            check(|s| (s.smtp_username, s.smtp_password) = (Some("u".into()), Some(SmtpPassword::new(String::new())))),
            "SYMBOLON_SMTP_PASSWORD",
            "one line",
        ),
        (check(|s| s.smtp_ca_file = path()), "smtp_ca_file", "received none"),
        (
            check(|s| {
                (s.smtp_host, s.smtp_security, s.smtp_ca_file) = (Some("localhost".into()), Some(SmtpSecurity::None), path());
            }),
            "smtp_ca_file",
            "none",
        ),
        (check(|s| s.mail_directory = path()), "mail_directory", "mail = \"file\""),
        (check(|s| s.mail = MailKind::Console), "smtp_host", "received mail = \"console\""),
        (check(|s| s.mail = MailKind::Off), "smtp_host", "received mail = \"off\""),
        (
            check(|s| {
                off(s);
                s.smtp_password = password();
            }),
            "SYMBOLON_SMTP_PASSWORD",
            "mail = \"smtp\"",
        ),
    ] {
        let error = result.unwrap_err();
        assert!(error.starts_with(&format!("{key}: ")) && error.contains("expected") && error.contains(words), "{error}");
        assert!(!error.contains(PASSWORD), "{error}");
    }
    let absent = check(|s| s.smtp_ca_file = Some("absent.pem".into())).unwrap_err();
    assert!(absent.starts_with("smtp_ca_file: 'absent.pem'"), "{absent}");
}

#[test]
fn the_password_comes_from_the_variable_or_a_file_of_its_own_and_is_never_shown() {
    use std::os::unix::fs::PermissionsExt;

    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), "from the file \n").unwrap();
    let login = |password: Option<&str>| {
        smtp(|s| {
            s.smtp_username = Some("symbolon".into());
            s.smtp_password = password.map(|text| SmtpPassword::new(text.into()));
            s.smtp_password_file = Some(file.path().into());
        })
    };
    let settings = login(None);
    assert_eq!(settings.login.as_ref().unwrap().1.expose(), "from the file ");
    assert!(format!("{settings:?}").contains("Sensitive(..)") && !format!("{settings:?}").contains("from the file"));
    assert_eq!(login(Some(PASSWORD)).login.unwrap().1.expose(), PASSWORD, "the variable comes first");
    fs::set_permissions(file.path(), fs::Permissions::from_mode(0o604)).unwrap();
    let open = check(|s| (s.smtp_username, s.smtp_password_file) = (Some("u".into()), Some(file.path().into()))).unwrap_err();
    assert!(open.contains("smtp_password_file") && open.contains("0600") && !open.contains("from the file"), "{open}");
}
