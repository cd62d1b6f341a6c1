//! Listening: the sockets, and serving a connection on them by HTTP/1.1 or HTTPS. Assembled here instead of with actix's own
//! server, because that one reports nothing of a connection before its TLS handshake; everything else is the same.

use std::{
    io,
    net::{SocketAddr, TcpListener, ToSocketAddrs},
    time::Duration,
};

use actix_http::{HttpServiceBuilder, KeepAlive, Request, Response, body::BoxBody};
use actix_service::{IntoServiceFactory, Service, ServiceFactory, ServiceFactoryExt, map_config};
use actix_tls::accept::TlsError;
use actix_web::{
    App as ActixApp, Error, HttpResponse,
    body::MessageBody,
    dev::{AppConfig, Server, ServiceResponse},
    middleware::from_fn,
    web::Data,
};
use rustls::ServerConfig;
use socket2::{Domain, Protocol, Socket, Type};

use super::{
    connections::{Connections, bounded},
    limits::Bounds,
};
use crate::{
    app::App,
    protocol::values::once_each::once_each,
    routes::{metrics_routes, routes},
    web::middleware,
};

/// The kernel's backlog of connections to be accepted.
const BACKLOG: i32 = 1024;
/// The maximum time to receive a request head.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// The maximum idle time between requests.
const KEEP_ALIVE: Duration = Duration::from_secs(75);
/// The maximum time to close a finished connection.
const DISCONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// The maximum number of monitoring connections, counted apart from those of callers: the counters are needed most while the server
/// is overloaded.
const OF_MONITORING: usize = 16;

/// Sockets on every address of `host:port`. An address may be absent from this machine, as IPv6 often is.
///
/// # Errors
/// When the name cannot be resolved, this machine has none of its addresses, or one is in use.
pub fn bind(listen: &str) -> io::Result<Vec<TcpListener>> {
    let addresses = once_each(listen.to_socket_addrs()?); // resolvers may return an address twice
    let (mut sockets, mut missing) = (Vec::new(), None);
    for address in addresses {
        match bind_one(address) {
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

fn bind_one(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// Serves callers on these sockets, within these limits; by HTTPS if it is configured.
///
/// # Errors
/// When a socket cannot be used.
pub fn serve(
    app: &Data<App>,
    sockets: Vec<TcpListener>,
    (workers, bounds): (usize, Bounds),
    tls: Option<&ServerConfig>,
) -> io::Result<Server> {
    let connections = Connections::new(bounds.of_one_address, app.config.trusted_proxies.clone());
    let mut server = Server::build()
        .workers(workers)
        .max_concurrent_connections((bounds.in_all / workers.max(1)).max(1))
        .disable_signals()
        .shutdown_timeout(app.config.shutdown_timeout.as_secs());
    let stopping = server.graceful_shutdown_signal();
    let stopping = move || {
        let stopping = stopping.clone();
        async move { stopping.notified().await }
    };
    for socket in sockets {
        let (app, connections, address) = (app.clone(), connections.clone(), socket.local_addr()?);
        let (stopping, name) = (stopping.clone(), format!("http-{address}"));
        server = match tls.cloned() {
            None => server.listen(name, socket, move || {
                let http = builder(stopping.clone(), address).finish(routed(&app)).tcp();
                bounded(connections.clone(), http.map_err(Some))
            })?,
            Some(tls) => server.listen(name, socket, move || {
                let https = builder(stopping.clone(), address).finish(routed(&app)).rustls_0_23(tls.clone());
                let of_http = |error| if let TlsError::Service(error) = error { Some(error) } else { None };
                bounded(connections.clone(), https.map_err(of_http))
            })?,
        };
    }
    Ok(server.run())
}

/// Serves monitoring on these sockets, by plain HTTP, with its own thread and connections.
///
/// # Errors
/// When a socket cannot be used.
pub fn serve_metrics(app: &Data<App>, sockets: Vec<TcpListener>) -> io::Result<Server> {
    let connections = Connections::new(OF_MONITORING, Vec::new());
    let mut server = Server::build().workers(1).max_concurrent_connections(OF_MONITORING).disable_signals();
    for socket in sockets {
        let (app, connections, address) = (app.clone(), connections.clone(), socket.local_addr()?);
        server = server.listen(format!("metrics-{address}"), socket, move || {
            let http = builder(std::future::pending, address).finish(monitored(&app)).tcp();
            bounded(connections.clone(), http.map_err(Some))
        })?;
    }
    Ok(server.run())
}

/// The HTTP service of a connection.
fn builder<T, S, F>(stopping: impl Fn() -> F + 'static, address: SocketAddr) -> HttpServiceBuilder<T, S>
where
    S: ServiceFactory<Request, Config = ()>,
    S::Error: Into<Response<BoxBody>> + 'static,
    S::InitError: std::fmt::Debug,
    <S::Service as Service<Request>>::Future: 'static,
    F: Future<Output = ()> + 'static,
{
    HttpServiceBuilder::default()
        .graceful_shutdown_signal(stopping)
        .keep_alive(KeepAlive::Timeout(KEEP_ALIVE))
        .client_request_timeout(REQUEST_TIMEOUT)
        .client_disconnect_timeout(DISCONNECT_TIMEOUT)
        .local_addr(address)
}

/// The service for requests.
fn routed(
    app: &Data<App>,
) -> impl ServiceFactory<
    Request,
    Config = (),
    Response = ServiceResponse<impl MessageBody + use<>>,
    Error = HttpResponse,
    InitError = (),
> + use<> {
    let base = app.config.issuer.base().to_owned();
    let routed =
        ActixApp::new().app_data(app.clone()).wrap(from_fn(middleware::around)).configure(move |config| routes(config, &base));
    let answered = routed.into_factory().map_err(|error: Error| error.error_response());
    map_config(answered, |()| AppConfig::default()) // it holds a host name for generated URLs, which are not used here
}

/// The service for monitoring, whose requests are too frequent to be logged.
fn monitored(
    app: &Data<App>,
) -> impl ServiceFactory<
    Request,
    Config = (),
    Response = ServiceResponse<impl MessageBody + use<>>,
    Error = HttpResponse,
    InitError = (),
> + use<> {
    let routed = ActixApp::new().app_data(app.clone()).configure(metrics_routes);
    let answered = routed.into_factory().map_err(|error: Error| error.error_response());
    map_config(answered, |()| AppConfig::default())
}
