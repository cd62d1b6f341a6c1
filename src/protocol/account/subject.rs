//! Subject identifiers as text (OpenID Connect Core §2): a user's id, unless they were imported with the subject that another provider
//! gave them, or the client gets pairwise ones. Reading them from the database is `web::subject`, storing them `store::subjects`.

use crate::protocol::{error::Invalid, values::id::Id};

/// OpenID Connect Core §2.
const LIMIT: usize = 255;

/// A subject of another provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kept {
    /// It has the form of ids here: it becomes the user's.
    Id(Id),
    /// It is stored beside the id.
    Text(String),
}

impl Kept {
    /// Parses a subject. It is compared byte for byte, so nothing of it is changed.
    ///
    /// # Errors
    /// What was expected.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        if !is_well_formed(text) {
            let shown: String = text.chars().take(LIMIT).collect();
            return Err(
                format!("expected 1 to {LIMIT} printable ASCII characters (OpenID Connect Core 2), received '{shown}'").into()
            );
        }
        Ok(Id::parse(text).map_or_else(|_| Self::Text(text.to_owned()), Self::Id))
    }
}

/// Whether a text can be a subject that is stored: no other reaches the database, which does not accept every text.
#[must_use]
pub fn is_well_formed(text: &str) -> bool {
    (1..=LIMIT).contains(&text.len()) && text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
}

/// The subject, unless it is a user's id: those that are stored have another form.
#[must_use]
pub fn stored(subject: &str) -> Option<&str> {
    Id::parse(subject).is_err().then_some(subject)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_printable_text_is_kept_as_it_is() {
        for good in ["1", "auth0|5f7c8ec7c33c6c004bbafe82", "F:7e4a/é".trim_end_matches('é'), "A b", &"x".repeat(255)] {
            assert_eq!(Kept::parse(good), Ok(Kept::Text(good.to_owned())));
        }
        let id = "0123456789abcdef0123456789abcdef";
        assert_eq!(Kept::parse(id), Ok(Kept::Id(Id::parse(id).unwrap())));
        assert_eq!(Kept::parse(&id.to_uppercase()), Ok(Kept::Text(id.to_uppercase())), "compared byte for byte");
        for bad in ["", "a\nb", "a\0", "é", &"x".repeat(256)] {
            assert!(Kept::parse(bad).unwrap_err().as_ref().contains("1 to 255 printable ASCII"), "{bad}");
        }
        assert_eq!((stored(id), stored("p.x"), stored("auth0|1")), (None, Some("p.x"), Some("auth0|1")));
    }
}
