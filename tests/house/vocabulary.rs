//! The rule that the words of the code are those of the specifications and the field: no name in `src` contains a private word
//! for which there is such a term. The list in `CONTRIBUTING.md` ("Words that we do not use") is the same as the one here.

use std::collections::BTreeSet;

use super::source::{read, sources, tokens};

/// (words that we do not use, what to write instead).
const BANNED: [(&[&str], &str); 22] = [
    (&["story", "stories"], "handler, handle, request"),
    (&["hop", "hops"], "run_blocking, blocking call"),
    (&["lane", "lanes"], "priority"),
    (&["happening", "happenings"], "grant event, audit event"),
    (&["moment", "moments"], "history entry, time, instant"),
    (&["means"], "parameters, credential, method"),
    (&["standing"], "account status"),
    (&["told"], "notified, reported, said"),
    (&["asked"], "requested"),
    (&["looked"], "lookup, found, checked"),
    (&["visit", "visits"], "page request"),
    (&["turn", "turns"], "slot, queue, permit"),
    (&["door", "doors"], "link page, endpoint, entry"),
    (&["walk", "walks"], "sweep, traverse, iterate"),
    (&["onward"], "redirect"),
    (&["leaves", "leaving"], "purge, remove, delete"),
    (&["letter", "letters"], "e-mail, message, notification; character for one of an alphabet"),
    (&["dead"], "revoked, expired, inactive"),
    (&["lives"], "active, valid, kept"),
    (&["stranger", "strangers"], "unknown browser, unknown caller"),
    (&["former"], "old, previous"),
    (&["person", "persons", "people"], "user"),
];

/// (file or folder, name, why it may).
const EXCEPTIONS: [(&str, &str, &str); 16] = [
    ("src/passwords.rs", "lanes", "argon2's own word for its parallelism (RFC 9106 §3.1)"),
    ("src/passwords/formats.rs", "lanes", "as src/passwords.rs"),
    ("src/passwords/formats.rs", "MAX_LANES", "as src/passwords.rs"),
    ("src/store/", "walk_ast", "a method of Diesel's trait QueryFragment"),
    ("src/config/", "visit_bool", "a method of serde's trait Visitor"),
    ("src/config/", "visit_enum", "as visit_bool"),
    ("src/config/", "visit_f64", "as visit_bool"),
    ("src/config/", "visit_i64", "as visit_bool"),
    ("src/config/", "visit_map", "as visit_bool"),
    ("src/config/", "visit_seq", "as visit_bool"),
    ("src/config/", "visit_some", "as visit_bool"),
    ("src/config/", "visit_str", "as visit_bool"),
    ("src/config/", "visit_string", "as visit_bool"),
    ("src/config/", "visit_u64", "as visit_bool"),
    ("src/operations/presets.rs", "dead_code", "the name of a lint"),
    ("src/passwords/rules.rs", "no_letter_is_left", "letters of the alphabet"),
];

/// The words of a name: `Ab` and `c` of `AbC`, `a` and `b` of `a_b`, in lower case.
fn words(name: &str) -> Vec<String> {
    let mut found = vec![String::new()];
    let letters: Vec<char> = name.chars().collect();
    for (at, letter) in letters.iter().enumerate() {
        let follows_lower = at > 0 && letters[at - 1].is_lowercase();
        let before_lower = letters.get(at + 1).is_some_and(|next| next.is_lowercase());
        if *letter == '_' || letter.is_uppercase() && (follows_lower || before_lower) {
            found.push(String::new());
        }
        if *letter != '_' {
            found.last_mut().unwrap().extend(letter.to_lowercase());
        }
    }
    found.retain(|word| !word.is_empty());
    found
}

/// The first banned word in a name, and what to write instead.
fn banned(name: &str) -> Option<(String, &'static str)> {
    let is_banned = |word: &String| BANNED.iter().find(|(banned, _)| banned.contains(&word.as_str())).map(|found| found.1);
    words(name).into_iter().find_map(|word| is_banned(&word).map(|instead| (word, instead)))
}

fn may(path: &str, name: &str) -> bool {
    EXCEPTIONS.iter().any(|(place, excepted, _)| path.starts_with(place) && name == *excepted)
}

#[test]
fn no_name_is_made_of_a_private_word() {
    let mut wrong = Vec::new();
    for source in sources(&["src"]).into_iter().filter(|source| !source.shipped.is_empty()) {
        let code: BTreeSet<&str> = tokens(&source.shipped).into_iter().collect();
        for name in code.into_iter().chain(source.module.iter().map(String::as_str)) {
            if let Some((word, instead)) = banned(name)
                && !may(&source.path, name)
            {
                wrong.push(format!("{}: '{name}': write {instead} for '{word}'", source.path));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn each_exception_is_needed() {
    let shipped = sources(&["src"]);
    let needless = EXCEPTIONS.iter().filter(|(place, name, _)| {
        !shipped.iter().any(|source| source.path.starts_with(place) && tokens(&source.shipped).contains(name))
    });
    let needless: Vec<_> = needless.map(|(place, name, _)| format!("{place}: {name}")).collect();
    assert!(needless.is_empty(), "take these exceptions out: {needless:?}");
}

#[test]
fn the_list_for_contributors_is_the_same() {
    let text = read("CONTRIBUTING.md");
    let list = text.split("### Words that we do not use").nth(1).expect("CONTRIBUTING.md: the list of words is missing");
    let list: Vec<_> = list.split("\n#").next().unwrap_or_default().split(|c: char| !c.is_alphabetic()).collect();
    let missing: Vec<_> = BANNED.iter().filter_map(|(words, _)| words.first()).filter(|word| !list.contains(*word)).collect();
    assert!(missing.is_empty(), "CONTRIBUTING.md lacks {missing:?}");
}

#[test]
fn names_are_taken_apart() {
    assert_eq!(words("MAX_LANES"), ["max", "lanes"]);
    assert_eq!(words("HTTPLaneOf_two"), ["http", "lane", "of", "two"]);
    assert_eq!(words("planes"), ["planes"]);
    assert_eq!(banned("HopOfLane").map(|found| found.0), Some("hop".to_owned()));
    assert_eq!(banned("explained_alive"), None);
}
