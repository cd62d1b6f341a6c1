//! Connections before there is a request: a limit per address (an excess connection is closed at once, before TLS), and a
//! rate-limited log line, with the address, for connections that fail. The total is limited by the accept thread: it accepts no
//! more, and the rest wait.

use std::{collections::HashMap, net::IpAddr, pin::Pin, rc::Rc, sync::Arc, sync::Mutex, sync::PoisonError, time::Duration};

use actix_http::error::DispatchError;
use actix_service::{Service, ServiceFactory, always_ready, fn_factory};
use actix_web::rt::net::TcpStream;
use ipnet::IpNet;

use crate::{clock::Stopwatch, protocol::values::network};

/// The minimum time between two log lines of one kind.
const EVERY: Duration = Duration::from_secs(10);

/// The open connections, by address.
pub struct Connections {
    open: Mutex<HashMap<String, usize>>,
    of_one_address: usize,
    /// Proxies that all callers come through: their connections are not counted.
    trusted_proxies: Vec<IpNet>,
    refused: Seldom,
    failed: Seldom,
}

/// The slot of one connection, released on drop.
struct Slot {
    connections: Arc<Connections>,
    subscriber: Option<String>,
}

impl Connections {
    /// No connections yet, with this limit per address.
    #[must_use]
    pub fn new(of_one_address: usize, trusted_proxies: Vec<IpNet>) -> Arc<Self> {
        let (refused, failed) = (Seldom::default(), Seldom::default());
        Arc::new(Self { open: Mutex::default(), of_one_address, trusted_proxies, refused, failed })
    }

    /// A slot for a connection from this address, if one is free.
    fn enter(self: &Arc<Self>, address: IpAddr) -> Option<Slot> {
        if self.trusted_proxies.iter().any(|network| network.contains(&address)) {
            return Some(Slot { connections: self.clone(), subscriber: None });
        }
        let subscriber = network::subscriber(address);
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.entry(subscriber.clone()).or_default();
        if *count < self.of_one_address {
            *count += 1;
            return Some(Slot { connections: self.clone(), subscriber: Some(subscriber) });
        }
        drop(open);
        if let Some(count) = self.refused.due() {
            let limit = self.of_one_address;
            tracing::warn!(%address, limit, count, "connections closed: too many from one address (max_connections_per_address)");
        }
        None
    }

    /// Logs why a connection failed.
    fn failed(&self, address: IpAddr, error: &DispatchError) {
        match error {
            // Callers who send nothing, leave, or do not read their response: browsers open connections in advance.
            DispatchError::SlowRequestTimeout
            | DispatchError::DisconnectTimeout
            | DispatchError::HandlerDroppedPayload
            | DispatchError::Io(_) => tracing::debug!(%address, %error, "connection failed"),
            DispatchError::Parse(_) => {
                if let Some(count) = self.failed.due() {
                    tracing::warn!(%address, %error, count, "connections failed: invalid HTTP");
                }
            }
            _ => {
                if let Some(count) = self.failed.due() {
                    tracing::error!(%address, %error, count, "connections failed");
                }
            }
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let Some(subscriber) = &self.subscriber else { return };
        let mut open = self.connections.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(subscriber) {
            *count -= 1;
            if *count == 0 {
                open.remove(subscriber);
            }
        }
    }
}

/// A rate limit on log lines that counts the events in between.
#[derive(Default)]
struct Seldom(Mutex<(Option<Stopwatch>, u64)>);

impl Seldom {
    /// Counts an event; returns the number since the last line, if the next line is due.
    fn due(&self) -> Option<u64> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (last, count) = &mut *state;
        *count += 1;
        if last.is_some_and(|last| last.elapsed() < EVERY) {
            return None;
        }
        *last = Some(Stopwatch::start());
        Some(std::mem::take(count))
    }
}

/// The service of one connection to its end, for as many connections as [`Connections`] has slots. Its errors are those of a
/// request; it has none for a failed handshake.
pub fn bounded<F>(
    connections: Arc<Connections>,
    serving: F,
) -> impl ServiceFactory<TcpStream, Config = (), Response = (), Error = (), InitError = ()>
where
    F: ServiceFactory<TcpStream, Config = (), Response = (), Error = Option<DispatchError>, InitError = ()> + 'static,
{
    let serving = Rc::new(serving);
    fn_factory(move || {
        let (connections, serving) = (connections.clone(), serving.clone());
        async move { Ok::<_, ()>(Bounded { connections, serving: serving.new_service(()).await? }) }
    })
}

struct Bounded<S> {
    connections: Arc<Connections>,
    serving: S,
}

impl<S> Service<TcpStream> for Bounded<S>
where
    S: Service<TcpStream, Response = (), Error = Option<DispatchError>> + 'static,
{
    type Response = ();
    type Error = ();
    type Future = Pin<Box<dyn Future<Output = Result<(), ()>>>>;

    // The TLS acceptor handles 256 handshakes at once per thread and makes further ones wait, so that callers who never finish
    // theirs could exhaust it. Memory is bounded elsewhere: connections are limited, and a handshake has three seconds.
    always_ready!();

    fn call(&self, stream: TcpStream) -> Self::Future {
        let place = stream.peer_addr().ok().and_then(|peer| {
            let address = peer.ip().to_canonical();
            Some((self.connections.enter(address)?, address))
        });
        let Some((place, address)) = place else {
            return Box::pin(async { Err(()) }); // the stream is dropped, and so closed
        };
        let served = self.serving.call(stream);
        Box::pin(async move {
            let result = served.await;
            if let Err(Some(error)) = &result {
                place.connections.failed(address, error);
            }
            drop(place);
            result.map_err(|_| ())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn one_address_has_its_places_and_leaves_others_theirs() {
        let connections = Connections::new(2, vec!["10.0.0.0/8".parse().unwrap()]);
        let enter = |text| connections.enter(address(text));
        let (first, second) = (enter("192.0.2.1"), enter("192.0.2.1"));
        assert!(first.is_some() && second.is_some() && enter("192.0.2.1").is_none());
        assert!(enter("192.0.2.2").is_some(), "another has its own");
        drop(first);
        let again = enter("192.0.2.1");
        assert!(again.is_some() && enter("192.0.2.1").is_none(), "who leaves makes room for one");
        let proxied: Vec<_> = (0..9).map(|_| enter("10.1.2.3")).collect();
        assert!(proxied.iter().all(Option::is_some), "everyone comes from the proxy");
        drop((second, again, proxied));
        assert!(connections.open.lock().unwrap().is_empty(), "nothing is kept of those who left");
    }

    #[test]
    fn a_subscriber_of_ipv6_has_the_whole_network() {
        let connections = Connections::new(1, vec![]);
        let _first = connections.enter(address("2001:db8::1"));
        assert!(connections.enter(address("2001:db8::ffff:2")).is_none());
        assert!(connections.enter(address("2001:db8:0:1::1")).is_some());
    }

    #[test]
    fn a_line_comes_at_once_and_then_with_a_count() {
        let seldom = Seldom::default();
        assert_eq!([seldom.due(), seldom.due(), seldom.due()], [Some(1), None, None]);
        seldom.0.lock().unwrap().0 = None;
        assert_eq!(seldom.due(), Some(3));
    }
}
