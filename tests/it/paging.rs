//! Lists in pages: nothing that stays is skipped or repeated, whatever is added or removed between two pages, and the command line
//! prints lists that are longer than a page as a whole.

use std::collections::BTreeSet;

use diesel::{RunQueryDsl, connection::SimpleConnection, sql_query};
use symbolon::testing::{
    operations::{
        Context, OperationError, apis, clients, consents,
        grants::{self, GrantFilter},
        page::{MOST, Page, Slice},
        users,
    },
    protocol::{
        account::activity::Activity,
        grant::Grant,
        oauth::{
            api::Api,
            api_tokens::ApiTokens,
            client::{Client, ClientKind},
            next_step::{Allowed, ConsentGiver},
            scope::Scopes,
        },
        values::id::Id,
    },
    random,
    store::{self, Error, activity},
};

use crate::{
    cli::Binary,
    harness::{Server, both, databases, grant_of},
};

fn run(server: &Server, sql: &str) {
    server.store(|connection| sql_query(sql).execute(connection).map_err(Error::from));
}

/// Reads a list in pages of two, by the keys of its items, and does something after the first page.
fn read<T>(
    server: &Server,
    list: impl Fn(&mut Context<'_>, &Slice) -> Result<Page<T>, OperationError>,
    key: impl Fn(&T) -> String,
    meanwhile: impl FnOnce(&str),
) -> Vec<String> {
    let page = |after: Option<String>| -> Result<Page<T>, OperationError> {
        server.app.store.with(|connection| {
            list(&mut Context { config: &server.app.config, connection, now: server.now() }, &Slice { after, limit: 2 })
        })
    };
    let Page { items, mut next } = page(None).unwrap();
    let mut keys: Vec<String> = items.iter().map(&key).collect();
    assert_eq!((keys.len(), next.as_ref()), (2, keys.last()), "the key of its last item is where the next one begins");
    meanwhile(keys.last().unwrap());
    while let Some(after) = next {
        let page = page(Some(after)).unwrap();
        assert!((1..=2).contains(&page.items.len()) || page.next.is_none());
        keys.extend(page.items.iter().map(&key));
        next = page.next;
    }
    keys
}

#[test]
fn pages_by_name_skip_and_repeat_nothing() {
    both(|server| {
        for name in ["b", "c", "d", "e", "f"] {
            server.add_user(name);
            server.add_client(name, ClientKind::Spa, |_| ());
            let (uri, now) = (format!("https://{name}"), server.now());
            server.store(|connection| {
                store::apis::insert(
                    connection,
                    &Api { uri, name: name.into(), scopes: vec![], tokens: ApiTokens::default(), min_acr: None, created_at: now },
                )
            });
        }
        let names = ["b", "c", "d", "dd", "f"];
        let listed = read(
            server,
            users::list,
            |user| user.username.clone(),
            |last| {
                server.add_user("a");
                server.add_user("dd");
                run(server, &format!("DELETE FROM users WHERE username IN ('{last}', 'e')"));
            },
        );
        assert_eq!(listed, names);
        let listed = read(
            server,
            clients::list,
            |client| client.id.clone(),
            |last| {
                for id in ["a", "dd"] {
                    server.add_client(id, ClientKind::Spa, |_| ());
                }
                run(server, &format!("DELETE FROM clients WHERE id IN ('{last}', 'e')"));
            },
        );
        assert_eq!(listed, names);
        let listed = read(
            server,
            apis::list,
            |api| api.uri.clone(),
            |last| {
                run(
                    server,
                    "INSERT INTO apis (uri, name, scopes, created_at) VALUES ('https://a', 'a', '[]', 1), ('https://dd', 'dd', '[]', 1)",
                );
                run(server, &format!("DELETE FROM apis WHERE uri IN ('{last}', 'https://e')"));
            },
        );
        assert_eq!(listed, names.map(|name| format!("https://{name}")));

        let alice = server.add_user("alice").claims.id;
        let allow = |client: &str| {
            let allowed = Allowed { scopes: Scopes::parse("openid").unwrap(), audiences: vec![] };
            let event = server.event(alice, Activity::AppAllowed);
            server.store(|connection| store::consents::add(connection, client, &allowed, ConsentGiver::User, &event));
        };
        run(server, "DELETE FROM client_origins"); // of the rows deleted above
        server.add_client("e", ClientKind::Spa, |_| ());
        ["b", "d", "e", "f"].into_iter().for_each(allow);
        let list = |context: &mut Context<'_>, slice: &Slice| consents::list(context, "alice", slice);
        let listed = read(
            server,
            list,
            |consent| consent.client_id.clone(),
            |last| {
                ["a", "dd"].into_iter().for_each(allow);
                run(server, &format!("DELETE FROM consents WHERE client_id IN ('{last}', 'e')"));
            },
        );
        assert_eq!(listed, ["b", "d", "dd", "f"]);
    });
}

#[test]
fn pages_by_id_skip_and_repeat_nothing() {
    both(|server| {
        let alice = server.add_user("alice").claims.id;
        let spa = server.add_client("spa", ClientKind::Spa, |_| ());
        let tokens = server.tokens(&spa, "alice", "openid offline_access");
        let pattern = server.store(|connection| store::grants::find(connection, grant_of(&tokens))).unwrap().grant;
        run(server, "DELETE FROM activity");
        let add = || {
            server.advance(1);
            let grant = Grant { id: random::id(server.now()), ..pattern.clone() };
            server.store(|connection| {
                store::grants::insert(connection, &grant)?;
                activity::insert(connection, &server.event(alice, Activity::SignedOut))
            });
        };
        (0..5).for_each(|_| add());
        let filters = [
            GrantFilter::default(),
            GrantFilter { user: Some("alice".into()), client: None },
            GrantFilter { user: None, client: Some("spa".into()) },
            GrantFilter { user: Some("ALICE@example.com".into()), client: Some("spa".into()) },
        ];
        for filter in filters {
            let before: Vec<String> =
                read(server, |context, slice| grants::list(context, &filter, slice), |grant| grant.id.clone(), |_| ());
            let list = |context: &mut Context<'_>, slice: &Slice| grants::list(context, &filter, slice);
            let listed = read(
                server,
                list,
                |grant| grant.id.clone(),
                |last| {
                    add(); // newer, so that it belongs to the page that was read
                    let removed = server.literal(Id::parse(last).unwrap());
                    run(server, &format!("DELETE FROM grants WHERE id = {removed}"));
                },
            );
            assert_eq!(listed, before, "the grant that was removed was on the first page");
        }
        let list = |context: &mut Context<'_>, slice: &Slice| users::activity(context, "alice", slice);
        let all = read(server, list, |entry| entry.id.clone(), |_| ());
        let again = read(
            server,
            list,
            |entry| entry.id.clone(),
            |last| {
                add();
                let removed = server.literal(Id::parse(last).unwrap());
                run(server, &format!("DELETE FROM activity WHERE id = {removed}"));
            },
        );
        assert_eq!(again, all);
        let refused = server.app.store.with(|connection| {
            let mut context = Context { config: &server.app.config, connection, now: server.now() };
            grants::list(&mut context, &GrantFilter::default(), &Slice { after: Some("x".into()), limit: 2 })
        });
        assert!(matches!(refused, Err(OperationError::Invalid(_))));
    });
}

#[test]
fn the_command_line_prints_more_than_a_page() {
    let many = MOST as usize + 3;
    for database in databases() {
        let server = Server::start(&database, |config| config.database_pool_size = 1); // BEGIN and COMMIT on one connection
        let (name, symbolon) = (database.name, Binary::beside(&server, &database));
        let batch = |sql: &str| server.store(|connection| connection.batch_execute(sql).map_err(Error::from));
        batch("BEGIN");
        for number in 0..many {
            server.add_user_with(&format!("user{number:04}"), "a hash", |_| ());
        }
        batch("COMMIT");
        for number in 0..many {
            let client = Client::new(format!("app{number:04}"), "App", ClientKind::Spa, server.now());
            server.store(|connection| store::clients::insert(connection, &client));
        }
        for (noun, member, prefix) in [("user", "username", "user"), ("client", "client_id", "app")] {
            let listed = symbolon.json(&format!("{noun} list --json"));
            let keys: Vec<_> = listed.as_array().unwrap().iter().map(|one| one[member].as_str().unwrap().to_owned()).collect();
            assert_eq!(keys, (0..many).map(|number| format!("{prefix}{number:04}")).collect::<Vec<_>>(), "{name}");
            let text = symbolon.text(&format!("{noun} list"));
            assert_eq!(text.lines().count(), many + 1, "{name}: one heading");
            let columns: BTreeSet<_> = text.lines().map(|line| line.find("  ").unwrap()).collect();
            assert!(columns.len() <= 2, "{name}: {columns:?}");
            let part = symbolon.json(&format!("{noun} list --limit 2 --after {prefix}0499x --json"));
            let keys: Vec<_> = part.as_array().unwrap().iter().map(|one| one[member].as_str().unwrap().to_owned()).collect();
            assert_eq!(keys, [500, 501].map(|number| format!("{prefix}{number:04}")), "{name}: also after a key that is gone");
            assert_eq!(symbolon.json(&format!("{noun} list --after zzz --json")), serde_json::json!([]), "{name}");
        }
    }
}
