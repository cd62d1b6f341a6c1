//! The `prompt` parameter (OpenID Connect Core 3.1.2.1; Initiating User Registration via OpenID Connect §4): its values and their
//! combinations.

use crate::protocol::error::Invalid;

/// The pages that a client requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each value of the parameter is there or not, by itself")]
pub struct Prompt {
    /// Show no page at all.
    pub none: bool,
    /// Ask for a sign-in even if there is a session.
    pub login: bool,
    /// Ask for consent even if it was given.
    pub consent: bool,
    /// Ask which account to use.
    pub select_account: bool,
    /// Ask the user to register first.
    pub create: bool,
}

/// The value supported only if users may register.
pub const CREATE: &str = "create";
const VALUES: [&str; 5] = ["none", "login", "consent", "select_account", CREATE];

/// The supported values, as in the discovery document.
#[must_use]
pub fn values(is_registration_open: bool) -> Vec<&'static str> {
    VALUES.into_iter().filter(|value| is_registration_open || *value != CREATE).collect()
}

/// The error description for an unsupported value.
#[must_use]
pub fn unknown(value: &str, is_registration_open: bool) -> String {
    format!("prompt: expected some of {}, received '{value}'", values(is_registration_open).join(", "))
}

/// The parameter without `create`, after a registration: the user is not asked to register again.
#[must_use]
pub fn after_registration(text: &str) -> String {
    text.split(' ').filter(|value| !value.is_empty() && *value != CREATE).collect::<Vec<_>>().join(" ")
}

impl Prompt {
    /// Parses a space-separated list. An unknown value beside known ones is ignored, as Core with errata set 2 allows, so that a client
    /// can request a new value of servers that do not have it yet.
    ///
    /// # Errors
    /// The expected and the received value: none but unknown values, or `none` together with another.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let mut prompt = Self::default();
        let mut first_unknown = None;
        for value in text.split(' ').filter(|value| !value.is_empty()) {
            match value {
                "none" => prompt.none = true,
                "login" => prompt.login = true,
                "select_account" => prompt.select_account = true,
                "consent" => prompt.consent = true,
                CREATE => prompt.create = true,
                other => first_unknown = first_unknown.or(Some(other)),
            }
        }
        match first_unknown {
            Some(value) if prompt == Self::default() => Err(unknown(value, false).into()),
            _ if prompt.none && (prompt != Self { none: true, ..Self::default() } || first_unknown.is_some()) => {
                Err(format!("prompt: 'none' cannot be combined with other values, received '{text}'").into())
            }
            _ => Ok(prompt),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn none_stands_alone() {
        assert_eq!(Prompt::parse("none").map(|p| p.none), Ok(true));
        assert_eq!(Prompt::parse("consent login"), Ok(Prompt { login: true, consent: true, ..Prompt::default() }));
        assert_eq!(Prompt::parse("select_account"), Ok(Prompt { select_account: true, ..Prompt::default() }));
        assert!(Prompt::parse("none select_account").is_err());
        assert!(Prompt::parse("none login").is_err());
        assert!(Prompt::parse("none create").is_err());
        assert!(Prompt::parse("none dance").is_err());
        assert!(Prompt::parse("dance none").is_err());
    }

    #[test]
    fn an_unknown_value_is_ignored_beside_known_ones_and_refused_alone() {
        let login = Prompt { login: true, ..Prompt::default() };
        for text in ["login dance", "dance login", "LOGIN login", "dance jump login"] {
            assert_eq!(Prompt::parse(text), Ok(login), "{text}");
        }
        for (text, first) in [("LOGIN", "LOGIN"), ("dance", "dance"), ("dance jump", "dance"), ("login,consent", "login,consent")]
        {
            assert!(Prompt::parse(text).unwrap_err().as_ref().ends_with(&format!("received '{first}'")), "{text}");
        }
    }

    #[test]
    fn create_is_listed_where_users_may_register_and_done_once() {
        assert_eq!(Prompt::parse("create"), Ok(Prompt { create: true, ..Prompt::default() }));
        assert_eq!(values(false), ["none", "login", "consent", "select_account"]);
        assert_eq!(values(true), ["none", "login", "consent", "select_account", "create"]);
        for (text, after) in [("create", ""), ("create consent", "consent"), ("login  create", "login"), ("consent", "consent")] {
            assert_eq!(after_registration(text), after);
        }
    }
}
