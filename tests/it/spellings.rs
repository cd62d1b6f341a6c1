//! The spellings of an address, which all mean one account, wherever it is typed: to sign in, to register, to recover, as a new
//! address. E-mails go to the stored spelling, never to the typed one. The command line is `cli::spellings`.

mod former;

use symbolon::testing::{
    protocol::{account::login_name::LoginName, oauth::client::ClientKind},
    store::{links, users},
};

use crate::harness::{Behavior, Browser, MailServer, PASSWORD, Server, databases, settled, with_mail};

/// How the accounts' addresses are kept.
const KEPT: [&str; 2] = ["alice@xn--exmple-cua.com", "émile@example.com"];
/// How users type them.
const TYPED: [(&str, usize); 8] = [
    ("alice@exämple.com", 0),
    ("Alice@EXÄMPLE.com", 0),
    ("ａlice@exa\u{308}mple.com", 0),
    ("alice＠xn--exmple-cua.com", 0),
    (" ALICE@XN--EXMPLE-CUA.COM ", 0),
    ("émile@example.com", 1),
    ("E\u{301}MILE@ｅxample.com", 1),
    ("e\u{301}mile@example。com", 1),
];

fn add_everyone(server: &Server) {
    let hash = server.app.passwords.hash(PASSWORD).unwrap();
    for (name, email) in [("alice", KEPT[0]), ("emile", KEPT[1])] {
        server.add_user_with(name, &hash, |user| user.claims.email = email.into());
    }
}

fn found(server: &Server, typed: &str) -> Option<String> {
    let found = server.store(|connection| users::find_by_login(connection, &LoginName::parse(typed)));
    found.map(|user| user.claims.email)
}

#[test]
fn everyone_is_found_and_signs_in_by_every_spelling() {
    with_mail(
        |_| (),
        |server, _| {
            add_everyone(server);
            let spa = server.add_client("spa", ClientKind::Spa, |_| ());
            for (typed, who) in TYPED {
                assert_eq!(found(server, typed).as_deref(), Some(KEPT[who]), "{typed}");
                let page = Browser::new(server).sign_in_at("/login", typed, PASSWORD);
                assert_eq!((page.status, page.location()), (303, "/"), "{typed}");
            }
            assert_eq!(Browser::new(server).sign_in_at("/login", "ａｌｉｃｅ", PASSWORD).status, 303, "and by a user name");
            let tokens = server.tokens(&spa, "alice@exämple.com", "openid email");
            assert_eq!(server.userinfo(tokens.text("access_token")).text("email"), KEPT[0], "an app is told what is kept");
            for other in ["alice@example.com", "emile@example.com", "alice@exämple.co"] {
                assert_eq!(found(server, other), None, "{other}");
            }
        },
    );
}

#[test]
fn messages_go_to_the_address_that_is_kept() {
    // A server that takes addresses beyond ASCII: one of the accounts has such a name.
    for database in databases() {
        let mail = MailServer::start(Behavior { utf8: true, ..Behavior::WELL });
        let server = Server::start(&database, |config| {
            (config.mail, config.registration) = (mail.settings(), symbolon::testing::config::Registration::Open);
        });
        add_everyone(&server);
        let (mut requested, mut registered) = ([0; 2], [0; 2]);
        for (typed, who) in TYPED.into_iter().step_by(2) {
            settled(&server);
            server.advance(3700); // however it is spelt, it counts as one name
            Browser::new(&server).ask_by("/recover", ("login", typed));
            requested[who] += 1;
            settled(&server);
            server.advance(3700);
            Browser::new(&server).ask_by("/register", ("email", typed));
            registered[who] += 1;
            let messages = mail.wait_for(KEPT[who], requested[who] + registered[who]);
            let links = messages.iter().filter(|message| message.text.contains("/recover/password?")).count();
            assert_eq!(links, requested[who], "{typed}: {messages:?}");
            assert_eq!(messages.len() - links, registered[who], "{typed}: the owner hears of the account: {messages:?}");
        }
        settled(&server);
        let to: std::collections::BTreeSet<_> = mail.messages().into_iter().map(|message| message.to).collect();
        assert!(to.iter().all(|to| KEPT.contains(&to.as_str())), "no letter to what was typed: {to:?}");
        // An address without an account becomes one in its one spelling.
        let mut browser = Browser::new(&server);
        browser.ask_by("/register", ("email", "ＺＯＥ@Bücher.example"));
        let message = mail.wait_for("zoe@xn--bcher-kva.example", 1).remove(0);
        let fields = [("username", "zoe"), ("display_name", ""), ("new_password", "violet tractor over the moon")];
        assert_eq!(browser.open_and_submit(&server, &message, &fields).status, 303);
        assert_eq!(found(&server, "Zoe@bücher.example").as_deref(), Some("zoe@xn--bcher-kva.example"));
    }
}

#[test]
fn an_address_is_changed_to_what_is_kept_and_to_nobody_elses() {
    with_mail(
        |_| (),
        |server, mail| {
            add_everyone(server);
            let bob = server.add_user("bob").claims.id;
            let mut browser = Browser::new(server);
            browser.sign_in("bob");
            let change = |browser: &mut Browser, email: &str| {
                let page = browser.get("/account/email");
                let sent = browser.submit(&page, &[("email", email), ("password", PASSWORD)]);
                assert!(sent.status == 303 && sent.location().starts_with("/account/email?done=sent&"), "{email}: {sent:?}");
            };
            change(&mut browser, "ａlice@exämple.com");
            let message = mail.wait_for(KEPT[0], 1).remove(0);
            assert!(!message.text.contains("link="), "the owner hears of it: {message:?}");
            change(&mut browser, "Ｂob@Exämple.org");
            let message = mail.wait_for("bob@xn--exmple-cua.org", 1).remove(0);
            let links = server.store(|connection| links::of_user(connection, bob));
            assert_eq!(links[0].email.as_deref(), Some("bob@xn--exmple-cua.org"));
            assert_eq!(browser.open_and_submit(server, &message, &[]).status, 200);
            assert_eq!(found(server, "bob@exämple.org").as_deref(), Some("bob@xn--exmple-cua.org"));
            settled(server);
        },
    );
}
