//! Tests of the next step of a valid request, by each parameter.

use super::*;
use crate::protocol::{
    oauth::{
        client::{ClientKind, tests::client},
        required_class::RequiredBy,
        resource::KnownScopes,
        scope::ScopeClaims,
    },
    values::params::Params,
};

const ALICE: [u8; 16] = [1; 16];

fn request(extra: &str) -> AuthorizationRequest {
    let query = format!(
        "client_id=app&redirect_uri=https://app.example.com/cb&response_type=code&scope=openid+email&code_challenge={}&code_challenge_method=S256&{extra}",
        "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    );
    let known = KnownScopes { of_users: &ScopeClaims::default(), apis: &[] };
    AuthorizationRequest::parse(&Params::parse(&query), &client(ClientKind::Spa), &known).unwrap()
}

fn facts<'a>() -> Facts<'a> {
    Facts {
        signed_in: Some(SignedIn {
            user: Id::from(ALICE),
            auth_time: Timestamp::from_millis(1_000_000),
            class: Some(Class::Password),
        }),
        sign_in_requested: None,
        consent_given: false,
        by_operator: false,
        account_chosen: false,
        remembered: None,
        expected: Expected::Anyone,
        max_auth_age: None,
        strength: Strength::Enough,
        is_enrolment_postponed: false,
        now: Timestamp::from_millis(1_060_000),
    }
}

fn allowed(scopes: &str) -> Allowed {
    let audiences = client(ClientKind::Spa).settings.audiences;
    Allowed { scopes: Scopes::parse(scopes).unwrap(), audiences }
}

fn code(step: Step) -> &'static str {
    match step {
        Step::SignIn => "sign in",
        Step::Register => "register",
        Step::SelectAccount => "select account",
        Step::AnotherFactor => "step up",
        Step::Enrol => "enrol",
        Step::Consent => "consent",
        Step::Allow => "allow",
        Step::Issue => "issue",
        Step::Refuse(error) => error.code.as_str(),
    }
}

#[test]
fn without_prompt_each_step_comes_when_needed() {
    let all = allowed("openid email profile");
    let some = allowed("openid");
    assert_eq!(code(next_step(&request(""), &Facts { signed_in: None, ..facts() })), "sign in");
    assert_eq!(code(next_step(&request(""), &facts())), "consent");
    assert_eq!(code(next_step(&request(""), &Facts { remembered: Some(&some), ..facts() })), "consent");
    assert_eq!(code(next_step(&request(""), &Facts { remembered: Some(&all), ..facts() })), "issue");
    assert_eq!(code(next_step(&request(""), &Facts { consent_given: true, ..facts() })), "issue");
}

#[test]
fn another_resource_asks_again() {
    let mut one = allowed("openid email");
    one.audiences.truncate(1);
    assert_eq!(
        code(next_step(&request("resource=https://api.example.com"), &Facts { remembered: Some(&one), ..facts() })),
        "issue"
    );
    let spelled = request("resource=HTTPS://api.example.com:443/");
    assert_eq!(code(next_step(&spelled, &Facts { remembered: Some(&one), ..facts() })), "issue", "the same API");
    let both = request("resource=https://api.example.com&resource=https://files.example.com");
    assert_eq!(code(next_step(&both, &Facts { remembered: Some(&one), ..facts() })), "consent");
    let before = Allowed { audiences: vec!["https://api.example.com/".into()], ..one.clone() };
    assert_eq!(code(next_step(&spelled, &Facts { remembered: Some(&before), ..facts() })), "issue", "given before");
    assert_eq!(one.and(&allowed("profile")), allowed("openid email profile"));
}

#[test]
fn prompt_none_never_shows_a_page() {
    let all = allowed("openid email");
    let none = request("prompt=none");
    assert_eq!(code(next_step(&none, &Facts { signed_in: None, ..facts() })), "login_required");
    assert_eq!(code(next_step(&none, &facts())), "consent_required");
    assert_eq!(code(next_step(&none, &Facts { remembered: Some(&all), ..facts() })), "issue");
    let old = request("prompt=none&max_age=59");
    assert_eq!(code(next_step(&old, &Facts { remembered: Some(&all), ..facts() })), "login_required");
    let other = Facts { remembered: Some(&all), expected: Expected::User(Id::from([2; 16])), ..facts() };
    assert_eq!(code(next_step(&none, &other)), "login_required");
}

#[test]
fn max_auth_age_of_a_client_asks_for_a_sign_in() {
    let all = allowed("openid email");
    let with = |seconds: u32| Facts { remembered: Some(&all), max_auth_age: Some(Span::from_seconds(seconds)), ..facts() };
    assert_eq!(code(next_step(&request(""), &with(61))), "issue", "signed in a minute ago");
    assert_eq!(code(next_step(&request(""), &with(60))), "sign in");
    assert_eq!(code(next_step(&request("prompt=none"), &with(60))), "login_required");
}

