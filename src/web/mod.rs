//! Plumbing between HTTP and the stories of `endpoints` and `people`, without opinions of its own: what a
//! request brings, how an answer looks, cookies, forms, CORS, and the one hop to the database.

pub mod authorization_request;
pub mod body;
pub mod cached;
pub mod client_request;
pub mod cookies;
pub mod cors;
pub mod fault;
pub mod forms;
pub mod headers;
pub mod hop;
pub mod no_route;
pub mod oauth_error;
pub mod page;
pub mod reply;
pub mod request;
pub mod returning;
pub mod session;
pub mod subject;
pub mod transport;
