//! What ends what: every change to a user, a client, a grant or an API, against everything that was issued before it. The table
//! is the one of docs/security.md; each row is run on a server of its own, and each cell is checked.

use serde_json::Value;
use symbolon::testing::{
    protocol::{
        grant::end_reason::EndReason,
        oauth::{
            api::Api,
            client::{Client, GrantType},
            scope::Scopes,
        },
        values::id::Id,
    },
    store::{Error, apis, clients, grants},
};

use crate::harness::{API, Answer, Browser, CALLBACK, INACTIVE, Server, both, claims_of, query_of};

use Cell::{Code, Goes, Inactive, Page, Refused, Serves};

/// What one of them is worth after the change.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Cell<T = &'static str> {
    /// As before, with these scopes; at userinfo, with these claims.
    Serves(T),
    /// A code, sent to the client.
    Code,
    /// Exactly `{"active":false}`.
    Inactive,
    /// An error as JSON.
    Refused(u16, T),
    /// An error that goes to the client by redirect.
    Goes(T),
    /// An error that the user sees on a page of ours; nobody is sent anywhere.
    Page(u16),
}

const ALL: &str = "openid email offline_access notes:read";
const CLAIMS: &str = "sub email email_verified";
const NO_API: &str = "openid email offline_access";
const NO_EMAIL: &str = "openid offline_access notes:read";
const BOUND: &str = "openid email notes:read";
const GRANT: Cell = Refused(400, "invalid_grant");
const CLIENT: Cell = Refused(401, "invalid_client");
const TOKEN: Cell = Refused(401, "invalid_token");

/// A change; the scopes of what was given out before; and then:
/// a code is redeemed; refreshed; userinfo; the API asks about the access token; the client about the refresh token; prompt=none.
type Row = (&'static str, &'static str, fn(&Server, &Stage), [Cell; 6]);

#[rustfmt::skip]
const TABLE: [Row; 18] = [
    ("nothing",                 ALL,   |_, _| (),           [Serves(ALL), Serves(ALL), Serves(CLAIMS), Serves("notes:read"), Serves(ALL), Code]),
    ("signed out",              BOUND, sign_out,            [GRANT, GRANT, TOKEN, Inactive, Inactive, Goes("login_required")]),
    ("signed out, offline",     ALL,   sign_out,            [Serves(ALL), Serves(ALL), Serves(CLAIMS), Serves("notes:read"), Serves(ALL), Goes("login_required")]),
    ("password reset",          ALL,   reset_password,      [GRANT, GRANT, TOKEN, Inactive, Inactive, Goes("login_required")]),
    ("user disabled",           ALL,   disable_user,      [GRANT, GRANT, TOKEN, Inactive, Inactive, Goes("login_required")]),
    ("user deleted",            ALL,   delete_user,       [GRANT, GRANT, TOKEN, Inactive, Inactive, Goes("login_required")]),
    ("client disabled",         ALL,   disable_client,      [CLIENT, CLIENT, TOKEN, Inactive, CLIENT, Page(400)]),
    ("client deleted",          ALL,   delete_client,       [CLIENT, CLIENT, TOKEN, Inactive, CLIENT, Page(400)]),
    ("grant revoked",           ALL,   revoke_grants,       [GRANT, GRANT, TOKEN, Inactive, Inactive, Code]),
    ("consent withdrawn",       ALL,   withdraw,            [GRANT, GRANT, TOKEN, Inactive, Inactive, Goes("consent_required")]),
    ("scope email removed",     ALL,   remove_email,        [Serves(NO_EMAIL), Serves(NO_EMAIL), Serves("sub"), Serves("notes:read"), Serves(NO_EMAIL), Code]),
    ("scope of API removed",    ALL,   remove_scope,        [Serves(NO_API), Serves(NO_API), Serves(CLAIMS), Inactive, Serves(NO_API), Code]),
    ("offline_access removed",  ALL,   remove_offline,      [GRANT, GRANT, TOKEN, Inactive, Inactive, Code]),
    ("refresh grant removed",   ALL,   remove_refresh,      [Serves(ALL), Refused(400, "unauthorized_client"), Serves(CLAIMS), Serves("notes:read"), Inactive, Code]),
    ("scope removed from API",  ALL,   unregister_scope,    [Serves(NO_API), Serves(NO_API), Serves(CLAIMS), Inactive, Serves(NO_API), Goes("invalid_scope")]),
    ("API removed",             ALL,   remove_api,          [Serves(NO_API), Serves(NO_API), Serves(CLAIMS), Inactive, Serves(NO_API), Goes("invalid_scope")]),
    ("API taken from client",   ALL,   take_api,            [Serves(NO_API), Serves(NO_API), Serves(CLAIMS), Inactive, Serves(NO_API), Code]),
    ("redirect URI removed",    ALL,   remove_redirect_uri, [GRANT, Serves(ALL), Serves(CLAIMS), Serves("notes:read"), Serves(ALL), Page(400)]),
];

