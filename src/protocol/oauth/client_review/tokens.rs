//! Findings about a client's authentication (RFC 9700 §2.5, RFC 7523), the APIs its tokens are for (RFC 8707, RFC 9068), and their
//! signing algorithm.

use super::{
    Facts,
    Level::{Advice, Ok as Good, Problem},
    Lines, strays,
};
use crate::protocol::{
    oauth::{
        api::{self, Api},
        api_tokens::TokenTyp,
        client::{AssertionAudience, AuthMethod, Client, ClientKeySource, ClientKind, GrantType},
        scope::STANDARD,
    },
    values::algorithm::Algorithm,
};

impl Lines {
    pub(super) fn authentication(&mut self, client: &Client, facts: &Facts<'_>) {
        const SETTING: &str = "authentication";
        let is = client.settings.token_endpoint_auth_method.as_str();
        match client.settings.token_endpoint_auth_method {
            AuthMethod::None if client.settings.secret_for_native => {
                let is = "none: every copy of the app contains the secret, which authenticates nobody";
                return self.say(Good, SETTING, is, "none: it cannot keep a secret", "RFC 8252 8.5");
            }
            AuthMethod::None => return self.say(Good, SETTING, is, "none: it cannot keep a secret", "RFC 6749 2.1"),
            AuthMethod::PrivateKeyJwt => {
                self.say(Good, SETTING, is, is, "RFC 9700 2.5");
                if client.settings.assertion_audience == AssertionAudience::TokenEndpoint {
                    let should_be =
                        "the issuer alone, if the client can send it (symbolon client set ID --assertion-audience issuer)";
                    self.say(Advice, "assertion audience", "the issuer or the token endpoint", should_be, "RFC 10070");
                }
                return self.client_keys(client, facts);
            }
            AuthMethod::ClientSecretPost => {
                let should_be = "client_secret_basic: request bodies are logged more often";
                self.say(Advice, SETTING, is, should_be, "RFC 6749 2.3.1");
            }
            AuthMethod::ClientSecretBasic => {}
        }
        // RFC 6749 §2.3.1: id and secret are form-encoded in the header; many clients do not, and then a colon ends the id.
        // Of other characters, both forms are read.
        if client.settings.token_endpoint_auth_method == AuthMethod::ClientSecretBasic && client.id.contains([':', '+', '%']) {
            let is = format!("{}, which must be form-encoded in the Authorization header", client.id);
            let should_be = "sent in the request body (client_secret_post), unless the client encodes it";
            self.say(Advice, "client ID", &is, should_be, "RFC 6749 2.3.1");
        }
        let shared = "a shared secret: anyone who can verify it can also use it";
        self.say(Advice, SETTING, shared, "private_key_jwt, if the client can sign", "RFC 9700 2.5");
        match (&client.secret_hash, &client.previous_secret_hash) {
            (None, None) => self.say(Problem, "secrets", "none", "one (symbolon client rotate-secret)", "RFC 6749 2.3.1"),
            (Some(_), Some(_)) => {
                let should_be = "one, once the client uses the new secret (symbolon client retire-secret)";
                self.say(Advice, "secrets", "two active", should_be, "RFC 9700 2.5");
            }
            _ => self.say(Good, "secrets", "one active", "one", "RFC 6749 2.3.1"),
        }
    }

    fn client_keys(&mut self, client: &Client, facts: &Facts<'_>) {
        const SETTING: &str = "client keys";
        if let Some(why) = facts.keys_failure {
            let is = format!("cannot be loaded: {why}");
            return self.say(Problem, SETTING, &is, "a set of public keys: its assertions are rejected", "RFC 7523 3");
        }
        match client.settings.keys() {
            ClientKeySource::Url(url) if url.starts_with("http:") => {
                self.say(Advice, SETTING, &format!("{url}: not encrypted"), "https", "RFC 9700 2.6");
            }
            ClientKeySource::Url(url) => {
                self.say(Good, SETTING, &url, "at a URL: the client can rotate them itself", "OpenID Connect Core 10.1.1");
            }
            _ => self.say(
                Good,
                SETTING,
                "registered inline",
                "updated with symbolon client set ID --jwks FILE on rotation",
                "RFC 7523 3",
            ),
        }
    }

    pub(super) fn service(&mut self, client: &Client, facts: &Facts<'_>) {
        if client.settings.may_use(GrantType::ClientCredentials) {
            self.say(Good, "grant types", "client_credentials", "client_credentials", "RFC 6749 4.4");
        } else {
            let should_be = "client_credentials (symbolon client set ID --client-credentials)";
            self.say(Problem, "grant types", "none: it gets no token", should_be, "RFC 6749 4.4");
        }
        if client.settings.audiences.is_empty() {
            let is = "none: its tokens are only for this server";
            self.say(Advice, "APIs", is, "those it calls (symbolon client set ID --api URI)", "RFC 9068 3");
        }
        let custom = |scope: &str| facts.scope_claims.scopes().any(|one| one == scope);
        for scope in client.settings.scope.iter().filter(|scope| STANDARD.contains(scope) || custom(scope)) {
            let is = format!("{scope}: about a user");
            self.say(Advice, "scope", &is, "none of these: there is no user with client_credentials", "RFC 6749 4.4");
        }
    }

