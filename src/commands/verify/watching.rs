//! `verify --watch`: verifies what was saved, and everything once that by which it is judged has
//! changed, until Ctrl-C.

use std::{
    path::{Path, PathBuf},
    sync::mpsc,
};

use super::{STDIN, interruption::Interruption, judging::Judging, pipeline::Input, verify};
use crate::{
    cli::Verify,
    commands::{
        context::Context,
        exit::{Exit, Failure},
        sources::Sources,
    },
    store::{
        snapshot::{Change, Snapshot},
        watch::Watch,
    },
};

/// Verifies everything, and then what changes, until Ctrl-C or until nobody reads it any more.
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
    let (alarm, alarms) = mpsc::channel();
    let interruption = hear(alarm.clone())?;
    let mut judged_by = Sources::of(context, Vec::new());
    // Looked at and watched before anything is read, so that no change falls in between.
    let mut files = Snapshot::of(&args.files);
    let watch = watch(&[judged_by.paths(), &args.files].concat(), alarm)?;
    let mut exit = verify(context, &judging, inputs, &interruption)?;
    if exit != Exit::Interrupted {
        context.terminal.note("watching for changes (Ctrl-C ends it)");
    }
    while exit != Exit::Interrupted && alarms.recv().is_ok() {
        while alarms.try_recv().is_ok() {}
        if interruption.came() {
            context.terminal.note("stopped watching");
            return Ok(Exit::Interrupted);
        }
        let before = files;
        files = Snapshot::of(&args.files);
        let changes = files.since(&before);
        if !judged_by.have_changed() {
            exit = again(context, &judging, &changes, args, &interruption)?;
            continue;
        }
        exit = match judged_by.reload(context, &watch).and_then(|context| Judging::new(&context, args)) {
            Ok(renewed) => {
                judging = renewed;
                context.terminal.note("the configuration has changed: everything is verified again");
                verify(context, &judging, inputs, &interruption)?
            }
            Err(mut failure) => {
                failure.hint = Some("what was in force before stays so until this is mended".to_owned());
                context.terminal.fail(&failure);
                again(context, &judging, &changes, args, &interruption)?
            }
        };
    }
    Ok(exit)
}

/// Listens for Ctrl-C, which sets the alarm off too.
fn hear(alarm: mpsc::Sender<()>) -> Result<Interruption, Failure> {
    let tell = move || {
        // The receiver is gone only when this run ends.
        let _ = alarm.send(());
    };
    Interruption::heard(tell).map_err(|error| Failure::usage("Ctrl-C can't be listened for").because(&error))
}

/// A watch over these, which sets the alarm off when something has changed.
fn watch(paths: &[PathBuf], alarm: mpsc::Sender<()>) -> Result<Watch, Failure> {
    let tell = move || {
        // The receiver is gone only when this run ends.
        let _ = alarm.send(());
        Vec::new()
    };
    Watch::start(paths, tell).map_err(|error| Failure::usage("the files can't be watched").because(&error))
}

/// Says what has changed, and verifies what is there of it.
fn again(
    context: &Context,
    judging: &Judging<'_>,
    changes: &[Change],
    args: &Verify,
    interruption: &Interruption,
) -> Result<Exit, Failure> {
    let mut inputs = Vec::new();
    for change in changes {
        let (file, what) = match change {
            Change::Removed(file) => (file, "is gone"),
            Change::Added(file) => (file, "is new"),
            Change::Changed(file) => (file, "has changed"),
        };
        context.terminal.note(&format!("{} {what}", file.display()));
        if !matches!(change, Change::Removed(_)) {
            let is_named = args.files.contains(file);
            inputs.push(if is_named { Input::Path(file.clone()) } else { Input::Found(file.clone()) });
        }
    }
    if inputs.is_empty() { Ok(Exit::Success) } else { verify(context, judging, &inputs, interruption) }
}
