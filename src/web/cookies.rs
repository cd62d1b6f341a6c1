//! Cookies: their names and attributes. With https all are `__Host-`, Secure, HttpOnly and SameSite=Lax (ASVS 3.3); Lax, because a
//! client's redirect to `/authorize` is a navigation from another site. An issuer at `http://localhost` has plain ones: Safari drops
//! Secure cookies there. Browsers send cookies to every port, and `__Host-` ones to every path of a host: where an issuer has a port or
//! a path, the names end in a part of its own, so that two servers on one host do not replace each other's.

use actix_web::{HttpRequest, http::header};

use crate::{config::Issuer, protocol::values::time::Span};

/// A cookie of this server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cookie {
    /// The session credential of a signed-in browser.
    Session,
    /// The random value to which forms shown before sign-in are bound.
    Browser,
    /// Marks a browser that has signed in before; its password attempts are counted separately.
    Device,
    /// The token of an e-mail link that was opened, so that it does not stay in the URL.
    Link,
    /// A sign-in in progress, sealed: what was shown so far.
    SignIn,
    /// That the user has postponed adding another factor.
    NotNow,
    /// The user does not want to make a passkey in this browser this month.
    NoPasskey,
}

/// The lifetime of a cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// Until the browser is closed.
    Session,
    /// A year.
    Long,
    /// This long.
    For(Span),
    /// Zero: the cookie is deleted.
    Delete,
}

impl Cookie {
    /// Its name at every issuer before names were of one issuer.
    const fn old_name(self) -> &'static str {
        match self {
            Self::Session => "__Host-symbolon_session",
            Self::Browser => "__Host-symbolon_browser",
            Self::Device => "__Host-symbolon_device",
            Self::Link => "__Host-symbolon_link",
            Self::SignIn => "__Host-symbolon_sign_in",
            Self::NotNow => "__Host-symbolon_not_now",
            Self::NoPasskey => "__Host-symbolon_no_passkey",
        }
    }

    /// Its name at this issuer.
    #[must_use]
    pub fn name(self, issuer: &Issuer) -> String {
        let (name, suffix) = (self.old_name(), issuer.cookie_suffix());
        let name = if issuer.is_https() { name } else { name.trim_start_matches("__Host-") };
        format!("{name}{suffix}")
    }

    /// The value of a `Set-Cookie` header.
    #[must_use]
    pub fn set(self, issuer: &Issuer, value: &str, keep: Keep) -> String {
        let age = match keep {
            Keep::Session => String::new(),
            Keep::Long => "; Max-Age=31536000".into(),
            Keep::For(span) => format!("; Max-Age={}", span.seconds()),
            Keep::Delete => "; Max-Age=0".into(),
        };
        let secure = if issuer.is_https() { " Secure;" } else { "" };
        format!("{}={value}; Path=/;{secure} HttpOnly; SameSite=Lax{age}", self.name(issuer))
    }

    /// The value of this cookie of a request. A cookie that appears twice was tampered with, and is treated as absent.
    #[must_use]
    pub fn get(self, issuer: &Issuer, request: &HttpRequest) -> Option<String> {
        // Lossy: unreadable cookies of other apps on this host must not hide ours.
        let headers = request.headers().get_all(header::COOKIE).map(|value| String::from_utf8_lossy(value.as_bytes()));
        let text = headers.collect::<Vec<_>>().join(";");
        let own = self.name(issuer);
        // Users stay signed in, and their browsers known, when an older version is replaced. If that cookie is another server's, its
        // MAC is not ours. What it is bound to ends with the session, so it need not be deleted.
        let is_kept = matches!(self, Self::Session | Self::Device);
        let pairs = || text.split(';').filter_map(|pair| pair.trim().split_once('='));
        let name = if is_kept && pairs().all(|(name, _)| name != own) { self.old_name() } else { own.as_str() };
        let mut values = pairs().filter(|(other, _)| *other == name);
        match (values.next(), values.next()) {
            (Some((_, value)), None) if !value.is_empty() && value.len() <= 512 => Some(value.to_owned()),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn issuer(text: &str) -> Issuer {
        Issuer::parse(text).unwrap()
    }

    #[test]
    fn names_are_of_one_issuer_and_what_browsers_take() {
        let set = |text: &str| Cookie::Session.set(&issuer(text), "x", Keep::Session);
        let root = "__Host-symbolon_session=x; Path=/; Secure; HttpOnly; SameSite=Lax";
        assert_eq!(set("https://id.example.com"), root, "as before");
        assert_eq!(set("http://localhost"), "symbolon_session=x; Path=/; HttpOnly; SameSite=Lax");
        let names = [
            "https://id.example.com",
            "https://id.example.com:8443",
            "https://id.example.com/a",
            "https://id.example.com/b",
            "http://localhost:8080",
            "http://localhost:8081",
            "http://127.0.0.1:8080",
        ]
        .map(|text| Cookie::Session.name(&issuer(text)));
        for (index, name) in names.iter().enumerate() {
            assert!(!names[..index].contains(name), "{names:?}");
            assert_eq!(name.starts_with("__Host-"), index < 4, "{name}");
        }
    }

    #[test]
    fn the_old_name_is_read_until_the_new_one_is_set() {
        let id = issuer("https://id.example.com:8443");
        let received = |cookie: Cookie, header: &str| {
            let request = actix_web::test::TestRequest::default().insert_header((header::COOKIE, header)).to_http_request();
            cookie.get(&id, &request)
        };
        let own = Cookie::Session.name(&id);
        assert_eq!(received(Cookie::Session, "__Host-symbolon_session=old").as_deref(), Some("old"));
        assert_eq!(received(Cookie::Session, &format!("__Host-symbolon_session=old; {own}=new")).as_deref(), Some("new"));
        assert_eq!(received(Cookie::Session, &format!("{own}=a; {own}=b; __Host-symbolon_session=old")), None);
        assert_eq!(received(Cookie::Session, "symbolon_session=plain"), None);
        assert_eq!(received(Cookie::Browser, "__Host-symbolon_browser=old"), None);
    }
}
