//! HTTP calls to URLs that clients registered (a `jwks_uri`: RFC 7591 §2; a back-channel logout URI): the one place that makes
//! them, guarded against SSRF (ASVS 1.3.6, Back-Channel Logout §4). When to call is the caller's. `ureq`, because it blocks, as our
//! handlers do; its resolver can be replaced, so that the checked address is the one connected to; one deadline covers name,
//! connection, TLS and body; redirects, proxies, cookies and compression are off or not compiled in.

mod addresses;

use std::{fmt, net::IpAddr, time::Duration};

use ureq::{
    Agent,
    tls::{Certificate, RootCerts, TlsConfig},
    unversioned::{
        resolver::{DefaultResolver, Resolver},
        transport::DefaultConnector,
    },
};
use url::Url;

use addresses::{Judge, Refused};

use crate::{
    config::OutboundSettings,
    protocol::{error::Invalid, values::remote_url::is_loopback},
};

/// The deadline for everything: name, connection, TLS, request, response.
const TIME: Duration = Duration::from_secs(5);
/// The maximum size of a response's body, and of its head.
const MAX_BYTES: usize = 64 * 1024;

/// Makes the calls. Clones share everything; nothing is kept between two calls.
#[derive(Clone)]
pub struct Outbound {
    agent: Agent,
}

/// The reason why a call failed, for the operator: it contains no query and no body.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OutboundError {
    /// The URL may not be called; what was expected.
    #[error("URL not allowed: expected {0}")]
    RefusedUrl(&'static str),
    /// The host has only addresses that are neither public nor in `outbound_allowlist`; one of them.
    #[error("{0} is not allowed: it is not a public address, and not in outbound_allowlist")]
    RefusedAddress(IpAddr),
    /// A response with this status: a redirect, which is not followed, or in [`Outbound::get`] anything but 200.
    #[error(
        "{}", if (300..400).contains(.0) { format!("responded with {}: redirects are not followed", .0) } else { format!("answered {}", .0) }
    )]
    Status(u16),
    /// The response has more than 64 KiB.
    #[error("the response is larger than {} KiB", MAX_BYTES / 1024)]
    TooLarge,
    /// The response was not complete after 5 seconds.
    #[error("no complete response within {} seconds", TIME.as_secs())]
    TimedOut,
    /// The response is invalid; what was expected.
    #[error("invalid response: expected {0}")]
    Malformed(&'static str),
    /// No connection: unknown host, refused, aborted, or a certificate that is not trusted.
    #[error("cannot be reached: {0}")]
    Unreachable(String),
    /// The configured certificates cannot be used.
    #[error("outbound_ca_file: {0}")]
    BadCertificates(#[source] Invalid),
}

impl fmt::Debug for Outbound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbound").finish_non_exhaustive()
    }
}

impl Outbound {
    /// Prepares the calls; nothing is called.
    ///
    /// # Errors
    /// [`OutboundError::BadCertificates`].
    pub fn new(settings: &OutboundSettings) -> Result<Self, OutboundError> {
        Self::build(settings, TIME, DefaultResolver::default())
    }

    fn build(settings: &OutboundSettings, time: Duration, names: impl Resolver) -> Result<Self, OutboundError> {
        let own = settings.certificates().map_err(OutboundError::BadCertificates)?;
        let roots = if own.is_empty() {
            RootCerts::WebPki
        } else {
            let all = webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().chain(&own);
            all.map(|certificate| Certificate::from_der(certificate).to_owned()).collect::<Vec<_>>().into()
        };
        let config = Agent::config_builder()
            .tls_config(TlsConfig::builder().root_certs(roots).build())
            .proxy(None)
            .max_redirects(0)
            .http_status_as_error(false)
            .timeout_global(Some(time))
            .max_idle_connections(0) // a kept connection would not be checked again
            .max_response_header_size(MAX_BYTES)
            .accept_encoding("identity")
            .user_agent("symbolon")
            .build();
        let judge = Judge::new(names, settings.allow.clone());
        Ok(Self { agent: Agent::with_parts(config, DefaultConnector::default(), judge) })
    }

