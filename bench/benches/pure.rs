//! What the pure parts cost, without HTTP and without a database: credentials, the verdict, requests as they are read,
//! signatures. `cargo bench -p symbolon-bench --bench pure`; a word behind `--` chooses some of them.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot be set up should stop there")]

use std::{hint::black_box, sync::LazyLock, time::Duration};

use criterion::Criterion;
use symbolon::testing::{
    jose::{
        self,
        keys::{KeyRing, generate},
        verify::{self, Expected, Typ},
    },
    protocol::{
        account::activity::Origin,
        grant::{
            AccountStatus, Grant, Policy, Presentation, TokenParams,
            credential::{Credential, Kind},
            entitlement::Entitlement,
            judge,
        },
        oauth::{
            api_tokens::TokenTyp,
            authorization::AuthorizationRequest,
            client::{AuthMethod, Client, ClientKind},
            client_auth::{Presented, secret_hash},
            pkce::Challenge,
            resource::KnownScopes,
            scope::{ScopeClaims, Scopes},
            token_request::TokenRequest,
        },
        oidc::{
            claims::{self, AccessToken, OfUser},
            claims_request::ClaimsRequest,
        },
        secrets::SecretRing,
        values::{
            algorithm::Algorithm,
            id::Id,
            params::{Params, encode},
            time::{Span, Timestamp},
        },
    },
};

const ISSUER: &str = "https://id.example.com";
const API: &str = "https://api.example.com";
const URI: &str = "https://app.example.com/callback";
const SCOPES: &str = "openid profile email offline_access notes:read";
const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);
const RESOURCE_SERVER: Expected<'_> = Expected { issuer: ISSUER, audience: API, now_seconds: NOW.seconds() };
// RFC 7636 appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

fn main() {
    jose::begin();
    let mut criterion = Criterion::default()
        .without_plots()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .configure_from_args();
    credentials(&mut criterion);
    verdicts(&mut criterion);
    token_requests(&mut criterion);
    authorization_requests(&mut criterion);
    signatures(&mut criterion);
    criterion.final_summary();
}

fn credentials(criterion: &mut Criterion) {
    let secrets = secrets();
    let credential = Credential { kind: Kind::Refresh, id: Id::from([5; 16]), generation: 7 };
    let good = credential.derive(&secrets);
    // The last 43 characters are the MAC: that of another generation.
    let (head, _) = good.split_at(good.len() - 43);
    let other = Credential { generation: 8, ..credential }.derive(&secrets);
    let forged = format!("{head}{}", other.split_at(other.len() - 43).1);
    assert!(Credential::open(&secrets, Kind::Refresh, &good).is_some());
    assert!(Credential::open(&secrets, Kind::Refresh, &forged).is_none());

    let mut group = criterion.benchmark_group("credential");
    group.bench_function("derive", |b| b.iter(|| black_box(&credential).derive(&secrets)));
    group.bench_function("open, good", |b| b.iter(|| Credential::open(&secrets, Kind::Refresh, black_box(&good))));
    group.bench_function("open, forged", |b| b.iter(|| Credential::open(&secrets, Kind::Refresh, black_box(&forged))));
    group.bench_function("open, malformed", |b| b.iter(|| Credential::open(&secrets, Kind::Refresh, black_box(&good[1..]))));
    group.finish();
}

fn verdicts(criterion: &mut Criterion) {
    let (client, grant, fresh) = (client(), grant(7), grant(0));
    let policy = Policy {
        code_lifetime: Span::from_seconds(60),
        idle_lifetime: Span::from_seconds(86_400),
        max_auth_age: None,
        min_class: None,
        retry_window: Span::from_seconds(30),
    };
    let status = AccountStatus { user_enabled: true, must_sign_in: false, now: NOW, by_database: NOW };
    let (code, refresh) =
        (TokenParams::Code { redirect_uri: Some(URI), verifier: Some(VERIFIER) }, TokenParams::Refresh { scopes: None });
    let mut group = criterion.benchmark_group("judge");
    for (name, grant, generation, params) in [
        ("code, advance", &fresh, 0, code),
        ("refresh, advance", &grant, 7, refresh),
        ("refresh, repeat", &grant, 6, refresh),
        ("refresh, reused", &grant, 5, refresh),
    ] {
        let presented = Presentation { client: &client, generation, params, proof: None, resources: &[] };
        group.bench_function(name, |b| b.iter(|| judge(black_box(grant), black_box(&presented), &policy, &status)));
    }
    group.bench_function("what is left of the grant", |b| {
        b.iter(|| Entitlement::of(&client, black_box(&grant.scopes), &grant.audiences, &[]));
    });
    group.finish();
}

