//! Which installation a command works on: with another server secret or another issuer than those of the database it is refused, and
//! leaves nothing behind. The database has a fingerprint of the secret, which goes along when the secret is rotated.

use diesel::{RunQueryDsl, sql_query};
use symbolon::testing::store::{AnyConnection, Error, meta};

use super::Binary;
use crate::{
    harness::{Database, databases, free_port},
    serve::Site,
};

const OLD: &str = "a secret of at least thirty-two bytes";
const NEW: &str = "another one that is as long as it must be";

/// The binary with this list of secrets.
fn with(url: &str, secrets: &str) -> Binary {
    Binary { variables: vec![("SYMBOLON_SECRET", secrets.to_owned()), listen()], ..Binary::new(url) }
}

/// Where `serve` listens.
fn listen() -> (&'static str, String) {
    ("SYMBOLON_LISTEN", format!("localhost:{}", free_port()))
}

/// The number of recorded secrets.
fn recorded(symbolon: &Binary) -> Option<usize> {
    symbolon.store().with(meta::secrets).unwrap().map(|all| all.len())
}

fn change(symbolon: &Binary, statement: &str) {
    let changed = |connection: &mut AnyConnection| Ok::<_, Error>(sql_query(statement).execute(connection).map(drop)?);
    symbolon.store().with(changed).unwrap();
}

#[test]
fn another_secret_than_the_databases_is_refused_by_every_command() {
    for database in databases() {
        let (name, own) = (database.name, with(&database.url, OLD));
        own.text("migrate");
        own.add_user("alice");
        for (line, stdin) in [
            ("user list", ""),
            ("user invite --email zoe@example.com --print", ""),
            ("user show alice --json", ""),
            ("client add --name App --type spa --redirect-uri https://app.example.com/cb", ""),
            ("key rotate", ""),
            ("grant list", ""),
            ("explain", "sym_rt_x"),
            ("migrate", ""),
            ("serve", ""),
        ] {
            let ran = with(&database.url, NEW).run_with(&line.split(' ').collect::<Vec<_>>(), stdin);
            assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""), "{name}: {line}");
            let said = "server secret: this database belongs to an installation with another one: expected secret ";
            assert!(ran.stderr.contains(said) && !ran.stderr.contains(NEW), "{name}: {line}: {}", ran.stderr);
        }
        for list in [format!("{NEW},{OLD}"), format!("next {NEW},{OLD}"), OLD.to_owned()] {
            assert!(with(&database.url, &list).text("user list").contains("alice"), "{name}: {list}: while it is rotated");
        }
    }
}

#[test]
fn no_command_leaves_a_secret_beside_a_database_that_has_another() {
    let database = Database::postgres();
    Binary::migrated(&database.url).add_user("alice");
    for line in ["migrate", "serve", "user list"] {
        let elsewhere = Binary { variables: vec![listen()], ..Binary::new(&database.url) };
        let ran = elsewhere.run(line);
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""), "{line}");
        assert!(ran.stderr.contains("there is no server secret at '"), "{line}: {}", ran.stderr);
        assert!(!elsewhere.dir.path().join("data").exists(), "{line}");
    }
}

