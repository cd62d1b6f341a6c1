//! The page for a link of an e-mail that does nothing (any more), `templates/invalid_link.html`: why, and what to do now. The handler
//! finds out which; a link that was never ours has the purpose of the path it came to.

use askama::Template;

use super::Layout;
use crate::protocol::link::LinkKind;

/// The page instead of the one the link led to.
#[derive(Debug, Template)]
#[template(path = "invalid_link.html")]
pub struct InvalidLink<'a> {
    /// The frame.
    pub layout: Layout<'a>,
    /// What the link was for.
    pub purpose: LinkKind,
    /// Why it does nothing.
    pub reason: LinkProblem,
    /// How long such a link is good, in words: "10 minutes".
    pub lifetime: &'a str,
    /// Where to begin again: to register, to recover, to change the address. `None` where that is not open.
    pub again: Option<&'a str>,
    /// Where the sign-in page is.
    pub login_url: &'a str,
}

/// Why a link does nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkProblem {
    /// It has done what it was for.
    Used,
    /// It is too old.
    Expired,
    /// It was not used, and a later decision took its place: a newer link, a change of the account, an operator's.
    Superseded,
    /// It is good in the browser alone in which it was asked for.
    OtherBrowser,
    /// It is none of ours, or not the whole of it.
    Unknown,
    /// The address has come to belong to another account meanwhile.
    AddressTaken,
}

/// A way on from the page.
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
    /// Whether the user needs someone else's help, so that no way on is the one to take.
    const fn is_stuck(&self) -> bool {
        self.again.is_none() && !matches!(self.reason, LinkProblem::Used | LinkProblem::AddressTaken)
    }

    /// What to do now, and what to do otherwise.
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

    /// Each purpose: its name, where to begin again, and how long its links are good.
    const PURPOSES: [(&str, LinkKind, Option<&str>, &str); 5] = [
        ("register", LinkKind::Register, Some("/register"), "24 hours"),
        ("invitation", LinkKind::Invitation, None, "7 days"),
        ("reset", LinkKind::Reset, Some("/recover"), "10 minutes"),
        ("confirm-email", LinkKind::ConfirmEmail, Some("/account/email"), "24 hours"),
        ("not-me", LinkKind::NotMe, Some("/recover"), "30 days"),
    ];

    /// Every page that there can be, with its name.
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

    /// The links of the page's own part.
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
