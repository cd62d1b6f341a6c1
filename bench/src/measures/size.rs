//! Refreshing with ten thousand grants, and with many: the same number of chains, from all over the table.

use crate::{
    database::Kind,
    figures::SizePoint,
    numbers::{mean, thousands, whole_list},
    rows::Found,
    run::{FEW, Run},
    site::Site,
    trouble::Result,
};

/// The number of rounds with few grants, and with many.
const ROUNDS: usize = 3;
/// The numbers of grants between few and many that become points of the plot.
const BETWEEN: [u64; 2] = [100_000, 1_000_000];

/// Both databases, one after the other.
///
/// # Errors
/// The reason why one could not be measured.
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
    let many = run.many();
    for grants in BETWEEN.into_iter().filter(|grants| *grants < many) {
        let site = Site::make(&run.program, &run.place, kind, grants)?;
        let rate = rate(run, &site).await;
        site.remove()?;
        keep(run, kind, grants, rate?);
    }
    let filling = std::time::Instant::now();
    let site = Site::make(&run.program, &run.place, kind, many)?;
    let filled = filling.elapsed().as_secs();
    println!("{} filled with {} grants in {filled} s", kind.name(), thousands(many));
    let rates = alternately(run, &few, &site).await;
    site.remove()?;
    let [with_few, with_many] = rates?;
    let note = format!(
        "in turn {}, with {} {} requests a second; filled in {filled} s",
        whole_list(&with_many),
        thousands(FEW),
        whole_list(&with_few)
    );
    let (ours, yardstick) = (mean(&with_many), mean(&with_few));
    keep(run, kind, FEW, yardstick);
    keep(run, kind, many, ours);
    run.report(name, Found { ours, yardstick: Some(yardstick), sound: true, note });
    Ok(())
}

/// Alternates between few and many grants, so that a machine that slows down affects both alike.
async fn alternately(run: &Run, few: &Site, many: &Site) -> Result<[Vec<f64>; 2]> {
    let (mut with_few, mut with_many) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        with_few.push(rate(run, few).await?);
        with_many.push(rate(run, many).await?);
    }
    Ok([with_few, with_many])
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
