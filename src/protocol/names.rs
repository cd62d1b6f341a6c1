//! Enumerations whose values have registered names: one table gives the list that discovery shows, the name of
//! a value and the value of a name.

/// Gives a type `ALL`, `as_str` and `from_name` from one table of its values.
macro_rules! names {
    ($type:ty { $($variant:ident = $name:literal),+ $(,)? }) => {
        impl $type {
            /// Every value, in the order discovery lists them.
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

pub(super) use names;
