//! Tests of the verdict, one for each row of the table; those of redeeming a code are `grant_code_tests`. Histories against a model of the row are `grant_model_tests`.

use super::*;
use crate::protocol::oauth::client::{ClientKind, tests::client};

pub(super) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
pub(super) const URI: &str = "https://app.example.com/cb";
const START: i64 = 1_000_000_000;

pub(super) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(START + seconds * 1000)
}

pub(super) fn policy(window: u32) -> Policy {
    Policy {
        code_lifetime: Span::from_seconds(60),
        idle_lifetime: Span::from_seconds(3600),
        max_auth_age: None,
        min_class: None,
        retry_window: Span::from_seconds(window),
    }
}

/// A grant at a generation, issued at second 0 and (past generation 0) last rotated at second 10.
pub(in crate::protocol) fn grant(generation: u32) -> Grant {
    Grant {
        id: Id::from([5; 16]),
        client_id: "app".into(),
        user_id: Id::from([1; 16]),
        session_id: None,
        sid: Id::from([2; 16]),
        generation,
        scopes: Scopes::parse("openid email offline_access").unwrap(),
        audiences: vec!["https://api.example.com".into()],
        redirect_uri: URI.into(),
        redirect_uri_sent: true,
        challenge: Some(Challenge::stored(CHALLENGE.into())),
        nonce: None,
        dpop_jkt: None,
        auth_time: at(0),
        created_at: at(0),
        rotated_at: (generation > 0).then(|| at(10)),
        expires_at: at(36_000),
        revoked_at: None,
        end_reason: None,
        subject: None,
        amr: Amr::password(),
        claims: ClaimsRequest::default(),
        device_name: None,
        seen: crate::protocol::account::activity::Origin::default(),
        remembered: false,
    }
}

pub(super) const CODE: TokenParams<'_> = TokenParams::Code { redirect_uri: Some(URI), verifier: Some(VERIFIER) };
pub(super) const REFRESH: TokenParams<'_> = TokenParams::Refresh { scopes: None };

pub(super) struct Case {
    pub(super) client: Client,
    pub(super) grant: Grant,
    pub(super) window: u32,
    pub(super) enabled: bool,
}

impl Case {
    pub(super) fn new(generation: u32) -> Self {
        Self { client: client(ClientKind::Spa), grant: grant(generation), window: 30, enabled: true }
    }

    pub(super) fn judge(&self, generation: u32, params: TokenParams<'_>, second: i64) -> &'static str {
        self.judge_with(generation, params, second, None, &[])
    }

    fn judge_with(
        &self,
        generation: u32,
        params: TokenParams<'_>,
        second: i64,
        proof: Option<&str>,
        resources: &[String],
    ) -> &'static str {
        let presented = Presentation { client: &self.client, generation, params, proof, resources };
        match judge(
            &self.grant,
            &presented,
            &policy(self.window),
            &AccountStatus { user_enabled: self.enabled, must_sign_in: false, now: at(second), by_database: at(second) },
        ) {
            Verdict::Advance => "advance",
            Verdict::Heal => "heal",
            Verdict::Repeat => "repeat",
            Verdict::Reused(_, error) => {
                assert_eq!(error.code, ErrorCode::InvalidGrant);
                "reused"
            }
            Verdict::Refuse(error) => error.code.as_str(),
        }
    }
}

#[test]
fn row_1_an_outsider_is_refused_and_ends_nothing() {
    let mut case = Case::new(5);
    case.client.id = "other".into();
    for generation in [0, 3, 4, 5, 6] {
        assert_eq!(case.judge(generation, REFRESH, 11), "invalid_grant");
    }
    assert_eq!(case.judge(0, CODE, 11), "invalid_grant");
}

#[test]
fn row_2_a_bound_grant_wants_its_key() {
    let mut case = Case::new(2);
    case.grant.dpop_jkt = Some("key-1".into());
    assert_eq!(case.judge(2, REFRESH, 11), "invalid_dpop_proof");
    assert_eq!(case.judge_with(2, REFRESH, 11, Some("key-2"), &[]), "invalid_dpop_proof");
    assert_eq!(
        case.judge_with(1, REFRESH, 90, Some("key-2"), &[]),
        "invalid_dpop_proof",
        "an old token without the key revokes nothing"
    );
    assert_eq!(case.judge_with(2, REFRESH, 11, Some("key-1"), &[]), "advance");
}