#[test]
fn prompt_login_and_max_age_ask_once_and_are_then_content() {
    let all = allowed("openid email");
    let base = Facts { remembered: Some(&all), ..facts() };
    for extra in ["prompt=login", "max_age=59", "max_age=0"] {
        assert_eq!(code(next_step(&request(extra), &base)), "sign in", "{extra}");
        let requested_before = Facts { sign_in_requested: Some(Timestamp::from_millis(1_000_000)), ..base };
        assert_eq!(code(next_step(&request(extra), &requested_before)), "issue", "{extra}");
        let requested_after = Facts { sign_in_requested: Some(Timestamp::from_millis(1_000_001)), ..base };
        assert_eq!(code(next_step(&request(extra), &requested_after)), "sign in", "{extra}");
    }
    assert_eq!(code(next_step(&request("max_age=60"), &base)), "issue");
}

#[test]
fn a_sign_in_from_the_future_is_not_a_recent_one() {
    let all = allowed("openid email");
    // The clock was set back by an hour since the sign-in, and this request requires a fresh one.
    let signed_in = facts().signed_in.map(|one| SignedIn { auth_time: Timestamp::from_millis(1_060_000 + 3_600_000), ..one });
    let base = Facts { remembered: Some(&all), signed_in, sign_in_requested: Some(facts().now), ..facts() };
    for extra in ["prompt=login", "max_age=0", "max_age=86400"] {
        assert_eq!(code(next_step(&request(extra), &base)), "sign in", "{extra}");
    }
    assert_eq!(code(next_step(&request("prompt=create"), &base)), "register");
    assert_eq!(code(next_step(&request("prompt=none&max_age=86400"), &base)), "login_required");
    let max_auth_age = Facts { max_auth_age: Some(Span::from_seconds(86_400)), ..base };
    assert_eq!(code(next_step(&request(""), &max_auth_age)), "sign in");
    // Another server's clock is a little ahead.
    let signed_in = facts().signed_in.map(|one| SignedIn { auth_time: Timestamp::from_millis(1_070_000), ..one });
    for extra in ["prompt=login", "max_age=0", "max_age=86400"] {
        assert_eq!(code(next_step(&request(extra), &Facts { signed_in, ..base })), "issue", "{extra}");
    }
}

#[test]
fn prompt_consent_asks_although_it_was_given_before() {
    let all = allowed("openid email");
    assert_eq!(code(next_step(&request("prompt=consent"), &Facts { remembered: Some(&all), ..facts() })), "consent");
    assert_eq!(code(next_step(&request("prompt=consent"), &Facts { consent_given: true, ..facts() })), "issue");
}

#[test]
fn a_hint_for_someone_else_leads_to_sign_in() {
    let other = Facts { expected: Expected::User(Id::from([2; 16])), consent_given: true, ..facts() };
    assert_eq!(code(next_step(&request(""), &other)), "sign in");
    let requested = Facts { sign_in_requested: Some(Timestamp::from_millis(1_000_000)), ..other };
    assert_eq!(code(next_step(&request(""), &requested)), "login_required", "and once only");
    let same = Facts { expected: Expected::User(Id::from(ALICE)), consent_given: true, ..facts() };
    assert_eq!(code(next_step(&request(""), &same)), "issue");
}

#[test]
fn an_account_is_chosen_once_or_by_signing_in() {
    let all = allowed("openid email");
    let base = Facts { remembered: Some(&all), ..facts() };
    let chooses = request("prompt=select_account");
    assert_eq!(code(next_step(&chooses, &Facts { signed_in: None, ..base })), "sign in");
    assert_eq!(code(next_step(&chooses, &base)), "select account");
    assert_eq!(code(next_step(&chooses, &Facts { account_chosen: true, ..base })), "issue");
    let signed_in_for_it = Facts { sign_in_requested: Some(Timestamp::from_millis(1_000_000)), ..base };
    assert_eq!(code(next_step(&chooses, &signed_in_for_it)), "issue");
    assert_eq!(code(next_step(&request("prompt=select_account+login"), &Facts { account_chosen: true, ..base })), "sign in");
}

#[test]
fn who_is_expected_must_be_who_is_signed_in() {
    let [alice, bob] = [Expected::User(Id::from(ALICE)), Expected::User(Id::from([2; 16]))];
    assert_eq!((alice.and(Expected::Anyone), Expected::Anyone.and(bob), alice.and(alice)), (alice, bob, alice));
    assert_eq!(alice.and(bob), Expected::NoOne);
    let nobody = Facts { expected: Expected::NoOne, consent_given: true, ..facts() };
    assert_eq!(code(next_step(&request(""), &nobody)), "sign in");
    assert_eq!(code(next_step(&request("prompt=none"), &nobody)), "login_required");
}

#[test]
fn an_essential_acr_that_cannot_be_met_is_an_error_at_once() {
    let all = allowed("openid email");
    let base = Facts { remembered: Some(&all), ..facts() };
    let wants = |acr: &str| request(&format!("claims={{\"id_token\":{{\"acr\":{{\"essential\":true,\"value\":\"{acr}\"}}}}}}"));
    assert_eq!(code(next_step(&wants("other"), &Facts { signed_in: None, ..base })), "unmet_authentication_requirements");
    assert_eq!(code(next_step(&wants(Class::Password.as_str()), &base)), "issue");
}