#[test]
fn the_recorded_secret_goes_along_with_a_rotation() {
    for database in databases() {
        let (name, own) = (database.name, with(&database.url, OLD));
        own.text("migrate");
        with(&database.url, &format!("{NEW},{OLD}")).text("migrate");
        assert_eq!(recorded(&own), Some(1), "{name}: a migration alone derives nothing");

        let port = free_port();
        let site = Site::new(database).with("SYMBOLON_LISTEN", format!("localhost:{port}"));
        let start = |site: Site, secrets: &str| {
            let site = site.with("SYMBOLON_SECRET", secrets);
            let process = site.serve();
            process.signal("TERM");
            assert_eq!(process.end().0.code(), Some(0), "{name}: {secrets}");
            site
        };
        // Forth, back, and forth again, as processes that are restarted one after the other.
        let mut site = site;
        for list in ["OLD", "next NEW,OLD", "NEW,OLD", "next NEW,OLD", "OLD", "next NEW,OLD", "NEW,OLD"] {
            site = start(site, &list.replace("NEW", NEW).replace("OLD", OLD));
            assert_eq!(recorded(&own), Some(list.split(',').count()), "{name}: {list}");
            with(&own.url, OLD).text("user list");
        }
        with(&own.url, NEW).text("user list");
        for algorithm in ["RS256", "ES256"] {
            let line = format!("key rotate --now --algorithm {algorithm}");
            assert_eq!(with(&own.url, &format!("{NEW},{OLD}")).run(&line).code, Some(0), "{name}");
        }
        let site = start(site, NEW);
        assert!(with(&own.url, OLD).refusal("user list").contains("server secret: "), "{name}");

        // A version before this one recorded none: the next start does, if the secret opens the keys.
        change(&own, "DELETE FROM meta WHERE name = 'server_secrets'");
        with(&site.database.url, "a third secret of forty bytes or a bit more").text("migrate");
        assert_eq!(recorded(&own), None, "{name}: not the one of an installation elsewhere");
        let site = site.with("SYMBOLON_SECRET", "a third secret of forty bytes or a bit more");
        let (_, said) = site.run(&["serve"]).end();
        assert!(said.contains("keys: the signing key "), "{name}: {said}");
        assert_eq!(recorded(&own), None, "{name}");
        with(&own.url, NEW).text("migrate");
        assert_eq!(recorded(&own), Some(1), "{name}");

        // A secret that has leaked is replaced outright, after its keys were deleted.
        change(&own, "DELETE FROM signing_keys");
        assert!(
            with(&own.url, "a third secret of forty bytes or a bit more").refusal("user list").contains("server secret: "),
            "{name}"
        );
    }
}

#[test]
fn a_command_makes_no_link_that_no_server_accepts() {
    for database in databases() {
        let (name, url) = (database.name, database.url.clone());
        let invite = "user invite --email zoe@example.com --print";
        let mut symbolon = with(&url, OLD);
        symbolon.variables.push(("SYMBOLON_REGISTRATION", "invitation".into()));
        symbolon.text("migrate");
        assert!(symbolon.refusal(invite).contains("no server was started with this database yet"), "{name}");
        symbolon.variables.push(("SYMBOLON_ISSUER", "https://id.example.com".into()));
        symbolon.text("migrate");
        let link = symbolon.run(invite);
        assert!(link.stdout.contains("https://id.example.com/register"), "{name}: {} {}", link.stdout, link.stderr);
        symbolon.variables[0].1 = format!("{NEW},{OLD}");
        assert!(symbolon.refusal(invite).contains("no server was started with secret"), "{name}: the first is in no server");
        symbolon.variables[0].1 = format!("{OLD},next {NEW}");
        assert_eq!(symbolon.run(invite).code, Some(0), "{name}");
    }
}

#[test]
fn a_leaked_secret_is_replaced_outright() {
    for database in databases() {
        let (name, mut site) = (database.name, Site::new(database));
        let own = Binary::new(&site.database.url);
        for secrets in [OLD, NEW] {
            site = site.with("SYMBOLON_SECRET", secrets);
            let process = site.serve();
            process.signal("TERM");
            assert_eq!(process.end().0.code(), Some(0), "{name}");
            if secrets == OLD {
                change(&own, "DELETE FROM signing_keys");
            }
        }
        with(&own.url, NEW).text("user list");
        assert!(with(&own.url, OLD).refusal("user list").contains("server secret: "), "{name}");
    }
}

#[test]
fn a_command_works_for_the_issuer_of_its_database() {
    for database in databases() {
        let site = Site::new(database).with("SYMBOLON_SECRET", OLD).with("SYMBOLON_REGISTRATION", "invitation");
        let name = site.database.name;
        let process = site.serve();
        process.signal("TERM");
        assert_eq!(process.end().0.code(), Some(0), "{name}");
        let registration = ("SYMBOLON_REGISTRATION", "invitation".to_owned());
        let mut symbolon = with(&site.database.url, OLD);
        symbolon.variables.push(registration);
        let printed = symbolon.run("user invite --email zoe@example.com --print");
        assert_eq!(printed.code, Some(0), "{name}: {}", printed.stderr);
        assert!(printed.stdout.contains(&format!("{}/register", site.url)), "{name}: {}", printed.stdout);
        symbolon.variables.push(("SYMBOLON_ISSUER", "https://id.example.com".into()));
        let refused = symbolon.refusal("user invite --email adam@example.com --print");
        assert!(refused.contains(&format!("issuer: expected '{}'", site.url)), "{name}: {refused}");
    }
}
