//! `username` in introspection responses (RFC 7662 §2.2): told where the token has the scope `profile`, to whoever may see the token.

use symbolon::testing::{
    protocol::oauth::{client::ClientKind, scope::Scopes},
    store::{Error, clients},
};

use super::{received, stage};
use crate::harness::{API, both};

#[test]
fn the_user_name_is_told_where_profile_was_granted() {
    both(|server| {
        let (web, unnamed) = stage(server);
        let set_scope = |scope: &str| {
            server.store(|connection| {
                clients::update(connection, "web", |_, client| {
                    client.settings.scope = Scopes::parse(scope).unwrap();
                    Ok::<_, Error>(())
                })
            });
        };
        set_scope("openid profile email offline_access notes:read files:read");
        let tokens = server.tokens_as(&web, "alice", "openid profile offline_access notes:read files:read");
        let name = |caller: &str, token: &str| {
            let answer = received(server, caller, token);
            assert_eq!(answer["active"], true, "{answer}");
            answer.get("username").map(|name| name.as_str().unwrap().to_owned())
        };
        let alice = Some("alice".to_owned());
        for token in ["access_token", "refresh_token"].map(|kind| tokens.text(kind)) {
            assert_eq!(name("web", token), alice);
        }
        for caller in ["notes", "files"] {
            assert_eq!(name(caller, tokens.text("access_token")), alice, "an API that reads who it is from there");
        }
        for token in ["access_token", "refresh_token"].map(|kind| unnamed.text(kind)) {
            assert_eq!(name("web", token), None, "email alone was granted");
        }
        assert_eq!(name("notes", unnamed.text("access_token")), None);

        // What this token says, not what its grant would allow.
        let narrow = server.refresh_as(&web, tokens.text("refresh_token"), &[("scope", "openid notes:read")]);
        assert_eq!(name("notes", narrow.text("access_token")), None);
        assert_eq!(name("web", narrow.text("refresh_token")), alice, "the refresh token keeps its width");
        let for_notes = server.refresh_as(&web, narrow.text("refresh_token"), &[("resource", API)]);
        assert_eq!(name("notes", for_notes.text("access_token")), alice);

        // A scope that the client has lost since.
        set_scope("openid email offline_access notes:read files:read");
        assert_eq!(name("notes", for_notes.text("access_token")), None);
        server.add_client("job", ClientKind::Service, |client| client.settings.scope = Scopes::parse("notes:read").unwrap());
        assert_eq!(name("notes", server.serve("job", &[]).text("access_token")), None, "a service is no user");
    });
}