#[test]
fn row_3_until_they_sign_in_again_and_no_longer_than_the_ceiling() {
    let case = Case::new(2);
    let presented = Presentation { client: &case.client, generation: 2, params: REFRESH, proof: None, resources: &[] };
    let row = |must_sign_in, max_auth_age: Option<u32>, second| {
        let policy = Policy { max_auth_age: max_auth_age.map(Span::from_seconds), ..policy(30) };
        rule(
            &case.grant,
            &presented,
            &policy,
            &AccountStatus { user_enabled: true, must_sign_in, now: at(second), by_database: at(second) },
        )
        .0
    };
    assert_eq!([row(false, None, 50), row(true, None, 50)], [10, 3]);
    // Counted from the sign-in at second 0, not from the last rotation at second 10.
    assert_eq!([row(false, Some(60), 59), row(false, Some(60), 60)], [10, 3]);
    assert_eq!(row(false, Some(60), -3_600), 10, "a clock that was set back ends no grant");
}

#[test]
fn row_3_dead_grants_stay_dead() {
    let mut case = Case::new(2);
    case.grant.revoked_at = Some(at(11));
    assert_eq!(case.judge(2, REFRESH, 12), "invalid_grant");
    assert_eq!(case.judge(0, REFRESH, 12), "invalid_grant", "nothing left to revoke");
    let case = Case::new(2);
    assert_eq!(case.judge(2, REFRESH, 10 + 3599), "advance");
    assert_eq!(case.judge(2, REFRESH, 10 + 3600), "invalid_grant", "idle");
    assert_eq!(case.judge(2, REFRESH, -3_600), "advance", "a clock that was set back ends no grant");
    let mut case = Case::new(2);
    case.grant.rotated_at = Some(at(35_990));
    assert_eq!(case.judge(2, REFRESH, 35_999), "advance");
    assert_eq!(case.judge(2, REFRESH, 36_000), "invalid_grant", "absolute");
    case.grant.rotated_at = Some(at(36_001));
    assert_eq!(case.judge(2, REFRESH, 36_001), "invalid_grant", "rotation does not move the end");
    let mut case = Case::new(2);
    case.enabled = false;
    assert_eq!(case.judge(2, REFRESH, 12), "invalid_grant");
    let mut case = Case::new(2);
    case.client.disabled_at = Some(at(1));
    assert_eq!(case.judge(2, REFRESH, 12), "invalid_grant");
    let mut case = Case::new(2);
    case.client.settings.scope = Scopes::parse("openid email").unwrap();
    assert_eq!(case.judge(2, REFRESH, 12), "invalid_grant", "offline_access was taken from the client");
    case.grant.session_id = Some(case.grant.sid);
    assert_eq!(case.judge(2, REFRESH, 12), "advance", "what ends with its session never needed it");
}

#[test]
fn a_code_that_waits_is_not_idle() {
    let case = Case::new(0);
    let mut policy = policy(30);
    policy.idle_lifetime = Span::from_seconds(10);
    let ended = |second| {
        let status = AccountStatus { user_enabled: true, must_sign_in: false, now: at(second), by_database: at(second) };
        inactive(&case.grant, &case.client, &policy, &status)
    };
    assert_eq!((ended(5), ended(50)), (None, None), "it has a lifetime of its own (row 8)");
    assert_eq!(case.grant.sub(), case.grant.user_id.to_string());
    let pairwise = Grant { subject: Some("p.x".into()), ..case.grant.clone() };
    assert_eq!(pairwise.sub(), "p.x");
}

#[test]
fn row_4_a_newer_credential_heals_unless_the_grant_is_dead_or_too_much_is_asked() {
    let mut case = Case::new(2);
    assert_eq!((case.judge(3, REFRESH, 11), case.judge(90, REFRESH, 11)), ("heal", "heal"));
    let wide = Scopes::parse("openid admin").unwrap();
    assert_eq!(case.judge(3, TokenParams::Refresh { scopes: Some(&wide) }, 11), "invalid_scope");
    assert_eq!(Case::new(0).judge(1, REFRESH, 1), "heal", "the code was redeemed after the backup");
    case.enabled = false;
    assert_eq!(case.judge(3, REFRESH, 11), "invalid_grant");
    let mut case = Case::new(2);
    case.grant.revoked_at = Some(at(5));
    assert_eq!(case.judge(3, REFRESH, 11), "invalid_grant", "what was revoked before the backup stays revoked");
}

#[test]
fn row_6_the_previous_token_gets_the_same_successor_within_the_window() {
    let case = Case::new(3);
    assert_eq!(case.judge(2, REFRESH, 10), "repeat");
    assert_eq!(case.judge(2, REFRESH, 39), "repeat");
    assert_eq!(case.judge(2, REFRESH, 0), "repeat", "a clock that is behind by ten seconds");
    let wide = Scopes::parse("openid admin").unwrap();
    assert_eq!(case.judge(2, TokenParams::Refresh { scopes: Some(&wide) }, 11), "invalid_scope");
    let mut strict = Case::new(3);
    strict.window = 0;
    assert_eq!(strict.judge(2, REFRESH, 10), "reused");
}

