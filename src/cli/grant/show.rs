//! `symbolon grant show`: everything known of one grant, and its history, one line per event. The difference between two events is
//! `protocol::grant::history`.

use super::{
    super::output::{self, lines},
    device, last_used, username,
};
use crate::{
    operations::grants::{GrantDetails, GrantEventView},
    protocol::grant::{end_reason::EndReason, history::GrantEvent},
};

const HEADING: [&str; 8] = ["WHEN", "WHAT", "TOKEN", "CHANGED", "ADDRESS", "PLACE", "PROGRAM", "WHY"];

/// A grant with its events, oldest first.
pub fn text(details: &GrantDetails) -> String {
    let GrantDetails { grant, client_name, auth_time, generation, history } = details;
    let client = client_name.as_ref().map_or_else(|| "(deleted)".to_owned(), |name| format!("{} ({name})", grant.client_id));
    let state = grant.reason.map(|reason| format!("{}: {}", grant.state, reason.description()));
    let fields = output::fields(&[
        ("grant", grant.id.clone()),
        ("user", username(grant)),
        ("client", client),
        ("scope", grant.scope.clone()),
        ("audiences", lines(&grant.audiences)),
        ("state", state.unwrap_or_else(|| grant.state.to_owned())),
        ("signed in", auth_time.to_string()),
        ("created", grant.created.to_string()),
        ("last used", last_used(grant)),
        ("device", device(grant)),
        ("last seen at", [&grant.address, &grant.place].into_iter().flatten().cloned().collect::<Vec<_>>().join(", ")),
        ("expires", grant.expires.to_string()),
        ("ends with", (if grant.ends_with_session { "the browser session" } else { "nothing" }).into()),
        ("generation", generation.to_string()),
    ]);
    if history.is_empty() {
        return fields + "\nno history\n";
    }
    fields + "\n" + &output::table(HEADING, &history.iter().map(row).collect::<Vec<_>>())
}

/// A table row below [`HEADING`].
fn row(event: &GrantEventView) -> [String; 8] {
    let changed = match (event.new_address, event.new_user_agent) {
        (false, false) => "",
        (true, false) => "address",
        (false, true) => "program",
        (true, true) => "address, program",
    };
    let or_nothing = |text: Option<&str>| text.unwrap_or_default().to_owned();
    [
        event.at.to_string(),
        GrantEvent::named(event.event).map_or(event.event, words).to_owned(),
        event.generation.to_string(),
        changed.into(),
        or_nothing(event.address.as_deref()),
        or_nothing(event.place.as_deref()),
        or_nothing(event.user_agent.as_deref()),
        or_nothing(event.why.map(EndReason::description)),
    ]
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
    use crate::{
        operations::{DateTime, grants::GrantView},
        protocol::{
            grant::{
                end_reason::Inactive,
                history::{self, HistoryEntry},
            },
            values::time::Timestamp,
        },
    };

    fn time(millis: i64) -> DateTime {
        DateTime(Timestamp::from_millis(millis))
    }

    fn details(entries: Vec<HistoryEntry>) -> GrantDetails {
        let grant = GrantView {
            id: "0192f3c4a5b60718293a4b5c6d7e8f90".into(),
            client_id: "notes".into(),
            user_id: "0192f3c4a5b60718293a4b5c6d7e8f91".into(),
            username: Some("alice".into()),
            scope: "openid notes:read".into(),
            audiences: vec!["https://api.example.com".into()],
            state: "ended",
            reason: Some(Inactive::Revoked(EndReason::ConsentWithdrawn)),
            ends_with_session: false,
            created: time(0),
            last_used: None,
            expires: time(86_400_000),
            device_name: Some("work laptop".into()),
            address: Some("203.0.113.9".into()),
            place: Some("Bern".into()),
            user_agent: Some("notes/2".into()),
        };
        let changes = history::changes(&entries);
        GrantDetails {
            grant,
            client_name: Some("Example Notes".into()),
            auth_time: time(0),
            generation: 2,
            history: entries.into_iter().zip(changes).map(|(entry, changes)| GrantEventView::new(entry, changes)).collect(),
        }
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
        let text = text(&details(entries().into()));
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
        assert_eq!(listed[5][1..], ["REUSED, grant revoked", "0", "address, program", "203.0.113.9", "curl<U+001B>[2J"]);
        assert_eq!(listed.len(), 6);
    }

    #[test]
    fn json_names_every_entry() {
        let mut entries = entries();
        entries[4] = HistoryEntry { why: Some(EndReason::ConsentWithdrawn), ..entry(GrantEvent::Revoked, 120, 2, "", "") };
        let details = details(entries.into());
        let json = serde_json::to_value(&details).unwrap();
        assert_eq!(
            (&json["id"], &json["state"], &json["generation"]),
            (&details.grant.id.as_str().into(), &"ended".into(), &2.into())
        );
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
        let text = text(&GrantDetails { client_name: None, ..details(vec![]) });
        assert!(text.contains("client        (deleted)\n") && text.ends_with("\nno history\n"), "{text}");
    }
}
