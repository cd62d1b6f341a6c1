//! The pages of a user's own account, as seen by a browser, one file per area. What the pages look like is tested in `pages`, and
//! beside the code.

mod activity;
mod data;
mod details;
mod email;
mod ended;
mod ends;
mod many;
mod names;
mod password;
mod timeline;
mod visitors;

use symbolon::testing::{
    protocol::{
        account::{
            activity::{Activity, Origin},
            link::{LinkContent, LinkKind, NotifiedEvent},
            notification::NotificationKind,
        },
        grant::credential::{Credential, Kind},
        oauth::client::Client,
        values::id::Id,
    },
    random,
    store::{
        activity as events,
        links::{self, Link},
    },
};

use crate::harness::{Browser, PASSWORD, Page, Server};

const SCOPE: &str = "openid notes:read";
const OFFLINE: &str = "openid offline_access notes:read";
const SESSION: &str = "symbolon_session";
const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0";

/// The tokens of an app.
struct Tokens {
    access: String,
    refresh: String,
}

/// The app takes what it is given in this browser.
fn tokens(server: &Server, browser: &mut Browser, client: &Client, scope: &str) -> Tokens {
    let code = browser.code(client, "alice", scope);
    let answer = server.redeem_as(client, &code, &[]);
    assert_eq!(answer.status, 200, "{answer:?}");
    Tokens { access: answer.text("access_token").into(), refresh: answer.text("refresh_token").into() }
}

/// What the tokens are still good for: everything. The refresh token is replaced.
#[track_caller]
fn assert_alive(server: &Server, client: &Client, tokens: &mut Tokens) {
    assert!(server.is_active("notes", &tokens.access) && server.userinfo(&tokens.access).status == 200);
    let answer = server.refresh_as(client, &tokens.refresh, &[]);
    assert_eq!(answer.status, 200, "{answer:?}");
    *tokens = Tokens { access: answer.text("access_token").into(), refresh: answer.text("refresh_token").into() };
}

/// What the tokens are still good for: nothing, at once.
#[track_caller]
fn assert_inactive(server: &Server, client: &Client, tokens: &Tokens) {
    assert!(!server.is_active("notes", &tokens.access), "introspection of the access token");
    assert!(!server.is_active(&client.id, &tokens.refresh), "introspection of the refresh token");
    assert_eq!(server.userinfo(&tokens.access).status, 401);
    assert_eq!(server.refresh_as(client, &tokens.refresh, &[]).error(), "invalid_grant");
}

/// A browser that says what it is, with Alice signed in.
fn signed_in(server: &Server) -> Browser {
    let mut browser = Browser::new(server);
    browser.headers.push(("User-Agent", FIREFOX.into()));
    browser.sign_in("alice");
    browser
}

/// The proof of the form on a page that is sent to `action`.
#[track_caller]
fn stamp(page: &Page, action: &str) -> String {
    let (_, form) = page.body.split_once(&format!("action=\"{action}\"")).unwrap_or_else(|| panic!("no {action} in {page:?}"));
    let (_, value) = form.split_once("name=\"csrf\" value=\"").unwrap();
    value.split('"').next().unwrap().to_owned()
}

/// Sends the form of the page at `from` that is sent to `action`.
#[track_caller]
pub(crate) fn act(browser: &mut Browser, from: &str, action: &str, fields: &[(&str, &str)]) -> Page {
    let page = browser.get(from);
    assert_eq!(page.status, 200, "{from}: {page:?}");
    let csrf = stamp(&page, action);
    browser.send("POST", action, Some(&[&[("csrf", csrf.as_str())], fields].concat()))
}

/// The page that an answer leads to, with what it says has been done, without the stamp of that.
#[track_caller]
fn done(page: &Page) -> String {
    assert_eq!(page.status, 303, "{page:?}");
    let (to, stamp) = page.location().split_once("&done_stamp=").unwrap_or_else(|| panic!("no stamp in {page:?}"));
    assert!(!stamp.contains('&'), "{page:?}");
    to.to_owned()
}

/// Ends something on the page of devices and apps.
#[track_caller]
fn end(browser: &mut Browser, what: &str, id: &str) -> Page {
    act(browser, "/account", "/account/end", &[("what", what), ("id", id)])
}

/// A link to say "this was not me" that was made now for a user, as it stands in an e-mail.
pub(crate) fn not_me_link(server: &Server, user: Id) -> String {
    let now = server.now();
    let received = NotifiedEvent {
        kind: NotificationKind::PasswordChanged,
        about: None,
        at: now,
        origin: Origin::default(),
        authenticator: None,
    };
    let content = LinkContent::NotMe(received);
    let link = Link { user_id: Some(user), content, ..Link::new(random::id(now), LinkKind::NotMe, now) };
    server.store(|connection| links::insert(connection, &link));
    Credential { kind: Kind::Link, id: link.id, generation: 0 }.derive(&server.app.config.secrets)
}

/// The session of this browser.
pub(crate) fn session_of(server: &Server, browser: &Browser) -> Id {
    let cookie = browser.cookies.get(SESSION).cloned();
    let app = &server.app;
    server
        .store(|connection| symbolon::testing::web::session::unended(app, connection, cookie.as_deref()))
        .expect("someone is signed in")
        .id
}

/// The user who is signed in in this browser.
fn session_user(server: &Server, browser: &Browser) -> Id {
    let id = session_of(server, browser);
    server.store(|connection| symbolon::testing::store::sessions::find(connection, id)).unwrap().user_id
}

/// The newest grant of a user.
fn newest_grant(server: &Server, user: Id) -> Id {
    let now = server.now();
    server.store(|connection| symbolon::testing::store::grants::active_of(connection, user, now))[0].id
}

/// How often something happened to an account.
fn happened(server: &Server, user: Id, activity: Activity) -> usize {
    let all = server.store(|connection| events::of(connection, user, None, 1000));
    all.iter().filter(|(_, entry)| entry.activity == activity).count()
}

/// Whether someone is signed in in this browser.
fn is_signed_in(browser: &mut Browser) -> bool {
    browser.get("/account").status == 200
}

/// The other password.
const OTHER: &str = "a horse of another colour, really";

/// Changes the password.
#[track_caller]
fn change_password(browser: &mut Browser, more: &[(&str, &str)]) -> Page {
    let fields = [&[("password", PASSWORD), ("new_password", OTHER)], more].concat();
    act(browser, "/account/password", "/account/password", &fields)
}
