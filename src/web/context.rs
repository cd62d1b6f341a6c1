//! The context of a request: its id, the caller's address, the time.

use std::net::IpAddr;

use crate::protocol::{account::activity::Origin, values::time::Timestamp};

/// The context of a request.
#[derive(Clone, Debug)]
pub struct Context {
    /// The request id, shown on every page and in every log line.
    pub id: String,
    /// The caller's address; only trusted proxies are believed.
    pub address: IpAddr,
    /// The `User-Agent`; at most 300 characters.
    pub user_agent: Option<String>,
    /// The caller's location, where it is known.
    pub place: Option<String>,
    /// The time of arrival.
    pub now: Timestamp,
}

impl Context {
    /// The origin of the request, as it is stored.
    #[must_use]
    pub fn origin(&self) -> Origin {
        Origin { address: Some(self.address.to_string()), place: self.place.clone(), user_agent: self.user_agent.clone() }
    }
}
