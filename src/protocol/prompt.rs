//! The `prompt` parameter (OpenID Connect Core 3.1.2.1): its values and which go together.

/// What a client asks of the pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each value of the parameter is there or not, by itself")]
pub struct Prompt {
    /// Show no page at all.
    pub none: bool,
    /// Ask for a sign-in even if there is a session.
    pub login: bool,
    /// Ask for consent even if it was given.
    pub consent: bool,
    /// Ask which account to go on with.
    pub select_account: bool,
}

/// The values answered, as discovery lists them.
pub const VALUES: [&str; 4] = ["none", "login", "consent", "select_account"];

impl Prompt {
    /// Reads a space-separated list.
    ///
    /// # Errors
    /// What was expected and what came: an unknown value, or `none` together with another.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut prompt = Self::default();
        for value in text.split(' ').filter(|value| !value.is_empty()) {
            match value {
                "none" => prompt.none = true,
                "login" => prompt.login = true,
                "select_account" => prompt.select_account = true,
                "consent" => prompt.consent = true,
                other => return Err(format!("prompt: expected some of {}, received '{other}'", VALUES.join(", "))),
            }
        }
        if prompt.none && (prompt.login || prompt.consent || prompt.select_account) {
            return Err(format!("prompt: 'none' stands alone, received '{text}'"));
        }
        Ok(prompt)
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
        assert!(Prompt::parse("LOGIN").is_err());
    }
}
