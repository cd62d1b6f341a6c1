//! The rules of imports: the layers of this project, and the few files that may use a library, the system or the clock. Tests are
//! exempt. An exception is listed in `EXCEPTIONS` with its reason, and must still be needed.

use super::source::{Source, paths, read, sources, tokens};

/// From below to above: each may import its own row and the rows before it.
const LAYERS: [&[&str]; 10] = [
    &["protocol"],
    &[
        "store",
        "jose",
        "pages",
        "display",
        "passkeys",
        "passwords",
        "caches",
        "limits",
        "workers",
        "mail",
        "outbound",
        "config",
        "paths",
        "clock",
        "codes",
        "random",
        "logging",
        "metrics",
    ],
    &["app", "inspection"],
    &["operations"],
    &["web"],
    &["endpoints", "flows", "background"],
    &["routes"],
    &["server"],
    &["cli"],
    &["main", "testing"],
];

/// Modules that import less than their layer allows: themselves and these.
const NARROWER: [(&str, &[&str]); 21] = [
    ("protocol", &[]),
    ("display", &["protocol"]),
    ("pages", &["protocol"]),
    ("paths", &["protocol"]),
    ("clock", &["protocol"]),
    ("codes", &["protocol", "jose", "random"]),
    ("random", &["protocol"]),
    ("store", &["protocol"]),
    ("caches", &["protocol", "jose", "store"]),
    ("limits", &["protocol", "random"]),
    ("workers", &["protocol", "store", "clock", "random"]),
    ("logging", &[]),
    ("metrics", &["protocol"]),
    ("inspection", &["protocol", "store", "jose", "config", "caches"]),
    ("operations", &["protocol", "store", "codes", "jose", "passwords", "config", "paths", "random"]),
    (
        "background",
        &[
            "protocol",
            "display",
            "store",
            "app",
            "operations",
            "outbound",
            "mail",
            "pages",
            "paths",
            "random",
            "workers",
            "clock",
        ],
    ),
    ("outbound", &["config", "protocol"]),
    ("passkeys", &["config", "protocol"]),
    ("mail", &["config", "protocol"]),
    ("demo", &["jose", "clock"]),
    ("lib", &[]),
];

/// The libraries that `protocol` may use: values and mathematics, no framework, no clock, no chance.
const PURE: [&str; 13] = [
    "base64",
    "hmac",
    "humantime",
    "idna",
    "percent_encoding",
    "serde",
    "serde_json",
    "sha2",
    "subtle",
    "thiserror",
    "unicode_normalization",
    "url",
    "zeroize",
];

/// What `protocol` may not use of the standard library.
const NO_STD: [&str; 8] = ["env", "fs", "io", "net", "process", "sync", "thread", "time"];

/// Names whose use is kept to a few places (a file, or a folder with its `/`), and what to do instead.
const KEPT: [(&str, &[&str], &str); 27] = [
    ("diesel", &["src/store/"], "write a named statement in src/store"),
    ("diesel_migrations", &["src/store/"], "migrations run in src/store/migrations.rs"),
    ("r2d2", &["src/store/"], "ask the Store for a connection"),
    ("josekit", &["src/jose/"], "sign and verify with src/jose"),
    ("webauthn_rs_core", &["src/passkeys.rs", "src/passkeys/"], "ask for passkeys and verify them with src/passkeys.rs"),
    ("askama", &["src/pages/"], "add a struct to src/pages and a template to templates/"),
    ("argon2", &["src/passwords.rs", "src/passwords/"], "hash and verify with src/passwords.rs"),
    ("prometheus_client", &["src/metrics.rs"], "count with src/metrics.rs"),
    ("qrcode", &["src/codes/"], "draw with src/codes/qr.rs"),
    ("totp_rs", &["src/codes/"], "check codes with src/codes/totp.rs"),
    ("lettre", &["src/mail.rs", "src/mail/"], "send letters with src/mail.rs"),
    ("bcrypt", &["src/passwords/"], "verify with src/passwords.rs"),
    ("pbkdf2", &["src/passwords/"], "verify with src/passwords.rs"),
    ("scrypt", &["src/passwords/"], "verify with src/passwords.rs"),
    ("sha1", &["src/passwords/"], "nothing but a list of breached passwords and imported hashes is SHA-1"),
    ("sha_crypt", &["src/passwords/"], "verify with src/passwords.rs"),
    ("md5", &["src/passwords/"], "verify with src/passwords.rs"),
    ("aes", &["src/passwords/"], "verify with src/passwords.rs"),
    ("ctr", &["src/passwords/"], "verify with src/passwords.rs"),
    ("ureq", &["src/outbound.rs", "src/outbound/"], "call URLs with src/outbound.rs, which judges where they lead"),
    ("rand", &["src/random.rs"], "take it from src/random.rs"),
    ("getrandom", &["src/random.rs"], "take it from src/random.rs"),
    ("SystemTime", &["src/clock.rs"], "take a Clock as a parameter"),
    ("Instant", &["src/clock.rs"], "take a Clock as a parameter"),
    ("env", &["src/config.rs", "src/config/"], "add a key to src/config.rs and docs/configuration.md"),
    ("fs", &["src/config.rs", "src/config/"], "read files in src/config, or embed them"),
    (
        "actix_web",
        &["src/web/", "src/endpoints/", "src/flows/", "src/routes.rs", "src/server.rs", "src/server/", "src/cli/", "src/main.rs"],
        "keep the framework in the layers that speak HTTP",
    ),
];

