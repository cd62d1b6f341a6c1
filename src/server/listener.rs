//! Listening: serving a connection on them by HTTP/1.1 or HTTPS. Assembled here instead of with actix's own
//! server, because that one reports nothing of a connection before its TLS handshake; everything else is the same.

use std::{io, sync::Arc, time::Duration};

use actix_http::{HttpServiceBuilder, KeepAlive, Protocol, Request, Response, body::BoxBody};
use actix_server::ServerBuilder;
use actix_service::{IntoServiceFactory, Service, ServiceFactory, ServiceFactoryExt, fn_service, map_config};
use actix_tls::accept::TlsError;
use actix_web::{
    App as ActixApp, Error, HttpResponse,
    body::MessageBody,
    dev::{AppConfig, Server, ServiceRequest, ServiceResponse},
    middleware::from_fn,
    rt::net::UnixStream,
    web::Data,
};
use rustls::ServerConfig;

use super::{
    connections::{Connections, bounded},
    limits::{self, Bounds},
    sockets::Socket,
    waiting::{self, Waiting},
};
use crate::{
    app::App,
    config::Config,
    routes::{metrics_routes, routes},
    web::{middleware, transport::UNIX_PEER},
};

/// The maximum time to receive a request head.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// The maximum idle time between requests.
const KEEP_ALIVE: Duration = Duration::from_secs(75);
/// The maximum time to close a finished connection.
const DISCONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// The maximum number of monitoring connections, counted apart from those of callers: the counters are needed most while the server
/// is overloaded.
const OF_MONITORING: usize = 16;

/// How connections are accepted on sockets.
struct Accepting<'a> {
    connections: Arc<Connections>,
    tls: Option<&'a ServerConfig>,
}

/// Serves callers on these sockets, within these limits; by HTTPS if it is configured.
///
/// # Errors
/// When a socket cannot be used.
pub fn serve(
    app: &Data<App>,
    sockets: Vec<Socket>,
    (workers, bounds): (usize, Bounds),
    tls: Option<&ServerConfig>,
) -> io::Result<Server> {
    let connections = Connections::new(bounds.of_one_address, app.config.trusted_proxies.clone());
    let server = Server::build()
        .workers(workers)
        .max_concurrent_connections((bounds.in_all / workers.max(1)).max(1))
        .disable_signals()
        .shutdown_timeout(app.config.shutdown_timeout.as_secs());
    let stopping = server.graceful_shutdown_signal();
    let stopping = move || {
        let stopping = stopping.clone();
        async move { stopping.notified().await }
    };
    let app = app.clone();
    Ok(listening(server, sockets, &Accepting { connections, tls }, stopping, move || routed(&app))?.run())
}

/// Answers callers on these sockets while the database cannot be reached.
///
/// # Errors
/// When a socket cannot be used.
pub fn serve_waiting(
    config: &Config,
    waiting: Data<Waiting>,
    sockets: Vec<Socket>,
    tls: Option<&ServerConfig>,
) -> io::Result<Server> {
    let bounds = Bounds::of(config, limits::open_files());
    let connections = Connections::new(bounds.of_one_address, config.trusted_proxies.clone());
    let server = Server::build().workers(1).max_concurrent_connections(bounds.in_all).disable_signals();
    let service = move || plain(ActixApp::new().app_data(waiting.clone()).configure(waiting::routes));
    Ok(listening(server, sockets, &Accepting { connections, tls }, std::future::pending, service)?.run())
}

/// Serves monitoring on these sockets, by plain HTTP, with its own thread and connections.
///
/// # Errors
/// When a socket cannot be used.
pub fn serve_metrics(app: &Data<App>, sockets: Vec<Socket>) -> io::Result<Server> {
    let connections = Connections::new(OF_MONITORING, Vec::new());
    let server = Server::build().workers(1).max_concurrent_connections(OF_MONITORING).disable_signals();
    let app = app.clone();
    let service = move || plain(ActixApp::new().app_data(app.clone()).configure(metrics_routes)); // too frequent to be logged
    Ok(listening(server, sockets, &Accepting { connections, tls: None }, std::future::pending, service)?.run())
}

/// Answers monitoring on these sockets while the database cannot be reached.
///
/// # Errors
/// When a socket cannot be used.
pub fn serve_waiting_metrics(sockets: Vec<Socket>) -> io::Result<Server> {
    let connections = Connections::new(OF_MONITORING, Vec::new());
    let server = Server::build().workers(1).max_concurrent_connections(OF_MONITORING).disable_signals();
    let service = || plain(ActixApp::new().configure(waiting::metrics_routes));
    Ok(listening(server, sockets, &Accepting { connections, tls: None }, std::future::pending, service)?.run())
}

/// A server that accepts connections on these sockets for this service.
fn listening<S, B, F>(
    mut server: ServerBuilder,
    sockets: Vec<Socket>,
    accepting: &Accepting<'_>,
    stopping: impl Fn() -> F + Clone + Send + 'static,
    service: impl Fn() -> S + Clone + Send + 'static,
) -> io::Result<ServerBuilder>
where
    S: ServiceFactory<Request, Config = (), Error = HttpResponse, InitError = ()> + 'static,
    S::Response: Into<Response<B>> + 'static,
    <S::Service as Service<Request>>::Future: 'static,
    B: MessageBody + 'static,
    F: Future<Output = ()> + 'static,
{
    for socket in sockets {
        let (name, connections) = (format!("http-{socket}"), accepting.connections.clone());
        let (stopping, service) = (stopping.clone(), service.clone());
        server = match (socket, accepting.tls.cloned()) {
            (Socket::Tcp(socket), None) => {
                let address = socket.local_addr()?;
                server.listen(name, socket, move || {
                    let http = builder(stopping.clone()).local_addr(address).finish(service()).tcp();
                    bounded(connections.clone(), http.map_err(Some))
                })?
            }
            (Socket::Tcp(socket), Some(tls)) => {
                let address = socket.local_addr()?;
                server.listen(name, socket, move || {
                    let https = builder(stopping.clone()).local_addr(address).finish(service()).rustls_0_23(tls.clone());
                    let of_http = |error| if let TlsError::Service(error) = error { Some(error) } else { None };
                    bounded(connections.clone(), https.map_err(of_http))
                })?
            }
            (Socket::Unix(socket), _) => server.listen_uds(name, socket, move || {
                fn_service(|stream: UnixStream| async { Ok((stream, Protocol::Http1, Some(UNIX_PEER))) })
                    .and_then(builder(stopping.clone()).finish(service()))
            })?,
        };
    }
    Ok(server)
}

/// The HTTP service of a connection.
fn builder<T, S, F>(stopping: impl Fn() -> F + 'static) -> HttpServiceBuilder<T, S>
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
    plain(routed)
}

/// The service of an application.
fn plain<T, B>(
    application: ActixApp<T>,
) -> impl ServiceFactory<Request, Config = (), Response = ServiceResponse<B>, Error = HttpResponse, InitError = ()>
where
    T: ServiceFactory<ServiceRequest, Config = (), Response = ServiceResponse<B>, Error = Error, InitError = ()> + 'static,
    B: MessageBody + 'static,
{
    let answered = application.into_factory().map_err(|error: Error| error.error_response());
    map_config(answered, |()| AppConfig::default()) // it holds a host name for generated URLs, which are not used here
}
