//! The sources of secrets: literals, environment variables and files, and which of them is used.

mod environment;
mod error;
mod search;

use std::{path::Path, sync::Arc};

use zeroize::Zeroizing;

use self::search::SecretSearch;
pub use self::{environment::Environment, error::SecretError};
use super::{env_file, read as read_file};
use crate::webhook::{
    keyring::{Keyring, SecretSource},
    nearest,
    provider::{
        SecretRule,
        catalog::{Catalog, CatalogEntry},
    },
    signature::SecretText,
};

/// The sources of secrets, as the user named them.
pub struct Sources<'a> {
    /// The `--secret` flags as typed.
    pub flags: &'a [SecretText],
    /// The provider that flags without a provider's name are for; `None` if they are for every provider for which they
    /// are valid.
    pub flag_provider: Option<&'a str>,
    /// The sources that the config lists for a provider.
    pub config: &'a dyn Fn(&str) -> Vec<SecretText>,
    /// The directory that the config's relative paths are relative to.
    pub config_base: &'a Path,
    /// Where variables are looked up.
    pub environment: &'a Environment,
}

/// The secrets that were found, and notes on the search.
#[derive(Debug, Default)]
pub struct ResolvedSecrets {
    /// The secrets.
    pub keyring: Keyring,
    /// Missing sources and ignored flags.
    pub warnings: Vec<String>,
    /// The providers whose secrets are all listed in the config and all missing.
    pub missing: Vec<String>,
    /// The providers without a secret, because a flag for every provider isn't valid for them.
    pub without_flag: Vec<String>,
    /// Whether any of the secrets comes from the config or the env file that it names.
    pub are_configured: bool,
}

impl ResolvedSecrets {
    /// Adds a note, unless it is already there, because several providers may read the same source.
    fn note(&mut self, note: Option<String>) {
        self.warnings.extend(note.filter(|note| !self.warnings.contains(note)));
    }
}

/// Finds the secrets of every provider that signs: from the flags, else the variable that the manifest names, else the
/// config, else the env file, else the development secret. A missing source of the config is skipped with a warning,
/// because not every machine has every secret; a provider with none left gets no secret. Shadowed secrets are kept for
/// diagnosis only.
///
/// # Errors
///
/// If a flag's source can't be read, or a source holds an invalid secret.
pub fn resolve(catalog: &Catalog, sources: &Sources<'_>) -> Result<ResolvedSecrets, SecretError> {
    let mut resolved = ResolvedSecrets::default();
    let missing = sources.environment.missing.iter();
    resolved.warnings.extend(missing.map(|path| format!("env file {} not found", path.display())));
    let flags: Vec<Flag<'_>> = sources.flags.iter().map(|text| Flag::parse(text.expose(), catalog)).collect();
    for flag in &flags {
        flag.check_name(catalog)?;
    }
    for flag in &flags {
        let index = flag.provider.and_then(|name| catalog.entry(name)).map(|entry| entry.index());
        if let Some(index) = index.filter(|index| index.secrets.is_empty()) {
            return Err(SecretError::NotUsed(index.title.clone()));
        }
    }
    let built_in = Catalog::builtin();
    let is_replaced =
        |entry: &&Arc<CatalogEntry>| catalog.entry(entry.name()).is_none_or(|own| own.directory().is_some());
    let entries = catalog.entries().chain(built_in.entries().filter(is_replaced));
    let rules: Vec<&SecretRule> = entries.flat_map(|entry| &entry.index().secrets).collect();
    let public = rules.iter().copied().flat_map(SecretRule::public_bytes).collect();
    for entry in catalog.entries() {
        let Some(rule) = entry.index().secrets.first() else { continue };
        SecretSearch { entry, rule, flags: &flags, sources, rules: &rules, public: &public }.run(&mut resolved)?;
    }
    Ok(resolved)
}

/// A `--secret` flag: a source, for one provider if the provider's name comes before the first `=`.
struct Flag<'a> {
    provider: Option<&'a str>,
    source: &'a str,
}

