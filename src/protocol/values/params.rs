//! Request parameters: the only parser of `application/x-www-form-urlencoded`, for query strings and bodies alike (RFC 6749 §3.1,
//! §3.2 and appendix B). Strict where leniency would hide an attack: repeated names, broken percent-encoding, invalid UTF-8 and NUL
//! are flaws, recorded with the name of the parameter.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

use crate::protocol::secrets::sensitive::Sensitive;

/// The maximum number of parameters; no legitimate request has a quarter of them.
const LIMIT: usize = 200;
/// Parameters that may be sent more than once (RFC 8707 §2).
const REPEATABLE: [&str; 1] = ["resource"];

/// The parameters of one request, in the order sent. A value may be a password or a credential.
#[derive(Clone, Debug, Default)]
pub struct Params {
    pairs: Vec<(String, Sensitive<String>)>,
    flaws: Vec<Flaw>,
}

/// A flaw in the encoding of a parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flaw {
    /// The parameter's name, as far as it could be read.
    pub name: String,
    /// The kind of flaw.
    pub kind: FlawKind,
}

/// The ways a parameter can be malformed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlawKind {
    /// Sent more than once.
    Repeated,
    /// A `%` without two hexadecimal digits, or bytes that are not UTF-8.
    Encoding,
    /// A forbidden control character (NUL).
    Nul,
    /// There are too many parameters: neither this one nor those after it were parsed.
    TooMany,
}

impl Flaw {
    /// The flaw in words, for an error description.
    #[must_use]
    pub fn describe(&self) -> String {
        let name = &self.name;
        match self.kind {
            FlawKind::Repeated => format!("the parameter '{name}' was sent more than once"),
            FlawKind::Encoding => {
                format!("the parameter '{name}' is not valid percent-encoded UTF-8")
            }
            FlawKind::Nul => format!("the parameter '{name}' contains a NUL character"),
            FlawKind::TooMany => format!("expected at most {LIMIT} parameters, received more"),
        }
    }
}

impl Params {
    /// Parses a query string or a form body. Never fails: malformed parameters are reported by [`Params::flaw`].
    #[must_use]
    pub fn parse(encoded: &str) -> Self {
        let mut params = Self::default();
        for (number, part) in encoded.split('&').filter(|part| !part.is_empty()).enumerate() {
            if number == LIMIT {
                params.flaws.push(Flaw { name: "?".into(), kind: FlawKind::TooMany });
                break;
            }
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let (name, value) = match (decode(name), decode(value)) {
                (Some(name), Some(value)) => (name, Sensitive::new(value)),
                (name, _) => {
                    let name = name.unwrap_or_else(|| "?".to_owned());
                    params.flaws.push(Flaw { name, kind: FlawKind::Encoding });
                    continue;
                }
            };
            if name.contains('\0') || value.expose().contains('\0') {
                params.flaws.push(Flaw { name, kind: FlawKind::Nul });
                continue;
            }
            if !REPEATABLE.contains(&name.as_str()) && params.pairs.iter().any(|(n, _)| *n == name) {
                params.flaws.push(Flaw { name: name.clone(), kind: FlawKind::Repeated });
            }
            params.pairs.push((name, value));
        }
        params
    }

    /// The value of `name`; an empty value counts as absent (RFC 6749 §3.1).
    #[must_use]
    pub fn get<'a>(&'a self, name: &str) -> Option<&'a str> {
        self.all(name).next()
    }

    /// Every non-empty value of `name`, for repeatable parameters.
    pub fn all<'a, 'n>(&'a self, name: &'n str) -> impl Iterator<Item = &'a str> + use<'a, 'n> {
        self.pairs.iter().filter(move |(n, v)| n == name && !v.expose().is_empty()).map(|(_, v)| v.expose().as_str())
    }

    /// The first flaw of the request, if any.
    #[must_use]
    pub fn flaw(&self) -> Option<&Flaw> {
        self.flaws.first()
    }

    /// The first flaw of the parameter `name`.
    #[must_use]
    pub fn flaw_of(&self, name: &str) -> Option<&Flaw> {
        self.flaws.iter().find(|flaw| flaw.name == name)
    }

    /// These parameters as a query string, omitting those named in `without` and appending those of `with`.
    #[must_use]
    pub fn to_query(&self, without: &[&str], with: &[(&str, &str)]) -> String {
        let kept = self.pairs.iter().map(|(n, v)| (n.as_str(), v.expose().as_str())).filter(|(n, _)| !without.contains(n));
        encode(kept.chain(with.iter().copied()))
    }
}

/// Encodes name and value pairs as `application/x-www-form-urlencoded`.
pub fn encode<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

/// Decodes form encoding strictly: `+` is a space, every `%` needs two digits, the bytes must be UTF-8. `None` if one of these does
/// not hold.
#[must_use]
pub fn decode(text: &str) -> Option<String> {
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let digits = |b: Option<u8>| b.is_some_and(|b| b.is_ascii_hexdigit());
        if byte == b'%' && !(digits(rest.next()) && digits(rest.next())) {
            return None;
        }
    }
    let spaced = if text.contains('+') { Cow::Owned(text.replace('+', " ")) } else { Cow::Borrowed(text) };
    percent_decode_str(&spaced).decode_utf8().map(Cow::into_owned).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_value_counts_as_absent() {
        let params = Params::parse("state=&scope=openid+email&x");
        assert_eq!(params.get("state"), None);
        assert_eq!(params.get("scope"), Some("openid email"));
        assert!(params.flaw().is_none());
    }

    #[test]
    fn no_value_is_shown() {
        let shown = format!("{:?}", Params::parse("username=alice&password=open+sesame"));
        assert!(shown.contains("password") && !shown.contains("sesame"), "{shown}");
    }

    #[test]
    fn repeated_names_are_a_flaw_except_resource() {
        let params = Params::parse("resource=a&resource=b&state=1&st%61te=");
        assert_eq!(params.all("resource").collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(params.flaw(), Some(&Flaw { name: "state".into(), kind: FlawKind::Repeated }));
    }

    #[test]
    fn broken_encodings_are_flaws_of_their_parameter() {
        for (query, kind) in
            [("a=%", FlawKind::Encoding), ("a=%4", FlawKind::Encoding), ("a=%ff", FlawKind::Encoding), ("a=x%00y", FlawKind::Nul)]
        {
            let params = Params::parse(query);
            assert_eq!(params.flaw_of("a").map(|f| f.kind), Some(kind), "{query}");
            assert_eq!(params.get("a"), None, "{query}");
        }
    }

    #[test]
    fn a_flood_of_parameters_is_not_read() {
        let query = (0..=LIMIT).map(|n| format!("p{n}=x")).collect::<Vec<_>>().join("&");
        assert_eq!(Params::parse(&query).flaw().map(|flaw| flaw.kind), Some(FlawKind::TooMany));
        assert!(Params::parse(query.rsplit_once('&').unwrap().0).flaw().is_none());
    }

    #[test]
    fn a_query_can_be_written_back() {
        let params = Params::parse("a=1%262&prompt=login&b=%C3%A9");
        assert_eq!(params.to_query(&["prompt"], &[("z", "=")]), "a=1%262&b=%C3%A9&z=%3D");
    }
}
