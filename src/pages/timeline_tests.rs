//! Tests of the timeline page with a history for each kind of event, and of what it must say without the picture.

use super::super::account_frame::tests::ALICE;
use super::super::markup;
use super::super::samples::{LAYOUT, Sample, assert_escaped, hostile, sample};
use super::*;

const REVOKED: Inactive = Inactive::Revoked(EndReason::RevokedByOperator);

const NOTES: &str = "Example Notes 2.4 on Android";
const HOME: &str = "198.51.100.7";

fn when(words: &str) -> Point {
    Point { words: words.into(), iso: "2026-11-22T05:37:00Z".into() }
}

pub(in super::super) fn row(kind: RowKind, at: &str, seconds_before: i64, generation: u32) -> TimelineRow {
    TimelineRow {
        kind,
        at: when(at),
        until: None,
        seconds_before: (kind != RowKind::CodeIssued).then_some(seconds_before),
        generation,
        unlisted: 0,
        address: Some(HOME.into()),
        place: Some("Bern, Switzerland".into()),
        program: Some(NOTES.into()),
        new_address: false,
        new_program: false,
        why: None,
    }
}

fn beginning() -> Vec<TimelineRow> {
    let mut given = row(RowKind::CodeIssued, "3 November 2026, 18:02 UTC", 0, 0);
    given.program = Some("Firefox on Linux".into());
    vec![
        given,
        row(RowKind::Redeemed, "3 November 2026, 18:02 UTC", 2, 0),
        row(RowKind::Refreshed, "3 November 2026, 19:01 UTC", 3540, 1),
    ]
}

fn run(count: usize, from: u32, seconds: i64) -> TimelineRow {
    let last = from + u32::try_from(count).unwrap() - 1;
    let mut row = row(RowKind::Run { count, last, seconds }, "3 November 2026, 20:00 UTC", 3540, from);
    row.until = Some(when("17 November 2026, 20:00 UTC"));
    row
}

fn ordinary() -> Vec<TimelineRow> {
    let mut moved = row(RowKind::Refreshed, "20 November 2026, 21:44 UTC", 265_440, 338);
    moved.address = Some("2001:db8:85a3:8d3:1319:8a2e:370:7348".into());
    moved.place = Some("Geneva, Switzerland".into());
    moved.new_address = true;
    let mut updated = row(RowKind::Refreshed, "21 November 2026, 23:02 UTC", 4_620, 339);
    updated.program = Some("Example Notes 2.5 on Android".into());
    updated.new_program = true;
    updated.new_address = true;
    let mut rows = beginning();
    rows.extend([
        run(336, 2, 14 * 86_400),
        moved,
        row(RowKind::Repeated, "20 November 2026, 21:45 UTC", 12, 338),
        updated,
        row(RowKind::Refreshed, "22 November 2026, 00:01 UTC", 3_540, 340),
        row(RowKind::Refreshed, "22 November 2026, 01:00 UTC", 3_540, 341),
    ]);
    rows
}

fn reused() -> Vec<TimelineRow> {
    let mut again = row(RowKind::Reused { newest: 338, first_used: Some(3) }, "17 November 2026, 21:12 UTC", 4_320, 71);
    again.address = Some("203.0.113.77".into());
    again.place = Some("Rotterdam, Netherlands".into());
    again.program = Some("python-requests".into());
    (again.new_address, again.new_program) = (true, true);
    let mut rows = beginning();
    rows.extend([run(336, 2, 14 * 86_400), again]);
    rows
}

fn revoked() -> Vec<TimelineRow> {
    let mut rows = beginning();
    let mut late = row(RowKind::Refreshed, "20 November 2027, 21:44 UTC", 32_000_000, 123_456);
    late.unlisted = 123_454;
    let mut omitted = row(RowKind::Omitted { count: 740, changed: 12 }, "20 November 2027, 22:44 UTC", 3_600, 123_457);
    omitted.until = Some(when("24 December 2027, 22:44 UTC"));
    let mut end = row(RowKind::Revoked, "24 December 2027, 23:05 UTC", 1_260, 124_197);
    (end.address, end.place, end.program) = (None, None, None);
    end.why = Some(EndReason::RevokedByOperator);
    rows.extend([late, omitted, end]);
    rows
}

struct Facts {
    given: Point,
    ends: Point,
    used: Point,
    scopes: Vec<RequestedScope<'static>>,
}

