//! What every command needs from the command line, the config and the environment: providers, secrets and the
//! terminal.

use std::{
    env,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    exit::Failure, guard::Guard, names::listed, secret_warnings, shared_context::SharedContext, terminal::Terminal,
};
use crate::{
    cli::{FormatArg, GlobalArgs},
    engine::clock::now,
    store::{
        config::{Config, FILE_NAME, ProviderConfig},
        provider_cache::ProviderCache,
        providers,
        secrets::{self, Environment, ResolvedSecrets, SecretError, Sources},
    },
    webhook::{
        keyring::{Keyring, SecretSource},
        nearest,
        provider::catalog::Catalog,
        signature::SecretText,
    },
};

/// The usual name of an env file.
const ENV_FILE: &str = ".env";

/// The providers that a command can't do without.
#[derive(Clone, Copy, Debug)]
pub enum Needed<'a> {
    /// At least one of the providers that this matches: a provider's name, an event's name, or a glob of either.
    Named(&'a str),
    /// All, because the command recognises requests: without a provider, its requests would get a different verdict.
    All,
}

/// The resolved environment of a command.
pub struct Context {
    /// The global options.
    pub global: GlobalArgs,
    /// Built-in and user-defined providers.
    pub catalog: Arc<Catalog>,
    /// The config, if there is one.
    pub config: Option<Config>,
    /// Decides what a found config may do. `None` if the config was named with `--config`, or there is none.
    pub(super) guard: Option<Guard>,
    /// The standard streams.
    pub terminal: Terminal,
    shared: SharedContext,
}

/// The broken providers of a context.
pub(super) struct BrokenProviders {
    catalog: Arc<Catalog>,
    shared: SharedContext,
    terminal: Terminal,
}

impl BrokenProviders {
    /// Warns about them, unless the command has done so already.
    pub(super) fn warn(&self) {
        if self.shared.is_first_warning() {
            for (name, error) in self.catalog.failures() {
                self.terminal.warn(Failure::from(error).in_one_line(&format!("can't use the provider `{name}`: ")));
            }
        }
    }
}

impl Context {
    /// Reads the config and the provider directories.
    ///
    /// # Errors
    ///
    /// If one of them can't be read or is invalid.
    pub fn load(global: GlobalArgs) -> Result<Self, Failure> {
        Self::load_again(global, SharedContext::default())
    }

    /// Like [`Self::load`], for a command that already had a context. A config that it has named on standard error is
    /// not named again.
    ///
    /// # Errors
    ///
    /// As for [`Self::load`]. Also if the config, or an env file that it still names, was in use before and is now
    /// empty or gone: some programs empty a file before they write it, and meanwhile other secrets would be used.
    pub fn load_again(global: GlobalArgs, shared: SharedContext) -> Result<Self, Failure> {
        let config = read_config(&global);
        // Checked after the config was read, so that a momentarily empty file is less likely to be mistaken for the new
        // config.
        shared.check_config()?;
        let config = config?;
        shared.check_env_file(config.as_ref())?;
        let context = Self::of(global, config, shared)?;
        context.shared.set_files(context.config.as_ref());
        Ok(context)
    }

    /// Reads the provider directories of a config and of the command line. A provider that is broken can't be used.
    ///
    /// # Errors
    ///
    /// If a directory can't be read or has no provider, or the config names an unknown provider.
    pub(super) fn of(global: GlobalArgs, config: Option<Config>, shared: SharedContext) -> Result<Self, Failure> {
        let terminal = Terminal::new(&global);
        let mut guard = config.as_ref().filter(|config| config.is_found).map(Guard::new);
        let mut catalog = Catalog::builtin();
        let cache = ProviderCache::of_user(|name| env::var_os(name));
        for (dir, is_configured) in provider_dirs(&global, config.as_ref()) {
            for entry in providers::entries(&dir, cache.as_ref())? {
                if let Some(guard) = &mut guard {
                    guard.add_provider(&entry, is_configured);
                }
                let (name, origin) = (entry.name(), entry.directory().unwrap_or_default());
                for caution in &entry.index().cautions {
                    terminal.note(format!("{origin}: {caution}"));
                }
                if catalog.add(Arc::clone(&entry)) {
                    let replaces =
                        format!("the provider `{name}` from {origin} replaces the other provider of that name");
                    // A found config may come from someone else, so this is printed even with --quiet.
                    if is_configured && guard.is_some() { terminal.warn(replaces) } else { terminal.note(replaces) }
                }
            }
        }
        if let Some(config) = &config {
            let names: Vec<String> = catalog.names().map(str::to_owned).collect();
            let names = || names.iter().map(String::as_str);
            config
                .check_providers(|name| catalog.contains(name), |name| nearest::unknown("provider", name, names()))?;
            set_signature_headers(&mut catalog, config)?;
        }
        Ok(Self { global, catalog: Arc::new(catalog), config, guard, terminal, shared })
    }

