//! What a running receiver judges and forwards by. It can be replaced while it runs.

use std::sync::{Arc, PoisonError, RwLock};

use crate::{
    cli::Listen,
    commands::{
        context::Context,
        exit::Failure,
        resolve::{Forward, provider, unmatched},
    },
    webhook::{
        assessment::{Judge, MAX_DECODED_BYTES},
        keyring::Keyring,
        provider::{Provider, catalog::Catalog},
    },
};

/// What is in force at one time.
#[derive(Debug)]
pub struct Settings {
    pub catalog: Arc<Catalog>,
    pub keyring: Keyring,
    pub provider: Option<Arc<Provider>>,
    pub forwards: Vec<Forward>,
}

/// The settings in force.
#[derive(Debug)]
pub struct Current(pub RwLock<Arc<Settings>>);

impl Current {
    /// The settings as they are now.
    pub fn get(&self) -> Arc<Settings> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts others into force; requests that are under way keep those that they began with.
    pub fn replace(&self, settings: Settings) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(settings);
    }
}

impl Settings {
    /// Looks up what the options and the config name.
    ///
    /// # Errors
    ///
    /// When a provider is not known, a secret is malformed, or a forward has no URL.
    pub fn resolve(context: &Context, args: &Listen) -> Result<Self, Failure> {
        let provider = args.provider.as_deref().map(|name| provider(&context.catalog, name)).transpose()?;
        let keyring = context.whole_keyring(args.provider.as_deref())?;
        let mut forwards = args.forward.iter().map(|text| Forward::parse(text)).collect::<Result<Vec<_>, _>>()?;
        let mut option = "--forward";
        if forwards.is_empty() {
            let configured = context.config.iter().flat_map(|config| &config.forward);
            forwards =
                configured.map(|forward| Forward::new(&forward.events, &forward.to)).collect::<Result<_, _>>()?;
            option = "[[forward]]";
        }
        for warning in forwards.iter().filter_map(|forward| unmatched(&context.catalog, option, &forward.events)) {
            context.terminal.warn(&warning);
        }
        Ok(Self { catalog: Arc::clone(&context.catalog), keyring, provider, forwards })
    }
}

impl Settings {
    /// What requests are judged by under these settings.
    #[must_use]
    pub fn judge(&self) -> Judge<'_> {
        Judge {
            catalog: &self.catalog,
            keyring: &self.keyring,
            provider: self.provider.as_ref(),
            decoded_limit: MAX_DECODED_BYTES,
        }
    }
}
