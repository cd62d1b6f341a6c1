//! What relying parties and resource servers call besides sign-in, by the same crates: `oauth2` for `client_credentials`,
//! introspection and revocation, `openidconnect` for ID tokens of each algorithm with custom claims, signed userinfo, and logout.

use oauth2::{TokenIntrospectionResponse, basic::BasicClient};
use openidconnect::{
    AccessToken, AccessTokenHash, AdditionalClaims, AdditionalProviderMetadata, AuthenticationFlow, AuthorizationCode, Client,
    ClientId, ClientSecret, CsrfToken, EmptyExtraTokenFields, EndSessionUrl, IdTokenFields, IntrospectionUrl, IssuerUrl,
    LogoutRequest, Nonce, OAuth2TokenResponse, PkceCodeChallenge, PostLogoutRedirectUrl, ProviderMetadata, RedirectUrl,
    RequestTokenError, RevocationErrorResponseType, RevocationUrl, Scope, StandardErrorResponse, StandardTokenResponse,
    TokenResponse, TokenUrl, UserInfoResponseType,
    core::{
        CoreAuthDisplay, CoreAuthPrompt, CoreClaimName, CoreClaimType, CoreClientAuthMethod, CoreErrorResponseType,
        CoreGenderClaim, CoreGrantType, CoreJsonWebKey, CoreJweContentEncryptionAlgorithm, CoreJweKeyManagementAlgorithm,
        CoreJwsSigningAlgorithm, CoreResponseMode, CoreResponseType, CoreRevocableToken, CoreRevocationErrorResponse,
        CoreSubjectIdentifierType, CoreTokenIntrospectionResponse, CoreTokenType, CoreUserInfoClaims,
    },
};
use serde::{Deserialize, Serialize};
use symbolon::testing::protocol::values::algorithm::Algorithm;

use super::{
    super::services::{FILES, GOODBYE, prepare, relying_party, resource_server},
    http, path,
};
use crate::harness::{API, Browser, CALLBACK, SECRET, both, claims_of, query_of};

/// What the discovery document says besides what the crate knows.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Services {
    #[serde(rename = "introspection_endpoint")]
    introspection: IntrospectionUrl,
    #[serde(rename = "revocation_endpoint")]
    revocation: RevocationUrl,
    #[serde(rename = "end_session_endpoint")]
    end_session: EndSessionUrl,
}

impl AdditionalProviderMetadata for Services {}

/// Claims that the crate does not know.
#[derive(Debug, Serialize, Deserialize)]
struct OfSession {
    sid: String,
}

impl AdditionalClaims for OfSession {}

type Provider = ProviderMetadata<
    Services,
    CoreAuthDisplay,
    CoreClientAuthMethod,
    CoreClaimName,
    CoreClaimType,
    CoreGrantType,
    CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm,
    CoreJsonWebKey,
    CoreResponseMode,
    CoreResponseType,
    CoreSubjectIdentifierType,
>;

type Fields =
    IdTokenFields<OfSession, EmptyExtraTokenFields, CoreGenderClaim, CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm>;

type App<Auth, Device, Introspection, Revocation, Token, UserInfo> = Client<
    OfSession,
    CoreAuthDisplay,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJsonWebKey,
    CoreAuthPrompt,
    StandardErrorResponse<CoreErrorResponseType>,
    StandardTokenResponse<Fields, CoreTokenType>,
    CoreTokenIntrospectionResponse,
    CoreRevocableToken,
    CoreRevocationErrorResponse,
    Auth,
    Device,
    Introspection,
    Revocation,
    Token,
    UserInfo,
>;

/// Both crates revoke over TLS alone: as if there were a proxy in front of the server.
fn over_tls(mut request: ureq::http::Request<Vec<u8>>) -> Result<ureq::http::Response<Vec<u8>>, ureq::Error> {
    *request.uri_mut() = request.uri().to_string().replacen("https://", "http://", 1).parse().unwrap();
    http(request)
}