    /// Checks that a command can use the providers that it needs.
    ///
    /// # Errors
    ///
    /// If the command can't do without a broken provider. The error says what is wrong with that.
    pub fn require(&self, needed: Needed<'_>) -> Result<(), Failure> {
        match needed {
            Needed::Named(text) => self.catalog.failure(text).map_or(Ok(()), |error| Err(error.into())),
            Needed::All => {
                let mut own = self.catalog.entries().filter(|entry| entry.directory().is_some());
                own.find_map(|entry| entry.load().err()).map_or(Ok(()), |error| {
                    let hint = "correct this provider first: its requests could be mistaken for another's";
                    Err(Failure::from(error).hint(hint))
                })
            }
        }
    }

    /// Warns once about the broken providers. Call [`Self::require`] first, so that a mistake isn't both a warning and
    /// an error.
    pub fn warn_of_broken(&self) {
        self.broken().warn();
    }

    /// The broken providers, to warn about after the context is gone.
    pub(super) fn broken(&self) -> BrokenProviders {
        let (catalog, shared) = (Arc::clone(&self.catalog), self.shared());
        BrokenProviders { catalog, shared, terminal: self.terminal }
    }

    /// The signing secrets in use. A `--secret` without a provider's name applies to `only`, if given. Warns about
    /// broken providers, so call [`Self::require`] first.
    ///
    /// # Errors
    ///
    /// If a secret can't be found or is malformed.
    pub fn keyring(&self, only: Option<&str>) -> Result<Keyring, Failure> {
        self.search(only).map(|(keyring, _)| keyring)
    }

    /// Like [`Self::keyring`], for commands that may need every provider's secret.
    ///
    /// # Errors
    ///
    /// As for [`Self::keyring`]. Also if none of the secrets that the config lists for a provider can be found.
    pub fn complete_keyring(&self, only: Option<&str>) -> Result<Keyring, Failure> {
        let (keyring, missing) = self.search(only)?;
        match missing.as_slice() {
            [] => Ok(keyring),
            titles => {
                let message =
                    format!("none of the secrets that the config lists for {} could be found", titles.join(", "));
                Err(Failure::usage(message).hint("set the variable or create the file that the config names, or pass another source with --secret PROVIDER=SOURCE"))
            }
        }
    }

    /// The state that [`Self::load_again`] takes over from this context.
    #[must_use]
    pub fn shared(&self) -> SharedContext {
        self.shared.clone()
    }

    /// Names a found config on standard error, once: it affects what happens, and the user may not be aware of it.
    pub fn name_config(&self) {
        if let Some(config) = self.config.as_ref().filter(|config| config.is_found)
            && self.shared.is_new(&config.path)
        {
            self.terminal.name_config(&config.path);
        }
    }

    /// The keyring, and the titles of the providers for which none of the secrets in the config could be found.
    fn search(&self, only: Option<&str>) -> Result<(Keyring, Vec<String>), Failure> {
        if let Some(guard) = &self.guard {
            guard.allow_providers()?;
        }
        let mut flags = self.global.secret.iter().filter_map(|flag| Some(flag.expose().split_once('=')?.0));
        if let Some(error) = flags.find_map(|name| self.catalog.entry(name)?.failure()) {
            return Err(error.into());
        }
        self.warn_of_broken();
        let config = self.config.as_ref();
        let environment = self.environment()?;
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
        let ResolvedSecrets { keyring, warnings, missing, without_flag, are_configured } =
            secrets::resolve(&self.catalog, &sources)?;
        if are_configured || self.guard.as_ref().is_some_and(|guard| guard.decides_a_secret(&keyring)) {
            self.name_config();
        }
        for warning in warnings.iter().chain(&secret_warnings::without_flag(&without_flag)) {
            self.terminal.note(warning);
        }
        for note in secret_warnings::expired_certificates(&self.catalog, &keyring, now()) {
            self.terminal.note(&note);
        }
        self.note_unloaded_env_file(&keyring);
        for entry in self.catalog.entries() {
            if keyring.source(entry.name(), 0) == Some(&SecretSource::Config) {
                let (title, hint) =
                    (&entry.index().title, "use env:NAME or file:PATH, so that you can share the config");
                self.terminal.warn(format!("the config contains the {title} secret itself; {hint}"));
            }
        }
        Ok((keyring, missing))
    }

