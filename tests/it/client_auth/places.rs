//! Where a client's secret stands (RFC 6749 §2.3.1), and the order of errors: what is really wrong is told first, so that clients which
//! try one place and then the other report it (Go's `x/oauth2` does so after every error).

use symbolon::testing::protocol::oauth::client::{Client, ClientKind, GrantType};

use super::{basic, refused};
use crate::harness::{Answer, Browser, CALLBACK, SECRET, Server, VERIFIER, both, encode};

const MISPLACED: &str = "client authentication: expected client_secret_basic, received client_secret_post";

/// A web app that may also act for itself; `only_basic` rules out the body.
fn add_web(server: &Server, only_basic: bool) -> Client {
    server.add_client("web", ClientKind::Web, |client| {
        client.settings.client_secret_basic_only = only_basic;
        client.settings.grant_types.push(GrantType::ClientCredentials);
    })
}

/// Sends a form with this secret in the header, or in the body.
fn send(server: &Server, path: &str, (secret, in_header): (&str, bool), form: &[(&str, &str)]) -> Answer {
    let header = basic("web", secret);
    let (headers, more) = if in_header {
        (vec![("Authorization", header.as_str())], vec![])
    } else {
        (vec![], vec![("client_id", "web"), ("client_secret", secret)])
    };
    Answer::of(server.send("POST", path, &headers, Some(&encode(&[form, &more].concat()))))
}

#[test]
fn the_same_error_in_both_places_and_the_truest_first() {
    both(|server| {
        server.add_user("alice");
        let web = add_web(server, true);
        let code = Browser::new(server).code(&web, "alice", "openid");
        let service = ("grant_type", "client_credentials");
        let redeem = [("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", CALLBACK)];
        for (secret, form, error) in [
            // The grant type, whatever else is wrong.
            ("wrong", vec![("grant_type", "password")], "unsupported_grant_type"),
            (SECRET, vec![("grant_type", "password")], "unsupported_grant_type"),
            // The secret.
            ("wrong", vec![service, ("scope", "nobody:knows")], "invalid_client"),
            ("wrong", vec![], "invalid_client"),
            ("wrong", redeem.to_vec(), "invalid_client"),
            // The request.
            (SECRET, vec![], "invalid_request"),
            (SECRET, vec![service, ("scope", "nobody:knows")], "invalid_scope"),
            (SECRET, vec![service, ("resource", "https://unknown.example")], "invalid_target"),
            (SECRET, vec![("grant_type", "refresh_token"), ("refresh_token", "x")], "invalid_grant"),
            (SECRET, redeem.to_vec(), "invalid_grant"),
            (
                SECRET,
                [&redeem[..], &[("code_verifier", "of another request, and long enough to be one")]].concat(),
                "invalid_grant",
            ),
        ] {
            let [first, second] = [true, false].map(|in_header| send(server, "/token", (secret, in_header), &form));
            assert_eq!((first.error(), second.error()), (error, error), "{form:?}");
            assert_eq!(first.text("error_description"), second.text("error_description"), "{form:?}");
            assert_ne!(first.text("error_description"), MISPLACED);
            let status = if error == "invalid_client" { 401 } else { 400 };
            assert_eq!((first.status, second.status), (status, 400), "{form:?}");
        }
        let nobody = server.token(&[("grant_type", "password")], &[]);
        assert_eq!((nobody.status, nobody.error()), (400, "unsupported_grant_type"), "without credentials as well");
    });
}

