//! Every value the discovery document lists, tried out; and that what it does not list is not there. The values
//! are taken from the document, so one that is added without a test here fails.

use std::collections::BTreeSet;

use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::Value;
use symbolon::protocol::client::{AuthMethod, Client, ClientKind};

use super::document;
use crate::harness::{API, Answer, Browser, CALLBACK, Page, SECRET, Server, VERIFIER, both, claims_of, query_of};

fn values(server: &Server, name: &str) -> Vec<String> {
    let values = document(server)[name].clone();
    serde_json::from_value(values).unwrap_or_else(|why| panic!("{name}: {why}"))
}

fn spa(server: &Server) -> Client {
    server.add_person("alice");
    server.add_client("spa", ClientKind::Spa, |_| ())
}

/// The answer that a request gets without any page, from a browser in which someone is signed in.
fn ask(browser: &mut Browser, client: &Client, more: &[(&str, &str)]) -> Page {
    browser.get(&Browser::request(client, "openid", more))
}

fn error(page: &Page) -> String {
    query_of(page.location()).remove("error").unwrap_or_default()
}

#[test]
fn every_endpoint_answers() {
    both(|server| {
        let document = document(server);
        let mut seen = BTreeSet::new();
        for (name, url) in document.as_object().unwrap() {
            if !name.ends_with("_endpoint") && !name.ends_with("_uri") {
                continue;
            }
            let path = url.as_str().unwrap().strip_prefix(&server.url).unwrap();
            let expected = match name.as_str() {
                "authorization_endpoint" => 400,
                "token_endpoint" | "userinfo_endpoint" => 401,
                "jwks_uri" => 200,
                other => panic!("{other}: what does it answer?"),
            };
            let method = if name == "token_endpoint" { "POST" } else { "GET" };
            assert_eq!(server.send(method, path, &[], (method == "POST").then_some("")).status, expected, "{name}");
            seen.insert(name.clone());
        }
        assert_eq!(seen.len(), 4);
        for unlisted in
            ["/revoke", "/introspect", "/register", "/par", "/device_authorization", "/end_session", "/.well-known/webfinger"]
        {
            assert_eq!(server.send("GET", unlisted, &[], None).status, 404, "{unlisted}");
            assert_eq!(server.send("POST", unlisted, &[], Some("")).status, 404, "{unlisted}");
        }
    });
}

#[test]
fn response_types_and_modes() {
    both(|server| {
        let spa = spa(server);
        let mut browser = Browser::new(server);
        browser.code(&spa, "alice", "openid");
        for mode in values(server, "response_modes_supported") {
            let page = ask(&mut browser, &spa, &[("response_mode", &mode)]);
            let code = match mode.as_str() {
                "query" => query_of(
                    page.location().strip_prefix(&format!("{CALLBACK}?")).map(|query| format!("?{query}")).as_deref().unwrap(),
                )["code"]
                    .clone(),
                "fragment" => {
                    query_of(page.location().strip_prefix(CALLBACK).filter(|rest| rest.starts_with('#')).unwrap())["code"].clone()
                }
                "form_post" => {
                    assert_eq!(
                        (page.status, page.attribute("form ", "action"), page.attribute("form ", "method")),
                        (200, CALLBACK.into(), "post".into())
                    );
                    assert_eq!(page.attribute("name=\"iss\"", "value"), server.url);
                    page.attribute("name=\"code\"", "value")
                }
                other => panic!("{other}: how does it answer?"),
            };
            assert_eq!(server.redeem(&spa, &code).status, 200, "{mode}");
        }
        for mode in ["web_message", "query.jwt", "jwt", "QUERY"] {
            assert_eq!(error(&ask(&mut browser, &spa, &[("response_mode", mode)])), "invalid_request", "{mode}");
        }

        let types = values(server, "response_types_supported");
        for kind in ["code", "token", "id_token", "code id_token", "code token", "id_token token", "none", "CODE"] {
            let page = ask(&mut browser, &spa, &[("response_type", kind), ("nonce", "n")]);
            let expected = if types.iter().any(|listed| listed == kind) { "" } else { "unsupported_response_type" };
            assert_eq!(error(&page), expected, "{kind}");
            assert_eq!(query_of(page.location())["iss"], server.url, "RFC 9207: in every answer");
        }
        assert_eq!(types, ["code"]);
        assert_eq!(document(server)["authorization_response_iss_parameter_supported"], true);
    });
}

