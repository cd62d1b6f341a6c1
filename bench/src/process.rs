//! Processes: starting and stopping a server, and the cost of processes from `/proc`: the CPU time of the server and of PostgreSQL,
//! resident memory.

use std::{
    fs,
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use crate::{
    http::{self, Connection},
    numbers::float,
    trouble::{Result, Trouble},
};

/// The maximum time for a server to start or to stop.
const PATIENCE: Duration = Duration::from_secs(20);
/// The kernel's clock tick, the unit of `/proc`: 10 ms wherever Linux runs.
const TICK_US: u64 = 10_000;

/// A running server; killed on drop.
pub struct Server {
    child: Child,
    /// Its listen address.
    pub address: SocketAddr,
    /// The time until it first answered.
    pub start: Duration,
}

impl Server {
    /// Starts a server and waits until `path` is answered with 200. Its output goes to the file `log`.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn start(mut command: Command, address: SocketAddr, path: &str, log: &Path) -> Result<Self> {
        let errors = fs::File::create(log)?;
        command.stdin(Stdio::null()).stderr(errors);
        let started = Instant::now();
        let child = command.spawn().map_err(|error| Trouble::while_doing("the server does not start", &error))?;
        let mut server = Self { child, address, start: Duration::ZERO };
        let mut connection = Connection::new(address);
        while started.elapsed() < PATIENCE {
            if connection.send(&http::get(path, "")).await.is_ok_and(|answer| answer.status == 200) {
                server.start = started.elapsed();
                return Ok(server);
            }
            if let Some(status) = server.child.try_wait()? {
                return Err(Trouble::new(format!("the server ended with {status}: {}", fs::read_to_string(log)?.trim())));
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        Err(Trouble::new(format!("the server does not answer: {}", fs::read_to_string(log)?.trim())))
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Stops it as an operator would, and waits for its end.
    ///
    /// # Errors
    /// When it does not end.
    pub async fn stop(mut self) -> Result<()> {
        Command::new("kill").arg(self.child.id().to_string()).status()?;
        let requested = Instant::now();
        while requested.elapsed() < PATIENCE {
            if self.child.try_wait()?.is_some() {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Err(Trouble::new("the server did not stop"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            let _ = self.child.kill(); // an error means that it has ended
            let _ = self.child.wait();
        }
    }
}

/// An unused address on this machine.
///
/// # Errors
/// When there is none.
pub fn free_address() -> Result<SocketAddr> {
    Ok(std::net::TcpListener::bind(("127.0.0.1", 0))?.local_addr()?)
}

/// The processes whose cost is measured.
#[derive(Clone, Debug)]
pub struct Watched {
    /// The servers' process ids.
    pub servers: Vec<u32>,
    /// The process id of PostgreSQL's postmaster, whose children are its connections.
    pub postgres: Option<u32>,
}

/// CPU time.
#[derive(Clone, Copy, Debug, Default)]
pub struct Usage {
    servers_us: u64,
    postgres_us: u64,
}

impl Usage {
    /// The usage since an earlier measurement.
    pub const fn since(self, before: Self) -> Self {
        Self {
            servers_us: self.servers_us.saturating_sub(before.servers_us),
            postgres_us: self.postgres_us.saturating_sub(before.postgres_us),
        }
    }

    /// The servers' time per request, in microseconds.
    pub fn server_us(self, requests: u64) -> f64 {
        float(self.servers_us) / float(requests.max(1))
    }

    /// PostgreSQL's time per request, in microseconds.
    pub fn postgres_us(self, requests: u64) -> f64 {
        float(self.postgres_us) / float(requests.max(1))
    }
}

impl Watched {
    /// The usage until now.
    ///
    /// # Errors
    /// When one of the servers has ended.
    pub fn usage(&self) -> Result<Usage> {
        let mut usage = Usage::default();
        for server in &self.servers {
            let stat = fs::read_to_string(format!("/proc/{server}/stat"))?;
            usage.servers_us += own(&stat).map_or(0, |(_, own, _)| own) * TICK_US;
        }
        if let Some(postgres) = self.postgres {
            for entry in fs::read_dir("/proc")?.flatten() {
                let pid = entry.file_name().to_string_lossy().parse::<u32>();
                let (Ok(pid), Ok(stat)) = (pid, fs::read_to_string(entry.path().join("stat"))) else { continue };
                let Some((parent, own, of_ended_children)) = own(&stat) else { continue };
                if postgres == pid {
                    usage.postgres_us += (own + of_ended_children) * TICK_US;
                } else if parent == postgres {
                    usage.postgres_us += own * TICK_US;
                }
            }
        }
        Ok(usage)
    }
}

/// From the text of `/proc/PID/stat`: the parent, its own ticks, and those of children that have ended.
fn own(stat: &str) -> Option<(u32, u64, u64)> {
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_ascii_whitespace().collect(); // the process name may contain anything
    let number = |at: usize| fields.get(at)?.parse::<u64>().ok();
    Some((fields.get(1)?.parse().ok()?, number(11)? + number(12)?, number(13)? + number(14)?))
}

/// The parent of a process.
pub fn parent(pid: u32) -> Option<u32> {
    own(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?).map(|(parent, ..)| parent)
}

/// A line of `/proc/PID/status` in MiB, such as `VmRSS` (currently resident) and `VmHWM` (maximum so far).
///
/// # Errors
/// When the process has ended.
pub fn memory_mib(pid: u32, line: &str) -> Result<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let kib = status.lines().find_map(|text| text.strip_prefix(line)?.strip_prefix(':')?.trim().strip_suffix(" kB"));
    let kib: u64 = kib.ok_or_else(|| Trouble::new(format!("/proc tells no {line}")))?.trim().parse()?;
    Ok(float(kib) / 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_read_whatever_its_name() {
        let stat = "42 (a) (b) S 7 42 42 0 -1 4194560 100 0 0 0 12 3 4 5 20 0 1 0 1 1 1";
        assert_eq!(own(stat), Some((7, 15, 9)));
        assert_eq!(own("42 (a) S 7"), None);
        assert_eq!(parent(std::process::id()), Some(std::os::unix::process::parent_id()));
    }

    #[test]
    fn memory_is_told_in_mib() {
        let resident = memory_mib(std::process::id(), "VmRSS").unwrap();
        assert!(resident > 0.5 && resident <= memory_mib(std::process::id(), "VmHWM").unwrap() + 1.0, "{resident}");
        assert!(memory_mib(std::process::id(), "Nothing").is_err());
    }
}
