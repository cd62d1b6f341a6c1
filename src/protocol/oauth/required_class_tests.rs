//! Tests of what a requirement means for a user: case by case, and for any sequence of sign-ins, step-ups, additions and removals.

use std::convert::Infallible;

use proptest::prelude::*;

use super::*;
use crate::protocol::{
    account::proof::{Proof, Proofs},
    oauth::{
        api::tests::api,
        client::{ClientKind, tests::client},
        resource::KnownScopes,
        scope::ScopeClaims,
    },
    oidc::authentication::Method,
    values::params::Params,
};

const NOW: Timestamp = Timestamp::from_millis(1_000_000);
const LATER: Timestamp = Timestamp::from_millis(2_000_000);
const API: &str = "https://api.example.com";

use Class::{Hardware, Password, PhishingResistant, TwoFactors};

fn request(of_client: Option<Class>, of_api: Option<Class>, extra: &str) -> AuthorizationRequest {
    let mut client = client(ClientKind::Spa);
    client.settings.min_acr = of_client;
    client.settings.audiences = vec![API.into()];
    let mut api = api("HTTPS://api.example.com:443", &[]);
    api.min_acr = of_api;
    let query = format!(
        "client_id=app&redirect_uri=https://app.example.com/cb&response_type=code&scope=openid&code_challenge={}&code_challenge_method=S256&{extra}",
        "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    );
    let known = KnownScopes { of_users: &ScopeClaims::default(), apis: &[api] };
    AuthorizationRequest::parse(&Params::parse(&query), &client, &known).unwrap()
}

fn acr_values(classes: &[Class]) -> String {
    format!("acr_values={}", classes.iter().map(|class| class.as_str()).collect::<Vec<_>>().join("+"))
}

fn essential(classes: &[Class]) -> String {
    let values: Vec<_> = classes.iter().map(|class| format!("\"{}\"", class.as_str())).collect();
    format!("claims={{\"id_token\":{{\"acr\":{{\"essential\":true,\"values\":[{}]}}}}}}", values.join(","))
}

/// What a user has whose strongest class is this one.
fn owned(strongest: Class) -> Owned {
    let password = Owned { password: true, ..Owned::default() };
    match strongest {
        Password => password,
        TwoFactors => Owned { totp: 1, ..password },
        PhishingResistant => Owned { passkeys: 1, ..password },
        Hardware => Owned { passkeys: 1, hardware: true, ..password },
    }
}

fn has(owned: &Owned, method: Method) -> bool {
    match method {
        Method::Password => owned.password,
        Method::Passkey => owned.passkeys > 0,
        Method::HardwareKey => owned.hardware,
        Method::Totp => owned.totp > 0,
        Method::RecoveryCode => owned.recovery_codes > 0,
    }
}

fn weigh(required: &RequiredClass, shown: Class, strongest: Class) -> Strength {
    required.weigh(Some(shown), || Ok::<_, Infallible>(owned(strongest))).unwrap()
}

/// What is decided without reading what the user has.
fn at_once(required: &RequiredClass, shown: Class) -> Option<Strength> {
    required.weigh(Some(shown), || Err(())).ok()
}

const fn step_up(class: Class, is_optional: bool) -> Strength {
    Strength::StepUp { class, is_optional }
}

const fn enrol(class: Class, by: RequiredBy) -> Strength {
    Strength::Enrol { class, by, from: None }
}

#[test]
fn without_a_requirement_nothing_is_read() {
    let nothing = RequiredClass::of_request(&request(None, None, ""));
    assert_eq!(at_once(&nothing, Password), Some(Strength::Enough));
    let two = RequiredClass::of_request(&request(Some(TwoFactors), None, &acr_values(&[TwoFactors, Hardware])));
    assert_eq!(at_once(&two, PhishingResistant), Some(Strength::Enough), "strong enough");
    assert_eq!(at_once(&two, Password), None);
}

#[test]
fn the_strictest_of_client_and_api_decides() {
    let of = |client, api, extra: &str| RequiredClass::of_request(&request(client, api, extra)).mandatory();
    let at_api = format!("resource={API}");
    assert_eq!(of(None, Some(TwoFactors), &at_api), Some(TwoFactors), "in any spelling");
    assert_eq!(of(Some(Hardware), Some(TwoFactors), &at_api), Some(Hardware));
    assert_eq!(of(Some(TwoFactors), Some(PhishingResistant), &at_api), Some(PhishingResistant));
    assert_eq!(of(Some(Password), None, &essential(&[Hardware, TwoFactors])), Some(TwoFactors), "one of them is enough");
    assert_eq!(of(None, Some(TwoFactors), ""), None, "the token is not for that API");
}

#[test]
fn who_can_show_more_is_asked_for_it_and_who_cannot_adds_it() {
    let required = RequiredClass::of_request(&request(Some(TwoFactors), None, ""));
    assert_eq!(weigh(&required, Password, TwoFactors), step_up(TwoFactors, false));
    assert_eq!(weigh(&required, Password, PhishingResistant), step_up(TwoFactors, false));
    assert_eq!(weigh(&required, Password, Password), enrol(TwoFactors, RequiredBy::App));
    assert_eq!(weigh(&required, TwoFactors, Password), Strength::Enough, "shown, and removed since");
}

#[test]
fn an_essential_class_out_of_reach_is_an_error_and_a_minimum_is_not() {
    let wanted = RequiredClass::of_request(&request(None, None, &essential(&[PhishingResistant])));
    assert_eq!(weigh(&wanted, Password, PhishingResistant), step_up(PhishingResistant, false));
    assert_eq!(weigh(&wanted, Password, TwoFactors), Strength::Unreachable);
    let both = RequiredClass::of_request(&request(Some(Hardware), None, &essential(&[TwoFactors])));
    assert_eq!(weigh(&both, Password, TwoFactors), enrol(Hardware, RequiredBy::App));
    assert_eq!(weigh(&both, Password, Password), Strength::Unreachable);
}

#[test]
fn the_first_class_that_can_be_reached_is_aimed_at() {
    let wished = RequiredClass::of_request(&request(None, None, &acr_values(&[Hardware, TwoFactors])));
    assert_eq!(weigh(&wished, Password, Hardware), step_up(Hardware, true));
    assert_eq!(weigh(&wished, Password, PhishingResistant), step_up(TwoFactors, true));
    assert_eq!(weigh(&wished, Password, Password), Strength::Enough, "a wish that cannot come true");
    assert_eq!(weigh(&wished, TwoFactors, TwoFactors), Strength::Enough);
    let with_minimum = RequiredClass::of_request(&request(Some(TwoFactors), None, &acr_values(&[Hardware])));
    assert_eq!(weigh(&with_minimum, Password, Hardware), step_up(Hardware, false), "one page for both");
    let unknown = RequiredClass::of_request(&request(None, None, "acr_values=1+2"));
    assert_eq!(at_once(&unknown, Password), Some(Strength::Enough));
}

#[test]
fn minimums_of_users_apply_by_role_group_and_date() {
    let [two, resistant, hardware] = [TwoFactors, PhishingResistant, Hardware].map(|class| Minimum { class, from: None });
    let later = |class| Minimum { class, from: Some(LATER) };
    let minimums = Minimums {
        everyone: Some(later(TwoFactors)),
        roles: [("admin".to_owned(), hardware), ("auditor".to_owned(), two)].into(),
        groups: [("staff".to_owned(), resistant)].into(),
    };
    let of = |roles: &[&str], groups: &[&str], now| {
        let [roles, groups] = [roles, groups].map(|names| names.iter().map(ToString::to_string).collect::<Vec<_>>());
        RequiredClass::default().of_user(&minimums, (&roles, &groups), now)
    };
    assert_eq!(of(&[], &[], NOW).mandatory(), None);
    assert_eq!(weigh(&of(&[], &[], NOW), Password, TwoFactors), Strength::Enough, "ready for that day");
    let waits = Strength::Enrol { class: TwoFactors, by: RequiredBy::Server, from: Some(LATER) };
    assert_eq!(weigh(&of(&[], &[], NOW), Password, Password), waits);
    assert_eq!(weigh(&of(&[], &[], LATER), Password, Password), enrol(TwoFactors, RequiredBy::Server), "that day has come");
    assert_eq!(of(&["auditor", "x"], &[], NOW).mandatory(), Some(TwoFactors));
    assert_eq!(of(&["auditor"], &["staff"], NOW).mandatory(), Some(PhishingResistant));
    assert_eq!(of(&["admin"], &["staff"], NOW).mandatory(), Some(Hardware));
    assert_eq!((minimums.strictest(), Minimums::default().strictest()), (Some(Hardware), None));
    let sooner = Minimums {
        everyone: Some(later(TwoFactors)),
        roles: [("a".to_owned(), Minimum { class: TwoFactors, from: Some(Timestamp::from_millis(1_500_000)) })].into(),
        groups: [("b".to_owned(), later(Hardware))].into(),
    };
    let roles = ["a".to_owned()];
    let announced = |groups: &[String]| RequiredClass::default().of_user(&sooner, (&roles, groups), NOW).announced;
    assert_eq!(announced(&[]), Some((TwoFactors, Timestamp::from_millis(1_500_000))));
    assert_eq!(announced(&["b".to_owned()]), Some((Hardware, LATER)), "the strictest");
}

#[test]
fn tokens_tell_a_requested_class_that_was_shown() {
    let reported = |extra: &str, shown| super::reported(&request(None, None, extra), Some(shown));
    assert_eq!(reported("", Hardware), None);
    assert_eq!(reported(&acr_values(&[TwoFactors]), PhishingResistant), Some(TwoFactors));
    assert_eq!(reported(&acr_values(&[Password, TwoFactors]), PhishingResistant), Some(TwoFactors), "the strongest of them");
    assert_eq!(reported(&acr_values(&[Hardware]), TwoFactors), None, "never one that was not");
    assert_eq!(reported(&essential(&[TwoFactors, Hardware]), PhishingResistant), Some(TwoFactors));
    let both = format!("{}&{}", essential(&[Password]), acr_values(&[PhishingResistant]));
    assert_eq!(reported(&both, PhishingResistant), Some(Password), "what is essential decides");
    assert_eq!(reported(&essential(&[PhishingResistant]), PhishingResistant), None, "what was shown is what is told");
}

/// What happens to an account and its session.
#[derive(Clone, Copy, Debug)]
enum Event {
    SignIn(Method),
    Show(Method),
    Add(Method),
    Remove(Method),
}

fn method() -> impl Strategy<Value = Method> {
    prop::sample::select(Method::ALL)
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        method().prop_map(Event::SignIn),
        method().prop_map(Event::Show),
        method().prop_map(Event::Add),
        method().prop_map(Event::Remove),
    ]
}

