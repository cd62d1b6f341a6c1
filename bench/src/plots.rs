//! The plots of the figures, as SVG for the documentation: throughput by size of the database, latency and responses by load. Their
//! common parts are `panel`.

mod panel;

use std::{fs, io, path::Path};

use plotters::prelude::IntoLogRange;

use crate::figures::{Figures, LoadPoint, Machine};
use panel::{BLUE, Frame, GREY, Line, ORANGE, Picture, Stroke};

/// The latency limit for one refresh in a hundred.
const LIMIT_MS: f64 = 250.0;
const HEIGHT_OF_SIZE: u32 = 380;
const HEIGHT_OF_LOAD: u32 = 600;

/// Writes `performance-size.svg` and `performance-load.svg` into the folder. A plot without points says so.
///
/// # Errors
/// When a file cannot be written.
pub fn draw(figures: &Figures, folder: &Path) -> io::Result<()> {
    fs::write(folder.join("performance-size.svg"), by_size(figures)?)?;
    fs::write(folder.join("performance-load.svg"), by_load(figures)?)
}

fn by_size(figures: &Figures) -> io::Result<String> {
    let mut databases: Vec<&str> = Vec::new();
    for point in &figures.by_size {
        if !databases.contains(&point.database.as_str()) {
            databases.push(&point.database);
        }
    }
    let points = |name: &str| {
        let own = figures.by_size.iter().filter(|point| point.database == name && point.grants > 0);
        #[expect(clippy::cast_precision_loss, reason = "nobody has 2^53 grants")]
        own.map(|point| (point.grants as f64, point.requests_a_second)).collect::<Vec<_>>()
    };
    let strokes = [(ORANGE, Stroke::Solid), (BLUE, Stroke::Dashed), (GREY, Stroke::Dotted)];
    let lines: Vec<_> = databases
        .iter()
        .zip(strokes.into_iter().cycle())
        .map(|(name, (colour, stroke))| Line::new(name, colour, stroke, points(name)))
        .collect();
    let (least, most) = panel::bounds(&lines, |(x, _)| x);
    let top = panel::bounds(&lines, |(_, y)| y).1;
    // A little wider than its ticks, so that no point lies on an edge.
    let x = least.min(10_000.0) / 1.15..most.max(10_000_000.0) * 1.15;

    let mut desc = "Refreshes a second with a growing number of grants in the database.".to_owned();
    for line in &lines {
        line.describe(&mut desc, "grants", "a second");
    }
    let picture = Picture {
        title: "Throughput of refresh, by the number of grants in the database",
        desc: &desc,
        footer: &on(&figures.machine),
        height: HEIGHT_OF_SIZE,
    };
    picture.draw(|area| {
        let frame = Frame { title: "Refreshes a second", x_title: "Grants in the database", x_ticks: 4, y_unit: "" };
        frame.draw(area, x.clone().log_scale(), 0.0..panel::above(top), &lines)
    })
}

fn by_load(figures: &Figures) -> io::Result<String> {
    let points = |y: fn(&LoadPoint) -> f64| figures.by_load.iter().map(|point| (point.offered, y(point))).collect::<Vec<_>>();
    // Zero cannot be shown on a logarithmic axis.
    let times = |y| points(y).into_iter().filter(|(_, y)| *y > 0.0).collect::<Vec<_>>();
    let latencies = [
        Line::new("p50 (median)", BLUE, Stroke::Solid, times(|point| point.p50_ms)),
        Line::new("p99", ORANGE, Stroke::Dashed, times(|point| point.p99_ms)),
    ];
    let answers = [
        Line::new("answered", BLUE, Stroke::Solid, points(|point| point.answered)),
        Line::new("refused (503)", ORANGE, Stroke::Dashed, points(|point| point.refused)),
    ];
    let (least_ms, most_ms) = panel::bounds(&latencies, |(_, y)| y);
    // Wide enough that 100 ms is a tick, whatever was measured.
    let milliseconds = (least_ms * 0.7).min(90.0)..most_ms.max(LIMIT_MS) * 1.4;
    let most = panel::bounds(&latencies, |(x, _)| x).1.max(panel::bounds(&answers, |(x, _)| x).1).max(1.0) * 1.02;
    let top = panel::bounds(&answers, |(_, y)| y).1;

    let mut desc = format!("Latency and answers of refresh under a growing load; the limit is {LIMIT_MS} ms.");
    for (line, unit) in latencies.iter().map(|line| (line, "ms")).chain(answers.iter().map(|line| (line, "a second"))) {
        line.describe(&mut desc, "offered", unit);
    }
    let picture = Picture {
        title: "Latency of refresh, and what is refused, by the load",
        desc: &desc,
        footer: &on(&figures.machine),
        height: HEIGHT_OF_LOAD,
    };
    picture.draw(|area| {
        let (upper, lower) = panel::split(area);
        if latencies.iter().all(|line| line.points.is_empty()) {
            return panel::nothing(area);
        }
        let limit =
            Line::unmarked(&format!("limit: {LIMIT_MS} ms"), GREY, Stroke::Dotted, vec![(0.0, LIMIT_MS), (most, LIMIT_MS)]);
        let with_limit: Vec<_> = latencies.iter().cloned().chain([limit]).collect();
        let frame = Frame { title: "Latency", x_title: "", x_ticks: 8, y_unit: " ms" };
        frame.draw(&upper, 0.0..most, milliseconds.clone().log_scale(), &with_limit)?;
        let frame = Frame { title: "Answers a second", x_title: "Offered, requests a second", x_ticks: 8, y_unit: "" };
        frame.draw(&lower, 0.0..most, 0.0..panel::above(top), &answers)
    })
}

/// The machine, in one line.
fn on(machine: &Machine) -> String {
    let Machine { processor, cores, measured_at, commit, .. } = machine;
    format!("{processor}, {cores} cores; measured {measured_at}, commit {commit:.12}")
}

#[cfg(test)]
#[path = "plots_tests.rs"]
mod tests;