fn token_requests(criterion: &mut Criterion) {
    let token = Credential { kind: Kind::Refresh, id: Id::from([5; 16]), generation: 7 }.derive(&secrets());
    let refresh = encode([("grant_type", "refresh_token"), ("refresh_token", &token), ("client_id", "notes-app")]);
    let code = token.replace("_rt_", "_ac_");
    let code = [("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", URI), ("code_verifier", VERIFIER)];
    let code = encode(code);
    let mut group = criterion.benchmark_group("token request");
    for (name, body) in [("refresh", &refresh), ("code", &code)] {
        let params = Params::parse(body);
        assert!(TokenRequest::parse(&params).is_ok());
        group.bench_function(format!("{name}, form"), |b| b.iter(|| Params::parse(black_box(body))));
        group.bench_function(format!("{name}, read"), |b| b.iter(|| TokenRequest::parse(black_box(&params))));
    }
    let mut confidential = Client { secret_hash: Some(secret_hash("secret")), ..client() };
    confidential.settings.token_endpoint_auth_method = AuthMethod::ClientSecretBasic;
    let basic = "Basic bm90ZXMtYXBwOnNlY3JldA=="; // notes-app:secret
    let params = Params::parse(&code);
    assert!(Presented::read(Some(basic), &params).unwrap().verify(&confidential).is_ok());
    group.bench_function("client secret", |b| {
        b.iter(|| {
            Presented::read(black_box(Some(basic)), &params).is_ok_and(|presented| presented.verify(&confidential).is_ok())
        });
    });
    group.finish();
}