#[test]
fn a_client_may_rule_out_the_body_and_nothing_is_used_up_by_trying() {
    both(|server| {
        server.add_user("alice");
        let web = add_web(server, true);
        let misplaced = |path: &str, form: &[(&str, &str)]| {
            let answer = send(server, path, (SECRET, false), form);
            refused(&answer);
            assert_eq!((answer.status, answer.text("error_description")), (400, MISPLACED), "{path} {form:?}");
        };
        let right = |path: &str, form: &[(&str, &str)]| {
            let answer = send(server, path, (SECRET, true), form);
            assert_eq!(answer.status, 200, "{path} {form:?}: {answer:?}");
            answer
        };
        let service = [("grant_type", "client_credentials")];
        misplaced("/token", &service);
        right("/token", &service);

        let code = Browser::new(server).code(&web, "alice", "openid offline_access");
        let redeem =
            [("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", CALLBACK), ("code_verifier", VERIFIER)];
        misplaced("/token", &redeem);
        let tokens = right("/token", &redeem);
        let refresh = [("grant_type", "refresh_token"), ("refresh_token", tokens.text("refresh_token"))];
        misplaced("/token", &refresh);
        let tokens = right("/token", &refresh);
        misplaced("/token", &refresh); // it is repeated, within the retry window

        for name in ["access_token", "refresh_token"] {
            let token = [("token", tokens.text(name))];
            misplaced("/introspect", &token);
            misplaced("/revoke", &token);
            assert_eq!(right("/introspect", &token).json["active"], true, "{name}: it was not revoked");
            right("/revoke", &token);
            assert_eq!(right("/introspect", &token).json["active"], false, "{name}");
        }
        misplaced("/revoke", &[("token", "unknown")]);
        for path in ["/introspect", "/revoke"] {
            assert_eq!(send(server, path, (SECRET, false), &[]).error(), "invalid_request", "{path}: the request first");
        }
        let wrong = send(server, "/introspect", ("wrong", false), &[("token", "unknown")]);
        assert_eq!((wrong.error(), wrong.text("error_description")), ("invalid_client", "the client secret is wrong"));
    });
}

#[test]
fn a_public_client_names_itself_by_an_empty_secret_in_either_place() {
    both(|server| {
        server.add_user("alice");
        let app = server.add_client("app", ClientKind::Native, |_| ());
        let (header, other) = (basic("app", ""), basic("app", "x"));
        let code = || Browser::new(server).code(&app, "alice", "openid");
        let redeem = |code: &str, more: &[(&str, &str)], headers: &[(&str, &str)]| {
            let form =
                [("grant_type", "authorization_code"), ("code", code), ("redirect_uri", CALLBACK), ("code_verifier", VERIFIER)];
            server.token(&[&form[..], more].concat(), headers)
        };
        let one = code();
        refused(&redeem(&one, &[], &[("Authorization", &other)]));
        let twice = redeem(&one, &[("client_id", "app"), ("client_secret", "x")], &[("Authorization", &header)]);
        assert_eq!((twice.status, twice.error()), (400, "invalid_request"));
        assert_eq!(redeem(&one, &[], &[("Authorization", &header)]).status, 200);
        assert_eq!(redeem(&code(), &[("client_id", "app")], &[("Authorization", &header)]).status, 200);
        assert_eq!(redeem(&code(), &[("client_id", "app"), ("client_secret", "")], &[]).status, 200);
        for _ in 0..25 {
            refused(&redeem("x", &[], &[("Authorization", &basic("unknown", ""))])); // no secret, so no guess
        }
    });
}

#[test]
fn every_401_says_how_to_authenticate() {
    both(|server| {
        add_web(server, false);
        server.add_client("spa", ClientKind::Spa, |_| ());
        let page = ("Origin", "https://app.example.com");
        let (wrong, unknown) = (basic("web", "wrong"), basic("nobody", "wrong"));
        let body: [Vec<(&str, &str)>; 3] = [
            vec![("client_id", "web"), ("client_secret", "wrong")],
            vec![("client_id", "nobody"), ("client_secret", "wrong")],
            vec![("client_assertion", "x")],
        ];
        let bare = [vec![], vec![("client_id", "web")], vec![("client_id", "nobody")]];
        for path in ["/token", "/introspect", "/revoke"] {
            server.advance(61);
            let refused = |headers: &[(&str, &str)], form: &[(&str, &str)], status: u16| {
                let form = [&[("grant_type", "client_credentials"), ("token", "x")], form].concat();
                let answer = Answer::of(server.send("POST", path, headers, Some(&encode(&form))));
                refused(&answer);
                assert_eq!(answer.status, status, "{path} {headers:?} {form:?}");
            };
            for form in &bare {
                refused(&[], form, 401);
                refused(&[page], form, 401);
            }
            for header in [&wrong, &unknown, "Bearer x", "Basic"] {
                refused(&[("Authorization", header)], &[], 401);
                refused(&[("Authorization", header), page], &[], 401);
            }
            for form in &body {
                refused(&[], form, 400);
                refused(&[page], form, 400);
            }
        }
    });
}