/// What was given out before the change.
struct Stage {
    client: Client,
    user: Id,
    browser: Browser,
    code: String,
    tokens: Answer,
}

impl Stage {
    fn set(server: &Server, scope: &str) -> Self {
        let user = server.add_user("alice").claims.id;
        server.add_apis();
        let client = server.add_web("web");
        server.store(|connection| {
            clients::update(connection, "web", |_, client| {
                client.settings.audiences = vec![API.into()];
                Ok::<_, Error>(())
            })
        });
        let mut browser = Browser::new(server);
        let first = browser.code(&client, "alice", scope);
        let tokens = server.redeem_as(&client, &first, &[]);
        assert_eq!(tokens.text("scope"), scope);
        let code = browser.code(&client, "alice", scope);
        Self { client, user, browser, code, tokens }
    }
}

/// Asks everything, those first that change nothing.
fn ask(server: &Server, stage: &mut Stage, scope: &str) -> [Cell<String>; 6] {
    let (access, refresh) = (stage.tokens.text("access_token"), stage.tokens.text("refresh_token"));
    let by_api = introspected(server, "notes", access);
    let by_client = introspected(server, "web", refresh);
    let user_info = served(&server.userinfo(access), |json| {
        json.as_object().unwrap().keys().map(String::as_str).collect::<Vec<_>>().join(" ")
    });
    let page = stage.browser.get(&Browser::request(&stage.client, scope, &[("prompt", "none")]));
    let silent = match page.header("location") {
        None => Page(page.status),
        Some(to) => {
            assert!(page.status == 303 && to.starts_with(&format!("{CALLBACK}?")), "{page:?}");
            let query = query_of(to);
            assert_eq!((query["iss"].as_str(), query["state"].as_str()), (server.url.as_str(), "st4te"));
            query.get("error").cloned().map_or(Code, Goes)
        }
    };
    let scope_of = |json: &Value| json["scope"].as_str().unwrap_or_default().to_owned();
    let refreshed = served(&server.refresh_as(&stage.client, refresh, &[]), scope_of);
    let redeemed = served(&server.redeem_as(&stage.client, &stage.code, &[]), scope_of);
    [redeemed, refreshed, user_info, by_api, by_client, silent]
}

fn served(answer: &Answer, what: impl Fn(&Value) -> String) -> Cell<String> {
    match answer.status {
        200 => Serves(what(&answer.json)),
        status => Refused(status, answer.error().to_owned()),
    }
}

fn introspected(server: &Server, client: &str, token: &str) -> Cell<String> {
    let page = server.post_as(client, "/introspect", &[("token", token)]);
    if page.body == INACTIVE {
        return Inactive;
    }
    served(&Answer::of(page), |json| json["scope"].as_str().unwrap_or_default().to_owned())
}

fn owned(cell: &Cell) -> Cell<String> {
    match cell {
        Serves(text) => Serves((*text).to_owned()),
        Refused(status, error) => Refused(*status, (*error).to_owned()),
        Goes(error) => Goes((*error).to_owned()),
        Page(status) => Page(*status),
        Code => Code,
        Inactive => Inactive,
    }
}

#[test]
fn every_change_ends_what_it_should_and_nothing_else() {
    for (change, scope, make, expected) in &TABLE {
        both(|server| {
            let mut stage = Stage::set(server, scope);
            make(server, &stage);
            let seen = ask(server, &mut stage, scope);
            assert_eq!(seen, expected.each_ref().map(owned), "after: {change}");
        });
    }
}

