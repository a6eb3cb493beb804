//! `send --watch`: sends everything once, then again whatever is saved: a changed capture alone, or all events when a
//! fixture, the data file or the configuration changes.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::{sync::mpsc, time::sleep};

use super::{
    jobs::{Jobs, jobs},
    operands::Operand,
    send, warn_of_development_secrets, with_unreadable,
};
use crate::{
    cli::SendArgs,
    commands::{
        context::Context,
        exit::{Exit, Failure},
        input_files::InputFiles,
    },
    engine::deliver::Dispatcher,
    net::client::Client,
    store::{
        formats,
        snapshot::{FileChange, Snapshot},
        watch::Watch,
    },
};

/// How long to wait after a change of the config or a provider, so that a `listen` that noticed the same save has
/// reloaded them. Both commands wait equally long for a save to finish, and `listen` takes about 20 ms to load them.
const RELOAD_TIME: Duration = Duration::from_millis(250);

/// Sends everything, then whatever changes, until Ctrl-C or until the output is closed.
///
/// # Errors
///
/// If there is nothing to watch, or the output can't be written. Failures after a change are reported and do not end
/// the watch.
pub(super) async fn run(
    context: Context,
    args: &SendArgs,
    operands: &[Operand],
    dispatcher: &Dispatcher<Client>,
) -> Result<Exit, Failure> {
    let terminal = context.terminal;
    let mut interrupts = super::interrupts()?;
    tokio::select! {
        // Polled first: an interrupted send reports how far it got.
        biased;
        exit = watch(context, args, operands, dispatcher) => exit,
        // A single listener serves the whole run, so that no Ctrl-C is lost between two waits.
        () = interrupts.next() => {
            terminal.note("stopped watching");
            Ok(Exit::Interrupted)
        }
    }
}

async fn watch(
    mut context: Context,
    args: &SendArgs,
    operands: &[Operand],
    dispatcher: &Dispatcher<Client>,
) -> Result<Exit, Failure> {
    let files = watched_files(args, operands)?;
    let events: Vec<Operand> =
        operands.iter().filter(|operand| matches!(operand, Operand::Events(_))).cloned().collect();
    let mut inputs = InputFiles::of(&context, args.data.iter().cloned().collect());
    if files.is_empty() && !inputs.paths().iter().any(|source| source.exists()) {
        return Err(Failure::usage("nothing to watch: none of the arguments comes from a file")
            .hint("pass a captured request, --data FILE, or an event of your own provider directory"));
    }
    // The snapshot and the watch start before anything is read, so that no change is missed.
    let mut captures = Snapshot::of(&files);
    let (waker, mut wakeups) = mpsc::unbounded_channel();
    let wake = move || {
        // The receiver is dropped only at the end of this run.
        let _ = waker.send(());
        Vec::new()
    };
    let watch = Watch::start(&[inputs.paths(), &files].concat(), wake)
        .map_err(|error| Failure::usage("can't watch the files").because(&error))?;
    let first = jobs(&context, args, operands)?;
    warn_of_development_secrets(&context, &first.batch);
    let mut exit = send_jobs(&context, args, &first, dispatcher).await?;
    context.terminal.note("watching for changes (Ctrl-C to stop)");
    while exit != Exit::Interrupted {
        if wakeups.recv().await.is_none() {
            break;
        }
        while wakeups.try_recv().is_ok() {}
        let before = std::mem::replace(&mut captures, Snapshot::of(&files));
        let mut changed = changed_captures(&context, &files, &captures.since(&before));
        if inputs.have_changed() {
            match reload(&mut inputs, &context, &watch).await {
                Ok(reloaded) => {
                    context = reloaded;
                    changed.splice(0..0, events.iter().cloned());
                }
                Err(failure) => context.terminal.fail(&failure),
            }
        }
        if !changed.is_empty() {
            exit = send_again(&context, args, &changed, dispatcher).await?;
        }
    }
    Ok(exit)
}

/// Reloads the context after a change: later than `listen`, if `listen` may have to reload the same file.
async fn reload(inputs: &mut InputFiles, context: &Context, watch: &Watch) -> Result<Context, Failure> {
    if inputs.have_shared_changed() {
        sleep(RELOAD_TIME).await;
    }
    inputs.reload(context, watch)
}