    /// Notes that a `.env` beside the config sets a provider's variable but isn't loaded.
    fn note_unloaded_env_file(&self, keyring: &Keyring) {
        let is_configured = self.config.as_ref().is_some_and(|config| config.env_file.is_some());
        if is_configured || self.global.no_config {
            return;
        }
        let file = self.config.as_ref().map_or(Path::new(""), Config::base).join(ENV_FILE);
        let names = secrets::unloaded_variables(&file, &self.catalog, keyring);
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        if !names.is_empty() {
            let config = self.config.as_ref().map_or(Path::new(FILE_NAME), |config| &config.path);
            let (file, config, names) = (file.display(), config.display(), listed(&names));
            self.terminal.note(format!(
                "{file} sets {names}, but isn't loaded; to load it, add `env_file = \"{ENV_FILE}\"` to {config}"
            ));
        }
    }

    /// The variables of the process and of the config's env file.
    ///
    /// # Errors
    ///
    /// If the env file can't be read.
    pub fn environment(&self) -> Result<Environment, SecretError> {
        let env_file = self.config.as_ref().and_then(|config| config.env_file.as_deref());
        Environment::read(|name| env::var_os(name), env_file)
    }

    /// The files and directories that [`Self::load`] and [`Self::keyring`] read.
    #[must_use]
    pub fn watched(&self) -> Vec<PathBuf> {
        let dirs = provider_dirs(&self.global, self.config.as_ref());
        let mut paths: Vec<PathBuf> = dirs.into_iter().map(|(dir, _)| dir).collect();
        match &self.config {
            Some(config) => {
                paths.push(config.path.clone());
                paths.extend(config.env_file.clone());
                paths.extend(config.secret_files());
            }
            None if !self.global.no_config => paths.push(PathBuf::from(FILE_NAME)),
            None => {}
        }
        paths.extend(self.guard.as_ref().and_then(Guard::record));
        paths.extend(self.global.secret.iter().filter_map(|flag| Some(flag.expose().rsplit_once("file:")?.1.into())));
        paths
    }

    /// The output format.
    #[must_use]
    pub fn format(&self) -> FormatArg {
        format(&self.global)
    }
}

/// The output format.
pub fn format(global: &GlobalArgs) -> FormatArg {
    global.format.unwrap_or(if global.json { FormatArg::Json } else { FormatArg::Pretty })
}

fn read_config(global: &GlobalArgs) -> Result<Option<Config>, Failure> {
    match &global.config {
        Some(path) => Ok(Some(Config::read(path)?)),
        None if global.no_config => Ok(None),
        None => {
            let Ok(dir) = env::current_dir() else { return Ok(None) };
            Ok(Config::find(&dir).map(|path| Config::read_found(&path, &dir)).transpose()?)
        }
    }
}

/// Sets the signature header of each provider for which the config names one.
///
/// # Errors
///
/// If a name is invalid, or the provider doesn't let the user choose it.
fn set_signature_headers(catalog: &mut Catalog, config: &Config) -> Result<(), Failure> {
    for ProviderConfig { name, signature_header, .. } in config.provider_configs() {
        let Some(text) = signature_header.filter(|_| catalog.failure(name).is_none()) else { continue };
        let header =
            text.parse().map_err(|_| config.wrong_signature_header(name, format!("invalid header name `{text}`")))?;
        if !catalog.set_signature_header(name, &header).map_err(|error| Failure::from(&error))? {
            let title = catalog.entry(name).map_or(name, |entry| &entry.index().title);
            let message = format!("{title} doesn't let you choose the header of its signature");
            return Err(config.wrong_signature_header(name, message).into());
        }
    }
    Ok(())
}

/// The user's provider directories, each with whether it comes from the config. Those of the command line come last, so
/// they override those of the config.
fn provider_dirs(global: &GlobalArgs, config: Option<&Config>) -> Vec<(PathBuf, bool)> {
    let configured = config.map(|config| config.providers.clone()).unwrap_or_default();
    let configured = configured.into_iter().map(|dir| (dir, true));
    configured.chain(global.providers.iter().map(|dir| (dir.clone(), false))).collect()
}
