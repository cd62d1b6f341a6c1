//! The settings for how strong sign-ins must be: for everyone, by role and by group, each perhaps from a date on.

use std::{collections::BTreeMap, time::UNIX_EPOCH};

use super::{ConfigError, Settings, bad, values::Texts};
use crate::protocol::{
    oauth::required_class::{Minimum, Minimums},
    oidc::authentication::{CLASS_WORDS, Class},
    values::time::Timestamp,
};

/// The minimums of these settings.
pub fn read(settings: &Settings) -> Result<Minimums, ConfigError> {
    Ok(Minimums {
        everyone: settings.minimum_acr.as_deref().map(|text| minimum("minimum_acr", text)).transpose()?,
        roles: by_name("minimum_acr_of_roles", &settings.minimum_acr_of_roles)?,
        groups: by_name("minimum_acr_of_groups", &settings.minimum_acr_of_groups)?,
    })
}

fn by_name(key: &str, texts: &Texts) -> Result<BTreeMap<String, Minimum>, ConfigError> {
    texts.0.iter().map(|(name, text)| Ok((name.clone(), minimum(key, text)?))).collect()
}

/// A class, and perhaps from when on: `two-factors from 2027-01-01`.
fn minimum(key: &str, text: &str) -> Result<Minimum, ConfigError> {
    let (word, date) = text.split_once(" from ").map_or((text, None), |(word, date)| (word, Some(date.trim())));
    let expected = || {
        let words = CLASS_WORDS.join(", ");
        bad(key, text, &format!("expected one of {words}, and perhaps a date in UTC, as in 'two-factors from 2027-01-01'"))
    };
    let class = Class::from_word(word.trim()).ok_or_else(expected)?;
    let from = date.map(|date| start_of(date).ok_or_else(expected)).transpose()?;
    Ok(Minimum { class, from })
}

/// When a day begins, in UTC.
fn start_of(date: &str) -> Option<Timestamp> {
    let begins = humantime::parse_rfc3339(&format!("{date}T00:00:00Z")).ok()?;
    let millis = begins.duration_since(UNIX_EPOCH).ok()?.as_millis();
    i64::try_from(millis).ok().map(Timestamp::from_millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minimum_is_a_class_and_perhaps_a_date() {
        let read = |text: &str| minimum("minimum_acr", text).map_err(|error| error.to_string());
        assert_eq!(read("two-factors"), Ok(Minimum { class: Class::TwoFactors, from: None }));
        let from = Some(Timestamp::from_millis(1_798_761_600_000));
        assert_eq!(read("hardware from 2027-01-01"), Ok(Minimum { class: Class::Hardware, from }));
        for wrong in
            ["", "mfa", "two-factors from", "two-factors from 1.1.2027", "two-factors from 2027-13-01", "from 2027-01-01"]
        {
            let refused = read(wrong).unwrap_err();
            assert!(refused.contains("phishing-resistant") && refused.contains("2027-01-01"), "{wrong}: {refused}");
        }
    }

    #[test]
    fn minimums_are_read_by_name() {
        let texts: Texts = serde_json::from_str(r#""admin: hardware; team:a: two-factors from 2027-01-01""#).unwrap();
        let read = by_name("minimum_acr_of_roles", &texts).unwrap();
        assert_eq!(read["admin"].class, Class::Hardware);
        assert_eq!((read["team:a"].class, read["team:a"].from.is_some()), (Class::TwoFactors, true));
        let twice: Result<Texts, _> = serde_json::from_str(r#""a: hardware; a: password""#);
        assert!(twice.unwrap_err().to_string().contains("twice"));
    }
}
