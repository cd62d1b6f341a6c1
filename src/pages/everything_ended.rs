//! The page after every session and all access of a user was ended, `templates/everything_ended.html`: by the form on their
//! devices page, or because they said "this was not me", here or with the link in an e-mail. It lists exactly what was ended;
//! nobody is signed in.

use askama::Template;

use super::Layout;

/// The page.
#[derive(Debug, Template)]
#[template(path = "everything_ended.html")]
pub struct EverythingEnded<'a> {
    /// The frame.
    pub layout: Layout<'a>,
    /// The username of the account: the link in an e-mail may belong to another account than the user thinks.
    pub username: &'a str,
    /// Descriptions of the browsers that were signed out.
    pub browsers: &'a [&'a str],
    /// The names of the apps that lost their access.
    pub apps: &'a [&'a str],
    /// What the user does next.
    pub next: AfterEnd,
}

/// What the user does after everything was ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterEnd {
    /// The password is no longer valid: a new one is set by e-mail.
    SetPassword,
    /// The password is unchanged: they sign in again.
    SignIn,
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::account_frame::tests::{LONG, RIGHT_TO_LEFT};
    use super::super::samples::{LAYOUT, Sample, assert_escaped, hostile, sample};
    use super::*;

    const PAGE: EverythingEnded<'static> = EverythingEnded {
        layout: LAYOUT,
        username: "alice",
        browsers: &["Work laptop (Firefox on Linux)", "Safari on iPhone", RIGHT_TO_LEFT],
        apps: &["Example Notes on Work phone", "Example Notes on Safari on iPhone", LONG],
        next: AfterEnd::SetPassword,
    };

    pub fn samples() -> Vec<Sample> {
        vec![
            sample("everything-ended", &PAGE),
            sample("everything-ended-sign-in", &EverythingEnded { next: AfterEnd::SignIn, ..PAGE }),
            sample("everything-ended-nothing", &EverythingEnded { browsers: &[], apps: &[], ..PAGE }),
        ]
    }

    #[test]
    fn hostile_values_are_escaped() {
        let fields = ["username", "browser", "app"];
        let [username, browser, app] = fields.map(hostile);
        assert_escaped(&EverythingEnded { username: &username, browsers: &[&browser], apps: &[&app], ..PAGE }, &fields);
    }

    #[test]
    fn it_says_exactly_what_was_ended() {
        let html = PAGE.render().unwrap();
        for name in PAGE.browsers.iter().chain(PAGE.apps) {
            assert_eq!(html.matches(&format!("<li><bdi>{name}</bdi></li>")).count(), 1, "{name}");
        }
        assert!(html.contains("Nobody is signed in to the account <strong><bdi>alice</bdi></strong> now"));
        let none = EverythingEnded { browsers: &[], apps: &[], ..PAGE }.render().unwrap();
        assert!(none.contains("No browser was signed in") && none.contains("No app had access"));
    }

    #[test]
    fn it_leads_on() {
        for (next, path, words) in [(AfterEnd::SetPassword, "/recover", "password"), (AfterEnd::SignIn, "/login", "Sign in")] {
            let html = EverythingEnded { next, ..PAGE }.render().unwrap();
            let button = html.split_once("class=\"button\"").unwrap().1.split_once("</a>").unwrap().0;
            assert!(button.contains(&format!("href=\"{path}\"")) && button.contains(words), "{button}");
        }
    }
}
