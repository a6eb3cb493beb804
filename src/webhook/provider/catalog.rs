//! All known providers: lookup by name, and recognition of the provider of a request. A provider is loaded when it is
//! first used; everything else comes from the index.

use std::{
    error::Error,
    fmt,
    sync::{Arc, OnceLock},
};

use glob::Pattern;
use http::HeaderName;

use super::{
    Provider,
    event::Event,
    files::BuiltIn,
    index::{IndexEntry, IndexedEvent},
};
use crate::webhook::{
    nearest,
    place::{Lookup, Place},
    request::Request,
};

/// Why a provider can't be loaded.
pub type LoadError = Box<dyn Error + Send + Sync>;

/// Why a provider can't be loaded, with all causes in one line.
#[must_use]
pub fn reason(error: &LoadError) -> String {
    let causes = std::iter::successors(Some(error.as_ref() as &dyn Error), |&error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// Loads one of the user's providers, which must match its index entry.
pub type Loader = Box<dyn Fn(&IndexEntry) -> Result<Provider, LoadError> + Send + Sync>;

/// One known provider, loaded when it is first used.
pub struct CatalogEntry {
    source: ProviderSource,
    index: OnceLock<IndexEntry>,
    provider: OnceLock<Result<Arc<Provider>, LoadError>>,
}

enum ProviderSource {
    BuiltIn(&'static BuiltIn),
    /// The user's own, from this directory.
    Directory(String, Loader),
}

impl CatalogEntry {
    fn built_in(built_in: &'static BuiltIn) -> Self {
        Self { source: ProviderSource::BuiltIn(built_in), index: OnceLock::new(), provider: OnceLock::new() }
    }

    /// One of the user's providers, to be loaded from this directory on first use.
    #[must_use]
    pub fn from_index(index: IndexEntry, directory: String, load: Loader) -> Self {
        let source = ProviderSource::Directory(directory, load);
        Self { source, index: OnceLock::from(index), provider: OnceLock::new() }
    }

    /// One of the user's providers that can't be used, and why.
    #[must_use]
    pub fn broken(name: String, directory: String, error: LoadError) -> Self {
        let index = IndexEntry::of_name(name);
        let source = ProviderSource::Directory(directory, read_at_once());
        Self { source, index: OnceLock::from(index), provider: OnceLock::from(Err(error)) }
    }

    /// Why it can't be used, if that is known.
    #[must_use]
    pub fn failure(&self) -> Option<&LoadError> {
        self.provider.get()?.as_ref().err()
    }

    /// The provider's name.
    #[must_use]
    pub fn name(&self) -> &str {
        match &self.source {
            ProviderSource::BuiltIn(built_in) => built_in.name,
            ProviderSource::Directory(..) => &self.index().name,
        }
    }

    /// The directory of one of the user's providers; `None` for a built-in one.
    #[must_use]
    pub fn directory(&self) -> Option<&str> {
        match &self.source {
            ProviderSource::BuiltIn(_) => None,
            ProviderSource::Directory(directory, _) => Some(directory),
        }
    }

    /// What is known about the provider without loading it.
    #[must_use]
    pub fn index(&self) -> &IndexEntry {
        self.index.get_or_init(|| {
            let line = match &self.source {
                ProviderSource::BuiltIn(built_in) => built_in.index,
                ProviderSource::Directory(..) => "",
            };
            // A provider that is only being added isn't in the index yet.
            serde_json::from_str(line)
                .ok()
                .or_else(|| self.load().ok().map(|provider| IndexEntry::of(provider)))
                .unwrap_or_default()
        })
    }

    /// The same provider, loaded, with the name that the user chose in the provider's settings for the header of its
    /// signature. `None` if that name is fixed.
    fn with_signature_header(&self, name: &HeaderName) -> Result<Option<Self>, LoadError> {
        let files = self.load().map_err(reason)?.files().clone();
        let mut provider = Provider::load(files)?;
        if !provider.rename_signature_header(name) {
            return Ok(None);
        }
        let source = match &self.source {
            ProviderSource::BuiltIn(built_in) => ProviderSource::BuiltIn(built_in),
            ProviderSource::Directory(directory, _) => ProviderSource::Directory(directory.clone(), read_at_once()),
        };
        let index = OnceLock::from(IndexEntry::of(&provider));
        Ok(Some(Self { source, index, provider: OnceLock::from(Ok(Arc::new(provider))) }))
    }

    /// The provider.
    ///
    /// # Errors
    ///
    /// If it can't be loaded; the failure is remembered.
    pub fn load(&self) -> Result<&Arc<Provider>, &LoadError> {
        let load = || match &self.source {
            ProviderSource::BuiltIn(built_in) => Ok(Provider::load(built_in.files())?),
            ProviderSource::Directory(_, load) => load(self.index()),
        };
        self.provider.get_or_init(|| load().map(Arc::new)).as_ref()
    }
}

impl From<Provider> for CatalogEntry {
    fn from(provider: Provider) -> Self {
        let provider = Arc::new(provider);
        let index = OnceLock::from(IndexEntry::of(&provider));
        let directory = provider.files().origin().to_owned();
        let source = ProviderSource::Directory(directory, read_at_once());
        Self { source, index, provider: OnceLock::from(Ok(provider)) }
    }
}

/// The loader of an entry whose provider was read at once, with or without success. It is never called.
fn read_at_once() -> Loader {
    Box::new(|_: &IndexEntry| Err("it was read at once".into()))
}

impl fmt::Debug for CatalogEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.provider.get() {
            None => "not loaded",
            Some(Ok(_)) => "loaded",
            Some(Err(_)) => "failed",
        };
        f.debug_tuple("Entry").field(&self.name()).field(&format_args!("{state}")).finish()
    }
}

/// The known providers, the user's own before the built-in ones.
#[derive(Debug, Default)]
pub struct Catalog {
    entries: Vec<Arc<CatalogEntry>>,
}

impl Catalog {
    /// The built-in providers.
    #[must_use]
    pub fn builtin() -> Self {
        Self { entries: BuiltIn::all().iter().map(|built_in| Arc::new(CatalogEntry::built_in(built_in))).collect() }
    }

    /// Adds one of the user's providers. Returns whether it replaces one of the same name.
    pub fn add(&mut self, entry: Arc<CatalogEntry>) -> bool {
        let before = self.entries.len();
        self.entries.retain(|other| other.name() != entry.name());
        let replaces = self.entries.len() < before;
        self.entries.insert(0, entry);
        replaces
    }

    /// Sets the name of the header of a provider's signature to the one that the user chose in the provider's settings.
    /// Returns whether the provider is known and lets the user choose.
    ///
    /// # Errors
    ///
    /// If the provider can't be loaded.
    pub fn set_signature_header(&mut self, provider: &str, header: &HeaderName) -> Result<bool, LoadError> {
        let Some(entry) = self.entries.iter_mut().find(|entry| entry.name() == provider) else { return Ok(false) };
        let Some(renamed) = entry.with_signature_header(header)? else { return Ok(false) };
        *entry = Arc::new(renamed);
        Ok(true)
    }

    /// All entries.
    pub fn entries(&self) -> impl Iterator<Item = &Arc<CatalogEntry>> {
        self.entries.iter()
    }

    /// The entry of this name.
    #[must_use]
    pub fn entry(&self, name: &str) -> Option<&Arc<CatalogEntry>> {
        self.entries().find(|entry| entry.name() == name)
    }

    /// The provider of this name, if there is one and it can be loaded.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Arc<Provider>> {
        self.entry(name)?.load().ok()
    }

    /// Whether there is a provider of this name.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.entry(name).is_some()
    }

    /// The names of all providers.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.entries().map(|entry| entry.name())
    }

    /// All providers that can be loaded, loaded.
    pub fn providers(&self) -> impl Iterator<Item = &Arc<Provider>> {
        self.entries().filter_map(|entry| entry.load().ok())
    }

    /// The providers that are known to be broken: their names, and why they can't be used.
    pub fn failures(&self) -> impl Iterator<Item = (&str, &LoadError)> {
        self.entries().filter_map(|entry| Some((entry.name(), entry.failure()?)))
    }

    /// All entries without those that are known to be broken: what lists and examples name.
    pub fn usable(&self) -> impl Iterator<Item = &Arc<CatalogEntry>> {
        self.entries().filter(|entry| entry.failure().is_none())
    }

    /// Why the name of a provider, the name of an event, or a glob of either can't be used: all providers that the part
    /// before its first dot matches are known to be broken. The failure is that of the first one.
    #[must_use]
    pub fn failure(&self, text: &str) -> Option<&LoadError> {
        let provider = text.split('.').next().unwrap_or_default();
        let glob = Pattern::new(provider).ok();
        let is_meant = |name: &str| name == provider || glob.as_ref().is_some_and(|glob| glob.matches(name));
        let mut meant = self.entries().filter(|entry| is_meant(entry.name()));
        let failure = meant.next()?.failure()?;
        meant.all(|entry| entry.failure().is_some()).then_some(failure)
    }

    /// The provider that messages name as an example: the first of the user's own, else a well-known one.
    #[must_use]
    pub fn example(&self) -> Option<&Arc<CatalogEntry>> {
        let first = self.usable().next()?;
        let well_known = || self.usable_entry(BuiltIn::example()).unwrap_or(first);
        Some(if first.directory().is_some() { first } else { well_known() })
    }

    /// The providers to list while none is known to be in use: the user's own, else a few of the built-in ones.
    #[must_use]
    pub fn featured(&self) -> Vec<&Arc<CatalogEntry>> {
        let own: Vec<_> = self.usable().filter(|entry| entry.directory().is_some()).collect();
        if own.is_empty() {
            BuiltIn::featured().iter().filter_map(|name| self.usable_entry(name)).collect()
        } else {
            own
        }
    }

    fn usable_entry(&self, name: &str) -> Option<&Arc<CatalogEntry>> {
        self.entry(name).filter(|entry| entry.failure().is_none())
    }

    /// Every event of every provider that isn't known to be broken, from the index.
    pub fn events(&self) -> impl Iterator<Item = (&Arc<CatalogEntry>, &IndexedEvent)> {
        self.usable().flat_map(|entry| entry.index().events().iter().map(move |event| (entry, event)))
    }

    /// The events whose full names match a glob; a plain name matches itself.
    pub fn matching<'a>(
        &'a self,
        glob: &'a Pattern,
    ) -> impl Iterator<Item = (&'a Arc<CatalogEntry>, &'a IndexedEvent)> {
        self.events().filter(|(_, event)| glob.matches(&event.full_name))
    }

    /// Whether there is an event of exactly this full name.
    #[must_use]
    pub fn has_event(&self, full_name: &str) -> bool {
        let entry = full_name.split_once('.').and_then(|(provider, _)| self.entry(provider));
        entry.is_some_and(|entry| entry.index().events().iter().any(|event| event.full_name == full_name))
    }

    /// The event of exactly this full name, if its provider can be loaded.
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
        // The part of a glob before its first wildcard is taken for a name.
        let plain = wrong.split(['*', '?', '[']).next().unwrap_or_default();
        // If the provider is spelled correctly, only its events are suggested.
        let meant = plain.split_once('.').and_then(|(provider, _)| self.entry(provider));
        let is_of_meant = |name: &&str| meant.is_none_or(|entry| name.split('.').next() == Some(entry.name()));
        let mut ranked = nearest::ranked(plain, names.iter().copied().filter(is_of_meant));
        if ranked.is_empty() {
            let usable = self.usable().map(|entry| entry.name());
            let provider = nearest::nearest(plain.split('.').next().unwrap_or_default(), usable);
            ranked = names.into_iter().filter(|name| name.split('.').next() == provider).collect();
        }
        ranked.truncate(3);
        ranked
    }

    /// The provider named by the first segment of a request's path that names one, as in `/webhooks/acme`.
    #[must_use]
    pub fn by_path(&self, request: &Request) -> Option<&Arc<CatalogEntry>> {
        request.path().split('/').filter(|segment| !segment.is_empty()).find_map(|segment| self.entry(segment))
    }

    /// The provider that a request looks like. Of the providers with the most headers in the request (the payload's
    /// form field counts as one), this is the first with an event that the request matches, or else the first. If the
    /// request has no provider's header, it is the first of all providers with such an event.
    #[must_use]
    pub fn by_content(&self, lookup: &Lookup<'_>) -> Option<&Arc<Provider>> {
        let known: Vec<usize> = self.entries().map(|entry| known_in(entry, lookup)).collect();
        let most = known.iter().copied().max()?;
        let has_event = |provider: &&Arc<Provider>| provider.events.iter().any(|event| event.matches(lookup));
        let candidates = self.entries().zip(known).filter(|(_, known)| *known == most);
        let mut candidates = candidates.filter_map(|(entry, _)| entry.load().ok()).peekable();
        let first = candidates.peek().copied().filter(|_| most > 0);
        candidates.find(has_event).or(first)
    }

    /// The providers that have the most of their headers in a request; empty if it has none of any provider.
    #[must_use]
    pub fn by_headers(&self, lookup: &Lookup<'_>) -> Vec<&Arc<Provider>> {
        let known: Vec<usize> = self.entries().map(|entry| known_in(entry, lookup)).collect();
        let most = known.iter().copied().max().unwrap_or_default();
        let with_most = self.entries().zip(known).filter(|(_, known)| most > 0 && *known == most);
        with_most.filter_map(|(entry, _)| entry.load().ok()).collect()
    }
}

