//! The files that a command which goes on and on was set up from, and whether they have changed
//! since: the config, secrets, provider folders, and what else it reads at the start.

use std::path::PathBuf;

use super::{context::Context, exit::Failure};
use crate::store::{snapshot::Snapshot, watch::Watch};

/// Files and folders, and how they stood when they were read.
pub struct Sources {
    paths: Vec<PathBuf>,
    read: Snapshot,
    /// What is read besides what the context names.
    others: Vec<PathBuf>,
}

impl Sources {
    /// Looks at what a context and the command itself were set up from, before it is read.
    pub fn of(context: &Context, others: Vec<PathBuf>) -> Self {
        let paths = [context.watched(), others.clone()].concat();
        Self { read: Snapshot::of(&paths), paths, others }
    }

    /// What is to be watched.
    pub fn paths(&self) -> &[PathBuf] {
        &self.paths
    }

    /// Whether anything differs from what was read.
    pub fn have_changed(&self) -> bool {
        Snapshot::of(&self.paths) != self.read
    }

    /// Sets up again; what is named now and was not before is watched from now on.
    ///
    /// # Errors
    ///
    /// When something is broken now.
    pub fn reload(&mut self, context: &Context, watch: &Watch) -> Result<Context, Failure> {
        loop {
            // Before it is read: a change that comes later is one that is still to be seen.
            self.read = Snapshot::of(&self.paths);
            let context = Context::load_again(context.global.clone(), context.announced())?;
            let named = [context.watched(), self.others.clone()].concat();
            if named == self.paths {
                return Ok(context);
            }
            // What can't be watched is told of as what can't be read.
            let _ = watch.add(&named);
            self.paths = named;
        }
    }
}
