//! Where secrets come from: literals, environment variables and files, in the order that makes
//! one of them count.

mod search;

use std::{
    collections::HashMap,
    fs, io,
    path::{Path, PathBuf},
};

use zeroize::Zeroizing;

use self::search::Search;
use super::env_file;
use crate::webhook::{
    keyring::{Keyring, SecretSource},
    nearest,
    provider::{Provider, catalog::Catalog},
    signature::{MalformedSecret, SecretText},
};

/// The environment that secrets are looked up in: the process's own, then the env file's.
pub struct Environment {
    process: fn(&str) -> Option<String>,
    file: HashMap<String, Zeroizing<String>>,
    /// The env file that is named and not there, as it often is in CI.
    missing: Option<PathBuf>,
}

impl Environment {
    /// Reads the env file, if there is one. `process` looks a variable up in the process's own
    /// environment.
    ///
    /// # Errors
    ///
    /// When the env file is there and can't be read.
    pub fn read(process: fn(&str) -> Option<String>, env_file: Option<&Path>) -> Result<Self, SecretError> {
        let Some(path) = env_file else { return Ok(Self { process, file: HashMap::new(), missing: None }) };
        match env_file::read(path) {
            Ok(file) => Ok(Self { process, file: file.into_iter().collect(), missing: None }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Ok(Self { process, file: HashMap::new(), missing: Some(path.to_owned()) })
            }
            Err(error) => Err(SecretError::EnvFile(path.to_owned(), error)),
        }
    }

    fn get(&self, name: &str) -> Option<Zeroizing<String>> {
        (self.process)(name).map(Zeroizing::new).or_else(|| self.file.get(name).cloned())
    }
}

/// What is wrong with a secret. None of these holds any of it.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The variable is not set.
    #[error("the environment variable {0} is not set")]
    NoVariable(String),
    /// The file can't be read.
    #[error("the secret's file {} can't be read", .0.display())]
    File(PathBuf, #[source] io::Error),
    /// The env file can't be read.
    #[error("the env file {} can't be read", .0.display())]
    EnvFile(PathBuf, #[source] io::Error),
    /// The text is not of the provider's form.
    #[error("the secret of {provider} from {origin} is malformed: {problem}")]
    Malformed {
        /// The provider.
        provider: String,
        /// Where the secret came from.
        origin: String,
        /// What is wrong with it.
        problem: MalformedSecret,
    },
    /// There is nothing to sign.
    #[error("{0} signs nothing, so that a secret is of no use to it")]
    NotUsed(String),
}

impl SecretError {
    /// Whether the source is simply not there.
    fn is_absence(&self) -> bool {
        match self {
            Self::NoVariable(_) => true,
            Self::File(_, error) => error.kind() == io::ErrorKind::NotFound,
            _ => false,
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoVariable(name) => Some(format!("set it (export {name}=…), or name another source with --secret")),
            Self::Malformed { problem, .. } => Some(problem.hint().to_owned()),
            _ => None,
        }
    }
}

/// What the user said of secrets.
pub struct Sources<'a> {
    /// The `--secret` flags as typed.
    pub flags: &'a [SecretText],
    /// The one provider that flags without a provider's name are for; none when they are for
    /// every provider whose form they have.
    pub flag_provider: Option<&'a str>,
    /// The sources that the config names for a provider, and the folder they are relative to.
    pub config: &'a dyn Fn(&str) -> Vec<SecretText>,
    /// The folder that the config's relative paths start from.
    pub config_base: &'a Path,
    /// Where variables are looked up.
    pub environment: &'a Environment,
}

/// The secrets that were found, and what was odd about the search.
#[derive(Debug)]
pub struct Resolved {
    /// The secrets.
    pub keyring: Keyring,
    /// What a person should know: a source that is not there, a flag that is not used.
    pub warnings: Vec<String>,
    /// The providers for which the config names secrets of which none is there.
    pub lacking: Vec<String>,
}