/// How many of a provider's headers a request has, counting the form field of the payload as one.
fn known_in(entry: &CatalogEntry, lookup: &Lookup<'_>) -> usize {
    let index = entry.index();
    let headers = index.headers.iter().filter(|name| lookup.request.headers.contains(name)).count();
    let field = index.payload_field.clone().map(Place::Form);
    headers + usize::from(field.is_some_and(|field| lookup.text(&field).is_some()))
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
        let auphonic = BuiltIn::all().iter().find(|built_in| built_in.name == "auphonic").unwrap();
        assert!(catalog.add(Arc::new(Provider::load(auphonic.files()).unwrap().into())));
        let place = names.iter().position(|name| name == "auphonic").unwrap();
        names[..=place].rotate_right(1);
        assert_eq!(catalog.names().collect::<Vec<_>>(), names);
    }

    #[test]
    fn a_broken_provider_is_no_example_and_is_named_by_what_matches_no_other_provider() {
        let mut catalog = Catalog::builtin();
        assert_eq!(catalog.example().unwrap().name(), "stripe");
        let featured = catalog.featured()[0].name().to_owned();
        for name in ["stripe", &featured] {
            let broken = CatalogEntry::broken(name.to_owned(), format!("own/{name}"), "the mistake".into());
            assert!(catalog.add(Arc::new(broken)));
        }
        assert_ne!(catalog.example().unwrap().name(), "stripe");
        assert!(catalog.featured().iter().all(|entry| entry.name() != featured));
        assert_eq!(catalog.usable().count(), 51);
        for text in ["stripe", "stripe.*", "str*", "stripe.invoice.paid", "*ripe.invoice.*", "stripe.["] {
            assert_eq!(catalog.failure(text).map(ToString::to_string).as_deref(), Some("the mistake"), "{text}");
        }
        for text in ["*", "s*", "*.push", "*.no-event", "s*.no-event", "github.*", "github.push", "strip", ""] {
            assert!(catalog.failure(text).is_none(), "{text}");
        }
    }

    #[test]
    fn a_misspelt_event_gets_suggestions() {
        let catalog = Catalog::builtin();
        assert_eq!(catalog.nearest_events("cyanite.v2.finish")[0], "cyanite.v2.finished");
        assert_eq!(catalog.nearest_events("cyanit.*")[0], "cyanite.v2.finished");
        assert_eq!(catalog.nearest_events("zzzzzz"), [""; 0]);
        let of_stripe = catalog.nearest_events("strpe.no-such-event")[0].to_owned();
        assert!(of_stripe.starts_with("stripe."), "{of_stripe}");
        assert_eq!(catalog.nearest_events("auphonic.v2.finished"), ["auphonic.done", "auphonic.error"]);
        // A broken provider has no events to suggest, even if its name is as similar.
        let mut catalog = Catalog::builtin();
        catalog.add(Arc::new(CatalogEntry::broken("strper".to_owned(), "own".to_owned(), "the mistake".into())));
        assert_eq!(catalog.nearest_events("strpe.no-such-event")[0], of_stripe);
    }
}
