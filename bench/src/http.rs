//! A minimal HTTP/1.1 client on one keep-alive connection, for a server on this machine: a request as text, a response with a
//! Content-Length or in chunks. Minimal, because it shares the cores with the server.

use std::{net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::trouble::{Result, Trouble};

/// The response timeout.
const PATIENCE: Duration = Duration::from_secs(30);
const MOST_HEADERS: usize = 64;

/// A connection, opened when first needed and reopened after the server has closed it.
pub struct Connection {
    address: SocketAddr,
    stream: Option<TcpStream>,
    buffer: Vec<u8>,
}

/// A response.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    /// All values of a header, by its name in lower case.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.headers.iter().filter(move |(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// The first value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The error for an unexpected response, in one line. The body of an error contains no secret.
    pub fn unexpected(&self) -> Trouble {
        let text = self.text();
        let start: String = text.chars().take(200).collect();
        Trouble::new(format!("status {} {start}", self.status))
    }
}

/// A GET request as text. `headers` are whole lines.
pub fn get(target: &str, headers: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: localhost:8080\r\n{headers}\r\n")
}

/// The POST of a form as text.
pub fn post(target: &str, headers: &str, form: &str) -> String {
    let length = form.len();
    format!(
        "POST {target} HTTP/1.1\r\nHost: localhost:8080\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {length}\r\n{headers}\r\n{form}"
    )
}

impl Connection {
    /// A connection to this address, not opened yet.
    pub const fn new(address: SocketAddr) -> Self {
        Self { address, stream: None, buffer: Vec::new() }
    }

    /// Sends a request and reads its response.
    ///
    /// # Errors
    /// When the server cannot be reached, hangs up, or does not answer for half a minute.
    pub async fn send(&mut self, request: &str) -> Result<Answer> {
        let answered = tokio::time::timeout(PATIENCE, self.exchange(request)).await;
        let answered = answered.unwrap_or_else(|_| Err(Trouble::new(format!("no answer within {} s", PATIENCE.as_secs()))));
        if answered.as_ref().map_or(true, |answer| answer.header("connection") == Some("close")) {
            self.stream = None;
        }
        answered
    }

    async fn exchange(&mut self, request: &str) -> Result<Answer> {
        if self.stream.is_none() {
            let stream = TcpStream::connect(self.address).await?;
            stream.set_nodelay(true)?;
            self.buffer.clear();
            self.stream = Some(stream);
        }
        let Self { stream: Some(stream), buffer, .. } = self else { return Err(Trouble::new("not connected")) };
        stream.write_all(request.as_bytes()).await?;
        let (mut answer, head) = loop {
            if let Some(read) = head(buffer)? {
                break read;
            }
            fill(stream, buffer).await?;
        };
        buffer.drain(..head);
        let is_empty = matches!(answer.status, 204 | 304);
        if answer.header("transfer-encoding").is_some_and(|coding| coding.eq_ignore_ascii_case("chunked")) {
            answer.body = chunks(stream, buffer).await?;
        } else if !is_empty {
            let length: usize =
                answer.header("content-length").ok_or_else(|| Trouble::new("an answer without a length"))?.parse()?;
            while buffer.len() < length {
                fill(stream, buffer).await?;
            }
            answer.body = buffer.drain(..length).collect();
        }
        Ok(answer)
    }
}

async fn fill(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Result<()> {
    buffer.reserve(4096);
    if stream.read_buf(buffer).await? == 0 {
        return Err(Trouble::new("the server hung up"));
    }
    Ok(())
}

/// The head of a response and its length, once it is complete.
fn head(buffer: &[u8]) -> Result<Option<(Answer, usize)>> {
    let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut parsed = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(length) = parsed.parse(buffer)? else { return Ok(None) };
    let text =
        |header: &httparse::Header<'_>| (header.name.to_ascii_lowercase(), String::from_utf8_lossy(header.value).into_owned());
    let status = parsed.code.unwrap_or_default();
    Ok(Some((Answer { status, headers: parsed.headers.iter().map(text).collect(), body: Vec::new() }, length)))
}

async fn chunks(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let (start, size) = match httparse::parse_chunk_size(buffer).map_err(|_| Trouble::new("a malformed chunk"))? {
            httparse::Status::Complete((start, size)) => (start, usize::try_from(size).unwrap_or(usize::MAX)),
            httparse::Status::Partial => {
                fill(stream, buffer).await?;
                continue;
            }
        };
        while buffer.len() < start + size + 2 {
            fill(stream, buffer).await?;
        }
        body.extend(buffer.drain(..start + size + 2).skip(start).take(size));
        if size == 0 {
            return Ok(body);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_when_it_is_whole() {
        let text = b"HTTP/1.1 303 See Other\r\nLocation: /x?code=1\r\nSet-Cookie: a=1\r\nset-cookie: b=2\r\ncontent-length: 0\r\n\r\nrest";
        assert!(head(&text[..60]).unwrap().is_none());
        let (answer, length) = head(text).unwrap().unwrap();
        assert_eq!((answer.status, answer.header("location")), (303, Some("/x?code=1")));
        assert_eq!(answer.all("set-cookie").collect::<Vec<_>>(), ["a=1", "b=2"]);
        assert_eq!(&text[length..], b"rest");
        assert!(head(b"nonsense\r\n\r\n").is_err());
    }

    #[test]
    fn a_form_has_its_length() {
        assert!(post("/token", "X: 1\r\n", "a=b").ends_with("Content-Length: 3\r\nX: 1\r\n\r\na=b"));
    }
}
