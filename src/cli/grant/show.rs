//! `symbolon grant show`: everything known of one grant, and its history, one line per event. The difference between two events is
//! `protocol::grant::history`.

use serde::Serialize;

use super::{
    super::{
        Answer, Work,
        output::{self, Format, lines, time},
    },
    Shown,
};
use crate::{
    protocol::grant::{
        Grant,
        end_reason::EndReason,
        history::{self, Changes, GrantEvent, HistoryEntry},
    },
    store::{clients, users},
};

/// The maximum number of events printed; the newest are kept.
pub const MOST: u32 = 10_000;

const HEADING: [&str; 8] = ["WHEN", "WHAT", "TOKEN", "CHANGED", "ADDRESS", "PLACE", "PROGRAM", "WHY"];

/// Prints a grant with its events, oldest first.
pub fn run(work: &mut Work<'_>, grant: Grant, entries: &[HistoryEntry], format: Format) -> Answer {
    let client = clients::find(work.connection, &grant.client_id)?;
    let name = client.as_ref().map(|client| client.settings.client_name.clone());
    let clients = client.into_iter().map(|client| (client.id.clone(), client)).collect();
    let username = users::find(work.connection, grant.user_id)?.map(|user| user.claims.username);
    let facts = Facts { name, signed_in: time(grant.auth_time), generation: grant.generation };
    let shown = super::show(work, grant, &clients, username)?;
    let life = HistoryOutput::new(&shown, &facts, entries);
    format.answer(&life, || life.text())
}

/// The facts that a list of grants does not show.
#[derive(Serialize)]
struct Facts {
    #[serde(rename = "client_name")]
    name: Option<String>,
    #[serde(rename = "auth_time")]
    signed_in: String,
    generation: u32,
}

/// A grant with its history, as printed.
#[derive(Serialize)]
struct HistoryOutput<'a> {
    #[serde(flatten)]
    grant: &'a Shown,
    #[serde(flatten)]
    facts: &'a Facts,
    history: Vec<EntryOutput<'a>>,
}

/// An event, as printed.
#[derive(Serialize)]
struct EntryOutput<'a> {
    event: &'static str,
    #[serde(skip)]
    what: &'static str,
    at: String,
    generation: u32,
    address: Option<&'a str>,
    place: Option<&'a str>,
    user_agent: Option<&'a str>,
    why: Option<EndReason>,
    new_address: bool,
    new_user_agent: bool,
}

impl<'a> HistoryOutput<'a> {
    fn new(grant: &'a Shown, facts: &'a Facts, entries: &'a [HistoryEntry]) -> Self {
        let history =
            entries.iter().zip(history::changes(entries)).map(|(entry, changes)| EntryOutput::new(entry, changes)).collect();
        Self { grant, facts, history }
    }

    fn text(&self) -> String {
        let Self { grant, facts, history } = self;
        let client = facts.name.as_ref().map_or_else(|| "(deleted)".to_owned(), |name| format!("{} ({name})", grant.client_id));
        let facts = [
            ("grant", grant.id.clone()),
            ("user", grant.username.clone().unwrap_or_else(|| "(deleted)".into())),
            ("client", client),
            ("scope", grant.scope.clone()),
            ("audiences", lines(&grant.audiences)),
            (
                "state",
                grant
                    .reason
                    .map_or_else(|| grant.state.to_owned(), |reason| format!("{}: {}", grant.state, reason.description())),
            ),
            ("signed in", facts.signed_in.clone()),
            ("created", grant.created.clone()),
            ("last used", grant.last_used.clone().unwrap_or_else(|| "never".into())),
            ("device", grant.device()),
            ("last seen at", [&grant.address, &grant.place].into_iter().flatten().cloned().collect::<Vec<_>>().join(", ")),
            ("expires", grant.expires.clone()),
            ("ends with", (if grant.ends_with_session { "the browser session" } else { "nothing" }).into()),
            ("generation", facts.generation.to_string()),
        ];
        let facts = output::fields(&facts);
        if history.is_empty() {
            return facts + "\nno history\n";
        }
        facts + "\n" + &output::table(HEADING, &history.iter().map(EntryOutput::row).collect::<Vec<_>>())
    }
}

impl<'a> EntryOutput<'a> {
    fn new(entry: &'a HistoryEntry, changes: Changes) -> Self {
        Self {
            event: entry.event.name(),
            what: words(entry.event),
            at: time(entry.at),
            generation: entry.generation,
            address: entry.address.as_deref(),
            place: entry.place.as_deref(),
            user_agent: entry.user_agent.as_deref(),
            why: entry.why,
            new_address: changes.address,
            new_user_agent: changes.user_agent,
        }
    }

    /// A table row below [`HEADING`].
    fn row(&self) -> [String; 8] {
        let changed = match (self.new_address, self.new_user_agent) {
            (false, false) => "",
            (true, false) => "address",
            (false, true) => "program",
            (true, true) => "address, program",
        };
        let or_nothing = |text: Option<&str>| text.unwrap_or_default().to_owned();
        [
            self.at.clone(),
            self.what.into(),
            self.generation.to_string(),
            changed.into(),
            or_nothing(self.address),
            or_nothing(self.place),
            or_nothing(self.user_agent),
            or_nothing(self.why.map(EndReason::description)),
        ]
    }
}

