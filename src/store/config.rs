//! The config, `hookdev.toml`: the nearest one from the working directory upward, parsed strictly. Paths are resolved
//! here; secrets and providers are looked up elsewhere.

mod raw;

use std::{
    collections::BTreeMap,
    fmt,
    fs::Metadata,
    io,
    path::{Path, PathBuf},
};

use serde::Deserialize;
use toml::Spanned;

use self::raw::{RawConfig, RawProviderConfig};
use super::{provenance, read, recipes::Recipe};
use crate::webhook::{json::position, signature::SecretText};

/// The file name of a config.
pub const FILE_NAME: &str = "hookdev.toml";

/// A parsed config.
#[derive(Debug)]
pub struct Config {
    /// The config's file.
    pub path: PathBuf,
    /// Whether it was found rather than named by the user. Then it is trusted less.
    pub is_found: bool,
    /// Provider directories, absolute or relative to the working directory.
    pub providers: Vec<PathBuf>,
    pub env_file: Option<PathBuf>,
    /// Defaults of `listen`.
    pub listen: ListenConfig,
    /// Forwards of `listen`, in order.
    pub forward: Vec<ForwardConfig>,
    /// The recipes for tunnels that it defines, by name.
    pub tunnels: BTreeMap<String, Recipe>,
    providers_by_name: BTreeMap<Spanned<String>, RawProviderConfig>,
    text: SecretText,
}

/// Defaults of `listen`.
#[derive(Clone, Debug, Default)]
pub struct ListenConfig {
    /// The address to listen on.
    pub addr: Option<String>,
    /// The directory or log to save captures in.
    pub capture: Option<PathBuf>,
    /// The recipe of the tunnel.
    pub tunnel: Option<String>,
    /// The address of the inspector.
    pub inspect: Option<String>,
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

/// The settings of one provider.
#[derive(Clone, Debug)]
pub struct ProviderConfig<'a> {
    /// The provider's name.
    pub name: &'a str,
    /// The sources of its secrets.
    pub secrets: &'a [SecretText],
    /// The URL that `send` delivers to.
    pub endpoint: Option<&'a str>,
    /// The signature header, if the user chose its name in the provider's settings.
    pub signature_header: Option<&'a str>,
    /// The base URL of the provider's API, in place of the manifest's.
    pub api: Option<&'a str>,
}

/// What is wrong with a config.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// It can't be read.
    #[error("can't read the config {}", .0.display())]
    Read(PathBuf, #[source] io::Error),
    /// It is invalid.
    #[error("{}:{line}:{column}: {message}", .path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
        /// What is wrong.
        message: String,
    },
    /// It was found, and belongs to someone else.
    #[error("the config {} belongs to another user (uid {owner})", .path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// The owner's user id.
        owner: u32,
    },
    /// It was found, and names a file outside its directory.
    #[error("{}: {key} is outside the directory of the config", .path.display())]
    Outside {
        /// The config.
        path: PathBuf,
        /// The file, as the config names it.
        key: String,
    },
}

impl ConfigError {
    /// What to do about it, if that is known.
    #[must_use]
    pub const fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Foreign { .. } => Some("name it with --config to use it, or ignore it with --no-config"),
            Self::Outside { .. } => Some(
                "a config that hookdev finds by itself may read secrets only below its own directory; name it with --config to lift that limit",
            ),
            Self::Read(..) | Self::Invalid { .. } => None,
        }
    }
}

impl Config {
    /// The nearest config from a directory upward.
    #[must_use]
    pub fn find(from: &Path) -> Option<PathBuf> {
        // A config that can't be read, such as a directory or a broken link, is reported rather than skipped.
        from.ancestors().map(|dir| dir.join(FILE_NAME)).find(|path| path.symlink_metadata().is_ok())
    }

