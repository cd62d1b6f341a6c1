//! The examples for operators in `packaging/`, run by the programs they are for: systemd's unit, its users and its files, and nginx.
//! That of `PgBouncer` is in `pooler`.

use std::{
    fs,
    io::{Read, Write},
    net::TcpStream,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::Path,
    process::{Child, Command, Stdio},
};

use openssl::ssl::{SslConnector, SslMethod};

use super::{Site, https};
use crate::harness::{Browser, Database, encode, free_ports, not_tried, try_send, wait_until};

const PACKAGING: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/packaging");

/// Runs a program of systemd's; `None` where it is not installed.
fn run(program: &str, arguments: &[&str]) -> Option<String> {
    let Ok(ran) = Command::new(program).args(arguments).output() else {
        not_tried(program, "it is not installed");
        return None;
    };
    let said = String::from_utf8_lossy(&ran.stderr).into_owned();
    assert!(ran.status.success(), "{program} {arguments:?}: {said}");
    Some(said)
}

#[test]
fn systemd_takes_the_units() {
    let directory = tempfile::tempdir().unwrap();
    for name in ["symbolon.service", "symbolon.socket"] {
        let text = fs::read_to_string(format!("{PACKAGING}/systemd/{name}")).unwrap();
        let text = text.replace("/usr/local/bin/symbolon", env!("CARGO_BIN_EXE_symbolon"));
        fs::write(directory.path().join(name), text).unwrap();
    }
    let path = |name: &str| directory.path().join(name).display().to_string();
    let Some(said) = run("systemd-analyze", &["verify", &path("symbolon.service"), &path("symbolon.socket")]) else { return };
    assert!(!said.contains("symbolon."), "{said}");
}

#[test]
fn systemd_runs_the_service_as_the_documentation_installs_it() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/setup/systemd.sh");
    let ran = Command::new(script).arg(env!("CARGO_BIN_EXE_symbolon")).output().unwrap();
    let said = String::from_utf8_lossy(&ran.stdout).into_owned() + &String::from_utf8_lossy(&ran.stderr);
    match ran.status.code() {
        Some(0) => assert!(said.trim_end().ends_with("started by its socket, which outlives it"), "{said}"),
        Some(77) => not_tried("systemd's unit and socket", said.trim_end()),
        status => panic!("{status:?}: {said}"),
    }
}

#[test]
fn systemd_makes_the_user_and_its_directories() {
    let root = tempfile::tempdir().unwrap();
    let at = |path: &str| root.path().join(path);
    for kind in ["sysusers", "tmpfiles"] {
        fs::create_dir_all(at(&format!("etc/{kind}.d"))).unwrap();
        let example = format!("{PACKAGING}/systemd/symbolon.{kind}.conf");
        fs::copy(example, at(&format!("etc/{kind}.d/symbolon.conf"))).unwrap();
    }
    fs::write(at("etc/symbolon.toml"), "").unwrap();
    if Command::new("id").arg("-u").output().unwrap().stdout != b"0\n" {
        return not_tried("systemd-sysusers, systemd-tmpfiles", "they need root");
    }
    let own_root = format!("--root={}", root.path().display());
    if run("systemd-sysusers", &[&own_root]).is_none() || run("systemd-tmpfiles", &[&own_root, "--create"]).is_none() {
        return;
    }
    let users = fs::read_to_string(at("etc/passwd")).unwrap();
    let user = users.lines().find(|line| line.starts_with("symbolon:")).unwrap();
    let ids: Vec<u32> = user.split(':').skip(2).take(2).map(|id| id.parse().unwrap()).collect();
    for (path, mode, owner) in [("var/lib/symbolon", 0o700, ids[0]), ("etc/symbolon", 0o750, 0), ("etc/symbolon.toml", 0o640, 0)]
    {
        let file = fs::metadata(at(path)).unwrap();
        assert_eq!((file.permissions().mode() & 0o777, file.uid(), file.gid()), (mode, owner, ids[1]), "{path}");
    }
}

/// A running nginx; stopped on drop.
struct Nginx(Child);

