//! `hookdev trust`

use std::path::PathBuf;

use clap::{Args, ValueHint};

/// `hookdev trust`
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
A config that was found, rather than named with --config, does what it says as long as its endpoints, \
forwards and providers are on this machine. It needs trust to send secrets elsewhere, and to add a \
provider that sends its secret unhashed. Trust covers the current content of the config and of the \
providers it adds.

Examples:
  hookdev trust
  hookdev trust ~/shop/hookdev.toml")]
pub struct Trust {
    /// The config [default: the nearest hookdev.toml, from the working directory upward]
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub file: Option<PathBuf>,
}
