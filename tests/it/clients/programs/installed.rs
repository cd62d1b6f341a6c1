//! Programs that Debian packages: Apache with `mod_auth_openidc`, and `omniauth_openid_connect` in Ruby. Each runs without
//! privileges, with a configuration in a temporary folder that has the printed lines in it, and ends with its test.

use std::{
    fs,
    net::TcpStream,
    path::Path,
    process::{Command, ExitStatus},
};

use symbolon::testing::config::{Config, OutboundSettings};
use tempfile::TempDir;

use super::Operated;
use crate::harness::{Database, Process, free_port, not_tried, python, wait_until};

/// A program that listens on a port, with a folder of its own.
pub struct Installed {
    process: Option<Process>,
    folder: TempDir,
}

/// What to start: where the program is, its arguments, its configuration (names and texts of files), its standard input, and the
/// port on which it listens then. `PATH` stands for the folder of its files, `USER` and `GROUP` for who runs it.
#[derive(Default)]
pub struct Program<'a> {
    pub path: &'a str,
    pub arguments: &'a [&'a str],
    pub files: &'a [(&'a str, String)],
    pub input: &'a str,
    pub port: u16,
}

impl Installed {
    /// Starts it, and waits until it listens.
    pub fn start(Program { path: program, arguments, files, input, port }: &Program) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path().to_str().unwrap();
        let (user, group) = if is_root() { ("nobody".into(), "nogroup".into()) } else { (id("-un"), id("-gn")) };
        let fill = |text: &str| text.replace("PATH", at).replace("USER", &user).replace("GROUP", &group);
        for (name, text) in *files {
            fs::write(folder.path().join(name), fill(text)).unwrap();
        }
        let mut command = Command::new(if is_root() { "setpriv" } else { program });
        if is_root() {
            success(Command::new("chown").args(["-R", &format!("{user}:{group}"), at]));
            command.args([&format!("--reuid={user}"), &format!("--regid={group}"), "--clear-groups", program]);
        }
        command.args(arguments.iter().map(|argument| fill(argument)));
        let mut process = Process::start_command(command, &[]);
        process.tell(input);
        let started = Self { process: Some(process), folder };
        wait_until(
            || TcpStream::connect(("127.0.0.1", *port)).is_ok(),
            || format!("{program} does not listen: {}", started.log("log")),
        );
        started
    }

    /// What it has logged in this file.
    fn log(&self, name: &str) -> String {
        fs::read_to_string(self.folder.path().join(name)).unwrap_or_default()
    }
}

impl Drop for Installed {
    /// Asks it to end, so that its own processes end as well.
    fn drop(&mut self) {
        let Some(process) = self.process.take() else { return };
        process.signal("TERM");
        if std::thread::panicking() {
            eprintln!("{}\n{}", process.said(), self.log("log"));
        } else {
            process.end();
        }
    }
}

fn success(command: &mut Command) {
    assert!(command.status().as_ref().is_ok_and(ExitStatus::success), "{command:?}");
}

/// What `id` prints.
fn id(option: &str) -> String {
    String::from_utf8(Command::new("id").arg(option).output().unwrap().stdout).unwrap().trim().to_owned()
}

fn is_root() -> bool {
    id("-u") == "0"
}

/// A program of Debian's: of others with its name, none may have the modules that are needed.
pub fn path_of(name: &str) -> String {
    let mut paths = ["/usr/sbin", "/usr/bin"].iter().map(|folder| format!("{folder}/{name}"));
    let found = paths.find(|path| Path::new(path).is_file());
    found.unwrap_or_else(|| panic!("{name} is not installed: run the tests by ./tests/run, which installs it"))
}

/// Modules that Debian's Apache loads in every installation, and what the page needs.
const MODULES: [&str; 6] = ["mpm_event", "authn_core", "authz_core", "authz_user", "include", "auth_openidc"];

#[test]
fn mod_auth_openidc_signs_in_refreshes_and_hears_of_logouts() {
    let allow_loopback = |config: &mut Config| {
        config.outbound = OutboundSettings { allow: vec!["127.0.0.0/8".parse().unwrap()], ..OutboundSettings::default() };
    };
    let operated = Operated::with(Database::sqlite(), allow_loopback);
    let port = free_port();
    let settings = operated.register("mod_auth_openidc", &format!("http://localhost:{port}"));
    let modules = MODULES.map(|name| format!("LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so")).join("\n");
    let printed = settings["application"][0]["lines"].as_str().unwrap();
    // It refreshes at every page: none of the tokens is valid for an hour.
    let configuration = format!(
        "ServerRoot PATH\nDefaultRuntimeDir PATH\nPidFile PATH/pid\nErrorLog PATH/log\nServerName localhost\n\
         Listen 127.0.0.1:{port}\n{modules}\nDocumentRoot PATH\n<Files user>\nOptions +Includes\nSetOutputFilter INCLUDES\n</Files>\n\
         OIDCCryptoPassphrase \"a secret of the program\"\n{printed}\nOIDCRefreshAccessTokenBeforeExpiry 3600\n"
    );
    let files = [("apache2.conf", configuration), ("user", "<!--#printenv -->".into())];
    let apache = path_of("apache2");
    let _apache = Installed::start(&Program {
        path: &apache,
        arguments: &["-X", "-f", "PATH/apache2.conf"],
        files: &files,
        port,
        ..Program::default()
    });
    python("programs/mod_auth_openidc.py", &settings);
}

#[test]
fn omniauth_knows_the_user_and_signs_out() {
    let requires = "require 'omniauth_openid_connect'; require 'webrick'";
    if !Command::new("/usr/bin/ruby").args(["-e", requires]).output().is_ok_and(|ran| ran.status.success()) {
        return not_tried("omniauth_openid_connect", "Debian 12 has a package of it, and 13 has none");
    }
    let operated = Operated::on(Database::sqlite());
    let port = free_port();
    let settings = operated.register("omniauth_openid_connect", &format!("http://localhost:{port}"));
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clients/programs/omniauth.rb");
    let ruby = path_of("ruby");
    let input = settings.to_string();
    let files = [("omniauth.rb", fs::read_to_string(script).unwrap())];
    let _application =
        Installed::start(&Program { path: &ruby, arguments: &["PATH/omniauth.rb"], files: &files, input: &input, port });
    python("programs/omniauth.py", &settings);
}
