//! A listener that stands for a client's own server: it records requests, and answers as configured, each connection in its own
//! thread.

use std::{
    io::{self, Read, Write},
    net::TcpStream,
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use tokio::net::TcpSocket;

/// A port on which nobody listens, and which nobody else can take.
pub struct Port(TcpSocket);

impl Port {
    /// A port of 127.0.0.1.
    pub fn new() -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
        Self(socket)
    }

    /// The URL at which a listener may be started later.
    pub fn url(&self) -> String {
        format!("http://{}", self.0.local_addr().unwrap())
    }
}

type Say = Arc<dyn Fn(&mut TcpStream) -> io::Result<()> + Send + Sync>;

/// A listener on a port of 127.0.0.1, for as long as the tests run.
pub struct Listener {
    /// Its URL, without a path.
    pub url: String,
    state: Arc<Mutex<State>>,
}

struct State {
    requests: Vec<String>,
    say: Say,
}

/// A complete response with this status, content type and body.
pub fn answer(status: u16, content_type: &str, body: &str) -> String {
    format!("HTTP/1.1 {status} Whatever\r\ncontent-type: {content_type}\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

impl Listener {
    /// A listener that answers with these bytes.
    pub fn with(answer: &str) -> Self {
        Self::at(Port::new(), answer)
    }

    /// A listener at this port.
    pub fn at(port: Port, answer: &str) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
        let listener = runtime.block_on(async { port.0.listen(64).unwrap().into_std().unwrap() });
        listener.set_nonblocking(false).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(Mutex::new(State { requests: vec![], say: text(answer) }));
        let received = state.clone();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (mut stream, state) = (stream.unwrap(), received.clone());
                thread::spawn(move || {
                    let request = request(&mut stream);
                    let say = {
                        let mut state = state.lock().unwrap();
                        state.requests.push(request);
                        state.say.clone()
                    };
                    let _ = say(&mut stream); // the connection may be closed
                });
            }
        });
        Self { url, state }
    }

    /// Changes the response.
    pub fn answers(&self, answer: &str) {
        self.state.lock().unwrap().say = text(answer);
    }

    /// Changes how each connection is handled after its request was read.
    pub fn does(&self, say: impl Fn(&mut TcpStream) -> io::Result<()> + Send + Sync + 'static) {
        self.state.lock().unwrap().say = Arc::new(say);
    }

    /// Makes it accept requests without answering.
    pub fn hangs(&self) {
        self.does(|stream| {
            let _ = stream.read(&mut [0]); // until the other side hangs up
            Ok(())
        });
    }

    /// The received requests: the heads in lower case, the bodies unchanged.
    pub fn requests(&self) -> Vec<String> {
        self.state.lock().unwrap().requests.clone()
    }

    /// The number of received requests.
    pub fn count(&self) -> usize {
        self.state.lock().unwrap().requests.len()
    }

    /// Waits for this many requests, and returns them.
    #[track_caller]
    pub fn wait_for(&self, count: usize) -> Vec<String> {
        wait_until(|| self.count() >= count, || format!("{} requests of {count}", self.count()));
        self.requests()
    }
}

/// Waits until a condition holds.
#[track_caller]
pub fn wait_until(is_so: impl Fn() -> bool, what: impl Fn() -> String) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < Duration::from_secs(20), "{}", what());
        thread::sleep(Duration::from_millis(10));
    }
}

fn text(answer: &str) -> Say {
    let answer = answer.to_owned();
    Arc::new(move |stream| stream.write_all(answer.as_bytes()))
}

/// The head in lower case, and a body of `content-length`.
fn request(stream: &mut impl Read) -> String {
    let (mut head, mut byte) = (String::new(), [0]);
    while !head.ends_with("\r\n\r\n") && matches!(stream.read(&mut byte), Ok(1)) {
        head.push(byte[0].into());
    }
    let head = head.to_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap_or("0");
    let mut body = vec![0; length.parse().unwrap()];
    let _ = stream.read_exact(&mut body); // the connection may be closed
    format!("{head}{}", String::from_utf8(body).unwrap())
}
