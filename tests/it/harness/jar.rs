//! The cookies of a browser at one server. Tests name them without what makes a name that of one issuer: `symbolon_session` is
//! `__Host-symbolon_session`, or `symbolon_session_0123456789` of an issuer with a port.

use std::{collections::BTreeMap, ops::Deref};

use symbolon::testing::{config::Issuer, web::cookies::Cookie};

/// Cookies by their real names, which [`Deref`] shows; the methods take either name.
#[derive(Clone, Debug, PartialEq)]
pub struct Jar {
    issuer: Issuer,
    cookies: BTreeMap<String, String>,
}

/// The name of a cookie at any issuer.
pub fn short_name(name: &str) -> &str {
    let name = name.strip_prefix("__Host-").unwrap_or(name);
    match name.rsplit_once('_') {
        Some((name, suffix)) if suffix.len() == 10 && suffix.bytes().all(|b| b.is_ascii_hexdigit()) => name,
        _ => name,
    }
}

impl Jar {
    /// No cookies of a server with this issuer.
    pub fn new(issuer: Issuer) -> Self {
        Self { issuer, cookies: BTreeMap::new() }
    }

    /// The real name of a cookie.
    pub fn name(&self, name: &str) -> String {
        if let Some(known) = self.cookies.keys().find(|known| short_name(known) == short_name(name)) {
            return known.clone();
        }
        let all = [Cookie::Session, Cookie::Browser, Cookie::Device, Cookie::Link, Cookie::SignIn]
            .map(|cookie| cookie.name(&self.issuer));
        all.into_iter().find(|own| short_name(own) == short_name(name)).unwrap_or_else(|| name.to_owned())
    }

    /// Whether the issuer is https.
    pub fn is_https(&self) -> bool {
        self.issuer.is_https() || self.cookies.keys().any(|name| name.starts_with("__Host-"))
    }

    pub fn get(&self, name: &str) -> Option<&String> {
        self.cookies.get(&self.name(name))
    }

    pub fn contains_key(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    pub fn insert(&mut self, name: &str, value: String) -> Option<String> {
        self.cookies.insert(self.name(name), value)
    }

    /// As [`Jar::insert`], of a cookie that a server has set, by its real name.
    pub fn receive(&mut self, name: &str, value: &str) {
        self.cookies.insert(name.to_owned(), value.to_owned());
    }

    pub fn remove(&mut self, name: &str) -> Option<String> {
        self.cookies.remove(&self.name(name))
    }

    pub fn clear(&mut self) {
        self.cookies.clear();
    }
}

impl Deref for Jar {
    type Target = BTreeMap<String, String>;

    fn deref(&self) -> &BTreeMap<String, String> {
        &self.cookies
    }
}

impl std::ops::Index<&str> for Jar {
    type Output = String;

    fn index(&self, name: &str) -> &String {
        self.get(name).unwrap_or_else(|| panic!("no cookie {name} in {:?}", self.cookies))
    }
}
