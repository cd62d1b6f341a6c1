//! Tests: every setting of a client can be set by an option of its own, or is listed here with the reason why not.

use clap::CommandFactory;

use crate::{cli::Cli, protocol::oauth::client::ClientMetadata};

/// The options by which each setting is set; of several, each sets a part of it.
const FLAGS: [(&str, &[&str]); 28] = [
    ("client_name", &["name"]),
    ("type", &["type"]),
    ("redirect_uris", &["redirect-uri"]),
    ("scope", &["scope"]),
    ("default_scope", &["default-scope"]),
    ("token_endpoint_auth_method", &["auth"]),
    ("client_secret_basic_only", &["client-secret-basic-only"]),
    ("secret_for_native", &["secret-for-native"]),
    ("jwks", &["jwks"]),
    ("jwks_uri", &["jwks-uri"]),
    ("assertion_audience", &["assertion-audience"]),
    ("grant_types", &["no-refresh", "client-credentials"]),
    ("first_party", &["first-party"]),
    ("audiences", &["api"]),
    ("default_audiences", &["default-api"]),
    ("introspects", &["introspects"]),
    ("pkce", &["pkce"]),
    ("refresh_retry_window", &["retry-window"]),
    ("max_auth_age", &["max-auth-age"]),
    ("min_acr", &["min-acr"]),
    ("cors_origins", &["cors-origin"]),
    ("signing_alg", &["signing-alg"]),
    ("id_token_claims", &["id-token-claims"]),
    ("id_token_on_refresh", &["no-id-token-on-refresh"]),
    ("userinfo_signed", &["userinfo-signed"]),
    ("pairwise_sector", &["pairwise"]),
    ("post_logout_redirect_uris", &["post-logout-redirect-uri"]),
    ("backchannel_logout_uri", &["backchannel-logout-uri"]),
];

/// Settings that a command has no option for, which leaves `--from-json`: (command, setting, reason).
const WITHOUT: [(&str, &str, &str); 1] = [("set", "type", "a client stays what it was registered as")];

#[test]
fn every_setting_has_an_option_or_a_reason() {
    let command = Cli::command();
    let client = command.find_subcommand("client").unwrap();
    for verb in ["add", "set"] {
        let options: Vec<_> = client.find_subcommand(verb).unwrap().get_arguments().filter_map(|arg| arg.get_long()).collect();
        for member in ClientMetadata::members() {
            let is_excepted = WITHOUT.iter().any(|(of, setting, _)| (*of, *setting) == (verb, *member));
            let flags = FLAGS.iter().find(|(setting, _)| setting == member).map(|(_, flags)| *flags).unwrap_or_default();
            assert!(is_excepted || !flags.is_empty(), "client {verb}: '{member}' has no option: add one, or a reason here");
            let missing: Vec<_> = flags.iter().filter(|flag| !options.contains(flag)).collect();
            assert_eq!(!missing.is_empty(), is_excepted, "client {verb}: '{member}': {missing:?}");
        }
    }
    for setting in FLAGS.iter().map(|(setting, _)| setting).chain(WITHOUT.iter().map(|(_, setting, _)| setting)) {
        assert!(ClientMetadata::members().contains(setting), "{setting}: no such setting");
    }
}
