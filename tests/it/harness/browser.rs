//! A browser without a screen: cookies, forms and redirects, one step at a time. As Safari it keeps no Secure cookie that came by
//! http, unless the test has a proxy say that it came by https; and it never leaves the server: a redirect elsewhere ends the flow.

use std::collections::BTreeMap;

use symbolon::testing::{
    config::Issuer,
    protocol::{oauth::client::Client, values::params},
};

use super::{
    CHALLENGE, PASSWORD, Server,
    jar::{Jar, short_name},
};

/// A response as received.
#[derive(Clone, Debug)]
pub struct Page {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

/// One browser's cookies, at one server.
#[derive(Clone)]
pub struct Browser {
    url: String,
    pub cookies: Jar,
    /// The headers sent with every request besides its cookies.
    pub headers: Vec<(&'static str, String)>,
}

impl Page {
    /// A header.
    pub fn header(&self, name: &str) -> Option<&str> {
        header(&self.headers, name)
    }

    /// The target of a redirect, without the empty fragment that ends each `Location` (RFC 9110 §10.2.2).
    #[track_caller]
    pub fn location(&self) -> &str {
        let location = self.header("location").unwrap_or_else(|| panic!("no Location in {self:?}"));
        assert!(location.contains('#'), "a Location that inherits a fragment: {self:?}");
        location.strip_suffix('#').unwrap_or(location)
    }

    /// The value of an attribute of the first tag that contains `mark`, with HTML entities undone.
    pub fn attribute(&self, mark: &str, name: &str) -> String {
        let tag = self.body.split('<').find(|tag| tag.contains(mark)).unwrap_or_else(|| panic!("no {mark} in {}", self.body));
        let (_, rest) = tag.split_once(&format!(" {name}=\"")).unwrap_or_else(|| panic!("no {name} in <{tag}"));
        unescape(rest.split('"').next().unwrap())
    }

    /// Whether it is the page of this name.
    pub fn is(&self, name: &str) -> bool {
        self.data("page") == Some(name)
    }

    /// The state of a page that can show several: `signed-in` of `home`.
    pub fn state(&self) -> Option<&str> {
        self.data("state")
    }

    /// The completed action that the page reports.
    pub fn done(&self) -> Option<&str> {
        self.data("done")
    }

    /// The problem that the page reports.
    pub fn problem(&self) -> Option<&str> {
        self.data("problem")
    }

    /// A `data-` attribute of its `<main>` (`src/pages/state.rs`).
    fn data(&self, name: &str) -> Option<&str> {
        let main = self.body.split_once("<main ")?.1.split_once('>')?.0;
        Some(main.split_once(&format!(" data-{name}=\""))?.1.split_once('"')?.0.trim())
    }

    /// The CSRF token of the form whose action starts with this path.
    pub fn csrf(&self) -> String {
        self.attribute("name=\"csrf\"", "value")
    }
}

impl Browser {
    /// A new browser without cookies.
    pub fn new(server: &Server) -> Self {
        Self { cookies: Jar::new(server.app.config.issuer.clone()), ..Self::at(&server.url) }
    }

    /// As [`Browser::new`], for a server in another process.
    pub fn at(url: &str) -> Self {
        Self { url: url.to_owned(), cookies: Jar::new(Issuer::parse(url).unwrap()), headers: vec![] }
    }

    /// The same browser, at another server of the same issuer.
    pub fn elsewhere(&self, server: &Server) -> Self {
        Self { url: server.url.clone(), ..self.clone() }
    }

    /// Sends a request with the cookies, and stores those of the response.
    pub fn send(&mut self, method: &str, path: &str, form: Option<&[(&str, &str)]>) -> Page {
        let cookie = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ");
        let mut headers: Vec<_> = self.headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        if !cookie.is_empty() {
            headers.push(("Cookie", &cookie));
        }
        let mut page = send(method, &format!("{}{path}", self.url), &headers, form.map(encode).as_deref());
        for (_, line) in page.headers.iter_mut().filter(|(name, _)| name == "set-cookie") {
            let (pair, attributes) = line.split_once(';').unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            if attributes.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else if !attributes.contains(" Secure;") || self.is_https() {
                self.cookies.receive(name, value);
            }
            *line = format!("{}={value};{attributes}", short_name(name));
        }
        page
    }

    /// Whether the issuer is https: the test stands for the proxy that has its certificate.
    fn is_https(&self) -> bool {
        self.cookies.is_https() || self.headers.iter().any(|(name, value)| *name == "X-Forwarded-Proto" && value == "https")
    }

    /// `GET`.
    pub fn get(&mut self, path: &str) -> Page {
        self.send("GET", path, None)
    }

