//! How a user proved who they are, and what that is worth: `amr` (RFC 8176) and `acr` (OpenID Connect Core
//! §2). A session knows its methods; the class follows from them alone, so that no token can claim more.

use super::names::names;

/// A class of authentication, the weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// A password and nothing else: one factor.
    Password,
}

names!(Class { Password = "urn:symbolon:acr:password" });

/// `amr` of a sign-in by password (RFC 8176 §2).
pub const PASSWORD: &str = "pwd";

impl Class {
    /// The class of a sign-in by these methods, values of `amr` separated by spaces. None for methods that are worth
    /// nothing here.
    #[must_use]
    pub fn of(methods: &str) -> Option<Self> {
        methods.split(' ').any(|method| method == PASSWORD).then_some(Self::Password)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_class_follows_from_the_methods() {
        assert_eq!(Class::of(PASSWORD), Some(Class::Password));
        assert_eq!((Class::of(""), Class::of("none")), (None, None));
        assert_eq!(Class::from_name("urn:symbolon:acr:password"), Some(Class::Password));
    }
}
