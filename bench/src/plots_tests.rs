//! Tests: with or without measurements, the plots are valid SVG files that show them.

use super::*;
use crate::figures::SizePoint;

fn figures(by_size: Vec<SizePoint>, by_load: Vec<LoadPoint>) -> Figures {
    let machine = Machine {
        processor: "Example <R> Processor".into(),
        cores: 2,
        memory_mib: 24_000,
        kernel: "6.1".into(),
        postgres: "15".into(),
        rsa2048_us: 200.0,
        es256_us: 14.0,
        measured_at: "2026-11-22".into(),
        commit: "6317526aaaaaaaaaaaaaaaaaaa".into(),
    };
    Figures { machine, rows: vec![], by_size, by_load }
}

fn size(database: &str, grants: u64, requests_a_second: f64) -> SizePoint {
    SizePoint { database: database.into(), grants, requests_a_second }
}

fn load(offered: f64, answered: f64, p50_ms: f64, p99_ms: f64) -> LoadPoint {
    LoadPoint { offered, answered, refused: offered - answered, p50_ms, p99_ms }
}

/// Both plots, drawn into files; each is one `svg` element with a text alternative.
fn drawn(figures: &Figures) -> [String; 2] {
    let folder = tempfile::tempdir().unwrap();
    draw(figures, folder.path()).unwrap();
    ["performance-size.svg", "performance-load.svg"].map(|name| {
        let svg = fs::read_to_string(folder.path().join(name)).unwrap();
        assert!(svg.starts_with("<svg width=\"720\" ") && svg.ends_with("</svg>\n"), "{name}");
        assert_eq!(["<svg", "<title>", "<desc>", "</svg>"].map(|tag| svg.matches(tag).count()), [1; 4], "{name}");
        assert!(svg.contains("Example &lt;R&gt; Processor, 2 cores; measured 2026-11-22, commit 6317526aaaaa\n"), "{name}");
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{name}");
        svg
    })
}

#[test]
fn what_was_measured_is_drawn_and_told() {
    let by_size = vec![size("SQLite", 100_000, 900.0), size("SQLite", 10_000, 1_000.0), size("PostgreSQL", 10_000, 2_000.6)];
    let by_load = vec![load(500.0, 500.0, 2.0, 9.5), load(4_000.0, 3_000.0, 90.0, 240.0)];
    let [of_size, of_load] = drawn(&figures(by_size, by_load));
    assert!(of_size.contains("SQLite, a second: 1,000 at 10,000 grants, 900 at 100,000 grants. PostgreSQL, a second: 2,001 at"));
    for tick in ["10,000", "100,000", "1,000,000", "10,000,000"] {
        assert_eq!(of_size.matches(&format!("\n{tick}\n")).count(), 1, "{tick}");
    }
    assert_eq!(of_size.matches("<circle").count(), 2, "the points of SQLite");
    assert!(of_load.contains("p99, ms: 9.5 at 500 offered, 240 at 4,000 offered."));
    assert!(of_load.contains("refused (503), a second: 0 at 500 offered, 1,000 at 4,000 offered."));
    for label in ["limit: 250 ms", "10 ms", "100 ms", "answered", "p50 (median)"] {
        assert_eq!(of_load.matches(&format!("\n{label}\n")).count(), 1, "{label}");
    }
}

#[test]
fn without_points_a_plot_says_so() {
    for svg in drawn(&figures(vec![], vec![])) {
        assert!(svg.contains("\nNot measured\n") && !svg.contains("<polyline"));
    }
    let unusable = [f64::NAN, f64::INFINITY, -1.0].map(|number| load(number, number, number, number));
    let [_, of_load] = drawn(&figures(vec![size("SQLite", 0, 5.0)], unusable.to_vec()));
    assert!(of_load.contains("\nNot measured\n"));
}

#[test]
fn one_point_or_strange_ones_are_drawn_as_they_are() {
    for (by_size, by_load) in [
        (vec![size("SQLite", 10_000, 0.0)], vec![load(0.0, 0.0, 0.0, 0.0)]),
        (vec![size("SQLite", 1, 1.0)], vec![load(100.0, 100.0, 1.0, 10.0)]),
        (vec![size("SQLite", u64::MAX, 1e12)], vec![load(1e9, 1.0, 0.000_1, 1e9)]),
        (vec![size("a", 5, 1.0), size("b", 5, 1.0), size("c", 5, 1.0), size("d", 5, 1.0)], vec![load(1.0, 1.0, 250.0, 250.0); 3]),
        (vec![size("SQLite", 10_000, f64::NAN), size("SQLite", 10_000, 3.0)], vec![load(10.0, f64::NAN, f64::NAN, 4.0)]),
    ] {
        let [of_size, _] = drawn(&figures(by_size, by_load));
        assert!(of_size.contains("<circle"));
    }
}