    /// The body of a JSON document: GET, expecting 200. Blocks for up to 5 seconds: call it where blocking is allowed, without
    /// holding a database connection.
    ///
    /// # Errors
    /// [`OutboundError`].
    pub fn get(&self, url: &str) -> Result<String, OutboundError> {
        let request = self.agent.get(checked(url)?).header("connection", "close");
        let mut answer = request.header("accept", "application/json, application/jwk-set+json").call()?;
        if answer.status() != 200 {
            return Err(OutboundError::Status(answer.status().as_u16()));
        }
        // One more than the limit: ureq rejects a body that ends exactly at its limit.
        let body = answer.body_mut().with_config().limit(MAX_BYTES as u64 + 1).read_to_vec()?;
        if body.len() > MAX_BYTES {
            return Err(OutboundError::TooLarge);
        }
        String::from_utf8(body).map_err(|_| OutboundError::Malformed("text in UTF-8"))
    }

    /// Posts a form of a few KiB and returns the status of the response, whose body is not read. Blocks as [`Outbound::get`] does.
    ///
    /// # Errors
    /// [`OutboundError`]; [`OutboundError::Status`] for a redirect alone.
    pub fn post_form(&self, url: &str, form: &[(&str, &str)]) -> Result<u16, OutboundError> {
        let request = self.agent.post(checked(url)?).header("connection", "close");
        let status = request.send_form(form.iter().copied())?.status();
        if status.is_redirection() { Err(OutboundError::Status(status.as_u16())) } else { Ok(status.as_u16()) }
    }
}

/// The URL as normalised by its parser, so that every later parser finds the same host.
fn checked(url: &str) -> Result<String, OutboundError> {
    let refuse = |expected| Err(OutboundError::RefusedUrl(expected));
    let Ok(parsed) = Url::parse(url) else { return refuse("an absolute URL") };
    match parsed.scheme() {
        "https" if parsed.host_str().is_some() => (),
        "http" if is_loopback(&parsed) => (),
        _ => return refuse("https; plain http is for localhost, 127.0.0.1 and [::1] only"),
    }
    if !parsed.username().is_empty() || parsed.password().is_some() {
        return refuse("no user name and no password");
    }
    if parsed.fragment().is_some() {
        return refuse("no fragment");
    }
    Ok(parsed.into())
}

impl From<ureq::Error> for OutboundError {
    fn from(error: ureq::Error) -> Self {
        use ureq::Error;
        match error {
            Error::Timeout(_) => Self::TimedOut,
            Error::Io(error) if error.kind() == std::io::ErrorKind::TimedOut => Self::TimedOut,
            Error::BodyExceedsLimit(_) | Error::LargeResponseHeader(..) => Self::TooLarge,
            Error::BadUri(_) | Error::Http(_) => Self::RefusedUrl("the characters of RFC 3986"),
            Error::Protocol(_) => Self::Malformed("HTTP/1.1"),
            Error::HostNotFound => Self::Unreachable("the host name could not be resolved".into()),
            Error::Io(error) => unreachable_because(&error),
            Error::Rustls(error) => unreachable_because(&error),
            Error::Other(error) => match error.downcast_ref() {
                Some(Refused(ip)) => Self::RefusedAddress(*ip),
                None => Self::Unreachable("the request failed".into()),
            },
            // The features in use produce no other error; an unknown message is not passed on.
            _ => Self::Unreachable("the request failed".into()),
        }
    }
}

/// The useful part of an error's message, bounded: a certificate may carry any number of names.
fn unreachable_because(error: &dyn fmt::Display) -> OutboundError {
    OutboundError::Unreachable(error.to_string().chars().take(200).collect())
}

#[cfg(test)]
#[path = "outbound/tests.rs"]
mod tests;
