//! A real SMTP server (`tests/clients/smtp_server.py`), what it received as another program reads it, and the settings that lead
//! to it. It can be stopped and started again at its port.

use std::{
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use openssl::x509::X509;
use serde_json::{Value, json};
use symbolon::{
    config::{MailSettings, MailTransport, Sender, SmtpPassword, SmtpSecurity, SmtpSettings},
    protocol::email_address::EmailAddress,
};
use tempfile::TempDir;
use tokio::net::TcpSocket;

use super::{certificate, scripts::variable, wait_until};

/// How the server behaves.
#[derive(Clone, Copy)]
pub struct Behavior {
    /// How it is spoken to.
    pub security: SmtpSecurity,
    /// The login it wants.
    pub login: Option<(&'static str, &'static str)>,
    /// Addresses that it refuses for good, with 550.
    pub refuse: &'static [&'static str],
    /// Addresses that it puts off, with 451.
    pub defer: &'static [&'static str],
    /// Whether it takes addresses beyond ASCII.
    pub utf8: bool,
    /// `well`; `hang`: takes connections and says nothing; `close`: closes them.
    pub manner: &'static str,
}

impl Behavior {
    /// STARTTLS, no login, every e-mail taken.
    pub const WELL: Self =
        Self { security: SmtpSecurity::StartTls, login: None, refuse: &[], defer: &[], utf8: false, manner: "well" };
}

/// An e-mail that was received.
#[derive(Clone, Debug)]
pub struct ReceivedMessage {
    /// The address of the envelope.
    pub to: String,
    /// The subject, decoded.
    pub subject: String,
    /// The text, decoded, without the end of its last line.
    pub text: String,
    /// The headers, decoded.
    pub headers: Vec<(String, String)>,
    /// Whether it came over TLS.
    pub encrypted: bool,
    /// The bytes as they came.
    pub raw: String,
}

impl ReceivedMessage {
    /// The values of a header.
    pub fn header(&self, name: &str) -> Vec<&str> {
        self.headers.iter().filter(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str()).collect()
    }

    /// The only link in it.
    #[track_caller]
    pub fn link(&self) -> &str {
        let links: Vec<_> = self.text.lines().filter(|line| line.starts_with("http")).collect();
        assert_eq!(links.len(), 1, "{self:?}");
        links[0]
    }
}

/// A running SMTP server; stopped with its value.
pub struct MailServer {
    folder: TempDir,
    /// Keeps the port for this server while it is stopped.
    socket: TcpSocket,
    root: X509,
    behavior: Behavior,
    child: Option<Child>,
}

impl MailServer {
    /// Starts one on a port of 127.0.0.1.
    pub fn start(behavior: Behavior) -> Self {
        let folder = TempDir::new().unwrap();
        let root = certificate(None);
        let (leaf, key) = certificate(Some(&root));
        std::fs::write(folder.path().join("cert.pem"), leaf.to_pem().unwrap()).unwrap();
        std::fs::write(folder.path().join("key.pem"), key.private_key_to_pem_pkcs8().unwrap()).unwrap();
        std::fs::create_dir(folder.path().join("letters")).unwrap();
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_reuseaddr(true).unwrap();
        socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
        let mut server = Self { folder, socket, root: root.0, behavior, child: None };
        server.restart(behavior);
        server
    }

    /// Stops it, if it runs, and starts it at its port; e-mails stay.
    pub fn restart(&mut self, behavior: Behavior) {
        self.stop();
        self.behavior = behavior;
        let file = |name: &str| self.folder.path().join(name).to_string_lossy().into_owned();
        let settings = json!({
            "folder": file("letters"), "port": self.port(), "security": behavior.security.name(), "cert": file("cert.pem"), "key": file("key.pem"),
            "username": behavior.login.map(|(username, _)| username), "password": behavior.login.map(|(_, password)| password),
            "refuse": behavior.refuse, "defer": behavior.defer, "utf8": behavior.utf8, "mood": behavior.manner,
        });
        let script = format!("{}/tests/clients/smtp_server.py", env!("CARGO_MANIFEST_DIR"));
        let mut command = Command::new(variable("SYMBOLON_TEST_PYTHON"));
        command.arg(script).arg(settings.to_string()).env("PYTHONDONTWRITEBYTECODE", "1");
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, format!("port {}\n", self.port()), "the SMTP server did not start");
        self.child = Some(child);
    }

    /// Stops it: connections are refused from now on.
    pub fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill(); // it may have ended already
            let _ = child.wait();
        }
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.socket.local_addr().unwrap().port()
    }

    /// The root of its certificate, in PEM.
    pub fn ca_pem(&self) -> Vec<u8> {
        self.root.to_pem().unwrap()
    }

    /// The file with [`MailServer::ca_pem`].
    pub fn ca_file(&self) -> PathBuf {
        let path = self.folder.path().join("ca.pem");
        std::fs::write(&path, self.ca_pem()).unwrap();
        path
    }

    /// The folder of what it received, for a script that reads along.
    pub fn inbox(&self) -> PathBuf {
        self.folder.path().join("letters")
    }

    /// What leads to it.
    pub fn smtp(&self) -> SmtpSettings {
        SmtpSettings {
            host: "localhost".into(),
            port: self.port(),
            security: self.behavior.security,
            login: self.behavior.login.map(|(username, password)| (username.to_owned(), SmtpPassword::new(password.to_owned()))),
            ca_pem: (self.behavior.security != SmtpSecurity::None).then(|| self.ca_pem()),
        }
    }

    /// What a server needs to send by it.
    pub fn settings(&self) -> MailSettings {
        let from = Sender { name: Some("Symbolon".into()), address: EmailAddress::parse("no-reply@id.example.com").unwrap() };
        MailSettings { transport: MailTransport::Smtp(Box::new(self.smtp())), from: Some(from) }
    }

    /// Every e-mail so far, the oldest first.
    pub fn messages(&self) -> Vec<ReceivedMessage> {
        let entries = std::fs::read_dir(self.folder.path().join("letters")).unwrap();
        let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
        paths.sort();
        paths.iter().map(|path| message(path)).collect()
    }

    /// Waits until an address was sent so many e-mails, and gives them.
    #[track_caller]
    pub fn wait_for(&self, to: &str, count: usize) -> Vec<ReceivedMessage> {
        let of = || -> Vec<ReceivedMessage> { self.messages().into_iter().filter(|message| message.to == to).collect() };
        wait_until(|| of().len() >= count, || format!("{} letters of {count} to {to}", of().len()));
        of()
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        self.stop();
    }
}

fn message(path: &std::path::Path) -> ReceivedMessage {
    let read: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    assert_eq!(read["to"].as_array().unwrap().len(), 1, "a letter goes to one: {read}");
    ReceivedMessage {
        to: text(&read["to"][0]),
        subject: text(&read["subject"]),
        text: text(&read["text"]).replace("\r\n", "\n").trim_end().to_owned(),
        headers: read["headers"].as_array().unwrap().iter().map(|pair| (text(&pair[0]), text(&pair[1]))).collect(),
        encrypted: read["encrypted"].as_bool().unwrap(),
        raw: String::from_utf8(std::fs::read(path.with_extension("eml")).unwrap()).unwrap(),
    }
}