#[test]
fn grant_types_and_ways_to_authenticate() {
    both(|server| {
        server.add_person("alice");
        let credentials = |method: &str, id: &str| match method {
            "none" => (vec![("client_id".to_owned(), id.to_owned())], None),
            "client_secret_basic" => {
                use base64::{Engine, engine::general_purpose::STANDARD};
                (vec![], Some(format!("Basic {}", STANDARD.encode(format!("{id}:{SECRET}")))))
            }
            "client_secret_post" => (vec![("client_id".into(), id.into()), ("client_secret".into(), SECRET.into())], None),
            other => panic!("{other}: how does a client authenticate by it?"),
        };
        for method in values(server, "token_endpoint_auth_methods_supported") {
            let kind = if method == "none" { ClientKind::Spa } else { ClientKind::Web };
            let id = format!("by-{}", method.replace('_', "-"));
            let client = server.add_client(&id, kind, |client| client.auth_method = AuthMethod::from_name(&method).unwrap());
            let (fields, header) = credentials(&method, &id);
            let token = |form: &[(&str, &str)]| -> Answer {
                let form: Vec<_> = form.iter().copied().chain(fields.iter().map(|(n, v)| (n.as_str(), v.as_str()))).collect();
                let headers: Vec<_> = header.iter().map(|header| ("Authorization", header.as_str())).collect();
                server.token(&form, &headers)
            };
            let mut refresh = String::new();
            for grant in values(server, "grant_types_supported") {
                let answer = match grant.as_str() {
                    "authorization_code" => {
                        let code = Browser::new(server).code(&client, "alice", "openid offline_access");
                        token(&[
                            ("grant_type", "authorization_code"),
                            ("code", &code),
                            ("redirect_uri", CALLBACK),
                            ("code_verifier", VERIFIER),
                        ])
                    }
                    "refresh_token" => token(&[("grant_type", "refresh_token"), ("refresh_token", &refresh)]),
                    other => panic!("{other}: what does it take?"),
                };
                assert_eq!(answer.status, 200, "{method} {grant}: {answer:?}");
                refresh = answer.text("refresh_token").into();
            }
            for grant in ["client_credentials", "password", "implicit", "urn:ietf:params:oauth:grant-type:device_code"] {
                assert_eq!(token(&[("grant_type", grant)]).error(), "unsupported_grant_type", "{grant}");
            }
        }
    });
}

#[test]
fn prompts() {
    both(|server| {
        let spa = spa(server);
        for prompt in values(server, "prompt_values_supported") {
            let mut stranger = Browser::new(server);
            let mut known = Browser::new(server);
            known.code(&spa, "alice", "openid");
            let [first, second] = [&mut stranger, &mut known].map(|browser| ask(browser, &spa, &[("prompt", &prompt)]));
            let begins = |page: &Page, path: &str| assert!(page.location().starts_with(path), "{prompt}: {page:?}");
            match prompt.as_str() {
                "none" => {
                    assert_eq!(error(&first), "login_required");
                    assert!(query_of(second.location()).contains_key("code"));
                }
                "login" | "select_account" => [&first, &second].map(|page| begins(page, "/login?")).into_iter().collect(),
                "consent" => {
                    begins(&first, "/login?");
                    begins(&second, "/consent?");
                }
                other => panic!("{other}: what does it do?"),
            }
        }
        let page = ask(&mut Browser::new(server), &spa, &[("prompt", "create")]);
        assert_eq!(error(&page), "invalid_request", "not listed");
    });
}

