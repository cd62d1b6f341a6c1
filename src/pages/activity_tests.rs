//! Tests of the activity page in every state, and of the sentence for every kind.

use super::super::account_frame::tests::{ALICE, BERN, LATER, LONG, NOW, RIGHT_TO_LEFT, assert_framed};
use super::super::markup;
use super::super::samples::{LAYOUT, Sample, assert_escaped, hostile, sample};
use super::*;

const ALL: [Activity; 36] = [
    Activity::Registered,
    Activity::Added,
    Activity::SignedIn,
    Activity::SignedInAnew,
    Activity::SignInFailed,
    Activity::SignedOut,
    Activity::SignedOutByApp,
    Activity::SessionEnded,
    Activity::AppAllowed,
    Activity::AppAllowedByOperator,
    Activity::AppEnded,
    Activity::CredentialReused,
    Activity::NewNetwork,
    Activity::EverythingEnded,
    Activity::NotMe,
    Activity::PasswordChanged,
    Activity::ResetRequested,
    Activity::PasswordReset,
    Activity::EmailChangeRequested,
    Activity::EmailChanged,
    Activity::EmailVerified,
    Activity::EmailUnverified,
    Activity::DetailsChanged,
    Activity::SignInAgain,
    Activity::Disabled,
    Activity::Enabled,
    Activity::LinksEnded,
    Activity::Exported,
    Activity::AuthenticatorAdded,
    Activity::AuthenticatorRemoved,
    Activity::RecoveryCodesMade,
    Activity::RecoveryCodeUsed,
    Activity::ResetPlanned,
    Activity::ResetCancelled,
    Activity::AuthenticatorsReset,
    Activity::PasskeyCounterFell,
];

const ENTRY: ActivityEntry<'static> = ActivityEntry {
    kind: Activity::SignedIn,
    iso: NOW.iso,
    clock: "05:37 UTC",
    origin: BERN,
    about: None,
    grant: None,
    count: 1,
};
const PAGE: ActivityPage<'static> = ActivityPage {
    layout: LAYOUT,
    owner: ALICE,
    days: &[],
    older: None,
    newest: None,
    not_me: Form { action: "/account/not-me", csrf: "form-proof" },
    effect: NotMeEffect::ResetByMail,
    reset: None,
    is_reset_cancelled: false,
    problem: None,
};
const CANCEL: Form<'static> = Form { action: "/account/cancel-reset", csrf: "form-proof" };

fn entry(kind: Activity) -> ActivityEntry<'static> {
    let entry = ActivityEntry { kind, ..ENTRY };
    ActivityEntry { about: entry.names_its_app().then_some("Example Notes"), ..entry }
}

pub fn samples() -> Vec<Sample> {
    let today = [
        entry(Activity::SignedIn),
        ActivityEntry { count: 12, ..entry(Activity::SignInFailed) },
        entry(Activity::CredentialReused),
        entry(Activity::AppAllowed),
    ];
    let before = [
        entry(Activity::SignedInAnew),
        ActivityEntry { about: Some("alice@example.org"), ..entry(Activity::EmailChanged) },
        ActivityEntry { origin: ShownOrigin::default(), about: Some("By an operator"), ..entry(Activity::PasswordReset) },
        entry(Activity::Registered),
    ];
    let days = [
        ActivityDay { name: "Sunday, 22 November 2026", entries: &today },
        ActivityDay { name: "Friday, 2 October 2026", entries: &before },
    ];
    let (older, newest) = (Some("/account/activity?before=1764000000000"), Some("/account/activity"));
    let page = ActivityPage { days: &days, older, ..PAGE };

    let all = ALL.map(entry);
    let long =
        ShownOrigin { program: Some(LONG), place: Some(RIGHT_TO_LEFT), address: Some("2001:db8:1234:5678:9abc:def0:1234:5678") };
    let unbroken = "x".repeat(120);
    let strained = [
        ActivityEntry { about: Some(&unbroken), origin: long, ..entry(Activity::AppAllowed) },
        ActivityEntry { about: Some(RIGHT_TO_LEFT), origin: long, count: 4000, ..entry(Activity::NewNetwork) },
        ActivityEntry { about: Some(LONG), ..entry(Activity::SessionEnded) },
    ];
    vec![
        sample("activity", &page),
        sample("activity-without-mail", &ActivityPage { effect: NotMeEffect::ChangePassword, ..page }),
        sample("activity-every-kind", &ActivityPage { days: &[ActivityDay { entries: &all, ..days[0] }], newest, ..page }),
        sample("activity-strained", &ActivityPage { days: &[ActivityDay { entries: &strained, ..days[0] }], ..PAGE }),
        sample("activity-empty", &PAGE),
        sample("activity-end", &ActivityPage { newest, ..PAGE }),
        sample("activity-reset-planned", &ActivityPage { reset: Some((LATER, CANCEL)), days: &days, ..PAGE }),
        sample("activity-reset-cancelled", &ActivityPage { is_reset_cancelled: true, days: &days, ..PAGE }),
        sample("activity-expired", &ActivityPage { problem: Some(ActivityProblem::FormExpired), days: &days, ..PAGE }),
    ]
}

