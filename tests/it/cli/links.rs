//! Which decision about an account ends which earlier e-mail links (decision 0029): the table of docs/security.md, cell by cell.
//! Operators decide on the command line, users on their pages; the server cannot distinguish the owner from a thief in their
//! session. Each cell is an account of its own: the link's form is opened before the decision, and submitted after it.

use symbolon::testing::{
    config::Registration,
    protocol::{
        account::{
            activity::Origin,
            link::{Invited, LinkContent, LinkKind, NotifiedEvent},
            notification::NotificationKind,
        },
        grant::credential::{Credential, Kind},
        values::{id::Id, time::Timestamp},
    },
    random,
    store::{
        links::{self, Link},
        users,
    },
};

use super::{Binary, accounts};
use crate::{
    account::act,
    harness::{Behavior, Browser, LINK, MailServer, PASSWORD, Page, Server, databases, settled},
};

const NEW: &str = "violet tractor over the moon";

/// Whether the link still does something after the decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cell {
    Works,
    Dead,
}
use Cell::{Dead as D, Works as W};

/// The links: for a new password, to confirm another address, "this was not me" at the account's address and at the one that it
/// had before, to register and an invitation with the account's address.
const LINKS: [(&str, LinkKind, &str); 6] = [
    ("new password", LinkKind::Reset, "/recover/password"),
    ("confirm address", LinkKind::ConfirmEmail, "/confirm-email"),
    ("not me", LinkKind::NotMe, "/not-me"),
    ("not me, former address", LinkKind::NotMe, "/not-me"),
    ("register", LinkKind::Register, "/register/finish"),
    ("invitation", LinkKind::Invitation, "/register/finish"),
];
const FORMER: usize = 3;

/// Who decides, what, and then which links still work; an address that an account has makes no other.
type Row = (&'static str, &'static str, fn(&mut Stage), [Cell; 6]);

#[rustfmt::skip]
const TABLE: [Row; 28] = [
    ("nobody",         "nothing",                     |_| (),                            [W, W, W, W, D, D]),
    ("operator",       "set --name, --role",          |s| s.run("user set NAME --name New --role editor"), [W, W, W, W, D, D]),
    ("operator",       "set --email",                 |s| s.run("user set NAME --email new-NAME@example.com"), [D; 6]),
    ("operator",       "set --no-email-verified",     |s| s.run("user set NAME --no-email-verified"), [D; 6]),
    ("operator",       "set --email-verified",        verified,                          [D; 6]),
    ("operator",       "set-password",                set_password,                      [D; 6]),
    ("operator",       "reset",                       |s| s.run("user reset NAME"),      [D; 6]),
    ("operator",       "disable",                     |s| s.run("user disable NAME"),    [D; 6]),
    ("operator",       "disable, enable",             |s| { s.run("user disable NAME"); s.run("user enable NAME"); }, [D; 6]),
    ("operator",       "sign-in-again",               |s| s.run("user sign-in-again NAME"), [D, D, W, W, D, D]),
    ("operator",       "end-links",                   |s| s.run("user end-links NAME"),  [D; 6]),
    ("operator",       "delete",                      |s| s.run("user delete NAME"),     [D; 6]),
    ("operator",       "consent withdraw",            |s| s.run("consent withdraw --user NAME --client spa"), [W, W, W, W, D, D]),
    ("owner or thief", "password changed",            password,                          [D, D, W, W, D, D]),
    ("owner or thief", "name changed",                |s| s.act("/account/details", "/account/details", &[("display_name", "New")]), [W, W, W, W, D, D]),
    ("owner or thief", "signed out",                  |s| s.act("/logout", "/logout", &[]), [W, W, W, W, D, D]),
    ("owner or thief", "others ended",                |s| s.act("/account", "/account/end", &[("what", "others"), ("id", "")]), [D, D, W, W, D, D]),
    ("owner or thief", "everything ended",            |s| s.act("/account", "/account/end", &[("what", "everything"), ("id", "")]), [D, D, W, W, D, D]),
    ("owner or thief", "not me, signed in",           |s| s.act("/account/activity", "/account/not-me", &[]), [D, D, W, W, D, D]),
    ("owner or thief", "another address asked for",   requested_for_address,                 [W, D, W, W, D, D]),
    ("owner or thief", "another password asked for",  requested_for_password,                [D, W, W, W, D, D]),
    ("owner or thief", "another address confirmed",   confirmed,                         [D, D, W, W, W, W]),
    ("owner or thief", "account deleted",             |s| s.act("/account/data", "/account/delete", &[("password", PASSWORD)]), [D; 6]),
    ("owner or thief", "password, address, not me there", taken_over,                    [D, D, W, W, W, W]),
    ("by a link",      "a password set",              by_reset,                          [D, D, W, W, D, D]),
    ("by a link",      "not me, by a newer letter",   |s| s.use_not_me(1, s.email()),             [D, D, W, W, D, D]),
    ("by a link",      "not me, by an older letter",  |s| s.use_not_me(-1, s.email()),            [D, D, D, D, D, D]),
    ("operator",       "set --email, after a theft",  |s| { taken_over(s); s.run("user set NAME --email new-NAME@example.com"); }, [D, D, D, D, W, W]),
];