/// The URL in front of that proxy.
fn with_tls(url: &RevocationUrl) -> RevocationUrl {
    RevocationUrl::new(url.replacen("http://", "https://", 1)).unwrap()
}

#[test]
fn oauth2_acts_for_itself_introspects_and_revokes() {
    both(|server| {
        prepare(server);
        let at = |path: &str| format!("{}{path}", server.url);
        let client = |id: &str| {
            BasicClient::new(ClientId::new(id.into()))
                .set_client_secret(ClientSecret::new(SECRET.into()))
                .set_token_uri(TokenUrl::new(at("/token")).unwrap())
                .set_introspection_url(IntrospectionUrl::new(at("/introspect")).unwrap())
                .set_revocation_url(with_tls(&RevocationUrl::new(at("/revoke")).unwrap()))
        };
        let app = client(&relying_party(server, Algorithm::Rs256, |_| ()).id);
        let notes = client(&resource_server(server, Algorithm::Rs256).id);

        let tokens = app
            .exchange_client_credentials()
            .add_scope(Scope::new("notes:read".into()))
            .add_extra_param("resource", API)
            .request(&http)
            .unwrap();
        assert!(tokens.refresh_token().is_none());
        let seen = notes.introspect(tokens.access_token()).request(&http).unwrap();
        assert!(seen.active());
        assert_eq!((seen.sub(), seen.client_id().map(|id| id.as_str())), (Some("app-RS256"), Some("app-RS256")));
        assert_eq!((seen.aud(), seen.iss()), (Some(&vec![API.to_owned()]), Some(server.url.as_str())));
        assert_eq!(seen.scopes(), Some(&vec![Scope::new("notes:read".into())]));
        assert_eq!(seen.token_type(), Some(&CoreTokenType::Bearer));
        assert!(seen.exp().unwrap() > seen.iat().unwrap() && seen.jti().is_some());

        let elsewhere = app.exchange_client_credentials().add_extra_param("resource", FILES).request(&http).unwrap();
        assert!(!notes.introspect(elsewhere.access_token()).request(&http).unwrap().active());
        let outsider = app.exchange_client_credentials().add_extra_param("resource", "https://stranger.example.com");
        match outsider.request(&http).unwrap_err() {
            RequestTokenError::ServerResponse(refusal) => assert_eq!(refusal.error().as_ref(), "invalid_target"),
            other => panic!("{other:?}"),
        }

        let revoke = |token: &AccessToken| app.revoke_token(token.into()).unwrap().request(&over_tls);
        revoke(tokens.access_token()).unwrap();
        assert!(!notes.introspect(tokens.access_token()).request(&http).unwrap().active());
        revoke(&AccessToken::new("unknown".into())).unwrap();
        let foreign = notes.revoke_token(elsewhere.access_token().into()).unwrap().request(&over_tls);
        match foreign.unwrap_err() {
            RequestTokenError::ServerResponse(refusal) => {
                assert_eq!(*refusal.error(), RevocationErrorResponseType::Basic(CoreErrorResponseType::InvalidRequest));
            }
            other => panic!("{other:?}"),
        }
    });
}

