//! What a config may do once it is trusted.

use std::fmt;

use serde::Serialize;

use super::{diagnostic::inline, shell};

/// What a config may do. Contains no secrets, and only redacted URLs.
#[derive(Debug, Serialize)]
pub struct Grant<'a> {
    /// The config's path.
    pub config: String,
    /// Where deliveries are sent.
    pub endpoints: Vec<EndpointGrant>,
    /// Where deliveries are forwarded.
    pub forwards: Vec<ForwardGrant>,
    /// Where secrets come from.
    pub secrets: Vec<SecretGrant>,
    pub env_file: Option<String>,
    /// The providers that it adds.
    pub providers: Vec<AddedProvider<'a>>,
    /// Where the keys of the providers' APIs are sent.
    pub apis: Vec<ApiGrant>,
    /// The programs that it starts for tunnels.
    pub tunnels: Vec<TunnelProgram<'a>>,
}

/// A program that a config starts for a tunnel.
#[derive(Debug, Serialize)]
pub struct TunnelProgram<'a> {
    /// The name of the tunnel.
    pub name: &'a str,
    /// The program and its arguments.
    pub command: Vec<&'a str>,
    /// The variables that it sets for it.
    pub env: Vec<&'a str>,
}

/// Where the deliveries of a provider are sent.
#[derive(Debug, Serialize)]
pub struct EndpointGrant {
    /// The provider's name; `*` for all without an endpoint of their own.
    pub provider: String,
    /// The endpoint.
    pub url: String,
}

/// Where the key of a provider's API is sent.
#[derive(Debug, Serialize)]
pub struct ApiGrant {
    /// The provider's name.
    pub provider: String,
    /// The base URL of the API.
    pub url: String,
    /// The environment variable that the key is read from.
    pub key_env: Option<String>,
}

/// Where deliveries are forwarded.
#[derive(Debug, Serialize)]
pub struct ForwardGrant {
    /// A glob of event names.
    pub events: String,
    /// The handler.
    pub url: String,
}

/// Where a provider's secrets come from.
#[derive(Debug, Serialize)]
pub struct SecretGrant {
    /// The provider's name.
    pub provider: String,
    /// `env:NAME`, `file:PATH`, or `config` for a literal secret.
    pub sources: Vec<String>,
}

/// A provider that a config adds.
#[derive(Debug, Serialize)]
pub struct AddedProvider<'a> {
    pub name: &'a str,
    /// Its directory.
    pub source: &'a str,
    /// The environment variable that its secret is read from.
    pub secret_env: Option<&'a str>,
    /// Whether its requests contain the secret itself or a part of it.
    pub sends_secret: bool,
}

/// One line for each permission, below the path of the config. Text from the config can't start a line.
impl fmt::Display for Grant<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", inline(&self.config))?;
        for EndpointGrant { provider, url } in &self.endpoints {
            let whose = if provider == "*" { "other" } else { provider };
            writeln!(f, "  sends {} deliveries to {}", inline(whose), inline(url))?;
        }
        for ForwardGrant { events, url } in &self.forwards {
            writeln!(f, "  forwards {} to {}", inline(events), inline(url))?;
        }
        for SecretGrant { provider, sources } in &self.secrets {
            let sources: Vec<String> = sources.iter().map(|source| inline(words(source))).collect();
            writeln!(f, "  reads the secret of {} from {}", inline(provider), sources.join(", "))?;
        }
        if let Some(env_file) = &self.env_file {
            writeln!(f, "  reads variables from {}", inline(env_file))?;
        }
        for AddedProvider { name, source, secret_env, sends_secret } in &self.providers {
            write!(f, "  adds the provider {name} from {}", inline(source))?;
            if let Some(variable) = secret_env {
                write!(f, ", with the secret in {}", inline(variable))?;
            }
            writeln!(f, "{}", if *sends_secret { ", which it sends unhashed" } else { "" })?;
        }
        for ApiGrant { provider, url, key_env } in &self.apis {
            write!(f, "  sends the API key of {} to {}", inline(provider), inline(url))?;
            match key_env {
                Some(variable) => writeln!(f, ", with the key in {}", inline(variable))?,
                None => writeln!(f)?,
            }
        }
        for TunnelProgram { name, command, env } in &self.tunnels {
            let words: Vec<String> = command.iter().map(|word| shell::word(word)).collect();
            write!(f, "  starts `{}` for the tunnel {}", inline(&words.join(" ")), inline(name))?;
            if !env.is_empty() {
                write!(f, ", with {}", inline(&env.join(", ")))?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

fn words(source: &str) -> &str {
    if source == "config" { "a literal in the config" } else { source }
}