const fn words(event: GrantEvent) -> &'static str {
    match event {
        GrantEvent::CodeIssued => "code issued",
        GrantEvent::Redeemed => "code redeemed",
        GrantEvent::Refreshed => "refreshed",
        GrantEvent::Repeated => "repeated",
        GrantEvent::Healed => "refreshed (database was behind)",
        GrantEvent::Reused => "REUSED, grant revoked",
        GrantEvent::Revoked => "revoked",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{grant::end_reason::Inactive, values::time::Timestamp};

    fn shown() -> Shown {
        Shown {
            id: "0192f3c4a5b60718293a4b5c6d7e8f90".into(),
            client_id: "notes".into(),
            user_id: "0192f3c4a5b60718293a4b5c6d7e8f91".into(),
            username: Some("alice".into()),
            scope: "openid notes:read".into(),
            audiences: vec!["https://api.example.com".into()],
            state: "ended",
            reason: Some(Inactive::Revoked(EndReason::ConsentWithdrawn)),
            ends_with_session: false,
            created: time(Timestamp::from_millis(0)),
            last_used: None,
            expires: time(Timestamp::from_millis(86_400_000)),
            device_name: Some("work laptop".into()),
            address: Some("203.0.113.9".into()),
            place: Some("Bern".into()),
            user_agent: Some("notes/2".into()),
        }
    }

    fn facts() -> Facts {
        Facts { name: Some("Example Notes".into()), signed_in: time(Timestamp::from_millis(0)), generation: 2 }
    }

    fn entry(event: GrantEvent, seconds: i64, generation: u32, address: &str, program: &str) -> HistoryEntry {
        HistoryEntry {
            event,
            at: Timestamp::from_millis(seconds * 1000),
            generation,
            address: Some(address.into()),
            place: None,
            user_agent: Some(program.into()),
            why: None,
        }
    }

    fn entries() -> [HistoryEntry; 5] {
        [
            entry(GrantEvent::CodeIssued, 0, 0, "192.0.2.1", "Firefox"),
            entry(GrantEvent::Redeemed, 1, 0, "198.51.100.7", "notes/2"),
            entry(GrantEvent::Refreshed, 60, 1, "198.51.100.8", "notes/2"),
            entry(GrantEvent::Repeated, 61, 1, "198.51.100.8", "notes/2"),
            entry(GrantEvent::Reused, 120, 0, "203.0.113.9", "curl\u{1b}[2J"),
        ]
    }

    #[test]
    fn an_entry_is_a_line_with_what_changed() {
        let (shown, facts, entries) = (shown(), facts(), entries());
        let text = HistoryOutput::new(&shown, &facts, &entries).text();
        let (facts, history) = text.split_once("\n\n").unwrap();
        assert!(
            facts.contains("client        notes (Example Notes)\n")
                && facts.contains("state         ended: the grant was revoked\n")
        );
        assert!(facts.contains("device        work laptop\n") && facts.contains("last seen at  203.0.113.9, Bern\n"), "{facts}");
        let listed: Vec<Vec<_>> =
            history.lines().map(|line| line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect()).collect();
        assert_eq!(listed[0], HEADING);
        assert_eq!(listed[1][1..], ["code issued", "0", "192.0.2.1", "Firefox"]);
        assert_eq!(listed[3][1..], ["refreshed", "1", "address", "198.51.100.8", "notes/2"]);
        assert_eq!(listed[4], ["1970-01-01T00:01:01Z", "repeated", "1", "198.51.100.8", "notes/2"]);
        assert_eq!(listed[5][1..], ["REUSED, grant revoked", "0", "address, program", "203.0.113.9", "curl\\u{1b}[2J"]);
        assert_eq!(listed.len(), 6);
    }

    #[test]
    fn json_names_every_entry() {
        let (shown, facts, mut entries) = (shown(), facts(), entries());
        entries[4] = HistoryEntry { why: Some(EndReason::ConsentWithdrawn), ..entry(GrantEvent::Revoked, 120, 2, "", "") };
        let json = serde_json::to_value(HistoryOutput::new(&shown, &facts, &entries)).unwrap();
        assert_eq!((&json["id"], &json["state"], &json["generation"]), (&shown.id.as_str().into(), &"ended".into(), &2.into()));
        let names: Vec<_> = json["history"].as_array().unwrap().iter().map(|listed| listed["event"].as_str().unwrap()).collect();
        assert_eq!(names, ["code_issued", "redeemed", "refreshed", "repeated", "revoked"]);
        let expected = serde_json::json!({
            "event": "refreshed", "at": "1970-01-01T00:01:00Z", "generation": 1, "address": "198.51.100.8", "place": null,
            "user_agent": "notes/2", "why": null, "new_address": true, "new_user_agent": false,
        });
        assert_eq!(json["history"][2], expected);
        assert_eq!(json["history"][4]["why"], "consent_withdrawn");
    }

    #[test]
    fn a_grant_without_history_is_shown_all_the_same() {
        let (shown, facts) = (shown(), Facts { name: None, ..facts() });
        let text = HistoryOutput::new(&shown, &facts, &[]).text();
        assert!(text.contains("client        (deleted)\n") && text.ends_with("\nno history\n"), "{text}");
    }
}