impl<'a> Flag<'a> {
    fn parse(text: &'a str, catalog: &Catalog) -> Self {
        match text.split_once('=').filter(|(name, _)| catalog.contains(name)) {
            Some((name, source)) => Self { provider: Some(name), source },
            None => Self { provider: None, source: text },
        }
    }

    /// Checks that a name before `env:` or `file:` is a provider's: no secret contains those.
    fn check_name(&self, catalog: &Catalog) -> Result<(), SecretError> {
        match self.source.split_once('=').filter(|_| self.provider.is_none()) {
            Some((name, source)) if source.starts_with("env:") || source.starts_with("file:") => {
                Err(SecretError::UnknownProvider(nearest::unknown("provider", name, catalog.names())))
            }
            // The `=` at the end of base64 doesn't follow a name.
            Some((_, rest)) if !rest.trim_start_matches('=').is_empty() => match self.suggestion(catalog) {
                Some(name) => Err(SecretError::MisspeltProvider(name.to_owned())),
                None => Ok(()),
            },
            _ => match self.source.split_once(':').filter(|_| self.provider.is_none()) {
                Some((name, _)) if catalog.contains(name) => Err(SecretError::ColonAfterProvider(name.to_owned())),
                _ => Ok(()),
            },
        }
    }

    /// The provider probably meant by the text before the first `=`, if that isn't a provider.
    fn suggestion(&self, catalog: &'a Catalog) -> Option<&'a str> {
        let (name, _) = self.source.split_once('=').filter(|_| self.provider.is_none())?;
        nearest::nearest(name, catalog.names())
    }

    fn is_for(&self, name: &str, only: Option<&str>) -> bool {
        self.provider.or(only).is_none_or(|wanted| wanted == name)
    }
}

/// The text at a source.
struct FoundSecret {
    text: Zeroizing<String>,
    /// The source, for output.
    source: SecretSource,
    /// A note about the file.
    note: Option<String>,
}

/// The texts of the secrets that flags give for a provider that isn't known yet. Its name may precede the source.
///
/// # Errors
///
/// If a source can't be read.
pub fn texts(
    flags: &[SecretText],
    provider: &str,
    base: &Path,
    environment: &Environment,
) -> Result<Vec<SecretText>, SecretError> {
    let own = |flag: &SecretText| {
        let text = flag.expose();
        let source = text.strip_prefix(provider).and_then(|rest| rest.strip_prefix('=')).unwrap_or(text);
        let found = read(source, base, environment, SecretSource::Flag)?;
        Ok(SecretText::from(found.text.as_str().to_owned()))
    };
    flags.iter().map(own).collect()
}

/// Reads the secret at a source.
fn read(
    source: &str,
    base: &Path,
    environment: &Environment,
    literal: SecretSource,
) -> Result<FoundSecret, SecretError> {
    if let Some(name) = source.strip_prefix("env:") {
        let text = environment.get(name)?;
        return Ok(FoundSecret { text, source: SecretSource::Env(name.to_owned()), note: None });
    }
    if let Some(path) = source.strip_prefix("file:") {
        let full = base.join(path);
        let text = read_file::text(&full).map_err(|error| SecretError::File(full, error))?;
        let line = only_line(&text).map(|line| Zeroizing::new(line.to_owned()));
        let note = line.as_ref().map(|_| format!("the newline at the end of {source} is not part of the secret"));
        return Ok(FoundSecret { text: line.unwrap_or(text), source: SecretSource::File(path.to_owned()), note });
    }
    let note = variable_meant(source)
        .map(|name| format!("the text `{source}` itself is the secret; for the variable's value, write env:{name}"));
    Ok(FoundSecret { text: Zeroizing::new(source.to_owned()), source: literal, note })
}

/// The name of the variable probably meant by a literal secret: `NAME`, `$NAME`, `${NAME}` or `env=NAME`.
fn variable_meant(literal: &str) -> Option<&str> {
    let braced = literal.strip_prefix("${").and_then(|rest| rest.strip_suffix('}'));
    let name = braced.or(literal.strip_prefix('$')).or(literal.strip_prefix("env=")).unwrap_or(literal);
    let is_name = name.starts_with(|c: char| c.is_ascii_uppercase())
        && name.contains('_')
        && name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
    is_name.then_some(name)
}

/// The text without its final newline, if that is the only one, because `echo` and most editors add one. A multi-line
/// secret, such as a PEM key, is kept as it is.
fn only_line(text: &str) -> Option<&str> {
    let line = text.strip_suffix('\n')?;
    let line = line.strip_suffix('\r').unwrap_or(line);
    (!line.is_empty() && !line.contains(['\n', '\r'])).then_some(line)
}

/// The variables of providers in a file beside the config that isn't loaded: those of providers for which the user has
/// set no secret. None if the file can't be read or parsed.
#[must_use]
pub fn unloaded_variables(file: &Path, catalog: &Catalog, keyring: &Keyring) -> Vec<String> {
    let Ok(variables) = env_file::variables(file) else { return Vec::new() };
    let entries = catalog.entries().filter(|entry| keyring.has_only_development(entry.name()));
    let names = entries.filter_map(|entry| entry.index().secret_env());
    let is_set = |name: &&str| variables.iter().any(|(known, value)| known == name && !value.is_empty());
    names.filter(is_set).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use std::{ffi::OsString, fs};

    use super::*;

    fn process(name: &str) -> Option<OsString> {
        (name == "CYANITE_WEBHOOK_SECRET").then(|| "from-the-environment".into())
    }

    fn quoted(name: &str) -> Option<OsString> {
        (name == "CYANITE_WEBHOOK_SECRET").then(|| "'quoted'".into())
    }

    fn empty(name: &str) -> Option<OsString> {
        (name == "CYANITE_WEBHOOK_SECRET").then(OsString::new)
    }

    fn public(name: &str) -> Option<OsString> {
        (name == "CYANITE_WEBHOOK_SECRET").then(|| "hookdev-development-secret-jewelmusic".into())
    }

    #[cfg(unix)]
    fn binary(name: &str) -> Option<OsString> {
        use std::os::unix::ffi::OsStringExt;
        (name == "CYANITE_WEBHOOK_SECRET").then(|| OsString::from_vec(vec![b'a', 0xff]))
    }

    fn nothing(_: &str) -> Option<OsString> {
        None
    }

    fn found(
        flags: &[&str],
        environment: fn(&str) -> Option<OsString>,
        config: &[&str],
    ) -> Result<Vec<String>, String> {
        found_for("cyanite", flags, environment, config)
    }

    /// The sources of a provider's secrets.
    fn found_for(
        provider: &str,
        flags: &[&str],
        environment: fn(&str) -> Option<OsString>,
        config: &[&str],
    ) -> Result<Vec<String>, String> {
        let flags: Vec<SecretText> = flags.iter().map(|flag| (*flag).to_owned().into()).collect();
        let config = |name: &str| match name {
            "cyanite" => config.iter().map(|source| (*source).to_owned().into()).collect(),
            _ => Vec::new(),
        };
        let environment = Environment::read(environment, None).unwrap();
        let sources = Sources {
            flags: &flags,
            flag_provider: None,
            config: &config,
            config_base: Path::new(""),
            environment: &environment,
        };
        let ResolvedSecrets { keyring, .. } =
            resolve(&Catalog::builtin(), &sources).map_err(|error| error.to_string())?;
        let count = keyring.secrets(provider).len();
        Ok((0..count).map(|place| keyring.source(provider, place).unwrap().to_string()).collect())
    }

    #[test]
    fn a_literal_that_names_a_variable_comes_with_a_note() {
        for literal in ["STRIPE_SECRET", "$STRIPE_SECRET", "${STRIPE_SECRET}", "env=STRIPE_SECRET"] {
            assert_eq!(variable_meant(literal), Some("STRIPE_SECRET"), "{literal}");
        }
        for literal in ["whsec_AbC_1", "SECRET", "my_secret", "$", "${A_B", "A_B c", ""] {
            assert_eq!(variable_meant(literal), None, "{literal}");
        }
    }

    #[test]
    fn the_nearest_source_is_used() {
        assert_eq!(found(&[], nothing, &[]).unwrap(), ["development"]);
        assert_eq!(found(&[], nothing, &["literal"]).unwrap(), ["config"]);
        assert_eq!(found(&[], process, &["literal"]).unwrap(), ["env:CYANITE_WEBHOOK_SECRET"]);
        assert_eq!(found(&["cyanite=a", "cyanite=b=c"], process, &["literal"]).unwrap(), ["flag", "flag"]);
    }

    #[test]
    fn valid_shadowed_secrets_are_kept_apart_and_invalid_ones_ignored() {
        let dir = tempfile::tempdir().unwrap();
        let env_file = dir.path().join(".env");
        fs::write(&env_file, "CYANITE_WEBHOOK_SECRET=of-the-env-file\n").unwrap();
        fs::write(dir.path().join("old"), "of-a-file").unwrap();
        fs::write(dir.path().join("long"), "x".repeat(100_000)).unwrap();
        let config = |name: &str| match name {
            "cyanite" => ["literal", "file:old", "file:long", "file:none", "file:.", "env:NO_SUCH", "'quoted'"]
                .map(|source| source.to_owned().into())
                .to_vec(),
            _ => Vec::new(),
        };
        let passed_over = |flags: &[&str], process: fn(&str) -> Option<OsString>| -> Vec<(String, String, String)> {
            let flags: Vec<SecretText> = flags.iter().map(|flag| (*flag).to_owned().into()).collect();
            let environment = Environment::read(process, Some(&env_file)).unwrap();
            let environment = &environment;
            let (flags, config, config_base) = (&flags, &config, dir.path());
            let sources = Sources { flags, flag_provider: None, config, config_base, environment };
            let resolved = resolve(&Catalog::builtin(), &sources).unwrap();
            assert_eq!(resolved.warnings, [""; 0]);
            let passed_over = resolved.keyring.shadowed("cyanite").iter();
            passed_over
                .map(|it| {
                    (it.secret.expose().to_owned(), it.origin.clone(), it.shadowed_by.clone().unwrap_or_default())
                })
                .collect()
        };
        let all = |above: &str| {
            [
                ("from-the-environment", "env:CYANITE_WEBHOOK_SECRET"),
                ("literal", "the config"),
                ("of-a-file", "file:old"),
                ("of-the-env-file", "env:CYANITE_WEBHOOK_SECRET from the env file"),
            ]
            .map(|(secret, origin)| (secret.to_owned(), origin.to_owned(), above.to_owned()))
        };
        assert_eq!(passed_over(&["cyanite=flag"], process), all("--secret"));
        assert_eq!(passed_over(&["cyanite=flag"], nothing), all("--secret")[1..]);
        assert_eq!(passed_over(&["cyanite=flag"], quoted), all("--secret")[1..]);
        assert_eq!(passed_over(&[], process), all("env:CYANITE_WEBHOOK_SECRET")[1..]);
    }

    #[test]
    fn a_variable_that_is_empty_or_not_text_is_an_error_where_it_is_used() {
        let error = "the environment variable CYANITE_WEBHOOK_SECRET is empty";
        assert_eq!(found(&[], empty, &["literal"]).unwrap_err(), error);
        assert_eq!(found(&["cyanite=env:CYANITE_WEBHOOK_SECRET"], empty, &[]).unwrap_err(), error);
        assert_eq!(found(&["cyanite=a"], empty, &[]).unwrap(), ["flag"]);
        #[cfg(unix)]
        {
            let error = "the environment variable CYANITE_WEBHOOK_SECRET is not text: its value is not UTF-8";
            assert_eq!(found(&[], binary, &["literal"]).unwrap_err(), error);
            assert_eq!(found(&["cyanite=a"], binary, &[]).unwrap(), ["flag"]);
        }
    }

    #[test]
    fn a_public_secret_is_a_development_secret_wherever_it_is_set() {
        assert_eq!(found(&[], public, &[]).unwrap(), ["development"]);
        let flags = ["cyanite=hookdev-development-secret-cyanite", "cyanite=mine"];
        assert_eq!(found(&flags, nothing, &[]).unwrap(), ["development", "flag"]);
    }

    #[test]
    fn a_public_key_pair_is_a_development_secret_in_whatever_form() {
        // Made with OpenSSL from the SHA-256 of `hookdev-development-secret-discord`.
        let forms = [
            "discord=05ab256f593f400ed6ee3539e197077bc69f9da5e47ee923ca7135b1f8ebc91a3749a8a2bf492eb790bf25735d1e7e42b16d1a186e14810095f1a17e56af08bf",
            "discord=-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIAWrJW9ZP0AO1u41OeGXB3vGn52l5H7pI8pxNbH468ka\n-----END PRIVATE KEY-----",
            "discord=-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAN0moor9JLreQvyVzXR5+QrFtGhhuFIEAlfGhflavCL8=\n-----END PUBLIC KEY-----",
        ];
        for form in forms {
            assert_eq!(found_for("discord", &[form], nothing, &[]).unwrap(), ["development"], "{form}");
        }
        // RFC 8032, section 7.1, test 1.
        let own = "discord=d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
        assert_eq!(found_for("discord", &[own], nothing, &[]).unwrap(), ["flag"]);
    }

    #[test]
    fn a_flag_for_another_provider_is_not_used() {
        assert_eq!(found(&["jewelmusic=a"], nothing, &[]).unwrap(), ["development"]);
    }

    #[test]
    fn a_flag_without_a_provider_is_for_those_it_is_valid_for() {
        assert_eq!(found(&["no base64!"], nothing, &[]).unwrap(), ["flag"]);
    }

    #[test]
    fn a_misspelt_provider_gets_a_suggestion_without_its_secret() {
        let catalog = Catalog::builtin();
        let suggestion = |text| Flag::parse(text, &catalog).suggestion(&catalog);
        assert_eq!(suggestion("cyanit=topsecret"), Some("cyanite"));
        assert_eq!((suggestion("cyanite=topsecret"), suggestion("MfKQ9r8GKYqrTwjU=")), (None, None));
        assert_eq!(
            found(&["cyanit=topsecret"], nothing, &[]).unwrap_err(),
            "the text before `=` in --secret isn't a provider; did you mean `cyanite=…`?"
        );
        assert_eq!(found(&["cyanit="], nothing, &[]).unwrap(), ["flag"]);
    }

    #[test]
    fn a_missing_source_of_the_config_leaves_the_others() {
        assert_eq!(found(&[], nothing, &["env:NO_SUCH", "literal"]).unwrap(), ["config"]);
        assert_eq!(found(&[], nothing, &["env:NO_SUCH"]).unwrap(), [""; 0]);
    }

    #[test]
    fn errors_do_not_contain_the_secret() {
        assert_eq!(
            found(&["aspect=whsec_???"], nothing, &[]).unwrap_err(),
            "invalid Aspect secret from --secret: it is not base64 (standard alphabet)"
        );
        assert_eq!(found(&["env:NO_SUCH"], nothing, &[]).unwrap_err(), "the environment variable NO_SUCH is not set");
        assert_eq!(
            found(&["auphonic=x"], nothing, &[]).unwrap_err(),
            "Auphonic doesn't sign its deliveries and takes no secret"
        );
        assert_eq!(
            found(&[], nothing, &["'quoted'"]).unwrap_err(),
            "invalid Cyanite secret from the config: it is in quotes"
        );
    }
}