#[test]
fn hostile_values_are_escaped() {
    let fields =
        ["owner", "username", "day", "clock", "program", "place", "address", "about", "older", "newest", "action", "csrf"];
    let [owner, username, day, clock, program, place, address, about, older, newest, action, csrf] = fields.map(hostile);
    let origin = ShownOrigin { program: Some(&program), place: Some(&place), address: Some(&address) };
    for kind in [Activity::AppAllowed, Activity::EmailChanged] {
        let entries = [ActivityEntry { kind, clock: &clock, origin, about: Some(&about), ..ENTRY }];
        let page = ActivityPage {
            owner: Owner { name: &owner, username: &username },
            days: &[ActivityDay { name: &day, entries: &entries }],
            older: Some(&older),
            newest: Some(&newest),
            not_me: Form { action: &action, csrf: &csrf },
            ..PAGE
        };
        assert_escaped(&page, &fields);
    }
}

#[test]
fn it_is_a_page_of_the_account() {
    assert_framed(&PAGE, "/account/activity");
}

/// The page with this entry only.
fn only(entry: ActivityEntry<'_>) -> String {
    ActivityPage { days: &[ActivityDay { name: "Today", entries: &[entry] }], ..PAGE }.render().unwrap()
}

#[test]
fn each_kind_has_a_sentence_of_its_own() {
    let sentence = |kind| only(entry(kind)).split_once("<h3>").unwrap().1.split_once("</h3>").unwrap().0.to_owned();
    let sentences: Vec<_> = ALL.map(sentence).to_vec();
    for (index, sentence) in sentences.iter().enumerate() {
        assert!(sentence.len() > 10, "{sentence}");
        assert!(!sentences[..index].contains(sentence), "{sentence}");
    }
}

#[test]
fn what_is_unusual_says_so_in_words() {
    for kind in ALL {
        let html = only(entry(kind));
        assert_eq!(html.contains(">Unusual<"), entry(kind).is_unusual(), "{kind:?}");
    }
    assert!(ALL.into_iter().any(|kind| entry(kind).is_unusual()) && !entry(Activity::SignedIn).is_unusual());
}

#[test]
fn several_are_counted() {
    let failed = |count| only(ActivityEntry { count, ..entry(Activity::SignInFailed) });
    assert!(failed(1).contains("1 attempt to sign in failed") && failed(12).contains("12 attempts to sign in failed"));
    assert!(!failed(12).contains("12 times"));
    assert!(only(ActivityEntry { count: 3, ..entry(Activity::NewNetwork) }).contains("network, 3 times"));
}

#[test]
fn what_it_was_about_is_told_once() {
    for kind in ALL {
        let html = only(ActivityEntry { about: Some("About This"), ..entry(kind) });
        assert_eq!(html.matches("About This").count(), 1, "{kind:?}");
    }
    assert!(only(ActivityEntry { about: None, ..entry(Activity::AppAllowed) }).contains("an app"));
}

#[test]
fn not_me_says_what_it_does() {
    for (effect, words) in [
        (NotMeEffect::ResetByMail, "your password stops working"),
        (NotMeEffect::ChangePassword, "every other browser is signed out"),
    ] {
        let html = ActivityPage { effect, ..PAGE }.render().unwrap();
        assert!(html.contains(words), "{words}");
        let tags = markup::tags(&html);
        let forms: Vec<_> = tags.iter().filter(|tag| tag.name == "form").filter_map(|tag| tag.get("action")).collect();
        assert_eq!(forms, ["/account/not-me"]);
    }
}
