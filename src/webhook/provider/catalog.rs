//! All known providers: lookup by name, and recognition of the provider of a request.

use std::sync::{Arc, OnceLock};

use glob::Pattern;

use super::{
    Provider,
    event::Event,
    files::{self, Files},
};
use crate::webhook::{
    nearest,
    place::{Lookup, Place},
    request::Request,
};

/// The known providers, the user's own before the built-in ones.
#[derive(Debug, Default)]
pub struct Catalog {
    entries: Vec<Entry>,
}

/// A provider that is loaded when first used: most runs need one of them.
#[derive(Debug)]
struct Entry {
    name: String,
    files: Option<Files>,
    provider: OnceLock<Arc<Provider>>,
}

impl Entry {
    fn provider(&self) -> &Arc<Provider> {
        self.provider.get_or_init(|| {
            let files = self.files.clone().unwrap_or_else(|| unreachable!("an entry without a provider has files"));
            match Provider::load(files) {
                Ok(provider) => Arc::new(provider),
                // Only built-in providers are loaded lazily, and the tests load every one of them.
                Err(error) => unreachable!("{error}"),
            }
        })
    }
}

impl Catalog {
    /// The built-in providers.
    #[must_use]
    pub fn builtin() -> Self {
        let entry = |(name, files): (&str, Files)| Entry {
            name: name.to_owned(),
            files: Some(files),
            provider: OnceLock::new(),
        };
        Self { entries: files::builtin().map(entry).collect() }
    }

    /// Adds one of the user's providers. Returns whether it replaces one of the same name.
    pub fn add(&mut self, provider: Provider) -> bool {
        let name = provider.name.clone();
        let before = self.entries.len();
        self.entries.retain(|entry| entry.name != name);
        let replaces = self.entries.len() < before;
        self.entries.insert(0, Entry { name, files: None, provider: OnceLock::from(Arc::new(provider)) });
        replaces
    }

    /// The provider of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Arc<Provider>> {
        self.entries.iter().find(|entry| entry.name == name).map(Entry::provider)
    }

    /// Whether there is a provider of this name, without loading it.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.names().any(|known| known == name)
    }

    /// The names of all providers.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|entry| entry.name.as_str())
    }

    /// All providers.
    pub fn providers(&self) -> impl Iterator<Item = &Arc<Provider>> {
        self.entries.iter().map(Entry::provider)
    }

    /// Every event of every provider.
    pub fn events(&self) -> impl Iterator<Item = (&Arc<Provider>, &Event)> {
        self.providers().flat_map(|provider| provider.events.iter().map(move |event| (provider, event)))
    }

    /// The events whose full names match a glob; a plain name matches itself.
    #[must_use]
    pub fn matching(&self, glob: &Pattern) -> Vec<(&Arc<Provider>, &Event)> {
        self.events().filter(|(_, event)| glob.matches(&event.full_name)).collect()
    }

    /// The event of exactly this full name.
    #[must_use]
    pub fn event(&self, full_name: &str) -> Option<(&Arc<Provider>, &Event)> {
        let (provider, name) = full_name.split_once('.')?;
        let provider = self.get(provider)?;
        Some((provider, provider.event(name)?))
    }

    /// Up to three event names close to a wrong one, the closest first.
    #[must_use]
    pub fn nearest_events(&self, wrong: &str) -> Vec<&str> {
        let names: Vec<&str> = self.events().map(|(_, event)| event.full_name.as_str()).collect();
        // The part of a glob before its first wildcard was meant as a name.
        let plain = wrong.split(['*', '?', '[']).next().unwrap_or_default();
        let mut ranked = nearest::ranked(plain, names.iter().copied());
        if ranked.is_empty() {
            let provider = nearest::nearest(plain.split('.').next().unwrap_or_default(), self.names());
            ranked = names.into_iter().filter(|name| name.split('.').next() == provider).collect();
        }
        ranked.truncate(3);
        ranked
    }

    /// The provider named by the first segment of a request's path that names one, as in `/webhooks/acme`.
    #[must_use]
    pub fn by_path(&self, request: &Request) -> Option<&Arc<Provider>> {
        request.path().split('/').find_map(|segment| self.get(segment))
    }

    /// The provider that a request looks like. The provider's headers count more than an event of its own that the request
    /// matches; of two providers that share a header, the one with more of its headers is meant.
    #[must_use]
    pub fn by_content(&self, lookup: &Lookup<'_>) -> Option<&Arc<Provider>> {
        let score = |provider: &Arc<Provider>| {
            let names = provider.recognised_by.iter();
            let headers = names.filter(|name| lookup.request.headers.contains(name.as_str())).count();
            let field = provider.payload_field.clone().map(Place::Form);
            let has_field = field.is_some_and(|field| lookup.text(&field).is_some());
            let event = provider.events.iter().any(|event| event.matches(lookup));
            2 * (headers + usize::from(has_field)) + usize::from(event)
        };
        let mut best: Option<(usize, &Arc<Provider>)> = None;
        for provider in self.providers() {
            let score = score(provider);
            if score > best.map_or(0, |(best, _)| best) {
                best = Some((score, provider));
            }
        }
        best.map(|(_, provider)| provider)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_provider_loads() {
        let catalog = Catalog::builtin();
        assert_eq!(catalog.names().count(), 53);
        assert!(catalog.names().is_sorted());
        for (name, events) in [("aspect", 3), ("auphonic", 2), ("cyanite", 9), ("jewelmusic", 16)] {
            assert_eq!(catalog.get(name).unwrap().events.len(), events, "{name}");
        }
        assert!(catalog.providers().all(|provider| provider.events.len() >= 2));
    }

    #[test]
    fn a_users_provider_replaces_a_built_in_one() {
        let mut catalog = Catalog::builtin();
        let mut names: Vec<String> = catalog.names().map(str::to_owned).collect();
        let (_, files) = files::builtin().find(|(name, _)| *name == "auphonic").unwrap();
        assert!(catalog.add(Provider::load(files).unwrap()));
        let place = names.iter().position(|name| name == "auphonic").unwrap();
        names[..=place].rotate_right(1);
        assert_eq!(catalog.names().collect::<Vec<_>>(), names);
    }

    #[test]
    fn a_misspelt_event_gets_suggestions() {
        let catalog = Catalog::builtin();
        assert_eq!(catalog.nearest_events("cyanite.v2.finish")[0], "cyanite.v2.finished");
        assert_eq!(catalog.nearest_events("cyanit.*")[0], "cyanite.v2.finished");
        assert_eq!(catalog.nearest_events("zzzzzz"), [""; 0]);
    }
}
