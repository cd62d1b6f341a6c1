//! Programs that sign users in with this server, or check its tokens: how each is set up on both sides. `client add --for NAME`
//! registers a client from it, and `docs/clients.md` is written from it (`tests/house/clients.rs` compares them). A program is one
//! file in `presets/`, whose name is its name.

use std::sync::LazyLock;

use serde::Deserialize;
use serde_json::{Map, Value};
use url::Url;

use crate::{
    config::Issuer,
    paths,
    protocol::{error::Invalid, oauth::client::ClientMetadata},
};

/// The files of some programs, by name.
macro_rules! files {
    ($($name:literal),* $(,)?) => {
        [$(($name, include_str!(concat!("presets/", $name, ".toml")))),*]
    };
}

/// Every program.
const FILES: &[(&str, &str)] = &files![
    "allauth",
    "appauth-js",
    "arctic",
    "argocd",
    "aspnetcore",
    "aspnetcore-api",
    "authjs",
    "authlib",
    "aws-jwt-verify",
    "badgateway-oauth2-client",
    "better-auth",
    "cosign",
    "dovecot",
    "express-oauth2-jwt-bearer",
    "express-openid-connect",
    "fastify-jwt-jwks",
    "flask-oidc",
    "flask-pyoidc",
    "forgejo",
    "gitea",
    "gitlab",
    "go-jwt",
    "go-oidc",
    "google-oauth-client",
    "grafana",
    "hono-oidc-auth",
    "httpx-oauth",
    "idpyoidc",
    "immich",
    "java-jwt",
    "jellyfin",
    "jupyterhub",
    "kafka-broker",
    "kafka-client",
    "keycloak",
    "keycloak-js",
    "kubelogin",
    "kubernetes",
    "kubernetes-python",
    "lemonldap-ng",
    "lwp-authen-oauth2",
    "mcp-python",
    "mcp-remote",
    "mcp-server-python",
    "mcp-server-typescript",
    "mcp-typescript",
    "mod_auth_openidc",
    "mod_oauth2",
    "mozilla-django-oidc",
    "nextcloud",
    "nginx",
    "nimbus",
    "oauth2-proxy",
    "oidc-client-ts",
    "omniauth_openid_connect",
    "outline",
    "pac4j",
    "paperless-ngx",
    "passport-openidconnect",
    "pgadmin",
    "prometheus",
    "python-jwt",
    "quarkus",
    "remix-auth-oauth2",
    "requests-oauthlib",
    "ruby-oauth2",
    "scribejava",
    "simple-oauth2",
    "social-auth",
    "spring-resource-server",
    "spring-security",
    "step",
    "streamlit",
    "superset",
    "synapse",
    "vaultwarden",
    "zitadel-oidc",
];

static PRESETS: LazyLock<Vec<Preset>> = LazyLock::new(|| {
    // A file that cannot be read is found by the tests below.
    let read = |(name, text): &(&'static str, &str)| Some(Preset { name, ..toml::from_str(text).ok()? });
    FILES.iter().filter_map(read).collect()
});

/// What is known about a program.
#[derive(Debug, Deserialize)]
#[cfg_attr(not(feature = "testing"), expect(dead_code, reason = "some of it is for docs/clients.md, which a test writes"))]
#[serde(deny_unknown_fields)]
pub struct Preset {
    /// The name for the command line.
    #[serde(skip)]
    pub name: &'static str,
    /// The name for people.
    pub title: String,
    /// The part of `docs/clients.md` that it is in.
    pub group: Group,
    /// The version that this was tried with.
    pub version: String,
    /// How it was tried.
    pub tried: Tried,
    /// An example of where the program is, if its redirect URIs depend on that.
    pub url: Option<String>,
    /// The settings of its client, by the members of [`ClientMetadata`]; without a name it has the program's. `{url}` stands for
    /// where the program is.
    /// Absent for what is no client.
    pub client: Option<Map<String, Value>>,
    /// Commands at the server besides `client add`.
    pub commands: Option<String>,
    /// What the program itself is told.
    #[serde(default)]
    pub application: Vec<Part>,
    /// What it then knows about the user, or does.
    pub knows: String,
    /// Whether it refreshes tokens.
    pub refresh: String,
    /// Whether it signs the user out.
    pub sign_out: String,
    /// What else there is to know.
    pub notes: Option<String>,
}

/// The parts of `docs/clients.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Group {
    /// Programs that are installed, not written.
    Applications,
    /// Web servers and proxies in front of applications.
    Proxies,
    /// Libraries for JavaScript and TypeScript.
    Javascript,
    /// Libraries for Python.
    Python,
    /// Libraries and programs in Go.
    Go,
    /// Libraries and frameworks for Java.
    Java,
    /// Libraries for other languages.
    Others,
    /// Agents, by the Model Context Protocol.
    Agents,
    /// What checks tokens, and signs nobody in.
    Resources,
}

