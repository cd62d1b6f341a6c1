//! Transport: the caller's address, and whether the connection was encrypted on the way. Forwarded headers are believed from
//! trusted proxies alone (RFC 9700 §4.13); plain http is accepted from loopback, and from a trusted proxy that says that it was
//! reached by https. Whether the server is alive or ready may be asked by plain http from anywhere: the answer has no secret in it.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::atomic::Ordering,
};

use actix_web::{dev::ServiceRequest, http::header::HeaderMap};

use crate::{app::App, paths};

/// How a request arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// The caller's address.
    pub address: IpAddr,
    /// Whether the request may have been read on the way.
    pub is_insecure: bool,
}

/// What stands for the peer of a connection by a Unix socket; no peer of another connection has it. Whoever may open the socket is a
/// proxy on this machine, and trusted.
pub const UNIX_PEER: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);

/// The maximum length of a location.
const PLACE_LIMIT: usize = 80;

/// The headers in which a proxy says who has called it, and how.
const FORWARDED: [&str; 2] = ["x-forwarded-for", PROTO];
const PROTO: &str = "x-forwarded-proto";

/// The caller's location, where a trusted proxy sends it in the configured header.
#[must_use]
pub fn place(request: &ServiceRequest, app: &App) -> Option<String> {
    let header = app.config.geo_header.as_ref()?;
    let peer = request.peer_addr()?.ip().to_canonical();
    if !is_trusted(app, peer) {
        return None;
    }
    // Of several values, the one that the proxy has set cannot be told.
    let mut values = request.headers().get_all(header.as_str());
    let text = values.next().filter(|_| values.next().is_none())?.to_str().ok()?.trim();
    (!text.is_empty() && text.len() <= PLACE_LIMIT).then(|| text.to_owned())
}

/// The arrival of this request; `None` where the connection has no address.
#[must_use]
pub fn arrival(request: &ServiceRequest, app: &App) -> Option<Arrival> {
    let peer = request.peer_addr()?.ip().to_canonical();
    let is_trusted = |address| is_trusted(app, address);
    let is_tls = app.config.tls.is_some();
    let arrival = judge(peer, request.headers(), is_tls, app.config.issuer.is_https(), is_trusted);
    if !is_trusted(peer) && is_forwarded(request.headers()) {
        suspect_proxy(app, peer);
    }
    let is_proxied = peer == UNIX_PEER.ip() || request.headers().contains_key(PROTO);
    if is_trusted(peer) && is_proxied && arrival.address == peer && !is_health(app, request.path()) {
        miss_caller(app, peer);
    }
    Some(Arrival { address: shown(arrival.address), ..arrival })
}

fn is_trusted(app: &App, address: IpAddr) -> bool {
    address == UNIX_PEER.ip() || app.config.trusted_proxies.iter().any(|network| network.contains(&address))
}

/// The address of a peer, where no header is read.
#[must_use]
pub fn peer(peer: Option<SocketAddr>) -> IpAddr {
    shown(peer.unwrap_or(UNIX_PEER).ip().to_canonical())
}

/// A caller by a Unix socket that names no other is on this machine.
fn shown(address: IpAddr) -> IpAddr {
    if address == UNIX_PEER.ip() { IpAddr::V4(Ipv4Addr::LOCALHOST) } else { address }
}

/// Whether this path may be requested by plain http from anywhere.
#[must_use]
pub fn is_health(app: &App, path: &str) -> bool {
    path.strip_prefix(app.config.issuer.base()).is_some_and(|path| path == paths::HEALTHZ || path == paths::READYZ)
}

fn is_forwarded(headers: &HeaderMap) -> bool {
    FORWARDED.iter().chain([&"forwarded"]).any(|name| headers.contains_key(*name))
}

/// Says once that a proxy seems to be in front of the server that is not in `trusted_proxies`: all users would share its address, and
/// the limits of one. Where there are trusted proxies, callers on the internet that forge these headers are no reason.
fn suspect_proxy(app: &App, peer: IpAddr) {
    let is_near = match peer {
        IpAddr::V4(peer) => peer.is_loopback() || peer.is_private() || peer.is_link_local(),
        IpAddr::V6(peer) => peer.is_loopback() || peer.is_unique_local() || peer.is_unicast_link_local(),
    };
    if (is_near || app.config.trusted_proxies.is_empty()) && !app.suspected_proxy.swap(true, Ordering::AcqRel) {
        tracing::warn!(address = %peer, "a request has the headers of a proxy, from an address that is not in trusted_proxies: they are ignored, and everyone behind this address is one caller with one limit; if it is your proxy, list its address in trusted_proxies");
    }
}

/// Says once that a proxy names no caller.
fn miss_caller(app: &App, peer: IpAddr) {
    if !app.missed_caller.swap(true, Ordering::AcqRel) {
        let proxy = if peer == UNIX_PEER.ip() { "a Unix socket".to_owned() } else { peer.to_string() };
        tracing::warn!(
            proxy,
            "a request came by a proxy without the caller's address: everyone behind this proxy is one caller with one limit; let it send X-Forwarded-For"
        );
    }
}

