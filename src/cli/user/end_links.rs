//! `symbolon user end-links`: ends the links in earlier letters, whatever they are for, and changes nothing else. Which ones can
//! be used is told by `user show`; what else ends them is decision 0029.

use super::{
    super::{Answer, Work, output},
    Who, find, operated,
};
use crate::{protocol::activity::Activity, store::account};

pub fn run(work: &mut Work<'_>, who: &Who) -> Answer {
    let person = find(work, &who.login)?.claims;
    let ended = account::end_links(work.connection, &operated(work.now, person.id, Activity::LinksEnded))?;
    let text = || {
        let have = if ended == 1 { "has" } else { "have" };
        output::clean(&format!("user {}: {} {have} ended", person.username, output::count(ended, "open link"))) + "\n"
    };
    let told = serde_json::json!({ "id": person.id.to_string(), "username": person.username, "ended_links": ended });
    who.format.answer(&told, text)
}
