//! Clocks that step, by `libfaketime` (Debian: faketime): only the server's, while the database's continues normally.

use std::{fs, path::Path, process::Command, thread, time::Duration};

use super::{Load, is_long, not_tried, rounds, site};
use crate::{
    harness::{Process, databases, try_send},
    serve::Site,
};

const LIBRARIES: [&str; 3] = [
    "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1",
    "/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1",
    "/usr/lib64/faketime/libfaketimeMT.so.1",
];

fn now() -> i64 {
    symbolon::testing::clock::Clock::system().now().seconds()
}

/// The time by the server's clock: ids of requests begin with it.
fn clock_of(site: &Site) -> i64 {
    let page = try_send("GET", &format!("{}/healthz", site.url), &[], None).unwrap();
    i64::from_str_radix(&page.header("x-request-id").unwrap()[..12], 16).unwrap() / 1000
}

#[test]
fn the_clock_of_the_server_steps_back_and_forth() {
    let Some(library) = LIBRARIES.into_iter().find(|path| Path::new(path).exists()) else {
        assert!(!is_long(), "libfaketime is not installed (Debian: faketime)");
        return not_tried("a clock that steps", "libfaketime is not installed (Debian: apt-get install faketime)");
    };
    for database in databases() {
        eprintln!("on {}", database.name);
        let (site, client) = site(database);
        let clock = tempfile::NamedTempFile::new().unwrap();
        let set = |offset: &str| fs::write(clock.path(), offset).unwrap();
        set("+0");
        let mut command = Command::new(env!("CARGO_BIN_EXE_symbolon"));
        command.arg("serve").env("LD_PRELOAD", library).env("FAKETIME_TIMESTAMP_FILE", clock.path());
        command.env("FAKETIME_NO_CACHE", "1").env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        let variables: Vec<_> = site.variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let process = Process::start_command(command, &variables);
        site.wait_until_ready();
        let urls = [site.url.clone()];
        Load::new(&urls, &client).run(&site, 6, |load| {
            // Less than the allowance between clocks, and far more, forth and back.
            for offset in ["+5", "-5", "+3600", "+0", "-3600", "+0"] {
                set(offset);
                thread::sleep(Duration::from_millis(rounds(200, 2000) as u64));
                load.wait_for(6);
                let ahead = clock_of(&site) - now();
                assert!(
                    (ahead - offset.parse::<i64>().unwrap()).abs() <= 2,
                    "the server's clock is {ahead} s ahead, not {offset}"
                );
            }
        });
        process.signal("TERM");
        assert_eq!(process.end().0.code(), Some(0));
    }
}
