//! The traces of an operator's change to an account: the entry in its activity, the e-mail to the user's former address, and
//! which links are still valid. Which decision ends which links is `links`.

use serde_json::{Value, json};
use symbolon::testing::{
    protocol::{
        account::{activity::Activity, link::LinkKind},
        values::{id::Id, time::Span},
    },
    random,
    store::{
        deliveries,
        links::{self, Link},
        users,
    },
};

use super::{Binary, PASSWORD, accounts::with_mail, is_time};
use crate::harness::{Behavior, Browser, MailServer, Server, both_with, databases};

/// A link of a user that was made now.
fn made(server: &Server, user: Id, kind: LinkKind, email: &str) -> Id {
    let now = server.now();
    let link = Link { user_id: Some(user), email: Some(email.into()), ..Link::new(random::id(now), kind, now) };
    server.store(|connection| links::insert(connection, &link));
    link.id
}

/// What happened to an account, newest first, with what it was about.
fn happened(server: &Server, user: Id) -> Vec<(Activity, Option<String>)> {
    server.happened(user).into_iter().map(|entry| (entry.activity, entry.about)).collect()
}

#[test]
fn another_address_is_noted_and_the_old_one_is_told() {
    for database in databases() {
        let mail = MailServer::start(Behavior::WELL);
        let server = Server::start(&database, |config| config.mail = mail.settings());
        let (name, symbolon) = (database.name, with_mail(&server, &database, &mail));
        let alice = server.add_user("alice").claims.id;
        let set = symbolon.json("user set alice --email New@Example.com --email-verified --json");
        assert_eq!((&set["email"], &set["email_verified"]), (&json!("new@example.com"), &json!(true)), "{name}");
        assert_eq!(happened(&server, alice), [(Activity::EmailChanged, Some("new@example.com".into()))], "{name}");
        let message = mail.wait_for("alice@example.com", 1).remove(0);
        assert!(message.text.contains("The new address is \"new@example.com\""), "{name}: {message:?}");
        assert!(
            message.text.contains("tell the people who run localhost") && !message.raw.contains("sym_ml_"),
            "{name}: {message:?}"
        );
        assert!(server.store(|connection| links::of_user(connection, alice)).is_empty(), "{name}: nothing brings it back");
        assert!(Browser::new(&server).sign_in_at("/login", "new@example.com", crate::harness::PASSWORD).status == 303, "{name}");

        // An address that is not known to be theirs gets no e-mail.
        symbolon.text("user set alice --email other@example.com");
        server.advance(60);
        symbolon.text("user set alice --email third@example.com");
        assert_eq!(server.messages_to(&mail, "new@example.com"), 1, "{name}");
        assert_eq!(server.messages_to(&mail, "other@example.com") + server.messages_to(&mail, "third@example.com"), 0, "{name}");
        assert_eq!(server.messages_to(&mail, "alice@example.com"), 1, "{name}");
    }
}

#[test]
fn every_change_is_noted_and_none_is_noted_where_nothing_changed() {
    for database in databases() {
        let server = Server::start(&database, |_| ());
        let (name, symbolon) = (database.name, Binary::beside(&server, &database));
        let alice = server.add_user("alice").claims.id;
        let find = || server.store(|connection| users::find(connection, alice)).unwrap();
        let mut seen = 0;
        for (change, expected) in [
            ("--no-email-verified", vec![(Activity::EmailUnverified, Some("alice@example.com"))]),
            ("--no-email-verified", vec![]),
            ("--email-verified", vec![(Activity::EmailVerified, Some("alice@example.com"))]),
            ("--email ALICE@example.com", vec![]),
            ("--name Alice", vec![(Activity::DetailsChanged, None)]),
            ("--name Alice", vec![]),
            ("--role editor --group staff", vec![(Activity::DetailsChanged, None)]),
            ("--role editor", vec![]),
            ("--attribute locale=fr", vec![(Activity::DetailsChanged, None)]),
            (
                "--no-name --email b@example.com",
                vec![(Activity::DetailsChanged, None), (Activity::EmailChanged, Some("b@example.com"))],
            ),
        ] {
            let before = find().claims.updated_at;
            server.advance(1);
            symbolon.text(&format!("user set alice {change}"));
            let all = happened(&server, alice);
            let mut new: Vec<_> = all[..all.len() - seen].to_vec();
            new.sort_by_key(|(activity, _)| activity.name());
            let expected: Vec<_> = expected.into_iter().map(|(what, about)| (what, about.map(str::to_owned))).collect();
            assert_eq!(new, expected, "{name}: {change}");
            assert_eq!(find().claims.updated_at == before, expected.is_empty(), "{name}: {change}");
            seen = all.len();
        }
        // The details alone say nothing about whose account it is.
        made(&server, alice, LinkKind::NotMe, "alice@example.com");
        symbolon.text("user set alice --name Alice --role admin --attribute locale=");
        assert_eq!(symbolon.json("user show alice --json")["open_links"].as_array().unwrap().len(), 1, "{name}");
    }
}

