//! Provider directories on a disk: one, or a directory of them.

use std::{
    borrow::Cow,
    fs::{self, Metadata},
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

use walkdir::WalkDir;

use super::{
    provider_cache::{Checked, CheckedDirectory, Digests, ProviderCache, Stamp},
    read as read_file,
};
use crate::webhook::provider::{
    Provider,
    catalog::{CatalogEntry, Loader},
    files::{ENDINGS, MANIFEST, ProviderFiles},
    index::IndexEntry,
    manifest::{DirectoryMistake, provider_name},
    self_test::self_test,
};

/// The limit on the total size of a provider's files, in bytes.
const MAX_TOTAL_BYTES: usize = 16 << 20;

/// How many entries a provider directory may have, including its subdirectories.
const MAX_ENTRIES: usize = 10_000;

/// What is wrong with a provider directory.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    /// It can't be read.
    #[error("can't read the provider directory {}", .0.display())]
    Read(PathBuf, #[source] io::Error),
    /// A file in it can't be read.
    #[error("can't read {}", .0.display())]
    File(PathBuf, #[source] io::Error),
    /// It holds no provider.
    #[error("no provider in {}: neither it nor a directory in it has a {MANIFEST}", .0.display())]
    Empty(PathBuf),
    /// One of its files is invalid.
    #[error(transparent)]
    Invalid(#[from] DirectoryMistake),
    /// Its files contradict its manifest, in these places.
    #[error("{}", in_one_line(.0))]
    Contradictory(Vec<DirectoryMistake>),
    /// It changed between its check and its use.
    #[error("the provider directory {} has just changed; try again", .0.display())]
    Changed(PathBuf),
}

fn in_one_line(problems: &[DirectoryMistake]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// Reads the provider in a directory, or those in its subdirectories in the order of their names. Each must pass its
/// own tests.
///
/// # Errors
///
/// If a directory can't be read, a manifest is invalid, or a fixture or vector contradicts it.
pub fn read(dir: &Path) -> Result<Vec<Provider>, ProviderError> {
    find(dir)?.iter().map(|dir| check(dir)).collect()
}

/// The directories that [`read`] reads providers from.
///
/// # Errors
///
/// If the directory can't be read, or has no provider.
pub fn find(dir: &Path) -> Result<Vec<PathBuf>, ProviderError> {
    Ok(directories(dir)?.into_iter().map(|(path, _)| path).collect())
}

/// Reads the provider in exactly this directory, which must pass its own tests.
///
/// # Errors
///
/// As for [`read`].
pub fn check(dir: &Path) -> Result<Provider, ProviderError> {
    Directory::scan(dir)?.check()
}

/// The manifest of the provider in exactly this directory; `None` if it can't be read.
#[must_use]
pub fn manifest_text(dir: &Path) -> Option<String> {
    read_file::text(&dir.join(MANIFEST)).ok().map(|mut text| std::mem::take(&mut *text))
}

/// The entries of the providers that [`read`] reads. One that passed its tests before, with the manifest that it has
/// now, is loaded when it is used; if another of its files has changed, it must then pass them again. One that doesn't
/// pass them is [broken](CatalogEntry::broken).
///
/// # Errors
///
/// As [`find`].
pub fn entries(dir: &Path, cache: Option<&ProviderCache>) -> Result<Vec<Arc<CatalogEntry>>, ProviderError> {
    let mut before = cache.map(|cache| cache.read(dir)).unwrap_or_default();
    let (mut entries, mut checked, mut is_changed) = (Vec::new(), Vec::new(), false);
    for (path, manifest) in directories(dir)? {
        let manifest = Stamp::of([(MANIFEST, &manifest)]).digest;
        // The directory itself has an empty name.
        let name = path.strip_prefix(dir).ok().and_then(Path::to_str).map(str::to_owned);
        let known = name.as_ref().and_then(|name| before.0.remove(name));
        let (entry, digests) = match (&name, known, cache) {
            (Some(name), Some(CheckedDirectory { digests, index }), Some(cache)) if digests.manifest == manifest => {
                let origin = path.display().to_string();
                let slot = CacheSlot { cache: cache.clone(), dir: dir.to_owned(), name: name.clone() };
                (CatalogEntry::from_index(index, origin, loader(path, slot, digests.files.clone())), Some(digests))
            }
            (_, known, _) => {
                let (entry, digests) = checked_now(&path).unwrap_or_else(|error| (broken(&path, error), None));
                is_changed |= known.is_some() || digests.is_some();
                (entry, digests)
            }
        };
        entries.push(Arc::new(entry));
        checked.push(name.zip(digests));
    }
    if let Some(cache) = cache.filter(|_| is_changed || !before.0.is_empty()) {
        let index = entries.iter().map(|entry| entry.index().clone());
        let checked = checked.into_iter().zip(index);
        let checked =
            checked.filter_map(|(of, index)| of.map(|(name, digests)| (name, CheckedDirectory { digests, index })));
        cache.write(dir, &Checked(checked.collect()));
    }
    Ok(entries)
}

/// The entry of a provider that passes its tests, and the digests of its files.
fn checked_now(path: &Path) -> Result<(CatalogEntry, Option<Digests>), ProviderError> {
    let now = SystemTime::now();
    let directory = Directory::scan(path)?;
    Ok((CatalogEntry::from(directory.check()?), directory.digests(now)))
}

/// The entry of a provider that doesn't pass its tests, by the name in its manifest, or else that of its directory.
fn broken(path: &Path, error: ProviderError) -> CatalogEntry {
    let of_directory = || path.file_name().map(|name| name.to_string_lossy().into_owned());
    let name = manifest_text(path).as_deref().and_then(provider_name).or_else(of_directory);
    CatalogEntry::broken(name.unwrap_or_default(), path.display().to_string(), error.into())
}

/// Where the cache has a provider directory.
struct CacheSlot {
    cache: ProviderCache,
    /// The directory that the user names, and the name of the provider directory in it.
    dir: PathBuf,
    name: String,
}

/// Loads a provider that has passed its tests, with files of this digest. A cache that contradicts the directory is not
/// trusted.
fn loader(path: PathBuf, CacheSlot { cache, dir, name }: CacheSlot, files: String) -> Loader {
    Box::new(move |index| {
        let now = SystemTime::now();
        let directory = Directory::scan(&path)?;
        let is_same = directory.stamp().digest == files;
        let provider = if is_same { directory.load()? } else { directory.check()? };
        if IndexEntry::of(&provider) != *index {
            cache.forget(&dir);
            return Err(ProviderError::Changed(path.clone()).into());
        }
        if let Some(digests) = directory.digests(now).filter(|_| !is_same) {
            let mut all = cache.read(&dir);
            all.0.insert(name.clone(), CheckedDirectory { digests, index: index.clone() });
            cache.write(&dir, &all);
        }
        Ok(provider)
    })
}

/// The directory if it contains a provider, else its subdirectories that do, in order of name, each with its manifest's
/// metadata.
fn directories(dir: &Path) -> Result<Vec<(PathBuf, Metadata)>, ProviderError> {
    if let Some(manifest) = manifest(dir) {
        return Ok(vec![(dir.to_owned(), manifest)]);
    }
    let unreadable = |error| ProviderError::Read(dir.to_owned(), error);
    let mut dirs = Vec::new();
    for entry in fs::read_dir(dir).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        dirs.extend(manifest(&path).map(|manifest| (path, manifest)));
    }
    if dirs.is_empty() {
        return Err(ProviderError::Empty(dir.to_owned()));
    }
    dirs.sort_by(|(a, _), (b, _)| a.cmp(b));
    Ok(dirs)
}

/// The metadata of a directory's manifest. An unreadable manifest, such as a pipe, is reported rather than skipped.
fn manifest(dir: &Path) -> Option<Metadata> {
    dir.join(MANIFEST).symlink_metadata().ok()
}

/// A directory that contains a provider, and the provider's files in it.
struct Directory<'a> {
    path: &'a Path,
    files: Vec<ProviderFile>,
}

struct ProviderFile {
    path: PathBuf,
    /// The path in the directory, with `/` between parts.
    name: String,
    metadata: Metadata,
}

impl<'a> Directory<'a> {
    fn scan(path: &'a Path) -> Result<Self, ProviderError> {
        let unreadable = |error| ProviderError::Read(path.to_owned(), error);
        let mut files = Vec::new();
        for (index, entry) in WalkDir::new(path).max_depth(3).sort_by_file_name().into_iter().enumerate() {
            if index >= MAX_ENTRIES {
                return Err(unreadable(io::Error::other("it has more than 10,000 entries")));
            }
            let entry = entry.map_err(|error| unreadable(error.into()))?;
            let file = entry.path();
            let is_wanted = file.extension().is_some_and(|extension| ENDINGS.iter().any(|wanted| extension == *wanted));
            let is_skipped = entry.file_type().is_dir() && file != path.join(MANIFEST);
            if !is_wanted || is_skipped {
                continue;
            }
            let of_file = |error| ProviderError::File(file.to_owned(), error);
            if entry.file_type().is_symlink() {
                // It could lead to any of the user's files, which would then be sent as a payload.
                return Err(of_file(io::Error::other("it is a link; a provider's files are regular files")));
            }
            let metadata = entry.metadata().map_err(|error| of_file(error.into()))?;
            let relative = file.strip_prefix(path).unwrap_or(file);
            let parts: Vec<Cow<'_, str>> = relative.iter().map(|part| part.to_string_lossy()).collect();
            files.push(ProviderFile { name: parts.join("/"), metadata, path: entry.into_path() });
        }
        Ok(Self { path, files })
    }

    fn stamp(&self) -> Stamp {
        Stamp::of(self.files.iter().map(|file| (file.name.as_str(), &file.metadata)))
    }

    /// The digests, if the files are old enough for these to show any change after `now`.
    fn digests(&self, now: SystemTime) -> Option<Digests> {
        let files = Some(self.stamp()).filter(|files| files.is_settled(now))?.digest;
        let manifest = self.files.iter().find(|file| file.name == MANIFEST)?;
        Some(Digests { manifest: Stamp::of([(MANIFEST, &manifest.metadata)]).digest, files })
    }

    fn load(&self) -> Result<Provider, ProviderError> {
        let mut total = 0;
        let (mut texts, mut others) = (Vec::with_capacity(self.files.len()), Vec::new());
        for ProviderFile { path, name, .. } in &self.files {
            let of_file = |error| ProviderError::File(path.clone(), error);
            let bytes = read_file::bytes(path).map_err(of_file)?;
            total += bytes.len();
            if total > MAX_TOTAL_BYTES {
                let error = io::Error::new(io::ErrorKind::FileTooLarge, "its files are larger than 16 MiB");
                return Err(ProviderError::Read(self.path.to_owned(), error));
            }
            match String::from_utf8(bytes) {
                Ok(text) => texts.push((Cow::Owned(name.clone()), Cow::Owned(text))),
                Err(_) if path.extension().is_some_and(|ending| ending == "json" || ending == "toml") => {
                    return Err(of_file(read_file::not_text()));
                }
                Err(error) => others.push((name.clone(), error.into_bytes().into())),
            }
        }
        Ok(Provider::load(ProviderFiles::new(self.path.display().to_string(), texts).and(others))?)
    }

    /// Loads the provider if it passes its own tests.
    fn check(&self) -> Result<Provider, ProviderError> {
        let provider = self.load()?;
        let problems = self_test(&provider);
        if problems.is_empty() { Ok(provider) } else { Err(ProviderError::Contradictory(problems)) }
    }
}
