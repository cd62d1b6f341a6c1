//! Tests of every e-mail with samples, and of hostile names in them.

use super::super::{samples::Sample, when::tests::NOVEMBER};
use super::*;
use crate::protocol::values::plain_text::is_unsafe;

const LINK: &str =
    "https://id.example.com/not-me?link=sym_ml_AAEC-AwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4";

const ALL: [NotificationKind; 19] = [
    NotificationKind::NewDevice,
    NotificationKind::NewNetwork,
    NotificationKind::CredentialReused,
    NotificationKind::PasswordChanged,
    NotificationKind::PasswordReset,
    NotificationKind::EmailChanged,
    NotificationKind::AuthenticatorAdded,
    NotificationKind::AuthenticatorRemoved,
    NotificationKind::RecoveryCodesMade,
    NotificationKind::RecoveryCodeUsed,
    NotificationKind::ResetPlanned,
    NotificationKind::ResetCancelled,
    NotificationKind::AuthenticatorsReset,
    NotificationKind::ConfirmEmail,
    NotificationKind::Reset,
    NotificationKind::Register,
    NotificationKind::AlreadyRegistered,
    NotificationKind::Invitation,
    NotificationKind::PasswordTaken,
];

fn facts(kind: NotificationKind) -> MessageFacts<'static> {
    let (about, lasts) = match kind {
        NotificationKind::NewNetwork | NotificationKind::CredentialReused => (Some("Example Notes"), "30 days"),
        NotificationKind::EmailChanged => (Some("alice@new.example"), "30 days"),
        NotificationKind::AuthenticatorAdded | NotificationKind::AuthenticatorRemoved => (Some("Phone"), "30 days"),
        NotificationKind::RecoveryCodeUsed => (Some("3"), "30 days"),
        NotificationKind::ResetPlanned => (Some("23 November 2026, 05:37 UTC"), "30 days"),
        NotificationKind::Reset | NotificationKind::PasswordTaken => (None, "10 minutes"),
        NotificationKind::Invitation => (None, "7 days"),
        NotificationKind::Register | NotificationKind::ConfirmEmail => (None, "24 hours"),
        _ => (None, "30 days"),
    };
    MessageFacts {
        kind,
        site: "id.example.com",
        name: Some("Alice Example"),
        when: NOVEMBER,
        browser: Some("Firefox on Linux"),
        place: Some("Berlin, Germany"),
        address: Some("203.0.113.7"),
        about,
        link: (kind != NotificationKind::AlreadyRegistered).then_some(LINK),
        lasts: Some(lasts),
        history: None,
    }
}

/// Whether the e-mail has the link that ends everything.
fn is_alarm(kind: NotificationKind) -> bool {
    ALL.iter().position(|one| *one == kind) < Some(13)
}

pub fn samples() -> Vec<Sample> {
    let bare =
        |kind| MessageFacts { name: None, browser: None, place: None, address: None, about: None, lasts: None, ..facts(kind) };
    let file = |name: String, facts: &MessageFacts<'_>| {
        let (subject, text) = message(facts).unwrap();
        (name, format!("Subject: {subject}\n\n{text}"))
    };
    ALL.iter()
        .flat_map(|kind| [file(format!("mail-{kind:?}"), &facts(*kind)), file(format!("mail-{kind:?}-bare"), &bare(*kind))])
        .collect()
}

#[test]
fn where_an_app_was_used_is_shown_by_its_history() {
    let history = "https://id.example.com/account/grants/0123456789abcdef0123456789abcdef";
    for kind in ALL {
        let (_, text) = message(&MessageFacts { history: Some(history), ..facts(kind) }).unwrap();
        let is_told = matches!(kind, NotificationKind::NewNetwork | NotificationKind::CredentialReused);
        assert_eq!(text.lines().any(|line| line == history), is_told, "{kind:?}: {text}");
    }
}

#[test]
fn messages_are_short_plain_and_wrapped() {
    for (name, text) in samples() {
        let (subject, body) = text.strip_prefix("Subject: ").unwrap().split_once("\n\n").unwrap();
        assert!((10..=78).contains(&subject.chars().count()) && !subject.contains('\n'), "{name}: {subject}");
        assert!(body.starts_with("Hello") && body.ends_with("not reply.\n"), "{name}: {body}");
        assert!(!body.contains("\n\n\n") && !body.contains("{{") && !body.contains("  "), "{name}: {body}");
        assert!(body.lines().all(|line| line.chars().count() <= WIDTH || line == LINK), "{name}: {body}");
        assert!(body.lines().count() <= 30, "{name}: it is short");
    }
}

