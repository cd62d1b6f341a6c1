//! The page for an e-mail link that is no longer valid, or never was, `templates/invalid_link.html`: why, and what to do now. The
//! handler determines the reason; a link that this server never issued has the purpose of its path.

use askama::Template;

use super::Layout;
use crate::protocol::account::link::LinkKind;

/// The page shown in place of the one that the link was for.
#[derive(Debug, Template)]
#[template(path = "invalid_link.html")]
pub struct InvalidLink<'a> {
    /// The frame.
    pub layout: Layout<'a>,
    /// The purpose of the link.
    pub purpose: LinkKind,
    /// Why it is invalid.
    pub reason: LinkProblem,
    /// The lifetime of such a link, in words: "10 minutes".
    pub lifetime: &'a str,
    /// The URL at which to start again: registration, recovery, or the change of the address. `None` where that is not available.
    pub again: Option<&'a str>,
    /// The URL of the sign-in page.
    pub login_url: &'a str,
}

/// Why a link is invalid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkProblem {
    /// It was used.
    Used,
    /// It has expired.
    Expired,
    /// It was not used, and a later event replaced it: a newer link, a change of the account, or an operator's decision.
    Superseded,
    /// It is valid only in the browser in which it was requested.
    OtherBrowser,
    /// It was not issued by this server, or is incomplete.
    Unknown,
    /// The address belongs to another account by now.
    AddressTaken,
}

/// A link that leads on from the page.
#[derive(Debug, Clone, Copy)]
enum Way<'a> {
    SignIn(&'a str),
    Again(&'a str),
}

impl<'a> Way<'a> {
    const fn url(self) -> &'a str {
        let (Self::SignIn(url) | Self::Again(url)) = self;
        url
    }
}

impl<'a> InvalidLink<'a> {
    /// Whether the user needs someone else's help, so that no link is the main one.
    const fn is_stuck(&self) -> bool {
        self.again.is_none() && !matches!(self.reason, LinkProblem::Used | LinkProblem::AddressTaken)
    }

    /// The main link, and an alternative.
    fn ways(&self) -> (Way<'a>, Option<Way<'a>>) {
        let sign_in = Way::SignIn(self.login_url);
        let Some(again) = self.again.map(Way::Again) else { return (sign_in, None) };
        match (self.reason, self.purpose) {
            (LinkProblem::Used, LinkKind::Reset) | (LinkProblem::AddressTaken, _) => (sign_in, Some(again)),
            (LinkProblem::Used, LinkKind::Register | LinkKind::Invitation | LinkKind::ConfirmEmail) => (sign_in, None),
            _ => (again, Some(sign_in)),
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::markup;
    use super::super::samples::{LAYOUT, Sample, assert_escaped, hostile, sample};
    use super::*;

    /// Each purpose: its name, the URL at which to start again, and the lifetime of its links.
    const PURPOSES: [(&str, LinkKind, Option<&str>, &str); 5] = [
        ("register", LinkKind::Register, Some("/register"), "24 hours"),
        ("invitation", LinkKind::Invitation, None, "7 days"),
        ("reset", LinkKind::Reset, Some("/recover"), "10 minutes"),
        ("confirm-email", LinkKind::ConfirmEmail, Some("/account/email"), "24 hours"),
        ("not-me", LinkKind::NotMe, Some("/recover"), "30 days"),
    ];

    /// Every possible page, with its name.
    fn pages() -> Vec<(String, InvalidLink<'static>)> {
        let mut all = Vec::new();
        for (name, purpose, again, lifetime) in PURPOSES {
            let mut reasons = vec![
                ("used", LinkProblem::Used),
                ("expired", LinkProblem::Expired),
                ("superseded", LinkProblem::Superseded),
                ("unknown", LinkProblem::Unknown),
            ];
            match purpose {
                LinkKind::Reset => reasons.push(("other-browser", LinkProblem::OtherBrowser)),
                LinkKind::NotMe => {}
                _ => reasons.push(("address-taken", LinkProblem::AddressTaken)),
            }
            for (why, reason) in reasons {
                let page = InvalidLink { layout: LAYOUT, purpose, reason, lifetime, again, login_url: "/login" };
                all.push((format!("dead-link-{name}-{why}"), page));
            }
        }
        all
    }

    pub fn samples() -> Vec<Sample> {
        pages().iter().map(|(name, page)| sample(name, page)).collect()
    }

    #[test]
    fn hostile_values_are_escaped() {
        let [lifetime, again, login] = ["lifetime", "again", "login"].map(hostile);
        for (_, purpose, ..) in PURPOSES {
            let expired = LinkProblem::Expired;
            let page = InvalidLink {
                layout: LAYOUT,
                purpose,
                reason: expired,
                lifetime: &lifetime,
                again: Some(&again),
                login_url: &login,
            };
            assert_escaped(&page, &["lifetime", "again"]);
            let used = LinkProblem::Used;
            assert_escaped(&InvalidLink { reason: used, again: None, ..page }, &["login"]);
        }
    }

    /// The links in the page's content.
    fn ways(html: &str) -> Vec<String> {
        let tags = markup::tags(html);
        let own = tags.iter().skip_while(|tag| tag.name != "main");
        own.filter_map(|tag| tag.get("href")).map(str::to_owned).collect()
    }

    #[test]
    fn every_page_says_what_to_do_and_leads_on() {
        for (name, page) in pages() {
            let html = page.render().unwrap();
            assert_eq!(html.matches("<h2>What to do</h2>").count(), 1, "{name}");
            assert_eq!(html.matches("role=\"alert\"").count(), 1, "{name}");
            let ways = ways(&html);
            assert!((1..=2).contains(&ways.len()), "{name}: {ways:?}");
            assert_eq!(html.matches("class=\"button").count(), 1, "{name}: the next step is a button");
        }
    }

    #[test]
    fn a_way_that_is_not_open_is_not_shown() {
        for (name, page) in pages() {
            let again = page.again;
            let closed = InvalidLink { again: None, ..page }.render().unwrap();
            assert!(ways(&closed).iter().all(|way| Some(way.as_str()) != again), "{name}");
            assert_eq!(closed.matches("class=\"button").count(), 1, "{name}");
        }
    }

    #[test]
    fn a_link_of_another_browser_is_asked_for_again_here() {
        let (_, page) = pages().into_iter().find(|(_, page)| page.reason == LinkProblem::OtherBrowser).unwrap();
        let html = page.render().unwrap();
        assert!(html.contains("Open it there") && html.contains("request a new link in this browser"));
        assert_eq!(ways(&html), ["/recover", "/login"]);
    }
}
