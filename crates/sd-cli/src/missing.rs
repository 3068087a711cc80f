//! What a smaller build of this program lacks.

#[cfg(not(feature = "hub"))]
use std::path::Path;
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};

#[cfg(not(feature = "hub"))]
use crate::failure::Failure;
use crate::print::complain;

/// The commands that features add, and whether this build has them.
const COMMANDS: [(&str, &str, bool); 6] = [
    ("train", "train", cfg!(feature = "train")),
    ("evaluate", "evaluate", cfg!(feature = "evaluate")),
    ("train-classifier", "evaluate", cfg!(feature = "evaluate")),
    ("tune", "tune", cfg!(feature = "tune")),
    ("serve", "serve", cfg!(feature = "serve")),
    ("worker", "nats", cfg!(feature = "nats")),
];

/// Says how to get a command that this build lacks, if that is what the user asked for.
pub fn complain_of(error: &clap::Error) -> Option<ExitCode> {
    if error.kind() != ErrorKind::InvalidSubcommand {
        return None;
    }
    let ContextValue::String(asked) = error.get(ContextKind::InvalidSubcommand)? else { return None };
    let (command, feature, _) = COMMANDS.iter().find(|(name, _, here)| name == asked && !here)?;
    complain(&format_args!(
        "error: this `sd` was built without `{command}`: build it again with `--features {feature}`"
    ));
    Some(ExitCode::from(2))
}

/// Refuses what may be the name of a model on the hub.
#[cfg(not(feature = "hub"))]
pub fn check_is_path(flag: &str, path: &Path) -> Result<(), Failure> {
    use std::path::Component;

    let mut parts = path.components();
    let may_be_name = parts.clone().count() >= 2 && parts.all(|part| matches!(part, Component::Normal(_)));
    if may_be_name && matches!(path.try_exists(), Ok(false)) {
        let path = path.display();
        return Err(Failure::new(format!(
            "{flag} {path}: no such folder or file here, and this `sd` was built without the hub: build it again with \
             `--features hub` to download models by name"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::*;
    use crate::Cli;

    #[test]
    fn a_command_is_missing_exactly_if_its_feature_is() {
        let cli = Cli::command();
        for (name, feature, here) in COMMANDS {
            assert_eq!(cli.find_subcommand(name).is_some(), here, "{name} with the feature {feature}");
        }
    }

    #[test]
    fn other_words_are_wrong_usage() {
        let error = Cli::try_parse_from(["sd", "draw"]).err().unwrap();
        assert!(complain_of(&error).is_none());
    }
}
