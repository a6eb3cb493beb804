//! `hookdev unregister`

use clap::Args;

/// `hookdev unregister`
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
`hookdev listen --register` removes its endpoints when it exits. If it is killed, or the API is down, they remain \
at the provider. They are recorded in a journal; this command removes them and nothing else. Endpoints of a \
running `hookdev listen` are kept. The API key is read from the same variable as before.

Examples:
  hookdev unregister
  hookdev unregister --dry-run")]
pub struct UnregisterArgs {
    /// Print the calls instead of making them
    #[arg(long)]
    pub dry_run: bool,
}
