//! The crates `oauth2` (a native app, RFC 8252), `openidconnect` (a web app with a secret) and `jsonwebtoken` (a resource server
//! with only the published keys), used as by their own users. What else they call is `services`.

mod services;

use std::{
    io::{BufRead, BufReader, Write},
    net::TcpListener,
    thread,
};

use jsonwebtoken::{
    Algorithm, DecodingKey, Validation,
    jwk::{JwkSet, KeyAlgorithm},
};
use openidconnect::{
    AccessTokenHash, AuthenticationFlow, AuthorizationCode, ClientId, ClientSecret, CsrfToken, IssuerUrl, Nonce,
    OAuth2TokenResponse, PkceCodeChallenge, RedirectUrl, Scope, TokenResponse,
    core::{CoreClient, CoreProviderMetadata, CoreResponseType, CoreUserInfoClaims},
};
use serde_json::Value;
use symbolon::testing::protocol::oauth::client::ClientKind;

use super::{native_app, rotation};
use crate::harness::{API, Browser, CALLBACK, SECRET, both, claims_of, query_of, try_send};

/// The HTTP client that both crates ask for.
fn http(request: ureq::http::Request<Vec<u8>>) -> Result<ureq::http::Response<Vec<u8>>, ureq::Error> {
    let config = ureq::Agent::config_builder().max_redirects(0).http_status_as_error(false).build();
    let mut answer = ureq::Agent::new_with_config(config).run(request)?;
    let body = answer.body_mut().read_to_vec()?;
    Ok(answer.map(|_| body))
}

/// Path and query of a URL of the server.
fn path(url: &openidconnect::url::Url) -> String {
    format!("{}?{}", url.path(), url.query().unwrap())
}

#[test]
fn oauth2_signs_in_as_a_native_app() {
    both(|server| {
        server.add_user("alice");
        let native = native_app(server);
        // The app listens on a port of the moment, and takes the one request that brings the code.
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let redirect_uri = format!("http://127.0.0.1:{}/callback", listener.local_addr().unwrap().port());
        let app = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut line = String::new();
            BufReader::new(&stream).read_line(&mut line).unwrap();
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\nDone").unwrap();
            line.split(' ').nth(1).unwrap().to_owned()
        });

        let client = oauth2::basic::BasicClient::new(oauth2::ClientId::new(native.id.clone()))
            .set_auth_uri(oauth2::AuthUrl::new(format!("{}/authorize", server.url)).unwrap())
            .set_token_uri(oauth2::TokenUrl::new(format!("{}/token", server.url)).unwrap())
            .set_redirect_uri(RedirectUrl::new(redirect_uri).unwrap());
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let (url, state) = client
            .authorize_url(CsrfToken::new_random)
            .add_scopes(["notes:read", "offline_access"].map(|scope| Scope::new(scope.into())))
            .set_pkce_challenge(challenge)
            .url();
        let left = Browser::new(server).follow(&path(&url), "alice", "allow");
        assert_eq!(try_send("GET", left.location(), &[], None).unwrap().body, "Done");
        let heard = query_of(&app.join().unwrap());
        assert_eq!((heard["state"].as_str(), heard["iss"].as_str()), (state.secret().as_str(), server.url.as_str()));

        let tokens = client
            .exchange_code(AuthorizationCode::new(heard["code"].clone()))
            .set_pkce_verifier(verifier)
            .request(&http)
            .unwrap();
        assert_eq!(claims_of(tokens.access_token().secret())["aud"], API);
        assert_eq!(tokens.expires_in().unwrap().as_secs(), 600);
        let first = tokens.refresh_token().unwrap();
        let refreshed = client.exchange_refresh_token(first).request(&http).unwrap();
        assert_ne!(refreshed.refresh_token().unwrap().secret(), first.secret());
        assert_eq!(refreshed.scopes().unwrap().len(), 2);

        let wrong = client
            .exchange_code(AuthorizationCode::new(heard["code"].clone()))
            .set_pkce_verifier(oauth2::PkceCodeVerifier::new("x".repeat(43)));
        match wrong.request(&http).unwrap_err() {
            oauth2::RequestTokenError::ServerResponse(refusal) => {
                assert_eq!(*refusal.error(), oauth2::basic::BasicErrorResponseType::InvalidGrant);
                assert!(refusal.error_description().is_some());
            }
            other => panic!("{other:?}"),
        }
    });
}

