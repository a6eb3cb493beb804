//! `send --watch`: sends everything once, and what was saved again: a capture by itself, the
//! events when a fixture, the data file or the configuration has changed.

use std::path::{Path, PathBuf};

use tokio::sync::mpsc;

use super::{
    deliver::Courier,
    resolve::{names_events, resolve},
    say_secrets, send,
};
use crate::{
    cli::Send,
    commands::{
        context::Context,
        exit::{Exit, Failure},
        sources::Sources,
    },
    store::{
        formats,
        snapshot::{Change, Snapshot},
        watch::Watch,
    },
};

/// Sends, and sends again what changes, until Ctrl-C or until nobody reads it any more.
///
/// # Errors
///
/// When nothing that is sent stands in a file, there is no watch to be had, or the output can't be
/// written. What can't be sent after a change is told of, and the next change waited for.
pub async fn run(context: Context, args: &Send, courier: &Courier) -> Result<Exit, Failure> {
    let terminal = context.terminal;
    tokio::select! {
        // A send that is interrupted says first how far it came.
        biased;
        exit = watch(context, args, courier) => exit,
        // Listened for all the time, so that it is not lost between one wait and the next.
        interrupted = tokio::signal::ctrl_c() => {
            interrupted?;
            terminal.note("stopped watching");
            Ok(Exit::Interrupted)
        }
    }
}

async fn watch(mut context: Context, args: &Send, courier: &Courier) -> Result<Exit, Failure> {
    let (events, files) = divide(&context, args)?;
    let mut sources = Sources::of(&context, args.data.iter().cloned().collect());
    if files.is_empty() && !sources.paths().iter().any(|source| source.exists()) {
        return Err(Failure::usage("nothing that is sent stands in a file that could be saved")
            .hint("name a captured request, --data FILE, or an event of a provider folder"));
    }
    // Looked at and watched before anything is read, so that no change falls in between.
    let mut captures = Snapshot::of(&files);
    let (sender, mut alarms) = mpsc::unbounded_channel();
    let tell = move || {
        // The receiver is gone only when this run ends.
        let _ = sender.send(());
        Vec::new()
    };
    let watch = Watch::start(&[sources.paths(), &files].concat(), tell)
        .map_err(|error| Failure::usage("the files can't be watched").because(&error))?;
    let plan = resolve(&context, args)?;
    say_secrets(&context, &plan);
    let mut exit = send(&context, args, &plan, courier).await?;
    context.terminal.note("watching for changes (Ctrl-C ends it)");
    while exit != Exit::Interrupted {
        if alarms.recv().await.is_none() {
            break;
        }
        while alarms.try_recv().is_ok() {}
        let before = std::mem::replace(&mut captures, Snapshot::of(&files));
        let mut what = saved(&context, &files, &captures.since(&before));
        if sources.have_changed() {
            match sources.reload(&context, &watch) {
                Ok(reloaded) => {
                    context = reloaded;
                    what.splice(0..0, events.iter().cloned());
                }
                Err(failure) => context.terminal.fail(&failure),
            }
        }
        if !what.is_empty() {
            exit = again(&context, Send { what, ..args.clone() }, courier).await?;
        }
    }
    Ok(exit)
}

/// The words that name events, and those that name files.
fn divide(context: &Context, args: &Send) -> Result<(Vec<String>, Vec<PathBuf>), Failure> {
    let (events, files): (Vec<String>, Vec<String>) =
        args.what.iter().cloned().partition(|word| names_events(context, word));
    let is_stdin = |path: &Path| path == Path::new("-");
    if files.iter().any(|file| is_stdin(Path::new(file))) || args.data.as_deref().is_some_and(is_stdin) {
        return Err(Failure::usage("standard input can't be watched").hint("name the file itself"));
    }
    let files: Vec<PathBuf> = files.into_iter().map(PathBuf::from).collect();
    let kept = args.capture.as_deref().and_then(|kept| kept.canonicalize().ok());
    let is_sent = |file: &PathBuf| {
        file.canonicalize().is_ok_and(|file| kept.as_deref().is_some_and(|kept| kept.starts_with(file)))
    };
    if files.iter().any(is_sent) {
        return Err(Failure::usage("what --capture keeps would be sent again without end: keep it elsewhere"));
    }
    Ok((events, files))
}

/// The captures that are there and new; those that are gone are told of.
fn saved(context: &Context, named: &[PathBuf], changes: &[Change]) -> Vec<String> {
    let mut what = Vec::new();
    for change in changes {
        match change {
            // Other files may lie in a folder of captures.
            Change::Added(file) | Change::Changed(file)
                if !named.contains(file) && matches!(formats::open_found(file), Ok(None)) => {}
            Change::Removed(file) => context.terminal.note(&format!("{} is gone", file.display())),
            Change::Added(file) | Change::Changed(file) => what.extend(file.to_str().map(str::to_owned)),
        }
    }
    what
}

/// Sends what was saved. What can't be sent as it stands is told of: the next save may mend it.
async fn again(context: &Context, args: Send, courier: &Courier) -> Result<Exit, Failure> {
    context.terminal.note(&format!("saved; sending {}", args.what.join(", ")));
    match resolve(context, &args) {
        Ok(plan) => send(context, &args, &plan, courier).await,
        Err(failure) => {
            context.terminal.fail(&failure);
            Ok(failure.exit)
        }
    }
}
