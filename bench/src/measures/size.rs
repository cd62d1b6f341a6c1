//! Refreshing at ten thousand grants, and at many: the same number of chains, from all over the table.

use crate::{
    database::Kind,
    figures::SizePoint,
    numbers::thousands,
    rows::Found,
    run::{FEW, Run},
    site::Site,
    trouble::Result,
};

/// Numbers of grants between few and many that get a point in the plot.
const BETWEEN: [u64; 2] = [100_000, 1_000_000];

/// Both databases, one after the other.
///
/// # Errors
/// Why one could not be measured.
pub async fn size(run: &mut Run) -> Result<()> {
    let mut result = Ok(());
    for (kind, name) in [(Kind::Postgres, "size-postgres"), (Kind::Sqlite, "size-sqlite")] {
        // The other database is measured all the same.
        result = result.and(on(run, kind, name).await);
    }
    result
}

async fn on(run: &mut Run, kind: Kind, name: &'static str) -> Result<()> {
    let few = run.few(kind)?;
    let before = rate(run, &few).await?;
    keep(run, kind, FEW, before);
    let many = run.many();
    for grants in BETWEEN.into_iter().filter(|grants| *grants < many) {
        let site = Site::make(&run.program, &run.place, kind, grants)?;
        let rate = rate(run, &site).await;
        site.remove()?;
        keep(run, kind, grants, rate?);
    }
    let filling = std::time::Instant::now();
    let site = Site::make(&run.program, &run.place, kind, run.many())?;
    let filled = filling.elapsed().as_secs();
    println!("{} filled with {} grants in {filled} s", kind.name(), thousands(run.many()));
    let many = rate(run, &site).await;
    // Again with few, so that a machine that slows down does so for both.
    let after = rate(run, &few).await;
    site.remove()?;
    let (many, after) = (many?, after?);
    keep(run, kind, run.many(), many);
    let note = format!("with {} before {before:.0}, after {after:.0} requests a second; filled in {filled} s", thousands(FEW));
    run.report(name, Found { ours: many, yardstick: Some(before.midpoint(after)), sound: true, note });
    Ok(())
}

fn keep(run: &mut Run, kind: Kind, grants: u64, requests_a_second: f64) {
    run.by_size.push(SizePoint { database: kind.name().to_owned(), grants, requests_a_second });
}

async fn rate(run: &Run, site: &Site) -> Result<f64> {
    let server = site.serve(&[]).await?;
    let round = run.round(&[&server], &site.rs256).await;
    server.stop().await?;
    Ok(round?.0.rate())
}
