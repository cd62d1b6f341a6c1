//! The binary as a process: started with a given environment, its output read, signalled, waited for. What it prints on both of its
//! outputs is kept.

use std::{
    io::{BufRead, BufReader, Read, Write},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

/// Longer than any successful step takes, on a busy machine too.
const PATIENCE: Duration = Duration::from_mins(1);

/// A running process of the binary; killed on drop.
pub struct Process {
    child: Child,
    said: Arc<Mutex<String>>,
    ears: Vec<JoinHandle<()>>,
}

impl Process {
    /// Starts the binary with these arguments, and of our variables only these.
    pub fn start(args: &[&str], variables: &[(&str, &str)]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_symbolon"));
        command.args(args);
        Self::start_command(command, variables)
    }

    /// As [`Process::start`], with a custom command.
    pub fn start_command(command: Command, variables: &[(&str, &str)]) -> Self {
        Self::start_with(command, variables, (Stdio::piped(), Stdio::piped()))
    }

    /// As [`Process::start_command`], with another standard output and error; only the output of pipes made here is kept.
    pub fn start_with(mut command: Command, variables: &[(&str, &str)], (stdout, stderr): (Stdio, Stdio)) -> Self {
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("SYMBOLON_")) {
            command.env_remove(name);
        }
        command.envs(variables.iter().copied()).stdin(Stdio::piped()).stdout(stdout).stderr(stderr);
        let mut child = command.spawn().unwrap();
        drop(command); // it holds the other end of a pipe, which only the process may hold
        let said = Arc::default();
        let stdout = child.stdout.take().map(|stdout| listen(stdout, &said));
        let ears = stdout.into_iter().chain(child.stderr.take().map(|stderr| listen(stderr, &said))).collect();
        Self { child, said, ears }
    }

    /// Writes its standard input, and closes it.
    pub fn tell(&mut self, text: &str) {
        self.child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    }

    /// Its output so far.
    pub fn said(&self) -> String {
        self.said.lock().unwrap().clone()
    }

    /// Waits until it has printed this.
    #[track_caller]
    pub fn wait_for(&mut self, words: &str) {
        let started = Instant::now();
        while !self.said().contains(words) {
            let ended = self.child.try_wait().unwrap();
            assert!(ended.is_none() || self.said().contains(words), "ended with {ended:?} before '{words}':\n{}", self.said());
            assert!(started.elapsed() < PATIENCE, "no '{words}' in:\n{}", self.said());
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Its peak memory so far, in KiB.
    pub fn peak_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }

    /// Sends it a signal, by its name without SIG.
    pub fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("sh").args(["-c", "kill -s \"$0\" \"$1\"", name, &pid]).status().unwrap().success());
    }

    /// Kills it, and waits until it has ended: its port is free then.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits for its end: how it ended, and all of its output.
    pub fn end(mut self) -> (ExitStatus, String) {
        let started = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(started.elapsed() < PATIENCE, "it does not end:\n{}", self.said());
            thread::sleep(Duration::from_millis(10));
        };
        for ear in self.ears.drain(..) {
            ear.join().unwrap();
        }
        (status, self.said())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill(); // it may have ended already
        let _ = self.child.wait();
    }
}

fn listen(output: impl Read + Send + 'static, said: &Arc<Mutex<String>>) -> JoinHandle<()> {
    let said = said.clone();
    thread::spawn(move || {
        for line in BufReader::new(output).split(b'\n').map_while(Result::ok) {
            let mut said = said.lock().unwrap();
            said.push_str(&String::from_utf8_lossy(&line));
            said.push('\n');
        }
    })
}
