//! `symbolon user activity`: the activity of an account, as its user sees it, newest first. Failed sign-ins appear up to a second
//! late: a running server writes them in batches.

use super::super::{Answer, Work, listing::Part};
use crate::{
    display::user_agent,
    operations::users::{self, ActivityView},
};

const HEADING: [&str; 7] = ["WHEN", "WHAT", "TIMES", "ABOUT", "ADDRESS", "PLACE", "PROGRAM"];

pub fn run(work: &mut Work<'_>, login: &str, part: &Part) -> Answer {
    part.print(work, (HEADING, row), |work, slice| users::activity(work, login, slice))
}

/// A table row below [`HEADING`].
fn row(entry: &ActivityView) -> [String; 7] {
    let or_nothing = |text: &Option<String>| text.clone().unwrap_or_default();
    [
        entry.at.to_string(),
        entry.activity.replace('_', " "),
        entry.count.to_string(),
        or_nothing(&entry.about),
        or_nothing(&entry.address),
        or_nothing(&entry.place),
        entry.user_agent.as_deref().map(user_agent::words).unwrap_or_default(),
    ]
}
