//! Renamed commands and options. The old name is a hidden alias in clap (`alias`; `visible_alias` is for two names that are both
//! current): it still works, and a warning made here tells the new name. So does a hidden option that is now the value of another one.

use std::ffi::OsString;

use clap::{Arg, Command};

/// Hidden options, and what stands for them now.
const REPLACED: [(&str, &str); 2] = [("pkce-optional", "pkce optional"), ("no-pkce-optional", "pkce required")];

/// Warnings about old names among these arguments, the first of which is the program; they were parsed without an error.
pub fn warnings(mut command: Command, arguments: impl IntoIterator<Item = OsString>) -> Vec<String> {
    command.build(); // adds global options to every command
    let (mut at, mut warnings) = (&command, Vec::new());
    let mut arguments = arguments.into_iter().skip(1).map(|argument| argument.to_string_lossy().into_owned());
    while let Some(argument) = arguments.next().filter(|argument| argument != "--") {
        if let Some(option) = argument.strip_prefix("--") {
            let (name, value) = option.split_once('=').map_or((option, None), |(name, value)| (name, Some(value)));
            let Some(found) = at.get_arguments().find(|arg| arg.get_long() == Some(name) || is_old_option(arg, name)) else {
                continue;
            };
            let replaced = REPLACED.iter().find(|(old, _)| *old == name).map(|(_, present)| *present);
            if let Some(present) = replaced.or_else(|| found.get_long().filter(|_| is_old_option(found, name))) {
                warnings.push(format!("--{name} was renamed to --{present}"));
            }
            if value.is_none() && found.get_num_args().is_some_and(|count| count.min_values() > 0) {
                arguments.next(); // its value, which may look like a command
            }
        } else if let Some(found) = at.find_subcommand(&argument) {
            if is_old_command(found, &argument) {
                warnings.push(format!("the command {argument} was renamed to {}", found.get_name()));
            }
            at = found;
        }
    }
    warnings
}

fn is_old_option(option: &Arg, name: &str) -> bool {
    let is_in = |names: Option<Vec<&str>>| names.is_some_and(|names| names.contains(&name));
    is_in(option.get_all_aliases()) && !is_in(option.get_visible_aliases())
}

fn is_old_command(command: &Command, name: &str) -> bool {
    command.get_all_aliases().any(|alias| alias == name) && !command.get_visible_aliases().any(|alias| alias == name)
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser, Subcommand};

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[arg(long, global = true, alias = "settings")]
        config: Option<String>,
        #[command(subcommand)]
        command: Noun,
    }

    #[derive(Debug, Subcommand)]
    enum Noun {
        #[command(alias = "person")]
        User {
            #[command(subcommand)]
            command: Verb,
        },
    }

    #[derive(Debug, Subcommand)]
    enum Verb {
        #[command(visible_alias = "ls")]
        List {
            #[arg(long, alias = "at-most", visible_alias = "max")]
            limit: Option<u32>,
            #[arg(long, alias = "terse")]
            short: bool,
            #[arg(long, hide = true)]
            pkce_optional: bool,
            name: Vec<String>,
        },
    }

    fn said(line: &str) -> Vec<String> {
        let arguments: Vec<_> = std::iter::once("symbolon").chain(line.split(' ')).map(OsString::from).collect();
        Line::try_parse_from(&arguments).unwrap();
        warnings(Line::command(), arguments)
    }

    #[test]
    fn each_former_name_is_told_and_nothing_else() {
        let [limit, user] = ["--at-most was renamed to --limit", "the command person was renamed to user"];
        for (line, expected) in [
            ("user list --limit 3 --short", &[][..]),
            ("user ls --max 3", &[]),
            ("user list --at-most 3", &[limit]),
            ("user list --at-most=3", &[limit]),
            ("person list --terse person", &[user, "--terse was renamed to --short"]),
            ("--config person user list", &[]),
            ("--settings person user list person", &["--settings was renamed to --config"]),
            ("user list --settings x", &["--settings was renamed to --config"]),
            ("user list --pkce-optional", &["--pkce-optional was renamed to --pkce optional"]),
            ("user list -- --at-most person", &[]),
        ] {
            assert_eq!(said(line), expected, "{line}");
        }
    }
}
