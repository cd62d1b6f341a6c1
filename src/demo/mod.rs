//! The demonstration beside the authorization server: a single-page app and a resource server on ports of their own. Owns how the
//! two are bound, started and stopped. The app's files and headers are `spa`, the Notes API is `resource_server`; the authorization
//! server itself, its user and its clients are set up by the caller of `start`.

mod published_keys;
mod refusal;
mod resource_server;
mod spa;

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};

use actix_web::dev::{Server, ServerHandle};

/// The demonstration's settings: the authorization server, and where to listen.
#[derive(Clone, Debug)]
pub struct Demo {
    /// The issuer, exactly as in the metadata and in the tokens.
    pub issuer: String,
    /// The public client registered for the single-page app, with `http://localhost:<spa_port>/callback`.
    pub spa_client_id: String,
    /// The port of the single-page app.
    pub spa_port: u16,
    /// The port of the Notes API.
    pub api_port: u16,
    /// The audience that the Notes API requires in an access token.
    pub api_audience: String,
}

impl Demo {
    /// The origin of the single-page app: the page a user opens, and the only CORS origin the API allows.
    #[must_use]
    pub fn spa_origin(&self) -> String {
        format!("http://localhost:{}", self.spa_port)
    }

    /// The origin of the Notes API.
    #[must_use]
    pub fn api_origin(&self) -> String {
        format!("http://localhost:{}", self.api_port)
    }
}

/// The two servers of the demonstration, running.
#[derive(Debug)]
pub struct Running {
    servers: [ServerHandle; 2],
}

impl Running {
    /// Stops both servers once the requests in flight are answered.
    pub async fn stop(self) {
        for server in self.servers {
            server.stop(true).await;
        }
    }
}

/// Starts the single-page app and the Notes API; call it inside an actix system.
///
/// # Errors
/// When a port cannot be bound, or the client that fetches the published keys cannot be made.
pub fn start(demo: &Demo) -> io::Result<Running> {
    let spa = spa::server(demo, loopback(demo.spa_port)?)?;
    let api = resource_server::server(demo, loopback(demo.api_port)?)?;
    Ok(Running { servers: [spawn(spa), spawn(api)] })
}

fn spawn(server: Server) -> ServerHandle {
    let handle = server.handle();
    actix_web::rt::spawn(server);
    handle
}

/// Both loopback addresses: a browser may take `localhost` for either. A machine without IPv6 has only the first.
fn loopback(port: u16) -> io::Result<Vec<TcpListener>> {
    let mut listeners = vec![TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))?];
    match TcpListener::bind(SocketAddr::from((Ipv6Addr::LOCALHOST, port))) {
        Ok(listener) => listeners.push(listener),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => return Err(error),
        Err(error) => tracing::debug!(port, %error, "no IPv6 loopback address"),
    }
    Ok(listeners)
}
