//! The endpoints that machines call, and the authorization endpoint at which users arrive. One file per endpoint; they do not
//! import one another. Each reads the request, makes one blocking call, and answers.

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
pub mod well_known;
