//! Scope lists (RFC 6749 §3.3): their grammar, and being wider or narrower than one another. What a scope
//! opens is `claims`; which ones a client may ask for is `client`.

use std::fmt;

/// The scope that makes a request an OpenID Connect one (Core 3.1.2.1).
pub const OPENID: &str = "openid";
/// The scope that lets a grant outlive the browser session (Core §11).
pub const OFFLINE_ACCESS: &str = "offline_access";
/// The scopes whose meaning OpenID Connect Core §5.4 and §11 fix and this server answers.
pub const STANDARD: [&str; 4] = [OPENID, "profile", "email", OFFLINE_ACCESS];

/// How many tokens a list may have.
const LIMIT: usize = 100;

/// A list of scope tokens without repetitions, in the order given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scopes(Vec<String>);

/// A scope token that breaks the grammar of RFC 6749 §3.3, or one too many.
#[derive(Debug, PartialEq, Eq)]
pub struct MalformedScope(pub String);

impl Scopes {
    /// Reads a space-separated list.
    ///
    /// # Errors
    /// [`MalformedScope`] with the token that has a character outside `%x21 / %x23-5B / %x5D-7E`.
    pub fn parse(text: &str) -> Result<Self, MalformedScope> {
        let mut scopes = Vec::new();
        for token in text.split(' ').filter(|token| !token.is_empty()) {
            if !token.bytes().all(|b| matches!(b, 0x21 | 0x23..=0x5b | 0x5d..=0x7e)) {
                return Err(MalformedScope(token.to_owned()));
            }
            if scopes.len() == LIMIT {
                return Err(MalformedScope(token.to_owned()));
            }
            if !scopes.iter().any(|s| s == token) {
                scopes.push(token.to_owned());
            }
        }
        Ok(Self(scopes))
    }

    /// Whether the token is in the list.
    #[must_use]
    pub fn contains(&self, token: &str) -> bool {
        self.0.iter().any(|s| s == token)
    }

    /// The first token of this list that `wider` lacks; `None` when this is a subset of it.
    #[must_use]
    pub fn first_outside<'a>(&'a self, wider: &Self) -> Option<&'a str> {
        self.iter().find(|token| !wider.contains(token))
    }

    /// What both lists have, in this list's order.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        Self(self.0.iter().filter(|token| other.contains(token)).cloned().collect())
    }

    /// The tokens of both lists, this one's first.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        let new = other.0.iter().filter(|token| !self.contains(token));
        Self(self.0.iter().chain(new).cloned().collect())
    }

    /// The tokens.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// Whether there is no token.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grammar_is_enforced() {
        assert_eq!(Scopes::parse("openid  notes:read openid").map(|s| s.to_string()), Ok("openid notes:read".into()));
        for bad in ["a\"b", "a\\b", "é", "a\tb"] {
            assert!(Scopes::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn width_is_by_token() {
        let (wide, narrow) = (Scopes::parse("a b c").unwrap(), Scopes::parse("c a").unwrap());
        assert_eq!(narrow.first_outside(&wide), None);
        assert_eq!(wide.first_outside(&narrow), Some("b"));
        assert_eq!(wide.intersection(&narrow).to_string(), "a c");
        assert_eq!(narrow.union(&wide).to_string(), "c a b");
    }
}
