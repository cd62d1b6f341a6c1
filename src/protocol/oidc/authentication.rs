//! Authentication methods and classes of a sign-in: `amr` (RFC 8176) and `acr` (OpenID Connect Core §2). A session stores its
//! methods; the class follows from them alone, so that no token can claim more.

use std::fmt;

/// A class of authentication, the weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// A password and nothing else: one factor.
    Password,
}

impl Class {
    /// Every class.
    pub const ALL: [Self; 1] = [Self::Password];

    /// Its name in `acr`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Password => "urn:symbolon:acr:password",
        }
    }
}

/// A sign-in by password (RFC 8176 §2).
const PASSWORD: &str = "pwd";

/// The methods of a sign-in, as in `amr`: at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Amr(Vec<String>);

impl Amr {
    /// The methods of a sign-in by password.
    #[must_use]
    pub fn password() -> Self {
        Self(vec![PASSWORD.to_owned()])
    }

    /// Parses the stored methods, each separated by one space. `None` if there is none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let methods: Vec<_> = text.split(' ').map(str::to_owned).collect();
        let is_good = |method: &String| !method.is_empty() && method.bytes().all(|byte| byte.is_ascii_graphic());
        methods.iter().all(is_good).then_some(Self(methods))
    }

    /// The methods.
    pub fn methods(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

impl fmt::Display for Amr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(" "))
    }
}

impl Class {
    /// The class of a sign-in by these methods. `None` if no method counts here.
    #[must_use]
    pub fn of(amr: &Amr) -> Option<Self> {
        amr.methods().any(|method| method == PASSWORD).then_some(Self::Password)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_class_follows_from_the_methods() {
        assert_eq!(Class::of(&Amr::password()), Some(Class::Password));
        let [several, none] = ["otp pwd", "otp"].map(|text| Amr::parse(text).unwrap());
        assert_eq!((Class::of(&several), Class::of(&none)), (Some(Class::Password), None));
        assert_eq!((several.to_string(), Amr::password().to_string()), ("otp pwd".into(), "pwd".into()));
        for malformed in ["", " ", "pwd ", "pwd  otp", "pwd\u{e9}"] {
            assert_eq!(Amr::parse(malformed), None, "{malformed:?}");
        }
        assert_eq!(Class::ALL.map(Class::as_str), ["urn:symbolon:acr:password"]);
    }
}
