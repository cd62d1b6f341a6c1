//! The measurement of each row: a file per topic, a function per group of `rows`. Each starts the servers it needs, and stops them.

mod authorize;
mod memory;
mod overload;
mod reads;
mod servers;
mod size;
mod tokens;

use crate::{
    run::Run,
    trouble::{Result, Trouble},
};

/// Runs the measurements of a group.
///
/// # Errors
/// The reason why a row of it could not be measured.
pub async fn group(run: &mut Run, name: &str) -> Result<()> {
    match name {
        "refresh" => tokens::refresh(run).await,
        "client-credentials" => tokens::client_credentials(run).await,
        "introspection" => reads::introspection(run).await,
        "published" => reads::published(run).await,
        "authorize" => authorize::authorize(run).await,
        "memory" => memory::memory(run).await,
        "start" => servers::start(run).await,
        "two-servers" => servers::two(run).await,
        "overload" => overload::overload(run).await,
        "size" => size::size(run).await,
        _ => Err(Trouble::new(format!("no measure for {name}"))),
    }
}
