//! Tests of how the page shows each problem: which field is marked, what describes it, and which field has the focus.

use super::super::markup;
use super::super::password_flaw_samples::FLAWS;
use super::super::samples::{LAYOUT, LONG_EMAIL, Sample, assert_escaped, hostile, sample};
use super::*;

const NONE: RegisterFinishProblems = RegisterFinishProblems { form: None, username: None, display_name: None, password: None };
const FRESH: RegisterFinish<'static> = RegisterFinish {
    layout: LAYOUT,
    client_name: None,
    signed_in: None,
    email: "alice@example.com",
    username: "",
    display_name: "",
    kept: None,
    min_length: 15,
    action: "/register/finish",
    csrf: "form-proof",
    problems: NONE,
};
const TYPED: RegisterFinish<'static> = RegisterFinish { username: "alice", display_name: "Alice Example", ..FRESH };
const TAKEN: RegisterFinishProblems = RegisterFinishProblems { username: Some(UsernameProblem::Taken), ..NONE };
const ALL: RegisterFinishProblems = RegisterFinishProblems {
    form: None,
    username: Some(UsernameProblem::Invalid { limit: 64 }),
    display_name: Some(DisplayNameProblem::Invalid { limit: 100 }),
    password: Some(PasswordFlaw::TooShort { expected: 15, received: 1 }),
};

fn again(problems: RegisterFinishProblems) -> RegisterFinish<'static> {
    RegisterFinish { problems, ..TYPED }
}

pub fn samples() -> Vec<Sample> {
    let expired = RegisterFinishProblems { form: Some(FormProblem::FormExpired), ..NONE };
    let slowed = RegisterFinishProblems { form: Some(FormProblem::SlowedDown { seconds: 1 }), ..NONE };
    let mut all = vec![
        sample("register-finish", &RegisterFinish { client_name: Some("Example Notes"), ..FRESH }),
        sample("register-finish-signed-in", &RegisterFinish { signed_in: Some("bob"), ..FRESH }),
        sample("register-finish-long", &RegisterFinish { email: LONG_EMAIL, ..FRESH }),
        sample("register-finish-taken", &again(TAKEN)),
        sample("register-finish-kept", &RegisterFinish { kept: Some("c2VhbGVk"), ..again(TAKEN) }),
        sample("register-finish-all", &RegisterFinish { problems: ALL, username: "alice @ home", ..TYPED }),
        sample("register-finish-expired", &again(expired)),
        sample("register-finish-slowed", &again(slowed)),
    ];
    for (name, flaw, _) in FLAWS {
        let problems = RegisterFinishProblems { password: Some(flaw), ..NONE };
        all.push(sample(&format!("register-finish-password-{name}"), &again(problems)));
    }
    all
}

#[test]
fn hostile_values_are_escaped() {
    let fields = ["client", "other", "email", "username", "display", "kept", "action", "csrf"];
    let [client, other, email, username, display_name, kept, action, csrf] = fields.map(hostile);
    let page = RegisterFinish {
        layout: LAYOUT,
        client_name: Some(&client),
        signed_in: Some(&other),
        email: &email,
        username: &username,
        display_name: &display_name,
        kept: Some(&kept),
        min_length: 15,
        action: &action,
        csrf: &csrf,
        problems: NONE,
    };
    assert_escaped(&page, &fields);
}

#[test]
fn the_address_cannot_be_changed() {
    let html = FRESH.render().unwrap();
    let tags = markup::tags(&html);
    let names: Vec<_> = tags.iter().filter(|tag| tag.name == "input").filter_map(|tag| tag.get("name")).collect();
    assert_eq!(names, ["csrf", "username", "display_name", "new_password"]);
    assert!(html.contains("alice@example.com"));
}

/// The field with the focus, and the fields marked invalid, each with its description.
fn marked(page: &RegisterFinish<'_>) -> (String, Vec<(String, String)>) {
    let html = page.render().unwrap();
    let tags = markup::tags(&html);
    let focused = tags.iter().find(|tag| tag.get("autofocus").is_some()).unwrap();
    let invalid = tags.iter().filter(|tag| tag.get("aria-invalid").is_some());
    let described = invalid.map(|tag| (tag.get("name").unwrap().to_owned(), tag.get("aria-describedby").unwrap().to_owned()));
    (focused.get("name").unwrap().to_owned(), described.collect())
}

#[test]
fn each_field_points_at_what_is_wrong_with_it() {
    let owned = |(name, described): (&str, &str)| (name.to_owned(), described.to_owned());
    let username = ("username", "username-rules username-problem");
    let display = ("display_name", "display-name-rules display-name-problem");
    let password = ("new_password", "password-rules password-problem");
    for (problems, focused, described) in [
        (NONE, "new_password", vec![]),
        (TAKEN, "username", vec![username]),
        (RegisterFinishProblems { username: None, ..ALL }, "display_name", vec![display, password]),
        (RegisterFinishProblems { password: ALL.password, ..NONE }, "new_password", vec![password]),
        (ALL, "username", vec![username, display, password]),
    ] {
        let expected = (focused.to_owned(), described.into_iter().map(owned).collect());
        assert_eq!(marked(&again(problems)), expected, "{problems:?}");
    }
    assert_eq!(marked(&FRESH).0, "username");
}

#[test]
fn what_was_typed_is_kept_and_the_password_is_sealed() {
    let page = RegisterFinish { kept: Some("sealed-text"), ..again(TAKEN) };
    let html = page.render().unwrap();
    let tags = markup::tags(&html);
    let value = |name| tags.iter().find(|tag| tag.get("name") == Some(name)).unwrap().get("value");
    assert_eq!((value("username"), value("display_name"), value("new_password")), (Some("alice"), Some("Alice Example"), None));
    assert_eq!(value("kept_new_password"), Some("sealed-text"));
    let field = tags.iter().find(|tag| tag.get("name") == Some("new_password")).unwrap();
    assert!(field.get("required").is_none() && html.contains("What you entered is kept"));
    assert_eq!(field.get("aria-describedby"), Some("password-rules new_password-kept"));
    assert!(html.contains("<title>Error: Create your account"));
}

#[test]
fn a_flaw_is_told_in_its_own_words() {
    for (name, flaw, words) in FLAWS {
        let html = again(RegisterFinishProblems { password: Some(flaw), ..NONE }).render().unwrap();
        assert!(html.contains(words), "{name}");
        for (other, _, words) in FLAWS.iter().filter(|(other, ..)| *other != name) {
            assert!(!html.contains(words), "{name} has the words of {other}");
        }
    }
    let one = again(ALL).render().unwrap();
    assert!(one.contains("It has 1 character, but"), "one is not plural");
}
