//! Watches files and directories for changes.
//!
//! Editors replace a file rather than write to it, so the directories around a file are watched and their events are
//! filtered.
//!
//! Two crates that debounce the events of `notify` were considered and rejected. `notify-debouncer-full` 0.7 polls,
//! with 44 wake-ups a second while nothing changes, where this file needs none. It also reports a change a fixed time
//! after its first event, so a file written in ten parts over 0.3 s is read incomplete. `notify-debouncer-mini` 0.7
//! reports that file 18 times, drops the event that says that events were lost, and also reports reads, so that reading
//! the file on a report causes another report.

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
    sync::{Arc, mpsc},
    thread,
    time::{Duration, Instant},
};

use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use parking_lot::Mutex;

/// How long there must be no events before a change is reported, because one save causes many events.
const QUIET_TIME: Duration = Duration::from_millis(80);

/// After this long a change is reported even if events keep arriving, as they do for a growing log.
const MAX_DELAY: Duration = Duration::from_secs(1);

/// Watches until it is dropped.
#[derive(Debug)]
pub struct Watch {
    targets: Arc<Mutex<WatchedPaths>>,
}

impl Watch {
    /// Calls `changed`, from its own thread, after any of the files, or anything in the directories, was created,
    /// written, replaced or removed. Paths that don't exist yet are watched too. Every path that `changed` returns is
    /// watched from then on.
    ///
    /// # Errors
    ///
    /// If the operating system can't watch the paths.
    pub fn start(paths: &[PathBuf], changed: impl Fn() -> Vec<PathBuf> + Send + 'static) -> notify::Result<Self> {
        let wanted = Arc::new(Mutex::new(HashSet::new()));
        let (sender, receiver) = mpsc::channel();
        let matching = Arc::clone(&wanted);
        let watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            let Ok(event) = event else { return };
            let wanted = matching.lock();
            let concerns = |path: &PathBuf| wanted.iter().any(|wanted| path.starts_with(wanted));
            // If the system has dropped events, anything may have changed.
            if event.need_rescan() || !matches!(event.kind, EventKind::Access(_)) && event.paths.iter().any(concerns) {
                let roots: Vec<PathBuf> = event.paths.into_iter().filter(|path| wanted.contains(path)).collect();
                // The receiver is gone only while the watch is dropped.
                let _ = sender.send(roots);
            }
        })?;
        let mut targets = WatchedPaths { watcher, wanted, watched: HashSet::new() };
        targets.add(paths)?;
        let targets = Arc::new(Mutex::new(targets));
        let weak = Arc::downgrade(&targets);
        thread::Builder::new().name("watch".into()).spawn(move || {
            while let Ok(mut roots) = receiver.recv() {
                let begun = Instant::now();
                while begun.elapsed() < MAX_DELAY
                    && let Ok(more) = receiver.recv_timeout(QUIET_TIME)
                {
                    roots.extend(more);
                }
                let Some(targets) = weak.upgrade() else { return };
                targets.lock().watch_again(roots);
                drop(targets);
                let paths = changed();
                let Some(targets) = weak.upgrade() else { return };
                // A path that can't be watched can't be read either, which was reported.
                let _ = targets.lock().add(&paths);
            }
        })?;
        Ok(Self { targets })
    }

    /// Adds paths to watch.
    ///
    /// # Errors
    ///
    /// If the operating system can't watch them.
    pub fn add(&self, paths: &[PathBuf]) -> notify::Result<()> {
        self.targets.lock().add(paths)
    }
}

/// The paths that are watched.
#[derive(Debug)]
struct WatchedPaths {
    watcher: RecommendedWatcher,
    /// The paths whose changes count.
    wanted: Arc<Mutex<HashSet<PathBuf>>>,
    /// The directories that the operating system watches for them, and whether recursively.
    watched: HashSet<(PathBuf, bool)>,
}

impl WatchedPaths {
    fn add(&mut self, paths: &[PathBuf]) -> notify::Result<()> {
        for path in paths.iter().map(|path| absolute(path)) {
            if path.is_dir() {
                self.watch(&path, RecursiveMode::Recursive)?;
            }
            if let Some(parent) = path.parent().filter(|parent| parent.is_dir()) {
                self.watch(parent, RecursiveMode::NonRecursive)?;
            }
            self.wanted.lock().insert(path);
        }
        Ok(())
    }

    /// Watches directories again that were removed and recreated, because the old watch ended with the old directory.
    fn watch_again(&mut self, roots: Vec<PathBuf>) {
        for path in roots.into_iter().filter(|path| path.is_dir()) {
            self.watched.remove(&(path.clone(), true));
            // The directory may have been removed again.
            let _ = self.watch(&path, RecursiveMode::Recursive);
        }
    }

    fn watch(&mut self, dir: &Path, mode: RecursiveMode) -> notify::Result<()> {
        let watch = (dir.to_owned(), mode == RecursiveMode::Recursive);
        // A second watch would replace an existing recursive one.
        if !self.watched.contains(&watch) && !self.watched.contains(&(dir.to_owned(), true)) {
            self.watcher.watch(dir, mode)?;
            self.watched.insert(watch);
        }
        Ok(())
    }
}

fn absolute(path: &Path) -> PathBuf {
    path.canonicalize().or_else(|_| std::path::absolute(path)).unwrap_or_else(|_| path.to_owned())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_directory_that_is_recreated_is_watched_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("captures");
        fs::create_dir(&path).unwrap();
        let (sender, receiver) = mpsc::channel();
        let changed = move || {
            sender.send(()).unwrap();
            Vec::new()
        };
        let _watch = Watch::start(std::slice::from_ref(&path), changed).unwrap();
        let reported = || receiver.recv_timeout(Duration::from_secs(240)).expect("a change is reported");
        fs::remove_dir(&path).unwrap();
        reported();
        fs::create_dir(&path).unwrap();
        reported();
        fs::write(path.join("one"), "a").unwrap();
        reported();
    }

    #[test]
    fn a_file_in_a_watched_directory_does_not_end_the_watch_of_its_other_directories() {
        let dir = tempfile::tempdir().unwrap();
        let (file, inner) = (dir.path().join("a"), dir.path().join("inner"));
        fs::write(&file, "a").unwrap();
        fs::create_dir(&inner).unwrap();
        let (sender, receiver) = mpsc::channel();
        let changed = move || {
            sender.send(()).unwrap();
            Vec::new()
        };
        let _watch = Watch::start(&[dir.path().to_owned(), file], changed).unwrap();
        let reported = || receiver.recv_timeout(Duration::from_secs(240)).expect("a change is reported");
        fs::create_dir(inner.join("new")).unwrap();
        reported();
        fs::write(inner.join("new/b"), "b").unwrap();
        reported();
    }

    #[test]
    fn a_replaced_file_is_a_change() {
        let dir = tempfile::tempdir().unwrap();
        let (path, other) = (dir.path().join("hookdev.toml"), dir.path().join("other"));
        fs::write(&path, "a").unwrap();
        let (sender, receiver) = mpsc::channel();
        let changed = move || {
            sender.send(()).unwrap();
            Vec::new()
        };
        let _watch = Watch::start(std::slice::from_ref(&path), changed).unwrap();
        fs::write(&other, "b").unwrap();
        fs::rename(&other, &path).unwrap();
        receiver.recv_timeout(Duration::from_secs(240)).expect("a change is reported");
    }
}