/// An account with one open link, and a browser in which it is signed in and the link's form is open.
struct Stage<'a> {
    server: &'a Server,
    symbolon: &'a Binary,
    name: String,
    user: Id,
    browser: Browser,
}

impl<'a> Stage<'a> {
    fn set(server: &'a Server, symbolon: &'a Binary, name: &str) -> Self {
        let user = server.add_user(name).claims.id;
        let mut browser = Browser::new(server);
        browser.sign_in(name);
        Self { server, symbolon, name: name.to_owned(), user, browser }
    }

    /// Runs a command on the account.
    fn run(&mut self, line: &str) {
        self.symbolon.text(&line.replace("NAME", &self.name));
    }

    /// Sends a form of a page in the session.
    fn act(&mut self, from: &str, to: &str, fields: &[(&str, &str)]) {
        let page = act(&mut self.browser, from, to, fields);
        assert!(matches!(page.status, 200 | 303), "{from}: {page:?}");
    }

    fn email(&self) -> String {
        format!("{}@example.com", self.name)
    }

    /// A link of the account that was made now, or so many seconds later: its text.
    fn made(&self, kind: LinkKind, later: i64, change: impl FnOnce(&mut Link)) -> String {
        let now = Timestamp::from_millis(self.server.now().millis() + 1000 * later);
        let received = NotifiedEvent {
            kind: NotificationKind::PasswordChanged,
            about: None,
            at: now,
            origin: Origin::default(),
            authenticator: None,
        };
        let is_theirs = !matches!(kind, LinkKind::Register | LinkKind::Invitation);
        let mut link = Link {
            user_id: is_theirs.then_some(self.user),
            email: Some(self.email()),
            content: match kind {
                LinkKind::NotMe => LinkContent::NotMe(received),
                LinkKind::Invitation => LinkContent::Invited(Invited::default()),
                _ => LinkContent::Nothing,
            },
            ..Link::new(random::id(now), kind, now)
        };
        change(&mut link);
        self.server.store(|connection| links::insert(connection, &link));
        Credential { kind: Kind::Link, id: link.id, generation: 0 }.derive(&self.server.app.config.secrets)
    }

    /// The link of a column.
    fn link(&self, column: usize) -> String {
        self.made(LINKS[column].1, 0, |link| match column {
            0 => link.browser = Some(self.server.app.config.secrets.pseudonym("browser that asked", &self.cookie()).to_vec()),
            1 => link.email = Some(format!("other-{}", self.email())),
            FORMER => link.email = Some(format!("former-{}", self.email())),
            _ => {}
        })
    }

    fn cookie(&self) -> String {
        self.browser.cookies["symbolon_browser"].clone()
    }

    /// Opens a link in a browser: the page that it leads to.
    fn open(&mut self, path: &str, text: &str) -> Page {
        let page = self.browser.get(&format!("{path}?link={text}"));
        if page.status == 303 { self.browser.get(path) } else { page }
    }

    /// Opens another link of the account in a browser of its own, and sends its form.
    fn used(&self, path: &str, text: &str, fields: &[(&str, &str)]) {
        let mut browser = Browser::new(self.server);
        browser.get(&format!("{path}?link={text}"));
        let done = browser.fill(path, fields);
        assert!(matches!(done.status, 200 | 303), "{done:?}");
    }

    /// "This was not me", by an e-mail to this address that was sent so many seconds later.
    fn use_not_me(&self, later: i64, email: String) {
        self.used("/not-me", &self.made(LinkKind::NotMe, later, |link| link.email = Some(email)), &[]);
    }

    /// Name, address, password, and how much has happened, of every account that the link might change.
    fn state(&self) -> Vec<(String, String, Option<String>, usize)> {
        let all = self.server.store(|connection| users::page(connection, None, 1_000));
        let all = all.into_iter().filter(|user| user.claims.email.ends_with(&self.email()));
        let of = |one: users::User| {
            let happened = self.server.activities(one.claims.id).len();
            (one.claims.username, one.claims.email, one.password_hash, happened)
        };
        all.map(of).collect()
    }
}

