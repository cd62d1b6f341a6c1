//! Tests: which new passwords are accepted, and which are easily guessed.

use super::*;

/// The context of a user, known to others.
const ALICE: [&str; 3] = ["alice", "a.liddell@example.org", "Alice Pleasance Liddell"];

fn rules(min_length: usize) -> Rules {
    Rules {
        min_length,
        min_length_with_second_factor: 8,
        breached: None,
        own_names: vec![PRODUCT.into(), "login.example.com:8443".into()],
    }
}

fn check(password: &str) -> Result<(), PasswordFlaw> {
    rules(15).check(password, &ALICE)
}

#[test]
fn any_characters_will_do() {
    for good in [
        "through the looking glass",
        "correct horse battery staple",
        "kx7#Vq!m2Zp0wLd",
        "fünfzehn Zeichen",
        "пятнадцать букв и пробелы",
        "雨ニモマケズ風ニモマケズ雪ニモ夏ノ",
        "🦊🐢🦔🐝🦋🐌🐞🐙🦑🦐🦀🐡🐠🐟🐬",
        "    a tail of spaces    ",
        "sunshine elephant computer football", // each of these words is common
        "alice through the looking glass",     // a name inside a long password
        "tab\tis no line break",
        "Rx 4821 9075 3316 ok",
    ] {
        assert_eq!(check(good), Ok(()), "{good}");
    }
    assert_eq!(check(&"through the looking glass ".repeat(39)), Ok(()), "1014 bytes; the unit is long enough by itself");
}

#[test]
fn length_is_counted_in_characters_however_they_are_composed() {
    assert_eq!(rules(8).check("1234567", &[]), Err(PasswordFlaw::TooShort { expected: 8, received: 7 }));
    assert_eq!(check("fourteen chars"), Err(PasswordFlaw::TooShort { expected: 15, received: 14 }));
    assert_eq!(check("fifteen letters"), Ok(()));
    let (composed, decomposed) = ("ÀÉÎÕÜàéîõüÁÈÌÓ", "ÀÉÎÕÜàéîõüÁÈÌÓ".nfd().collect::<String>());
    assert_eq!(decomposed.chars().count(), 28);
    for password in [composed, &decomposed] {
        assert_eq!(check(password), Err(PasswordFlaw::TooShort { expected: 15, received: 14 }));
    }
    let message = |n: u32| char::from(b'A' + u8::try_from(n.wrapping_mul(2_654_435_761) >> 27).unwrap());
    let long: String = (0..1025).map(message).collect();
    assert_eq!(rules(64).check(&long[..64], &[]), Ok(()));
    assert_eq!(check(&long), Err(PasswordFlaw::TooLong { expected: 1024, received: 1025 }));
    for bad in ["with a\nbreak in the middle", "with a\rbreak in the middle", "with a\0 in the middle"] {
        assert_eq!(check(bad), Err(PasswordFlaw::NotOneLine));
    }
}

#[test]
fn repetitions_and_sequences_are_refused() {
    for bad in [
        "abcabcabcabcabc",
        "hunter2hunter2hunter2hunt",
        "passwordpassword",
        "aaaaaaaaaaaaaaaa",
        "xyxxyyxyxxxyyyxy",
        "123456789012345",
        "abcdefghijklmnop",
        "ZYXWVUTSRQPONMLK",
        "qwertyuiopasdfghjkl",
        "qwertzuiopyxcvbnm",
        "azertyuiopqsdfgh",
        "qwerty1234567890",
        "aabbccddeeffgghhii",
        "абвгдежзийклмноп",
        "                    ",
    ] {
        assert_eq!(check(bad), Err(PasswordFlaw::Repetitive), "{bad}");
    }
}

#[test]
fn the_most_used_are_refused_whatever_stands_around_them() {
    for bad in [
        "password1234567",
        "Password!!!!2024",
        "2024iloveyou 24",
        "1Qaz2Wsx3Edc4Rfv",
        "friend of emily",
        "!!!TRUSTNO1 123!",
        "sunshine #1 2024",
    ] {
        assert_eq!(check(bad), Err(PasswordFlaw::Common), "{bad}");
    }
    assert_eq!(rules(8).check("P@ssw0rd", &[]), Err(PasswordFlaw::Common));
    assert_eq!(check("iloveyou so much my dear"), Ok(()), "words around it are not digits and marks");
    assert_eq!(check("iloveyou 8372 9015"), Ok(()), "more around it than it has itself");
}

