//! The page of recovery codes, `templates/recovery_codes.html`: the offer to make a set, and the set itself, which is shown once.

use askama::Template;

use super::{Layout, Owner};

/// The page; its form sends nothing but its CSRF token.
#[derive(Debug, Template)]
#[template(path = "recovery_codes.html")]
pub struct RecoveryCodes<'a> {
    /// The frame.
    pub layout: Layout<'a>,
    /// The owner of the account.
    pub owner: Owner<'a>,
    /// The name of this server: its host.
    pub site: &'a str,
    /// The number of codes in a set.
    pub count: u32,
    /// What is shown.
    pub state: RecoveryCodesState<'a>,
    /// The form's action.
    pub action: &'a str,
    /// The form's CSRF token.
    pub csrf: &'a str,
    /// Where the user goes on.
    pub on_url: &'a str,
    /// Whether that is an app.
    pub leads_to_app: bool,
}

/// What the page shows.
#[derive(Debug, Clone, Copy)]
pub enum RecoveryCodesState<'a> {
    /// The form that makes a set.
    Offered {
        /// How many codes of the current set are left.
        left: u32,
        /// Whether the first passkey or app was just added.
        is_first: bool,
        /// Whether the form had expired.
        is_expired: bool,
    },
    /// The new set.
    Made {
        /// The codes, in groups.
        codes: &'a [&'a str],
    },
    /// There is nothing that they would stand in for.
    NotNeeded,
}

impl RecoveryCodes<'_> {
    /// Whether the form had expired.
    const fn is_expired(&self) -> bool {
        matches!(self.state, RecoveryCodesState::Offered { is_expired: true, .. })
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::account_frame::tests::{ALICE, assert_framed};
    use super::super::samples::{LAYOUT, Sample, assert_escaped, hostile, sample};
    use super::*;

    const CODES: [&str; 10] = [
        "KK4C-KVEB-QB9J-NTD7",
        "0123-4567-89AB-CDEF",
        "GHJK-MNPQ-RSTV-WXYZ",
        "1111-2222-3333-4444",
        "5555-6666-7777-8888",
        "9999-AAAA-BBBB-CCCC",
        "DDDD-EEEE-FFFF-GGGG",
        "HHHH-JJJJ-KKKK-MMMM",
        "NNNN-PPPP-QQQQ-RRRR",
        "SSSS-TTTT-VVVV-WWWW",
    ];
    const PAGE: RecoveryCodes<'static> = RecoveryCodes {
        layout: LAYOUT,
        owner: ALICE,
        site: "id.example.com",
        count: 10,
        state: RecoveryCodesState::Offered { left: 0, is_first: true, is_expired: false },
        action: "/account/recovery-codes",
        csrf: "form-proof",
        on_url: "/account/security",
        leads_to_app: false,
    };

    pub fn samples() -> Vec<Sample> {
        let offered =
            |left, is_expired| RecoveryCodes { state: RecoveryCodesState::Offered { left, is_first: false, is_expired }, ..PAGE };
        let made = RecoveryCodes { state: RecoveryCodesState::Made { codes: &CODES }, ..PAGE };
        vec![
            sample("recovery-codes-first", &PAGE),
            sample("recovery-codes", &offered(7, false)),
            sample("recovery-codes-none", &offered(0, false)),
            sample("recovery-codes-expired", &offered(1, true)),
            sample("recovery-codes-made", &made),
            sample("recovery-codes-app", &RecoveryCodes { leads_to_app: true, on_url: "/authorize?client_id=notes", ..made }),
            sample("recovery-codes-not-needed", &RecoveryCodes { state: RecoveryCodesState::NotNeeded, ..PAGE }),
        ]
    }

    #[test]
    fn hostile_values_are_escaped() {
        let fields = ["site", "code", "on"];
        let [site, code, on_url] = fields.map(hostile);
        let state = RecoveryCodesState::Made { codes: &[&code] };
        assert_escaped(&RecoveryCodes { site: &site, state, on_url: &on_url, ..PAGE }, &fields);
        let fields = ["action", "csrf"];
        let [action, csrf] = fields.map(hostile);
        assert_escaped(&RecoveryCodes { action: &action, csrf: &csrf, ..PAGE }, &fields);
    }

    #[test]
    fn it_is_a_page_of_the_account() {
        assert_framed(&PAGE, "/account/security");
        assert_framed(&RecoveryCodes { state: RecoveryCodesState::Made { codes: &CODES }, ..PAGE }, "/account/security");
    }

    #[test]
    fn a_set_is_shown_without_a_form_that_would_end_it() {
        let html = RecoveryCodes { state: RecoveryCodesState::Made { codes: &CODES }, ..PAGE }.render().unwrap();
        assert!(!html.contains("<form") && CODES.iter().all(|code| html.contains(code)), "{html}");
        assert!(html.contains("data-state=\"made\""), "{html}");
    }
}
