//! How the browser brings the code to this program: it listens on a port of the loopback interface, one that is free at the moment
//! (RFC 8252 §7.3), for one answer.

use std::{
    collections::HashMap,
    io::{self, BufRead, BufReader, Read, Write},
    net::{Ipv4Addr, TcpListener, TcpStream},
    thread,
    time::{Duration, Instant},
};

use oauth2::url::Url;

use crate::Failure;

/// How long the user may take.
const PATIENCE: Duration = Duration::from_secs(600);
/// How long one connection may take: meanwhile, no other is served.
const REQUEST_TIME: Duration = Duration::from_secs(2);

pub struct Loopback {
    listener: TcpListener,
    port: u16,
}

impl Loopback {
    pub fn open() -> io::Result<Self> {
        // The number, not "localhost", which others could make mean something else (RFC 8252 §8.3).
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let port = listener.local_addr()?.port();
        Ok(Self { listener, port })
    }

    /// Registered without a port: with any port it is the same.
    pub fn redirect_uri(&self) -> String {
        format!("http://127.0.0.1:{}/callback", self.port)
    }

    /// Waits for the answer with this state. Any program or page on this machine can call the port: what is not the answer is refused,
    /// and the waiting goes on.
    pub fn wait_for_code(&self, state: &str, issuer: &str) -> Result<String, Failure> {
        let started = Instant::now();
        while started.elapsed() < PATIENCE {
            let Ok((mut stream, _)) = self.listener.accept() else {
                thread::sleep(Duration::from_millis(50));
                continue;
            };
            let query = target(&stream).ok().and_then(|target| self.query(&target));
            let answer = query.and_then(|query| judge(&query, state, issuer));
            // Fixed texts: nothing of the request is shown.
            let (status, text) = match answer {
                None => ("404 Not Found", "There is nothing here."),
                Some(Ok(_)) => ("200 OK", "You are signed in. You can close this page and go back to the terminal."),
                Some(Err(_)) => ("200 OK", "You are not signed in. You can close this page and go back to the terminal."),
            };
            let _ = reply(&mut stream, status, text); // the browser may be gone
            if let Some(answer) = answer {
                return answer.map_err(Into::into);
            }
        }
        Err("nobody has signed in".into())
    }

    /// The parameters of an answer; none if one is there twice.
    fn query(&self, target: &str) -> Option<HashMap<String, String>> {
        let url = Url::parse(&self.redirect_uri()).ok()?.join(target).ok()?;
        let mut found = HashMap::new();
        let is_once = url.query_pairs().all(|(name, value)| found.insert(name.into_owned(), value.into_owned()).is_none());
        (url.path() == "/callback" && is_once).then_some(found)
    }
}

/// The code of an answer, or what went wrong; none if it is not the answer to our request.
fn judge(query: &HashMap<String, String>, state: &str, issuer: &str) -> Option<Result<String, &'static str>> {
    if query.get("state").map(String::as_str) != Some(state) {
        return None;
    }
    // Which server has answered (RFC 9207).
    if query.get("iss").map(String::as_str) != Some(issuer) {
        return None;
    }
    if query.get("error").map(String::as_str) == Some("access_denied") {
        return Some(Err("you have not allowed this app to see your notes"));
    }
    Some(query.get("code").cloned().ok_or("signing in did not work"))
}

/// What comes by a connection until then, however little at a time.
struct Request<'a> {
    stream: &'a TcpStream,
    until: Instant,
}

impl Read for Request<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        self.stream.set_read_timeout(Some(left))?;
        self.stream.read(buffer)
    }
}

/// The path and query of a request.
fn target(stream: &TcpStream) -> io::Result<String> {
    stream.set_nonblocking(false)?;
    let mut reader = BufReader::new(Request { stream, until: Instant::now() + REQUEST_TIME }.take(8192));
    let mut line = String::new();
    reader.read_line(&mut line)?;
    // What follows is read as well: a browser may not see the reply if it was still sending.
    let mut header = String::new();
    while reader.read_line(&mut header)? > 2 {
        header.clear();
    }
    let mut words = line.split(' ');
    match (words.next(), words.next()) {
        (Some("GET"), Some(target)) if target.starts_with('/') && !target.starts_with("//") => Ok(target.to_owned()),
        _ => Err(io::ErrorKind::InvalidData.into()),
    }
}

fn reply(stream: &mut TcpStream, status: &str, text: &str) -> io::Result<()> {
    let page = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <meta name=\"color-scheme\" content=\"light dark\"><title>Notes</title><main><h1>Notes</h1><p>{text}</p></main></html>"
    );
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\nCache-Control: no-store\r\n\
         Content-Security-Policy: default-src 'none'\r\nReferrer-Policy: no-referrer\r\nConnection: close\r\n\r\n{page}",
        page.len()
    )
}
