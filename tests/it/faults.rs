//! Faults in production: killed processes, databases that are suspended, fail, fill up or return to an earlier state, clocks that
//! step. Meanwhile apps refresh through real processes, and present the same token again after anything but a response, as apps
//! should. A checker compares the responses with the verdict table. `tests/faults` runs all of it for minutes; in the test suite
//! it is short.

mod clocks;
mod disks;
mod failover;
mod kills;
mod stops;

use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

use symbolon::testing::{
    protocol::oauth::client::Client,
    store::{AnyConnection, Error, grants},
};

use crate::{
    harness::{Answer, encode, grant_of, not_tried},
    serve::{Site, tokens},
};

/// How many rounds of a fault there are: a few as one of all tests, many by `tests/faults`.
fn rounds(short: usize, long: usize) -> usize {
    if is_long() { long } else { short }
}

/// Whether `tests/faults` runs, which has installed what is needed.
fn is_long() -> bool {
    std::env::var("SYMBOLON_TEST_FAULTS").is_ok_and(|value| value == "long")
}

/// For how long an app presents the same token again before it gives up: less than the retry window.
const GIVES_UP_AFTER: Duration = Duration::from_secs(25);
/// How long an app waits for one answer.
const PATIENCE: Duration = Duration::from_secs(4);

/// What one app did and was told.
#[derive(Debug, Default)]
struct Report {
    /// Answers with tokens.
    served: usize,
    /// Answers 503.
    unavailable: usize,
    /// No answer at all.
    unanswered: usize,
    /// The refresh token that it has.
    current: String,
    /// Any token that it was ever given.
    seen: BTreeSet<String>,
    /// What must not be.
    violations: Vec<String>,
}

/// Tells the apps to stop, also where a test fails in between.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// Apps that refresh, until they are told to stop.
struct Load<'a> {
    urls: &'a [String],
    client: &'a Client,
    stop: AtomicBool,
    steps: AtomicUsize,
    refused: AtomicUsize,
}

impl<'a> Load<'a> {
    fn new(urls: &'a [String], client: &'a Client) -> Self {
        Self { urls, client, stop: AtomicBool::new(false), steps: AtomicUsize::new(0), refused: AtomicUsize::new(0) }
    }

    /// Runs so many apps while `faults` happen, lets them go on until each was served once more, and checks what they were told.
    /// What happened, for the record.
    fn run(&self, site: &Site, apps: usize, faults: impl FnOnce(&Self)) {
        let first: Vec<_> = (0..apps).map(|_| tokens(&self.urls[0], self.client)).collect();
        let reports: Vec<_> = thread::scope(|scope| {
            let stop = Stop(&self.stop);
            let all: Vec<_> =
                first.iter().enumerate().map(|(number, first)| scope.spawn(move || self.app(number, first))).collect();
            self.wait_for(apps);
            faults(self);
            self.wait_for(apps);
            drop(stop);
            all.into_iter().map(|one| one.join().unwrap()).collect()
        });
        self.check(site, &first, &reports);
    }

    /// How many answers were 503 so far.
    fn refused(&self) -> usize {
        self.refused.load(Ordering::SeqCst)
    }

    /// Waits until so many more refreshes were served.
    #[track_caller]
    fn wait_for(&self, more: usize) {
        let (target, began) = (self.steps.load(Ordering::SeqCst) + more, Instant::now());
        while self.steps.load(Ordering::SeqCst) < target {
            assert!(began.elapsed() < Duration::from_mins(2), "no refresh is served any more");
            thread::sleep(Duration::from_millis(5));
        }
    }

