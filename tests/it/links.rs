//! Links in e-mails, of every kind: why one is invalid and what the page then says; confirming an address; "this was not me".

mod confirm_email;
mod not_me;

use symbolon::testing::{
    protocol::{
        account::link::LinkKind,
        grant::credential::{Credential, Kind},
        values::id::Id,
    },
    random,
    store::links::{self, Link},
};

use crate::harness::{Browser, Page, Server, with_mail};

/// Where links of each kind lead, and for how long.
const DOORS: [(LinkKind, &str, i64, &str); 5] = [
    (LinkKind::Register, "/register/finish", 86_400, "24 hours"),
    (LinkKind::Invitation, "/register/finish", 7 * 86_400, "7 days"),
    (LinkKind::Reset, "/recover/password", 600, "10 minutes"),
    (LinkKind::ConfirmEmail, "/confirm-email", 86_400, "24 hours"),
    (LinkKind::NotMe, "/not-me", 7 * 86_400, "7 days"),
];

/// A link that was made now, as it stands in an e-mail.
fn made(server: &Server, kind: LinkKind, change: impl FnOnce(&mut Link)) -> (Id, String) {
    let now = server.now();
    let mut link = Link { email: Some("zoe@example.com".into()), ..Link::new(random::id(now), kind, now) };
    change(&mut link);
    server.store(|connection| links::insert(connection, &link));
    (link.id, Credential { kind: Kind::Link, id: link.id, generation: 0 }.derive(&server.app.config.secrets))
}

/// Opens it: the page that it leads to.
fn opened(browser: &mut Browser, path: &str, text: &str) -> Page {
    let page = browser.get(&format!("{path}?link={text}"));
    if page.status != 303 {
        return page;
    }
    assert_eq!(page.location(), path);
    browser.get(path)
}

#[test]
fn a_dead_link_says_why_and_what_to_do() {
    with_mail(
        |_| (),
        |server, _| {
            let alice = server.add_user("alice");
            let of_alice = |link: &mut Link| link.user_id = Some(alice.claims.id);
            for (kind, path, lifetime, words) in DOORS {
                let mut browser = Browser::new(server);
                let mut is_invalid = |path: &str, text: &str, status: u16, problem: &str| {
                    let page = opened(&mut browser, path, text);
                    assert_eq!((page.status, page.problem()), (status, Some(problem)), "{kind:?}: {page:?}");
                    assert!(page.is("dead-link") && page.body.contains("What to do") && !page.body.contains("alice"), "{page:?}");
                    page
                };
                let (_, used) = made(server, kind, |link| {
                    of_alice(link);
                    link.used_at = Some(link.created_at);
                });
                is_invalid(path, &used, 410, "used");
                let (_, expired) = made(server, kind, of_alice);
                server.advance(lifetime);
                let page = is_invalid(path, &expired, 410, "expired");
                assert!(page.body.contains(words), "{kind:?} {words}: {page:?}");
                let (_, good) = made(server, kind, of_alice);
                let other_path = if path == "/not-me" { "/confirm-email" } else { "/not-me" };
                is_invalid(other_path, &good, 400, "unknown");
                let end = if good.ends_with('A') { "B" } else { "A" };
                for forged in
                    [&format!("{}{end}", &good[..good.len() - 1]), &good[..40], "sym_ml_", "x", &good.replace("_ml_", "_se_")]
                {
                    is_invalid(path, forged, 400, "unknown");
                }
                let row = Credential { kind: Kind::Link, id: Id::from([9; 16]), generation: 0 };
                is_invalid(path, &row.derive(&server.app.config.secrets), 400, "unknown");
                let none = Browser::new(server).get(path);
                assert!(none.status == 400 && none.problem() == Some("unknown"), "{none:?}");
            }
        },
    );
}

#[test]
fn what_is_sent_without_a_link_or_a_form_does_nothing() {
    with_mail(
        |_| (),
        |server, _| {
            for (_, path, ..) in DOORS {
                let mut browser = Browser::new(server);
                assert_eq!(browser.send("POST", path, Some(&[("csrf", "x")])).status, 400, "{path}");
                let page = server.send("POST", path, &[("Content-Type", "application/json")], Some("{}"));
                assert_eq!(page.status, 400, "{path}");
                let page = server.send("POST", path, &[], Some("csrf=a&csrf=b"));
                assert_eq!(page.status, 400, "{path}");
                assert_eq!(server.send("PUT", path, &[], None).status, 405, "{path}");
            }
        },
    );
}