#[test]
fn row_11_a_clock_that_was_set_back_opens_no_window_and_revokes_nothing() {
    let case = Case::new(3);
    for second in [-1, -3_600, -1_000_000] {
        assert_eq!(case.judge(2, REFRESH, second), "invalid_grant", "whether it is a retry cannot be told");
        assert_eq!(case.judge(3, REFRESH, second), "advance", "the newest token goes on");
        assert_eq!(case.judge(1, REFRESH, second), "reused", "the one before was used since, whatever the time");
    }
    let mut strict = Case::new(3);
    strict.window = 0;
    assert_eq!(strict.judge(2, REFRESH, -3_600), "reused", "without a window there are no retries");
    let case = Case::new(1);
    assert_eq!(case.judge(0, CODE, -3_600), "reused", "a code was redeemed or not, whatever the time");
}

#[test]
fn row_7_older_tokens_revoke() {
    let case = Case::new(3);
    assert_eq!(case.judge(2, REFRESH, 40), "reused", "the window has closed");
    assert_eq!(case.judge(1, REFRESH, 10), "reused", "two generations back, window or not");
}

#[test]
fn row_9_never_wider_than_granted() {
    let case = Case::new(2);
    let (wide, narrow) = (Scopes::parse("openid admin").unwrap(), Scopes::parse("openid").unwrap());
    assert_eq!(case.judge(2, TokenParams::Refresh { scopes: Some(&wide) }, 11), "invalid_scope");
    assert_eq!(case.judge(2, TokenParams::Refresh { scopes: Some(&narrow) }, 11), "advance");
    assert_eq!(case.judge_with(2, REFRESH, 11, None, &["https://api.example.com".into()]), "advance");
    assert_eq!(case.judge_with(2, REFRESH, 11, None, &["https://evil.example".into()]), "invalid_target");
    assert_eq!(Case::new(0).judge_with(0, CODE, 1, None, &["https://evil.example".into()]), "invalid_target");
}

#[test]
fn row_10_the_current_credential_advances() {
    assert_eq!(Case::new(0).judge(0, CODE, 1), "advance");
    assert_eq!(Case::new(1).judge(1, REFRESH, 11), "advance");
    assert_eq!(Case::new(900).judge(900, REFRESH, 11), "advance");
}

#[test]
fn each_decision_names_its_row() {
    let row = |case: &Case, generation, params, second| {
        let presented = Presentation { client: &case.client, generation, params, proof: None, resources: &[] };
        rule(
            &case.grant,
            &presented,
            &policy(case.window),
            &AccountStatus { user_enabled: case.enabled, must_sign_in: false, now: at(second), by_database: at(second) },
        )
        .0
    };
    let changed = |generation, change: fn(&mut Case)| {
        let mut case = Case::new(generation);
        change(&mut case);
        case
    };
    let wide = Scopes::parse("openid admin").unwrap();
    let wide = TokenParams::Refresh { scopes: Some(&wide) };
    let wrong = TokenParams::Code { redirect_uri: Some(URI), verifier: Some("wrong") };
    assert_eq!(row(&changed(2, |case| case.client.id = "other".into()), 2, REFRESH, 11), 1);
    assert_eq!(row(&changed(2, |case| case.grant.dpop_jkt = Some("key".into())), 2, REFRESH, 11), 2);
    assert_eq!(row(&changed(2, |case| case.enabled = false), 2, REFRESH, 11), 3);
    assert_eq!((row(&Case::new(2), 3, REFRESH, 11), row(&Case::new(2), 3, wide, 11)), (4, 9));
    assert_eq!((row(&Case::new(1), 0, CODE, 11), row(&Case::new(1), 0, wrong, 11)), (5, 5));
    assert_eq!((row(&Case::new(3), 2, REFRESH, 11), row(&Case::new(3), 2, wide, 11)), (6, 9));
    assert_eq!((row(&Case::new(3), 2, REFRESH, -1), row(&Case::new(3), 2, wide, -1)), (11, 11));
    assert_eq!(row(&Case::new(3), 1, REFRESH, 11), 7);
    assert_eq!((row(&Case::new(0), 0, wrong, 1), row(&Case::new(0), 0, CODE, 61)), (8, 8));
    assert_eq!(row(&Case::new(2), 2, wide, 11), 9);
    assert_eq!((row(&Case::new(2), 2, REFRESH, 11), row(&Case::new(0), 0, CODE, 1)), (10, 10));
}