/// What was disabled is dead for good or comes back, as documented.
#[test]
fn only_a_client_comes_back_with_all_it_had() {
    both(|server| {
        let mut stage = Stage::set(server, ALL);
        disable_client(server, &stage);
        server.store(|connection| clients::set_disabled(connection, "web", None));
        remove_offline(server, &stage);
        change(server, |client| client.settings.scope = stage.client.settings.scope.clone());
        assert_eq!(ask(server, &mut stage, ALL), TABLE[0].3.each_ref().map(owned));
        disable_user(server, &stage);
        server.enable(stage.user);
        assert_eq!(ask(server, &mut stage, ALL), TABLE[4].3.each_ref().map(owned), "whoever had the account is out");
    });
}

fn grant_of(tokens: &Answer) -> Id {
    Id::parse(&claims_of(tokens.text("access_token"))["jti"].as_str().unwrap()[..32]).unwrap()
}

fn sign_out(server: &Server, stage: &Stage) {
    let sid = Id::parse(claims_of(stage.tokens.text("access_token"))["sid"].as_str().unwrap()).unwrap();
    server.end_session(sid);
}

fn reset_password(server: &Server, stage: &Stage) {
    let hash = server.app.passwords.hash("another password").unwrap();
    server.reset_password(stage.user, &hash);
}

fn disable_user(server: &Server, stage: &Stage) {
    server.disable(stage.user);
}

fn delete_user(server: &Server, stage: &Stage) {
    server.mark_deleted(stage.user);
}

fn disable_client(server: &Server, _: &Stage) {
    let now = server.now();
    assert!(server.store(|connection| clients::set_disabled(connection, "web", Some(now))));
}

fn delete_client(server: &Server, _: &Stage) {
    let now = server.now();
    assert!(server.store(|connection| clients::delete(connection, "web", now)));
}

fn revoke_grants(server: &Server, stage: &Stage) {
    let now = server.now();
    let filter = grants::Filter { user: Some(stage.user), client: None };
    for grant in server.store(|connection| grants::list(connection, &filter, 10)) {
        assert!(server.store(|connection| grants::revoke(connection, grant.id, EndReason::Other, now)));
    }
    assert!(server.store(|connection| grants::find(connection, grant_of(&stage.tokens))).unwrap().grant.revoked_at.is_some());
}

fn withdraw(server: &Server, stage: &Stage) {
    assert_eq!(server.withdraw(stage.user, "web"), 2);
}

fn change(server: &Server, change: impl Fn(&mut Client)) {
    let changed = server.store(|connection| {
        clients::update(connection, "web", |_, client| {
            change(client);
            Ok::<_, Error>(())
        })
    });
    changed.unwrap().check().unwrap();
}

fn remove_email(server: &Server, _: &Stage) {
    change(server, |client| client.settings.scope = Scopes::parse(NO_EMAIL).unwrap());
}

fn remove_scope(server: &Server, _: &Stage) {
    change(server, |client| client.settings.scope = Scopes::parse(NO_API).unwrap());
}

fn unregister_scope(server: &Server, _: &Stage) {
    let remove = |api: &mut Api| {
        api.scopes.retain(|scope| scope.name != "notes:read");
        Ok::<_, Error>(())
    };
    assert!(server.store(|connection| apis::change(connection, API, remove)).is_some());
}

fn remove_offline(server: &Server, _: &Stage) {
    change(server, |client| client.settings.scope = Scopes::parse(BOUND).unwrap());
}

fn remove_refresh(server: &Server, _: &Stage) {
    change(server, |client| client.settings.grant_types = vec![GrantType::AuthorizationCode]);
}

fn remove_api(server: &Server, _: &Stage) {
    assert!(server.store(|connection| apis::remove(connection, API)));
}

fn take_api(server: &Server, _: &Stage) {
    change(server, |client| client.settings.audiences.clear());
}

fn remove_redirect_uri(server: &Server, _: &Stage) {
    change(server, |client| client.settings.redirect_uris = vec!["https://app.example.com/other".into()]);
}
