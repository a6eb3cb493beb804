//! `hookdev trust`: shows what a config may do once it is trusted, and records that it is.

use std::{env, path::Path, sync::Arc};

use super::{
    context::Context,
    exit::{Exit, Failure},
    shared_context::SharedContext,
};
use crate::{
    cli::{FormatArg, GlobalArgs, TrustArgs},
    render::{
        grant::{AddedProvider, ApiGrant, EndpointGrant, ForwardGrant, Grant, SecretGrant, TunnelProgram},
        json,
    },
    store::{
        config::{Config, FILE_NAME},
        trust::TrustStore,
    },
    webhook::{
        provider::catalog::{Catalog, CatalogEntry},
        redact,
        signature::SecretText,
    },
};

/// Trusts a config with its current content.
///
/// # Errors
///
/// If there is no config, it is invalid, or belongs to someone else, or the record can't be written.
pub fn run(global: &GlobalArgs, args: &TrustArgs) -> Result<Exit, Failure> {
    let config = read(args.file.as_deref().or(global.config.as_deref()))?;
    let global = GlobalArgs { providers: Vec::new(), secret: Vec::new(), ..global.clone() };
    let context = Context::of(global, Some(config), SharedContext::default())?;
    let (Some(config), Some(guard)) = (&context.config, &context.guard) else {
        return Err(Failure::usage("nothing to trust: hookdev limits only a config that it finds by itself"));
    };
    let apis = apis(config, guard.providers(), &context.catalog)?;
    let grant = grant(config, guard.providers(), apis);
    let fingerprint = guard.fingerprint()?;
    let store = TrustStore::of_user(|name| env::var_os(name))
        .ok_or_else(|| Failure::usage("can't record trust: no absolute path to a home directory is set"))?;
    match context.format() {
        FormatArg::Json => {
            let mut line = Vec::new();
            json::grant(&grant, &mut line);
            context.terminal.print(&line)?;
        }
        _ if context.global.quiet => {}
        _ => context.terminal.print_text(&grant.to_string())?,
    }
    store
        .add(&fingerprint, &config.path)
        .map_err(|error| Failure::usage(format!("can't record trust in {}", store.dir().display())).because(&error))?;
    context.terminal.note("trusted with its current content; after a change, run `hookdev trust` again");
    Ok(Exit::Success)
}

/// Reads a config as if it had been found, which is how it will be used.
fn read(named: Option<&Path>) -> Result<Config, Failure> {
    let no_dir = |error: std::io::Error| Failure::usage("can't find the working directory").because(&error);
    let working_dir = env::current_dir().map_err(no_dir)?;
    let Some(path) = named else {
        let found = Config::find(&working_dir).ok_or_else(|| {
            Failure::usage(format!("no {FILE_NAME} in {} or above it", working_dir.display()))
                .hint("name one: hookdev trust FILE")
        })?;
        return Ok(Config::read_found(&found, &working_dir)?);
    };
    // It will be found from its own directory, or from a directory below.
    let path = working_dir.join(path);
    let dir = path.parent().and_then(|dir| dir.canonicalize().ok()).unwrap_or(working_dir);
    let path = path.file_name().map(|name| dir.join(name)).unwrap_or(path);
    Ok(Config::read_found(&path, &dir)?)
}

fn grant<'a>(config: &'a Config, added: &'a [Arc<CatalogEntry>], apis: Vec<ApiGrant>) -> Grant<'a> {
    let url = |url: &str| redact::tokens(url).into_owned();
    let mut endpoints: Vec<EndpointGrant> = config
        .provider_configs()
        .filter_map(|provider| Some(EndpointGrant { provider: provider.name.to_owned(), url: url(provider.endpoint?) }))
        .collect();
    endpoints.extend(
        config
            .listen
            .addr
            .as_deref()
            .map(|addr| EndpointGrant { provider: "*".to_owned(), url: url(&format!("http://{addr}/")) }),
    );
    let secrets = config.provider_configs().filter(|provider| !provider.secrets.is_empty());
    Grant {
        config: config.path.to_string_lossy().into_owned(),
        endpoints,
        forwards: config
            .forward
            .iter()
            .map(|forward| ForwardGrant { events: forward.events.clone(), url: url(&forward.to) })
            .collect(),
        secrets: secrets
            .map(|provider| SecretGrant {
                provider: provider.name.to_owned(),
                sources: provider.secrets.iter().map(source).collect(),
            })
            .collect(),
        env_file: config.env_file.as_ref().map(|file| file.to_string_lossy().into_owned()),
        providers: added
            .iter()
            .map(|entry| AddedProvider {
                name: entry.name(),
                source: entry.directory().unwrap_or_default(),
                secret_env: entry.index().secret_env(),
                sends_secret: entry.index().sends_secret,
            })
            .collect(),
        apis,
        tunnels: config
            .tunnels
            .iter()
            .map(|(name, recipe)| TunnelProgram {
                name,
                command: recipe.command.words().collect(),
                env: recipe.env.keys().map(String::as_str).collect(),
            })
            .collect(),
    }
}

/// Where API keys are sent, as set by the config itself or by the manifests of the providers that it adds.
fn apis(config: &Config, added: &[Arc<CatalogEntry>], catalog: &Catalog) -> Result<Vec<ApiGrant>, Failure> {
    let mut apis = Vec::new();
    for entry in catalog.entries() {
        let configured = config.provider(entry.name()).and_then(|provider| provider.api);
        let is_added = added.iter().any(|added| added.name() == entry.name());
        if configured.is_none() && !is_added {
            continue;
        }
        let registration = entry.load()?.registration.as_ref();
        let of_manifest = registration.and_then(|registration| registration.api.as_deref());
        if let Some(url) = configured.or(of_manifest) {
            apis.push(ApiGrant {
                provider: entry.name().to_owned(),
                url: redact::tokens(url).into_owned(),
                key_env: registration.and_then(|registration| registration.key.clone()),
            });
        }
    }
    Ok(apis)
}

/// A source as it is printed, never a literal secret.
fn source(source: &SecretText) -> String {
    let text = source.expose();
    if text.starts_with("env:") || text.starts_with("file:") { text.to_owned() } else { "config".to_owned() }
}
