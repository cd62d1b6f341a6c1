//! The requirements for a new password (NIST SP 800-63B-4 §3.1.1.2, ASVS 6.2.1, 6.2.4): long enough, and not easily guessed. There
//! are no rules about kinds of characters. A password is compared as a whole: a common word inside a long password is no flaw. The
//! wording of a flaw belongs to the pages.

use sha1::{Digest, Sha1};
use unicode_normalization::UnicodeNormalization;

use super::{MAX_LENGTH, composed};
use crate::{
    config::{BreachedFile, Config},
    protocol::{account::password_flaw::PasswordFlaw, secrets::sensitive::Sensitive},
};

/// The product's name.
const PRODUCT: &str = "symbolon";
/// The most common passwords, in lower case and sorted, of at least eight characters: see docs/third-party.md.
const MOST_USED: &str = include_str!("most_used.txt");
/// The length of the longest of them, in characters.
const LONGEST_USED: usize = 21;
/// The minimum number of letters and digits in a name that counts.
const SHORTEST_NAME: usize = 3;
/// The minimum number of different characters: fewer means repetition.
const FEWEST_DIFFERENT: usize = 4;
/// The rows of keyboards, as fingers run along them: US, German and French.
const ROWS: [&str; 8] = ["qwertyuiop", "asdfghjkl", "zxcvbnm", "qwertzuiop", "yxcvbnm", "azertyuiop", "qsdfghjklm", "wxcvbn"];

/// The rules for new passwords on this server.
#[derive(Clone, Debug)]
pub struct Rules {
    min_length: usize,
    min_length_with_second_factor: usize,
    breached: Option<BreachedFile>,
    /// The names of this server, which everyone sees on its pages.
    own_names: Vec<String>,
}

impl Rules {
    /// The rules of this configuration.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        let host = config.issuer.origin().split("://").nth(1).unwrap_or_default();
        Self {
            min_length: config.password_rules.min_length,
            min_length_with_second_factor: config.password_rules.min_length_with_second_factor,
            breached: config.password_rules.breached_file.clone(),
            own_names: vec![PRODUCT.into(), host.into()],
        }
    }

    /// The minimum number of characters, for the page that asks for a new password.
    #[must_use]
    pub const fn min_length(&self) -> usize {
        self.min_length
    }

    /// The same rules for an account that a password alone does not sign in to: a shorter one will do (NIST SP 800-63B-4 §3.1.1.2).
    #[must_use]
    pub fn beside_second_factor(&self) -> Self {
        Self { min_length: self.min_length_with_second_factor, ..self.clone() }
    }

    /// Whether a password is long enough.
    #[must_use]
    pub fn is_long_enough(&self, password: &str) -> bool {
        composed(password).expose().chars().count() >= self.min_length
    }

    /// Checks a new password; `context` is what others know of the user: user name, e-mail address (of which the part before the
    /// '@' counts), display name. A list of breached passwords is read from its file: call this where blocking is allowed. If that
    /// fails, it is logged, and the other rules apply alone.
    ///
    /// # Errors
    /// The first [`PasswordFlaw`].
    pub fn check(&self, password: &str, context: &[&str]) -> Result<(), PasswordFlaw> {
        if password.contains(['\0', '\n', '\r']) {
            return Err(PasswordFlaw::NotOneLine);
        }
        let normal = composed(password);
        let normal = normal.expose();
        if normal.len() > MAX_LENGTH {
            return Err(PasswordFlaw::TooLong { expected: MAX_LENGTH, received: normal.len() });
        }
        let received = normal.chars().count();
        if received < self.min_length {
            return Err(PasswordFlaw::TooShort { expected: self.min_length, received });
        }
        let lower = Sensitive::new(normal.to_lowercase());
        let lower = Sensitive::new(lower.expose().chars().collect::<Vec<_>>());
        let lower = lower.expose();
        if self.is_repetitive(lower) {
            return Err(PasswordFlaw::Repetitive);
        }
        if is_common(lower) {
            return Err(PasswordFlaw::Common);
        }
        let own = self.own_names.iter().map(String::as_str);
        if is_of_names(lower, &names(own.chain(context.iter().copied()))) {
            return Err(PasswordFlaw::Contextual);
        }
        if self.is_breached(normal) { Err(PasswordFlaw::Breached) } else { Ok(()) }
    }

    /// Whether it repeats a part that would be too short by itself; or has hardly any different characters; or three of four of its
    /// characters are neighbours of the one before.
    fn is_repetitive(&self, lower: &[char]) -> bool {
        let repeats = |unit: usize| lower.iter().zip(lower.iter().skip(unit)).all(|(before, after)| before == after);
        let longest = (lower.len() / 2).min(self.min_length.saturating_sub(1));
        let different: std::collections::BTreeSet<_> = lower.iter().collect();
        let steps = lower.iter().zip(lower.iter().skip(1)).filter(|(before, after)| are_neighbours(**before, **after)).count();
        (1..=longest).any(repeats) || different.len() < FEWEST_DIFFERENT || steps * 4 >= lower.len().saturating_sub(1) * 3
    }

    fn is_breached(&self, normal: &str) -> bool {
        let Some(list) = &self.breached else { return false };
        let sha1 = hex(&Sha1::digest(normal.as_bytes()));
        list.contains(&sha1).unwrap_or_else(|error| {
            tracing::error!(%error, "could not read breached_passwords_file: a new password was not checked against it");
            false
        })
    }
}