fn authorization_requests(criterion: &mut Criterion) {
    let (client, custom) = (client(), ScopeClaims::default());
    let known = KnownScopes { of_users: &custom, apis: &[] };
    let query = encode([
        ("response_type", "code"),
        ("client_id", "notes-app"),
        ("redirect_uri", URI),
        ("scope", SCOPES),
        ("state", "af0ifjsldkj-af0ifjsldkj"),
        ("nonce", "n-0S6_WzA2Mj-n-0S6_WzA2Mj"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
        ("resource", API),
    ]);
    let params = Params::parse(&query);
    assert!(AuthorizationRequest::parse(&params, &client, &known).is_ok());
    let challenge = Challenge::stored(CHALLENGE.into());
    assert!(challenge.is_answered_by(VERIFIER));

    let mut group = criterion.benchmark_group("authorization request");
    group.bench_function("query", |b| b.iter(|| Params::parse(black_box(&query))));
    group.bench_function("read", |b| b.iter(|| AuthorizationRequest::parse(black_box(&params), &client, &known)));
    group.bench_function("query, written again", |b| b.iter(|| black_box(&params).to_query(&["prompt"], &[("asked", "login")])));
    group.bench_function("scopes", |b| b.iter(|| Scopes::parse(black_box(SCOPES))));
    group.bench_function("PKCE challenge", |b| b.iter(|| Challenge::parse(black_box(CHALLENGE), Some("S256"))));
    group.bench_function("PKCE verifier", |b| b.iter(|| challenge.is_answered_by(black_box(VERIFIER))));
    group.finish();
}

fn signatures(criterion: &mut Criterion) {
    let (secrets, grant) = (secrets(), grant(7));
    let rows: Vec<_> = Algorithm::ALL.iter().map(|algorithm| generate(&secrets, *algorithm, NOW, NOW).unwrap()).collect();
    let ring = KeyRing::open(&rows, &secrets, &KeyRing::default()).unwrap();
    let published = ring.published(NOW, Span::from_seconds(600));
    for algorithm in Algorithm::ALL {
        let key = ring.signing(*algorithm, NOW).unwrap();
        let sign =
            || key.access_token(&access_token(&grant, &grant.sub(), &grant.sid.to_string()), TokenTyp::AccessToken).unwrap();
        let token = sign();
        assert!(verify::own(&ring, Typ::AccessToken, &token).is_ok());
        assert!(verify::access_token(&published, &token, &RESOURCE_SERVER).is_ok());
        let mut group = criterion.benchmark_group(format!("access token, {}", algorithm.as_str()));
        group.bench_function("sign", |b| b.iter(sign));
        group.bench_function("verify our own", |b| b.iter(|| verify::own(&ring, Typ::AccessToken, black_box(&token))));
        group.bench_function("verify with published keys", |b| {
            b.iter(|| verify::access_token(&published, black_box(&token), &RESOURCE_SERVER));
        });
        group.bench_function("at_hash", |b| b.iter(|| claims::at_hash(*algorithm, black_box(&token))));
        group.finish();
    }
    let mut group = criterion.benchmark_group("access token");
    let (sub, sid) = (grant.sub(), grant.sid.to_string());
    group.bench_function("claims", |b| b.iter(|| access_token(black_box(&grant), &sub, &sid)));
    let key = ring.signing(Algorithm::Rs256, NOW).unwrap();
    let token = key.access_token(&access_token(&grant, &sub, &sid), TokenTyp::AccessToken).unwrap();
    group.bench_function("the key it names", |b| b.iter(|| verify::named_key(black_box(&token))));
    // The signature is not looked at where the key is not ours.
    group.bench_function("of another server", |b| {
        b.iter(|| verify::own(&KeyRing::default(), Typ::AccessToken, black_box(&token)));
    });
    group.bench_function("the key that signs", |b| b.iter(|| ring.signing(black_box(Algorithm::Rs256), NOW).is_ok()));
    group.finish();
}

fn secrets() -> SecretRing {
    SecretRing::new(["a secret of at least thirty-two bytes"]).unwrap()
}

fn client() -> Client {
    let mut client = Client::new("notes-app", "Notes", ClientKind::Spa, NOW);
    client.settings.redirect_uris = vec![URI.into()];
    client.settings.scope = Scopes::parse(SCOPES).unwrap();
    client.settings.audiences = vec![API.into()];
    client
}

/// A grant whose code was just sent (generation 0), or that was just refreshed.
fn grant(generation: u32) -> Grant {
    Grant {
        id: Id::from([5; 16]),
        client_id: "notes-app".into(),
        user_id: Id::from([1; 16]),
        session_id: None,
        sid: Id::from([2; 16]),
        generation,
        scopes: Scopes::parse(SCOPES).unwrap(),
        audiences: vec![API.into()],
        redirect_uri: URI.into(),
        redirect_uri_sent: true,
        challenge: Some(Challenge::stored(CHALLENGE.into())),
        nonce: None,
        dpop_jkt: None,
        auth_time: NOW,
        created_at: NOW,
        rotated_at: (generation > 0).then_some(NOW),
        expires_at: NOW.plus(Span::from_seconds(86_400)),
        revoked_at: None,
        end_reason: None,
        subject: None,
        amr: symbolon::testing::protocol::oidc::authentication::Amr::password(),
        claims: ClaimsRequest::default(),
        device_name: None,
        seen: Origin::default(),
        remembered: false,
    }
}

/// Its scopes grant no claims about the user.
static NO_CLAIMS: LazyLock<serde_json::Map<String, serde_json::Value>> = LazyLock::new(serde_json::Map::new);

/// What `/token` says in an access token.
fn access_token<'a>(grant: &'a Grant, sub: &'a str, sid: &'a str) -> AccessToken<'a> {
    AccessToken {
        iss: ISSUER,
        sub,
        aud: claims::audience(&grant.audiences, &grant.scopes, ISSUER),
        client_id: &grant.client_id,
        exp: NOW.plus(Span::from_seconds(600)).seconds(),
        iat: NOW.seconds(),
        jti: claims::jti(grant.id, [9; 12]),
        scope: grant.scopes.to_string(),
        user: Some(OfUser {
            auth_time: grant.auth_time.seconds(),
            acr: None,
            amr: grant.amr.methods().collect(),
            sid,
            claims: &NO_CLAIMS,
        }),
    }
}
