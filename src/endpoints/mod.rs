//! What machines call, and the authorization endpoint through which users come. A file an endpoint; they do
//! not import one another. Each reads the request, takes one blocking call, and answers.

pub mod authorize;
pub mod discovery;
pub mod health;
pub mod introspect;
pub mod jwks;
pub mod metrics;
pub mod revoke;
pub mod static_files;
pub mod token;
pub mod userinfo;