/// How a program was tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tried {
    /// It runs in `./tests/run`.
    Tests,
    /// It runs in `tests/more-clients`, where its tools are installed.
    MoreClients,
    /// It was run by hand.
    ByHand,
    /// It was not run: this is from its documentation.
    Documentation,
}

/// A part of the program's own configuration, or source.
#[derive(Debug, Deserialize)]
#[cfg_attr(not(feature = "testing"), expect(dead_code, reason = "some of it is for docs/clients.md, which a test writes"))]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// The file, or place, where it stands.
    pub place: String,
    /// The language for syntax highlighting in the document.
    #[serde(default)]
    pub language: String,
    /// Its lines, with placeholders ([`Values`]).
    pub lines: String,
}

/// What placeholders stand for: each name in braces, such as `{issuer}`.
#[derive(Clone, Debug)]
pub struct Values(Vec<(&'static str, String)>);

impl Values {
    /// Those that a server's issuer decides: the members of the discovery document.
    #[must_use]
    pub fn of(issuer: &Issuer) -> Self {
        let endpoints = [
            ("authorization_endpoint", paths::AUTHORIZE),
            ("token_endpoint", paths::TOKEN),
            ("userinfo_endpoint", paths::USERINFO),
            ("introspection_endpoint", paths::INTROSPECT),
            ("revocation_endpoint", paths::REVOKE),
            ("end_session_endpoint", paths::LOGOUT),
            ("jwks_uri", paths::JWKS),
        ];
        let mut values = vec![("issuer", issuer.as_str().to_owned())];
        values.extend(endpoints.map(|(name, path)| (name, issuer.url(path))));
        // For programs that want credentials inside the URL, before its host.
        let introspection = issuer.url(paths::INTROSPECT);
        let (scheme, location) = introspection.split_once("://").unwrap_or_default();
        values.extend([("scheme", scheme.to_owned()), ("introspection_location", location.to_owned())]);
        Self(values)
    }

    /// With one more.
    #[must_use]
    pub fn and(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.0.push((name, value.into()));
        self
    }

    /// The text with its placeholders filled in; other braces stay.
    #[must_use]
    pub fn fill(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, (name, value)| text.replace(&format!("{{{name}}}"), value))
    }

    fn fill_value(&self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.fill(text),
            Value::Array(all) => all.iter_mut().for_each(|one| self.fill_value(one)),
            _ => {}
        }
    }
}

/// Every program, by name.
#[must_use]
pub fn all() -> &'static [Preset] {
    &PRESETS
}

/// The names of those that are clients.
#[must_use]
pub fn names() -> Vec<&'static str> {
    all().iter().filter(|preset| preset.client.is_some()).map(|preset| preset.name).collect()
}

/// The client of this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Preset> {
    all().iter().find(|preset| preset.name == name && preset.client.is_some())
}

impl Preset {
    /// The settings of its client, where it is at `url`.
    ///
    /// # Errors
    /// An address that is absent, needless, or none.
    pub fn settings(&self, url: Option<&str>) -> Result<ClientMetadata, Invalid> {
        let url = self.address(url)?;
        let mut given = self.client.clone().unwrap_or_default();
        given.entry("client_name").or_insert_with(|| self.title.clone().into());
        let values = Values(vec![("url", url)]);
        given.values_mut().for_each(|value| values.fill_value(value));
        ClientMetadata::read(&given)
    }

    /// Where it is, without a slash at the end.
    ///
    /// # Errors
    /// As [`Preset::settings`].
    pub fn address(&self, url: Option<&str>) -> Result<String, Invalid> {
        let example = match (&self.url, url) {
            (None, None) => return Ok(String::new()),
            (None, Some(url)) => return Err(format!("--url: expected none for {}, received '{url}'", self.title).into()),
            (Some(example), None) => {
                return Err(format!("--url: expected the address of {}, such as {example}, received none", self.title).into());
            }
            (Some(example), Some(_)) => example,
        };
        let url = url.unwrap_or_default();
        let parsed = Url::parse(url).ok().filter(|parsed| {
            matches!(parsed.scheme(), "http" | "https") && parsed.query().is_none() && parsed.fragment().is_none()
        });
        if parsed.is_none() {
            return Err(format!("--url: expected an address such as {example}, received '{url}'").into());
        }
        Ok(url.trim_end_matches('/').to_owned())
    }
}

#[cfg(test)]
#[path = "presets_tests.rs"]
mod tests;
