//! The page that asks a user to add another factor before they continue, `templates/enrol.html`: who requires it, what would do, and
//! the way back. Whether it can wait is not decided here.

use askama::Template;

use super::{Form, FormProblem, Layout};

/// The page; its form sends `decision=later` or `decision=deny`.
#[derive(Debug, Template)]
#[template(path = "enrol.html")]
pub struct Enrol<'a> {
    /// The frame.
    pub layout: Layout<'a>,
    /// The username of the account that it is about.
    pub username: &'a str,
    /// The app that the user wants to continue to, if there is one.
    pub client_name: Option<&'a str>,
    /// What has to be added.
    pub missing: MissingFactor,
    /// Whether it is the app that requires it, and not the server.
    pub is_for_app: bool,
    /// The day from which it is required, if it can wait.
    pub from: Option<&'a str>,
    /// The page that adds a passkey.
    pub passkey_url: &'a str,
    /// The page that adds an authenticator app, where one would do.
    pub totp_url: Option<&'a str>,
    /// The form.
    pub form: Form<'a>,
    /// Why the page is shown again.
    pub problem: Option<FormProblem>,
}

/// What has to be added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MissingFactor {
    /// Any second factor.
    SecondFactor,
    /// A passkey.
    Passkey,
    /// A passkey in hardware.
    SecurityKey,
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::markup;
    use super::super::samples::{LAYOUT, Sample, assert_escaped, hostile, sample};
    use super::*;

    const PAGE: Enrol<'static> = Enrol {
        layout: LAYOUT,
        username: "alice",
        client_name: Some("Example Notes"),
        missing: MissingFactor::SecondFactor,
        is_for_app: true,
        from: None,
        passkey_url: "/account/passkeys/add?client_id=notes&scope=openid",
        totp_url: Some("/account/totp/add?client_id=notes&scope=openid"),
        form: Form { action: "/account/enrol?client_id=notes&scope=openid", csrf: "form-proof" },
        problem: None,
    };
    const LATER: Enrol<'static> = Enrol { is_for_app: false, from: Some("Friday, 1 January 2027"), ..PAGE };
    const DIRECT: Enrol<'static> = Enrol { client_name: None, is_for_app: false, ..PAGE };

    pub fn samples() -> Vec<Sample> {
        let passkey = Enrol { missing: MissingFactor::Passkey, totp_url: None, ..PAGE };
        let key = Enrol { missing: MissingFactor::SecurityKey, totp_url: None, ..LATER };
        vec![
            sample("enrol", &PAGE),
            sample("enrol-later", &LATER),
            sample("enrol-account", &DIRECT),
            sample("enrol-passkey", &passkey),
            sample("enrol-security-key", &key),
            sample("enrol-expired", &Enrol { problem: Some(FormProblem::FormExpired), ..LATER }),
        ]
    }

    #[test]
    fn hostile_values_are_escaped() {
        let fields = ["username", "client", "from", "passkey", "totp", "action", "csrf"];
        let [username, client, from, passkey, totp, action, csrf] = fields.map(hostile);
        let page = Enrol {
            username: &username,
            client_name: Some(&client),
            from: Some(&from),
            passkey_url: &passkey,
            totp_url: Some(&totp),
            form: Form { action: &action, csrf: &csrf },
            ..LATER
        };
        assert_escaped(&page, &fields);
    }

    /// The links of the page, and the answers of its forms.
    fn ways(page: &Enrol<'_>) -> (Vec<String>, Vec<String>) {
        let html = page.render().unwrap();
        let tags = markup::tags(&html);
        let links = tags.iter().filter(|tag| tag.name == "a").filter_map(|tag| tag.get("href"));
        let links = links.filter(|link| *link != "/").map(|link| link.split('?').next().unwrap().to_owned()).collect();
        let buttons = tags.iter().filter(|tag| tag.name == "button").filter_map(|tag| tag.get("value")).map(str::to_owned);
        (links, buttons.collect())
    }

    #[test]
    fn it_offers_what_would_do_and_the_way_back() {
        let [passkey, totp, logout] = ["/account/passkeys/add", "/account/totp/add", "/logout"].map(str::to_owned);
        assert_eq!(ways(&PAGE), (vec![passkey.clone(), totp.clone()], vec!["deny".to_owned()]));
        assert_eq!(ways(&LATER), (vec![passkey.clone(), totp.clone()], vec!["later".to_owned(), "deny".into()]));
        assert_eq!(ways(&DIRECT), (vec![passkey.clone(), totp, logout], vec![]));
        let only = Enrol { missing: MissingFactor::Passkey, totp_url: None, ..PAGE };
        assert_eq!(ways(&only), (vec![passkey], vec!["deny".to_owned()]));
    }

    #[test]
    fn it_says_who_asks_and_from_when() {
        let text = |page: &Enrol<'_>| page.render().unwrap();
        assert!(text(&PAGE).contains("<bdi>Example Notes</bdi></strong> asks for a second factor"));
        assert!(text(&LATER).contains("From Friday, 1 January 2027") && text(&LATER).contains("Not now"));
        assert!(!text(&PAGE).contains("Not now"));
        assert!(!text(&DIRECT).contains("Example Notes"));
        let page = Enrol { missing: MissingFactor::Passkey, totp_url: None, ..PAGE };
        assert!(text(&page).contains("asks for a passkey"));
    }
}
