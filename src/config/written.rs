//! A setting's value as written, and its conversion to the type of its key. A value of a TOML file has a type of its own; a
//! variable is text, and is converted to the type of its key: a user name of digits stays text, a port becomes a number.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{self, DeserializeSeed, IntoDeserializer, MapAccess, SeqAccess, Unexpected, Visitor},
};

use crate::protocol::values::plain_text::one_line;

/// A value as it was written.
#[derive(Clone, Debug)]
pub enum Written {
    /// From a variable.
    Text(String),
    /// From a file.
    Toml(toml::Value),
}

/// The reason why a value cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// An unknown key; the known ones.
    #[error("{key}: unknown setting")]
    Unknown { key: String, keys: &'static [&'static str] },
    /// A value other than expected.
    #[error("{}: {expected}", path.join("."))]
    Wrong { path: Vec<String>, expected: String, received: Option<String> },
}

/// The settings of these entries; the key of each error is its first path element.
pub fn read<T: for<'de> Deserialize<'de>>(entries: impl Iterator<Item = (String, Written)>) -> Result<T, ReadError> {
    T::deserialize(de::value::MapAccessDeserializer::new(Entries { entries, value: None }))
}

struct Entries<I> {
    entries: I,
    value: Option<(String, Written)>,
}

impl<'de, I: Iterator<Item = (String, Written)>> MapAccess<'de> for Entries<I> {
    type Error = ReadError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, ReadError> {
        self.value = self.entries.next();
        self.value.as_ref().map(|(key, _)| seed.deserialize(key.as_str().into_deserializer())).transpose()
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, ReadError> {
        let (key, value) = self.value.take().ok_or_else(|| de::Error::custom("expected a value"))?;
        seed.deserialize(value).map_err(|error| error.below(key))
    }
}

struct Items(std::vec::IntoIter<toml::Value>);

impl<'de> SeqAccess<'de> for Items {
    type Error = ReadError;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, ReadError> {
        self.0.next().map(|value| seed.deserialize(Written::Toml(value))).transpose()
    }
}

impl Written {
    fn unexpected(&self) -> Unexpected<'_> {
        use toml::Value::{Array, Boolean, Datetime, Float, Integer, String, Table};
        match self {
            Self::Text(text) | Self::Toml(String(text)) => Unexpected::Str(text),
            Self::Toml(Integer(number)) => Unexpected::Signed(*number),
            Self::Toml(Float(number)) => Unexpected::Float(*number),
            Self::Toml(Boolean(value)) => Unexpected::Bool(*value),
            Self::Toml(Datetime(_)) => Unexpected::Other("a date or time"),
            Self::Toml(Array(_)) => Unexpected::Seq,
            Self::Toml(Table(_)) => Unexpected::Map,
        }
    }
}

impl<'de> Deserializer<'de> for Written {
    type Error = ReadError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        use toml::Value::{Array, Boolean, Datetime, Float, Integer, String, Table};
        match self {
            Self::Text(text) | Self::Toml(String(text)) => visitor.visit_string(text),
            Self::Toml(Integer(number)) => visitor.visit_i64(number),
            Self::Toml(Float(number)) => visitor.visit_f64(number),
            Self::Toml(Boolean(value)) => visitor.visit_bool(value),
            Self::Toml(Datetime(_)) => Err(de::Error::invalid_type(self.unexpected(), &visitor)),
            Self::Toml(Array(items)) => visitor.visit_seq(Items(items.into_iter())),
            Self::Toml(Table(table)) => {
                let entries = table.into_iter().map(|(key, value)| (key, Self::Toml(value)));
                visitor.visit_map(Entries { entries, value: None })
            }
        }
    }

    fn deserialize_u16<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.deserialize_u32(visitor)
    }

    fn deserialize_u32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match &self {
            Self::Text(text) => match text.trim().parse() {
                Ok(number) => visitor.visit_u64(number),
                Err(_) => Err(de::Error::invalid_type(self.unexpected(), &visitor)),
            },
            Self::Toml(_) => self.deserialize_any(visitor),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match &self {
            Self::Text(text) => match text.trim().parse() {
                Ok(value) => visitor.visit_bool(value),
                Err(_) => Err(de::Error::invalid_type(self.unexpected(), &visitor)),
            },
            Self::Toml(_) => self.deserialize_any(visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        visitor.visit_some(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        match &self {
            Self::Text(text) | Self::Toml(toml::Value::String(text)) => visitor.visit_enum(text.as_str().into_deserializer()),
            Self::Toml(_) => Err(ReadError::wrong(one_of(variants), Some(received(self.unexpected())))),
        }
    }

    serde::forward_to_deserialize_any! {
        i8 i16 i32 i64 u8 u64 f32 f64 char str string bytes byte_buf unit unit_struct newtype_struct seq tuple tuple_struct map
        struct identifier ignored_any
    }
}

impl ReadError {
    const fn wrong(expected: String, received: Option<String>) -> Self {
        Self::Wrong { path: Vec::new(), expected, received }
    }

    fn below(mut self, key: String) -> Self {
        if let Self::Wrong { path, .. } = &mut self {
            path.insert(0, key);
        }
        self
    }
}

impl de::Error for ReadError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::wrong(message.to_string(), None)
    }

    fn invalid_type(unexpected: Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        let expected = match expected.to_string().as_str() {
            "u16" => "a whole number from 0 to 65535".to_owned(),
            "u32" => "a whole number from 0 to 4294967295".to_owned(),
            "a string" => "text in quotes".to_owned(),
            "path string" => "a path in quotes".to_owned(),
            "a boolean" => "true or false".to_owned(),
            "a sequence" => "a list".to_owned(),
            other => other.to_owned(),
        };
        Self::wrong(format!("expected {expected}"), Some(received(unexpected)))
    }

    fn invalid_value(unexpected: Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self::invalid_type(unexpected, expected)
    }

    fn unknown_variant(variant: &str, variants: &'static [&'static str]) -> Self {
        Self::wrong(one_of(variants), Some(received(Unexpected::Str(variant))))
    }

    fn unknown_field(key: &str, keys: &'static [&'static str]) -> Self {
        Self::Unknown { key: key.to_owned(), keys }
    }
}

fn one_of(variants: &[&str]) -> String {
    format!("expected one of {}", variants.join(", "))
}

fn received(value: Unexpected<'_>) -> String {
    match value {
        Unexpected::Str(text) => format!("'{}'", one_line(text)),
        Unexpected::Signed(number) => number.to_string(),
        Unexpected::Unsigned(number) => number.to_string(),
        Unexpected::Float(number) => number.to_string(),
        Unexpected::Bool(value) => value.to_string(),
        Unexpected::Seq => "a list".to_owned(),
        Unexpected::Map => "a table".to_owned(),
        other => other.to_string(),
    }
}