/// (file or folder, name, why it may).
const EXCEPTIONS: [(&str, &str, &str); 13] = [
    ("src/server/sockets.rs", "fs", "the file of a Unix socket: its mode, and one that a process has left behind"),
    ("src/server/tls.rs", "fs", "the certificate is read again on SIGHUP, long after the configuration"),
    ("src/mail/message_files.rs", "fs", "letters are written as files, where the configuration says so"),
    ("src/logging.rs", "fs", "standard error by a descriptor of its own, without the lock of the standard library's"),
    ("src/cli/mod.rs", "env", "the arguments as they were typed: a former name among them is told"),
    ("src/cli/demo.rs", "fs", "removes at its end the directory that it had made"),
    ("src/workers/blocking_pool.rs", "Instant", "how long work has waited, on the machine's own clock; no rule depends on it"),
    ("src/workers/blocking_pool/queue.rs", "Instant", "as src/workers/blocking_pool.rs"),
    (
        "src/store/connection.rs",
        "Instant",
        "how long a connection was not used, on the machine's own clock; no rule depends on it",
    ),
    ("src/web/middleware.rs", "Instant", "measures how long an answer took, for its log line"),
    ("src/demo/", "actix_web", "the demonstration is two servers of its own"),
    ("src/demo/published_keys.rs", "ureq", "asks the server it belongs to, on this machine"),
    ("src/demo/published_keys.rs", "Instant", "a cache's age on the machine's own clock; no rule depends on it"),
];

/// Files of the command line that may use `store` (a file, or a folder with its `/`), and why. All others call `operations`, as an
/// admin API would.
const OPENS_THE_STORE: [(&str, &str); 7] = [
    ("src/cli/mod.rs", "opens the database, and checks its schema and its clock"),
    ("src/cli/migrate.rs", "migrates the database"),
    ("src/cli/demo.rs", "fills the database that it has made"),
    ("src/cli/explain", "judges a credential as the endpoints do, and changes nothing"),
    ("src/cli/client/add.rs", "the settings of clients are one type with the options that set them"),
    ("src/cli/client/set.rs", "as src/cli/client/add.rs"),
    ("src/cli/client/check.rs", "reviews those settings"),
];

fn shipped() -> Vec<Source> {
    sources(&["src"]).into_iter().filter(|source| !source.shipped.is_empty()).collect()
}

/// Every module of ours that a file names, as segments below the crate.
pub fn imports(source: &Source) -> Vec<Vec<String>> {
    let tokens = tokens(&source.shipped);
    let absolute =
        paths(&tokens, &["crate", "symbolon"]).into_iter().map(|path| path.iter().skip(1).map(ToString::to_string).collect());
    let relative = paths(&tokens, &["super"]).into_iter().map(|path| {
        let up = path.iter().take_while(|segment| **segment == "super").count();
        let base = source.module.iter().take(source.module.len().saturating_sub(up));
        base.cloned().chain(path[up..].iter().map(ToString::to_string)).collect()
    });
    absolute.chain(relative).collect()
}

fn layer(module: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&module))
}

