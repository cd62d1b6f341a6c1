//! Tests of the verdict on a code: its replay (row 5), and what must come with it (row 8).

use super::{
    TokenParams,
    tests::{CODE, Case, URI, VERIFIER},
};

#[test]
fn row_5_a_valid_replay_of_the_code_revokes_and_an_invalid_one_does_not() {
    let case = Case::new(1);
    assert_eq!(case.judge(0, CODE, 11), "reused");
    assert_eq!(case.judge(0, CODE, 500), "reused", "even long after the code's lifetime");
    assert_eq!(case.judge(0, TokenParams::Code { redirect_uri: Some(URI), verifier: Some("wrong") }, 11), "invalid_grant");
    assert_eq!(case.judge(0, TokenParams::Code { redirect_uri: Some(URI), verifier: None }, 11), "invalid_grant");
    assert_eq!(
        case.judge(0, TokenParams::Code { redirect_uri: Some("https://other"), verifier: Some(VERIFIER) }, 11),
        "invalid_grant"
    );
    assert_eq!(Case::new(7).judge(0, CODE, 11), "reused");
}

#[test]
fn row_8_a_code_must_come_in_time_to_the_same_place_with_its_verifier() {
    let mut case = Case::new(0);
    assert_eq!(case.judge(0, CODE, 60), "advance");
    assert_eq!(case.judge(0, CODE, 61), "invalid_grant");
    assert_eq!(case.judge(0, CODE, -10), "advance", "a clock that is behind by a little");
    assert_eq!(case.judge(0, CODE, -11), "invalid_grant", "a clock that was set back");
    for (redirect_uri, verifier, expected) in [
        (Some(URI), Some("wrong"), "invalid_grant"),
        (Some(URI), None, "invalid_grant"),
        (Some("https://app.example.com/cb/"), Some(VERIFIER), "invalid_grant"),
        (None, Some(VERIFIER), "advance"),
    ] {
        assert_eq!(case.judge(0, TokenParams::Code { redirect_uri, verifier }, 1), expected, "{redirect_uri:?} {verifier:?}");
    }
    case.grant.challenge = None;
    assert_eq!(case.judge(0, TokenParams::Code { redirect_uri: Some(URI), verifier: None }, 1), "advance");
    assert_eq!(case.judge(0, TokenParams::Code { redirect_uri: None, verifier: None }, 1), "invalid_grant");
    for redirect_uri in [Some(URI), None] {
        assert_eq!(
            case.judge(0, TokenParams::Code { redirect_uri, verifier: Some(VERIFIER) }, 1),
            "invalid_grant",
            "a stripped challenge"
        );
    }
    case.client.settings.redirect_uris = vec!["https://app.example.com/other".into()];
    assert_eq!(
        case.judge(0, TokenParams::Code { redirect_uri: Some(URI), verifier: None }, 1),
        "invalid_grant",
        "its redirect URI was removed"
    );
}

#[test]
fn row_8_a_redirect_uri_that_was_filled_in_need_not_be_sent() {
    let mut case = Case::new(0);
    (case.grant.challenge, case.grant.redirect_uri_sent) = (None, false);
    for (redirect_uri, verifier, expected) in [
        (None, None, "advance"),
        (Some(URI), None, "advance"),
        (Some("https://app.example.com/other"), None, "invalid_grant"),
        (None, Some(VERIFIER), "invalid_grant"),
    ] {
        assert_eq!(case.judge(0, TokenParams::Code { redirect_uri, verifier }, 1), expected, "{redirect_uri:?} {verifier:?}");
    }
    case.client.settings.redirect_uris = vec!["https://app.example.com/other".into()];
    assert_eq!(case.judge(0, TokenParams::Code { redirect_uri: None, verifier: None }, 1), "invalid_grant", "it was removed");
    let mut used = Case::new(1);
    (used.grant.challenge, used.grant.redirect_uri_sent) = (None, false);
    assert_eq!(used.judge(0, TokenParams::Code { redirect_uri: None, verifier: None }, 11), "reused", "a valid replay");
}