fn judge(peer: IpAddr, headers: &HeaderMap, is_tls: bool, issuer_is_https: bool, is_trusted: impl Fn(IpAddr) -> bool) -> Arrival {
    if !is_trusted(peer) {
        return Arrival { address: peer, is_insecure: !is_tls && !peer.is_loopback() };
    }
    let values =
        |name| headers.get_all(name).map(|value| String::from_utf8_lossy(value.as_bytes())).collect::<Vec<_>>().join(",");
    // Each proxy appends its peer's address: from the right, the first that is not a proxy of ours is the caller.
    let [chain, protos] = FORWARDED.map(values);
    let (mut address, mut proxies) = (peer, 1);
    for forwarded in chain.rsplit(',').map_while(read_address) {
        address = forwarded;
        if !is_trusted(forwarded) {
            break;
        }
        proxies += 1;
    }
    // Likewise how each was reached: that of the outermost proxy counts, those behind it are ours. Some replace the list.
    let proto = protos.rsplit(',').map(|proto| proto.trim().to_ascii_lowercase()).take(proxies).last().filter(|p| !p.is_empty());
    let is_protected = match proto.as_deref() {
        Some(proto) => proto == "https",
        // A proxy that does not say how it was reached is itself the caller, or is not believed.
        None => chain.is_empty() && (is_tls || peer.is_loopback() || peer == UNIX_PEER.ip()),
    };
    Arrival { address, is_insecure: !is_protected && (issuer_is_https || !address.is_loopback()) }
}

/// An address, with or without a port.
fn read_address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let address = text.parse().or_else(|_| text.parse::<SocketAddr>().map(|socket| socket.ip()));
    address.ok().map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HeaderName, HeaderValue};

    use super::*;

    fn arrive(peer: &str, headers: &[(&'static str, &str)], is_tls: bool) -> (String, bool) {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
        }
        let trusted = |address: IpAddr| address == IpAddr::from([10, 0, 0, 1]) || address == IpAddr::from([10, 0, 0, 2]);
        let arrival = judge(peer.parse().unwrap(), &map, is_tls, true, trusted);
        (arrival.address.to_string(), arrival.is_insecure)
    }

    #[test]
    fn outsiders_are_not_believed() {
        let forged = [("x-forwarded-for", "1.2.3.4"), ("x-forwarded-proto", "https")];
        assert_eq!(arrive("9.9.9.9", &forged, false), ("9.9.9.9".into(), true));
        assert_eq!(arrive("9.9.9.9", &forged, true), ("9.9.9.9".into(), false));
        assert_eq!(arrive("127.0.0.1", &[], false), ("127.0.0.1".into(), false));
    }

    #[test]
    fn a_trusted_proxy_tells_the_caller_and_the_scheme() {
        let https = ("x-forwarded-proto", "https");
        assert_eq!(
            arrive("10.0.0.1", &[("x-forwarded-for", "6.6.6.6, 1.2.3.4, 10.0.0.2"), https], false),
            ("1.2.3.4".into(), false)
        );
        assert_eq!(
            arrive("10.0.0.1", &[("x-forwarded-for", "1.2.3.4"), ("x-forwarded-proto", "http")], false),
            ("1.2.3.4".into(), true)
        );
        assert_eq!(arrive("10.0.0.1", &[("x-forwarded-for", "1.2.3.4")], false), ("1.2.3.4".into(), true));
        assert_eq!(arrive("10.0.0.1", &[("x-forwarded-for", "1.2.3.4, junk"), https], false), ("10.0.0.1".into(), false));
        assert_eq!(arrive("10.0.0.1", &[("x-forwarded-for", "\u{e9}, 1.2.3.4"), https], false), ("1.2.3.4".into(), false));
        assert_eq!(arrive("10.0.0.1", &[("x-forwarded-for", "1.2.3.4:5678"), https], false), ("1.2.3.4".into(), false));
        // Two proxies: the outer one was reached by https, the inner one by http.
        let two = ("x-forwarded-for", "1.2.3.4, 10.0.0.2");
        for (protos, is_insecure) in [
            ("https, http", false),
            ("https,http", false),
            ("https", false),
            ("https, https", false),
            ("http, https", true),
            ("http", true),
            ("https, http, http", true),
            ("https, ", false),
            (", http", true),
        ] {
            let arrived = arrive("10.0.0.1", &[two, ("x-forwarded-proto", protos)], false);
            assert_eq!(arrived, ("1.2.3.4".into(), is_insecure), "{protos}");
        }
        // What the caller says of itself is to the left of what the proxy has seen.
        let forged = [("x-forwarded-for", "1.2.3.4"), ("x-forwarded-proto", "https, http")];
        assert_eq!(arrive("10.0.0.1", &forged, false), ("1.2.3.4".into(), true));
        let http = ("x-forwarded-proto", "http");
        assert_eq!(
            arrive("10.0.0.1", &[("x-forwarded-for", "1.2.3.4"), http], true),
            ("1.2.3.4".into(), true),
            "TLS to us alone"
        );
    }
}
