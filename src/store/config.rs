//! The config, `hookdev.toml`: found from the working directory upward, read strictly. What it
//! says is resolved here as far as paths go; secrets and providers are looked up elsewhere.

use std::{
    collections::BTreeMap,
    fmt, fs, io,
    path::{Path, PathBuf},
};

use serde::Deserialize;
use toml::Spanned;

use crate::webhook::{json::position, provider::manifest::toml_message, signature::SecretText};

/// The config's usual name.
pub const FILE_NAME: &str = "hookdev.toml";

/// A config that was read.
#[derive(Debug)]
pub struct Config {
    /// The file.
    pub path: PathBuf,
    /// Provider folders, absolute or relative to the working directory.
    pub providers: Vec<PathBuf>,
    /// A file of environment variables.
    pub env_file: Option<PathBuf>,
    /// Defaults of `listen`.
    pub listen: ListenConfig,
    /// Forwards of `listen`, in order.
    pub forward: Vec<ForwardConfig>,
    providers_by_name: BTreeMap<Spanned<String>, RawProviderConfig>,
    text: SecretText,
}

/// Defaults of `listen`.
#[derive(Clone, Debug, Default)]
pub struct ListenConfig {
    /// Where to listen.
    pub addr: Option<String>,
    /// Where to keep captures.
    pub capture: Option<PathBuf>,
}

/// One forward of `listen`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ForwardConfig {
    /// A glob of event names.
    #[serde(default = "every_event")]
    pub events: String,
    /// The URL of the handler.
    pub to: String,
}

fn every_event() -> String {
    "*".to_owned()
}

/// What the config says of one provider.
#[derive(Clone, Debug)]
pub struct ProviderConfig<'a> {
    /// The provider's name.
    pub name: &'a str,
    /// Sources of its secrets.
    pub secrets: &'a [SecretText],
    /// Where `send` delivers.
    pub endpoint: Option<&'a str>,
}

/// What is wrong with a config, and where.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// It cannot be read.
    #[error("the config {} can't be read", .0.display())]
    Read(PathBuf, #[source] io::Error),
    /// It says something that it can't say.
    #[error("{}:{line}:{column}: {message}", .path.display())]
    Wrong {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
        /// What is wrong.
        message: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawConfig {
    #[serde(default)]
    providers: Vec<PathBuf>,
    env_file: Option<PathBuf>,
    #[serde(default)]
    listen: RawListen,
    #[serde(default)]
    forward: Vec<ForwardConfig>,
    #[serde(default)]
    provider: BTreeMap<Spanned<String>, RawProviderConfig>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table such as { addr = \"127.0.0.1:4400\" }")]
struct RawListen {
    addr: Option<String>,
    capture: Option<PathBuf>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table such as { secret = \"env:NAME\" }")]
struct RawProviderConfig {
    #[serde(default)]
    secret: OneOrMore,
    endpoint: Option<String>,
}

/// One text or a list of them.
#[derive(Debug, Default)]
struct OneOrMore(Vec<SecretText>);

impl<'de> Deserialize<'de> for OneOrMore {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "expected a source such as \"env:NAME\", or a list of them")]
        enum Raw {
            One(SecretText),
            More(Vec<SecretText>),
        }
        Ok(match Raw::deserialize(deserializer)? {
            Raw::One(one) => Self(vec![one]),
            Raw::More(more) => Self(more),
        })
    }
}

impl Config {
    /// The nearest config from a folder upward.
    #[must_use]
    pub fn find(from: &Path) -> Option<PathBuf> {
        // One that is there and can't be read, a folder or a link to nowhere, is told rather than passed over.
        from.ancestors().map(|folder| folder.join(FILE_NAME)).find(|path| path.symlink_metadata().is_ok())
    }

