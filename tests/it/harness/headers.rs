//! The headers that every response and every page must have (ASVS 3.4, RFC 9700 §4.16), checked in one place.

use super::Page;

impl Page {
    /// Fails unless this is a page with all the headers of pages.
    #[track_caller]
    pub fn assert_page(&self) {
        self.assert_common_headers();
        assert_eq!(self.header("content-type"), Some("text/html; charset=utf-8"), "{self:?}");
        assert_eq!(self.header("cache-control"), Some("no-store"), "{self:?}");
        assert_eq!(self.header("x-frame-options"), Some("DENY"), "{self:?}");
        assert_eq!(self.header("cross-origin-opener-policy"), Some("same-origin"), "{self:?}");
        let policy = self.header("content-security-policy").unwrap_or_else(|| panic!("no policy in {self:?}"));
        for directive in
            ["default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"]
        {
            assert!(policy.split("; ").any(|part| part == directive), "{directive} is not in {policy}");
        }
        assert!(policy.contains("; form-action 'self'") && !policy.contains("unsafe"), "{policy}");
        assert!(!self.body.contains("<style") && !self.body.contains("<script>"), "nothing inline: {}", self.body);
    }

    /// Fails unless the headers of every response are there, without those that let other origins read it.
    #[track_caller]
    pub fn assert_common_headers(&self) {
        assert_eq!(self.header("x-content-type-options"), Some("nosniff"), "{self:?}");
        assert_eq!(self.header("referrer-policy"), Some("no-referrer"), "{self:?}");
        let caching = self.header("cache-control").unwrap_or_else(|| panic!("{self:?}"));
        assert_eq!(self.header("pragma"), (caching == "no-store").then_some("no-cache"), "{self:?}");
        assert_eq!(self.header("x-request-id").map(str::len), Some(32), "{self:?}");
    }

    /// The permitted targets of forms on this page.
    #[track_caller]
    pub fn form_targets(&self) -> &str {
        let policy = self.header("content-security-policy").unwrap_or_else(|| panic!("no policy in {self:?}"));
        policy
            .split("; ")
            .find_map(|part| part.strip_prefix("form-action "))
            .unwrap_or_else(|| panic!("no form-action in {policy}"))
    }

    /// Fails if a page of another origin could read this response.
    #[track_caller]
    pub fn assert_no_cors(&self) {
        assert!(!self.headers.iter().any(|(name, _)| name.starts_with("access-control-")), "{self:?}");
    }
}
