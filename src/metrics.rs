//! Metrics for the operator's monitoring, as `OpenMetrics` text: what became of credentials, and what was lost. Counters since the
//! process started. Labels have fixed values only, so that no request can create a series.

use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family},
    registry::Registry,
};

use crate::protocol::grant::history::GrantEvent;

/// The media type of [`Metrics::text`].
pub const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Event {
    event: &'static str,
}

/// The counters of this process.
pub struct Metrics {
    registry: Registry,
    grant_events: Family<Event, Counter>,
    sessions_healed: Counter,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("symbolon");
        let (grant_events, sessions_healed) = (Family::<Event, Counter>::default(), Counter::default());
        for event in GrantEvent::ALL.into_iter().filter(|event| *event != GrantEvent::Revoked) {
            // Zero from the start: monitoring sees no increase of a counter that appears with its first event.
            drop(grant_events.get_or_create(&Event { event: event.name() }));
        }
        registry.register("grant_events", "Events of authorization codes and refresh tokens", grant_events.clone());
        registry.register(
            "sessions_healed",
            "Sessions continued from a cookie newer than the database, which was restored from an earlier time",
            sessions_healed.clone(),
        );
        Self { registry, grant_events, sessions_healed }
    }
}

impl Metrics {
    /// Counts a code or a refresh token that was issued, used, or refused as reused.
    pub fn grant(&self, event: GrantEvent) {
        self.grant_events.get_or_create(&Event { event: event.name() }).inc();
    }

    /// Counts a session that followed a cookie newer than its row.
    pub fn session_healed(&self) {
        self.sessions_healed.inc();
    }

    /// All counters as text.
    ///
    /// # Errors
    /// None in practice: writing to a string does not fail.
    pub fn text(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.registry).map(|()| text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_is_there_from_the_start_and_counted_by_its_name() {
        let metrics = Metrics::default();
        let zero = metrics.text().unwrap();
        for event in ["code_issued", "redeemed", "refreshed", "repeated", "healed", "reused"] {
            assert!(zero.contains(&format!("symbolon_grant_events_total{{event=\"{event}\"}} 0\n")), "{zero}");
        }
        metrics.grant(GrantEvent::Healed);
        metrics.grant(GrantEvent::Healed);
        metrics.session_healed();
        let text = metrics.text().unwrap();
        assert!(text.contains("symbolon_grant_events_total{event=\"healed\"} 2\n"), "{text}");
        assert!(text.contains("symbolon_grant_events_total{event=\"reused\"} 0\n"), "{text}");
        assert!(text.contains("symbolon_sessions_healed_total 1\n"), "{text}");
        assert!(text.ends_with("# EOF\n"), "{text}");
    }
}