    /// Reads a config.
    ///
    /// # Errors
    ///
    /// When it can't be read or says something unknown; with line, column and the nearest key.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let text: SecretText =
            fs::read_to_string(path).map_err(|error| ConfigError::Read(path.to_owned(), error))?.into();
        let raw: RawConfig = toml::from_str(text.expose()).map_err(|error| {
            wrong(
                path,
                text.expose(),
                error.span().map_or(0, |span| span.start),
                without_value(&toml_message(error.message())),
            )
        })?;
        let base = path.parent().unwrap_or(Path::new(""));
        Ok(Self {
            path: path.to_owned(),
            providers: raw.providers.iter().map(|folder| base.join(folder)).collect(),
            env_file: raw.env_file.map(|file| base.join(file)),
            listen: ListenConfig { addr: raw.listen.addr, capture: raw.listen.capture.map(|path| base.join(path)) },
            forward: raw.forward,
            providers_by_name: raw.provider,
            text,
        })
    }

    /// The folder that relative paths in the config start from.
    #[must_use]
    pub fn base(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new(""))
    }

    /// What it says of a provider.
    #[must_use]
    pub fn provider(&self, name: &str) -> Option<ProviderConfig<'_>> {
        let (key, raw) = self.providers_by_name.iter().find(|(key, _)| key.get_ref() == name)?;
        Some(ProviderConfig { name: key.get_ref(), secrets: &raw.secret.0, endpoint: raw.endpoint.as_deref() })
    }

    /// The files that secrets are read from.
    pub fn secret_files(&self) -> impl Iterator<Item = PathBuf> {
        let sources = self.providers_by_name.values().flat_map(|raw| &raw.secret.0);
        sources.filter_map(|source| Some(self.base().join(source.expose().strip_prefix("file:")?)))
    }

    /// An error at the first `[provider.NAME]` whose name is not `known`.
    ///
    /// # Errors
    ///
    /// When there is one; `explain` words it.
    pub fn check_providers(
        &self,
        known: impl Fn(&str) -> bool,
        explain: impl Fn(&str) -> String,
    ) -> Result<(), ConfigError> {
        match self.providers_by_name.keys().find(|key| !known(key.get_ref())) {
            Some(key) => Err(wrong(&self.path, self.text.expose(), key.span().start, explain(key.get_ref()))),
            None => Ok(()),
        }
    }
}

/// A message without the value that is of the wrong type: it may be a secret.
fn without_value(message: &str) -> String {
    let parts = message.strip_prefix("invalid type: ").and_then(|rest| rest.rsplit_once(", expected "));
    let Some((found, expected)) = parts else { return message.to_owned() };
    let kind = found.split(['"', '`']).next().unwrap_or_default().trim_end();
    format!("invalid type: {kind}, expected {expected}")
}

fn wrong(path: &Path, text: &str, offset: usize, message: impl fmt::Display) -> ConfigError {
    let (line, column) = position(text, offset);
    ConfigError::Wrong { path: path.to_owned(), line, column, message: message.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Config, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE_NAME);
        fs::write(&path, text).unwrap();
        Config::read(&path).map_err(|error| error.to_string().replace(&format!("{}/", folder.path().display()), ""))
    }

    #[test]
    fn a_secret_is_one_source_or_several() {
        let config =
            read("[provider.cyanite]\nsecret = \"env:A\"\n[provider.aspect]\nsecret = [\"env:B\", \"file:c\"]\n")
                .unwrap();
        let secrets = |name| config.provider(name).unwrap().secrets.iter().map(SecretText::expose).collect::<Vec<_>>();
        assert_eq!(secrets("cyanite"), ["env:A"]);
        assert_eq!(secrets("aspect"), ["env:B", "file:c"]);
        assert!(config.provider("auphonic").is_none());
    }

    #[test]
    fn a_config_cannot_be_printed_with_a_secret() {
        let config = read("[provider.cyanite]\nsecret = \"topsecret\"\n").unwrap();
        assert!(!format!("{config:?} {:?}", config.provider("cyanite")).contains("topsecret"));
    }

    #[test]
    fn a_misspelt_key_is_named_with_its_place_and_the_right_one() {
        assert_eq!(
            read("providers = []\n[listen]\nadr = \"127.0.0.1:1\"\n").unwrap_err(),
            "hookdev.toml:3:1: unknown key `adr`; did you mean `addr`? (known: `addr`, `capture`)"
        );
        assert_eq!(read("[listen\n").unwrap_err(), "hookdev.toml:1:8: unclosed table, expected `]`");
    }

    #[test]
    fn a_value_of_the_wrong_type_is_not_shown() {
        assert_eq!(
            read("[provider]\ncyanite = \"topsecret, expected\"\n").unwrap_err(),
            "hookdev.toml:2:11: invalid type: string, expected a table such as { secret = \"env:NAME\" }"
        );
        assert_eq!(
            read("[provider.cyanite]\nsecret = 123456\n").unwrap_err(),
            "hookdev.toml:2:10: expected a source such as \"env:NAME\", or a list of them"
        );
    }

    #[test]
    fn a_provider_that_is_not_known_is_an_error_at_its_name() {
        let config = read("\n[provider.cyanit]\nsecret = \"env:A\"\n").unwrap();
        let error = config.check_providers(|name| name == "cyanite", |name| format!("no {name}")).unwrap_err();
        assert!(error.to_string().ends_with("hookdev.toml:2:11: no cyanit"), "{error}");
    }

    #[test]
    fn the_nearest_config_is_found_upward() {
        let folder = tempfile::tempdir().unwrap();
        let deep = folder.path().join("a/b");
        fs::create_dir_all(&deep).unwrap();
        let path = folder.path().join("a").join(FILE_NAME);
        fs::write(&path, "").unwrap();
        assert_eq!(Config::find(&deep), Some(path));
    }
}