/// Finds the secrets of every provider that signs: those of the flags, else the variable that the
/// manifest names, else those of the config, else the env file's, else the development secret. A
/// source of the config that is not there is passed over with a warning, as not every machine has
/// every secret; a provider that is left with none has none. What another stands above is kept apart.
///
/// # Errors
///
/// When a flag's source can't be read, or what a source holds is malformed.
pub fn resolve(catalog: &Catalog, sources: &Sources<'_>) -> Result<Resolved, SecretError> {
    let mut resolved = Resolved { keyring: Keyring::default(), warnings: Vec::new(), lacking: Vec::new() };
    let missing = sources.environment.missing.iter();
    resolved.warnings.extend(missing.map(|path| format!("there is no env file {}", path.display())));
    let flags: Vec<Flag<'_>> = sources.flags.iter().map(|text| Flag::parse(text.expose(), catalog)).collect();
    let near = flags.iter().filter_map(|flag| flag.nearly(catalog));
    resolved.warnings.extend(near.map(|near| {
        format!("a --secret names no provider before its `=`, and is taken whole as a secret; did you mean `{near}=…`?")
    }));
    for flag in &flags {
        if let Some(provider) =
            flag.provider.and_then(|name| catalog.get(name)).filter(|provider| provider.secret.is_none())
        {
            return Err(SecretError::NotUsed(provider.title.clone()));
        }
    }
    for provider in catalog.providers() {
        let Some(rule) = &provider.secret else { continue };
        Search { provider, rule, flags: &flags, sources }.run(&mut resolved)?;
    }
    Ok(resolved)
}

/// A `--secret` flag: a source, for one provider if its name stands before the first `=`.
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

    /// The provider that was probably meant by what stands before the first `=`, and was not named.
    fn nearly(&self, catalog: &'a Catalog) -> Option<&'a str> {
        let (name, _) = self.source.split_once('=').filter(|_| self.provider.is_none())?;
        nearest::nearest(name, catalog.names())
    }

    fn is_for(&self, name: &str, only: Option<&str>) -> bool {
        self.provider.or(only).is_none_or(|wanted| wanted == name)
    }
}

/// The secret's text behind a source, and the source as output names it.
fn read(
    source: &str,
    base: &Path,
    environment: &Environment,
    literal: SecretSource,
) -> Result<(Zeroizing<String>, SecretSource), SecretError> {
    if let Some(name) = source.strip_prefix("env:") {
        let text = environment.get(name).ok_or_else(|| SecretError::NoVariable(name.to_owned()))?;
        return Ok((text, SecretSource::Env(name.to_owned())));
    }
    if let Some(path) = source.strip_prefix("file:") {
        let full = base.join(path);
        let text = fs::read_to_string(&full).map(Zeroizing::new).map_err(|error| SecretError::File(full, error))?;
        return Ok((text, SecretSource::File(path.to_owned())));
    }
    Ok((Zeroizing::new(source.to_owned()), literal))
}

fn malformed(provider: &Provider, source: &SecretSource, problem: MalformedSecret) -> SecretError {
    SecretError::Malformed { provider: provider.title.clone(), origin: origin(source), problem }
}

