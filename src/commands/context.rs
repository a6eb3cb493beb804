//! What every command needs and the command line, the config and the environment say: providers,
//! secrets, colours, and the two streams.

use std::{
    env,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use jiff::tz::TimeZone;

use super::{
    failure::Failure,
    remedies,
    streams::{self, Out},
};
use crate::{
    cli::{Color, Format, Global},
    render::{
        diagnostic,
        palette::{self, Choice, Palette},
        payload::Limits,
        pretty::Page,
    },
    store::{
        config::{Config, FILE_NAME},
        providers,
        secrets::{self, Environment, Resolved, Sources},
    },
    webhook::{
        keyring::{Keyring, SecretSource},
        nearest,
        provider::catalog::Catalog,
        signature::SecretText,
        time::Timestamp,
    },
};

/// What a command works with.
pub struct Context {
    /// The options of every command.
    pub global: Global,
    /// The providers that are known.
    pub catalog: Arc<Catalog>,
    /// The config, if there is one.
    pub config: Option<Config>,
    /// How the standard streams are written.
    pub terminal: Terminal,
}

impl Context {
    /// Reads the config and the provider folders.
    ///
    /// # Errors
    ///
    /// When one of them is wrong.
    pub fn load(global: Global) -> Result<Self, Failure> {
        let terminal = Terminal::new(&global);
        let config = read_config(&global)?;
        let mut catalog = Catalog::builtin();
        for folder in provider_folders(&global, config.as_ref()) {
            for provider in providers::read(&folder)? {
                let (name, origin) = (provider.name.clone(), provider.files().origin().to_owned());
                if catalog.add(provider) {
                    terminal.note(&format!("the provider `{name}` from {origin} takes the place of the one before"));
                }
            }
        }
        if let Some(config) = &config {
            let names: Vec<String> = catalog.names().map(str::to_owned).collect();
            let names = || names.iter().map(String::as_str);
            config
                .check_providers(|name| catalog.contains(name), |name| nearest::unknown("provider", name, names()))?;
        }
        Ok(Self { global, catalog: Arc::new(catalog), config, terminal })
    }

    /// The secrets in force. Flags without a provider's name are for `only`, if that is given.
    ///
    /// # Errors
    ///
    /// When a secret can't be found or is malformed.
    pub fn keyring(&self, only: Option<&str>) -> Result<Keyring, Failure> {
        self.search(only).map(|(keyring, _)| keyring)
    }

    /// The secrets in force, where a provider that is left with none of those that the config names
    /// for it is a mistake: all of them may be needed.
    ///
    /// # Errors
    ///
    /// As [`Self::keyring`], and when there is such a provider.
    pub fn whole_keyring(&self, only: Option<&str>) -> Result<Keyring, Failure> {
        let (keyring, lacking) = self.search(only)?;
        match lacking.as_slice() {
            [] => Ok(keyring),
            titles => {
                let message = format!("none of the secrets that the config names for {} is there", titles.join(", "));
                Err(Failure::usage(message))
            }
        }
    }

    /// The keyring, and the titles of the providers that lack what the config names.
    fn search(&self, only: Option<&str>) -> Result<(Keyring, Vec<String>), Failure> {
        let config = self.config.as_ref();
        let environment = Environment::read(variable, config.and_then(|config| config.env_file.as_deref()))?;
        let configured = |name: &str| -> Vec<SecretText> {
            config
                .and_then(|config| config.provider(name))
                .map(|provider| provider.secrets.to_vec())
                .unwrap_or_default()
        };
        let sources = Sources {
            flags: &self.global.secret,
            flag_provider: only,
            config: &configured,
            config_base: config.map_or(Path::new(""), Config::base),
            environment: &environment,
        };
        let Resolved { keyring, warnings, lacking } = secrets::resolve(&self.catalog, &sources)?;
        for warning in &warnings {
            self.terminal.note(warning);
        }
        for provider in self.catalog.providers() {
            if keyring.source(&provider.name, 0) == Some(&SecretSource::Config) {
                let hint = "a secret in a file that is shared is no secret: name env:NAME or file:PATH instead";
                self.terminal.warn(&format!("{}'s secret stands literally in the config; {hint}", provider.title));
            }
        }
        Ok((keyring, lacking))
    }

    /// The files and folders whose change changes what [`Self::load`] and [`Self::keyring`] give.
    #[must_use]
    pub fn watched(&self) -> Vec<PathBuf> {
        let mut paths = provider_folders(&self.global, self.config.as_ref());
        match &self.config {
            Some(config) => {
                paths.push(config.path.clone());
                paths.extend(config.env_file.clone());
                paths.extend(config.secret_files());
            }
            None if !self.global.no_config => paths.push(PathBuf::from(FILE_NAME)),
            None => {}
        }
        paths.extend(self.global.secret.iter().filter_map(|flag| Some(flag.expose().rsplit_once("file:")?.1.into())));
        paths
    }

    /// How results are printed.
    #[must_use]
    pub fn format(&self) -> Format {
        format(&self.global)
    }
}

/// The note that a development secret is in use, for the providers that it is in use for.
pub fn development_note(keyring: &Keyring, providers: &[&str]) -> Option<String> {
    let in_use = |name: &&&str| keyring.source(name, 0) == Some(&SecretSource::Development);
    let names: Vec<&str> = providers.iter().filter(in_use).copied().collect();
    if names.is_empty() {
        return None;
    }
    Some(format!("the public development secret is in use for {}", names.join(", ")))
}

fn format(global: &Global) -> Format {
    global.format.unwrap_or(if global.json { Format::Json } else { Format::Pretty })
}

fn read_config(global: &Global) -> Result<Option<Config>, Failure> {
    let path = match (&global.config, global.no_config) {
        (Some(path), _) => Some(path.clone()),
        (None, true) => None,
        (None, false) => env::current_dir().ok().and_then(|folder| Config::find(&folder)),
    };
    Ok(path.map(|path| Config::read(&path)).transpose()?)
}

/// The user's provider folders; those of the command line come last and so stand above.
fn provider_folders(global: &Global, config: Option<&Config>) -> Vec<PathBuf> {
    let configured = config.map(|config| config.providers.clone()).unwrap_or_default();
    configured.into_iter().chain(global.providers.iter().cloned()).collect()
}

/// A variable of the process's environment; one that is not text counts as unset.
fn variable(name: &str) -> Option<String> {
    env::var(name).ok()
}

/// The clock's time.
#[must_use]
pub fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    Timestamp::from_unix_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// The two standard streams: which of them is coloured, and how wide the screen is.
#[derive(Clone, Copy, Debug)]
pub struct Terminal {
    /// The colours of standard output.
    pub out: Palette,
    /// The colours of standard error.
    pub err: Palette,
    /// The columns of standard output, when it is a terminal.
    pub width: Option<usize>,
    /// The columns of standard error, when it is a terminal.
    err_width: Option<usize>,
    quiet: bool,
}

impl Terminal {
    /// Looks at the streams.
    #[must_use]
    pub fn new(global: &Global) -> Self {
        let choice = match global.color {
            Color::Auto => Choice::Auto,
            Color::Always => Choice::Always,
            Color::Never => Choice::Never,
        };
        let (out, err) = (streams::results_are_seen(), streams::talk_is_seen());
        let columns = || terminal_size::terminal_size().map(|(width, _)| usize::from(width.0));
        Self {
            out: Palette::new(palette::decide(choice, out, variable)),
            err: Palette::new(palette::decide(choice, err, variable)),
            width: out.then(columns).flatten(),
            err_width: err.then(columns).flatten(),
            quiet: global.quiet,
        }
    }

    /// How pages are set out on standard output.
    #[must_use]
    pub fn page(&self, body: Option<Limits>) -> Page {
        Page {
            palette: self.out,
            width: self.width,
            zone: TimeZone::system(),
            body,
            decoded_limit: DECODED_LIMIT,
            wording: remedies::words,
        }
    }

    /// Standard output for text, locked and buffered.
    #[must_use]
    pub fn stdout(&self) -> Out {
        streams::results(self.out)
    }

    /// Says something on standard error, unless it shall be quiet.
    pub fn say(&self, text: &str) {
        if !self.quiet {
            streams::talk(self.err, text);
        }
    }

    /// Standard error, as diagnostics are set out on it.
    const fn stream(&self) -> diagnostic::Stream {
        diagnostic::Stream { palette: self.err, columns: self.err_width }
    }

    /// Says a note on standard error, unless it shall be quiet.
    pub fn note(&self, message: &str) {
        let mut text = String::new();
        diagnostic::note(self.stream(), message, &mut text);
        self.say(&text);
    }

    /// Says a warning on standard error.
    pub fn warn(&self, message: &str) {
        let mut text = String::new();
        diagnostic::warning(self.stream(), message, &mut text);
        streams::talk(self.err, &text);
    }

    /// Says on standard error why something failed.
    pub fn fail(&self, failure: &Failure) {
        if let Some(message) = &failure.message {
            let mut text = String::new();
            diagnostic::error(self.stream(), message, &failure.causes, failure.hint.as_deref(), &mut text);
            streams::talk(self.err, &text);
        }
    }
}

/// The longest decoded body that is read, in bytes.
pub const DECODED_LIMIT: usize = 64 << 20;
