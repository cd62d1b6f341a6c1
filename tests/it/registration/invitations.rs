//! Invitations by an operator: they carry roles and groups, and work once, where registration is by invitation or open.

use symbolon::testing::{
    config::Registration,
    protocol::{
        account::{
            activity::UNKNOWN_ORIGIN,
            link::{Invited, LinkContent, LinkKind},
            notification::{Notification, NotificationKind},
        },
        values::id::Id,
    },
    random,
    store::{
        links::{self, Link},
        mail_requests, sessions,
    },
};

use super::{NEW, user};
use crate::harness::{Browser, MailServer, Server, with_mail};

/// Invites the owner of an address, as the command line does.
fn invite(server: &Server, email: &str, [roles, groups]: [&[&str]; 2]) -> Id {
    let now = server.now();
    let names = |list: &[&str]| list.iter().map(ToString::to_string).collect();
    let link = Link {
        email: Some(email.into()),
        content: LinkContent::Invited(Invited { roles: names(roles), groups: names(groups) }),
        ..Link::new(random::id(now), LinkKind::Invitation, now)
    };
    let notice = Notification {
        kind: NotificationKind::Invitation,
        to: email.into(),
        name: None,
        at: now,
        origin: UNKNOWN_ORIGIN.clone(),
        about: None,
        link: Some(link.id),
        grant: None,
    };
    server.store(|connection| mail_requests::invite(connection, &link, Some((random::id(now), &notice))));
    server.app.delivery_waker.wake();
    link.id
}

fn by_invitation(handle: impl Fn(&Server, &MailServer)) {
    with_mail(|config| config.registration = Registration::Invitation, handle);
}

#[test]
fn an_invitation_brings_roles_and_groups() {
    by_invitation(|server, mail| {
        invite(server, "zoe@example.com", [&["editor"], &["staff", "berlin"]]);
        invite(server, "yan@example.com", [&[], &[]]);
        for (name, roles, groups) in [("zoe", vec!["editor"], vec!["staff", "berlin"]), ("yan", vec![], vec![])] {
            let email = format!("{name}@example.com");
            let message = mail.wait_for(&email, 1).remove(0);
            let mut browser = Browser::new(server);
            let fields = [("username", name), ("display_name", ""), ("new_password", NEW)];
            let page = browser.open_and_submit(server, &message, &fields);
            assert_eq!(page.status, 303, "{page:?}");
            let made = user(server, name).unwrap();
            assert_eq!(
                (made.claims.roles, made.claims.groups),
                (roles.into_iter().map(str::to_owned).collect(), groups.into_iter().map(str::to_owned).collect::<Vec<_>>())
            );
            assert!(made.claims.email_verified && made.claims.email == email && made.claims.display_name.is_none());
            let page = browser.open(server, &message);
            assert!(page.status == 410 && page.problem() == Some("used"), "{page:?}");
        }
    });
}

#[test]
fn an_invitation_is_good_for_a_week() {
    by_invitation(|server, mail| {
        invite(server, "zoe@example.com", [&[], &[]]);
        let message = mail.wait_for("zoe@example.com", 1).remove(0);
        server.advance(7 * 86_400 - 60);
        assert_eq!(Browser::new(server).open(server, &message).status, 200);
        server.advance(61);
        let page = Browser::new(server).open(server, &message);
        assert!(page.status == 410 && page.problem() == Some("expired") && page.body.contains("7 days"), "{page:?}");
    });
}

/// What an invitation brings is what an account may do: it is never guessed.
#[test]
fn an_invitation_that_does_not_say_what_it_brings_makes_no_account() {
    by_invitation(|server, mail| {
        invite(server, "zoe@example.com", [&[], &[]]);
        let message = mail.wait_for("zoe@example.com", 1).remove(0);
        for (content, status) in [("NULL", 400), ("'{\"roles\":[\"editor\"'", 500), ("'{\"roles\":\"editor\"}'", 500)] {
            let mut browser = Browser::new(server);
            let page = browser.open(server, &message);
            server.store(|connection| {
                use diesel::RunQueryDsl;
                diesel::sql_query(format!("UPDATE links SET content = {content}")).execute(connection).map_err(Into::into)
            });
            let fields = [("username", "zoe"), ("display_name", ""), ("new_password", NEW)];
            assert_eq!(browser.submit(&page, &fields).status, status, "{content}");
            assert!(user(server, "zoe").is_none(), "{content}");
            server.store(|connection| {
                use diesel::RunQueryDsl;
                let whole = r#"UPDATE links SET content = '{"roles":[],"groups":[]}'"#;
                diesel::sql_query(whole).execute(connection).map_err(Into::into)
            });
        }
    });
}

#[test]
fn one_that_is_sent_twenty_times_at_once_makes_one_account() {
    by_invitation(|server, mail| {
        let id = invite(server, "zoe@example.com", [&[], &[]]);
        let message = mail.wait_for("zoe@example.com", 1).remove(0);
        let mut browser = Browser::new(server);
        let page = browser.open(server, &message);
        let statuses = browser.submit_at_once(&page, &[("username", "zoe"), ("display_name", ""), ("new_password", NEW)], 20);
        assert!(statuses.contains(&303) && statuses.iter().all(|status| matches!(status, 303 | 429 | 503)), "{statuses:?}");
        assert!(server.store(|connection| links::find(connection, id)).unwrap().used_at.is_some());
        let zoe = user(server, "zoe").unwrap().claims.id;
        assert_eq!(server.store(|connection| sessions::unended_of(connection, zoe)).len(), 1);
    });
}
