//! Two servers on one database, as two processes would be: what one of them did takes effect in the other at once.

use symbolon::testing::protocol::oauth::client::ClientKind;

use super::{all_get_one_successor, at_once, successes};
use crate::harness::{Browser, Server, databases};

/// Runs a handler with two servers on each database; alice is there.
fn pairs(handle: impl Fn(&Server, &Server)) {
    for database in databases() {
        eprintln!("on {}", database.name);
        let one = Server::start(&database, |_| ());
        let two = one.sibling(&database);
        one.add_user("alice");
        handle(&one, &two);
    }
}

#[test]
fn both_tell_the_same_successor() {
    pairs(|one, two| {
        let spa = one.add_client("spa", ClientKind::Spa, |_| ());
        all_get_one_successor(&[one, two], &spa);
    });
}

#[test]
fn a_code_redeemed_through_both_yields_tokens_once_and_they_die() {
    pairs(|one, two| {
        let spa = one.add_client("spa", ClientKind::Spa, |_| ());
        let code = Browser::new(one).code(&spa, "alice", "openid offline_access");
        let answers = at_once(|n| [one, two][n % 2].redeem(&spa, &code));
        let winners = successes(&answers);
        assert_eq!(winners.len(), 1);
        for server in [one, two] {
            assert_eq!(server.refresh(&spa, winners[0].text("refresh_token")).error(), "invalid_grant", "the replay rule");
            assert_eq!(server.userinfo(winners[0].text("access_token")).status, 401);
        }
    });
}

#[test]
fn without_a_window_one_of_both_wins() {
    pairs(|one, two| {
        let strict = one.add_strict_client("strict");
        let tokens = one.tokens(&strict, "alice", "openid offline_access");
        let answers = at_once(|n| [one, two][n % 2].refresh(&strict, tokens.text("refresh_token")));
        let winners = successes(&answers);
        assert_eq!(winners.len(), 1);
        for server in [one, two] {
            assert_eq!(server.refresh(&strict, winners[0].text("refresh_token")).error(), "invalid_grant");
        }
    });
}

#[test]
fn what_is_presented_again_to_the_other_ends_the_grant_in_both() {
    pairs(|one, two| {
        let spa = one.add_client("spa", ClientKind::Spa, |_| ());
        let first = one.tokens(&spa, "alice", "openid offline_access");
        let second = one.refresh(&spa, first.text("refresh_token"));
        assert_eq!(two.refresh(&spa, first.text("refresh_token")).json["refresh_token"], second.json["refresh_token"]);
        let third = one.refresh(&spa, second.text("refresh_token"));
        assert_eq!(third.status, 200, "{third:?}");
        assert_eq!(two.refresh(&spa, first.text("refresh_token")).error(), "invalid_grant", "reused");
        for server in [one, two] {
            assert_eq!(server.refresh(&spa, third.text("refresh_token")).error(), "invalid_grant");
            assert_eq!(server.userinfo(third.text("access_token")).status, 401);
        }

        let code = Browser::new(two).code(&spa, "alice", "openid offline_access");
        let tokens = one.redeem(&spa, &code);
        assert_eq!(tokens.status, 200, "{tokens:?}");
        assert_eq!(two.redeem(&spa, &code).error(), "invalid_grant");
        assert_eq!(one.refresh(&spa, tokens.text("refresh_token")).error(), "invalid_grant", "the code came again");
    });
}
