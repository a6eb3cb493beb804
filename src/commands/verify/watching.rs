//! `verify --watch`: verifies what was saved, and everything once that by which it is judged has
//! changed. It ends by Ctrl-C, which is left to the system: nothing is to be put in order.

use std::{
    path::{Path, PathBuf},
    sync::mpsc,
};

use super::{STDIN, judging::Judging, pipeline::Input, verify};
use crate::{
    cli::Verify,
    commands::{
        context::Context,
        failure::{Exit, Failure},
        sources::Sources,
    },
    store::{
        snapshot::{Change, Snapshot},
        watch::Watch,
    },
};

/// Verifies everything, and then what changes, until nobody reads it any more.
///
/// # Errors
///
/// When standard input shall be watched, there is no watch to be had, or the output can't be written.
pub fn run<'a>(
    context: &Context,
    args: &'a Verify,
    mut judging: Judging<'a>,
    inputs: &[Input],
) -> Result<Exit, Failure> {
    if args.files.iter().any(|file| file == Path::new(STDIN)) {
        return Err(Failure::usage("standard input can't be watched").hint("name the file itself"));
    }
    let mut judged_by = Sources::of(context, Vec::new());
    // Looked at and watched before anything is read, so that no change falls in between.
    let mut files = Snapshot::of(&args.files);
    let (watch, alarms) = watch(&[judged_by.paths(), &args.files].concat())?;
    let exit = verify(context, &judging, inputs)?;
    context.terminal.note("watching for changes (Ctrl-C ends it)");
    while alarms.recv().is_ok() {
        while alarms.try_recv().is_ok() {}
        let before = files;
        files = Snapshot::of(&args.files);
        let changes = files.since(&before);
        if !judged_by.have_changed() {
            again(context, &judging, &changes, args)?;
            continue;
        }
        match judged_by.reload(context, &watch).and_then(|context| Judging::new(&context, args)) {
            Ok(renewed) => {
                judging = renewed;
                context.terminal.note("the configuration has changed: everything is verified again");
                verify(context, &judging, inputs)?;
            }
            Err(mut failure) => {
                failure.hint = Some("what was in force before stays so until this is mended".to_owned());
                context.terminal.fail(&failure);
                again(context, &judging, &changes, args)?;
            }
        }
    }
    Ok(exit)
}

/// A watch over these, and where it tells that something has changed.
fn watch(paths: &[PathBuf]) -> Result<(Watch, mpsc::Receiver<()>), Failure> {
    let (sender, alarms) = mpsc::channel();
    let tell = move || {
        // The receiver is gone only when this run ends.
        let _ = sender.send(());
        Vec::new()
    };
    let watch =
        Watch::start(paths, tell).map_err(|error| Failure::usage("the files can't be watched").because(&error))?;
    Ok((watch, alarms))
}

/// Says what has changed, and verifies what is there of it.
fn again(context: &Context, judging: &Judging<'_>, changes: &[Change], args: &Verify) -> Result<(), Failure> {
    let mut inputs = Vec::new();
    for change in changes {
        let (file, what) = match change {
            Change::Gone(file) => (file, "is gone"),
            Change::Added(file) => (file, "is new"),
            Change::Changed(file) => (file, "has changed"),
        };
        context.terminal.note(&format!("{} {what}", file.display()));
        if !matches!(change, Change::Gone(_)) {
            let is_named = args.files.contains(file);
            inputs.push(if is_named { Input::Path(file.clone()) } else { Input::Found(file.clone()) });
        }
    }
    if !inputs.is_empty() {
        verify(context, judging, &inputs)?;
    }
    Ok(())
}
