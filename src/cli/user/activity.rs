//! `symbolon user activity`: the activity of an account, as its user sees it, newest first. Failed sign-ins appear up to a second
//! late: a running server writes them in batches.

use serde::Serialize;

use super::{
    super::{
        Answer, Work,
        output::{self, time},
    },
    Who, find,
};
use crate::{display::user_agent, protocol::account::activity::Entry, store::activity};

const HEADING: [&str; 7] = ["WHEN", "WHAT", "TIMES", "ABOUT", "ADDRESS", "PLACE", "PROGRAM"];

/// An activity, as printed.
#[derive(Serialize)]
struct ActivityOutput {
    activity: &'static str,
    /// Of repeated activities, the last time.
    at: String,
    count: u32,
    about: Option<String>,
    address: Option<String>,
    place: Option<String>,
    user_agent: Option<String>,
}

pub fn run(work: &mut Work<'_>, who: &Who, limit: u32) -> Answer {
    let user = find(work, &who.login)?.claims.id;
    let listed: Vec<_> =
        activity::of(work.connection, user, None, limit)?.into_iter().map(|(_, entry)| ActivityOutput::new(entry)).collect();
    who.format.answer(&listed, || output::table(HEADING, &listed.iter().map(ActivityOutput::row).collect::<Vec<_>>()))
}

impl ActivityOutput {
    fn new(entry: Entry) -> Self {
        let Entry { activity, at, origin, about, count } = entry;
        let (activity, at) = (activity.name(), time(at));
        Self { activity, at, count, about, address: origin.address, place: origin.place, user_agent: origin.user_agent }
    }

    /// A table row below [`HEADING`].
    fn row(&self) -> [String; 7] {
        let or_nothing = |text: &Option<String>| text.clone().unwrap_or_default();
        [
            self.at.clone(),
            self.activity.replace('_', " "),
            self.count.to_string(),
            or_nothing(&self.about),
            or_nothing(&self.address),
            or_nothing(&self.place),
            self.user_agent.as_deref().map(user_agent::words).unwrap_or_default(),
        ]
    }
}