#[test]
fn accounts_that_an_operator_makes_say_so() {
    for database in databases() {
        let server = Server::start(&database, |_| ());
        let (name, symbolon) = (database.name, Binary::beside(&server, &database));
        for who in ["alice", "b"] {
            let (now, email) = (server.now(), Some(format!("{who}@example.com")));
            let invitation = Link { email, ..Link::new(random::id(now), LinkKind::Invitation, now) };
            server.store(|connection| links::insert(connection, &invitation));
        }
        symbolon.add_user("alice");
        let lines = json!({"username": "bob", "email": "b@example.com"}).to_string();
        assert_eq!(symbolon.run_with(&["user", "import", "-"], &lines).code, Some(0), "{name}");
        for who in ["alice", "bob"] {
            let listed = symbolon.json(&format!("user activity {who} --json"));
            let kinds: Vec<_> = listed.as_array().unwrap().iter().map(|one| &one["activity"]).collect();
            assert_eq!(kinds, [&json!("added")], "{name}");
        }
        assert_eq!(symbolon.json("user invitations --json"), json!([]), "{name}: they have their account");
        let taken = format!("{lines}\n{}", json!({"username": "carol", "email": "b@example.com"}));
        assert_eq!(symbolon.run_with(&["user", "import", "-"], &taken).code, Some(1), "{name}");
        let refused = symbolon.refusal_with("user add bob --email c@example.com --password-stdin", PASSWORD);
        assert!(refused.contains("already taken"), "{name}: {refused}");
        assert_eq!(symbolon.json("user activity bob --json").as_array().unwrap().len(), 1, "{name}: nothing of it is kept");
    }
}

#[test]
fn open_links_are_shown_and_ended() {
    for database in databases() {
        let server = Server::start(&database, |_| ());
        let (name, symbolon) = (database.name, Binary::beside(&server, &database));
        let (alice, bob) = (server.add_user("alice").claims.id, server.add_user("bob").claims.id);
        assert!(symbolon.text("user show alice").contains("unused links     none\n"), "{name}");
        let kinds = [
            (LinkKind::Reset, "alice@example.com"),
            (LinkKind::NotMe, "old@example.com"),
            (LinkKind::ConfirmEmail, "new@example.com"),
        ];
        let of_alice = kinds.map(|(kind, email)| made(&server, alice, kind, email));
        let of_bob = made(&server, bob, LinkKind::NotMe, "bob@example.com");
        let used = made(&server, alice, LinkKind::NotMe, "used@example.com");
        server.store(|connection| {
            use diesel::RunQueryDsl;
            diesel::sql_query("UPDATE links SET used_at = created_at WHERE email = 'used@example.com'").execute(connection)?;
            Ok(())
        });
        let shown = symbolon.json("user show alice --json");
        let listed = shown["open_links"].as_array().unwrap();
        let received: Vec<_> = listed.iter().map(|link| (link["kind"].as_str().unwrap(), link["to"].as_str().unwrap())).collect();
        assert_eq!(received.len(), 3, "{name}: {received:?}");
        assert!(kinds.iter().all(|(kind, email)| received.contains(&(kind.name(), *email))), "{name}: {received:?}");
        assert!(listed.iter().all(|link| is_time(&link["created"]) && is_time(&link["expires"])), "{name}: {listed:?}");
        let text = symbolon.text("user show alice");
        assert!(text.contains("confirm email to new@example.com, created 20"), "{name}: {text}");
        assert!(text.contains("not me to old@example.com, created 20"), "{name}: {text}");
        assert!(![shown.to_string(), text].concat().contains("sym_ml_"), "{name}");

        assert_eq!(symbolon.text("user end-links ALICE@example.com"), "user alice: 3 unused links revoked\n", "{name}");
        let find = |id| server.store(|connection| links::find(connection, id)).unwrap();
        assert!(of_alice.iter().all(|id| find(*id).ended_at.is_some() && find(*id).used_at.is_none()), "{name}");
        assert!(find(used).ended_at.is_none() && find(of_bob).ended_at.is_none(), "{name}: no other is touched");
        assert_eq!(symbolon.json("user show alice --json")["open_links"], json!([]), "{name}");
        assert_eq!(happened(&server, alice), [(Activity::LinksEnded, None)], "{name}");
        let again: Value = symbolon.json("user end-links alice --json");
        assert_eq!((&again["username"], &again["ended_links"]), (&json!("alice"), &json!(0)), "{name}");
        assert_eq!(happened(&server, alice).len(), 1, "{name}: where nothing ended there is nothing to note");
        assert!(symbolon.refusal("user end-links carol").contains("user 'carol': no user has"), "{name}");
    }
}

