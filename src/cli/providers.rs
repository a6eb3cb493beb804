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
  hookdev providers new acme
  hookdev providers new acme --from captures/ --secret env:ACME_WEBHOOK_SECRET
  hookdev providers check webhooks/providers
  hookdev providers schema > provider.schema.json"
)]
pub struct ProvidersArgs {
    /// What to do [default: list]
    #[command(subcommand)]
    pub command: Option<ProvidersCommand>,
}

/// The subcommands of `hookdev providers`.
#[derive(Clone, Debug, Subcommand)]
pub enum ProvidersCommand {
    /// List the known providers: how they sign, the variable for their secret, and where they are defined
    List,
    /// Write a provider directory: a template to fill in, or one learned from captured requests
    New(NewProviderArgs),
    /// Check provider directories: manifest, fixtures, schema and vectors
    Check(CheckProvidersArgs),
    /// Print the JSON Schema of provider.toml, for editors
    Schema,
}

/// `hookdev providers check`
#[derive(Clone, Debug, Args)]
pub struct CheckProvidersArgs {
    /// Provider directories, or directories of them
    #[arg(value_name = "DIR", required = true, value_hint = ValueHint::DirPath)]
    pub dirs: Vec<PathBuf>,
}

/// `hookdev providers new`
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Captures are files in any format that `hookdev verify` reads, or directories of them. With --secret, the \
signature scheme is found by recomputing the signatures, and proven on every capture. Anything that the captures \
can't prove is marked QUESTION in the manifest. Personal values in payloads are replaced.

Examples:
  hookdev providers new acme
  hookdev providers new acme --from captures/ --secret env:ACME_WEBHOOK_SECRET
  hookdev providers new acme --from order.har refund.http --out providers/acme")]
pub struct NewProviderArgs {
    /// The provider's name: a-z, 0-9, - and _
    #[arg(value_name = "NAME")]
    pub name: String,

    /// Learn from these captured requests (- is standard input)
    #[arg(long, value_name = "CAPTURE", num_args = 1.., value_hint = ValueHint::AnyPath)]
    pub from: Vec<PathBuf>,

    /// The URL that the provider called, if it signs the URL [default: the capture's]
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url, requires = "from")]
    pub url: Option<String>,

    /// The directory to write, which must not exist [default: NAME]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub out: Option<PathBuf>,
}
