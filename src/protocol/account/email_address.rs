//! E-mail addresses: their only parser, and the one spelling in which they are stored, looked up and written to (RFC 5321 §2.3.11,
//! RFC 6531 §3.3): Unicode NFKC in lower case, and the domain in its ASCII form (UTS #46, RFC 5891). So a full-width letter, a
//! decomposed accent or an internationalised domain leads to the same account, and mail goes to the stored address. Every accepted
//! address is one that `mail` can write to: a test there ensures it.

use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};

use super::profile::{is_invisible, normal};

/// The maximum length in bytes: RFC 5321 §4.5.3.1.3, less the angle brackets.
pub const EMAIL_LIMIT: usize = 254;
/// The maximum length before the '@' in bytes: RFC 5321 §4.5.3.1.1.
const LOCAL_PART_LIMIT: usize = 64;

/// An e-mail address in its one spelling.
///
/// Addresses stored under an earlier rule (lower case alone) are rewritten by `store::spellings`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct EmailAddress(String);

impl EmailAddress {
    /// Parses an address as typed by a user; `None` if mail cannot be sent to it.
    #[must_use]
    pub fn parse(typed: &str) -> Option<Self> {
        let address = normal(typed);
        let (local, domain) = address.rsplit_once('@')?;
        // The domain name is validated but not looked up: whether the host exists is for the SMTP server to find out.
        let domain =
            Uts46::new().to_ascii(domain.as_bytes(), AsciiDenyList::STD3, Hyphens::CheckFirstLast, DnsLength::Verify).ok()?;
        if domain.rsplit('.').next().is_some_and(|label| label.bytes().all(|b| b.is_ascii_digit())) {
            return None; // an IPv4 address, which requires brackets (RFC 5321 §4.1.3), and those are not accepted
        }
        let address = format!("{local}@{domain}");
        (is_local_part(local) && address.len() <= EMAIL_LIMIT && normal(local) == local).then_some(Self(address))
    }

    /// The address as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether any SMTP server can deliver to it: other addresses need one that supports SMTPUTF8 (RFC 6531).
    #[must_use]
    pub fn is_ascii(&self) -> bool {
        self.0.is_ascii()
    }
}

impl From<EmailAddress> for String {
    fn from(address: EmailAddress) -> Self {
        address.0
    }
}

/// RFC 5322 §3.2.3: a dot-atom; RFC 6531 §3.3 adds letters and digits of any script. Quoted local parts are not accepted.
fn is_local_part(local: &str) -> bool {
    let is_atext = |c: char| (c.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c)) && !is_invisible(c);
    local.len() <= LOCAL_PART_LIMIT && local.split('.').all(|atom| !atom.is_empty() && atom.chars().all(is_atext))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn kept(typed: &str) -> Option<String> {
        EmailAddress::parse(typed).map(String::from)
    }

    #[test]
    fn every_spelling_of_an_address_is_kept_as_one() {
        for (one, spellings) in [
            (
                "alice@example.com",
                &[
                    "alice@example.com",
                    " Alice@EXAMPLE.com\n",
                    "ａlice@example.com",
                    "alice＠example.com",
                    "alice@example．com",
                    "alice@example。com",
                    "alice@ｅｘａｍｐｌｅ.com",
                    "alice@ex\u{ad}ample.com",
                ][..],
            ),
            ("émile@example.com", &["émile@example.com", "E\u{301}MILE@example.com", "e\u{301}mile@example.com"]),
            (
                "alice@xn--exmple-cua.com",
                &["alice@exämple.com", "alice@EXA\u{308}MPLE.com", "alice@xn--exmple-cua.com", "Alice@XN--EXMPLE-CUA.COM"],
            ),
            ("a@xn--strae-oqa.de", &["a@straße.de", "a@STRAẞE.de"]),
            ("用户@xn--fsqu00a.xn--55qx5d", &["用户@例子.公司"]),
            ("o'brien+news@mail.example.com", &["O'Brien+News@mail.example.com"]),
            ("a.b-c_d/e@1.example", &["a.b-c_d/e@1.example"]),
            ("a@localhost", &["a@localhost", "A@LOCALHOST"]),
            ("a@r3---sn.example.com", &["a@r3---sn.example.com"]),
        ] {
            for spelling in spellings {
                assert_eq!(kept(spelling).as_deref(), Some(one), "{spelling:?}");
            }
        }
    }

    #[test]
    fn what_cannot_be_written_to_is_none() {
        let long = "x".repeat(65);
        let labels = format!("a@{}.example", ["x".repeat(63).as_str(); 4].join("."));
        for bad in [
            "",
            "alice",
            "@",
            "a@",
            "@b",
            "a@b@c",
            "a@192.0.2.1",
            "a b@c.example",
            "a\n@b.example",
            "a\0@b.example",
            "a@b\r\nBcc: eve@example.com",
            "<x>@y.example",
            "a,b@y.example",
            "\"a b\"@y.example",
            ".a@y.example",
            "a.@y.example",
            "a..b@y.example",
            "a@.example",
            "a@example.",
            "a@b..example",
            "a@-b.example",
            "a@b-.example",
            "a@b_c.example",
            "a@ex ample",
            "a@[::1]",
            "a@[127.0.0.1]",
            "a@host:25",
            "a@xn--a.example",
            "a@a\u{200d}b.example",
            "x\u{301}@y.example", // no letter has both
            "a\u{200b}b@y.example",
            "\u{3164}@y.example",
            "a\u{202e}b@y.example",
            "a’b@y.example",
            &format!("{long}@y.example"),
            &format!("a@{}.example", &long[..64]),
            &labels,
        ] {
            assert_eq!(kept(bad), None, "{bad:?}");
        }
        assert!(kept(&format!("{}@y.example", &long[..64])).is_some());
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

        /// A stored address is found by its own spelling, and parsing it again does not change it.
        #[test]
        fn the_spelling_that_is_kept_is_its_own(typed in r"\PC{1,12}@\PC{1,12}|[a-zA-Zäß．ǅİſ'+.]{1,8}[@＠][a-zäßΣς.．-]{1,8}") {
            if let Some(address) = EmailAddress::parse(&typed) {
                prop_assert_eq!(EmailAddress::parse(address.as_str()), Some(address.clone()));
                prop_assert_eq!(address.as_str().matches('@').count(), 1);
                prop_assert!(address.as_str().rsplit('@').next().is_some_and(str::is_ascii));
            }
        }
    }
}
