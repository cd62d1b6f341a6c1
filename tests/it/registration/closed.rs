//! Registration that is not open: off, by invitation only, or without mail. There is no page, no link to it, and no
//! `prompt=create`.

use symbolon::testing::{
    config::{Config, MailTransport, Registration},
    protocol::oauth::client::ClientKind,
};

use crate::harness::{Browser, both_with, query_of};

#[test]
fn there_is_no_page_and_no_way_to_it() {
    for (has_mail, registration, finish) in [
        (false, Registration::Off, 404),
        (false, Registration::Open, 400),
        (true, Registration::Off, 404),
        (true, Registration::Invitation, 400),
    ] {
        let change = |config: &mut Config| {
            config.registration = registration;
            if has_mail {
                config.mail.transport = MailTransport::Console;
            }
        };
        both_with(change, |server| {
            let mut browser = Browser::new(server);
            assert_eq!(browser.get("/register").status, 404);
            assert_eq!(browser.send("POST", "/register", Some(&[("email", "zoe@example.com")])).status, 404);
            assert_eq!(browser.get("/register/finish").status, finish, "without a link");
            assert_eq!(browser.get("/register/finish?link=sym_ml_forged").status, finish);
            assert!(!browser.get("/login").body.contains("/register"));
            let spa = server.add_client("spa", ClientKind::Spa, |_| ());
            let page = browser.get(&Browser::request(&spa, "openid", &[("prompt", "create")]));
            assert_eq!(query_of(page.location())["error"], "invalid_request");
            let listed = server.get("/.well-known/openid-configuration", &[]).json["prompt_values_supported"].clone();
            assert_eq!(listed, serde_json::json!(["none", "login", "consent", "select_account"]));
            assert!(!server.app.is_registration_open());
        });
    }
}
