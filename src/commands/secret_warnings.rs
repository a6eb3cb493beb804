//! What commands say about secrets that are missing, public, or unable to sign.

use std::sync::Arc;

use super::{
    exit::Failure,
    names::{MAX_LISTED, listed},
};
use crate::webhook::{
    keyring::Keyring,
    provider::{Provider, catalog::Catalog},
};

/// A warning about providers whose public development secret is used, if there are any.
pub fn development_warning(catalog: &Catalog, keyring: &Keyring, providers: &[&str]) -> Option<String> {
    let names: Vec<&str> = providers.iter().filter(|name| keyring.has_development(name)).copied().collect();
    let plural = if names.len() == 1 { "" } else { "s" };
    let list = affected(catalog, &names, providers);
    (!names.is_empty())
        .then(|| format!("using the public development secret{plural} for {list}; {}", set_secrets(catalog, &names)))
}

/// A warning about providers whose signed deliveries are rejected, because their public development secret is the only one
/// known, and it is not accepted.
pub fn no_secret_warning(catalog: &Catalog, keyring: &Keyring, providers: &[&str]) -> Option<String> {
    let names: Vec<&str> = providers.iter().filter(|name| keyring.has_only_development(name)).copied().collect();
    let (list, fix) = (affected(catalog, &names, providers), set_secrets(catalog, &names));
    let whose = if names.len() == 1 { "its" } else { "their" };
    (!names.is_empty())
        .then(|| format!("no secret of your own is set for {list}, so {whose} signed deliveries are rejected; {fix}"))
}

/// Which of the providers that sign a warning is about: their names, or where those are many, the names of the others.
fn affected(catalog: &Catalog, names: &[&str], providers: &[&str]) -> String {
    if names.len() <= MAX_LISTED {
        return listed(names);
    }
    let signing = catalog.entries().filter(|entry| !entry.index().secrets.is_empty());
    let signing: Vec<&str> = signing.map(|entry| entry.name()).collect();
    let others: Vec<&str> = signing.iter().filter(|name| !names.contains(name)).copied().collect();
    match others.as_slice() {
        // Of some, the rest is not known to have secrets.
        _ if !signing.iter().all(|name| providers.contains(name)) => listed(names),
        [] => "all providers".to_owned(),
        others if others.len() <= MAX_LISTED => format!("all providers except {}", others.join(", ")),
        _ => listed(names),
    }
}

/// How to set the secrets of these providers.
pub fn set_secrets(catalog: &Catalog, providers: &[&str]) -> String {
    match providers {
        [name] => {
            let variable = catalog.entry(name).and_then(|entry| entry.index().secret_env());
            variable.map_or_else(|| "pass yours with --secret".to_owned(), |name| format!("set {name} to use yours"))
        }
        _ => "pass yours with --secret PROVIDER=SOURCE".to_owned(),
    }
}

/// Checks that every provider that signs has a secret to sign with, which a public key is not.
///
/// # Errors
///
/// If one has none.
pub fn require_secrets<'a>(
    keyring: &Keyring,
    providers: impl IntoIterator<Item = &'a Arc<Provider>>,
) -> Result<(), Failure> {
    for provider in providers {
        let (name, title) = (&provider.name, &provider.title);
        if provider.schemes.is_empty() {
            continue;
        }
        let Some(secret) = keyring.secrets(name).first() else {
            let hint = "none of the secrets listed in the config could be found; pass one with";
            return Err(Failure::usage(format!("no secret to sign {title} deliveries with"))
                .hint(format!("{hint} --secret {name}=SOURCE")));
        };
        let signing = provider.schemes.iter().find(|scheme| scheme.reads(secret));
        if !signing.is_some_and(|scheme| scheme.can_sign(secret)) {
            let message = format!("{title}'s secret is a public key, which can verify deliveries but not sign them");
            return Err(Failure::usage(message).hint(format!("pass a private key with --secret {name}=SOURCE")));
        }
    }
    Ok(())
}