impl Nginx {
    /// With the example, on these ports.
    fn start(directory: &Path, [http, tls, backend]: [u16; 3]) -> Self {
        let mut site = include_str!("../../../packaging/nginx/symbolon.conf").to_owned();
        let certificate = |name: &str| directory.join(name).display().to_string();
        for (from, to) in [
            ("listen 80;", format!("listen 127.0.0.1:{http};")),
            ("listen [::]:80;", String::new()),
            ("listen 443 ssl http2;", format!("listen 127.0.0.1:{tls} ssl http2;")),
            ("listen [::]:443 ssl http2;", String::new()),
            ("/etc/letsencrypt/live/id.example.com/fullchain.pem", certificate("cert.pem")),
            ("/etc/letsencrypt/live/id.example.com/privkey.pem", certificate("key.pem")),
            ("http://127.0.0.1:8080", format!("http://localhost:{backend}")),
        ] {
            assert!(site.contains(from), "packaging/nginx/symbolon.conf: {from}");
            site = site.replace(from, &to);
        }
        let place = directory.display();
        let kinds = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
        let places = kinds.map(|kind| format!("{kind}_temp_path {place}/{kind};")).concat();
        let whole = format!("pid {place}/pid; events {{}} http {{ access_log off; gzip on; {places}\n{site}\n}}");
        fs::write(directory.join("nginx.conf"), whole).unwrap();
        let file = certificate("nginx.conf");
        let log = certificate("error.log");
        let mut command = Command::new("/usr/sbin/nginx");
        command.args(["-c", &file, "-e", &log, "-g", "daemon off; master_process off;"]);
        let child = command.stdin(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        wait_until(|| TcpStream::connect(("127.0.0.1", tls)).is_ok(), || fs::read_to_string(&log).unwrap_or_default());
        Self(child)
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn nginx_passes_our_largest_answers() {
    let (directory, first) = (tempfile::tempdir().unwrap(), free_ports(2));
    let [http, tls] = [first, first + 1];
    let site = Site::new(Database::sqlite());
    let backend = site.url.rsplit(':').next().unwrap().parse().unwrap();
    let site =
        site.with("SYMBOLON_ISSUER", format!("https://localhost:{tls}")).with("SYMBOLON_TRUSTED_PROXIES", "127.0.0.1, ::1");
    let pair = https::certificate();
    https::write(directory.path(), &pair);
    let spa = site.add_spa();
    let mut process = site.serve();
    let _nginx = Nginx::start(directory.path(), [http, tls, backend]);

    let get = |path: &str| {
        let mut connector = SslConnector::builder(SslMethod::tls()).unwrap();
        connector.cert_store_mut().add_cert(pair.0.clone()).unwrap();
        let stream = TcpStream::connect(("127.0.0.1", tls)).unwrap();
        let mut stream = connector.build().connect("localhost", stream).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost:{tls}\r\nConnection: close\r\nAccept-Encoding: gzip\r\n\r\n")
            .unwrap();
        let mut text = Vec::new();
        let _ = stream.read_to_end(&mut text); // nginx closes without a close_notify
        String::from_utf8_lossy(&text).into_owned()
    };
    assert!(get("/readyz").starts_with("HTTP/1.1 200"));
    let start = Browser::request(&spa, "openid", &[]).len();
    for (more, status) in [(&[][..], "303"), (&[("prompt", "none")], "303")] {
        let taken = start + encode(more).len() + 200;
        let state = "x".repeat(15_744 - taken);
        let answer = get(&Browser::request(&spa, "openid", &[&[("state", state.as_str())][..], more].concat()));
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{}", &answer[..answer.len().min(400)]);
        let location = answer.lines().find_map(|line| line.strip_prefix("location: ").or(line.strip_prefix("Location: ")));
        assert!(location.unwrap().len() > 15_000, "{}", location.unwrap().len());
    }
    assert!(get("/authorize?client_id=").starts_with("HTTP/1.1 400"));
    process.wait_for("127.0.0.1"); // the address that nginx has told
    let page = get("/login").to_lowercase();
    assert!(page.starts_with("http/1.1 200") && !page.contains("content-encoding"), "a page is never compressed: {page}");

    let plain = |method: &str, path: &str, body: Option<&str>| {
        try_send(method, &format!("http://127.0.0.1:{http}{path}"), &[], body).unwrap()
    };
    for path in ["/", "/login", "/login?x=1", "/account", "/account/data", "/recover", "/.well-known/change-password"] {
        let redirect = plain("GET", path, None);
        assert_eq!(
            (redirect.status, redirect.header("location").unwrap()),
            (301, format!("https://id.example.com{path}").as_str()),
            "{redirect:?}"
        );
    }
    for (method, path, body) in [
        ("POST", "/token", Some("grant_type=refresh_token")),
        ("POST", "/login", Some("password=x")),
        ("GET", "/userinfo", None),
        ("GET", "/authorize?client_id=spa", None),
        ("GET", "/recover/password", None),
        ("GET", "/loginx", None),
    ] {
        let refused = plain(method, path, body);
        assert_eq!((refused.status, refused.header("location")), (403, None), "{method} {path}: {refused:?}");
    }
    assert_eq!((plain("GET", "/healthz", None).status, plain("GET", "/readyz", None).status), (200, 200));
}
