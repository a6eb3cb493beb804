//! `hookdev unregister`

use clap::Args;

/// `hookdev unregister`
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
`hookdev listen --register` removes what it sets when it ends. If it can't, because it was killed or the \
API was down, the journal of registrations remembers it: this command removes it, and nothing else. What a \
running `hookdev listen` has registered is kept. The API key is read from the same variable as before.

Examples:
  hookdev unregister
  hookdev unregister --dry-run")]
pub struct Unregister {
    /// Print the calls as commands instead of making them
    #[arg(long)]
    pub dry_run: bool,
}
