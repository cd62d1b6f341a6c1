//! `symbolon user end-links`: ends the links in earlier e-mails, of every kind, and changes nothing else. `user show` lists the
//! open ones; what else ends them is decision 0029.

use super::{
    super::{Answer, Work, output},
    Who, find, operated,
};
use crate::{protocol::account::activity::Activity, store::account};

pub fn run(work: &mut Work<'_>, who: &Who) -> Answer {
    let user = find(work, &who.login)?.claims;
    let ended = account::end_links(work.connection, &operated(work.now, user.id, Activity::LinksEnded))?;
    let text = || output::clean(&format!("user {}: {} revoked", user.username, output::count(ended, "unused link"))) + "\n";
    let value = serde_json::json!({ "id": user.id.to_string(), "username": user.username, "ended_links": ended });
    who.format.answer(&value, text)
}
