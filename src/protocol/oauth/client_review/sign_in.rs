//! Findings about sign-in and sign-out at a client: PKCE, redirect URIs, refresh tokens (RFC 9700 §2, RFC 8252), logout, and the
//! subject identifier it receives.

use super::{
    Facts,
    Level::{Advice, Ok as Good, Problem},
    Lines, host, redirect_hosts,
};
use crate::protocol::{
    oauth::{
        client::{Client, ClientKind, GrantType, PkceRule},
        scope::OFFLINE_ACCESS,
    },
    values::time::Span,
};

/// Beyond this, a longer window helps a thief with a stolen token, while a lost response has been retried long ago.
const LONG_RETRY_WINDOW: Span = Span::from_seconds(60);

/// Below this, users have to sign in so often that they stop checking where they type their password.
const SHORT_MAX_AUTH_AGE: Span = Span::from_seconds(3_600);

/// Whether the client is in development: responses go to the developer's own machine alone. Plain http can be registered for nothing
/// but loopback (`redirect_uri::check_registration`).
fn is_development(client: &Client) -> bool {
    client.settings.redirect_uris.iter().all(|uri| uri.starts_with("http:"))
}

impl Lines {
    pub(super) fn pkce(&mut self, client: &Client, facts: &Facts<'_>) {
        const SETTING: &str = "PKCE";
        const SECTION: &str = "RFC 9700 2.1.1";
        const PIN: &str = "required (symbolon client set ID --pkce required)";
        let rule = client.settings.pkce_rule();
        let is = match rule {
            PkceRule::Required => return self.say(Good, SETTING, "required", "required", SECTION),
            PkceRule::OrNonce => "required, unless a request has openid and a nonce",
            PkceRule::Optional => "optional",
        };
        if facts.uses_pkce {
            return self.say(Advice, SETTING, &format!("{is}; its last sign-ins all had it"), PIN, SECTION);
        }
        match rule {
            PkceRule::Optional => {
                let should_be = "or_nonce, if it sends a nonce (symbolon client set ID --pkce or_nonce), or required";
                self.say(Advice, SETTING, is, should_be, SECTION);
            }
            _ => self.say(Good, SETTING, is, "required, if the client can use PKCE", SECTION),
        }
    }

    pub(super) fn redirect_uris(&mut self, client: &Client) {
        const SETTING: &str = "redirect URI";
        let is_local = is_development(client);
        for uri in &client.settings.redirect_uris {
            let is_http = uri.starts_with("http:");
            match (is_http, client.settings.kind) {
                (true, ClientKind::Native) if host(uri).as_deref() == Some("localhost") => {
                    let is = format!("{uri}: a host name, which may resolve elsewhere");
                    self.say(Advice, SETTING, &is, "http://127.0.0.1 or http://[::1]", "RFC 8252 8.3");
                }
                (true, ClientKind::Native) => self.say(Good, SETTING, uri, "loopback IP address, any port", "RFC 8252 7.3"),
                (true, _) if is_local => {
                    let is = format!("{uri}: on loopback, for development");
                    self.say(Good, SETTING, &is, "https once others use it", "RFC 9700 2.6");
                }
                (true, _) => {
                    let is = format!("{uri}: not encrypted, for development only, of a client with other redirect URIs");
                    self.say(Problem, SETTING, &is, "https", "RFC 9700 2.6");
                }
                (false, _) if uri.starts_with("https:") => self.say(Good, SETTING, uri, "https, matched exactly", "RFC 9700 2.1"),
                (false, _) => {
                    let is = format!("{uri}: another app can claim this scheme");
                    self.say(Advice, SETTING, &is, "a claimed https URI, if the platform supports them", "RFC 8252 7.2");
                }
            }
        }
        for origin in client.settings.cors_origins.iter().filter(|origin| origin.starts_with("http:")) {
            let level = if is_local { Good } else { Advice };
            self.say(level, "CORS origin", &format!("{origin}: not encrypted"), "https", "RFC 9700 2.6");
        }
    }