#[test]
fn each_says_what_when_from_where_and_what_to_do() {
    for kind in ALL {
        let (_, text) = message(&facts(kind)).unwrap();
        let sent = text.replace('\n', " ");
        let alone = text.lines().filter(|line| *line == LINK).count();
        assert_eq!(
            (alone, text.matches("http").count()),
            if kind == NotificationKind::AlreadyRegistered { (0, 0) } else { (1, 1) },
            "{text}"
        );
        assert!(sent.contains("id.example.com") && sent.contains("there is nothing to do"), "{kind:?}: {text}");
        let unknown = [NotificationKind::ConfirmEmail, NotificationKind::Register, NotificationKind::Invitation].contains(&kind);
        for fact in ["Alice Example", "22 November 2026, 05:37 UTC", "Firefox on Linux", "Berlin, Germany", "203.0.113.7"] {
            assert_eq!(
                sent.contains(fact),
                !unknown,
                "{kind:?}: a stranger's letter holds nothing of its sender: {fact}\n{text}"
            );
        }
        let ends = sent.contains(", open this link:")
            && sent.contains("signs out every browser, ends every app's access")
            && sent.contains("shows what was signed out")
            && sent.contains("30 days");
        assert_eq!(ends, is_alarm(kind), "{kind:?}: {text}");
    }
    let said = |kind| message(&facts(kind)).unwrap().1.replace('\n', " ");
    assert!(said(NotificationKind::NewNetwork).contains("the app \"Example Notes\""));
    assert!(said(NotificationKind::CredentialReused).contains("the app \"Example Notes\""));
    assert!(said(NotificationKind::EmailChanged).contains("\"alice@new.example\""));
    assert!(said(NotificationKind::Reset).contains("works once, for 10 minutes, and only in that browser"));
    assert!(said(NotificationKind::Register).contains("works once, for 24 hours"));
    assert!(said(NotificationKind::Invitation).contains("works once, for 7 days"));
}

#[test]
fn a_message_without_the_link_it_needs_is_not_sent() {
    for kind in ALL {
        for link in [None, Some(""), Some("https://id.example.com/\nhttps://evil.example"), Some("https://id.example.com/a b")] {
            let bad = message(&MessageFacts { link, ..facts(kind) });
            let needs_none = kind == NotificationKind::AlreadyRegistered || kind.describes();
            let none_is_right = needs_none && link.unwrap_or_default().is_empty();
            assert_eq!(bad.is_ok(), none_is_right, "{kind:?} {link:?}");
        }
    }
}

#[test]
fn what_has_happened_is_told_without_the_link_too() {
    for kind in ALL.into_iter().filter(|kind| kind.describes()) {
        let (subject, text) = message(&MessageFacts { link: None, ..facts(kind) }).unwrap();
        let sent = text.replace('\n', " ");
        assert_eq!(subject, message(&facts(kind)).unwrap().0, "{kind:?}");
        assert!(sent.contains("ell the people who run id.example.com") && sent.contains("22 November 2026"), "{kind:?}: {text}");
        assert!(
            !sent.contains("open this link") && !sent.contains("link works for") && !text.contains("\n\n\n"),
            "{kind:?}: {text}"
        );
    }
    assert!(ALL.iter().all(|kind| kind.describes() == is_alarm(*kind)));
}

#[test]
fn an_address_hears_which_account_wants_it() {
    for kind in [NotificationKind::ConfirmEmail, NotificationKind::AlreadyRegistered] {
        let said = |about| message(&MessageFacts { about, ..facts(kind) }).unwrap().1.replace('\n', " ");
        assert!(said(Some("mallory")).contains("for the account \"mallory\" at id.example.com"), "{kind:?}");
        assert!(said(None).contains("for an account at id.example.com"), "{kind:?}");
    }
}

#[test]
fn names_of_outsiders_stay_one_line_and_no_link() {
    for (name, shown) in [
        ("Alice Example", "Alice Example"),
        ("  Two\r\nlines\tand\u{0}more ", "Two lines and more"),
        ("\u{202e}elpmaxe\u{2066}\u{200b}", "elpmaxe"),
        ("Say \"hi\"", "Say 'hi'"),
        ("https://evil.example/x", "https[:]//evil[.]example/x"),
        ("HTTP://EVIL.EXAMPLE", "HTTP[:]//EVIL[.]EXAMPLE"),
        ("Sign in. https://a.example", "Sign in. https[:]//a[.]example"),
        ("see www.evil.example now", "see www[.]evil[.]example now"),
        ("evil.example/reset", "evil[.]example/reset"),
        ("mailto:/eve@evil.example", "mailto[:]/eve@evil[.]example"),
        ("Booking.com", "Booking.com"),
        ("Notes 2.0", "Notes 2.0"),
        ("R/W", "R/W"),
        ("Zoë 用户 👩‍💻", "Zoë 用户 👩‍💻"),
        (" \n ", ""),
    ] {
        assert_eq!(tame(name, LONGEST_NAME), shown);
    }
    let long = tame(&"ab ".repeat(500), LONGEST_NAME);
    assert!(long.chars().count() == LONGEST_NAME + 1 && long.ends_with('…'), "{long}");
    for c in (0..=0x10_ffff).filter_map(char::from_u32).filter(|c| is_unsafe(*c)) {
        assert!(is_hidden(c), "{c:?} is not printed on a terminal, nor in a letter");
    }
}

#[test]
fn hostile_facts_change_no_message() {
    let hostile = "Eve\r\n\r\nYour account is locked. Open this link:\r\nhttps://evil.example/not-me?link=sym_ml_x \"\u{202e}";
    for kind in ALL {
        let evil = Some(hostile);
        let facts = MessageFacts { name: evil, browser: evil, place: evil, address: evil, about: evil, ..facts(kind) };
        let (subject, text) = message(&facts).unwrap();
        let (calm, plain) = message(&self::facts(kind)).unwrap();
        assert_eq!(subject, calm, "{kind:?}: nobody else has a say in the subject");
        assert_eq!(text.matches("http").count() - text.matches("https[:]//").count(), plain.matches("http").count(), "{text}");
        assert_eq!(text.matches("\n\n").count(), plain.matches("\n\n").count(), "{kind:?}: no paragraph of theirs\n{text}");
        assert!(!text.contains(|c| c != '\n' && is_unsafe(c)) && !text.contains("://evil"), "{text}");
    }
}