/// Upper-case hex, as in the list.
fn hex(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from_digit(value.into(), 16).unwrap_or_default().to_ascii_uppercase();
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// Whether the characters are equal or neighbours, in either direction, in the alphabet, among the digits or in a keyboard row.
fn are_neighbours(one: char, other: char) -> bool {
    if !one.is_alphanumeric() || !other.is_alphanumeric() {
        return one == other;
    }
    let in_row = |row: &&str| row.chars().zip(row.chars().skip(1)).any(|(a, b)| (a, b) == (one, other) || (b, a) == (one, other));
    let around = [('9', '0'), ('0', '9'), ('z', 'a'), ('a', 'z')].contains(&(one, other));
    u32::from(one).abs_diff(u32::from(other)) <= 1 || around || ROWS.iter().any(in_row)
}

/// Whether it is one of the most common passwords, with at most as many digits, marks and spaces around it as that password has
/// characters.
fn is_common(lower: &[char]) -> bool {
    let is_around = |c: &&char| !c.is_alphabetic();
    let before = lower.iter().take_while(is_around).count();
    let after = lower.iter().rev().take_while(is_around).count();
    let half = lower.len().div_ceil(2);
    if half > LONGEST_USED {
        return false;
    }
    let cores = (0..=before).flat_map(|start| (lower.len() - after..=lower.len()).map(move |end| start..end));
    let mut cores = cores.filter(|core| core.len() >= half && core.len() <= LONGEST_USED).filter_map(|core| lower.get(core));
    cores.any(|core| is_most_used(&core.iter().collect::<String>()))
}

/// Whether the list contains this line.
fn is_most_used(line: &str) -> bool {
    let (mut low, mut high) = (0, MOST_USED.len());
    while low < high {
        let middle = low + (high - low) / 2;
        let start = MOST_USED.get(..middle).and_then(|text| text.rfind('\n')).map_or(0, |end| end + 1);
        let found = MOST_USED.get(start..).and_then(|text| text.lines().next()).unwrap_or_default();
        match found.cmp(line) {
            std::cmp::Ordering::Equal => return true,
            std::cmp::Ordering::Less => low = start + found.len() + 1,
            std::cmp::Ordering::Greater => high = start,
        }
    }
    false
}

/// The names in these texts, longest first: each text, and each run of letters and digits in it, of at least three characters and
/// with a letter.
fn names<'a>(texts: impl Iterator<Item = &'a str>) -> Vec<Vec<char>> {
    // Of an e-mail address both the whole and the part before the '@'.
    let texts = texts.flat_map(|text| [text, text.split('@').next().unwrap_or_default()]);
    let texts = texts.map(|text| text.trim().nfc().collect::<String>().to_lowercase());
    let mut names: Vec<Vec<char>> = texts
        .flat_map(|text| {
            let runs = text.split(|c: char| !c.is_alphanumeric()).map(|run| run.chars().collect());
            std::iter::once(text.chars().collect()).chain(runs).collect::<Vec<Vec<char>>>()
        })
        .filter(|name| name.len() >= SHORTEST_NAME && name.iter().any(|c| c.is_alphabetic()))
        .collect();
    names.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
    names.dedup();
    names
}

/// Whether names make up half of it, or all of its letters.
fn is_of_names(lower: &[char], names: &[Vec<char>]) -> bool {
    let mut left: Vec<Option<char>> = lower.iter().copied().map(Some).collect();
    for name in names {
        for start in 0..left.len() {
            let Some(place) = left.get_mut(start..start + name.len()) else { break };
            if place.iter().zip(name).all(|(here, message)| *here == Some(*message)) {
                place.fill(None);
            }
        }
    }
    let taken = left.iter().filter(|here| here.is_none()).count();
    let no_letter_is_left = !left.iter().flatten().any(|c| c.is_alphabetic());
    taken * 2 >= left.len() || taken > 0 && no_letter_is_left
}

#[cfg(test)]
#[path = "rules_tests.rs"]
mod tests;