/// Sends what was saved. Failures are only reported, since the next save may fix them.
async fn send_again(
    context: &Context,
    args: &SendArgs,
    operands: &[Operand],
    dispatcher: &Dispatcher<Client>,
) -> Result<Exit, Failure> {
    let names: Vec<String> = operands.iter().map(ToString::to_string).collect();
    context.terminal.note(format!("saved; sending {}", names.join(", ")));
    match jobs(context, args, operands) {
        Ok(jobs) => send_jobs(context, args, &jobs, dispatcher).await,
        Err(failure) => {
            context.terminal.fail(&failure);
            Ok(failure.exit)
        }
    }
}

async fn send_jobs(
    context: &Context,
    args: &SendArgs,
    jobs: &Jobs,
    dispatcher: &Dispatcher<Client>,
) -> Result<Exit, Failure> {
    let exit = send(context, args, &jobs.batch, dispatcher).await?;
    Ok(with_unreadable(exit, jobs.has_unreadable))
}

/// The files and directories that the operands name.
///
/// # Errors
///
/// If standard input is among them, or the captures that `--capture` saves would be sent again.
fn watched_files(args: &SendArgs, operands: &[Operand]) -> Result<Vec<PathBuf>, Failure> {
    let reads_stdin = operands.contains(&Operand::Stdin) || args.data.as_deref() == Some(Path::new("-"));
    if reads_stdin {
        return Err(Failure::usage("can't watch standard input").hint("pass a file instead of `-`"));
    }
    let files: Vec<PathBuf> = operands
        .iter()
        .filter_map(|operand| match operand {
            Operand::Path(path) => Some(path.clone()),
            Operand::Events(_) | Operand::Last(_) | Operand::Stdin => None,
        })
        .collect();
    let saved = args.capture.as_deref().and_then(|saved| saved.canonicalize().ok());
    let contains_saved = |file: &PathBuf| {
        file.canonicalize().is_ok_and(|file| saved.as_deref().is_some_and(|saved| saved.starts_with(file)))
    };
    if files.iter().any(contains_saved) {
        return Err(Failure::usage("--capture would save into a watched path, and every capture would be sent again")
            .hint("save the captures somewhere else"));
    }
    Ok(files)
}

/// The captures that were added or changed. Those that were removed are reported.
fn changed_captures(context: &Context, named: &[PathBuf], changes: &[FileChange]) -> Vec<Operand> {
    let mut operands = Vec::new();
    for change in changes {
        match change {
            // A directory of captures may contain other files.
            FileChange::Added(file) | FileChange::Changed(file)
                if !named.contains(file) && matches!(formats::open_found(file), Ok(Err(_))) => {}
            FileChange::Removed(file) => context.terminal.note(format!("{} was removed", file.display())),
            FileChange::Added(file) | FileChange::Changed(file) => operands.push(Operand::Path(file.clone())),
        }
    }
    operands
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tokio::time::Instant;

    use super::*;
    use crate::cli::{self, Cli};

    /// A context with this config.
    fn context(config: &Path) -> Context {
        let args = ["hookdev", "--quiet", "demo", "--config"].map(Path::new).into_iter().chain([config]);
        let matches = cli::command().try_get_matches_from(args).unwrap();
        Context::load(Cli::from_matches(matches).unwrap().global).unwrap()
    }

    /// The capture path in the config of a context.
    fn capture(context: &Context) -> &Path {
        context.config.as_ref().and_then(|config| config.listen.capture.as_deref()).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn a_config_is_reloaded_once_listen_has_had_time_to_and_a_data_file_at_once() {
        let dir = tempfile::tempdir().unwrap();
        let (config, data) = (dir.path().join("hookdev.toml"), dir.path().join("data.json"));
        let save = |capture: &str| fs::write(&config, format!("[listen]\ncapture = \"{capture}\"\n")).unwrap();
        save("one");
        fs::write(&data, "{}").unwrap();
        let first = context(&config);
        let mut inputs = InputFiles::of(&first, vec![data.clone()]);
        let watch = Watch::start(&[], Vec::new).unwrap();

        // A change just before that time is over is still included.
        save("second");
        let listening = async {
            sleep(RELOAD_TIME.saturating_sub(Duration::from_millis(1))).await;
            save("the third");
        };
        let begun = Instant::now();
        let (second, ()) = tokio::join!(reload(&mut inputs, &first, &watch), listening);
        let second = second.unwrap();
        assert_eq!((begun.elapsed(), capture(&second)), (RELOAD_TIME, dir.path().join("the third").as_path()));

        fs::write(&data, "{\"changed\":1}").unwrap();
        assert!(inputs.have_changed());
        let begun = Instant::now();
        reload(&mut inputs, &second, &watch).await.unwrap();
        assert_eq!((begun.elapsed(), inputs.have_changed()), (Duration::ZERO, false));
    }
}
