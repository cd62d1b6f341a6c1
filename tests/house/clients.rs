//! `docs/clients.md` is written from the programs in `src/operations/presets/`: its table and its sections are compared with them.
//! `SYMBOLON_WRITE_DOCS=1 cargo test --test house clients` writes them.

use std::{env, fmt::Write, fs};

use symbolon::testing::{
    config::Issuer,
    operations::presets::{self, Group, Preset, Tried, Values},
};

use super::source::read;

const DOCUMENT: &str = "docs/clients.md";
const START: &str = "<!-- Written from src/operations/presets by tests/house/clients.rs; what is below is not edited. -->\n";

const GROUPS: [(Group, &str); 9] = [
    (Group::Applications, "Applications"),
    (Group::Proxies, "Web servers and proxies"),
    (Group::Javascript, "JavaScript and TypeScript"),
    (Group::Python, "Python"),
    (Group::Go, "Go"),
    (Group::Java, "Java"),
    (Group::Others, ".NET, Ruby, Perl"),
    (Group::Agents, "Agents (Model Context Protocol)"),
    (Group::Resources, "Resource servers"),
];

fn of(group: Group) -> impl Iterator<Item = &'static Preset> {
    let mut all: Vec<_> = presets::all().iter().filter(|preset| preset.group == group).collect();
    all.sort_by_key(|preset| preset.title.to_lowercase());
    all.into_iter()
}

const fn tried(how: Tried) -> &'static str {
    match how {
        Tried::Tests => "in `tests/run`",
        Tried::MoreClients => "in `tests/more-clients`",
        Tried::ByHand => "by hand",
        Tried::Documentation => "no",
    }
}

/// The anchor that GitHub gives a heading.
fn anchor(title: &str) -> String {
    let kept = title.to_lowercase().replace(' ', "-");
    kept.chars().filter(|c| c.is_alphanumeric() || matches!(c, '-' | '_')).collect()
}

fn table() -> String {
    let mut text =
        "| Program | Version | Tried | What it knows of the user | Refresh | Sign-out |\n|---|---|---|---|---|---|\n".to_owned();
    for preset in GROUPS.iter().flat_map(|(group, _)| of(*group)) {
        let Preset { title, version, knows, refresh, sign_out, .. } = preset;
        let (link, how) = (anchor(title), tried(preset.tried));
        writeln!(text, "| [{title}](#{link}) | {version} | {how} | {knows} | {refresh} | {sign_out} |").unwrap();
    }
    text
}

fn section(preset: &Preset) -> String {
    let url = preset.url.as_deref().unwrap_or_default();
    let values = Values::of(&Issuer::parse("https://id.example.com").unwrap());
    let values = values.and("client_id", preset.name).and("client_secret", "SECRET").and("url", url);
    let mut text = format!("### {}\n", preset.title);
    if preset.client.is_some() {
        let at = if url.is_empty() { String::new() } else { format!(" --url {url}") };
        write!(text, "\n```\nsymbolon client add --for {}{at}\n```\n", preset.name).unwrap();
    }
    if let Some(commands) = &preset.commands {
        write!(text, "\n```\n{}\n```\n", values.fill(commands).trim_end()).unwrap();
    }
    for part in &preset.application {
        let lines = values.fill(&part.lines);
        write!(text, "\n{}:\n\n```{}\n{}\n```\n", part.place, part.language, lines.trim_end()).unwrap();
    }
    if let Some(notes) = &preset.notes {
        write!(text, "\n{}\n", values.fill(notes).trim_end()).unwrap();
    }
    text
}

fn written() -> String {
    let mut text = format!("\n## All\n\n{}", table());
    for (group, heading) in GROUPS {
        write!(text, "\n## {heading}\n").unwrap();
        for preset in of(group) {
            write!(text, "\n{}", section(preset)).unwrap();
        }
    }
    text
}

#[test]
fn the_document_says_what_the_presets_say() {
    let document = read(DOCUMENT);
    let (before, after) = document.split_once(START).unwrap_or_else(|| panic!("{DOCUMENT}: expected the line {START}"));
    let written = written();
    if env::var_os("SYMBOLON_WRITE_DOCS").is_some() {
        fs::write(DOCUMENT, format!("{before}{START}{written}")).unwrap();
    } else {
        assert!(after == written, "{DOCUMENT} differs: SYMBOLON_WRITE_DOCS=1 cargo test --test house clients");
    }
}
