//! A user's TOTP app: it reads the key that the page shows, and knows the codes.

use symbolon::testing::{codes::totp::Secret, protocol::secrets::sensitive::Sensitive};

use super::{Browser, Page, Server};

/// An app on a user's phone.
pub struct Phone {
    secret: Secret,
    /// The key as it was shown, without spaces.
    pub key: String,
}

impl Phone {
    /// Reads the key from the page that adds an app.
    #[track_caller]
    pub fn reading(page: &Page) -> Self {
        let shown = page.body.split_once("<code>").unwrap_or_else(|| panic!("no key: {page:?}")).1;
        let key = shown.split_once("</code>").unwrap().0.replace(' ', "");
        let secret = Secret::from_bytes(Sensitive::new(base32(&key))).unwrap();
        Self { secret, key }
    }

    /// Adds an app to the account of the signed-in user, who was asked recently who they are.
    #[track_caller]
    pub fn added(server: &Server, browser: &mut Browser) -> Self {
        let page = browser.get("/account/totp/add");
        assert!(page.is("totp-add"), "{page:?}");
        let phone = Self::reading(&page);
        let pending = page.attribute("name=\"pending\"", "value");
        let fields = [("pending", pending.as_str()), ("name", "Phone"), ("code", &phone.code(server))];
        let page = browser.submit(&page, &fields);
        assert_eq!(page.status, 303, "{page:?}");
        phone
    }

    /// The code now.
    pub fn code(&self, server: &Server) -> String {
        self.code_after(server, 0)
    }

    /// The code so many steps later.
    pub fn code_after(&self, server: &Server, steps: i64) -> String {
        self.secret.code_at(server.now().seconds() / 30 + steps).unwrap().expose().clone()
    }

    /// A code that is none of those now accepted.
    pub fn wrong_code(&self, server: &Server) -> String {
        let good: Vec<_> = (-1..=1).map(|steps| self.code_after(server, steps)).collect();
        (0..4).map(|n| format!("{n:06}")).find(|code| !good.contains(code)).unwrap()
    }
}

/// RFC 4648 §6, without padding.
fn base32(text: &str) -> Vec<u8> {
    let (mut bytes, mut bits, mut held) = (Vec::new(), 0_u32, 0);
    for c in text.bytes() {
        let value = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".iter().position(|one| *one == c).unwrap();
        bits = bits << 5 | u32::try_from(value).unwrap();
        held += 5;
        if held >= 8 {
            held -= 8;
            bytes.push(u8::try_from(bits >> held & 0xff).unwrap());
        }
    }
    bytes
}

impl Browser {
    /// Makes recovery codes for the signed-in user, who was asked recently who they are.
    #[track_caller]
    pub fn recovery_codes(&mut self) -> Vec<String> {
        let page = self.fill("/account/recovery-codes", &[]);
        assert_eq!((page.status, page.state()), (200, Some("made")), "{page:?}");
        page.body.split("<code>").skip(1).map(|rest| rest.split_once("</code>").unwrap().0.to_owned()).collect()
    }

    /// Signs in with the password: the page that asks for the next factor.
    #[track_caller]
    pub fn arrive_at_second_factor(&mut self, path: &str, username: &str) -> Page {
        let page = self.sign_in_at(path, username, super::PASSWORD);
        assert!(page.status == 303 && page.location().starts_with("/login/verify"), "{page:?}");
        let to = page.location().to_owned();
        let page = self.get(&to);
        assert!(page.status == 200 && page.is("second-factor"), "{page:?}");
        page
    }
}