    pub(super) fn refresh(&mut self, client: &Client, facts: &Facts<'_>) {
        const SETTING: &str = "scope";
        let has_refresh = client.settings.may_use(GrantType::RefreshToken);
        if client.settings.scope.contains(OFFLINE_ACCESS) {
            let is = "offline_access: its refresh tokens outlive the browser session";
            match (has_refresh, client.settings.kind) {
                (false, _) => {
                    let is = "offline_access, without refresh tokens";
                    self.say(Problem, SETTING, is, "refresh tokens (--refresh), or remove this scope", "OpenID Connect Core 11");
                }
                (true, ClientKind::Spa) => {
                    self.say(Advice, SETTING, is, "none in a browser, unless users expect it", "RFC 10017 6.3.2.3");
                }
                (true, _) => self.say(Good, SETTING, is, "only if it works while the user is away", "OpenID Connect Core 11"),
            }
        }
        if !has_refresh {
            return;
        }
        let window = client.settings.refresh_retry_window.unwrap_or(facts.retry_window);
        let (level, is) = match window {
            Span::ZERO => (Advice, "0s: a lost response forces the user to sign in again".to_owned()),
            long if long > LONG_RETRY_WINDOW => {
                (Advice, format!("{long}: the previous token still works for this long if stolen"))
            }
            good => (Good, good.to_string()),
        };
        self.say(level, "retry window", &is, "as long as the client retries, such as 30s", "RFC 9700 4.14.2");
    }

    pub(super) fn consent(&mut self, client: &Client) {
        if client.settings.first_party {
            let is = "given by the operator: users are not asked";
            self.say(Advice, "consent", is, "requested of users, unless the app is your own", "RFC 6749 10.2");
        }
    }

    pub(super) fn max_auth_age(&mut self, client: &Client) {
        const SETTING: &str = "max auth age";
        const SECTION: &str = "SP 800-63B-4 2.1.3";
        let Some(max_auth_age) = client.settings.max_auth_age else {
            let should_be =
                "a duration (symbolon client set ID --max-auth-age DURATION), if users should sign in again regularly";
            return self.say(Good, SETTING, "none: a sign-in is valid for as long as a grant", should_be, SECTION);
        };
        let is = format!("{max_auth_age}: after that, its tokens are rejected and users sign in again");
        if max_auth_age < SHORT_MAX_AUTH_AGE {
            let should_be = "an hour or more: users who are asked too often enter their password anywhere";
            return self.say(Advice, SETTING, &is, should_be, SECTION);
        }
        self.say(Good, SETTING, &is, "as long as the protected data allows", SECTION);
    }

    pub(super) fn logout(&mut self, client: &Client) {
        const SETTING: &str = "after sign-out";
        if client.settings.post_logout_redirect_uris.is_empty() {
            let is = "none: users who sign out stay on this server's page";
            self.say(
                Advice,
                SETTING,
                is,
                "one (symbolon client set ID --post-logout-redirect-uri URI)",
                "RP-Initiated Logout 3.1",
            );
        }
        for uri in &client.settings.post_logout_redirect_uris {
            let is_good = client.settings.kind == ClientKind::Native || is_development(client) || !uri.starts_with("http:");
            self.say(if is_good { Good } else { Advice }, SETTING, uri, "https, matched exactly", "RP-Initiated Logout 3.1");
        }
        match &client.settings.backchannel_logout_uri {
            None if client.settings.kind == ClientKind::Web => {
                let is = "none: its own sessions continue when users sign out here";
                let should_be = "a URL (symbolon client set ID --backchannel-logout-uri URL)";
                self.say(Advice, "back-channel logout", is, should_be, "Back-Channel Logout 2.2");
            }
            None => {}
            Some(uri) => {
                let level = if uri.starts_with("http:") { Advice } else { Good };
                self.say(level, "back-channel logout", uri, "https", "Back-Channel Logout 2.2");
            }
        }
    }

    pub(super) fn subjects(&mut self, client: &Client) {
        let Some(sector) = &client.settings.pairwise_sector else {
            return self.say(
                Good,
                "subjects",
                "the same for every client",
                "pairwise, if clients must not correlate users",
                "OpenID Connect Core 8",
            );
        };
        let hosts = redirect_hosts(&client.settings);
        if hosts.iter().all(|host| host == sector) {
            return self.say(Good, "subjects", &format!("pairwise in {sector}"), "pairwise", "OpenID Connect Core 8.1");
        }
        let is = format!("pairwise in {sector}, responses go to {}", hosts.join(", "));
        self.say(Advice, "subjects", &is, "hosts of one owner, as all of them see the same subjects", "OpenID Connect Core 8.1");
    }
}