fn scope<'a>(name: &'a str, description: Option<&'a str>) -> RequestedScope<'a> {
    RequestedScope { name, description, api: None, claims: &[] }
}

fn facts() -> Facts {
    Facts {
        given: when("3 November 2026, 18:02 UTC"),
        ends: when("3 November 2027, 18:02 UTC"),
        used: when("22 November 2026, 01:00 UTC"),
        scopes: vec![scope("openid", None), scope("notes:read", Some("Read your notes")), scope("offline_access", None)],
    }
}

fn timeline<'a>(facts: &'a Facts, state: GrantState, rows: &'a [TimelineRow]) -> Timeline<'a> {
    Timeline {
        layout: LAYOUT,
        owner: ALICE,
        app: "Example Notes",
        device: "Alice's telephone",
        given: &facts.given,
        last_used: Some(&facts.used),
        ends: &facts.ends,
        scopes: &facts.scopes,
        state,
        rows,
        end: (!matches!(state, GrantState::Ended { .. })).then_some(EndGrant {
            action: "/account/end",
            csrf: "form-proof",
            id: "0192f3c4a5b60718293a4b5c6d7e8f90",
        }),
    }
}

/// A grant with the maximum number of rows.
fn long() -> Vec<TimelineRow> {
    let mut rows = beginning();
    for n in 2..119 {
        let mut next = row(RowKind::Refreshed, "22 November 2026, 01:00 UTC", 3_540, n);
        next.new_address = n % 5 == 0;
        rows.push(next);
    }
    rows
}

pub fn samples() -> Vec<Sample> {
    let facts = facts();
    let (first, ordinary, reused, revoked, long) = (beginning(), ordinary(), reused(), revoked(), long());
    let code_again = [
        beginning().into_iter().take(2).collect(),
        vec![row(RowKind::Reused { newest: 1, first_used: Some(1) }, "3 November 2026, 18:03 UTC", 41, 0)],
    ]
    .concat();
    let waiting = Timeline { last_used: None, ..timeline(&facts, GrantState::Waiting, &first[..1]) };
    let no_scopes = Timeline { scopes: &[], ..timeline(&facts, GrantState::Ended { why: Inactive::Expired }, &[]) };
    let ended = |why| GrantState::Ended { why };
    let stopped_at = when("17 November 2026, 20:00 UTC");
    let stopped = |rows| Timeline { last_used: Some(&stopped_at), ..timeline(&facts, ended(REVOKED), rows) };
    let hebrew = "הפנקס של אליס, שנכתב מימין לשמאל";
    let foreign = Timeline {
        app: hebrew,
        device: "Averylongnamewithoutanyspacethatgoesonandonandonuntilitmustbebroken",
        ..timeline(&facts, GrantState::InUse, &first)
    };
    vec![
        sample("timeline", &timeline(&facts, GrantState::InUse, &ordinary)),
        sample("timeline-reused", &stopped(&reused)),
        sample("timeline-code-reused", &stopped(&code_again)),
        sample("timeline-revoked", &timeline(&facts, ended(REVOKED), &revoked)),
        sample("timeline-idle", &timeline(&facts, ended(Inactive::Idle), &ordinary)),
        sample("timeline-long", &timeline(&facts, GrantState::InUse, &long)),
        sample("timeline-waiting", &waiting),
        sample("timeline-foreign", &foreign),
        sample("timeline-empty", &no_scopes),
    ]
}

#[test]
fn hostile_values_are_escaped() {
    let fields = ["app", "device", "scope", "action", "csrf", "id", "words", "iso", "address", "place", "program"];
    let [app, device, scope_words, action, csrf, id, words, iso, address, place, program] = fields.map(hostile);
    let mut hostile_row = row(RowKind::Refreshed, &words, 0, 1);
    hostile_row.at.iso = iso;
    (hostile_row.address, hostile_row.place, hostile_row.program) = (Some(address), Some(place), Some(program));
    (hostile_row.new_address, hostile_row.new_program) = (true, true);
    let (facts, rows) = (facts(), [hostile_row]);
    let scopes = [scope("notes:read", Some(&scope_words))];
    let page = Timeline {
        app: &app,
        device: &device,
        scopes: &scopes,
        end: Some(EndGrant { action: &action, csrf: &csrf, id: &id }),
        ..timeline(&facts, GrantState::Ended { why: REVOKED }, &rows)
    };
    assert_escaped(&page, &fields);
}

