//! `hookdev providers`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint};

/// `hookdev providers`
#[derive(Clone, Debug, Args)]
#[command(
    disable_help_subcommand = true,
    after_help = "\
Examples:
  hookdev providers
  hookdev providers --json
  hookdev providers check webhooks/providers"
)]
pub struct Providers {
    /// What to do [default: list]
    #[command(subcommand)]
    pub command: Option<ProvidersCommand>,
}

/// What `hookdev providers` does.
#[derive(Clone, Debug, Subcommand)]
pub enum ProvidersCommand {
    /// List the known providers: what signs them, their secret's variable, and where they come from
    List,
    /// Check provider directories: manifest, fixtures, schema and vectors
    Check(CheckProviders),
}

/// `hookdev providers check`
#[derive(Clone, Debug, Args)]
pub struct CheckProviders {
    /// Provider directories, or directories of them
    #[arg(value_name = "DIR", required = true, value_hint = ValueHint::DirPath)]
    pub dirs: Vec<PathBuf>,
}