#[test]
fn openidconnect_signs_in_as_a_web_app_with_a_secret() {
    both(|server| {
        let alice = server.add_user("alice");
        let web = server.add_client("web", ClientKind::Web, |_| ());
        let metadata = CoreProviderMetadata::discover(&IssuerUrl::new(server.url.clone()).unwrap(), &http).unwrap();
        let secret = ClientSecret::new(SECRET.into());
        let client = CoreClient::from_provider_metadata(metadata, ClientId::new(web.id.clone()), Some(secret))
            .set_redirect_uri(RedirectUrl::new(CALLBACK.into()).unwrap());
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let (url, state, nonce) = client
            .authorize_url(AuthenticationFlow::<CoreResponseType>::AuthorizationCode, CsrfToken::new_random, Nonce::new_random)
            .add_scopes(["profile", "email"].map(|scope| Scope::new(scope.into())))
            .set_pkce_challenge(challenge)
            .url();
        let left = Browser::new(server).follow(&path(&url), "alice", "allow");
        let heard = query_of(left.location());
        assert_eq!(&heard["state"], state.secret());

        let code = AuthorizationCode::new(heard["code"].clone());
        let tokens = client.exchange_code(code).unwrap().set_pkce_verifier(verifier).request(&http).unwrap();
        let id_token = tokens.id_token().unwrap();
        let trusted = client.id_token_verifier();
        let claims = id_token.claims(&trusted, &nonce).unwrap();
        assert_eq!(claims.subject().as_str(), alice.claims.id.to_string());
        assert!(id_token.claims(&trusted, &Nonce::new_random()).is_err(), "another nonce is another sign-in");
        let key = id_token.signing_key(&trusted).unwrap();
        let hash = AccessTokenHash::from_token(tokens.access_token(), id_token.signing_alg().unwrap(), key).unwrap();
        assert_eq!(claims.access_token_hash(), Some(&hash));

        let subject = Some(claims.subject().clone());
        let who = |token: &openidconnect::AccessToken| -> CoreUserInfoClaims {
            client.user_info(token.clone(), subject.clone()).unwrap().request(&http).unwrap()
        };
        assert_eq!(who(tokens.access_token()).email().unwrap().as_str(), "alice@example.com");
        let refreshed = client.exchange_refresh_token(tokens.refresh_token().unwrap()).unwrap().request(&http).unwrap();
        assert_eq!(who(refreshed.access_token()).preferred_username().unwrap().as_str(), "alice");
    });
}

#[test]
fn jsonwebtoken_checks_tokens_through_a_key_rotation() {
    rotation(|server, when, tokens| {
        let published: JwkSet = serde_json::from_value(server.get("/.well-known/jwks.json", &[]).json).unwrap();
        let of_rs256 = published.keys.iter().filter(|key| key.common.key_algorithm == Some(KeyAlgorithm::RS256)).count();
        assert_eq!(of_rs256, if matches!(when, "before" | "after") { 1 } else { 2 }, "{when}");
        let verify = |token: &str, audience: &str| {
            let kid = jsonwebtoken::decode_header(token).unwrap().kid.unwrap();
            let key = DecodingKey::from_jwk(published.find(&kid)?).unwrap();
            let mut validation = Validation::new(Algorithm::RS256);
            validation.leeway = 0;
            validation.set_issuer(&[&server.url]);
            validation.set_audience(&[audience]);
            validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
            jsonwebtoken::decode::<Value>(token, &key, &validation).ok().map(|token| token.claims)
        };
        for (number, (token, valid)) in tokens.iter().enumerate() {
            assert_eq!(verify(token, API).is_some(), *valid, "{when}: token {number}");
            assert_eq!(verify(token, "https://other.example.com"), None, "{when}: token {number}");
        }
    });
}