#[test]
fn names_are_refused_where_they_are_most_of_it() {
    for bad in [
        "aliceliddell123",
        "Alice Pleasance!",
        "LiddellLiddell1865",
        "a.liddell a.liddell",
        "Pleasance, Alice L.",
        "alice 83-72-90-15 36",
        "symbolon symbol",
        "login.example.com",
        "Example-Login-Pass",
        "83720 Symbolon 19",
    ] {
        assert_eq!(check(bad), Err(PasswordFlaw::Contextual), "{bad}");
    }
    for good in ["malice in wonderland", "the chalice of gold", "8443 paper lanterns"] {
        assert_eq!(check(good), Ok(()), "{good}");
    }
    assert_eq!(rules(15).check("émile zola 1840 x", &["E\u{301}MILE", "", "Émile Zola"]), Err(PasswordFlaw::Contextual));
    assert_eq!(rules(15).check("bo bo 4 bo 7 bo", &["bo"]), Ok(()), "two letters are no name");
}

#[test]
fn a_breached_one_is_refused() {
    // The SHA-1 of "mock turtle soup" and "fünfzehn Zeichen", in UTF-8, by sha1sum.
    let lines = "0DD5C77E038DC1C652EFE8BB1FEA71E59990CECC:2\r\nB56553E24C9BC20963E4150A8347D32E9B45A0D1:17\r\n";
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), lines).unwrap();
    let rules = Rules { breached: Some(BreachedFile::open(file.path()).unwrap()), ..rules(15) };
    let decomposed: String = "fünfzehn Zeichen".nfd().collect();
    for bad in ["mock turtle soup", "fünfzehn Zeichen", &decomposed] {
        assert_eq!(rules.check(bad, &ALICE), Err(PasswordFlaw::Breached), "{bad}");
        assert_eq!(check(bad), Ok(()), "{bad}");
    }
    assert_eq!(rules.check("Mock turtle soup", &ALICE), Ok(()), "as it is written");
    std::fs::write(file.path(), "").unwrap();
    assert_eq!(rules.check("mock turtle soup", &ALICE), Ok(()), "a list that is gone stops nobody, and is told in the log");
}

#[test]
fn the_list_is_as_the_search_needs_it() {
    let lines: Vec<_> = MOST_USED.lines().collect();
    assert!(lines.len() > 8000 && lines.windows(2).all(|two| two[0] < two[1]));
    for line in lines {
        assert!(
            (8..=LONGEST_USED).contains(&line.len()) && line.is_ascii() && line == line.to_lowercase() && is_most_used(line),
            "{line}"
        );
    }
    for absent in ["", "0", "zzzzzzzzzzzzzzzzzzz", "password ", "passwor", "\n", "password\npassword1"] {
        assert!(!is_most_used(absent), "{absent:?}");
    }
}

#[test]
fn a_flaw_tells_what_is_expected_and_nothing_of_the_password() {
    assert_eq!(check("tulip").unwrap_err().to_string(), "password: expected at least 15 characters, received 5");
    for bad in ["tulip", "tulip\n", "abcabcabcabcabc", "password1234567", "aliceliddell123", &"tulip".repeat(300)] {
        let flaw = check(bad).unwrap_err();
        let shown = format!("{flaw} {flaw:?}");
        assert!(
            shown.starts_with("password: expected ")
                && !["tulip", "abc", "1234", "liddell"].iter().any(|part| shown.contains(part))
        );
    }
}

#[test]
fn beside_a_second_factor_a_shorter_one_will_do() {
    let rules = rules(15);
    let shorter = rules.beside_second_factor();
    assert_eq!((rules.min_length(), shorter.min_length()), (15, 8));
    assert!(rules.check("vesper-44", &[]).is_err() && shorter.check("vesper-44", &[]).is_ok());
    assert!(shorter.check("vesper4", &[]).is_err() && !rules.is_long_enough("vesper-44"));
}
