//! `client add --for PROGRAM`: settings for a program that is known, and what to write into its own configuration, filled in.

use clap::{
    Args,
    builder::{PossibleValuesParser, TypedValueParser},
};
use serde::Serialize;

use super::{
    super::{
        Answer, Error,
        output::{self, Format},
        refuse,
    },
    from_json::Given,
    shown::Shown,
};
use crate::{
    config::Issuer,
    operations::presets::{self, Preset, Values},
    protocol::{oauth::client::Client, secrets::sensitive::Sensitive},
};

#[derive(Debug, Args)]
pub struct Program {
    /// The program that it is for, one of those in docs/clients.md: its settings are used, and what to write into its own
    /// configuration is printed. Other options are applied on top
    #[arg(long = "for", value_name = "PROGRAM", value_parser = preset(), conflicts_with_all = ["from_json", "kind"])]
    preset: Option<&'static Preset>,
    #[arg(long, requires = "preset", help = "The address of that program, such as https://grafana.example.com")]
    url: Option<String>,
}

/// A client that was registered for a program.
#[derive(Serialize)]
struct Registered<'a> {
    #[serde(flatten)]
    client: Shown<'a>,
    /// What to write into the program's own configuration.
    application: Vec<Filled>,
}

/// A part of a program's configuration, filled in.
#[derive(Serialize)]
struct Filled {
    place: &'static str,
    lines: String,
}

fn preset() -> impl TypedValueParser<Value = &'static Preset> {
    PossibleValuesParser::new(presets::names()).try_map(|name| presets::find(&name).ok_or("expected a program"))
}

impl Program {
    /// The settings of its client, if one is named.
    pub fn given(&self) -> Result<Option<Given>, Error> {
        let Some(preset) = self.preset else {
            // clap does not require what another option conflicts with.
            return if self.url.is_none() { Ok(None) } else { refuse("--url: expected with --for, received alone") };
        };
        Ok(Some(Given {
            settings: preset.settings(self.url.as_deref())?,
            client_id: Some(preset.name.to_owned()),
            has_scope: preset.client.as_ref().is_some_and(|client| client.contains_key("scope")),
        }))
    }

    /// The client that was registered: as JSON for programs, or without a known program; the lines to copy for people.
    pub fn answer(&self, client: &Client, secret: Option<&Sensitive<String>>, issuer: &Issuer, format: Format) -> Answer {
        let shown = Shown::with_secret(client, secret);
        let Some(preset) = self.preset else { return format.json_for_all(&shown) };
        let values = Values::of(issuer)
            .and("client_id", &client.id)
            .and("client_secret", secret.map_or("", |secret| secret.expose()))
            .and("url", preset.address(self.url.as_deref())?);
        let of_preset = preset.settings(self.url.as_deref())?.redirect_uris;
        let changed: Vec<_> =
            of_preset.iter().zip(&client.settings.redirect_uris).filter(|(of_preset, own)| of_preset != own).collect();
        let fill = |part: &'static presets::Part| {
            let lines = values.fill(&part.lines);
            let lines = changed.iter().fold(lines, |lines, (of_preset, own)| lines.replace(of_preset.as_str(), own));
            Filled { place: &part.place, lines }
        };
        let registered = Registered { client: shown, application: preset.application.iter().map(fill).collect() };
        format.answer(&registered, || text(preset, &registered, &values))
    }
}

fn text(preset: &Preset, registered: &Registered<'_>, values: &Values) -> String {
    let mut text = values.fill(&format!("Registered client {{client_id}} for {}.\n", preset.title));
    let secret = values.fill("{client_secret}");
    if !secret.is_empty() {
        text.extend(["Its secret, which is not shown again: ", &secret, "\n"]);
    }
    for part in &registered.application {
        text.extend(["\n# ", part.place, "\n\n", part.lines.trim_end(), "\n"]);
    }
    if let Some(commands) = &preset.commands {
        text.extend(["\n# On this server as well\n\n", values.fill(commands).trim_end(), "\n"]);
    }
    if let Some(notes) = &preset.notes {
        text.extend(["\n# Notes\n\n", without_links(&values.fill(notes)).trim_end(), "\n"]);
    }
    output::clean_lines(&text)
}

/// Markdown without the targets of its links, which lead to sections of docs/clients.md.
fn without_links(markdown: &str) -> String {
    let mut parts = markdown.split("](#");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        text.push(']');
        text.push_str(part.split_once(')').map_or("", |(_, rest)| rest));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_lose_their_targets() {
        assert_eq!(without_links("The [API](#a-b) (of [x](#x)). `y`"), "The [API] (of [x]). `y`");
        assert_eq!(without_links("[a](https://a.example)"), "[a](https://a.example)");
    }
}