/// The text of a page, without tags.
fn said(html: &str) -> String {
    html.split('<').filter_map(|part| part.split_once('>')).map(|(_, text)| text).collect()
}

/// The list alone, as read without the picture.
fn list(page: &Timeline<'_>) -> (String, String) {
    let html = page.render().unwrap();
    let (picture, rest) = html.split_once("<ol").unwrap();
    let list = rest.split_once("</ol>").unwrap().0;
    (said(picture), said(&format!("<ol{list}")))
}

#[test]
fn the_list_says_all_that_the_picture_says() {
    let facts = facts();
    for rows in [ordinary(), reused(), revoked()] {
        let page = timeline(&facts, GrantState::InUse, &rows);
        let html = page.render().unwrap();
        assert_eq!(html.split_once("<ol").unwrap().1.matches("<p><strong>").count(), rows.len());
        let (picture, list) = list(&page);
        for row in &rows {
            assert!(picture.contains(&row.at.words) && list.contains(&row.at.words), "{row:?}");
            for shown in [&row.address, &row.place, &row.program].into_iter().flatten() {
                assert!(list.contains(shown.as_str()), "{shown}");
            }
        }
    }
}

#[test]
fn reuse_is_told_in_words_and_by_a_shape_of_its_own() {
    let (facts, rows) = (facts(), reused());
    let page = timeline(&facts, GrantState::Ended { why: REVOKED }, &rows);
    let (picture, list) = list(&page);
    assert!(picture.contains("Token 71 was used a second time,") && picture.contains("Old token 71 was reused"), "{picture}");
    assert!(picture.contains("The newest was token 338"), "{picture}");
    assert!(list.contains("Token 71 was used again after it had been used and replaced (token 338 was the newest)"), "{list}");
    assert!(list.contains("New address: 203.0.113.77") && list.contains("New program: python-requests"), "{list}");
    let html = page.render().unwrap();
    let count = |class: &str| markup::tags(&html).iter().filter(|tag| tag.get("class") == Some(class)).count();
    assert_eq!((count("broken"), count("return"), count("alarm"), count("reuse")), (1, 1, 1, 1));

    let rows = ordinary();
    let calm = timeline(&facts, GrantState::InUse, &rows).render().unwrap();
    assert!(!said(&calm).contains("reused") && !calm.contains("alarm") && !calm.contains("wrong-note"));
}

#[test]
fn it_can_be_ended_while_it_is_in_use() {
    let (facts, rows) = (facts(), ordinary());
    let html = timeline(&facts, GrantState::InUse, &rows).render().unwrap();
    let tags = markup::tags(&html);
    let sent: Vec<_> = tags.iter().filter(|tag| tag.name == "input").map(|tag| (tag.get("name"), tag.get("value"))).collect();
    let id = Some("0192f3c4a5b60718293a4b5c6d7e8f90");
    assert_eq!(sent, [(Some("csrf"), Some("form-proof")), (Some("what"), Some("grant")), (Some("id"), id)]);
    let over = timeline(&facts, GrantState::Ended { why: REVOKED }, &rows).render().unwrap();
    assert!(!over.contains("<form"));
}

#[test]
fn uses_that_are_not_listed_are_counted() {
    let (facts, rows) = (facts(), revoked());
    let (picture, list) = list(&timeline(&facts, GrantState::Ended { why: REVOKED }, &rows));
    assert!(picture.contains("123454 uses in between are not listed"), "{picture}");
    assert!(list.contains("123454 uses before this are not listed") && list.contains("740 more, not shown"), "{list}");
}

#[test]
fn every_reason_has_words_of_its_own_that_fit_into_the_picture() {
    let facts = facts();
    let mut seen = std::collections::BTreeSet::new();
    for reason in EndReason::ALL {
        let mut end = row(RowKind::Revoked, "24 December 2027, 23:05 UTC", 1_260, 4);
        end.why = Some(reason);
        let html = timeline(&facts, GrantState::Ended { why: Inactive::Revoked(reason) }, &[end]).render().unwrap();
        let words = html.split_once("<li>Why: ").unwrap().1.split_once("</li>").unwrap().0.to_owned();
        assert!(words.chars().count() <= 28, "{reason:?}: {words}");
        assert!(html.contains(&format!("<strong>Ended</strong>: {words}")), "{reason:?}: {words}");
        assert!(seen.insert(words), "{reason:?} is told like another");
    }
}
