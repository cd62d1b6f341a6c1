//! The display name: which values are valid, and who receives it.

use symbolon::testing::protocol::account::activity::Activity;

use super::{act, done, happened, signed_in};
use crate::harness::both;

#[test]
fn a_name_is_kept_told_and_taken_away() {
    both(|server| {
        let alice = server.add_user("alice").claims.id;
        let client = server.add_client("notes", symbolon::testing::protocol::oauth::client::ClientKind::Spa, |_| ());
        let mut browser = signed_in(server);
        let change =
            |browser: &mut _, name: &str| act(browser, "/account/details", "/account/details", &[("display_name", name)]);
        let page = change(&mut browser, " Alice B. ");
        assert_eq!(done(&page), "/account/details?done=saved");
        let shown = browser.get(page.location());
        assert!(shown.body.contains("role=\"status\"") && shown.attribute("id=\"display", "value") == "Alice B.", "{shown:?}");
        let code = browser.code(&client, "alice", "openid profile");
        let access = server.redeem(&client, &code).text("access_token").to_owned();
        assert_eq!(server.userinfo(&access).text("name"), "Alice B.");
        assert_eq!(change(&mut browser, "Alice B.").status, 303);
        assert_eq!(happened(server, alice, Activity::DetailsChanged), 1, "the same name again is no news");
        for (bad, problem) in
            [("x".repeat(101), "too-long"), ("a\u{202e}b".into(), "not-one-line"), ("a\nb".into(), "not-one-line")]
        {
            let page = change(&mut browser, &bad);
            assert!(page.status == 400 && page.problem() == Some(problem), "{bad:?}: {page:?}");
        }
        assert_eq!(server.userinfo(&access).text("name"), "Alice B.");
        assert_eq!(change(&mut browser, "  ").status, 303);
        assert!(server.userinfo(&access).json["name"].is_null());
        assert!(browser.get("/account").body.contains("Signed in as <bdi>alice</bdi>"));
        let forged = browser.send("POST", "/account/details", Some(&[("csrf", "x"), ("display_name", "Mallory")]));
        assert!(forged.status == 400 && !browser.get("/account").body.contains("Mallory"), "{forged:?}");
    });
}
