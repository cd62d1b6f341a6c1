//! The common parts of the pages of a user's own account: the frame (`templates/account_frame.html`, with links to each page and
//! signing out), the account's owner, and how times, origins and forms are shown (`templates/account_words.html`). Times and
//! durations are passed as text, made where the clock is known.

/// The owner of the account: the signed-in user.
#[derive(Debug, Clone, Copy)]
pub struct Owner<'a> {
    /// The display name, or the username if there is none.
    pub name: &'a str,
    /// The username.
    pub username: &'a str,
}

/// The target of a form, on a page that has several.
#[derive(Debug, Clone, Copy)]
pub struct Form<'a> {
    /// The form's action.
    pub action: &'a str,
    /// The form's CSRF token.
    pub csrf: &'a str,
}

/// A point in time.
#[derive(Debug, Clone, Copy)]
pub struct When<'a> {
    /// Machine-readable, such as `2026-11-22T05:37:00Z`.
    pub iso: &'a str,
    /// In full, such as "22 November 2026, 05:37 UTC".
    pub full: &'a str,
    /// Relative to now, such as "3 days ago" or "in 3 days".
    pub relative: &'a str,
}

/// The origin of a request, as far as it is known.
#[derive(Debug, Clone, Copy, Default)]
pub struct ShownOrigin<'a> {
    /// A description of the browser or program, such as "Firefox on Linux".
    pub program: Option<&'a str>,
    /// The approximate location, such as "Bern, Switzerland".
    pub place: Option<&'a str>,
    /// The address.
    pub address: Option<&'a str>,
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::{Template, markup};
    use super::*;

    pub const ALICE: Owner<'static> = Owner { name: "Alice Example", username: "alice" };
    /// A long name, and one that is written from right to left.
    pub const LONG: &str = "Wolfeschlegelsteinhausenbergerdorff-Featherstonehaugh of the Department of Long Names";
    pub const RIGHT_TO_LEFT: &str = "حاسوب ليلى المحمول";
    pub const NOW: When<'static> =
        When { iso: "2026-11-22T05:37:00Z", full: "22 November 2026, 05:37 UTC", relative: "3 minutes ago" };
    pub const BEFORE: When<'static> =
        When { iso: "2026-10-02T18:04:00Z", full: "2 October 2026, 18:04 UTC", relative: "7 weeks ago" };
    pub const LATER: When<'static> =
        When { iso: "2027-11-22T05:37:00Z", full: "22 November 2027, 05:37 UTC", relative: "in 1 year" };
    pub const BERN: ShownOrigin<'static> =
        ShownOrigin { program: Some("Firefox on Linux"), place: Some("Bern, Switzerland"), address: Some("192.0.2.17") };

    /// Asserts the frame: links to every other page, signing out, and the current page marked.
    pub fn assert_framed(page: &impl Template, current: &str) {
        let html = page.render().unwrap();
        let tags = markup::tags(&html);
        let links: Vec<_> = tags.iter().filter(|tag| tag.name == "a").collect();
        for path in ["", "/activity", "/security", "/password", "/email", "/details", "/data"] {
            let path = format!("/account{path}");
            assert!(links.iter().any(|link| link.get("href") == Some(&path)), "{current}: the way to {path}");
        }
        assert!(links.iter().any(|link| link.get("href") == Some("/logout")), "{current}: the way out");
        let here: Vec<_> = links.iter().filter(|link| link.get("aria-current") == Some("page")).collect();
        assert_eq!(here.len(), 1, "{current}");
        assert_eq!(here[0].get("href"), Some(current));
        for form in tags.iter().filter(|tag| tag.name == "form") {
            assert!(form.get("action").is_some_and(|action| !action.is_empty()), "{current}: a form leads somewhere");
        }
        let forms = tags.iter().filter(|tag| tag.name == "form").count();
        let proofs = tags.iter().filter(|tag| tag.get("name") == Some("csrf")).count();
        assert_eq!(forms, proofs, "{current}: every form has its proof");
    }
}
