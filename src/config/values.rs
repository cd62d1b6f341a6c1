//! Value types of a configuration: durations such as `10m`, and lists and tables that may be written as one text (as in a
//! variable).

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::protocol::values::time::Span;

/// A duration, written like `30s`, `10m` or `30days`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Duration(pub Span);

impl Duration {
    pub const fn seconds(seconds: u32) -> Self {
        Self(Span::from_seconds(seconds))
    }
}

impl From<Duration> for Span {
    fn from(duration: Duration) -> Self {
        duration.0
    }
}

impl From<Duration> for std::time::Duration {
    fn from(duration: Duration) -> Self {
        Self::from_millis(duration.0.millis().unsigned_abs())
    }
}

impl Serialize for Duration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.to_string().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Duration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(DurationVisitor)
    }
}

struct DurationVisitor;

impl de::Visitor<'_> for DurationVisitor {
    type Value = Duration;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a duration such as \"30s\", \"10m\" or \"30days\"")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Duration, E> {
        Span::parse(text).map(Duration).ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
    }
}

/// A list of texts, written as an array or as one text with commas.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(transparent)]
pub struct List(pub Vec<String>);

impl<'de> Deserialize<'de> for List {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ListVisitor)
    }
}

struct ListVisitor;

impl<'de> de::Visitor<'de> for ListVisitor {
    type Value = List;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a list of texts, or one text with commas")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<List, E> {
        let array = text.trim().strip_prefix('[').and_then(|text| text.strip_suffix(']')); // as in a file
        let items = array
            .unwrap_or(text)
            .split(',')
            .map(|item| item.trim_matches(|c: char| c.is_whitespace() || array.is_some() && "\"'".contains(c)));
        Ok(List(items.filter(|item| !item.is_empty()).map(str::to_owned).collect()))
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut items: A) -> Result<List, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(List(list))
    }
}

/// Texts by their names, written as a table or as one text: `admin: hardware; auditor: two-factors from 2027-01-01`.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(transparent)]
pub struct Texts(pub BTreeMap<String, String>);

impl<'de> Deserialize<'de> for Texts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextsVisitor)
    }
}

struct TextsVisitor;

impl<'de> de::Visitor<'de> for TextsVisitor {
    type Value = Texts;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a table of names with their classes, or one text such as \"admin: hardware; auditor: two-factors\"")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Texts, E> {
        let mut texts = BTreeMap::new();
        for part in text.split(';').map(str::trim).filter(|part| !part.is_empty()) {
            // A name may itself contain colons: the last one counts.
            let (name, value) = part.rsplit_once(':').ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))?;
            let name = name.trim();
            if texts.insert(name.to_owned(), value.trim().to_owned()).is_some() {
                return Err(E::custom(format_args!("expected each name once, received '{name}' twice")));
            }
        }
        Ok(Texts(texts))
    }

    fn visit_map<A: de::MapAccess<'de>>(self, mut entries: A) -> Result<Texts, A::Error> {
        let mut texts = BTreeMap::new();
        while let Some((name, value)) = entries.next_entry()? {
            texts.insert(name, value);
        }
        Ok(Texts(texts))
    }
}

/// Scopes and the claims that each opens, written as a table or as one text: `employee: number department; team: name`.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(transparent)]
pub struct ClaimLists(pub BTreeMap<String, Vec<String>>);

impl<'de> Deserialize<'de> for ClaimLists {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ClaimListsVisitor)
    }
}

struct ClaimListsVisitor;

impl<'de> de::Visitor<'de> for ClaimListsVisitor {
    type Value = ClaimLists;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a table of scopes with their claims, or one text such as \"employee: number department; team: name\"")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<ClaimLists, E> {
        let mut lists = BTreeMap::new();
        for part in text.split(';').map(str::trim).filter(|part| !part.is_empty()) {
            // A scope may itself contain colons: the one that ends the first word counts.
            let mut words = part.split([' ', '\t', ',']).filter(|word| !word.is_empty());
            let scope = words.next().and_then(|word| word.strip_suffix(':'));
            let scope = scope.ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))?;
            if lists.insert(scope.to_owned(), words.map(str::to_owned).collect()).is_some() {
                return Err(E::custom(format_args!("expected each scope once, received '{scope}' twice")));
            }
        }
        Ok(ClaimLists(lists))
    }

    fn visit_map<A: de::MapAccess<'de>>(self, mut entries: A) -> Result<ClaimLists, A::Error> {
        let mut lists = BTreeMap::new();
        while let Some((scope, claims)) = entries.next_entry()? {
            lists.insert(scope, claims);
        }
        Ok(ClaimLists(lists))
    }
}
