//! Tests of the programs: each file can be read, its client can be registered, and its lines have no unknown placeholder.

use std::{collections::BTreeSet, fs, path::Path};

use super::*;
use crate::protocol::{
    oauth::client::{Client, ClientKind},
    values::time::Timestamp,
};

/// The placeholders in a text: what stands in braces and is written like one. In two pairs of braces it is one of the program's own.
fn placeholders(text: &str) -> BTreeSet<&str> {
    let parts = text.split('{').skip(1).filter_map(|part| part.split_once('}'));
    let parts = parts.filter(|(_, rest)| !rest.starts_with('}')).map(|(name, _)| name);
    parts.filter(|name| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')).collect()
}

#[test]
fn every_file_is_listed_and_can_be_read() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/operations/presets");
    let files: BTreeSet<String> = fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap().trim_end_matches(".toml").to_owned())
        .collect();
    let listed: Vec<_> = FILES.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(listed, files.into_iter().collect::<Vec<_>>(), "expected the files in their order");
    for (name, text) in FILES {
        if let Err(error) = toml::from_str::<Preset>(text) {
            panic!("{name}: {error}");
        }
    }
    assert_eq!(all().len(), FILES.len());
}

#[test]
fn every_client_can_be_registered() {
    for preset in all().iter().filter(|preset| preset.client.is_some()) {
        let settings = preset.settings(preset.url.as_deref()).unwrap_or_else(|why| panic!("{}: {why}", preset.name));
        let client = Client { settings, ..Client::new(preset.name, "", ClientKind::Spa, Timestamp::from_millis(0)) };
        client.check().unwrap_or_else(|why| panic!("{}: {why}", preset.name));
    }
}

#[test]
fn placeholders_are_known_and_filled_in() {
    let issuer = Issuer::parse("https://id.example.com/base").unwrap();
    let values = Values::of(&issuer).and("url", "https://app.example.com").and("host", "app.example.com");
    let values = values.and("client_id", "app").and("client_secret", "secret");
    for preset in all() {
        for text in preset.application.iter().map(|part| &part.lines).chain(&preset.commands) {
            let left = values.fill(text);
            assert_eq!(placeholders(&left), BTreeSet::new(), "{}", preset.name);
        }
    }
    assert_eq!(values.fill("{token_endpoint} {url} {x}"), "https://id.example.com/base/token https://app.example.com {x}");
}

#[test]
fn an_address_is_expected_where_redirect_uris_need_one() {
    let grafana = find("grafana").unwrap();
    let settings = grafana.settings(Some("https://grafana.example.org/sub/")).unwrap();
    assert_eq!(settings.redirect_uris, ["https://grafana.example.org/sub/login/generic_oauth"]);
    assert_eq!(settings.client_name, "Grafana");
    for (given, message) in [
        (None, "--url: expected the address of Grafana, such as https://grafana.example.com, received none"),
        (Some("grafana"), "--url: expected an address such as https://grafana.example.com, received 'grafana'"),
        (
            Some("https://a.example/?x"),
            "--url: expected an address such as https://grafana.example.com, received 'https://a.example/?x'",
        ),
    ] {
        assert_eq!(grafana.settings(given).unwrap_err().to_string(), message);
    }
    assert!(find("dovecot").is_none(), "it is no client with redirect URIs");
}