#[test]
fn openidconnect_reads_each_algorithm_introspects_revokes_and_signs_out() {
    both(|server| {
        prepare(server);
        for (algorithm, expected) in [
            (Algorithm::Rs256, CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256),
            (Algorithm::Ps256, CoreJwsSigningAlgorithm::RsaSsaPssSha256),
            (Algorithm::Es256, CoreJwsSigningAlgorithm::EcdsaP256Sha256),
            (Algorithm::EdDsa, CoreJwsSigningAlgorithm::EdDsa),
        ] {
            // The crate verifies an answer of userinfo by RS256 alone.
            let userinfo_signed = algorithm == Algorithm::Rs256;
            let registered = relying_party(server, algorithm, |client| client.settings.userinfo_signed = userinfo_signed);
            let provider = Provider::discover(&IssuerUrl::new(server.url.clone()).unwrap(), &http).unwrap();
            let services = provider.additional_metadata().clone();
            let secret = ClientSecret::new(SECRET.into());
            let app = App::from_provider_metadata(provider, ClientId::new(registered.id.clone()), Some(secret))
                .set_redirect_uri(RedirectUrl::new(CALLBACK.into()).unwrap())
                .set_introspection_url(services.introspection)
                .set_revocation_url(with_tls(&services.revocation));
            let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
            let (url, _, nonce) = app
                .authorize_url(
                    AuthenticationFlow::<CoreResponseType>::AuthorizationCode,
                    CsrfToken::new_random,
                    Nonce::new_random,
                )
                .add_scope(Scope::new("notes:read".into()))
                .add_extra_param("resource", API)
                .add_extra_param("claims", r#"{"id_token": {"email": null}, "userinfo": {"name": null}}"#)
                .set_pkce_challenge(challenge)
                .url();
            let mut browser = Browser::new(server);
            let left = browser.follow(&path(&url), "alice", "allow");
            let code = AuthorizationCode::new(query_of(left.location())["code"].clone());
            let tokens = app.exchange_code(code).unwrap().set_pkce_verifier(verifier).request(&http).unwrap();

            let id_token = tokens.id_token().unwrap();
            assert_eq!(*id_token.signing_alg().unwrap(), expected);
            let trusted = app.id_token_verifier();
            let claims = id_token.claims(&trusted, &nonce).unwrap();
            let key = id_token.signing_key(&trusted).unwrap();
            let hash = AccessTokenHash::from_token(tokens.access_token(), &expected, key).unwrap();
            assert_eq!(claims.access_token_hash(), Some(&hash));
            assert_eq!(claims.email().unwrap().as_str(), "alice@example.com");
            assert_eq!(claims.additional_claims().sid, claims_of(tokens.access_token().secret())["sid"]);
            assert_eq!(claims.auth_method_refs().unwrap()[0].as_str(), "pwd");

            let subject = Some(claims.subject().clone());
            let user: CoreUserInfoClaims = app
                .user_info(tokens.access_token().clone(), subject)
                .unwrap()
                .set_response_type(if userinfo_signed { UserInfoResponseType::Jwt } else { UserInfoResponseType::Json })
                .require_signed_response(userinfo_signed)
                .request(&http)
                .unwrap();
            assert_eq!(user.name().unwrap().get(None).unwrap().as_str(), "alice Example");

            let is_active = |token: &AccessToken| app.introspect(token).request(&http).unwrap().active();
            assert!(is_active(tokens.access_token()));
            let refreshed = app.exchange_refresh_token(tokens.refresh_token().unwrap()).unwrap().request(&http).unwrap();
            app.revoke_token(tokens.access_token().into()).unwrap().request(&over_tls).unwrap();
            assert!(!is_active(tokens.access_token()) && is_active(refreshed.access_token()));
            app.revoke_token(refreshed.refresh_token().unwrap().into()).unwrap().request(&over_tls).unwrap();
            assert!(!is_active(refreshed.access_token()));

            let goodbye = LogoutRequest::from(services.end_session)
                .set_id_token_hint(id_token)
                .set_client_id(ClientId::new(registered.id.clone()))
                .set_post_logout_redirect_uri(PostLogoutRedirectUrl::new(GOODBYE.into()).unwrap())
                .set_state(CsrfToken::new("st4te".into()))
                .http_get_url();
            let left = browser.get(&path(&goodbye));
            assert_eq!((left.status, left.location()), (303, format!("{GOODBYE}?state=st4te").as_str()));
            assert!(!browser.cookies.keys().any(|name| name.contains("session")), "{:?}", browser.cookies);
        }
    });
}
