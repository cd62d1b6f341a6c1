//! Two processes that start at once on one fresh database, and continue together.

use super::{Site, get, refresh, tokens};
use crate::harness::{databases, free_port, try_send};

#[test]
fn two_start_at_once_and_agree() {
    for round in 0..3 {
        for database in databases() {
            let name = format!("{}, round {round}", database.name);
            let site = Site::new(database);
            let mut one = site.run(&["serve"]);
            let port = free_port();
            let other_url = format!("http://localhost:{port}");
            let listen = site.variables.iter().position(|(name, _)| *name == "SYMBOLON_LISTEN").unwrap();
            let mut variables: Vec<_> = site.variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
            let listens = format!("localhost:{port}");
            variables[listen].1 = &listens;
            let mut other = crate::harness::Process::start(&["serve"], &variables);
            one.wait_for("serving");
            other.wait_for("serving");

            let keys = get(&site.url, "/.well-known/jwks.json").json;
            assert_eq!(keys["keys"].as_array().unwrap().len(), 2, "{name}: one first key of RS256, and one of ES256");
            assert_eq!(get(&other_url, "/.well-known/jwks.json").json, keys, "{name}");
            site.add_alice();
            let spa = site.add_spa();
            let first = tokens(&site.url, &spa);
            let second = refresh(&other_url, &spa, first.text("refresh_token")).unwrap();
            assert_eq!(second.status, 200, "{name}: {second:?}");
            let third = refresh(&site.url, &spa, second.text("refresh_token")).unwrap();
            let bearer = format!("Bearer {}", third.text("access_token"));
            let info = try_send("GET", &format!("{other_url}/userinfo"), &[("Authorization", &bearer)], None).unwrap();
            assert_eq!(info.status, 200, "{name}: {info:?}");
            for process in [one, other] {
                process.signal("TERM");
                let (status, said) = process.end();
                assert_eq!(status.code(), Some(0), "{name}: {said}");
                assert!(!said.contains("WARN") && !said.contains("ERROR"), "{name}: {said}");
            }
        }
    }
}
