//! The URL paths of the server, each defined once: the route table, the links on pages and the discovery document all use them.
//! Paths are relative to the issuer, which may have a path of its own.

use std::borrow::Cow;

use crate::protocol::{account::link::LinkKind, values::id::Id};

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
/// Where password managers look for the page that changes the password; at the root of the host.
pub const CHANGE_PASSWORD: &str = "/.well-known/change-password";
/// Where password managers look for the pages that add and show passkeys; at the root of the host.
pub const PASSKEY_ENDPOINTS: &str = "/.well-known/passkey-endpoints";
/// The other origins at which passkeys of this server may be used (Web Authentication Level 3 §5.11); at the root of the host.
pub const RELATED_ORIGINS: &str = "/.well-known/webauthn";
/// The icon that browsers ask for; at the root of the host.
pub const FAVICON: &str = "/favicon.ico";
/// Sign-in page.
pub const LOGIN: &str = "/login";
/// The page that asks for another factor: to complete a sign-in, for an app that needs more, or to confirm that it is the user.
pub const SECOND_FACTOR: &str = "/login/verify";
/// Signs in with a passkey.
pub const LOGIN_PASSKEY: &str = "/login/passkey";
/// What a browser is asked anew, for the script of a sign-in page that has been open for minutes.
pub const LOGIN_PASSKEY_OPTIONS: &str = "/login/passkey/options";
/// Consent page.
pub const CONSENT: &str = "/consent";
/// Account selection page.
pub const SELECT_ACCOUNT: &str = "/select-account";
/// Sign-out page, and the end session endpoint (RP-Initiated Logout §2).
pub const LOGOUT: &str = "/logout";
/// The account overview: devices and apps.
pub const ACCOUNT: &str = "/account";
/// Ends sessions and access.
pub const ACCOUNT_END: &str = "/account/end";
/// Names a device.
pub const ACCOUNT_NAME: &str = "/account/name";
/// The history of one grant; its id follows.
pub const ACCOUNT_GRANTS: &str = "/account/grants";
/// The activity of the account.
pub const ACCOUNT_ACTIVITY: &str = "/account/activity";
/// "This was not me", for a signed-in user.
pub const ACCOUNT_NOT_ME: &str = "/account/not-me";
/// Cancels the removal of what the user signs in with, which an operator has requested.
pub const ACCOUNT_CANCEL_RESET: &str = "/account/cancel-reset";
/// Changing the password.
pub const ACCOUNT_PASSWORD: &str = "/account/password";
/// What the user can sign in with.
pub const ACCOUNT_SECURITY: &str = "/account/security";
/// Removes a way to sign in.
pub const ACCOUNT_REMOVE: &str = "/account/security/remove";
/// Renames a way to sign in.
pub const ACCOUNT_RENAME: &str = "/account/security/rename";
/// Adds a TOTP app.
pub const ACCOUNT_TOTP_ADD: &str = "/account/totp/add";
/// New recovery codes.
pub const ACCOUNT_RECOVERY_CODES: &str = "/account/recovery-codes";
/// Changing the e-mail address.
pub const ACCOUNT_EMAIL: &str = "/account/email";
/// Changing the display name.
pub const ACCOUNT_DETAILS: &str = "/account/details";
/// Asks a user to add another factor, before an app or the account pages.
pub const ACCOUNT_ENROL: &str = "/account/enrol";
/// Adding a passkey.
pub const ACCOUNT_PASSKEY_ADD: &str = "/account/passkeys/add";
/// Offering a passkey after a sign-in with the password.
pub const ACCOUNT_PASSKEY_OFFER: &str = "/account/passkeys/offer";
/// The data stored about a user.
pub const ACCOUNT_DATA: &str = "/account/data";
/// The data as a file.
pub const ACCOUNT_EXPORT: &str = "/account/export";
/// Deletes the account.
pub const ACCOUNT_DELETE: &str = "/account/delete";
/// Requesting a registration.
pub const REGISTER: &str = "/register";
/// Completing the registration, by a link.
pub const REGISTER_FINISH: &str = "/register/finish";
/// Requesting a password reset.
pub const RECOVER: &str = "/recover";
/// Setting the new password, by a link.
pub const RECOVER_PASSWORD: &str = "/recover/password";
/// Confirming an e-mail address, by a link.
pub const CONFIRM_EMAIL: &str = "/confirm-email";
/// "This was not me", by a link.
pub const NOT_ME: &str = "/not-me";
/// The home page: the signed-in user.
pub const HOME: &str = "/";
/// Style sheets, pictures and scripts, by hashed name.
pub const STATIC: &str = "/static";
/// Liveness.
pub const HEALTHZ: &str = "/healthz";
/// Readiness.
pub const READYZ: &str = "/readyz";
/// The counters, on a socket of their own.
pub const METRICS: &str = "/metrics";

/// The path that a link in an e-mail leads to.
#[must_use]
pub const fn of_link(kind: LinkKind) -> &'static str {
    match kind {
        LinkKind::Register | LinkKind::Invitation => REGISTER_FINISH,
        LinkKind::Reset => RECOVER_PASSWORD,
        LinkKind::ConfirmEmail => CONFIRM_EMAIL,
        LinkKind::NotMe => NOT_ME,
    }
}

/// The path of the history of one grant.
#[must_use]
pub fn of_grant(id: Id) -> String {
    format!("{ACCOUNT_GRANTS}/{id}")
}

/// Whether the page at this path may be used with a sign-in that is too weak for the account: it is on the way to a stronger one.
#[must_use]
pub fn leads_to_strength(path: &str) -> bool {
    const PARTS: [&str; 5] =
        [ACCOUNT_ENROL, "/account/passkeys", "/account/totp", "/account/recovery-codes", "/account/security"];
    PARTS.iter().any(|part| path.strip_prefix(part).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
}

/// The account page at this path, if there is one: users may be returned to it after signing in. The result is made of this list's
/// own texts and an id, never the caller's text.
#[must_use]
pub fn account_page(path: &str) -> Option<Cow<'static, str>> {
    let pages = [
        ACCOUNT,
        ACCOUNT_ACTIVITY,
        ACCOUNT_SECURITY,
        ACCOUNT_REMOVE,
        ACCOUNT_PASSKEY_ADD,
        ACCOUNT_TOTP_ADD,
        ACCOUNT_RECOVERY_CODES,
        ACCOUNT_PASSWORD,
        ACCOUNT_EMAIL,
        ACCOUNT_DETAILS,
        ACCOUNT_DATA,
    ];
    let grant = || path.strip_prefix(ACCOUNT_GRANTS)?.strip_prefix('/').and_then(|id| Id::parse(id).ok());
    pages.into_iter().find(|page| *page == path).map(Cow::from).or_else(|| grant().map(of_grant).map(Cow::from))
}