    /// The path of `/authorize` with a valid request of this client, and further parameters.
    pub fn request(client: &Client, scope: &str, more: &[(&str, &str)]) -> String {
        let mut pairs = vec![
            ("client_id", client.id.as_str()),
            ("redirect_uri", client.settings.redirect_uris[0].as_str()),
            ("response_type", "code"),
            ("scope", scope),
            ("state", "st4te"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ];
        pairs.retain(|(name, _)| !more.iter().any(|(other, _)| other == name));
        pairs.extend(more);
        format!("/authorize?{}", params::encode(pairs))
    }

    /// Fills in the sign-in page at this path.
    pub fn sign_in_at(&mut self, path: &str, username: &str, password: &str) -> Page {
        let page = self.get(path);
        assert_eq!(page.status, 200, "{page:?}");
        let (action, csrf) = (page.attribute("form ", "action"), page.csrf());
        self.send("POST", &action, Some(&[("username", username), ("password", password), ("csrf", &csrf)]))
    }

    /// Signs in without a client.
    pub fn sign_in(&mut self, username: &str) {
        let page = self.sign_in_at("/login", username, PASSWORD);
        assert_eq!((page.status, page.location()), (303, "/"), "{page:?}");
    }

    /// Follows the pages from a path to the redirect out of the server: signs in and consents where asked.
    pub fn follow(&mut self, path: &str, username: &str, decision: &str) -> Page {
        let mut page = self.get(path);
        for _ in 0..8 {
            if page.status != 303 || !page.location().starts_with('/') {
                return page;
            }
            let to = page.location().to_owned();
            page = if to.starts_with("/login") {
                self.sign_in_at(&to, username, PASSWORD)
            } else if to.starts_with("/consent") {
                let shown = self.get(&to);
                let (action, csrf) = (shown.attribute("form ", "action"), shown.csrf());
                self.send("POST", &action, Some(&[("decision", decision), ("csrf", &csrf)]))
            } else {
                self.get(&to)
            };
        }
        panic!("no way out of {path}: {page:?}")
    }

    /// Signs in, consents, and takes the code.
    pub fn code(&mut self, client: &Client, username: &str, scope: &str) -> String {
        self.code_of(client, username, scope, &[])
    }

    /// As [`Browser::code`], with further parameters.
    pub fn code_of(&mut self, client: &Client, username: &str, scope: &str, more: &[(&str, &str)]) -> String {
        let page = self.follow(&Self::request(client, scope, more), username, "allow");
        let query = query_of(page.location());
        query.get("code").unwrap_or_else(|| panic!("no code in {page:?}")).clone()
    }
}

/// The parameters in the query or fragment of a URL.
pub fn query_of(url: &str) -> BTreeMap<String, String> {
    let url = url.strip_suffix('#').unwrap_or(url);
    let (_, query) = url.split_once(['?', '#']).unwrap_or_default();
    query.split('&').filter_map(|pair| pair.split_once('=')).map(|(n, v)| (n.to_owned(), params::decode(v).unwrap())).collect()
}

/// Encodes a form.
pub fn encode(form: &[(&str, &str)]) -> String {
    params::encode(form.iter().copied())
}

/// Sends a request, without cookies and without following redirects.
pub fn send(method: &str, url: &str, headers: &[(&str, &str)], body: Option<&str>) -> Page {
    try_send(method, url, headers, body).unwrap_or_else(|error| panic!("{method} {url}: {error}"))
}

/// As [`send`], where there may be no response.
pub fn try_send(method: &str, url: &str, headers: &[(&str, &str)], body: Option<&str>) -> Result<Page, ureq::Error> {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .max_redirects(0)
        .max_redirects_will_error(false)
        .http_status_as_error(false)
        .allow_non_standard_methods(true)
        .timeout_global(Some(std::time::Duration::from_mins(1)))
        .build()
        .into();
    let mut request = ureq::http::Request::builder().method(method).uri(url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    if body.is_some() && !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type")) {
        request = request.header("Content-Type", "application/x-www-form-urlencoded");
    }
    let mut response = match body {
        Some(body) => agent.run(request.body(body.to_owned()).unwrap()),
        None => agent.run(request.body(()).unwrap()),
    }?;
    let headers =
        response.headers().iter().map(|(n, v)| (n.to_string(), String::from_utf8_lossy(v.as_bytes()).into_owned())).collect();
    Ok(Page { status: response.status().as_u16(), headers, body: response.body_mut().read_to_string().unwrap_or_default() })
}

/// A header from a list.
pub fn header<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
}

fn unescape(text: &str) -> String {
    text.replace("&#34;", "\"").replace("&#39;", "'").replace("&#60;", "<").replace("&#62;", ">").replace("&#38;", "&")
}
