//! APIs with resource servers of their own, and the endpoints that confidential clients call: `/token`, `/introspect`, `/revoke`.

use symbolon::testing::{
    protocol::oauth::{
        api::{Api, ApiScope},
        api_tokens::ApiTokens,
        client::{Client, ClientKind},
        scope::Scopes,
    },
    store::apis,
};

use super::{API, Answer, Browser, Page, SECRET, Server, VERIFIER, encode};

/// The API that [`Server::add_apis`] adds beside [`API`].
pub const FILES: &str = "https://files.example.com";
/// The whole response for a token that is inactive for the caller.
pub const INACTIVE: &str = r#"{"active":false}"#;

/// The Authorization header of a client (RFC 6749 §2.3.1).
pub fn basic(id: &str, secret: &str) -> String {
    use base64::{Engine, engine::general_purpose::STANDARD};
    format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")))
}

impl Server {
    /// Adds an API.
    pub fn add_api(&self, uri: &str, name: &str, scopes: &[(&str, &str)]) -> Api {
        let scope = |(name, words): &(&str, &str)| ApiScope { name: (*name).into(), description: Some((*words).into()) };
        let scopes = scopes.iter().map(scope).collect();
        let api = Api {
            uri: uri.into(),
            name: name.into(),
            scopes,
            tokens: ApiTokens::default(),
            min_acr: None,
            created_at: self.now(),
        };
        self.store(|connection| apis::insert(connection, &api));
        api
    }

    /// Adds two APIs, notes at [`API`] and files at [`FILES`], and a resource server for each, named after it.
    pub fn add_apis(&self) {
        self.add_api(API, "Notes API", &[("notes:read", "Read your notes"), ("notes:write", "Write notes")]);
        self.add_api(FILES, "Files API", &[("files:read", "Read your files")]);
        for (id, uri) in [("notes", API), ("files", FILES)] {
            self.add_client(id, ClientKind::Service, |client| {
                (client.settings.audiences, client.settings.scope) = (vec![], Scopes::default());
                client.settings.introspects = vec![uri.into()];
            });
        }
    }

    /// Adds a web app for both APIs, which has a secret.
    pub fn add_web(&self, id: &str) -> Client {
        self.add_client(id, ClientKind::Web, |client| {
            client.settings.audiences = vec![API.into(), FILES.into()];
            client.settings.scope = Scopes::parse("openid email offline_access notes:read files:read").unwrap();
        })
    }

    /// A form POST, authenticated with this client's secret.
    pub fn post_as(&self, client: &str, path: &str, form: &[(&str, &str)]) -> Page {
        self.send("POST", path, &[("Authorization", &basic(client, SECRET))], Some(&encode(form)))
    }

    /// `POST /token` of this client.
    pub fn token_as(&self, client: &str, form: &[(&str, &str)]) -> Answer {
        Answer::of(self.post_as(client, "/token", form))
    }

    /// Redeems a code, with further parameters.
    pub fn redeem_as(&self, client: &Client, code: &str, more: &[(&str, &str)]) -> Answer {
        let form = [("grant_type", "authorization_code"), ("code", code), ("code_verifier", VERIFIER)];
        self.token_as(&client.id, &[&form, more].concat())
    }

    /// Refreshes, with further parameters.
    pub fn refresh_as(&self, client: &Client, token: &str, more: &[(&str, &str)]) -> Answer {
        self.token_as(&client.id, &[&[("grant_type", "refresh_token"), ("refresh_token", token)], more].concat())
    }

    /// As [`Server::tokens`], for a client with a secret.
    pub fn tokens_as(&self, client: &Client, username: &str, scope: &str) -> Answer {
        let code = Browser::new(self).code(client, username, scope);
        let answer = self.redeem_as(client, &code, &[]);
        assert_eq!(answer.status, 200, "{answer:?}");
        answer
    }

    /// A token for the client itself.
    pub fn serve(&self, client: &str, more: &[(&str, &str)]) -> Answer {
        self.token_as(client, &[&[("grant_type", "client_credentials")], more].concat())
    }

    /// The introspection response of a token for this client.
    #[track_caller]
    pub fn introspect(&self, client: &str, token: &str) -> Page {
        let page = self.post_as(client, "/introspect", &[("token", token)]);
        assert_eq!((page.status, page.header("content-type")), (200, Some("application/json")), "{page:?}");
        page
    }

    /// Whether a token is active for this client; if not, the response says nothing else.
    #[track_caller]
    pub fn is_active(&self, client: &str, token: &str) -> bool {
        let answer = self.introspect(client, token);
        assert!(answer.body == INACTIVE || answer.body.starts_with(r#"{"active":true,"#), "{answer:?}");
        answer.body != INACTIVE
    }

    /// Revokes a token of this client.
    pub fn revoke(&self, client: &str, token: &str) -> Page {
        self.post_as(client, "/revoke", &[("token", token)])
    }
}
