//! Resource indicators (RFC 8707): when two identifiers name one API, and for which APIs a token with certain scopes is. What is
//! registered of an API is `api`; which scopes and APIs a request gets is `requested_access`.

use super::{
    api::Api,
    scope::{ScopeClaims, Scopes},
};
use crate::protocol::oidc::authentication::Class;

/// RFC 8707 §2: the identifier in this list that names the same API: the one that is equal, or else one that is the same, as the
/// list has it.
#[must_use]
pub fn find<'a>(list: &'a [String], uri: &str) -> Option<&'a String> {
    list.iter().find(|known| *known == uri).or_else(|| list.iter().find(|known| is_same(known, uri)))
}

/// Whether two identifiers name the same API: equal up to the case of scheme and host, a default port, and the slash of an empty
/// path (RFC 3986 §6.2.2.1, §6.2.3), which libraries add when they parse a URL. Everything else counts, as it stands.
#[must_use]
pub fn is_same(one: &str, other: &str) -> bool {
    one == other || matches!((Parts::of(one), Parts::of(other)), (Some(one), Some(other)) if one == other)
}

/// An identifier, as it is compared.
#[derive(PartialEq, Eq)]
struct Parts<'a> {
    scheme: String,
    /// User name, host and port, where it has an authority.
    authority: Option<(&'a str, String, &'a str)>,
    rest: &'a str,
}

impl<'a> Parts<'a> {
    fn of(uri: &'a str) -> Option<Self> {
        let (scheme, rest) = uri.split_once(':')?;
        let scheme = scheme.to_ascii_lowercase();
        let Some(hierarchical) = rest.strip_prefix("//") else { return Some(Self { scheme, authority: None, rest }) };
        let (authority, rest) = hierarchical.split_at(hierarchical.find(['/', '?']).unwrap_or(hierarchical.len()));
        let (user, host) = authority.rfind('@').map_or(("", authority), |at| authority.split_at(at));
        let digits = host.bytes().rev().take_while(u8::is_ascii_digit).count();
        let (host, port) = match host.split_at(host.len() - digits) {
            (before, port) if before.ends_with(':') => (before.strip_suffix(':').unwrap_or(before), port),
            _ => (host, ""),
        };
        let port = if matches!((scheme.as_str(), port), ("http", "80") | ("https", "443")) { "" } else { port };
        Some(Self {
            scheme,
            authority: Some((user, host.to_ascii_lowercase(), port)),
            rest: rest.strip_prefix('/').unwrap_or(rest),
        })
    }
}

/// The scopes that this server knows.
#[derive(Clone, Copy, Debug)]
pub struct KnownScopes<'a> {
    /// The operator's own scopes about users, besides the standard ones.
    pub of_users: &'a ScopeClaims,
    /// Every registered API.
    pub apis: &'a [Api],
}

