//! Every URL path of the server, once. The route table, the links of the pages and the discovery document
//! all read it here. Paths are relative to the issuer, which may have a path of its own.

/// Authorization endpoint (RFC 6749 §3.1).
pub const AUTHORIZE: &str = "/authorize";
/// Token endpoint (RFC 6749 §3.2).
pub const TOKEN: &str = "/token";
/// `UserInfo` endpoint (OpenID Connect Core §5.3).
pub const USERINFO: &str = "/userinfo";
/// Introspection endpoint (RFC 7662 §2).
pub const INTROSPECT: &str = "/introspect";
/// Revocation endpoint (RFC 7009 §2).
pub const REVOKE: &str = "/revoke";
/// The published keys (RFC 7517 §5).
pub const JWKS: &str = "/.well-known/jwks.json";
/// Discovery (OpenID Connect Discovery §4), below the issuer.
pub const OPENID_CONFIGURATION: &str = "/.well-known/openid-configuration";
/// Discovery (RFC 8414 §3), between host and path of the issuer.
pub const OAUTH_METADATA: &str = "/.well-known/oauth-authorization-server";
/// Sign-in page.
pub const LOGIN: &str = "/login";
/// Consent page.
pub const CONSENT: &str = "/consent";
/// Account selection page.
pub const SELECT_ACCOUNT: &str = "/select-account";
/// Sign-out page, and the end session endpoint (RP-Initiated Logout §2).
pub const LOGOUT: &str = "/logout";
/// Who is signed in.
pub const HOME: &str = "/";
/// Style sheets, pictures and scripts, by hashed name.
pub const STATIC: &str = "/static";
/// Alive.
pub const HEALTHZ: &str = "/healthz";
/// Ready to serve.
pub const READYZ: &str = "/readyz";
