//! The files that a long-running command read at the start (config, secrets, provider directories and its own inputs),
//! and whether they have changed since.

use std::path::PathBuf;

use super::{context::Context, exit::Failure};
use crate::store::{snapshot::Snapshot, watch::Watch};

/// Files and directories, with a snapshot from when they were read.
pub struct InputFiles {
    paths: Vec<PathBuf>,
    snapshot: Snapshot,
    /// The command's own inputs, in addition to those of the context.
    others: Vec<PathBuf>,
}

impl InputFiles {
    /// Takes a snapshot of the files of a context and of the command itself. Call it before they are read.
    pub fn of(context: &Context, others: Vec<PathBuf>) -> Self {
        let paths = [context.watched(), others.clone()].concat();
        Self { snapshot: Snapshot::of(&paths), paths, others }
    }

    /// The paths to watch.
    pub fn paths(&self) -> &[PathBuf] {
        &self.paths
    }

    /// Whether a file of the context, which other commands may read too, has changed since the snapshot.
    pub fn have_shared_changed(&self) -> bool {
        Snapshot::of(&self.paths)
            .since(&self.snapshot)
            .iter()
            .any(|change| !self.others.iter().any(|own| own == change.path()))
    }

    /// Whether any file has changed since the snapshot.
    pub fn have_changed(&self) -> bool {
        Snapshot::of(&self.paths) != self.snapshot
    }

    /// Reloads the context, and watches the files that it now refers to.
    ///
    /// # Errors
    ///
    /// If the config or a provider is invalid.
    pub fn reload(&mut self, context: &Context, watch: &Watch) -> Result<Context, Failure> {
        loop {
            // Taken before the files are read, so that no later change is missed.
            self.snapshot = Snapshot::of(&self.paths);
            let context = Context::load_again(context.global.clone(), context.shared())?;
            let named = [context.watched(), self.others.clone()].concat();
            if named == self.paths {
                return Ok(context);
            }
            // A path that can't be watched can't be read either, which is reported on reading.
            let _ = watch.add(&named);
            self.paths = named;
        }
    }
}