/// Where a secret stands, in words.
fn origin(source: &SecretSource) -> String {
    match source {
        SecretSource::Flag => "--secret".to_owned(),
        SecretSource::Config => "the config".to_owned(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(name: &str) -> Option<String> {
        (name == "CYANITE_WEBHOOK_SECRET").then(|| "from-the-environment".to_owned())
    }

    fn quoted(name: &str) -> Option<String> {
        (name == "CYANITE_WEBHOOK_SECRET").then(|| "'quoted'".to_owned())
    }

    fn nothing(_: &str) -> Option<String> {
        None
    }

    fn found(flags: &[&str], environment: fn(&str) -> Option<String>, config: &[&str]) -> Result<Vec<String>, String> {
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
        let Resolved { keyring, .. } = resolve(&Catalog::builtin(), &sources).map_err(|error| error.to_string())?;
        let count = keyring.secrets("cyanite").len();
        Ok((0..count).map(|place| keyring.source("cyanite", place).unwrap().to_string()).collect())
    }

    #[test]
    fn the_nearer_source_counts() {
        assert_eq!(found(&[], nothing, &[]).unwrap(), ["development"]);
        assert_eq!(found(&[], nothing, &["literal"]).unwrap(), ["config"]);
        assert_eq!(found(&[], process, &["literal"]).unwrap(), ["env:CYANITE_WEBHOOK_SECRET"]);
        assert_eq!(found(&["cyanite=a", "cyanite=b=c"], process, &["literal"]).unwrap(), ["flag", "flag"]);
    }

    #[test]
    fn what_another_stands_above_is_kept_apart_and_what_is_broken_there_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let env_file = folder.path().join(".env");
        fs::write(&env_file, "CYANITE_WEBHOOK_SECRET=of-the-env-file\n").unwrap();
        fs::write(folder.path().join("old"), "of-a-file").unwrap();
        fs::write(folder.path().join("long"), "x".repeat(1 << 20)).unwrap();
        let config = |name: &str| match name {
            "cyanite" => ["literal", "file:old", "file:long", "file:none", "file:.", "env:NO_SUCH", "'quoted'"]
                .map(|source| source.to_owned().into())
                .to_vec(),
            _ => Vec::new(),
        };
        let passed_over = |flags: &[&str], process: fn(&str) -> Option<String>| -> Vec<(String, String, String)> {
            let flags: Vec<SecretText> = flags.iter().map(|flag| (*flag).to_owned().into()).collect();
            let environment = Environment::read(process, Some(&env_file)).unwrap();
            let environment = &environment;
            let (flags, config, config_base) = (&flags, &config, folder.path());
            let sources = Sources { flags, flag_provider: None, config, config_base, environment };
            let resolved = resolve(&Catalog::builtin(), &sources).unwrap();
            assert_eq!(resolved.warnings, [""; 0]);
            let passed_over = resolved.keyring.shadowed("cyanite").iter();
            passed_over.map(|it| (it.secret.expose().to_owned(), it.origin.clone(), it.shadowed_by.clone())).collect()
        };
        let all = |above: &str| {
            [
                ("from-the-environment", "env:CYANITE_WEBHOOK_SECRET"),
                ("literal", "the config"),
                ("of-a-file", "file:old"),
                ("of-the-env-file", "env:CYANITE_WEBHOOK_SECRET of the env file"),
            ]
            .map(|(secret, origin)| (secret.to_owned(), origin.to_owned(), above.to_owned()))
        };
        assert_eq!(passed_over(&["cyanite=flag"], process), all("--secret"));
        assert_eq!(passed_over(&["cyanite=flag"], nothing), all("--secret")[1..]);
        assert_eq!(passed_over(&["cyanite=flag"], quoted), all("--secret")[1..]);
        assert_eq!(passed_over(&[], process), all("env:CYANITE_WEBHOOK_SECRET")[1..]);
    }

    #[test]
    fn a_flag_for_another_provider_is_not_this_ones() {
        assert_eq!(found(&["jewelmusic=a"], nothing, &[]).unwrap(), ["development"]);
    }

    #[test]
    fn a_flag_without_a_provider_is_for_those_whose_form_it_has() {
        assert_eq!(found(&["no base64!"], nothing, &[]).unwrap(), ["flag"]);
    }

    #[test]
    fn a_nearly_named_provider_is_asked_about_and_its_secret_not_told() {
        let catalog = Catalog::builtin();
        let nearly = |text| Flag::parse(text, &catalog).nearly(&catalog);
        assert_eq!(nearly("cyanit=topsecret"), Some("cyanite"));
        assert_eq!((nearly("cyanite=topsecret"), nearly("MfKQ9r8GKYqrTwjU=")), (None, None));
        assert_eq!(found(&["cyanit=topsecret"], nothing, &[]).unwrap(), ["flag"]);
    }

    #[test]
    fn a_source_of_the_config_that_is_not_there_leaves_the_others() {
        assert_eq!(found(&[], nothing, &["env:NO_SUCH", "literal"]).unwrap(), ["config"]);
        assert_eq!(found(&[], nothing, &["env:NO_SUCH"]).unwrap(), [""; 0]);
    }

    #[test]
    fn what_is_wrong_with_a_secret_is_said_without_it() {
        assert_eq!(
            found(&["aspect=whsec_???"], nothing, &[]).unwrap_err(),
            "the secret of Aspect from --secret is malformed: it is not base64 (standard alphabet, padded)"
        );
        assert_eq!(found(&["env:NO_SUCH"], nothing, &[]).unwrap_err(), "the environment variable NO_SUCH is not set");
        assert_eq!(
            found(&["auphonic=x"], nothing, &[]).unwrap_err(),
            "Auphonic signs nothing, so that a secret is of no use to it"
        );
        assert_eq!(
            found(&[], nothing, &["'quoted'"]).unwrap_err(),
            "the secret of Cyanite from the config is malformed: it is in quotes"
        );
    }
}