    /// Reads a config that the user named.
    ///
    /// # Errors
    ///
    /// If it can't be read or is invalid; the error has line, column and the nearest known key.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let file = read::file(path).map_err(|error| ConfigError::Read(path.to_owned(), error))?;
        Self::parse(path, file.text.into())
    }

    /// Reads a config that was found from a working directory.
    ///
    /// # Errors
    ///
    /// As for [`Self::read`]. Also if it belongs to someone else, or names a secret file or env file outside its
    /// directory.
    pub fn read_found(path: &Path, working_dir: &Path) -> Result<Self, ConfigError> {
        let unreadable = |error| ConfigError::Read(path.to_owned(), error);
        let check_owner = |metadata: &Metadata| match provenance::owner(metadata) {
            owner if provenance::may_belong_to(owner, working_dir) => Ok(()),
            owner => Err(ConfigError::Foreign { path: path.to_owned(), owner }),
        };
        // Checks both a link and its target.
        check_owner(&path.symlink_metadata().map_err(unreadable)?)?;
        let file = read::file(path).map_err(unreadable)?;
        check_owner(&file.metadata)?;
        let config = Self { is_found: true, ..Self::parse(path, file.text.into())? };
        config.check_files()?;
        Ok(config)
    }

    /// Checks that the env file and the secret files are below the config's directory.
    fn check_files(&self) -> Result<(), ConfigError> {
        let named = |file: &Path| file.strip_prefix(self.base()).unwrap_or(file).display().to_string();
        let env_file = self.env_file.iter().map(|file| (format!("env_file `{}`", named(file)), file.clone()));
        let secrets = self.secret_files().map(|file| (format!("the secret file `{}`", named(&file)), file));
        match env_file.chain(secrets).find(|(_, file)| !provenance::is_below(self.base(), file)) {
            Some((key, _)) => Err(ConfigError::Outside { path: self.path.clone(), key }),
            None => Ok(()),
        }
    }

    fn parse(path: &Path, text: SecretText) -> Result<Self, ConfigError> {
        let raw = RawConfig::parse(text.expose())
            .map_err(|(offset, message)| invalid(path, text.expose(), offset, message))?;
        let base = path.parent().unwrap_or(Path::new(""));
        Ok(Self {
            path: path.to_owned(),
            is_found: false,
            providers: raw.providers.iter().map(|dir| base.join(dir)).collect(),
            env_file: raw.env_file.map(|file| base.join(file)),
            listen: ListenConfig {
                addr: raw.listen.addr,
                capture: raw.listen.capture.map(|path| base.join(path)),
                tunnel: raw.listen.tunnel,
                inspect: raw.listen.inspect,
            },
            forward: raw.forward,
            tunnels: raw.tunnel,
            providers_by_name: raw.provider,
            text,
        })
    }

    /// The directory that relative paths in the config are relative to.
    #[must_use]
    pub fn base(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new(""))
    }

    /// The settings of a provider, if the config has any.
    #[must_use]
    pub fn provider(&self, name: &str) -> Option<ProviderConfig<'_>> {
        self.provider_configs().find(|config| config.name == name)
    }

    /// The settings of every provider that the config has settings for, by name.
    pub fn provider_configs(&self) -> impl Iterator<Item = ProviderConfig<'_>> {
        self.providers_by_name.iter().map(|(key, raw)| ProviderConfig {
            name: key.get_ref(),
            secrets: &raw.secret.0,
            endpoint: raw.endpoint.as_deref(),
            signature_header: raw.signature_header.as_ref().map(|header| header.get_ref().as_str()),
            api: raw.api.as_deref(),
        })
    }

    /// The config's text, which may contain secrets.
    pub(super) const fn text(&self) -> &SecretText {
        &self.text
    }

    /// The files that secrets are read from.
    pub fn secret_files(&self) -> impl Iterator<Item = PathBuf> {
        let sources = self.providers_by_name.values().flat_map(|raw| &raw.secret.0);
        sources.filter_map(|source| Some(self.base().join(source.expose().strip_prefix("file:")?)))
    }

    /// An error at the `signature_header` of a provider.
    #[must_use]
    pub fn wrong_signature_header(&self, provider: &str, message: impl fmt::Display) -> ConfigError {
        let raw = self.providers_by_name.iter().find(|(name, _)| name.get_ref() == provider).map(|(_, raw)| raw);
        let start = raw.and_then(|raw| raw.signature_header.as_ref()).map_or(0, |header| header.span().start);
        invalid(&self.path, self.text.expose(), start, message)
    }

    /// Checks that the name of every `[provider.NAME]` is `known`.
    ///
    /// # Errors
    ///
    /// At the first that isn't, with the message of `explain`.
    pub fn check_providers(
        &self,
        known: impl Fn(&str) -> bool,
        explain: impl Fn(&str) -> String,
    ) -> Result<(), ConfigError> {
        match self.providers_by_name.keys().find(|key| !known(key.get_ref())) {
            Some(key) => Err(invalid(&self.path, self.text.expose(), key.span().start, explain(key.get_ref()))),
            None => Ok(()),
        }
    }
}

