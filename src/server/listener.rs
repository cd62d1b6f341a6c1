//! Listening: the sockets, and what serves a connection on them, by HTTP/1.1 or by HTTPS. Put together here, and not by the web
//! framework's own server, because that one can say nothing of a connection before its TLS handshake; everything else is as there.

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
    routes::{metrics_routes, routes},
    web::request,
};

/// How many connections wait in the kernel to be accepted.
const BACKLOG: i32 = 1024;
/// How long the head of a request may take.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a connection may be idle between requests.
const KEEP_ALIVE: Duration = Duration::from_secs(75);
/// How long a connection that is over may take to close.
const DISCONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// How many connections monitoring may have open at once, apart from those of callers: what it tells is wanted most while they
/// are too many.
const OF_MONITORING: usize = 16;

/// Sockets on every address of `host:port`. One address may be missing on this machine, as that of IPv6 often is.
///
/// # Errors
/// When the name cannot be resolved, none of its addresses is of this machine, or one is in use.
pub fn bind(listen: &str) -> io::Result<Vec<TcpListener>> {
    let mut addresses: Vec<SocketAddr> = Vec::new();
    for address in listen.to_socket_addrs()? {
        if !addresses.contains(&address) {
            addresses.push(address); // resolvers give the same one twice
        }
    }
    let (mut sockets, mut missing) = (Vec::new(), None);
    for address in addresses {
        match bind_one(address) {
            Ok(socket) => sockets.push(socket),
            // Another program that has this address would get some of the callers.
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

/// Serves callers on these sockets, within these bounds; by HTTPS where there is a configuration for it.
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

/// Serves monitoring on these sockets, by plain HTTP, with a thread and connections of its own.
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

/// How a connection is served.
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

/// What answers a request.
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
        ActixApp::new().app_data(app.clone()).wrap(from_fn(request::around)).configure(move |config| routes(config, &base));
    let answered = routed.into_factory().map_err(|error: Error| error.error_response());
    map_config(answered, |()| AppConfig::default()) // it names a host for links, which we never ask it for
}

/// What answers monitoring, which asks too often for its requests to be logged.
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
