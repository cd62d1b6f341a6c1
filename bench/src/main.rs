//! The benchmark: measures the server against its limits and against another server, prints a table, and stores the figures.
//! `bench/run` starts it with its requirements. The rows are listed in `rows`; how each is measured is `measures`.

mod database;
mod figures;
mod fill;
mod http;
mod load;
mod machine;
mod measures;
mod numbers;
mod plots;
mod process;
mod pure;
mod requests;
mod rows;
mod run;
mod signature;
mod site;
mod table;
mod trouble;
mod yardstick;

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Parser;

use crate::{
    database::Place,
    figures::Figures,
    rows::GROUPS,
    run::Run,
    trouble::{Result, Trouble},
};

/// Measures Symbolon; usually started by bench/run.
#[derive(Parser)]
struct Options {
    /// Short rounds, and 100,000 grants instead of ten million
    #[arg(long)]
    quick: bool,
    /// Write the table and the plots into docs/; only of a run of everything
    #[arg(long, conflicts_with = "groups")]
    document: bool,
    /// The URL of a superuser's database of a throwaway PostgreSQL
    #[arg(long, value_name = "URL")]
    postgres: String,
    /// A directory on disk for databases and logs
    #[arg(long, value_name = "DIR")]
    folder: PathBuf,
    /// The server's binary
    #[arg(long, value_name = "FILE", default_value = "target/release/symbolon")]
    program: PathBuf,
    /// The folder in which criterion has left what the pure parts cost
    #[arg(long, value_name = "DIR", default_value = "target/criterion")]
    criterion: PathBuf,
    /// What to measure, by the names of groups; everything, where none is given
    #[arg(value_name = "GROUP")]
    groups: Vec<String>,
}

fn main() -> ExitCode {
    let measured = begin().map_err(|trouble| trouble.to_string());
    match measured {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(trouble) => {
            eprintln!("bench: {trouble}");
            ExitCode::from(2)
        }
    }
}

/// Runs the benchmark; false when a limit is exceeded.
fn begin() -> Result<bool> {
    let options = Options::parse();
    let chosen = chosen(&options.groups)?;
    // A document that cannot be written is reported before an hour is spent.
    let pure_parts = options.document.then(|| pure::markdown(&options.criterion)).transpose()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let figures = tokio::task::LocalSet::new().block_on(&runtime, measure(&options, &chosen))?;
    println!();
    table::print(&figures.rows);
    let kept = Path::new("build/bench");
    fs::create_dir_all(kept)?;
    fs::write(kept.join("figures.json"), format!("{}\n", serde_json::to_string_pretty(&figures)?))?;
    let markdown = table::markdown(&figures);
    fs::write(kept.join("table.md"), &markdown)?;
    plots::draw(&figures, kept)?;
    if let Some(pure_parts) = pure_parts {
        let document = Path::new("docs/performance.md");
        let text = table::replace(&fs::read_to_string(document)?, "table", &markdown)?;
        fs::write(document, table::replace(&text, "pure parts", &pure_parts)?)?;
        plots::draw(&figures, Path::new("docs/images"))?;
    }
    Ok(figures.rows.iter().all(|row| row.holds))
}

/// The groups whose name begins with a given one.
fn chosen(given: &[String]) -> Result<Vec<&'static str>> {
    let all: Vec<&str> = GROUPS.iter().map(|group| group.name).collect();
    for given in given {
        if !all.iter().any(|name| name.starts_with(given)) {
            return Err(Trouble::new(format!("expected one of {}; received '{given}'", all.join(", "))));
        }
    }
    Ok(all.into_iter().filter(|name| given.is_empty() || given.iter().any(|given| name.starts_with(given))).collect())
}

async fn measure(options: &Options, chosen: &[&'static str]) -> Result<Figures> {
    let place = Place { postgres: options.postgres.clone(), folder: options.folder.clone() };
    let (version, postgres) = place.about_postgres()?;
    let program = fs::canonicalize(&options.program)?;
    let mut run = Run::new(program, PathBuf::from("bench/yardstick"), place, (postgres, options.quick));
    let mut failed = Vec::new();
    for name in chosen {
        println!("{name}");
        if let Err(trouble) = measures::group(&mut run, name).await {
            println!("  {trouble}");
            failed.push((*name, trouble.to_string()));
        }
    }
    let machine = machine::describe(version, &run.signatures)?;
    Ok(Figures { machine, rows: run.rows(chosen, &failed), by_size: run.by_size, by_load: run.by_load })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_chosen_by_the_beginning_of_their_name() {
        assert_eq!(chosen(&[]).unwrap().len(), GROUPS.len());
        assert_eq!(chosen(&["intro".to_owned(), "size".to_owned()]).unwrap(), ["introspection", "size"]);
        assert!(chosen(&["nothing".to_owned()]).is_err());
    }
}
