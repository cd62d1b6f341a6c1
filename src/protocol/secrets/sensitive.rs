//! Secrets in memory: passwords, client secrets, keys. They are overwritten when dropped, `Debug` does not print them, and each
//! access is explicit, so that it can be searched for. Copies made by libraries are out of reach.

use std::fmt;

use subtle::ConstantTimeEq;
use zeroize::Zeroize;

/// A secret.
#[derive(Clone, Default)]
pub struct Sensitive<T: Zeroize>(T);

impl<T: Zeroize> Sensitive<T> {
    /// Wraps a secret.
    #[must_use]
    pub const fn new(secret: T) -> Self {
        Self(secret)
    }

    /// The secret itself.
    #[must_use]
    pub const fn expose(&self) -> &T {
        &self.0
    }

    /// The secret itself, to be filled: with capacity for all of it, so that it is not moved, leaving a copy behind.
    pub const fn expose_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

impl From<&str> for Sensitive<String> {
    fn from(secret: &str) -> Self {
        Self(secret.to_owned())
    }
}

impl<T: Zeroize + AsRef<[u8]>> PartialEq for Sensitive<T> {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_ref().ct_eq(other.0.as_ref()).into()
    }
}

impl<T: Zeroize + AsRef<[u8]>> Eq for Sensitive<T> {}

impl<T: Zeroize> fmt::Debug for Sensitive<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sensitive(..)")
    }
}

impl<T: Zeroize> Drop for Sensitive<T> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

#[cfg(test)]
mod tests {
    use std::{cell::Cell, rc::Rc};

    use super::*;

    /// Reports when it is overwritten.
    struct Watched(Rc<Cell<u32>>);

    impl Zeroize for Watched {
        fn zeroize(&mut self) {
            self.0.set(self.0.get() + 1);
        }
    }

    #[test]
    fn a_secret_is_overwritten_when_it_is_dropped() {
        let overwritten = Rc::new(Cell::new(0));
        let secret = Sensitive::new(Watched(overwritten.clone()));
        assert_eq!(secret.expose().0.get(), 0);
        drop(secret);
        assert_eq!(overwritten.get(), 1);
    }

    #[test]
    fn no_secret_is_shown_and_equal_ones_are_equal() {
        let secret = Sensitive::from("open sesame");
        assert_eq!(format!("{secret:?} {:?}", Some(&secret)), "Sensitive(..) Some(Sensitive(..))");
        assert_eq!(secret, Sensitive::new("open sesame".to_owned()));
        assert_ne!(secret, Sensitive::from("open sesamE"));
        assert_ne!(secret, Sensitive::from("open"));
    }
}