#[test]
fn challenges_and_parameters() {
    both(|server| {
        let spa = spa(server);
        let mut browser = Browser::new(server);
        browser.code(&spa, "alice", "openid");
        let methods = values(server, "code_challenge_methods_supported");
        for method in ["S256", "plain", "s256", "S512"] {
            let listed = methods.iter().any(|listed| listed == method);
            let page = ask(&mut browser, &spa, &[("code_challenge_method", method)]);
            assert_eq!(error(&page), if listed { "" } else { "invalid_request" }, "{method}");
        }
        assert_eq!(methods, ["S256"]);
        let document = document(server);
        for (listed, parameter, value, unsupported) in [
            ("request_parameter_supported", "request", "e30.e30.", "request_not_supported"),
            ("request_uri_parameter_supported", "request_uri", "https://app.example.com/r", "request_uri_not_supported"),
            ("claims_parameter_supported", "claims", r#"{"userinfo":{"email":{"essential":true}}}"#, ""),
        ] {
            assert_eq!(document[listed], false);
            assert_eq!(error(&ask(&mut browser, &spa, &[(parameter, value)])), unsupported, "{parameter}");
        }
    });
}

/// The claims of a token, its signature and algorithm checked by a library that is not ours.
fn verified(server: &Server, token: &str, audience: &str) -> (String, Value) {
    let set: jsonwebtoken::jwk::JwkSet = serde_json::from_value(server.get(super::JWKS, &[]).json).unwrap();
    let header = jsonwebtoken::decode_header(token).unwrap();
    let key = DecodingKey::from_jwk(set.find(&header.kid.unwrap()).unwrap()).unwrap();
    let mut validation = Validation::new(Algorithm::RS256);
    validation.set_audience(&[audience]);
    validation.set_issuer(&[&server.url]);
    let claims = jsonwebtoken::decode::<Value>(token, &key, &validation).unwrap().claims;
    (format!("{:?}", header.alg), claims)
}

#[test]
fn scopes_claims_subjects_and_algorithms() {
    both(|server| {
        let spa = spa(server);
        let other = server.add_client("other", ClientKind::Spa, |_| ());
        let scopes = values(server, "scopes_supported");
        for scope in &scopes {
            let asked = if scope == "openid" { scope.clone() } else { format!("openid {scope}") };
            assert_eq!(server.tokens(&spa, "alice", &asked).text("scope"), asked);
        }
        let unlisted = Browser::request(&spa, "openid phone", &[]);
        assert_eq!(error(&Browser::new(server).get(&unlisted)), "invalid_scope");

        let code = Browser::new(server).code_of(&spa, "alice", &scopes.join(" "), &[("nonce", "n-0S6")]);
        let tokens = server.redeem(&spa, &code);
        let (alg, id_token) = verified(server, tokens.text("id_token"), "spa");
        let (access_alg, _) = verified(server, tokens.text("access_token"), API);
        let algorithms = values(server, "id_token_signing_alg_values_supported");
        assert_eq!((&algorithms, &access_alg), (&vec![alg.clone()], &alg), "each one is used");
        for key in server.get(super::JWKS, &[]).json["keys"].as_array().unwrap() {
            assert!(algorithms.contains(&key["alg"].as_str().unwrap().to_owned()));
        }

        let userinfo = server.userinfo(tokens.text("access_token")).json;
        let names = |claims: &Value| claims.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        let told: BTreeSet<_> = names(&id_token).into_iter().chain(names(&userinfo)).filter(|name| name != "at_hash").collect();
        assert_eq!(told, values(server, "claims_supported").into_iter().collect());
        for claims in [&id_token, &userinfo] {
            assert!(names(claims).iter().all(|name| !name.starts_with('_')), "claim_types_supported: normal");
        }

        let theirs = server.tokens(&other, "alice", "openid");
        assert_eq!(values(server, "subject_types_supported"), ["public"]);
        assert_eq!(claims_of(theirs.text("id_token"))["sub"], id_token["sub"], "the same for every client");
    });
}
