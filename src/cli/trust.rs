//! `hookdev trust`

use std::path::PathBuf;

use clap::{Args, ValueHint};

/// `hookdev trust`
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Without trust, a config that hookdev found, rather than one named with --config, can't send signed deliveries, \
captured requests, forwards or API keys to other machines, start a tunnel program of its own, or add a \
provider that sends its secret unhashed. Trust covers the current content of the config and of the \
providers it adds.

Examples:
  hookdev trust
  hookdev trust ~/shop/hookdev.toml")]
pub struct TrustArgs {
    /// The config [default: the nearest hookdev.toml, from the working directory upward]
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub file: Option<PathBuf>,
}
