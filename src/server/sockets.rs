//! The sockets to listen on: of an address, of a path, or passed by the service manager (systemd's socket units). They are bound
//! before the database is opened, and outlive whichever service accepts on them.

use std::{
    fmt, fs, io,
    net::{SocketAddr, TcpListener, ToSocketAddrs},
    os::unix::{
        fs::{FileTypeExt, PermissionsExt},
        net::UnixListener,
    },
    path::Path,
    time::Duration,
};

use listenfd::ListenFd;
use socket2::{Domain, Protocol, SockAddr, Socket as RawSocket, Type};

use crate::{
    config::{Config, UNIX_PREFIX},
    protocol::values::once_each::once_each,
};

/// The kernel's backlog of connections to be accepted.
const BACKLOG: i32 = 1024;
/// The mode of a Unix socket: the owner and the group may connect.
const MODE: u32 = 0o660;

/// How often, and in which intervals, the lock on the directory of a Unix socket is tried.
const LOCK_TRIES: u32 = 100;
const LOCK_PAUSE: Duration = Duration::from_millis(50);

/// A listening socket.
#[derive(Debug)]
pub enum Socket {
    /// Of an address and port.
    Tcp(TcpListener),
    /// Of a path: whoever may open it is a proxy on this machine.
    Unix(UnixListener),
}

impl Socket {
    fn again(&self) -> io::Result<Self> {
        Ok(match self {
            Self::Tcp(socket) => Self::Tcp(socket.try_clone()?),
            Self::Unix(socket) => Self::Unix(socket.try_clone()?),
        })
    }
}

/// The sockets of a server.
#[derive(Debug)]
pub struct Sockets {
    /// For requests.
    pub requests: Vec<Socket>,
    /// For monitoring, if configured.
    pub metrics: Vec<Socket>,
}

impl Sockets {
    /// Those of this configuration.
    ///
    /// # Errors
    /// When one cannot be bound, or a passed one is of no use.
    pub fn of(config: &Config) -> io::Result<Self> {
        let requests = of_requests(config)?;
        let metrics = config.metrics_listen.as_deref().map(|listen| bind("metrics_listen", listen)).transpose()?;
        Ok(Self { requests, metrics: metrics.unwrap_or_default() })
    }

    /// The same sockets once more.
    ///
    /// # Errors
    /// When the process has no more descriptors.
    pub fn again(&self) -> io::Result<Self> {
        let again = |sockets: &[Socket]| sockets.iter().map(Socket::again).collect::<io::Result<_>>();
        Ok(Self { requests: again(&self.requests)?, metrics: again(&self.metrics)? })
    }

    /// Whether one for requests is of an address.
    pub fn has_address(&self) -> bool {
        self.requests.iter().any(|socket| matches!(socket, Socket::Tcp(_)))
    }
}

impl fmt::Display for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(socket) => socket.local_addr().map_err(|_| fmt::Error)?.fmt(f),
            Self::Unix(socket) => {
                let address = socket.local_addr().map_err(|_| fmt::Error)?;
                let path = address.as_pathname().unwrap_or(Path::new("(unnamed)"));
                write!(f, "{UNIX_PREFIX}{}", path.display())
            }
        }
    }
}

/// The sockets for requests: those that were passed to this process, otherwise those of `listen`.
fn of_requests(config: &Config) -> io::Result<Vec<Socket>> {
    let passed = passed()?;
    if passed.is_empty() {
        return bind("listen", &config.listen);
    }
    let may_leave_the_machine = config.tls.is_some() || !config.trusted_proxies.is_empty();
    for socket in &passed {
        match socket {
            Socket::Tcp(tcp) if !may_leave_the_machine && !tcp.local_addr()?.ip().is_loopback() => {
                return Err(io::Error::other(format!(
                    "the passed socket {socket}: expected a loopback address, or tls_cert_file and tls_key_file, or trusted_proxies: plain http does not leave the machine"
                )));
            }
            Socket::Unix(_) if config.tls.is_some() => {
                return Err(io::Error::other(format!("the passed socket {socket}: expected none of a path with tls_cert_file")));
            }
            _ => {}
        }
    }
    Ok(passed)
}

fn passed() -> io::Result<Vec<Socket>> {
    let mut all = ListenFd::from_env();
    let sockets = (0..all.len()).map(|index| {
        if let Ok(Some(socket)) = all.take_tcp_listener(index) {
            return Ok(Socket::Tcp(socket));
        }
        match all.take_unix_listener(index) {
            Ok(Some(socket)) => Ok(Socket::Unix(socket)),
            _ => Err(io::Error::other(format!("passed socket {index}: expected a listening stream socket"))),
        }
    });
    sockets.collect()
}