    pub(super) fn apis(&mut self, client: &Client, facts: &Facts<'_>) {
        let strays = strays(client, facts.apis, facts.scope_claims);
        for uri in &strays.apis {
            let should_be = "registered (symbolon api add), so that its scopes are only in its own tokens";
            self.say(Advice, "API", &format!("{uri}: not registered"), should_be, "RFC 8707 2");
        }
        for scope in &strays.scopes {
            let is = format!("{scope}: not a scope of any of its APIs");
            self.say(Advice, "scope", &is, "a scope of an API it uses, or remove it", "RFC 9700 2.3");
        }
        let is_named_only = |api: &&Api| client.settings.audiences.contains(&api.uri) && api.scopes.is_empty();
        for api in facts.apis.iter().filter(is_named_only).filter(|_| client.settings.kind != ClientKind::Service) {
            let is = format!("{} has no scopes: a token is for it only if resource names it", api.uri);
            let should_be = "a scope (symbolon api set URI --add-scope SCOPE), unless the client sends resource";
            self.say(Advice, "API", &is, should_be, "RFC 8707 2");
        }
        match client.settings.default_audiences() {
            _ if client.settings.audiences.is_empty() => {}
            [] => {
                let is = "none: a request without resource gets a token only for this server";
                self.say(Advice, "default API", is, "one (symbolon client set ID --default-api URI)", "RFC 9068 3");
            }
            [one] => self.say(Good, "default API", one, "one", "RFC 9700 2.3"),
            several => {
                let is = format!("{}: a token for one of them works at all of them", several.join(", "));
                let should_be = "one; request the others with the parameter resource (symbolon client set ID --default-api URI)";
                self.say(Advice, "default API", &is, should_be, "RFC 9700 2.3");
            }
        }
        self.api_tokens(client, facts);
        for uri in &client.settings.introspects {
            if client.settings.audiences.contains(uri) {
                let is = format!("{uri}, for which it also gets tokens");
                self.say(
                    Advice,
                    "introspects",
                    &is,
                    "a separate client for the API: this secret can see all of its tokens",
                    "RFC 7662 4",
                );
            } else {
                self.say(Good, "introspects", uri, "the APIs it serves", "RFC 7662 2.1");
            }
        }
    }

    /// What its APIs decide about its tokens, and what remains of that where a token is for several of them.
    fn api_tokens(&mut self, client: &Client, facts: &Facts<'_>) {
        let own = |uri: &String| facts.apis.iter().find(|api| api.uri == *uri);
        let is_jwt = |api: &&Api| api.tokens.typ == TokenTyp::Jwt;
        for api in client.settings.audiences.iter().filter_map(own).filter(is_jwt) {
            let is = format!("JWT for {}, as in ID tokens, which only aud distinguishes: theirs is a client ID", api.uri);
            let should_be =
                "at+jwt (symbolon api set URI --token-typ at+jwt), unless the API refuses it; otherwise it must check aud";
            self.say(Advice, "token typ", &is, should_be, "RFC 9068 4");
        }
        let default = client.settings.default_audiences();
        let tokens = api::tokens_for(default, facts.apis);
        let should_be = "one default API (symbolon client set ID --default-api URI), or the parameter resource";
        for api in default.iter().filter_map(own) {
            if is_jwt(&api) && tokens.typ != TokenTyp::Jwt {
                let is = format!("at+jwt in a token for all default APIs, which {} refuses", api.uri);
                self.say(Problem, "token typ", &is, should_be, "RFC 9068 2.1");
            }
            let missing: Vec<_> = api.tokens.claims.iter().filter(|claim| !tokens.claims.contains(claim)).cloned().collect();
            if !missing.is_empty() {
                let is = format!("a token for all default APIs lacks {}, which {} asks for", missing.join(", "), api.uri);
                self.say(Advice, "token claims", &is, should_be, "RFC 9068 5");
            }
        }
    }

    pub(super) fn signatures(&mut self, client: &Client, facts: &Facts<'_>) {
        let name = client.settings.signing_alg.as_str();
        if !facts.has_key {
            let is = format!("{name}, for which this server has no active key");
            self.say(Problem, "signatures", &is, "a key (symbolon key add --algorithm)", "RFC 7518 3.1");
        } else if client.settings.signing_alg == Algorithm::Rs256 || client.settings.audiences.is_empty() {
            self.say(Good, "signatures", name, "one that all consumers of its tokens can verify", "OpenID Connect Core 15.1");
        } else {
            self.say(Advice, "signatures", name, "RS256, unless all of its APIs can verify this one", "RFC 9068 2.1");
        }
    }
}