#[test]
fn a_sign_in_that_is_too_weak_leads_to_what_helps_or_to_an_error() {
    let all = allowed("openid email");
    let base = Facts { remembered: Some(&all), ..facts() };
    let step = |query: &str, strength| code(next_step(&request(query), &Facts { strength, ..base }));
    let unmet = "unmet_authentication_requirements";
    let [optional, needed] = [true, false].map(|is_optional| Strength::StepUp { class: Class::TwoFactors, is_optional });
    let enrol = |from| Strength::Enrol { class: Class::TwoFactors, by: RequiredBy::App, from };
    let later = enrol(Some(Timestamp::from_millis(2_000_000)));
    let cases = [
        (optional, "step up", "issue"),
        (needed, "step up", unmet),
        (enrol(None), "enrol", unmet),
        (later, "enrol", "issue"),
        (Strength::Unreachable, unmet, unmet),
    ];
    for (strength, shown, silent) in cases {
        assert_eq!((step("", strength), step("prompt=none", strength)), (shown, silent), "{strength:?}");
        assert_eq!(step("prompt=login", strength), "sign in", "first of all: {strength:?}");
        assert_eq!(step("max_age=0", strength), "sign in", "first of all: {strength:?}");
        assert_eq!(step("prompt=select_account", strength), "select account", "whose factors: {strength:?}");
        let signed_in_for_it = Facts { sign_in_requested: Some(Timestamp::from_millis(1_000_000)), strength, ..base };
        assert_eq!(code(next_step(&request("prompt=login"), &signed_in_for_it)), shown, "{strength:?}");
    }
    let postponed = |strength| code(next_step(&request(""), &Facts { strength, is_enrolment_postponed: true, ..base }));
    assert_eq!((postponed(later), postponed(enrol(None)), postponed(needed)), ("issue", "enrol", "step up"));
}

#[test]
fn a_sign_in_of_no_class_is_repeated_once() {
    let all = allowed("openid email");
    let signed_in = facts().signed_in.map(|signed_in| SignedIn { class: None, ..signed_in });
    let strength = Strength::StepUp { class: Class::Password, is_optional: false };
    let base = Facts { remembered: Some(&all), signed_in, strength, ..facts() };
    assert_eq!(code(next_step(&request(""), &base)), "sign in");
    let signed_in_for_it = Facts { sign_in_requested: Some(Timestamp::from_millis(1_000_000)), ..base };
    assert_eq!(code(next_step(&request(""), &signed_in_for_it)), "unmet_authentication_requirements");
}

#[test]
fn claims_are_consented_to_by_their_scopes() {
    let requested = request("claims={\"userinfo\":{\"name\":null}}");
    assert_eq!(requested.consent_scopes.to_string(), "openid email profile");
    let (some, all) = (allowed("openid email"), allowed("openid email profile"));
    assert_eq!(code(next_step(&requested, &Facts { remembered: Some(&some), ..facts() })), "consent");
    assert_eq!(code(next_step(&requested, &Facts { remembered: Some(&all), ..facts() })), "issue");
}

#[test]
fn an_account_is_asked_for_until_someone_has_signed_in() {
    let all = allowed("openid email profile");
    let base = Facts { remembered: Some(&all), ..facts() };
    let creates = request("prompt=create");
    assert_eq!(code(next_step(&creates, &Facts { signed_in: None, ..base })), "register");
    assert_eq!(code(next_step(&creates, &base)), "register", "whoever is signed in already");
    let signed_in_since = Facts { sign_in_requested: Some(Timestamp::from_millis(1_000_000)), ..base };
    assert_eq!(code(next_step(&creates, &signed_in_since)), "issue");
    assert_eq!(code(next_step(&creates, &Facts { signed_in: None, ..signed_in_since })), "register");
    let requested_after = Facts { sign_in_requested: Some(Timestamp::from_millis(1_000_001)), ..base };
    assert_eq!(code(next_step(&creates, &requested_after)), "register");
}

#[test]
fn the_operator_consents_for_users_unless_the_page_is_requested() {
    let (all, some) = (allowed("openid email"), allowed("openid"));
    let own = |request: &AuthorizationRequest, remembered| {
        code(next_step(request, &Facts { by_operator: true, remembered, ..facts() }))
    };
    assert_eq!(own(&request(""), None), "allow");
    assert_eq!(own(&request("prompt=none"), None), "allow", "no page is needed");
    assert_eq!(own(&request(""), Some(&some)), "allow", "what is new is recorded");
    assert_eq!(own(&request(""), Some(&all)), "issue", "and once alone");
    assert_eq!(own(&request("prompt=consent"), None), "consent");
    assert_eq!(own(&request("prompt=consent"), Some(&all)), "consent");
    let given = Facts { by_operator: true, consent_given: true, ..facts() };
    assert_eq!(code(next_step(&request("prompt=consent"), &given)), "issue");
    let nobody = Facts { by_operator: true, signed_in: None, ..facts() };
    assert_eq!(code(next_step(&request(""), &nobody)), "sign in");
}