/// The sockets of a setting; an error names it.
fn bind(key: &str, listen: &str) -> io::Result<Vec<Socket>> {
    let sockets = match listen.strip_prefix(UNIX_PREFIX) {
        Some(path) => bind_path(Path::new(path)).map(|socket| vec![Socket::Unix(socket)]),
        None => bind_addresses(listen).map(|sockets| sockets.into_iter().map(Socket::Tcp).collect()),
    };
    sockets.map_err(|error| io::Error::new(error.kind(), format!("{key}: '{listen}': {error}")))
}

/// Sockets on every address of `host:port`. An address may be absent from this machine, as IPv6 often is.
fn bind_addresses(listen: &str) -> io::Result<Vec<TcpListener>> {
    let addresses = once_each(listen.to_socket_addrs()?); // resolvers may return an address twice
    let (mut sockets, mut missing) = (Vec::new(), None);
    for address in addresses {
        match bind_address(address) {
            Ok(socket) => sockets.push(socket),
            // Another program that uses this address would get some of the callers.
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                return Err(io::Error::new(error.kind(), format!("{address}: {error}")));
            }
            Err(error) => missing = Some(error),
        }
    }
    match missing {
        Some(error) if sockets.is_empty() => Err(error),
        _ => Ok(sockets),
    }
}

fn bind_address(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = RawSocket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// A socket that a process has left behind is replaced; one on which a process listens is not, nor is another kind of file. Of
/// several processes that start at once each waits for its turn: one that is bound and does not listen yet looks as if left behind.
fn bind_path(path: &Path) -> io::Result<UnixListener> {
    let directory = path.parent().filter(|directory| *directory != Path::new("")).unwrap_or(Path::new("."));
    let lock = fs::File::open(directory)?;
    lock_soon(&lock)?; // until it is dropped
    match fs::symlink_metadata(path) {
        Ok(file) if !file.file_type().is_socket() => {
            return Err(io::Error::new(
                io::ErrorKind::AlreadyExists,
                "expected no file there, or a socket; found another kind of file",
            ));
        }
        Ok(_) if is_left_behind(path)? => fs::remove_file(path)?,
        _ => {}
    }
    let socket = RawSocket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.bind(&SockAddr::unix(path)?)?;
    fs::set_permissions(path, fs::Permissions::from_mode(MODE))?; // before anyone is accepted
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// Takes the lock, or fails where another process holds it for long: one that starts does not.
fn lock_soon(directory: &fs::File) -> io::Result<()> {
    for _ in 0..LOCK_TRIES {
        match directory.try_lock() {
            Ok(()) => return Ok(()),
            Err(fs::TryLockError::WouldBlock) => std::thread::sleep(LOCK_PAUSE),
            Err(fs::TryLockError::Error(error)) => return Err(error),
        }
    }
    Err(io::Error::new(io::ErrorKind::WouldBlock, "another process holds a lock on its directory"))
}

/// Whether nobody listens on a socket. Not waited for: one whose queue is full has an owner.
fn is_left_behind(path: &Path) -> io::Result<bool> {
    let socket = RawSocket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    Ok(socket.connect(&SockAddr::unix(path)?).is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused))
}

#[cfg(test)]
mod tests {
    use std::{os::unix::net::UnixStream, sync::Barrier, thread};

    use super::*;

    #[test]
    fn a_socket_with_a_full_queue_is_not_waited_for_and_a_file_is_not_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("symbolon.sock");
        let owner = RawSocket::new(Domain::UNIX, Type::STREAM, None).unwrap();
        owner.bind(&SockAddr::unix(&path).unwrap()).unwrap();
        owner.listen(0).unwrap();
        let _waiting = UnixStream::connect(&path).unwrap();
        assert_eq!(bind_path(&path).unwrap_err().kind(), io::ErrorKind::AddrInUse);
        let file = directory.path().join("file");
        fs::write(&file, "kept").unwrap();
        assert!(bind_path(&file).unwrap_err().to_string().contains("another kind of file"));
        assert_eq!(fs::read_to_string(&file).unwrap(), "kept");
    }

    #[test]
    fn of_those_that_start_at_once_one_has_the_socket() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("symbolon.sock");
        for _ in 0..100 {
            let (all, left_behind) = (Barrier::new(4), bind_path(&path).unwrap());
            drop(left_behind);
            let bound: Vec<_> = thread::scope(|scope| {
                let start = || {
                    all.wait();
                    bind_path(&path)
                };
                let started: Vec<_> = (0..4).map(|_| scope.spawn(start)).collect();
                started.into_iter().filter_map(|one| one.join().unwrap().ok()).collect()
            });
            assert_eq!(bound.len(), 1);
            assert!(UnixStream::connect(&path).is_ok(), "it is the one at the path");
        }
    }
}
