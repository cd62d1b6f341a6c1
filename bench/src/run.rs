//! The state of a run: its inputs, and the results so far. `measures` add results; `main` begins and ends it.

use std::{cell::OnceCell, net::SocketAddr, path::PathBuf, rc::Rc, time::Duration};

use crate::{
    database::{Kind, Place},
    figures::{LoadPoint, Row, SizePoint},
    load::{Round, Work, closed},
    process::{Server, Usage, Watched},
    rows::{Found, GROUPS},
    signature::{self, Cost},
    site::Site,
    trouble::Result,
};

/// The number of grants in the small databases.
pub const FEW: u64 = 10_000;
/// The default number of connections that send requests.
pub const CONNECTIONS: usize = 16;

/// A run.
pub struct Run {
    /// The server's binary.
    pub program: PathBuf,
    /// The yardstick's folder.
    pub yardstick: PathBuf,
    /// The location of new databases.
    pub place: Place,
    /// The process id of PostgreSQL's postmaster.
    pub postgres: u32,
    /// Whether the rounds are short and the database small.
    pub quick: bool,
    /// Throughput by number of grants.
    pub by_size: Vec<SizePoint>,
    /// Latency by load.
    pub by_load: Vec<LoadPoint>,
    /// The cost of a signature, each time it was measured.
    pub signatures: Vec<Cost>,
    found: Vec<(&'static str, Found)>,
    few: [OnceCell<Rc<Site>>; 2],
}

/// A round with the cost of a signature around it.
pub struct Measured {
    /// The round.
    pub round: Round,
    /// The CPU time it took.
    pub usage: Usage,
    /// One signature: the mean of before and after.
    pub signature: Cost,
    apart: f64,
}

impl Measured {
    /// The server's CPU time per response, in microseconds.
    pub fn server_us(&self) -> f64 {
        self.usage.server_us(self.round.answered)
    }

    /// The note with further results.
    pub fn note(&self) -> String {
        let Self { round, usage, .. } = self;
        let postgres = usage.postgres_us(round.answered);
        let postgres = if postgres > 0.0 { format!(", PostgreSQL {postgres:.0} µs") } else { String::new() };
        let apart =
            if self.apart > 5.0 { format!("; signatures before and after differ by {:.0} %", self.apart) } else { String::new() };
        format!(
            "{:.0} requests a second, p99 {:.1} ms, server {:.0} µs{postgres}{apart}",
            round.rate(),
            round.within_ms(0.99),
            self.server_us()
        )
    }
}

impl Run {
    /// A run without results.
    pub fn new(program: PathBuf, yardstick: PathBuf, place: Place, (postgres, quick): (u32, bool)) -> Self {
        Self {
            program,
            yardstick,
            place,
            postgres,
            quick,
            by_size: Vec::new(),
            by_load: Vec::new(),
            signatures: Vec::new(),
            found: Vec::new(),
            few: [const { OnceCell::new() }; 2],
        }
    }

    /// The duration of a round.
    pub const fn time(&self) -> Duration {
        Duration::from_secs(if self.quick { 4 } else { 10 })
    }

    /// The maximum number of grants.
    pub const fn many(&self) -> u64 {
        if self.quick { 100_000 } else { 10_000_000 }
    }

    /// Stores the result of a row, and prints it at once.
    pub fn report(&mut self, name: &'static str, found: Found) {
        if let Some(requested) = GROUPS.iter().flat_map(|group| group.rows).find(|requested| requested.name == name) {
            crate::table::tell(&requested.found(found.clone(), self.many()));
        }
        self.found.push((name, found));
    }

    /// The rows of the chosen groups, in the order of the table; `failed` tells why a group has no result.
    pub fn rows(&self, chosen: &[&str], failed: &[(&str, String)]) -> Vec<Row> {
        let mut rows = Vec::new();
        for group in GROUPS.iter().filter(|group| chosen.contains(&group.name)) {
            let why =
                failed.iter().find(|(name, _)| *name == group.name).map_or("its group reported nothing", |(_, why)| why.as_str());
            for requested in group.rows {
                let found = self.found.iter().find(|(name, _)| *name == requested.name);
                rows.push(match found {
                    Some((_, found)) => requested.found(found.clone(), self.many()),
                    None => requested.missing(why, self.many()),
                });
            }
        }
        rows
    }

    /// The database with few grants, created when first needed.
    ///
    /// # Errors
    /// When it cannot be created.
    pub fn few(&self, kind: Kind) -> Result<Rc<Site>> {
        let [postgres, sqlite] = &self.few;
        let cell = if kind == Kind::Postgres { postgres } else { sqlite };
        if let Some(site) = cell.get() {
            return Ok(Rc::clone(site));
        }
        let site = Rc::new(Site::make(&self.program, &self.place, kind, FEW)?);
        Ok(Rc::clone(cell.get_or_init(|| site)))
    }

    /// The plan of a round on these servers.
    pub fn plan(&self, addresses: &[SocketAddr]) -> closed::Plan {
        let warm_up = Duration::from_secs(1);
        closed::Plan { addresses: addresses.to_vec(), connections: CONNECTIONS, warm_up, time: self.time() }
    }

    /// A round on these servers without failures.
    ///
    /// # Errors
    /// When something fails.
    pub async fn round<W: Work>(&self, servers: &[&Server], work: &Rc<W>) -> Result<(Round, Usage)> {
        let addresses: Vec<_> = servers.iter().map(|server| server.address).collect();
        let watched = self.watched(servers);
        let (round, usage) = closed::run(&self.plan(&addresses), work, &watched).await?;
        Ok((round.sound()?, usage))
    }

    /// These servers, and PostgreSQL.
    pub fn watched(&self, servers: &[&Server]) -> Watched {
        Watched { servers: servers.iter().map(|server| server.pid()).collect(), postgres: Some(self.postgres) }
    }

    /// A round on one server, with a signature measured right before and right after.
    ///
    /// # Errors
    /// As [`Run::round`].
    pub async fn measure<W: Work>(&mut self, server: &Server, work: &Rc<W>) -> Result<Measured> {
        let before = self.signature()?;
        let (round, usage) = self.round(&[server], work).await?;
        let after = self.signature()?;
        Ok(Measured { round, usage, signature: before.mean(after), apart: after.apart(before) })
    }

    fn signature(&mut self) -> Result<Cost> {
        let cost = signature::measure(if self.quick { 1 } else { 2 })?;
        self.signatures.push(cost);
        Ok(cost)
    }
}
