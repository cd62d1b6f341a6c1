//! Users with hundreds of apps, devices and browsers: each page is as long as for other users, takes as long, and links to the
//! rest; each item is on exactly one page.

use std::{collections::BTreeSet, time::Instant};

use symbolon::testing::{
    protocol::{
        grant::Grant,
        oauth::client::{Client, ClientKind},
        values::{
            id::Id,
            time::{Span, Timestamp},
        },
    },
    random,
    store::{
        grants,
        sessions::{self, Session},
    },
};

use super::{OFFLINE, end, newest_grant, signed_in, tokens};
use crate::harness::{Browser, Page, Server, both};

/// A page of 600 grants took 1.6 MB.
const LARGEST: usize = 300_000;

/// So many grants like one, in sessions of their own that go on.
fn more(server: &Server, pattern: &Grant, client: &Client, count: usize) {
    let session = server.store(|connection| sessions::find(connection, pattern.sid)).unwrap();
    for number in 0..count {
        let made = Timestamp::from_millis(server.now().millis() - 1_000 - i64::try_from(number).unwrap());
        let session = Session { id: random::id(made), last_seen_at: made, created_at: made, ..session.clone() };
        let grant = Grant {
            id: random::id(made),
            client_id: client.id.clone(),
            sid: session.id,
            created_at: made,
            rotated_at: Some(made),
            expires_at: made.plus(Span::from_seconds(86_400)),
            ..pattern.clone()
        };
        server.store(|connection| {
            sessions::insert(connection, &session)?;
            grants::insert(connection, &grant)
        });
    }
}

fn pattern(server: &Server, user: Id) -> Grant {
    let id = newest_grant(server, user);
    server.store(|connection| grants::find(connection, id)).unwrap().grant
}

/// The ids of what could be ended of this kind on a page.
fn ids(page: &Page, what: &str) -> Vec<String> {
    let mark = format!("name=\"what\" value=\"{what}\"");
    let forms = page.body.split(&mark).skip(1);
    let of = |form: &str| form.split_once("name=\"id\" value=\"").unwrap().1.split('"').next().unwrap().to_owned();
    let mut found: Vec<_> = forms.map(of).collect();
    found.dedup(); // each has a form to end it, and one to rename it
    found
}

/// Where a page leads on, by what its query begins with.
fn ways(page: &Page, begins: &str) -> Vec<String> {
    let links = page.body.split("href=\"").skip(1).map(|rest| rest.split('"').next().unwrap());
    let own = links.filter(|link| link.strip_prefix("/account?").is_some_and(|query| query.starts_with(begins)));
    own.map(|link| link.replace("&#38;", "&").replace("&amp;", "&")).collect()
}

/// Everything of a kind on this page and those it leads to, each once.
#[track_caller]
fn all(browser: &mut Browser, path: &str, begins: &str, what: &str) -> BTreeSet<String> {
    let (mut found, mut paths, mut seen) = (BTreeSet::new(), vec![path.to_owned()], BTreeSet::new());
    while let Some(path) = paths.pop() {
        if !seen.insert(path.clone()) {
            continue;
        }
        let page = browser.get(&path);
        assert!(page.status == 200 && page.body.len() < LARGEST, "{path}: {} {}", page.status, page.body.len());
        for id in ids(&page, what) {
            assert!(found.insert(id.clone()), "{id} stands on two pages");
        }
        paths.extend(ways(&page, begins));
        assert!(seen.len() < 100);
    }
    found
}

#[test]
fn hundreds_of_devices_of_one_app() {
    both(|server| {
        server.add_apis();
        let (alice, web) = (server.add_user("alice").claims.id, server.add_web("web"));
        let mut browser = signed_in(server);
        tokens(server, &mut browser, &web, OFFLINE);
        more(server, &pattern(server, alice), &web, 600);
        let started = Instant::now();
        let page = browser.get("/account");
        eprintln!("{} bytes in {:?}", page.body.len(), started.elapsed());
        assert!(page.status == 200 && page.body.len() < LARGEST, "{}", page.body.len());
        assert_eq!(ids(&page, "grant").len(), 20);
        assert!((20..=21).contains(&ids(&page, "session").len()), "twenty, and this browser, whenever it was last used");
        assert!(!page.body.contains("class=\"count\""), "nobody has counted them");
        assert_eq!(all(&mut browser, "/account", "app=", "grant").len(), 601);
        assert_eq!(all(&mut browser, "/account", "browsers_before=", "session").len(), 601);

        // One far down is ended, and renamed, as any other.
        let way = ways(&page, "app=").remove(0);
        let far = ids(&browser.get(&way), "grant").remove(30);
        assert_eq!(end(&mut browser, "grant", &far).status, 303);
        assert_eq!(all(&mut browser, "/account", "app=", "grant").len(), 600);
        assert_eq!(end(&mut browser, "grant", &far).status, 404);
    });
}

#[test]
fn hundreds_of_apps() {
    both(|server| {
        server.add_apis();
        let (alice, web) = (server.add_user("alice").claims.id, server.add_web("web"));
        let mut browser = signed_in(server);
        tokens(server, &mut browser, &web, OFFLINE);
        let pattern = pattern(server, alice);
        let apps: Vec<_> = (0..120).map(|number| server.add_client(&format!("app-{number}"), ClientKind::Spa, |_| ())).collect();
        for app in &apps {
            more(server, &pattern, app, 3);
        }
        let started = Instant::now();
        let page = browser.get("/account");
        eprintln!("{} bytes in {:?}", page.body.len(), started.elapsed());
        let shown = all(&mut browser, "/account", "apps_after=", "app");
        assert_eq!(shown.len(), 121, "{shown:?}");
        assert_eq!(all(&mut browser, "/account", "app", "grant").len(), 361);
        // By their names: a capital e-mail makes no difference, and neither does the page.
        assert!(page.body.contains("App app-0<") && !page.body.contains("App web<"));
    });
}

#[test]
fn a_query_that_makes_no_sense_is_the_beginning() {
    both(|server| {
        server.add_apis();
        server.add_user("alice");
        let other = server.add_client("other", ClientKind::Spa, |_| ());
        let mut browser = signed_in(server);
        let whole = browser.get("/account");
        for query in ["browsers_before=x", "browsers_before=1.x", "browsers_before=x.0", "before=x", "x=y"] {
            let page = browser.get(&format!("/account?{query}"));
            assert_eq!((page.status, ids(&page, "session")), (200, ids(&whole, "session")), "{query}");
        }
        assert_eq!(browser.get("/account?apps_after=nobody").status, 200);
        // An app that was never allowed anything is none of theirs.
        let page = browser.get(&format!("/account?app={}&before=x", other.id));
        assert!(page.status == 200 && !page.body.contains("App other"), "{page:?}");
    });
}
