//! Tests: which command lines are accepted, and which are refused.

use super::*;

#[test]
fn the_command_line_is_well_formed() {
    Cli::command().debug_assert();
}

#[test]
fn every_command_is_read() {
    for line in [
        "serve",
        "demo",
        "migrate",
        "check-config --json",
        "--config x.toml serve",
        "user add alice --email alice@example.com --name Alice --password-stdin",
        "user list --json",
        "user list --limit 5 --after alice",
        "client list --after app --json",
        "grant list --limit 5 --after 0192f3c4a5b60718293a4b5c6d7e8f90",
        "user import people.jsonl",
        "user import - --json",
        "user add bob --email b@example.com --role editor --role admin --group staff --attribute department=books",
        "user disable alice",
        "user enable alice",
        "user show alice",
        "user set alice --name Alice --email a@example.com --email-verified --role editor --no-group --attribute department=",
        "user delete alice",
        "user activity alice --limit 5 --json",
        "user sign-in-again alice",
        "user reset alice --json",
        "user end-links alice --json",
        "user invite --email a@example.com --role editor --group staff --print",
        "user invitations --json",
        "user uninvite a@example.com",
        "user set-password alice --password-stdin",
        "client add --name App --type spa --redirect-uri https://a.example/cb --redirect-uri https://b.example/cb --scope openid --scope notes:read",
        "client add --name App --type web --redirect-uri https://a.example/cb --auth private_key_jwt --jwks-uri https://a.example/jwks --pairwise",
        "client add --name App --type web --redirect-uri https://a.example/cb --api https://a --audience https://b --default-api https://a",
        "client add --name Job --type service --introspects https://a --signing-alg EdDSA --jwks keys.json --auth private_key_jwt",
        "client list",
        "client show app --config x.toml",
        "client set app --max-auth-age 72h",
        "client add --name App --type spa --redirect-uri https://a.example/cb --max-auth-age none",
        "client set app --name App --no-pairwise --refresh --no-client-credentials --post-logout-redirect-uri https://a.example/",
        "client disable app",
        "client enable app",
        "client rotate-secret app",
        "client rotate-secret app --now",
        "client retire-secret app",
        "client check app --json",
        "client delete app",
        "api add https://a --name A --scope notes:read=Read",
        "api set https://a --name B --add-scope x --remove-scope y",
        "api list",
        "api show https://a",
        "api remove https://a",
        "key list",
        "key add --algorithm EdDSA --now",
        "key rotate --now --algorithm ES256",
        "grant list --user alice --client app --limit 5",
        "grant show 00000000000000000000000000000000 --json",
        "grant revoke 00000000000000000000000000000000",
        "consent list --user alice",
        "consent withdraw --user alice --client app",
        "explain",
        "explain -",
        "explain token --json",
    ] {
        let read = Cli::try_parse_from(std::iter::once("symbolon").chain(line.split(' ')));
        assert!(read.is_ok(), "{line}: {}", read.unwrap_err());
    }
    for line in [
        "",
        "user",
        "user add alice",
        "user import",
        "client add --name App --type fridge",
        "grant list --limit 0",
        "user activity alice --limit 0",
        "user invite alice@example.com",
        "key rotate now",
        "key rotate --algorithm HS256",
        "key add",
        "client delete",
        "client add --name App --type web --auth none",
        "client set app --pairwise a.example --no-pairwise",
        "client set app --no-refresh --retry-window 30s",
        "client set app --jwks keys.json --jwks-uri https://a.example/jwks",
        "api add https://a",
        "api set https://a --scope x --add-scope y",
        "consent withdraw --user alice",
    ] {
        assert!(Cli::try_parse_from(std::iter::once("symbolon").chain(line.split_whitespace())).is_err(), "{line}");
    }
}
