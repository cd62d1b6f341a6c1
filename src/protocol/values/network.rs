//! Networks of an IP address: that of one subscriber (a home or an office), and the wider range of one provider, by which a device
//! is recognised.

use core::net::IpAddr; // a value type: no network access

/// The network of one subscriber: the address itself, or the /64 assigned to an IPv6 subscriber.
#[must_use]
pub fn subscriber(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("{:x}", address.to_bits() >> 64),
    }
}

/// The range by which a place is recognised: a /16, or for IPv6 a /32. As wide as the range a provider assigns dynamically to its
/// customers, so that the next address of the same line counts as known.
#[must_use]
pub fn range(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => {
            let [a, b, ..] = address.octets();
            format!("{a}.{b}.0.0/16")
        }
        IpAddr::V6(address) => {
            let [a, b, ..] = address.segments();
            format!("{a:x}:{b:x}::/32")
        }
    }
}

/// The range of an address in text form; `None` if it is not an address.
#[must_use]
pub fn range_of(address: &str) -> Option<String> {
    address.parse().ok().map(range)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_are_of_one_range() {
        assert_eq!(range_of("203.0.113.9").as_deref(), Some("203.0.0.0/16"));
        assert_eq!(range_of("203.0.7.9"), range_of("203.0.113.9"));
        assert_ne!(range_of("203.1.7.9"), range_of("203.0.113.9"));
        assert_eq!(range_of("2001:db8:1::4").as_deref(), Some("2001:db8::/32"));
        assert_eq!(range_of("nowhere"), None);
    }

    #[test]
    fn a_subscriber_of_ipv6_has_many_addresses() {
        let [one, other] = ["2001:db8:1:2:3::4", "2001:db8:1:2:ffff::1"].map(|text| subscriber(text.parse().unwrap()));
        assert_eq!(one, other);
        assert_eq!(subscriber("192.0.2.1".parse().unwrap()), "192.0.2.1");
    }
}
