//! The addresses that a registered URL may lead to: public ones (the IANA special-purpose registries, RFC 6890), and those that the
//! operator allows. The check is part of name resolution: only checked addresses are connected to, so that a name that changes its
//! address (DNS rebinding) leads nowhere else. Which URLs are called at all is the parent's.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;
use ureq::{
    Error,
    config::Config,
    http::{Uri, uri::Scheme},
    unversioned::{
        resolver::{ResolvedSocketAddrs, Resolver},
        transport::NextTimeout,
    },
};

/// Whether an address is on the public internet: not of this machine, not of a private or reserved network, and not another
/// notation for one of those.
#[must_use]
pub fn is_public(ip: IpAddr) -> bool {
    // An IPv4-mapped address is connected to as its IPv4 address.
    match ip.to_canonical() {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

const fn is_public_v4(ip: Ipv4Addr) -> bool {
    let special = matches!(
        ip.octets(),
        [0 | 10 | 127 | 224..=255, ..] // this network, private, loopback, multicast, reserved, broadcast
            | [100, 64..=127, ..] // shared by carriers (CGNAT)
            | [169, 254, ..] // link-local, the cloud metadata services
            | [172, 16..=31, ..] // private
            | [192, 0, 0 | 2, _] // protocol assignments, documentation
            | [192, 88, 99, _] // 6to4 relays
            | [192, 168, ..] // private
            | [198, 18 | 19, ..] // benchmarking
            | [198, 51, 100, _] // documentation
            | [203, 0, 113, _] // documentation
            | [168, 63, 129, 16] // a cloud's metadata service at a public address
    );
    !special
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    match ip.segments() {
        // NAT64 (RFC 6052 §2.1): the embedded IPv4 address.
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => is_public_v4((u32::from(high) << 16 | u32::from(low)).into()),
        // Protocol assignments (Teredo, benchmarking, ORCHID) and documentation; 6to4; documentation.
        [0x2001, ..=0x01ff | 0x0db8, ..] | [0x2002, ..] | [0x3fff, ..=0x0fff, ..] => false,
        // Global unicast; everything else is loopback, unspecified, IPv4-compatible, unique local (ULA), link-local, site-local,
        // multicast, or unassigned.
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

/// A resolver that returns only addresses that may be connected to.
#[derive(Debug)]
pub struct Judge<R> {
    names: R,
    allow: Vec<IpNet>,
}

/// Every address of a name was refused; this is the first one.
#[derive(Debug, thiserror::Error)]
#[error("{0} is not allowed")]
pub struct Refused(pub IpAddr);

impl<R> Judge<R> {
    pub const fn new(names: R, allow: Vec<IpNet>) -> Self {
        Self { names, allow }
    }

    fn accepts(&self, ip: IpAddr, scheme: Option<&Scheme>) -> bool {
        let ip = ip.to_canonical();
        let protected = scheme == Some(&Scheme::HTTPS) || ip.is_loopback();
        protected && (is_public(ip) || self.allow.iter().any(|net| net.contains(&ip)))
    }
}

impl<R: Resolver> Resolver for Judge<R> {
    fn resolve(&self, uri: &Uri, config: &Config, timeout: NextTimeout) -> Result<ResolvedSocketAddrs, Error> {
        let found = self.names.resolve(uri, config, timeout)?;
        let mut accepted = self.empty();
        for address in found.iter().filter(|address| self.accepts(address.ip(), uri.scheme())) {
            accepted.push(*address);
        }
        match found.first() {
            Some(first) if accepted.is_empty() => Err(Error::Other(Box::new(Refused(first.ip())))),
            Some(_) => Ok(accepted),
            None => Err(Error::HostNotFound),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_public_and_what_is_not() {
        let public = "
            1.1.1.1 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.0 169.253.255.255 169.255.0.0
            172.15.255.255 172.32.0.0 192.0.1.0 192.0.3.0 192.167.255.255 192.169.0.0 198.17.255.255 198.20.0.0
            198.51.99.255 198.51.101.0 203.0.112.255 203.0.114.0 223.255.255.255
            2000:: 2001:200:: 2001:db7::1 2001:db9::1 2003::1 2606:4700:4700::1111 3fff:1000:: ::ffff:1.1.1.1 64:ff9b::1.1.1.1";
        let refused = "
            0.0.0.0 0.1.2.3 10.0.0.0 10.255.255.255 100.64.0.0 100.127.255.255 127.0.0.1 127.255.255.255 168.63.129.16
            169.254.0.0 169.254.169.254 172.16.0.0 172.31.255.255 192.0.0.0 192.0.0.192 192.0.2.1 192.88.99.1 192.168.0.0
            192.168.255.255 198.18.0.0 198.19.255.255 198.51.100.7 203.0.113.7 224.0.0.1 239.255.255.255 240.0.0.1
            255.255.255.255
            :: ::1 ::2 ::127.0.0.1 ::1.1.1.1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:169.254.169.254 ::ffff:0:127.0.0.1
            64:ff9b::127.0.0.1 64:ff9b::10.0.0.1 64:ff9b::169.254.169.254 64:ff9b:1::1.1.1.1 100::1 1fff:ffff::
            2001::1 2001:0:7f00:1:: 2001:2::1 2001:10::1 2001:20::1 2001:1ff:ffff:: 2001:db8::1 2002:7f00:1:: 2002:101:101::
            3fff::1 3fff:fff::1 4000:: 5f00::1 fc00::1 fd00:ec2::254 fe80::1 febf::1 fec0::1 feff::1 ff02::1 ffff::1";
        for (addresses, expected) in [(public, true), (refused, false)] {
            for address in addresses.split_whitespace() {
                assert_eq!(is_public(address.parse().unwrap()), expected, "{address}");
            }
        }
    }

    #[test]
    fn the_operator_allows_what_is_not_public_and_plain_http_stays_on_this_machine() {
        let judge = Judge::new((), ["10.1.0.0/16", "127.0.0.0/8", "fd00::/8"].map(|net| net.parse().unwrap()).to_vec());
        for (ip, https, http) in [
            ("10.1.2.3", true, false),
            ("::ffff:10.1.2.3", true, false),
            ("10.2.0.1", false, false),
            ("64:ff9b::10.1.2.3", false, false),
            ("fd12::1", true, false),
            ("127.0.0.1", true, true),
            ("::ffff:127.0.0.1", true, true),
            ("::1", false, false),
            ("1.1.1.1", true, false),
        ] {
            let ip_ = ip.parse().unwrap();
            assert_eq!(
                (judge.accepts(ip_, Some(&Scheme::HTTPS)), judge.accepts(ip_, Some(&Scheme::HTTP))),
                (https, http),
                "{ip}"
            );
        }
    }
}
