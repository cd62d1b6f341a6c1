//! What the tests and the benchmark see of the library: its modules, under their own names. Not part of the program: only the
//! feature `testing` has it, which `dev-dependencies` and the benchmark turn on.

pub mod app {
    pub use crate::app::*;
}
pub mod background {
    pub use crate::background::*;
}
pub mod caches {
    pub use crate::caches::*;
}
pub mod cli {
    pub use crate::cli::*;
}
pub mod clock {
    pub use crate::clock::*;
}
pub mod codes {
    pub use crate::codes::*;
}
pub mod config {
    pub use crate::config::*;
}
pub mod demo {
    pub use crate::demo::*;
}
pub mod display {
    pub use crate::display::*;
}
pub mod endpoints {
    pub use crate::endpoints::*;
}
pub mod flows {
    pub use crate::flows::*;
}
pub mod inspection {
    pub use crate::inspection::*;
}
pub mod jose {
    pub use crate::jose::*;
}
pub mod limits {
    pub use crate::limits::*;
}
pub mod logging {
    pub use crate::logging::*;
}
pub mod mail {
    pub use crate::mail::*;
}
pub mod metrics {
    pub use crate::metrics::*;
}
pub mod operations {
    pub use crate::operations::*;
}
pub mod outbound {
    pub use crate::outbound::*;
}
pub mod pages {
    pub use crate::pages::*;
}
pub mod passwords {
    pub use crate::passwords::*;
}
pub mod paths {
    pub use crate::paths::*;
}
pub mod protocol {
    pub use crate::protocol::*;
}
pub mod random {
    pub use crate::random::*;
}
pub mod routes {
    pub use crate::routes::*;
}
pub mod server {
    pub use crate::server::*;
}
pub mod store {
    pub use crate::store::*;
}
pub mod web {
    pub use crate::web::*;
}
pub mod workers {
    pub use crate::workers::*;
}
