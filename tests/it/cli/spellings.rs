//! The spellings of an address, which all mean one account on the command line: to show, add, change, invite and import.

use serde_json::json;
use symbolon::testing::store::users;

use super::{Binary, PASSWORD};
use crate::harness::databases;

/// How the address is kept.
const KEPT: &str = "alice@xn--exmple-cua.com";
/// How it is typed.
const TYPED: [&str; 4] = ["alice@exämple.com", "ＡLICE@exa\u{308}mple.com", "alice＠EXÄMPLE。com", "Alice@XN--exmple-cua.com"];

#[test]
fn an_address_is_one_in_every_spelling() {
    for database in databases() {
        let (name, mut symbolon) = (database.name, Binary::migrated(&database.url));
        symbolon.variables.push(("SYMBOLON_REGISTRATION", "invitation".into()));
        symbolon.variables.push(("SYMBOLON_ISSUER", "https://id.example.com".into()));
        symbolon.text("migrate"); // records the issuer, so that links can be printed
        let run = |args: &[&str], input: &str| symbolon.run_with(args, input);
        let ran = run(&["user", "add", "alice", "--email", TYPED[0], "--password-stdin"], PASSWORD);
        assert_eq!(ran.code, Some(0), "{name}: {}", ran.stderr);
        symbolon.add_user("bob");
        for typed in TYPED {
            let ran = run(&["user", "show", typed, "--json"], "");
            assert!(ran.code == Some(0) && ran.stdout.contains(KEPT), "{name} {typed}: {} {}", ran.stdout, ran.stderr);
            for taken in [
                &["user", "add", "other", "--email", typed, "--password-stdin"][..],
                &["user", "set", "bob", "--email", typed],
                &["user", "invite", "--print", "--email", typed],
            ] {
                let ran = run(taken, PASSWORD);
                assert!(ran.code == Some(1) && ran.stderr.contains("already"), "{name} {taken:?}: {}", ran.stderr);
            }
            let line = json!({"username": "other", "email": typed}).to_string();
            let ran = run(&["user", "import", "-"], &line);
            assert!(ran.code == Some(1) && ran.stderr.contains(KEPT), "{name} {typed}: {}", ran.stderr);
        }
        assert_eq!(symbolon.store().with(|connection| users::page(connection, None, 10)).unwrap().len(), 2, "{name}");

        let line = |name: &str, email: &str| json!({"username": name, "email": email}).to_string();
        let twice = format!("{}\n{}", line("one", "x@exämple.net"), line("two", "ｘ@XN--EXMPLE-CUA.net"));
        let ran = run(&["user", "import", "-"], &twice);
        assert!(ran.code == Some(1) && ran.stderr.contains("line 1"), "{name}: {}", ran.stderr);
        let ran = run(&["user", "invite", "--print", "--email", "Ｎew@exämple.net"], "");
        assert!(ran.code == Some(0) && ran.stdout.contains("new@xn--exmple-cua.net"), "{name}: {} {}", ran.stdout, ran.stderr);
        let ran = run(&["user", "uninvite", "new@EXÄMPLE.net"], "");
        assert_eq!(ran.code, Some(0), "{name}: {}", ran.stderr);
        let ran = run(&["user", "set", "bob@example.com", "--email", "Ｂob@exämple.net"], "");
        assert_eq!(ran.code, Some(0), "{name}: {}", ran.stderr);
        assert!(run(&["user", "show", "bob@xn--exmple-cua.net"], "").stdout.contains("bob@xn--exmple-cua.net"), "{name}");
    }
}