fn set(owned: &mut Owned, method: Method, has: bool) {
    match method {
        Method::Password => owned.password = has,
        Method::Passkey => (owned.passkeys, owned.hardware) = (usize::from(has), owned.hardware && has),
        Method::HardwareKey => (owned.passkeys, owned.hardware) = (owned.passkeys.max(usize::from(has)), has),
        Method::Totp => owned.totp = usize::from(has),
        Method::RecoveryCode => owned.recovery_codes = u32::from(has),
    }
}

fn class() -> impl Strategy<Value = Class> {
    prop::sample::select(Class::ALL)
}

proptest! {
    #[test]
    fn no_more_is_told_than_was_shown_and_nobody_is_refused_who_can_show_enough(
        events in prop::collection::vec(event(), 0..20),
        (of_client, of_api) in (prop::option::of(class()), prop::option::of(class())),
        wished in prop::collection::vec(class(), 0..3),
        wanted in prop::option::of(prop::collection::vec(class(), 1..3)),
        everyone in prop::option::of((class(), any::<bool>())),
    ) {
        let extra = format!("{}&{}", acr_values(&wished), wanted.as_deref().map(essential).unwrap_or_default());
        let request = request(of_client, of_api, &extra);
        let from = |waits: bool| waits.then_some(LATER);
        let everyone = everyone.map(|(class, waits)| Minimum { class, from: from(waits) });
        let minimums = Minimums { everyone, ..Minimums::default() };
        let required = RequiredClass::of_request(&request).of_user(&minimums, (&[], &[]), NOW);
        let mut owned = Owned { password: true, ..Owned::default() };
        let mut proofs = Proofs::default();
        for event in events {
            match event {
                Event::Add(method) => set(&mut owned, method, true),
                Event::Remove(method) => set(&mut owned, method, false),
                Event::SignIn(method) if has(&owned, method) => proofs = Proofs::from(Proof { method, at: NOW }),
                Event::Show(method) if has(&owned, method) => proofs = proofs.with(Proof { method, at: NOW }),
                Event::SignIn(_) | Event::Show(_) => {} // what one does not have one cannot show
            }
            let shown = proofs.class();
            let reported = super::reported(&request, shown).or(shown);
            prop_assert!(reported <= shown, "reported {reported:?}, shown {shown:?}");
            if let (Some(wanted), Some(reported)) = (&wanted, reported)
                && required.essential <= shown
            {
                prop_assert!(wanted.contains(&reported), "an essential class is one of those that were requested");
            }
            let strength = required.weigh(shown, || Ok::<_, Infallible>(owned)).unwrap();
            let reach = owned.strongest().max(shown);
            match strength {
                Strength::Enough => prop_assert!(required.mandatory() <= shown),
                Strength::StepUp { class, is_optional } => {
                    prop_assert!(Some(class) > shown && owned.strongest() >= Some(class), "what is asked for helps, and is there");
                    prop_assert_eq!(is_optional, required.mandatory() <= shown);
                    // Having shown it, the request goes on: no page is shown twice.
                    let after = required.weigh(Some(class), || Ok::<_, Infallible>(owned)).unwrap();
                    prop_assert!(!matches!(after, Strength::StepUp { .. } | Strength::Unreachable), "{after:?}");
                }
                Strength::Enrol { class, from, .. } => {
                    prop_assert!(Some(class) > reach);
                    prop_assert_eq!(from.is_some(), required.mandatory() <= shown);
                }
                Strength::Unreachable => prop_assert!(required.essential > reach),
            }
            if required.mandatory() <= owned.strongest() {
                let is_kept_out = matches!(strength, Strength::Unreachable | Strength::Enrol { from: None, .. });
                prop_assert!(!is_kept_out, "refused although it can be reached: {strength:?}");
            }
        }
    }
}