#[test]
fn nothing_imports_a_layer_above_it() {
    let mut wrong = Vec::new();
    for source in shipped() {
        let own = source.module[0].as_str();
        let narrower = NARROWER.iter().find(|(module, _)| *module == own).map(|(_, allowed)| *allowed);
        if layer(own).is_none() && narrower.is_none() {
            wrong.push(format!("{}: the module '{own}' has no layer; give it one in LAYERS", source.path));
        }
        for import in imports(&source) {
            let Some(other) = import.first().filter(|other| **other != own && (layer(other).is_some() || **other == "demo"))
            else {
                continue;
            };
            let allowed = match narrower {
                Some(allowed) => allowed.contains(&other.as_str()),
                None if other == "demo" => ["cli", "testing"].contains(&own),
                None => layer(other) <= layer(own),
            };
            if !allowed {
                wrong.push(format!("{}: '{own}' must not import '{}'; move what is shared down", source.path, import.join("::")));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn modules_of_a_layer_do_not_import_in_circles() {
    let mut edges: Vec<(String, String)> = Vec::new();
    for source in shipped() {
        let own = source.module[0].clone();
        let others = imports(&source).into_iter().filter_map(|import| import.into_iter().next());
        edges.extend(others.filter(|other| *other != own && layer(other).is_some()).map(|other| (own.clone(), other)));
    }
    // Take away whatever imports nothing that is left; what cannot be taken away stands in a circle.
    let mut left: Vec<String> = LAYERS.iter().flat_map(|layer| layer.iter().map(ToString::to_string)).collect();
    while let Some(at) = left.iter().position(|module| !edges.iter().any(|(from, to)| from == module && left.contains(to))) {
        left.remove(at);
    }
    assert!(left.is_empty(), "these modules import one another in a circle: {left:?}");
}

#[test]
fn endpoints_and_pages_of_users_stand_alone() {
    let mut wrong = Vec::new();
    for source in shipped() {
        let own = &source.module;
        for import in imports(&source) {
            let sideways = match own[0].as_str() {
                // A folder of endpoints (the grant types of /token) is one endpoint.
                "endpoints" if import.first() == own.first() => own.len() > 1 && import.get(1) != own.get(1),
                "endpoints" | "flows" => import[0] != own[0] && ["endpoints", "flows"].contains(&import[0].as_str()),
                _ => false,
            };
            if sideways {
                wrong.push(format!(
                    "{}: must not import '{}'; a shared rule goes to protocol, a header to web, a statement to store",
                    source.path,
                    import.join("::")
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn the_command_line_calls_operations() {
    let (mut wrong, mut needed) = (Vec::new(), [false; OPENS_THE_STORE.len()]);
    for source in shipped().into_iter().filter(|source| source.module[0] == "cli") {
        if imports(&source).iter().all(|import| import[0] != "store") {
            continue;
        }
        match OPENS_THE_STORE.iter().position(|(path, _)| source.path.starts_with(path)) {
            Some(at) => needed[at] = true,
            None => wrong.push(format!("{}: must not import 'store'; write the use case in src/operations", source.path)),
        }
    }
    for ((path, _), _) in OPENS_THE_STORE.iter().zip(needed).filter(|(_, needed)| !needed) {
        wrong.push(format!("tests/house/imports.rs: {path} does not import 'store'; take it out of OPENS_THE_STORE"));
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// Whether a file uses a library, a module of the standard library (`env`, `fs`) or a type of it.
fn uses(source: &Source, name: &str) -> bool {
    let tokens = tokens(&source.shipped);
    if name.starts_with(char::is_uppercase) {
        return tokens.contains(&name);
    }
    if name == "fs" && tokens.iter().any(|token| ["pem_file_iter", "from_pem_file"].contains(token)) {
        return true; // rustls reads files as well
    }
    if ["env", "fs"].contains(&name) {
        return paths(&tokens, &["std", "tokio"]).iter().any(|path| path.get(1) == Some(&name));
    }
    let starts = |at: usize| at == 0 || tokens[at - 1] != "::";
    let leads = |at: usize| tokens.get(at + 1) == Some(&"::") || at > 0 && tokens[at - 1] == "use";
    (0..tokens.len()).any(|at| tokens[at] == name && starts(at) && leads(at))
}

#[test]
fn libraries_the_system_and_the_clock_are_touched_in_one_place_each() {
    let all = shipped();
    let mut wrong = Vec::new();
    let mut needed = [false; EXCEPTIONS.len()];
    for source in &all {
        for (name, places, instead) in KEPT {
            if places.iter().any(|place| source.path.starts_with(place)) || !uses(source, name) {
                continue;
            }
            match EXCEPTIONS.iter().position(|(path, what, _)| source.path.starts_with(path) && *what == name) {
                Some(at) => needed[at] = true,
                None => wrong.push(format!("{}: uses '{name}', which is kept to {}; {instead}", source.path, places.join(", "))),
            }
        }
    }
    for ((path, name, _), _) in EXCEPTIONS.iter().zip(needed).filter(|(_, needed)| !needed) {
        wrong.push(format!("tests/house/imports.rs: the exception for '{name}' in {path} is not needed; take it out"));
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn protocol_is_pure() {
    let manifest = read("Cargo.toml");
    let dependencies = manifest.split("[dependencies]").nth(1).unwrap().split("\n[").next().unwrap();
    let dependencies = dependencies.lines().filter_map(|line| Some(line.split_once(" = ")?.0.replace('-', "_")));
    let impure: Vec<_> = dependencies.filter(|name| !PURE.contains(&name.as_str())).collect();
    assert!(impure.iter().any(|name| name == "actix_web"), "Cargo.toml: its dependencies could not be read");
    let mut wrong = Vec::new();
    for source in shipped().iter().filter(|source| source.module[0] == "protocol") {
        for name in impure.iter().filter(|name| uses(source, name)) {
            wrong.push(format!("{}: uses '{name}'; protocol takes values and gives decisions, nothing else", source.path));
        }
        let tokens = tokens(&source.shipped);
        for path in paths(&tokens, &["std"]).iter().filter(|path| NO_STD.contains(&path.get(1).copied().unwrap_or_default())) {
            wrong.push(format!("{}: uses '{}'; protocol touches nothing outside itself", source.path, path.join("::")));
        }
        if tokens.windows(3).any(|three| three == ["::", "now", "("]) {
            wrong.push(format!("{}: asks a clock; take the time as a parameter", source.path));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}
