//! How values are shown to users: dates, names of browsers, the rows of a timeline. Pure, like `protocol`.

pub mod calendar;
pub mod timeline;
pub mod user_agent;
