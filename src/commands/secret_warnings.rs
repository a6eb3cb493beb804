//! Warnings and errors about secrets that are missing, public, or unable to sign.

use std::{collections::BTreeSet, sync::Arc};

use super::{
    exit::Failure,
    names::{MAX_LISTED, listed},
};
use crate::webhook::{
    keyring::{Keyring, SecretSource},
    provider::{Provider, catalog::Catalog},
    signature::{SigningSecret, asymmetric::Family},
    time::Timestamp,
};

/// A warning about providers whose public development secret is in use, if there are any.
pub fn development_warning(catalog: &Catalog, keyring: &Keyring, providers: &[&str]) -> Option<String> {
    let (using, fix) = development(catalog, keyring, providers)?;
    Some(format!("{using}; {fix}"))
}

/// The same warning for a tunnel that does not accept development secrets.
pub fn tunnel_warning(catalog: &Catalog, keyring: &Keyring, providers: &[&str]) -> Option<String> {
    let (using, fix) = development(catalog, keyring, providers)?;
    Some(format!(
        "{using}, but not through the tunnel, where deliveries signed that way are rejected; {fix}, or accept them with \
         --allow-development"
    ))
}

/// The providers whose public development secret is in use, and how to set their own secrets, in words. `None` if there
/// are no such providers.
fn development(catalog: &Catalog, keyring: &Keyring, providers: &[&str]) -> Option<(String, String)> {
    let names: Vec<&str> = providers.iter().filter(|name| keyring.has_development(name)).copied().collect();
    let plural = if names.len() == 1 { "" } else { "s" };
    let list = affected(catalog, &names, providers, "all providers");
    (!names.is_empty()).then(|| {
        (format!("using the public development secret{plural} for {list}"), set_secrets(catalog, keyring, &names))
    })
}

/// A warning about providers whose signed deliveries are rejected, because only their public development secret is
/// known and it is not accepted.
pub fn no_secret_warning(catalog: &Catalog, keyring: &Keyring, providers: &[&str]) -> Option<String> {
    let names: Vec<&str> = providers.iter().filter(|name| keyring.has_only_development(name)).copied().collect();
    let (list, fix) = (affected(catalog, &names, providers, "any provider"), set_secrets(catalog, keyring, &names));
    let whose = if names.len() == 1 { "its" } else { "their" };
    (!names.is_empty())
        .then(|| format!("no secret of your own is set for {list}, so {whose} signed deliveries are rejected; {fix}"))
}

/// The providers that a warning is about: their names, or, if there are many, `all` except the others.
fn affected(catalog: &Catalog, names: &[&str], providers: &[&str], all: &str) -> String {
    if names.len() <= MAX_LISTED {
        return listed(names);
    }
    let signing = catalog.entries().filter(|entry| !entry.index().secrets.is_empty());
    let signing: Vec<&str> = signing.map(|entry| entry.name()).collect();
    let others: Vec<&str> = signing.iter().filter(|name| !names.contains(name)).copied().collect();
    match others.as_slice() {
        // If only some providers are considered, nothing is known about the others' secrets.
        _ if !signing.iter().all(|name| providers.contains(name)) => listed(names),
        [] => all.to_owned(),
        others if others.len() <= MAX_LISTED => format!("{all} except {}", others.join(", ")),
        _ => listed(names),
    }
}

/// How to set the secrets of these providers.
pub fn set_secrets(catalog: &Catalog, keyring: &Keyring, providers: &[&str]) -> String {
    match providers {
        [name] => {
            let variable = catalog.entry(name).and_then(|entry| {
                let secrets = entry.index().secrets.iter();
                let scheme = development_scheme(keyring, name);
                let mut of_scheme = secrets.filter(|rule| rule.scheme.as_deref() == scheme);
                of_scheme.find_map(|rule| rule.env.as_deref()).or_else(|| entry.index().secret_env())
            });
            variable.map_or_else(|| "pass yours with --secret".to_owned(), |name| format!("set {name} to use yours"))
        }
        _ => "pass yours with --secret PROVIDER=SOURCE".to_owned(),
    }
}

/// The scheme that a provider's public development secret is for, if it is for just one.
fn development_scheme<'a>(keyring: &'a Keyring, provider: &str) -> Option<&'a str> {
    let is_public = |index: &usize| keyring.source(provider, *index) == Some(&SecretSource::Development);
    let secrets = keyring.secrets(provider);
    secrets.get((0..secrets.len()).find(is_public)?)?.scheme()
}

/// A note on the providers (by title) for which a `--secret` without a name can't be used.
pub fn without_flag(titles: &[String]) -> Option<String> {
    let (secret, whose) = match titles {
        [] => return None,
        [title] => (format!("{title} secret"), title.clone()),
        titles => {
            let titles: Vec<&str> = titles.iter().map(String::as_str).collect();
            (format!("secret for {}", listed(&titles)), "their".to_owned())
        }
    };
    Some(format!(
        "--secret isn't a valid {secret}, so {whose} deliveries will be rejected; \
         use --secret PROVIDER=SOURCE for a single provider"
    ))
}

/// The user's keys, each with its source and the provider's key family.
fn keys<'a>(
    catalog: &'a Catalog,
    keyring: &'a Keyring,
) -> impl Iterator<Item = (&'a SecretSource, &'a SigningSecret, Family)> {
    catalog.entries().flat_map(move |entry| {
        let families = || entry.index().secrets.iter().filter_map(|rule| rule.format.family);
        let secrets = keyring.secrets(entry.name()).iter().enumerate();
        secrets.flat_map(move |(place, secret)| {
            let source = keyring.source(entry.name(), place).filter(|source| **source != SecretSource::Development);
            families().filter_map(move |family| Some((source?, secret, family)))
        })
    })
}

/// A warning about private keys where public ones are enough.
pub fn private_key_warning(catalog: &Catalog, keyring: &Keyring) -> Option<String> {
    let private = keys(catalog, keyring).filter(|(_, secret, family)| secret.can_sign_for(Some(*family)));
    let sources: BTreeSet<String> = private.map(|(source, ..)| source.words()).collect();
    let sources: Vec<&str> = sources.iter().map(String::as_str).collect();
    let (what, is) = if sources.len() == 1 { ("key", "is private") } else { ("keys", "are private") };
    (!sources.is_empty()).then(|| {
        format!(
            "the {what} from {} {is}: anyone who can read it can sign deliveries; to verify, use the public key",
            sources.join(" and ")
        )
    })
}

/// Notes on certificates that are no longer valid. They still verify: hookdev can't know when a provider replaces its
/// key, and fetches nothing.
pub fn expired_certificates(catalog: &Catalog, keyring: &Keyring, now: Timestamp) -> BTreeSet<String> {
    let ends = keys(catalog, keyring).filter_map(|(source, secret, _)| Some((source, secret.valid_until()?)));
    let expired = ends.filter(|(_, end)| end.skew_from(now).is_past());
    expired
        .map(|(source, end)| {
            let (source, end) = (source.words(), end.rfc3339_seconds());
            format!("the certificate from {source} expired at {end}; hookdev still uses its key")
        })
        .collect()
}

/// Checks that every provider that signs has a secret that can sign, which a public key can't.
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
