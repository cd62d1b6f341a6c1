//! A native app with a secret (RFC 8252 §8.5): it is accepted where it is sent, may be absent, and does not make the client
//! confidential.

use symbolon::testing::protocol::oauth::{client::ClientKind, client_auth::secret_hash};

use crate::harness::{Answer, Browser, SECRET, VERIFIER, both, encode};

#[test]
fn a_native_app_with_a_secret_stays_public() {
    both(|server| {
        server.add_user("alice");
        let native = server.add_client("native", ClientKind::Native, |client| {
            client.settings.secret_for_native = true;
            client.secret_hash = Some(secret_hash(SECRET));
        });
        server.add_client("other", ClientKind::Native, |_| ());
        let form = |more: &[(&'static str, &str)]| -> Vec<(&'static str, String)> {
            more.iter().map(|(name, value)| (*name, (*value).to_owned())).collect()
        };
        let (right, wrong) = (crate::harness::basic("native", SECRET), crate::harness::basic("native", "wrong"));
        let post = |path: &str, header: Option<&str>, form: &[(&'static str, String)]| -> Answer {
            let headers: Vec<_> = header.iter().map(|header| ("Authorization", *header)).collect();
            let form: Vec<_> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
            Answer::of(server.send("POST", path, &headers, Some(&encode(&form))))
        };
        for (header, with) in [
            (None, form(&[("client_id", "native")])),
            (None, form(&[("client_id", "native"), ("client_secret", SECRET)])),
            (Some(right.as_str()), form(&[])),
        ] {
            let code = Browser::new(server).code(&native, "alice", "openid offline_access");
            let redeem =
                [form(&[("grant_type", "authorization_code"), ("code", &code), ("code_verifier", VERIFIER)]), with.clone()]
                    .concat();
            let tokens = post("/token", header, &redeem);
            assert_eq!(tokens.status, 200, "{tokens:?}");
            let refresh =
                [form(&[("grant_type", "refresh_token"), ("refresh_token", tokens.text("refresh_token"))]), with.clone()];
            let refreshed = post("/token", header, &refresh.concat());
            assert_eq!(refreshed.status, 200, "{refreshed:?}");
            let itself = post("/token", header, &[form(&[("grant_type", "client_credentials")]), with.clone()].concat());
            assert_eq!(itself.error(), "unauthorized_client", "{itself:?}");
            let token = form(&[("token", refreshed.text("access_token"))]);
            let inspected = post("/introspect", header, &[token.clone(), with.clone()].concat());
            assert_eq!(inspected.error(), "invalid_client", "{inspected:?}");
            assert_eq!(post("/revoke", header, &[token, with].concat()).status, 200);
        }
        let without_pkce =
            Browser::request(&native, "openid", &[("code_challenge", ""), ("code_challenge_method", ""), ("nonce", "n")]);
        let page = Browser::new(server).get(&without_pkce);
        assert!(page.location().contains("error=invalid_request"), "{page:?}");
        let grant = [("grant_type", "refresh_token"), ("refresh_token", "x")];
        for (header, with, words) in [
            (None, form(&[("client_id", "native"), ("client_secret", "wrong")]), "this client is public"),
            (Some(wrong.as_str()), form(&[]), "this client is public"),
            (None, form(&[("client_id", "other"), ("client_secret", SECRET)]), "client set other --secret-for-native"),
        ] {
            let refused = post("/token", header, &[form(&grant), with].concat());
            assert_eq!(refused.error(), "invalid_client", "{refused:?}");
            assert!(refused.text("error_description").contains(words), "{refused:?}");
        }
    });
}
