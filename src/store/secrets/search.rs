//! The search for one provider's secrets: the nearest place where there are any counts, and what
//! stands at the others is kept for the diagnosis.

use std::{fs, path::Path};

use zeroize::Zeroizing;

use super::{Flag, Resolved, SecretError, Sources, malformed, origin, read};
use crate::webhook::{
    keyring::{Keyring, SecretSource, ShadowedSecret},
    provider::{Provider, SecretRule},
    signature::{MalformedSecret, SecretText, SigningSecret},
};

/// The search for one provider's secrets.
pub(super) struct Search<'a> {
    pub provider: &'a Provider,
    pub rule: &'a SecretRule,
    pub flags: &'a [Flag<'a>],
    pub sources: &'a Sources<'a>,
}

impl Search<'_> {
    /// Adds what it finds to what is found already.
    pub fn run(&self, resolved: &mut Resolved) -> Result<(), SecretError> {
        let title = &self.provider.title;
        // A flag for every provider that has not the form of this one's secrets.
        let mut is_unfit = false;
        let mut places = PLACES.into_iter();
        for place in places.by_ref() {
            let found = match place {
                Place::Flags => self.flags(&mut is_unfit, resolved)?,
                Place::Process | Place::EnvFile => self.variable(place, resolved)?,
                Place::Config => self.config(resolved)?,
            };
            if found {
                resolved.warnings.extend(
                    is_unfit.then(|| format!("--secret has not the form of {title}'s secrets, and is not used for it")),
                );
                places.for_each(|behind| self.pass_over(behind, place, &mut resolved.keyring));
                return Ok(());
            }
        }
        if is_unfit {
            // Whoever gives a secret wants nothing to pass by a public one.
            resolved.warnings.push(format!(
                "--secret has not the form of {title}'s secrets, so that {title} has none, and what it sends is rejected; \
                 --secret PROVIDER=SOURCE is for one provider alone"
            ));
            return Ok(());
        }
        self.add(&self.rule.development, SecretSource::Development, resolved)
    }

    fn add(&self, text: &str, source: SecretSource, resolved: &mut Resolved) -> Result<(), SecretError> {
        let secret = SigningSecret::parse(text, &self.rule.format)
            .map_err(|problem| malformed(self.provider, &source, problem))?;
        resolved.keyring.add(&self.provider.name, secret, source);
        Ok(())
    }

    fn flags(&self, is_unfit: &mut bool, resolved: &mut Resolved) -> Result<bool, SecretError> {
        let only = self.sources.flag_provider;
        let mut added = false;
        for flag in self.flags.iter().filter(|flag| flag.is_for(&self.provider.name, only)) {
            let (text, source) = read(flag.source, Path::new(""), self.sources.environment, SecretSource::Flag)?;
            match self.add(&text, source, resolved) {
                // A flag for every provider is for those alone whose form it has.
                Err(SecretError::Malformed {
                    problem: MalformedSecret::NotBase64 | MalformedSecret::NotHex, ..
                }) if flag.provider.is_none() && only.is_none() => *is_unfit = true,
                result => {
                    result?;
                    added = true;
                }
            }
        }
        Ok(added)
    }

    fn variable(&self, place: Place, resolved: &mut Resolved) -> Result<bool, SecretError> {
        let Some((name, text)) = self.variable_at(place) else { return Ok(false) };
        self.add(&text, SecretSource::Env(name.to_owned()), resolved)?;
        Ok(true)
    }

    /// The manifest's variable and its value at one of the two places of variables.
    fn variable_at(&self, place: Place) -> Option<(&str, Zeroizing<String>)> {
        let name = self.rule.env.as_deref()?;
        let environment = self.sources.environment;
        let text = match place {
            Place::Process => Zeroizing::new((environment.process)(name)?),
            _ => environment.file.get(name)?.clone(),
        };
        Some((name, text))
    }

    /// Takes the config's secrets; they count as found, too, when none of those that it names is there.
    fn config(&self, resolved: &mut Resolved) -> Result<bool, SecretError> {
        let configured = (self.sources.config)(&self.provider.name);
        let title = &self.provider.title;
        let mut there = false;
        for source in configured.iter().map(SecretText::expose) {
            match self.configured(source) {
                Ok((text, source)) => {
                    self.add(&text, source, resolved)?;
                    there = true;
                }
                Err(error) if error.is_absence() => {
                    resolved.warnings.push(format!("the config's secret {source} for {title} is passed over: {error}"));
                }
                Err(error) => return Err(error),
            }
        }
        if !configured.is_empty() && !there {
            resolved.lacking.push(title.clone());
        }
        Ok(!configured.is_empty())
    }

    fn configured(&self, source: &str) -> Result<(Zeroizing<String>, SecretSource), SecretError> {
        read(source, self.sources.config_base, self.sources.environment, SecretSource::Config)
    }

    /// Keeps what is set at a place that another stands above: it explains a refusal, so that what is
    /// absent or malformed there is nobody's concern.
    fn pass_over(&self, place: Place, above: Place, keyring: &mut Keyring) {
        let mut keep = |text: &str, origin: String| {
            if let Ok(secret) = SigningSecret::parse(text, &self.rule.format) {
                let above = self.words(above);
                keyring.add_shadowed(&self.provider.name, ShadowedSecret { secret, origin, shadowed_by: above });
            }
        };
        if place == Place::Config {
            let configured = (self.sources.config)(&self.provider.name);
            for source in configured.iter().map(SecretText::expose).filter(|source| self.is_cheap(source)) {
                if let Ok((text, source)) = self.configured(source) {
                    keep(&text, origin(&source));
                }
            }
        } else if let Some((_, text)) = self.variable_at(place) {
            keep(&text, self.words(place));
        }
    }

    /// Whether a source that is not needed may be read: a pipe would be waited for, and emptied.
    fn is_cheap(&self, source: &str) -> bool {
        source.strip_prefix("file:").is_none_or(|path| {
            let found = fs::metadata(self.sources.config_base.join(path));
            found.is_ok_and(|found| found.is_file() && found.len() <= LONGEST_SPARE)
        })
    }

    fn words(&self, place: Place) -> String {
        let name = self.rule.env.as_deref().unwrap_or_default();
        match place {
            Place::Flags => "--secret".to_owned(),
            Place::Process => format!("env:{name}"),
            Place::Config => "the config".to_owned(),
            Place::EnvFile => format!("env:{name} of the env file"),
        }
    }
}

/// Where secrets are looked for, the nearest first.
const PLACES: [Place; 4] = [Place::Flags, Place::Process, Place::Config, Place::EnvFile];

/// One of the places where a provider's secrets are looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// The `--secret` flags.
    Flags,
    /// The variable that the manifest names, in the process's environment.
    Process,
    /// The config.
    Config,
    /// The same variable in the env file.
    EnvFile,
}

/// The longest file that is read for a secret that is not in force, in bytes.
const LONGEST_SPARE: u64 = 64 << 10;
