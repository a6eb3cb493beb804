//! Watches files and folders and says when one of them was changed.
//!
//! Editors replace a file rather than write to it, so that the folders around are watched and
//! their events are compared with what is wanted.

use std::{
    path::{Path, PathBuf},
    sync::mpsc,
    thread,
    time::Duration,
};

use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};

/// How long it must be quiet after a change before it is told, as one save is many events.
const QUIET: Duration = Duration::from_millis(80);

/// Watches until it is dropped.
#[derive(Debug)]
pub struct Watch {
    _watcher: RecommendedWatcher,
}

impl Watch {
    /// Calls `changed` from a thread of its own after any of the files, or anything in the folders,
    /// was created, written, replaced or removed. What does not exist yet is watched for too.
    ///
    /// # Errors
    ///
    /// When the operating system gives no watch.
    pub fn start(paths: &[PathBuf], changed: impl Fn() + Send + 'static) -> notify::Result<Self> {
        let wanted: Vec<PathBuf> = paths.iter().map(|path| absolute(path)).collect();
        let (sender, receiver) = mpsc::channel();
        let matching = wanted.clone();
        let mut watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            let relevant = event.is_ok_and(|event| {
                !matches!(event.kind, EventKind::Access(_))
                    && event.paths.iter().any(|path| matching.iter().any(|w| path.starts_with(w)))
            });
            if relevant {
                // The receiver is gone only when the watch is being dropped.
                let _ = sender.send(());
            }
        })?;
        for path in &wanted {
            if path.is_dir() {
                watcher.watch(path, RecursiveMode::Recursive)?;
            }
            if let Some(parent) = path.parent().filter(|parent| parent.is_dir()) {
                watcher.watch(parent, RecursiveMode::NonRecursive)?;
            }
        }
        thread::Builder::new().name("watch".into()).spawn(move || {
            while receiver.recv().is_ok() {
                while receiver.recv_timeout(QUIET).is_ok() {}
                changed();
            }
        })?;
        Ok(Self { _watcher: watcher })
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
    fn a_replaced_file_is_a_change() {
        let folder = tempfile::tempdir().unwrap();
        let (path, other) = (folder.path().join("hookdev.toml"), folder.path().join("other"));
        fs::write(&path, "a").unwrap();
        let (sender, receiver) = mpsc::channel();
        let _watch = Watch::start(std::slice::from_ref(&path), move || sender.send(()).unwrap()).unwrap();
        fs::write(&other, "b").unwrap();
        fs::rename(&other, &path).unwrap();
        receiver.recv_timeout(Duration::from_secs(20)).expect("a change is told");
    }
}
