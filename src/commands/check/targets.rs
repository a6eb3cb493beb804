//! Which providers' handlers are checked, and where they are.

use std::sync::Arc;

use reqwest::Url;

use crate::{
    cli::Check,
    commands::{
        context::Context,
        exit::Failure,
        resolve::{endpoint, provider},
    },
    net::sender::parse_url,
    webhook::provider::Provider,
};

/// A handler, and the provider whose contract it is to keep.
#[derive(Debug)]
pub struct Target {
    /// The provider.
    pub provider: Arc<Provider>,
    /// The handler.
    pub url: Url,
}

/// The handlers that the command line and the config mean.
///
/// # Errors
///
/// When a provider is not known, or a URL is given and nothing says whose it is.
pub fn targets(context: &Context, args: &Check) -> Result<Vec<Target>, Failure> {
    let to = args.to.as_deref().map(parse_url).transpose()?;
    let providers = providers(context, args, to.as_ref())?;
    let target = |provider: Arc<Provider>| {
        let url = endpoint(context, to.as_ref(), Some(&provider))?;
        Ok(Target { provider, url })
    };
    providers.into_iter().map(target).collect()
}

fn providers(context: &Context, args: &Check, to: Option<&Url>) -> Result<Vec<Arc<Provider>>, Failure> {
    let catalog = &context.catalog;
    if !args.provider.is_empty() {
        let mut named: Vec<Arc<Provider>> = Vec::new();
        for name in &args.provider {
            let provider = provider(catalog, name)?;
            if !named.iter().any(|other| other.name == provider.name) {
                named.push(provider);
            }
        }
        return Ok(named);
    }
    if let Some(provider) = to.and_then(|to| to.path_segments()?.rev().find_map(|segment| catalog.get(segment))) {
        return Ok(vec![Arc::clone(provider)]);
    }
    let has_endpoint =
        |name: &str| context.config.as_ref().and_then(|config| config.provider(name)?.endpoint).is_some();
    let configured: Vec<Arc<Provider>> =
        catalog.providers().filter(|provider| has_endpoint(&provider.name)).cloned().collect();
    match (to, configured.len()) {
        (None, 0) => Ok(catalog.providers().cloned().collect()),
        (None, _) | (Some(_), 1) => Ok(configured),
        (Some(_), _) => Err(Failure::usage("nothing says which provider's handler this is: --provider names it")
            .hint(format!("the providers are {}", catalog.names().collect::<Vec<_>>().join(", ")))),
    }
}
