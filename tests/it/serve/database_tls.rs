//! PostgreSQL over TLS, with its certificate verified: by an authority that the URL names, or by those that the system trusts,
//! for `sslrootcert=system`.

use std::{fs, os::unix::fs::MetadataExt, process::Command};

use super::Site;
use crate::harness::{Cluster, Database, Process, certificate};

/// Where Debian keeps the certificates of those it trusts.
const PLACE: &str = "/etc/ssl/certs/ca-certificates.crt";

/// A cluster that speaks TLS with this certificate and key.
fn cluster(certificate: &[u8], key: &[u8]) -> Cluster {
    let cluster = Cluster::start();
    cluster.run("stop");
    let data = cluster.directory.path().join("data");
    let owner = fs::metadata(&data).unwrap();
    for (name, content) in [("server.crt", certificate), ("server.key", key)] {
        let path = data.join(name);
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        std::os::unix::fs::chown(&path, Some(owner.uid()), Some(owner.gid())).unwrap();
    }
    fs::write(data.join("postgresql.auto.conf"), "ssl = on\n").unwrap();
    cluster.run("resume");
    cluster
}

/// The command that runs the binary, without anything that says where certificates are.
fn command(program: &str, before: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(before);
    for name in ["SSL_CERT_FILE", "SSL_CERT_DIR", "PGSSLROOTCERT", "PGSSLMODE"] {
        command.env_remove(name);
    }
    command
}

#[test]
fn the_certificate_of_the_database_is_verified_by_whom_the_url_names() {
    let root = certificate(None);
    let (leaf, key) = certificate(Some(&root));
    let cluster = cluster(&leaf.to_pem().unwrap(), &key.private_key_to_pem_pkcs8().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let authority = folder.path().join("root.pem");
    fs::write(&authority, root.0.to_pem().unwrap()).unwrap();
    let authority = authority.display().to_string();
    let url = |parameters: &str| {
        let by_name = cluster.url.replace("127.0.0.1", "localhost"); // as it stands in the certificate
        format!("{by_name}?{parameters}")
    };
    let binary = env!("CARGO_BIN_EXE_symbolon");
    // `migrate` with this URL and these variables: whether it can, and what it says.
    let migrate = |mut command: Command, parameters: &str, variable: Option<(&'static str, &str)>| {
        command.arg("migrate");
        let secret = "a secret of at least thirty-two bytes"; // of the installation, whatever its directory
        let site = Site::new(Database::at("postgres", &url(parameters))).with("SYMBOLON_SECRET", secret);
        let variables = site.variables.iter().map(|(name, value)| (*name, value.as_str())).chain(variable).collect::<Vec<_>>();
        let (status, said) = Process::start_command(command, &variables).end();
        (status.success(), said)
    };
    let plain = || command(binary, &[]);

    let named = format!("sslmode=verify-full&sslrootcert={authority}");
    let (can, said) = migrate(plain(), &named, None);
    assert!(can, "{said}");
    for system in ["sslmode=verify-full&sslrootcert=system", "sslrootcert=system"] {
        let (can, said) = migrate(plain(), system, None);
        assert!(!can && said.contains("certificate verify failed"), "the system does not trust it: {said}");
        let (can, said) = migrate(plain(), system, Some(("SSL_CERT_FILE", &authority)));
        assert!(can, "{system}, where a variable says where they are: {said}");
    }
    let (can, said) = migrate(plain(), "sslmode=require&sslrootcert=system", None);
    assert!(!can && said.contains("weak sslmode"), "{said}");

    // Where the system trusts it: its file is replaced for one process.
    let replace = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/setup/in_place_of.sh");
    let replaced = || command(replace, &[PLACE, &authority, binary]);
    if let Err(reason) = can_replace(replace, &authority) {
        eprintln!("what the system trusts cannot be replaced here: {reason}");
        return;
    }
    for system in ["sslmode=verify-full&sslrootcert=system", "sslrootcert=system"] {
        let (can, said) = migrate(replaced(), system, None);
        assert!(can, "{system}: {said}");
    }
    let (can, said) = migrate(replaced(), "sslmode=verify-full", Some(("PGSSLROOTCERT", "system")));
    assert!(can, "by a variable of libpq: {said}");
}

fn can_replace(script: &str, by: &str) -> Result<(), String> {
    let ran = Command::new(script).args([PLACE, by, "true"]).output().unwrap();
    if ran.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&ran.stderr).into_owned()) }
}
