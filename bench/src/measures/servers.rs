//! Server processes: the start-up time of one, and the throughput of two on one database.

use crate::{
    database::Kind,
    numbers::{float, mean, median, whole_list},
    process::Server,
    rows::Found,
    run::Run,
    trouble::Result,
};

const STARTS: usize = 9;
/// The number of rounds through one server, and through two.
const ROUNDS: usize = 4;

/// The time from the start of the process to the first 200 from `/readyz`, on an existing database.
///
/// # Errors
/// The reason why it could not be measured.
pub async fn start(run: &mut Run) -> Result<()> {
    let mut note = String::new();
    let mut figure = 0.0;
    for kind in [Kind::Postgres, Kind::Sqlite] {
        let site = run.few(kind)?;
        let mut times = Vec::new();
        for _ in 0..STARTS {
            let server = site.serve(&[]).await?;
            times.push(server.start.as_secs_f64() * float(1000));
            server.stop().await?;
        }
        let middle = median(times);
        figure = middle.max(figure);
        note = format!("{note}{} {middle:.0} ms; ", kind.name());
    }
    note = format!("{note}each the median of {STARTS}, the slower one counts");
    run.report("start", Found { ours: figure, yardstick: None, sound: true, note });
    Ok(())
}

/// Refreshing through two servers, and through one of them.
///
/// # Errors
/// The reason why it could not be measured.
pub async fn two(run: &mut Run) -> Result<()> {
    let site = run.few(Kind::Postgres)?;
    // As docs/scaling.md advises: more threads on one machine would only take turns.
    let pool_size = (2 * std::thread::available_parallelism()?.get()).to_string();
    let settings = [("SYMBOLON_DATABASE_POOL_SIZE", pool_size.as_str())];
    let (one, other) = (site.serve(&settings).await?, site.serve(&settings).await?);
    // Alternating, and each first equally often, so that a machine that slows down affects both alike.
    let (mut alone, mut together) = (Vec::new(), Vec::new());
    for round_robin in 0..2 * ROUNDS {
        let is_alone = matches!(round_robin % 4, 0 | 3);
        let servers: &[&Server] = if is_alone { &[&one] } else { &[&one, &other] };
        let (round, used) = run.round(servers, &site.rs256).await?;
        if is_alone { &mut alone } else { &mut together }.push((round.rate(), used.server_us(round.answered)));
    }
    let (alone, cpu_alone): (Vec<_>, Vec<_>) = alone.into_iter().unzip();
    let (together, cpu): (Vec<_>, Vec<_>) = together.into_iter().unzip();
    let note = format!(
        "in turn {}, one {}; server CPU for each request {:+.0} µs; database_pool_size {pool_size}",
        whole_list(&together),
        whole_list(&alone),
        mean(&cpu) - mean(&cpu_alone)
    );
    run.report("two-servers", Found { ours: mean(&together), yardstick: Some(mean(&alone)), sound: true, note });
    one.stop().await?;
    other.stop().await
}
