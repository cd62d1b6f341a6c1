//! A forgotten password: the link in the e-mail stands in for the password alone, and never for the second factor.

use super::alice_with_phone;
use crate::harness::{Browser, MailServer, PASSWORD, Page, ReceivedMessage, Server, wait_until, with_mail};

const NEW: &str = "violet tractor over the moon";

fn opened(server: &Server, mail: &MailServer, browser: &mut Browser) -> Page {
    let resets = |mail: &MailServer| -> Vec<ReceivedMessage> {
        mail.messages().into_iter().filter(|message| message.text.contains("/recover/password?")).collect()
    };
    let before = resets(mail).len();
    let page = browser.get("/recover");
    assert!(!page.body.contains("code"), "nothing is said of factors before: {page:?}");
    browser.ask_by("/recover", ("login", "alice"));
    wait_until(|| resets(mail).len() > before, || "no letter".into());
    let message = resets(mail).remove(before);
    assert!(!message.text.to_lowercase().contains("authenticator"), "{message:?}");
    browser.open(server, &message)
}

#[test]
fn a_code_is_asked_for_besides_and_what_was_typed_stays() {
    with_mail(
        |_| (),
        |server, mail| {
            let (mut at_home, phone) = alice_with_phone(server);
            let codes = at_home.recovery_codes();
            let mut browser = Browser::new(server);
            let page = opened(server, mail, &mut browser);
            assert!(page.body.contains("name=\"code\""), "{page:?}");
            for (password, code, status, problem) in [
                (NEW, "", 400, "code-missing"),
                ("short", &*codes[0], 400, "password-too-short"),
                (NEW, &phone.wrong_code(server), 401, "wrong-code"),
                (NEW, "KK4C-KVEB-QB9J-NTD7", 401, "wrong-code"),
                (NEW, PASSWORD, 401, "wrong-code"),
            ] {
                let page = browser.submit(&page, &[("new_password", password), ("code", code)]);
                assert_eq!((page.status, page.problem()), (status, Some(problem)), "{code}: {page:?}");
                assert!(!page.body.contains(NEW));
                assert_eq!(page.body.contains("kept_new_password"), problem.contains("code"), "{page:?}");
            }
            assert!(Browser::new(server).sign_in_at("/login", "alice", PASSWORD).status == 303, "nothing was changed");
            let again = browser.submit(&page, &[("new_password", NEW), ("code", "")]);
            let kept = again.attribute("name=\"kept_new_password\"", "value");
            let fields = [("new_password", ""), ("kept_new_password", kept.as_str()), ("code", &codes[0])];
            let done = browser.submit(&again, &fields);
            assert!(done.status == 303 && done.location().starts_with("/login?notice=password_set"), "{done:?}");
            // The new password asks for a second factor, as the old one did.
            let page = browser.sign_in_at("/login", "alice", NEW);
            assert!(page.location().starts_with("/login/verify"), "{page:?}");
            let page = browser.get("/login/verify?use=recovery");
            assert_eq!(browser.submit(&page, &[("recovery_code", &codes[0])]).problem(), Some("used-code"));
            assert_eq!(browser.submit(&page, &[("recovery_code", &codes[1])]).status, 303);
        },
    );
}

#[test]
fn a_code_of_the_app_does_it_too_and_ten_are_tried() {
    with_mail(
        |_| (),
        |server, mail| {
            let (_, phone) = alice_with_phone(server);
            let mut browser = Browser::new(server);
            let page = opened(server, mail, &mut browser);
            let mut wrong = 0;
            loop {
                let sent = browser.submit(&page, &[("new_password", NEW), ("code", &phone.wrong_code(server))]);
                match sent.status {
                    401 => wrong += 1,
                    429 if wrong < 10 => server.advance(sent.header("retry-after").unwrap().parse().unwrap()),
                    // Slowed down, or the ten minutes of the link are over.
                    429 | 410 | 404 => break,
                    _ => panic!("{sent:?}"),
                }
                assert!(wrong <= 10);
            }
            server.advance(1200);
            let page = opened(server, mail, &mut browser);
            let done = browser.submit(&page, &[("new_password", NEW), ("code", &phone.code(server))]);
            assert!(done.status == 303 && done.location().starts_with("/login?notice=password_set"), "{done:?}");
        },
    );
}