#[test]
fn a_message_that_tells_goes_out_though_its_link_was_ended() {
    for database in databases() {
        let mut mail = MailServer::start(Behavior::WELL);
        mail.stop();
        let server = Server::start(&database, |config| config.mail = mail.settings());
        let (name, symbolon) = (database.name, with_mail(&server, &database, &mail));
        let (alice, hash) = (server.add_user("alice").claims.id, server.app.passwords.hash(PASSWORD).unwrap());
        server.reset_password(alice, &hash);
        let bob = server.add_user("bob").claims.id;
        server.reset_password(bob, &hash);
        symbolon.text("user end-links alice");
        symbolon.text("user end-links bob");
        server.change_user(bob, |user| user.claims.email = "new@example.com".into());
        mail.restart(Behavior::WELL);
        let waiting = || {
            let later = server.now().plus(Span::from_seconds(86_400));
            server.store(|connection| deliveries::due_to_users(connection, later, 10))
        };
        server.advance(60);
        crate::harness::wait_until(|| waiting().is_empty(), || format!("{name}: {:?}", waiting()));
        let message = mail.wait_for("alice@example.com", 1).remove(0);
        assert!(
            message.text.contains("has a new password") && message.text.contains("tell the people who run"),
            "{name}: {message:?}"
        );
        assert!(!message.raw.contains("sym_ml_") && !message.text.contains("open this link"), "{name}: {message:?}");
        // To an address that is not the user's any more, nothing is told but that.
        let received: Vec<_> = mail.messages().into_iter().filter(|message| message.to == "bob@example.com").collect();
        assert!(received.len() == 1 && received[0].subject.contains("e-mail address"), "{name}: {received:?}");
    }
}

#[test]
fn nothing_is_done_by_a_link_to_a_disabled_account() {
    let mail = MailServer::start(Behavior::WELL);
    both_with(
        |config| config.mail = mail.settings(),
        |server| {
            use symbolon::testing::store::link_actions;
            let alice = server.add_user("alice");
            server.disable(alice.claims.id);
            // Made after it was disabled, as no later decision has ended them.
            for (kind, path) in
                [(LinkKind::Reset, "/recover/password"), (LinkKind::ConfirmEmail, "/confirm-email"), (LinkKind::NotMe, "/not-me")]
            {
                let id = made(server, alice.claims.id, kind, "alice@example.com");
                let link = server.store(|connection| links::find(connection, id)).unwrap();
                let credential = symbolon::testing::protocol::grant::credential::Credential {
                    kind: symbolon::testing::protocol::grant::credential::Kind::Link,
                    id,
                    generation: 0,
                };
                let mut browser = Browser::new(server);
                browser.get(&format!("{path}?link={}", credential.derive(&server.app.config.secrets)));
                let page = browser.get(path);
                assert!(page.status == 410 && page.body.contains("This link is no longer valid"), "{kind:?}: {page:?}");
                assert!(!page.body.contains("alice"), "{kind:?}: {page:?}");
                let event = server.event(alice.claims.id, Activity::NotMe);
                let is_done = server.store(|connection| match kind {
                    LinkKind::Reset => {
                        link_actions::reset_password(connection, &link, "a hash", ("a browser", "192.0.0.0/16"), &event)
                            .map(|ended| ended.is_some())
                    }
                    LinkKind::NotMe => link_actions::not_me(connection, &link, &event).map(|ended| ended.is_some()),
                    _ => link_actions::confirm_email(connection, &link, &event).map(|done| done == link_actions::Confirmed::Yes),
                });
                assert!(!is_done, "{kind:?}: not in the transaction either");
                assert!(server.store(|connection| links::find(connection, id)).unwrap().used_at.is_none(), "{kind:?}");
            }
            let found = server.store(|connection| users::find(connection, alice.claims.id)).unwrap();
            assert_eq!((found.password_hash, found.claims.email), (alice.password_hash, alice.claims.email));
            server.enable(alice.claims.id);
            let open = server.store(|connection| links::open_of(connection, alice.claims.id, server.now()));
            assert!(open.is_empty(), "none comes back with the account: {open:?}");
        },
    );
}
