//! Values that the other rules are made of: ids, times, names, addresses, texts.

pub mod algorithm;
pub mod clock_check;
pub mod id;
pub(crate) mod names;
pub mod network;
pub mod once_each;
pub mod params;
pub mod plain_text;
pub mod remote_url;
pub mod time;
