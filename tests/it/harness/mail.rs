//! A real SMTP server (`tests/clients/smtp_server.py`), the e-mails it received as parsed by another program, and the settings to
//! use it. It can be stopped and restarted on its port.

use std::{
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use openssl::x509::X509;
use serde_json::{Value, json};
use symbolon::testing::{
    config::{MailSettings, MailTransport, Sender, SmtpPassword, SmtpSecurity, SmtpSettings},
    protocol::account::email_address::EmailAddress,
};
use tempfile::TempDir;
use tokio::net::TcpSocket;

use super::{certificate, scripts::variable, wait_until};

/// The behaviour of the server.
#[derive(Clone, Copy)]
pub struct Behavior {
    /// The security of its connections.
    pub security: SmtpSecurity,
    /// The required login.
    pub login: Option<(&'static str, &'static str)>,
    /// Addresses that it rejects permanently, with 550.
    pub refuse: &'static [&'static str],
    /// Addresses that it defers, with 451.
    pub defer: &'static [&'static str],
    /// Whether it accepts addresses beyond ASCII.
    pub utf8: bool,
    /// `well`; `hang`: accepts connections and sends nothing; `close`: closes them.
    pub manner: &'static str,
}

impl Behavior {
    /// STARTTLS, no login, every e-mail accepted.
    pub const WELL: Self =
        Self { security: SmtpSecurity::StartTls, login: None, refuse: &[], defer: &[], utf8: false, manner: "well" };
}

/// A received e-mail.
#[derive(Clone, Debug)]
pub struct ReceivedMessage {
    /// The envelope's recipient.
    pub to: String,
    /// The subject, decoded.
    pub subject: String,
    /// The text, decoded, without its last line end.
    pub text: String,
    /// The headers, decoded.
    pub headers: Vec<(String, String)>,
    /// Whether it was received over TLS.
    pub encrypted: bool,
    /// The raw bytes.
    pub raw: String,
}

impl ReceivedMessage {
    /// The values of a header.
    pub fn header(&self, name: &str) -> Vec<&str> {
        self.headers.iter().filter(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str()).collect()
    }

    /// The only link in its text.
    #[track_caller]
    pub fn link(&self) -> &str {
        let links = self.text.lines().filter(|line| line.starts_with("http") && !line.contains("/account/grants/"));
        let links: Vec<_> = links.collect();
        assert_eq!(links.len(), 1, "{self:?}");
        links[0]
    }
}

/// A running SMTP server; stopped on drop.
pub struct MailServer {
    folder: TempDir,
    /// Reserves the port for this server while it is stopped.
    socket: TcpSocket,
    root: X509,
    behavior: Behavior,
    child: Option<Child>,
}

impl MailServer {
    /// Starts a server on a port of 127.0.0.1.
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

    /// Stops it, if it runs, and starts it on its port; received e-mails stay.
    pub fn restart(&mut self, behavior: Behavior) {
        self.stop();
        self.behavior = behavior;
        let file = |name: &str| self.folder.path().join(name).to_string_lossy().into_owned();
        let settings = json!({
            "folder": file("letters"), "port": self.port(), "security": behavior.security.name(), "cert": file("cert.pem"), "key": file("key.pem"),
            "username": behavior.login.map(|(username, _)| username), "password": behavior.login.map(|(_, password)| password),
            "refuse": behavior.refuse, "defer": behavior.defer, "utf8": behavior.utf8, "manner": behavior.manner,
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

    /// Its port.
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

    /// The folder of received e-mails, for a script that reads them.
    pub fn inbox(&self) -> PathBuf {
        self.folder.path().join("letters")
    }

    /// The SMTP settings to reach it.
    pub fn smtp(&self) -> SmtpSettings {
        SmtpSettings {
            host: "localhost".into(),
            port: self.port(),
            security: self.behavior.security,
            login: self.behavior.login.map(|(username, password)| (username.to_owned(), SmtpPassword::new(password.to_owned()))),
            ca_pem: (self.behavior.security != SmtpSecurity::None).then(|| self.ca_pem()),
        }
    }

    /// A server's mail settings to send through it.
    pub fn settings(&self) -> MailSettings {
        let from = Sender { name: Some("Symbolon".into()), address: EmailAddress::parse("no-reply@id.example.com").unwrap() };
        MailSettings { transport: MailTransport::Smtp(Box::new(self.smtp())), from: Some(from) }
    }

    /// The received e-mails, the oldest first.
    pub fn messages(&self) -> Vec<ReceivedMessage> {
        let entries = std::fs::read_dir(self.folder.path().join("letters")).unwrap();
        let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
        paths.sort();
        paths.iter().map(|path| message(path)).collect()
    }

    /// Waits until an address has received this many e-mails, and returns them.
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
