//! The search for one provider's secrets: the first tier with any is used, and those of the other tiers are kept for
//! the diagnosis.

use std::{collections::HashSet, path::Path};

use zeroize::Zeroizing;

use super::{
    Flag, FoundSecret, ResolvedSecrets, SecretError, Sources,
    error::{malformed, origin},
    read,
};
use crate::webhook::{
    keyring::{Keyring, SecretSource, ShadowedSecret},
    provider::{SecretRule, catalog::CatalogEntry, index::IndexEntry},
    signature::{MalformedSecret, SecretText, SigningSecret},
};

/// The search for one provider's secrets.
pub(super) struct SecretSearch<'a> {
    pub entry: &'a CatalogEntry,
    pub rule: &'a SecretRule,
    pub flags: &'a [Flag<'a>],
    pub sources: &'a Sources<'a>,
    /// The rules of all providers' secrets.
    pub rules: &'a [&'a SecretRule],
    /// The development secrets of all providers. Even if the user sets one, anyone can sign with it.
    pub public: &'a HashSet<Vec<u8>>,
}

impl SecretSearch<'_> {
    /// Adds the secrets it finds to `resolved`.
    pub fn run(&self, resolved: &mut ResolvedSecrets) -> Result<(), SecretError> {
        let title = &self.index().title;
        // Whether a flag for every provider isn't valid for this one.
        let mut flag_ignored = false;
        let mut tiers = TIERS.into_iter();
        for tier in tiers.by_ref() {
            let found = match tier {
                Tier::Flags => self.flags(&mut flag_ignored, resolved)?,
                Tier::Process | Tier::EnvFile => self.variable(tier, resolved)?,
                Tier::Config => self.config(resolved)?,
            };
            if found {
                resolved.are_configured |= matches!(tier, Tier::Config | Tier::EnvFile);
                let warning = || format!("--secret isn't a valid {title} secret and is ignored for {title}");
                resolved.warnings.extend(flag_ignored.then(warning));
                tiers.for_each(|shadowed| self.keep_shadowed(shadowed, tier, &mut resolved.keyring));
                return Ok(());
            }
        }
        if flag_ignored {
            // A user who passes a secret doesn't want the public one to verify deliveries.
            resolved.without_flag.push(title.clone());
            return Ok(());
        }
        for rule in &self.index().secrets {
            let source = SecretSource::Development;
            let secret = rule.read(&rule.development).map_err(|problem| malformed(self.index(), &source, problem))?;
            resolved.keyring.add(&self.index().name, secret, source);
        }
        Ok(())
    }

    /// Whether any of the provider's secrets is a public or private key.
    fn has_keys(&self) -> bool {
        self.index().secrets.iter().any(|rule| rule.format.family.is_some())
    }

    fn index(&self) -> &IndexEntry {
        self.entry.index()
    }

    fn parse(&self, text: &str, source: &SecretSource) -> Result<SigningSecret, SecretError> {
        let parsed = match source {
            SecretSource::Env(name) => self.index().parse_variable(name, text),
            _ => self.index().parse_secret(text),
        };
        parsed.map_err(|problem| malformed(self.index(), source, problem))
    }

    /// Adds one of the user's own secrets.
    fn add(&self, text: &str, source: SecretSource, resolved: &mut ResolvedSecrets) -> Result<(), SecretError> {
        let secret = self.parse(text, &source)?;
        if !self.entry.load()?.schemes.iter().all(|scheme| scheme.can_send(&secret)) {
            return Err(malformed(self.index(), &source, MalformedSecret::NotSendable));
        }
        let is_public = secret.is_among(self.public, &self.rule.format)
            || self.has_keys() && self.rules.iter().any(|rule| rule.is_development_key(&secret));
        let source = if is_public { SecretSource::Development } else { source };
        resolved.keyring.add(&self.index().name, secret, source);
        Ok(())
    }

    fn flags(&self, ignored: &mut bool, resolved: &mut ResolvedSecrets) -> Result<bool, SecretError> {
        let only = self.sources.flag_provider;
        let mut added = false;
        for flag in self.flags.iter().filter(|flag| flag.is_for(&self.index().name, only)) {
            let environment = self.sources.environment;
            let FoundSecret { text, source, note } = read(flag.source, Path::new(""), environment, SecretSource::Flag)?;
            resolved.note(note);
            resolved.are_configured |= matches!(&source, SecretSource::Env(name) if environment.is_from_file(name));
            match self.add(&text, source, resolved) {
                // A flag for every provider applies only to those it is valid for.
                Err(SecretError::Malformed {
                    problem:
                        MalformedSecret::NotBase64
                        | MalformedSecret::NotBase64Url
                        | MalformedSecret::NotHex
                        | MalformedSecret::NotTwoParts
                        | MalformedSecret::NotAKey
                        | MalformedSecret::EscapedLines
                        | MalformedSecret::JoinedLines
                        | MalformedSecret::Incomplete
                        | MalformedSecret::Wrapped
                        | MalformedSecret::OtherEncoding { .. }
                        | MalformedSecret::OtherKind { .. }
                        | MalformedSecret::OtherFormat(_)
                        | MalformedSecret::KeyDocument
                        | MalformedSecret::NotSendable,
                    ..
                }) if flag.provider.is_none() && only.is_none() => *ignored = true,
                result => {
                    result?;
                    added = true;
                }
            }
        }
        Ok(added)
    }

    fn variable(&self, tier: Tier, resolved: &mut ResolvedSecrets) -> Result<bool, SecretError> {
        let mut any = false;
        for rule in &self.index().secrets {
            if let Some((name, text)) = self.variable_at(tier, rule)? {
                self.add(&text, SecretSource::Env(name.to_owned()), resolved)?;
                any = true;
            }
        }
        Ok(any)
    }

    /// A rule's variable and its value, in one of the two tiers that hold variables.
    fn variable_at<'r>(
        &self,
        tier: Tier,
        rule: &'r SecretRule,
    ) -> Result<Option<(&'r str, Zeroizing<String>)>, SecretError> {
        let Some(name) = rule.env.as_deref() else { return Ok(None) };
        let environment = self.sources.environment;
        let text = match tier {
            Tier::Process => environment.of_process(name)?,
            _ => environment.of_file(name)?,
        };
        Ok(text.map(|text| (name, text)))
    }

    /// Adds the config's secrets. If the config lists some, they count as found even if all are missing.
    fn config(&self, resolved: &mut ResolvedSecrets) -> Result<bool, SecretError> {
        let configured = (self.sources.config)(&self.index().name);
        let title = &self.index().title;
        let mut any = false;
        for source in configured.iter().map(SecretText::expose) {
            match self.configured(source) {
                Ok(FoundSecret { text, source, note }) => {
                    resolved.note(note);
                    self.add(&text, source, resolved)?;
                    any = true;
                }
                Err(error) if error.is_missing() => {
                    resolved.warnings.push(format!("skipped the config's secret {source} for {title}: {error}"));
                }
                Err(error) => return Err(error),
            }
        }
        if !configured.is_empty() && !any {
            resolved.missing.push(title.clone());
        }
        Ok(!configured.is_empty())
    }

    fn configured(&self, source: &str) -> Result<FoundSecret, SecretError> {
        read(source, self.sources.config_base, self.sources.environment, SecretSource::Config)
    }

    /// Keeps the secrets of a tier that `above` shadows, because they may explain a rejection. Ignores missing and
    /// invalid ones.
    fn keep_shadowed(&self, tier: Tier, above: Tier, keyring: &mut Keyring) {
        let mut keep = |text: &str, origin: String| {
            if let Ok(secret) = SigningSecret::parse(text, &self.rule.format) {
                let above = self.description(above);
                keyring.add_shadowed(&self.index().name, ShadowedSecret { secret, origin, shadowed_by: Some(above) });
            }
        };
        if tier == Tier::Config {
            let configured = (self.sources.config)(&self.index().name);
            for source in configured.iter().map(SecretText::expose) {
                if let Ok(FoundSecret { text, source, .. }) = self.configured(source)
                    && text.len() <= MAX_SHADOWED_BYTES
                {
                    keep(&text, origin(&source));
                }
            }
        } else if let Ok(Some((_, text))) = self.variable_at(tier, self.rule) {
            keep(&text, self.description(tier));
        }
    }

    fn description(&self, tier: Tier) -> String {
        let name = self.rule.env.as_deref().unwrap_or_default();
        match tier {
            Tier::Flags => "--secret".to_owned(),
            Tier::Process => format!("env:{name}"),
            Tier::Config => "the config".to_owned(),
            Tier::EnvFile => format!("env:{name} from the env file"),
        }
    }
}

/// The tiers in order; each shadows those after it.
const TIERS: [Tier; 4] = [Tier::Flags, Tier::Process, Tier::Config, Tier::EnvFile];

/// Where a provider's secrets are looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tier {
    /// The `--secret` flags.
    Flags,
    /// The variable that the manifest names, in the process's environment.
    Process,
    Config,
    /// The same variable in the env file.
    EnvFile,
}

/// The size limit, in bytes, of a shadowed secret: the diagnosis tries it in hundreds of ways.
const MAX_SHADOWED_BYTES: usize = 64 << 10;