impl KnownScopes<'_> {
    /// Whether there is such a scope.
    #[must_use]
    pub fn knows(&self, scope: &str) -> bool {
        self.of_users.is_of_users(scope) || self.apis.iter().any(|api| api.has(scope))
    }

    /// Whether this API has no scopes of its own, so that no scope can stand for it.
    #[must_use]
    pub fn is_without(&self, uri: &str) -> bool {
        self.apis.iter().any(|api| api.uri == uri && api.scopes.is_empty())
    }

    /// The scopes among these that belong to this API, one of `among`.
    #[must_use]
    pub fn of_api(&self, scopes: &Scopes, uri: &str, among: &[String]) -> Scopes {
        scopes.retain(|scope| self.is_of(scope, uri, among))
    }

    /// Whether one of these scopes belongs to this API, one of `among`.
    #[must_use]
    pub fn has_some(&self, scopes: &Scopes, uri: &str, among: &[String]) -> bool {
        scopes.iter().any(|scope| self.is_of(scope, uri, among))
    }

    /// An API that is not registered, which clients of an older database may have, counts as having the scopes that no other of
    /// these APIs has.
    fn is_of(&self, scope: &str, uri: &str, among: &[String]) -> bool {
        let registered = self.apis.iter().find(|api| api.uri == uri);
        registered.map_or_else(|| self.is_of_none(scope, among), |api| api.has(scope))
    }

    /// Whether this is the scope of an API, but of none of these as they are registered: its API has lost it, or is not registered.
    #[must_use]
    pub fn is_of_none(&self, scope: &str, among: &[String]) -> bool {
        !self.of_users.is_of_users(scope) && !self.apis.iter().any(|api| among.contains(&api.uri) && api.has(scope))
    }

    /// The weakest class of sign-in that all of these APIs accept; `None` means any.
    #[must_use]
    pub fn min_class(&self, uris: &[String]) -> Option<Class> {
        let is_meant = |api: &&Api| uris.iter().any(|uri| is_same(uri, &api.uri));
        self.apis.iter().filter(|api| api.min_acr.is_some()).filter(is_meant).filter_map(|api| api.min_acr).max()
    }

    /// Removes the scopes of those of these APIs, `among`, that a token for `resources` is not for (RFC 8707 §2.2).
    #[must_use]
    pub fn at(&self, scopes: &Scopes, resources: &[String], among: &[String]) -> Scopes {
        scopes.retain(|scope| {
            let mut owners = self.apis.iter().filter(|api| among.contains(&api.uri) && api.has(scope)).peekable();
            owners.peek().is_none() || owners.any(|api| resources.contains(&api.uri))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::oauth::api::tests::api;

    #[test]
    fn names_are_one_up_to_what_parsers_add() {
        for (one, other) in [
            ("https://api.example.com", "https://api.example.com/"),
            ("https://api.example.com", "HTTPS://API.example.COM:443/"),
            ("http://api.example.com:80/v1", "http://api.example.com/v1"),
            ("https://api.example.com:/v1", "https://api.example.com/v1"),
            ("https://api.example.com?a=b", "https://api.example.com/?a=b"),
            ("https://[2001:DB8::1]:443", "https://[2001:db8::1]/"),
            ("api://Notes", "api://notes/"),
            ("URN:example:api", "urn:example:api"),
        ] {
            assert!(is_same(one, other) && is_same(other, one), "{one} {other}");
        }
        for (one, other) in [
            ("https://api.example.com/v1", "https://api.example.com/v1/"),
            ("https://api.example.com/v1", "https://api.example.com/V1"),
            ("https://api.example.com/v1", "https://api.example.com//v1"),
            ("https://api.example.com/", "https://api.example.com//"),
            ("https://api.example.com/a", "https://api.example.com/%61"),
            ("https://api.example.com", "http://api.example.com"),
            ("https://api.example.com", "https://api.example.com:8443"),
            ("https://api.example.com", "https://api.example.com:80"),
            ("https://api.example.com", "https://api.example.com::443"),
            ("https://api.example.com", "https://api.example.com."),
            ("https://api.example.com", "https://api.example.com#"),
            ("https://api.example.com", "https://api.example.com/#"),
            ("https://api.example.com", "https://api.example.com?"),
            ("https://api.example.com", "https://a@api.example.com"),
            ("https://A@api.example.com", "https://a@api.example.com"),
            ("https://[::1]", "https://[::1:443]"),
            ("urn:example:api", "urn:example:API"),
            ("urn:example:api", "urn:example:api/"),
            ("https:api.example.com", "https://api.example.com"),
            ("https://api.example.com", ""),
            ("api", "API"),
        ] {
            assert!(!is_same(one, other) && !is_same(other, one), "{one} {other}");
        }
        let list = ["https://a.example/".to_owned(), "https://a.example".into(), "https://b.example".into()];
        assert_eq!(find(&list, "https://a.example").unwrap(), "https://a.example", "the very same comes first");
        assert_eq!(find(&list, "https://A.example").unwrap(), "https://a.example/");
        assert_eq!((find(&list, "https://b.example/"), find(&list, "https://c.example")), (list.get(2), None));
    }

    #[test]
    fn a_scope_goes_only_where_its_api_is() {
        let apis = [
            api("https://a.example", &["a:read", "both"]),
            api("https://b.example", &["b:read", "both"]),
            api("https://c.example", &[]),
            api("https://other.example", &["legacy"]),
        ];
        let known = KnownScopes { of_users: &ScopeClaims::default(), apis: &apis };
        let owned = |list: &[&str]| list.iter().map(|uri| (*uri).to_owned()).collect::<Vec<_>>();
        let among = owned(&["https://a.example", "https://b.example", "https://c.example", "https://old.example"]);
        let scopes = Scopes::parse("openid a:read b:read both legacy").unwrap();
        let at = |resources: &[&str]| known.at(&scopes, &owned(resources), &among).to_string();
        assert_eq!(at(&["https://a.example", "https://b.example"]), "openid a:read b:read both legacy");
        assert_eq!(at(&["https://a.example"]), "openid a:read both legacy");
        assert_eq!(at(&[]), "openid legacy");
        let of = |uri: &str| known.of_api(&scopes, uri, &among).to_string();
        assert_eq!((of("https://a.example"), of("https://c.example")), ("a:read both".into(), String::new()));
        assert_eq!(of("https://old.example"), "legacy", "what no registered API of the client has may be its");
        assert!(known.is_without("https://c.example") && !known.is_without("https://a.example"));
        for (scope, is_known) in [("openid", true), ("address", true), ("legacy", true), ("b:read", true), ("admin", false)] {
            assert_eq!(known.knows(scope), is_known, "{scope}");
        }
    }
}
