//! Plumbing between HTTP and the handlers of `endpoints` and `flows`, without policy of its own: request context, replies, cookies,
//! forms, CORS, and the one blocking call to the database.

pub mod authorization_request;
pub mod blocking;
pub mod body;
pub mod cached;
pub mod client_request;
pub mod context;
pub mod cookies;
pub mod cors;
pub mod fault;
pub mod forms;
pub mod headers;
pub mod kept_password;
pub mod keys;
pub mod middleware;
pub mod no_route;
pub mod oauth_error;
pub mod page;
pub mod page_request;
pub mod reply;
pub mod request;
pub mod required_class;
pub mod returning;
pub mod session;
pub mod subject;
pub mod transport;
