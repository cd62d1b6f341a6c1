//! A full disk, by a limit on the size of files: requests that cannot write are answered 503, those that only read are served,
//! and nothing is lost.

use std::process::Command;

use super::{Site, refresh, tokens};
use crate::harness::{Answer, Database, Process, try_send};

/// In blocks of 512 bytes: enough for the tables, not for all that is written by and by.
const LIMIT: &str = "2048";

#[test]
fn what_cannot_be_written_is_answered_503_and_not_lost() {
    let site = Site::new(Database::sqlite());
    site.add_alice();
    let spa = site.add_spa();
    let mut command = Command::new("sh");
    // Ignored, the signal becomes the error of the system call.
    command.args(["-c", "trap '' XFSZ; ulimit -f \"$0\"; exec \"$1\" serve", LIMIT, env!("CARGO_BIN_EXE_symbolon")]);
    let variables: Vec<_> = site.variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let mut process = Process::start_command(command, &variables);
    process.wait_for("serving");

    let mut current = tokens(&site.url, &spa);
    let mut answers = (0..5000).map(|_| {
        let answer = refresh(&site.url, &spa, current.text("refresh_token")).unwrap();
        if answer.status == 200 {
            current = answer;
            return None;
        }
        Some(answer)
    });
    let refused = answers.find_map(|answer| answer).expect("5000 refreshes fit below the limit");
    drop(answers);
    assert_eq!((refused.status, refused.error()), (503, "temporarily_unavailable"), "{refused:?}");
    assert!(refused.header("retry-after").is_some(), "{refused:?}");
    let bearer = format!("Bearer {}", current.text("access_token"));
    let info = try_send("GET", &format!("{}/userinfo", site.url), &[("Authorization", &bearer)], None).map(Answer::of).unwrap();
    assert_eq!(info.status, 200, "{info:?}");
    process.signal("TERM");
    assert_eq!(process.end().0.code(), Some(0));

    let _process = site.serve();
    let next = refresh(&site.url, &spa, current.text("refresh_token")).unwrap();
    assert_eq!(next.status, 200, "with room again, the same token is good: {next:?}");
}
