//! Enumerations with registered names: one table gives the list for discovery, the name of a value and the value of a name, also in
//! JSON.

/// Implements `ALL`, `as_str` and `from_name`, and serde by name, for a type from one table of its values.
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

        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let name = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                Self::from_name(&name).ok_or_else(|| {
                    let names = Self::names().join(", ");
                    serde::de::Error::custom(format_args!("expected one of {names}, received '{name}'"))
                })
            }
        }
    };
}

pub(in crate::protocol) use names;