    fn app(&self, number: usize, first: &Answer) -> Report {
        let mut report = Report { current: first.text("refresh_token").to_owned(), ..Report::default() };
        report.seen.insert(report.current.clone());
        let agent = agent();
        let (mut turn, mut presented_since) = (number, None);
        while !self.stop.load(Ordering::SeqCst) || presented_since.is_some() {
            let url = &self.urls[turn % self.urls.len()];
            turn += 1;
            let since = *presented_since.get_or_insert_with(Instant::now);
            match refresh(&agent, url, self.client, &report.current) {
                Some((200, successor)) => {
                    if !report.seen.insert(successor.clone()) {
                        report.violations.push(format!("app {number}: a token that it had before is its successor"));
                    }
                    (report.current, presented_since) = (successor, None);
                    report.served += 1;
                    self.steps.fetch_add(1, Ordering::SeqCst);
                    thread::sleep(Duration::from_millis(2));
                    continue;
                }
                Some((503, _)) => {
                    report.unavailable += 1;
                    self.refused.fetch_add(1, Ordering::SeqCst);
                }
                None => report.unanswered += 1,
                Some((status, body)) => {
                    report.violations.push(format!("app {number}: an honest app was told {status} {body}"));
                    return report;
                }
            }
            if since.elapsed() > GIVES_UP_AFTER + Duration::from_mins(1) {
                report.violations.push(format!("app {number}: no answer any more"));
                return report;
            }
            thread::sleep(Duration::from_millis(20));
        }
        report
    }

    /// Nothing that was answered is lost, no grant has gone further than its app (but for one answer that was lost), and the token
    /// that was used before ends the grant and all that came of it.
    fn check(&self, site: &Site, first: &[Answer], reports: &[Report]) {
        let sum = |of: fn(&Report) -> usize| reports.iter().map(of).sum::<usize>();
        eprintln!(
            "  {} apps: {} refreshes served, {} answered 503, {} unanswered",
            reports.len(),
            sum(|report| report.served),
            sum(|report| report.unavailable),
            sum(|report| report.unanswered),
        );
        let violations: Vec<_> = reports.iter().flat_map(|report| &report.violations).collect();
        assert!(violations.is_empty(), "{violations:#?}");
        let store = site.store();
        for (answer, report) in first.iter().zip(reports) {
            let found =
                store.with(|connection: &mut AnyConnection| -> Result<_, Error> { grants::find(connection, grant_of(answer)) });
            let grant = found.unwrap().unwrap().grant;
            assert!(grant.revoked_at.is_none(), "an honest app's grant is revoked");
            assert_eq!(grant.generation as usize, 1 + report.served, "as many rotations as answers");
        }
        // One of them is a thief's as well.
        let (agent, url, last) = (agent(), &self.urls[0], &reports[0]);
        let before = first[0].text("refresh_token");
        assert_eq!(
            refresh(&agent, url, self.client, before).map(|(status, _)| status),
            Some(400),
            "a token that was used before"
        );
        assert_eq!(refresh(&agent, url, self.client, &last.current).map(|(status, _)| status), Some(400), "ends its grant");
    }
}

fn agent() -> ureq::Agent {
    let config = ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(PATIENCE));
    config.build().into()
}

/// The status, and the successor or the body; `None` where there was no answer.
fn refresh(agent: &ureq::Agent, url: &str, client: &Client, token: &str) -> Option<(u16, String)> {
    let form = encode(&[("grant_type", "refresh_token"), ("client_id", &client.id), ("refresh_token", token)]);
    let sent = agent.post(format!("{url}/token")).header("Content-Type", "application/x-www-form-urlencoded").send(form);
    let mut answer = sent.ok()?;
    let status = answer.status().as_u16();
    let body = answer.body_mut().read_to_string().ok()?;
    if status != 200 {
        return Some((status, body));
    }
    let json: serde_json::Value = serde_json::from_str(&body).ok()?;
    Some((200, json["refresh_token"].as_str()?.to_owned()))
}

/// A site with alice and her app.
fn site(database: crate::harness::Database) -> (Site, Client) {
    let site = Site::new(database).with("SYMBOLON_LOG", "error");
    site.add_alice();
    let client = site.add_spa();
    (site, client)
}
