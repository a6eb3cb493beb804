//! Watches files and folders and says when one of them was changed.
//!
//! Editors replace a file rather than write to it, so that the folders around are watched and
//! their events are compared with what is wanted.

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc},
    thread,
    time::{Duration, Instant},
};

use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};

/// How long it must be quiet after a change before it is told, as one save is many events.
const QUIET: Duration = Duration::from_millis(80);

/// After this long it is told though it is not quiet, as a log that grows never is.
const PATIENCE: Duration = Duration::from_secs(1);

/// Watches until it is dropped.
#[derive(Debug)]
pub struct Watch {
    places: Arc<Mutex<Places>>,
}

impl Watch {
    /// Calls `changed` from a thread of its own after any of the files, or anything in the folders,
    /// was created, written, replaced or removed. What does not exist yet is watched for too, and
    /// so is, from then on, every path that `changed` returns.
    ///
    /// # Errors
    ///
    /// When the operating system gives no watch.
    pub fn start(paths: &[PathBuf], changed: impl Fn() -> Vec<PathBuf> + Send + 'static) -> notify::Result<Self> {
        let wanted = Arc::new(Mutex::new(HashSet::new()));
        let (sender, receiver) = mpsc::channel();
        let matching = Arc::clone(&wanted);
        let watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            let Ok(event) = event else { return };
            let wanted = lock(&matching);
            let concerns = |path: &PathBuf| wanted.iter().any(|wanted| path.starts_with(wanted));
            // When the system lost count, anything may have changed.
            if event.need_rescan() || !matches!(event.kind, EventKind::Access(_)) && event.paths.iter().any(concerns) {
                let themselves: Vec<PathBuf> = event.paths.into_iter().filter(|path| wanted.contains(path)).collect();
                // The receiver is gone only when the watch is being dropped.
                let _ = sender.send(themselves);
            }
        })?;
        let mut places = Places { watcher, wanted, watched: HashSet::new() };
        places.add(paths)?;
        let places = Arc::new(Mutex::new(places));
        let weak = Arc::downgrade(&places);
        thread::Builder::new().name("watch".into()).spawn(move || {
            while let Ok(mut themselves) = receiver.recv() {
                let begun = Instant::now();
                while begun.elapsed() < PATIENCE
                    && let Ok(more) = receiver.recv_timeout(QUIET)
                {
                    themselves.extend(more);
                }
                let Some(places) = weak.upgrade() else { return };
                lock(&places).renew(themselves);
                drop(places);
                let paths = changed();
                let Some(places) = weak.upgrade() else { return };
                // A place that can't be watched was told of as one that can't be read.
                let _ = lock(&places).add(&paths);
            }
        })?;
        Ok(Self { places })
    }

    /// Watches for these from now on, too.
    ///
    /// # Errors
    ///
    /// When the operating system gives no watch.
    pub fn add(&self, paths: &[PathBuf]) -> notify::Result<()> {
        lock(&self.places).add(paths)
    }
}

/// What is watched.
#[derive(Debug)]
struct Places {
    watcher: RecommendedWatcher,
    /// The paths whose changes count.
    wanted: Arc<Mutex<HashSet<PathBuf>>>,
    /// The folders that the operating system watches for that.
    watched: HashSet<(PathBuf, bool)>,
}

impl Places {
    fn add(&mut self, paths: &[PathBuf]) -> notify::Result<()> {
        for path in paths.iter().map(|path| absolute(path)) {
            if path.is_dir() {
                self.watch(&path, RecursiveMode::Recursive)?;
            }
            if let Some(parent) = path.parent().filter(|parent| parent.is_dir()) {
                self.watch(parent, RecursiveMode::NonRecursive)?;
            }
            lock(&self.wanted).insert(path);
        }
        Ok(())
    }

    /// Watches folders again that were removed and are there again: the watch went with the old one.
    fn renew(&mut self, themselves: Vec<PathBuf>) {
        for path in themselves.into_iter().filter(|path| path.is_dir()) {
            self.watched.remove(&(path.clone(), true));
            // It may be gone again.
            let _ = self.watch(&path, RecursiveMode::Recursive);
        }
    }

    fn watch(&mut self, folder: &Path, mode: RecursiveMode) -> notify::Result<()> {
        if self.watched.insert((folder.to_owned(), mode == RecursiveMode::Recursive)) {
            self.watcher.watch(folder, mode)?;
        }
        Ok(())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn absolute(path: &Path) -> PathBuf {
    path.canonicalize().or_else(|_| std::path::absolute(path)).unwrap_or_else(|_| path.to_owned())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_folder_that_is_made_again_is_watched_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("captures");
        fs::create_dir(&path).unwrap();
        let (sender, receiver) = mpsc::channel();
        let changed = move || {
            sender.send(()).unwrap();
            Vec::new()
        };
        let _watch = Watch::start(std::slice::from_ref(&path), changed).unwrap();
        let told = || receiver.recv_timeout(Duration::from_secs(240)).expect("a change is told");
        fs::remove_dir(&path).unwrap();
        told();
        fs::create_dir(&path).unwrap();
        told();
        fs::write(path.join("one"), "a").unwrap();
        told();
    }

    #[test]
    fn a_replaced_file_is_a_change() {
        let folder = tempfile::tempdir().unwrap();
        let (path, other) = (folder.path().join("hookdev.toml"), folder.path().join("other"));
        fs::write(&path, "a").unwrap();
        let (sender, receiver) = mpsc::channel();
        let changed = move || {
            sender.send(()).unwrap();
            Vec::new()
        };
        let _watch = Watch::start(std::slice::from_ref(&path), changed).unwrap();
        fs::write(&other, "b").unwrap();
        fs::rename(&other, &path).unwrap();
        receiver.recv_timeout(Duration::from_secs(240)).expect("a change is told");
    }
}
