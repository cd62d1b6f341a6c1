//! Enumerations with registered names: one table gives the list for discovery, the name of a value and the value of a name.

/// Implements `ALL`, `as_str` and `from_name` for a type from one table of its values.
macro_rules! names {
    ($type:ty { $($variant:ident = $name:literal),+ $(,)? }) => {
        impl $type {
            /// Every value, in the order of the discovery document.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The value's registered name.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }

            /// The value with this name.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| value.as_str() == name)
            }

            /// Every name, in the same order.
            #[must_use]
            pub fn names() -> Vec<&'static str> {
                Self::ALL.iter().map(|value| value.as_str()).collect()
            }
        }
    };
}

pub(in crate::protocol) use names;
