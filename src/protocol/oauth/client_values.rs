//! The values of a client's settings (`client_metadata`) by their registered names, where specifications have registered them.

use crate::protocol::values::names::names;

/// The kind of a client (RFC 6749 §2.1, RFC 8252, RFC 10017).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientKind {
    /// A single-page app in a browser: public.
    Spa,
    /// An app on a device: public.
    Native,
    /// A web app with a server: confidential.
    Web,
    /// A service that acts on its own behalf: confidential, without redirect URIs.
    Service,
}

/// How a client authenticates (RFC 7591 §2). Discovery lists what to prefer first: some clients take the first method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthMethod {
    /// It does not: a public client.
    None,
    /// HTTP Basic (RFC 6749 §2.3.1).
    ClientSecretBasic,
    /// `client_id` and `client_secret` in the body.
    ClientSecretPost,
    /// A JWT signed with the client's own key (RFC 7523, OpenID Connect Core §9).
    PrivateKeyJwt,
}

/// What a client's assertions may name as their audience.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AssertionAudience {
    /// The issuer alone (RFC 10070).
    #[default]
    Issuer,
    /// The URL of the token endpoint as well (OpenID Connect Core §9), which many libraries send.
    TokenEndpoint,
}

/// Which claims about a user a client's ID tokens have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IdTokenClaims {
    /// Those of the granted scopes `profile`, `email`, `roles` and `groups`: many clients read no others.
    #[default]
    Granted,
    /// Only those that are requested individually (OpenID Connect Core §5.5); the others are at `/userinfo`.
    Requested,
}

/// The grant types of the token endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GrantType {
    /// RFC 6749 §4.1.
    AuthorizationCode,
    /// RFC 6749 §6.
    RefreshToken,
    /// RFC 6749 §4.4.
    ClientCredentials,
}

/// Whether PKCE is required of a client (RFC 9700 §2.1.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PkceRule {
    /// Always, as of every public client.
    Required,
    /// Unless an OpenID Connect request has a `nonce`, which its client compares with that of the ID token.
    #[default]
    OrNonce,
    /// Only verified when sent; for old confidential clients.
    Optional,
}

/// Where a client's public keys come from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ClientKeySource {
    /// It has none.
    #[default]
    None,
    /// Registered with it: a JWK set as JSON.
    Inline(String),
    /// Fetched from a URL of the client's.
    Url(String),
}

names!(ClientKind { Spa = "spa", Native = "native", Web = "web", Service = "service" });
names!(AuthMethod {
    ClientSecretBasic = "client_secret_basic",
    ClientSecretPost = "client_secret_post",
    PrivateKeyJwt = "private_key_jwt",
    None = "none",
});
names!(AssertionAudience { Issuer = "issuer", TokenEndpoint = "token-endpoint" });
names!(IdTokenClaims { Granted = "granted", Requested = "requested" });
names!(GrantType {
    AuthorizationCode = "authorization_code",
    RefreshToken = "refresh_token",
    ClientCredentials = "client_credentials",
});
names!(PkceRule { Required = "required", OrNonce = "or_nonce", Optional = "optional" });