fn verified(stage: &mut Stage) {
    stage.server.change_user(stage.user, |user| user.claims.email_verified = false);
    let again = stage.browser.clone();
    let text = stage.link(0); // one that was made in between is ended as well
    stage.run("user set NAME --email-verified");
    assert_eq!(stage.open("/recover/password", &text).status, 410);
    stage.browser = again;
}

fn set_password(stage: &mut Stage) {
    let ran = stage.symbolon.run_with(&["user", "set-password", &stage.name, "--password-stdin"], &format!("{NEW}\n"));
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
}

fn password(stage: &mut Stage) {
    stage.act("/account/password", "/account/password", &[("password", PASSWORD), ("new_password", NEW)]);
}

fn requested_for_address(stage: &mut Stage) {
    let email = format!("newer-{}", stage.email());
    stage.act("/account/email", "/account/email", &[("email", &email), ("password", PASSWORD)]);
}

fn requested_for_password(stage: &mut Stage) {
    let name = stage.name.clone();
    stage.browser.ask_by("/recover", ("login", &name));
    settled(stage.server);
}

fn confirmed(stage: &mut Stage) {
    let email = format!("newer-{}", stage.email());
    let text = stage.made(LinkKind::ConfirmEmail, 0, |link| link.email = Some(email));
    stage.used("/confirm-email", &text, &[]);
}

fn by_reset(stage: &mut Stage) {
    let text = stage.made(LinkKind::Reset, 0, |_| ());
    stage.used("/recover/password", &text, &[("new_password", NEW)]);
}

/// A thief changes password and address, and says "this was not me" by an e-mail that they got.
fn taken_over(stage: &mut Stage) {
    password(stage);
    confirmed(stage);
    stage.use_not_me(1, format!("newer-{}", stage.email()));
}

/// Whether the form that was open before does something, as told by what is kept and by the answer.
fn outcome(stage: &mut Stage, (column, text, form): (usize, &str, &Page), what: &str) -> Cell {
    let (_, _, path) = LINKS[column];
    let (before, opened) = (stage.state(), stage.open(path, text));
    let name = format!("{}z", stage.name);
    let fields: &[(&str, &str)] = match path {
        "/recover/password" => &[("new_password", NEW)],
        "/register/finish" => &[("username", &name), ("display_name", ""), ("new_password", NEW)],
        _ => &[],
    };
    let sent = stage.browser.submit(form, fields);
    let after = stage.state();
    if matches!(sent.status, 200 | 303) {
        assert_eq!(opened.status, 200, "{what}: {opened:?}");
        assert_ne!(before, after, "{what}: something was done");
        if column == FORMER {
            assert!(after.iter().any(|one| one.1 == format!("former-{}", stage.email()) && one.2.is_none()), "{what}: {after:?}");
        }
        return W;
    }
    assert_eq!(before, after, "{what}: nothing was done");
    assert!(matches!(sent.status, 400 | 410) && sent.body.contains("What to do"), "{what}: {sent:?}");
    let is_taken = path == "/register/finish" && opened.status == 200; // told by the form alone
    assert!(is_taken || matches!(opened.status, 400 | 410), "{what}: {opened:?}");
    D
}

#[test]
fn later_decisions_end_links_and_no_others_do() {
    for database in databases() {
        let mail = MailServer::start(Behavior::WELL);
        let server = Server::start(&database, |config| {
            (config.mail, config.registration) = (mail.settings(), Registration::Open);
        });
        let symbolon = accounts::with_mail(&server, &database, &mail);
        server.add_client("spa", symbolon::testing::protocol::oauth::client::ClientKind::Spa, |_| ());
        for (row, (who, decision, decide, expected)) in TABLE.iter().enumerate() {
            let cells = [0, 1, 2, 3, 4, 5].map(|column| {
                let what = format!("{}: {who}, {decision}: {}", database.name, LINKS[column].0);
                let mut stage = Stage::set(&server, &symbolon, &format!("p{row}x{column}"));
                let text = stage.link(column);
                let form = stage.open(LINKS[column].2, &text);
                assert_eq!(form.status, 200, "{what}: {form:?}");
                decide(&mut stage);
                stage.browser.cookies.remove(LINK); // the form names its link by itself
                outcome(&mut stage, (column, &text, &form), &what)
            });
            assert_eq!(cells, *expected, "{}: {who}, {decision}", database.name);
        }
    }
}
