//! Conversion between columns and values: ids, times, lists. A column that holds a value this server never wrote is an error that
//! names table, column and row.

use std::fmt::Display;

use super::error::{Error, Result};
use crate::protocol::{
    oauth::scope::Scopes,
    values::{id::Id, time::Timestamp},
};

/// The row being read.
pub struct Row<'a> {
    pub table: &'static str,
    pub name: &'a dyn Display,
}

impl Row<'_> {
    fn bad(&self, column: &str) -> Error {
        Error::corrupt(self.table, column, self.name)
    }

    pub fn id(&self, column: &str, bytes: Vec<u8>) -> Result<Id> {
        Id::try_from(bytes).map_err(|_| self.bad(column))
    }

    pub fn generation(&self, column: &str, value: i64) -> Result<u32> {
        u32::try_from(value).map_err(|_| self.bad(column))
    }

    pub fn scopes(&self, column: &str, text: &str) -> Result<Scopes> {
        Scopes::parse(text).map_err(|_| self.bad(column))
    }

    pub fn list(&self, column: &str, json: &str) -> Result<Vec<String>> {
        self.json(column, json)
    }

    pub fn json<T: serde::de::DeserializeOwned>(&self, column: &str, json: &str) -> Result<T> {
        serde_json::from_str(json).map_err(|_| self.bad(column))
    }

    pub fn name<T>(&self, column: &str, value: Option<T>) -> Result<T> {
        value.ok_or_else(|| self.bad(column))
    }
}

pub fn time(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

pub fn times(millis: Option<i64>) -> Option<Timestamp> {
    millis.map(Timestamp::from_millis)
}

/// A list as a JSON array.
pub fn json(list: &[String]) -> String {
    serde_json::Value::from(list).to_string()
}