fn invalid(path: &Path, text: &str, offset: usize, message: impl fmt::Display) -> ConfigError {
    let (line, column) = position(text, offset);
    ConfigError::Invalid { path: path.to_owned(), line, column, message: message.to_string() }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn read(text: &str) -> Result<Config, String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(FILE_NAME);
        fs::write(&path, text).unwrap();
        Config::read(&path).map_err(|error| error.to_string().replace(&format!("{}/", dir.path().display()), ""))
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
    fn a_misspelt_key_is_located_and_gets_a_suggestion() {
        assert_eq!(
            read("providers = []\n[listen]\nadr = \"127.0.0.1:1\"\n").unwrap_err(),
            "hookdev.toml:3:1: unknown key `adr`; did you mean `addr`? (known: `addr`, `capture`, `tunnel`, `inspect`)"
        );
        assert_eq!(read("[listen\n").unwrap_err(), "hookdev.toml:1:8: unclosed table, expected `]`");
    }

    #[test]
    fn a_key_in_the_wrong_table_is_told_from_a_misspelt_one() {
        let forward = "[[forward]] and, below it, to = \"http://localhost:3000/webhooks\"";
        let known = "(known: `addr`, `capture`, `tunnel`, `inspect`)";
        assert_eq!(
            read("[listen]\nforward = \"http://h/\"\n").unwrap_err(),
            format!("hookdev.toml:2:1: unknown key `forward` {known}; write {forward}")
        );
        assert_eq!(
            read("forward = \"http://h/\"\n").unwrap_err(),
            format!("hookdev.toml:1:11: invalid type: string, expected {forward}")
        );
        // Other programs have a table of names here.
        for (text, at, kind) in
            [("[providers]\nacme = \"acme\"\n", "1:1", "a table"), ("providers = \"acme\"\n", "1:13", "string")]
        {
            assert_eq!(
                read(text).unwrap_err(),
                format!("hookdev.toml:{at}: invalid type: {kind}, expected providers = [\"DIR\"] above all tables")
            );
        }
        assert_eq!(
            read("[listen]\nadress = \"127.0.0.1:1\"\n").unwrap_err(),
            format!("hookdev.toml:2:1: unknown key `adress`; did you mean `addr`? {known}")
        );
        let addr = read("addr = \"127.0.0.1:1\"\n").unwrap_err();
        assert!(addr.starts_with("hookdev.toml:1:1: unknown key `addr` (known: `providers`,"), "{addr}");
        assert!(addr.ends_with("; write [listen] and, below it, addr = \"127.0.0.1:4400\""), "{addr}");
        let secret = read("secret = \"topsecret\"\n").unwrap_err();
        assert!(secret.ends_with("; write [provider.NAME] and, below it, secret = \"env:NAME\""), "{secret}");
        assert!(!secret.contains("topsecret"));
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
    fn a_recipe_for_a_tunnel_is_checked_where_it_is_written() {
        let error = |text: &str| read(&format!("[tunnel.mine]\n{text}")).unwrap_err();
        let config = read("[tunnel.mine]\ncommand = [\"prog\", \"{port}\"]\nurl = { json = \"/url\" }\n").unwrap();
        assert_eq!(config.tunnels["mine"].command.words().collect::<Vec<_>>(), ["prog", "{port}"]);
        assert_eq!(
            error("comand = [\"prog\"]\n"),
            "hookdev.toml:2:1: unknown key `comand`; did you mean `command`? \
             (known: `command`, `env`, `url`, `ready`, `check_url`, `grace`, `account`, `limits`, `install`)"
        );
        assert_eq!(
            error("command = [\"prog\", \"{prot}\"]\n"),
            "hookdev.toml:2:11: unknown placeholder `prot`; did you mean `port`? (known: `port`, `free_port`, `empty_file`)"
        );
        assert_eq!(
            error("command = []\n"),
            "hookdev.toml:2:11: the command is empty: write the program and its arguments, such as [\"prog\", \"{port}\"]"
        );
        assert_eq!(
            error("command = [\"prog\"]\nurl = { jsn = \"/url\" }\n"),
            "hookdev.toml:3:9: unknown key `jsn`; did you mean `json`? \
             (known: `http`, `pointer`, `json`, `line`, `host`, `scheme`)"
        );
        assert_eq!(
            error("command = [\"prog\"]\nurl = { json = \"/url\", line = 'x' }\n"),
            "hookdev.toml:3:7: it needs either `http` and `pointer`, or `json`, or `line`"
        );
        assert_eq!(error("url = { json = \"/url\" }\n"), "hookdev.toml:1:1: missing field `command`");
    }

    #[test]
    fn an_unknown_provider_is_an_error_at_its_name() {
        let config = read("\n[provider.cyanit]\nsecret = \"env:A\"\n").unwrap();
        let error = config.check_providers(|name| name == "cyanite", |name| format!("no {name}")).unwrap_err();
        assert!(error.to_string().ends_with("hookdev.toml:2:11: no cyanit"), "{error}");
    }

    #[test]
    fn the_nearest_config_is_found_upward() {
        let dir = tempfile::tempdir().unwrap();
        let deep = dir.path().join("a/b");
        fs::create_dir_all(&deep).unwrap();
        let path = dir.path().join("a").join(FILE_NAME);
        fs::write(&path, "").unwrap();
        assert_eq!(Config::find(&deep), Some(path));
    }
}
