//! Log output to standard error: a bounded buffer and a thread that writes it, so that no request waits for a log that cannot be
//! written. Lines without room in the buffer, or whose write fails, are dropped and counted; the count is logged once writing works
//! again, and at the end. Panics become log lines as well. Content, format and filter of the lines belong to the code that sets up
//! the subscriber.

use std::{
    backtrace::{Backtrace, BacktraceStatus},
    fs::File,
    io::{self, ErrorKind, Write},
    os::fd::AsFd,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

/// The maximum size of the buffer in bytes; as many may be in the middle of a write.
const ROOM: usize = 1 << 20;
/// The maximum time to write the remaining lines at the end.
const LAST_WAIT: Duration = Duration::from_secs(1);
/// The pause before a non-blocking output that accepted nothing is retried.
const RETRY: Duration = Duration::from_millis(10);
/// The pause after a write: under load one write, and one wake-up of the thread, is for all lines of so long.
const GATHER: Duration = Duration::from_millis(5);
/// The pause after a panic of the writer thread, which is a log line as well.
const AFTER_PANIC: Duration = Duration::from_secs(1);

/// The log of a process. On drop it writes the remaining lines, for as long as [`Log::finish`] does.
pub struct Log(Arc<Lines>);

/// The buffer of log lines.
#[derive(Default)]
pub struct Lines {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    bytes: Vec<u8>,
    /// The number of lines dropped so far, and how many of them were reported.
    dropped: u64,
    reported: u64,
    is_closed: bool,
    is_done: bool,
}

impl Log {
    /// Starts writing to standard error.
    ///
    /// # Errors
    /// When the system refuses a thread or a file descriptor.
    pub fn to_stderr() -> io::Result<Self> {
        // A duplicated descriptor: the lock of `io::stderr` would be held while a write blocks, and every other writer to standard
        // error would wait for it.
        let stderr = File::from(io::stderr().as_fd().try_clone_to_owned()?);
        Self::start(stderr, |total| tracing::error!(total, "log lines were dropped because they could not be written"))
    }

    fn start(output: impl Write + Send + 'static, report: impl Fn(u64) + Send + 'static) -> io::Result<Self> {
        let lines = Arc::new(Lines::default());
        let writing = lines.clone();
        thread::Builder::new()
            .name("log".into())
            .spawn(move || writing.keep_running(Output::new(output), report, || thread::sleep(AFTER_PANIC)))?;
        Ok(Self(lines))
    }

    /// The buffer; each call of `write` is one line.
    #[must_use]
    pub fn lines(&self) -> Arc<Lines> {
        self.0.clone()
    }

    /// Adds a line of its own after those already logged.
    pub fn say(&self, line: &str) {
        self.0.put(format!("{line}\n").as_bytes());
    }

    /// Waits until every line is written, for a second at most. Later lines are lost.
    pub fn finish(&self) {
        let mut state = self.0.lock();
        if std::mem::replace(&mut state.is_closed, true) {
            return; // waited for already
        }
        self.0.changed.notify_all();
        let waited = self.0.changed.wait_timeout_while(state, LAST_WAIT, |state| !state.is_done);
        drop(waited);
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.finish();
    }
}

impl Write for &Lines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.put(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Lines {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Buffers a line, or counts it as dropped.
    fn put(&self, line: &[u8]) {
        let mut state = self.lock();
        if state.bytes.len() + line.len() > ROOM {
            state.dropped += 1;
            return;
        }
        let is_first = state.bytes.is_empty();
        state.bytes.extend_from_slice(line);
        drop(state);
        if is_first {
            self.changed.notify_all();
        }
    }

    /// Swaps the buffered lines for an empty buffer; `false` when the log is closed.
    fn take(&self, batch: &mut Vec<u8>) -> bool {
        let waiting = |state: &mut State| state.bytes.is_empty() && !state.is_closed;
        let mut state = self.changed.wait_while(self.lock(), waiting).unwrap_or_else(PoisonError::into_inner);
        std::mem::swap(&mut state.bytes, batch);
        !batch.is_empty()
    }

    /// Lets lines gather, unless the log is closed.
    fn gather(&self) {
        drop(self.changed.wait_timeout_while(self.lock(), GATHER, |state| !state.is_closed));
    }

    /// Reports how many lines were dropped so far, unless reported already; true if it did.
    fn report(&self, report: &impl Fn(u64)) -> bool {
        let mut state = self.lock();
        let (total, is_news) = (state.dropped, state.dropped > state.reported);
        state.reported = total;
        drop(state);
        if is_news {
            report(total);
        }
        is_news
    }

    /// Writes until the log is closed, and again after a panic: the batch being written then is lost, and counted.
    fn keep_running<W: Write>(&self, mut output: Output<W>, report: impl Fn(u64), pause: impl Fn()) {
        let mut batch = Vec::new();
        while catch_unwind(AssertUnwindSafe(|| self.run(&mut output, &mut batch, &report))).is_err() {
            let lines = batch.split(|byte| *byte == b'\n').count() - 1;
            batch.clear();
            self.lock().dropped += u64::try_from(lines).unwrap_or(u64::MAX);
            pause();
        }
    }

    /// Writes until the log is closed.
    fn run<W: Write>(&self, output: &mut Output<W>, batch: &mut Vec<u8>, report: &impl Fn(u64)) {
        while self.take(batch) {
            let lost = output.write(batch);
            batch.clear();
            self.lock().dropped += lost;
            if lost == 0 {
                self.report(report); // as an ordinary line, which is taken next
            }
            self.gather();
        }
        if self.report(report) && self.take(batch) {
            output.write(batch); // the output may work again
        }
        self.lock().is_done = true;
        self.changed.notify_all();
    }
}

/// The final output.
struct Output<W> {
    to: W,
    /// The last accepted byte did not end its line.
    is_within_line: bool,
    /// The rest of a line was abandoned: the next one starts on a new line.
    is_torn: bool,
}

impl<W: Write> Output<W> {
    const fn new(to: W) -> Self {
        Self { to, is_within_line: false, is_torn: false }
    }

    /// Writes lines one by one; returns how many failed and were abandoned.
    fn write(&mut self, lines: &[u8]) -> u64 {
        let (mut rest, mut lost) = (lines, 0);
        while !rest.is_empty() {
            let written = if self.is_torn { self.to.write(b"\n") } else { self.to.write(rest) };
            match written {
                Ok(count) if count > 0 && self.is_torn => (self.is_torn, self.is_within_line) = (false, false),
                Ok(count) if count > 0 => {
                    self.is_within_line = rest.get(count - 1) != Some(&b'\n');
                    rest = rest.get(count..).unwrap_or_default();
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => thread::sleep(RETRY),
                _ => {
                    lost += 1;
                    self.is_torn = self.is_within_line;
                    let end = rest.iter().position(|byte| *byte == b'\n').map_or(rest.len(), |at| at + 1);
                    rest = rest.get(end..).unwrap_or_default();
                }
            }
        }
        lost
    }
}

/// Logs panics from now on. The standard library's own message would block on a standard error that nobody reads.
pub fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let thread = thread::current();
        let thread = thread.name().unwrap_or("unnamed");
        let at = panic.location().map(ToString::to_string);
        let why = panic.payload_as_str().unwrap_or("no message");
        let backtrace = Backtrace::capture(); // controlled by RUST_BACKTRACE, as usual
        let backtrace = (backtrace.status() == BacktraceStatus::Captured).then(|| backtrace.to_string());
        tracing::error!(thread, at, why, backtrace, "a thread panicked");
    }));
}

#[cfg(test)]
#[path = "logging_tests.rs"]
mod tests;
