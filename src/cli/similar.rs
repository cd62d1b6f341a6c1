//! "Did you mean": what exists and is spelt like a name that does not. Only for operators, who may list everything anyway.

use super::{Error, Work};
use crate::operations::{Resource, known_names};

/// How alike two names are that one may be meant for the other (Jaro-Winkler).
const ALIKE: f64 = 0.87;

/// The one of these that is most like `name`, if any is; never `name` itself.
pub fn closest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = name.to_lowercase();
    let rated = known.into_iter().filter(|known| *known != name);
    let rated = rated.map(|known| (strsim::jaro_winkler(&lower, &known.to_lowercase()), known));
    rated.filter(|(likeness, _)| *likeness >= ALIKE).max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, known)| known)
}

/// The question for a name like the one that does not exist, with a space before it, for after a full stop; empty if there is none.
pub fn question<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    closest(name, known).map_or_else(String::new, |known| format!(" Did you mean '{known}'?"))
}

/// As [`question`], about everything of this kind.
pub fn of(work: &mut Work<'_>, kind: Resource, name: &str) -> Result<String, Error> {
    let known = known_names::list(work, kind)?;
    let typed = name.trim().to_lowercase();
    if let Some(shown) = known.iter().find(|known| known.found_by != known.name && known.name.to_lowercase() == typed) {
        return Ok(format!(" The {} of this name has the ID '{}'.", kind.name(), shown.found_by));
    }
    Ok(question(name, known.iter().filter(|known| known.found_by == known.name).map(|known| known.name.as_str())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_recognised_and_another_name_is_not() {
        let known = ["alice", "bob", "example-notes", "https://api.example.com"];
        for (typed, meant) in [
            ("alcie", Some("alice")),
            ("Alice", Some("alice")),
            ("exmaple-notes", Some("example-notes")),
            ("https://api.example.org", Some("https://api.example.com")),
            ("alice", None),
            ("carol", None),
            ("", None),
        ] {
            assert_eq!(closest(typed, known), meant, "{typed}");
        }
        assert_eq!(question("bobb", known), " Did you mean 'bob'?");
        assert_eq!(question("zzz", known), "");
    }
}
