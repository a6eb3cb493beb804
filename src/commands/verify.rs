//! `hookdev verify`: verifies captured requests. The exit code says whether all of them passed.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, mpsc},
};

use super::{
    context::{Context, Needed},
    exit::{Exit, Failure},
    input_files::InputFiles,
    interrupt::InterruptFlag,
    reporters::verify::{VerifyReporter, development_warning, summary},
    resolve::provider,
    secret_warnings::private_key_warning,
};
use crate::{
    cli::{At, FormatArg, Require, VerifyArgs},
    engine::verify::{self, Criteria, InputSource, ReceiptTime, Requirement, STDIN, SearchBudget, VerifyTally},
    net::url::parse_url,
    store::{
        formats::bare,
        snapshot::{FileChange, Snapshot},
        watch::Watch,
    },
    webhook::{request::Headers, time::Tolerance},
};

/// Verifies every request in the given files, once or, with `--watch`, whenever something changes.
///
/// # Errors
///
/// If the options are invalid, or the output can't be written.
pub fn run(context: &Context, args: &VerifyArgs) -> Result<Exit, Failure> {
    let criteria = criteria(context, args)?;
    if let Some(warning) = private_key_warning(&context.catalog, &criteria.keyring) {
        context.terminal.warn(&warning);
    }
    let inputs = inputs(args)?;
    if args.watch {
        return watch(context, args, criteria, &inputs);
    }
    verify(context, args, &criteria, &inputs, &InterruptFlag::default())
}

/// Verifies the inputs once, or until Ctrl-C.
fn verify(
    context: &Context,
    args: &VerifyArgs,
    criteria: &Criteria,
    inputs: &[InputSource],
    interrupted: &InterruptFlag,
) -> Result<Exit, Failure> {
    let mut reporter = VerifyReporter::new(context, args.verbose, interrupted);
    let tally = verify::run(criteria, inputs, &mut reporter).map_err(Failure::output)?;
    reporter.finish().map_err(Failure::output)?;
    if let Some(warning) = development_warning(&context.catalog, &criteria.keyring, &tally) {
        context.terminal.warn(&warning);
    }
    if interrupted.is_set() {
        context.terminal.note(format!("stopped: {}", summary(&tally)));
        return Ok(Exit::Interrupted);
    }
    context.terminal.say(&format!("{}\n", summary(&tally)));
    Ok(exit(&tally))
}

const fn exit(tally: &VerifyTally) -> Exit {
    if tally.unreadable > 0 {
        Exit::UnreadableInput
    } else if tally.failed > 0 {
        Exit::Failed
    } else {
        Exit::Success
    }
}

fn criteria(context: &Context, args: &VerifyArgs) -> Result<Criteria, Failure> {
    let provider = args.provider.as_deref().map(|name| provider(&context.catalog, name)).transpose()?;
    if provider.is_none() {
        context.require(Needed::All)?;
    }
    if let Some(url) = &args.url {
        parse_url(url).map_err(|error| Failure::usage(error.to_string()))?;
    }
    let all = [
        (Require::Signature, Requirement::Signature),
        (Require::Freshness, Requirement::Freshness),
        (Require::Schema, Requirement::Schema),
    ];
    let required = all.into_iter().filter(|(name, _)| args.require.contains(name)).map(|(_, requirement)| requirement);
    Ok(Criteria {
        catalog: Arc::clone(&context.catalog),
        keyring: context.keyring(args.provider.as_deref())?,
        provider,
        receipt_time: match args.at {
            At::Received => ReceiptTime::Recorded,
            At::Now => ReceiptTime::Now,
            At::Time(time) => ReceiptTime::At(time),
        },
        accepts_development: args.allow_development || !args.require.contains(&Require::Signature),
        tolerance: args.tolerance.map(Tolerance::both),
        url: args.url.clone(),
        required: required.collect(),
        // A report lists passing requests too.
        quiet: context.global.quiet && matches!(context.format(), FormatArg::Pretty | FormatArg::Json),
        search: SearchBudget::default(),
    })
}

fn inputs(args: &VerifyArgs) -> Result<Vec<InputSource>, Failure> {
    let headers = headers(args)?;
    if let Some(body) = &args.body {
        return Ok(vec![InputSource::Body(body.clone(), headers)]);
    }
    let input = |path: &PathBuf| match path {
        path if !headers.is_empty() => InputSource::Body(path.clone(), headers.clone()),
        path if path == Path::new(STDIN) => InputSource::Stdin,
        path => InputSource::Path(path.clone()),
    };
    Ok(args.files.iter().map(input).collect())
}

/// The headers that are added to bare bodies.
fn headers(args: &VerifyArgs) -> Result<Headers, Failure> {
    let headers: Result<Headers, _> = args.header.iter().map(|text| bare::header(text)).collect();
    headers.map_err(|error| Failure::usage(error.to_string()))
}

/// Verifies everything, then each changed file, and everything again when the configuration changes. Stops at Ctrl-C.
fn watch(
    context: &Context,
    args: &VerifyArgs,
    mut criteria: Criteria,
    inputs: &[InputSource],
) -> Result<Exit, Failure> {
    if args.files.iter().any(|file| file == Path::new(STDIN)) {
        return Err(Failure::usage("can't watch standard input").hint("pass a file instead of `-`"));
    }
    let (waker, wakeups) = mpsc::channel();
    let interrupted = on_interrupt(waker.clone())?;
    let mut setup = InputFiles::of(context, Vec::new());
    // The snapshot is taken before anything is read, so that no change is missed.
    let mut files = Snapshot::of(&args.files);
    let watch = on_change(&[setup.paths(), &args.files].concat(), waker)?;
    let mut exit = verify(context, args, &criteria, inputs, &interrupted)?;
    if exit != Exit::Interrupted {
        context.terminal.note("watching for changes (Ctrl-C to stop)");
    }
    while exit != Exit::Interrupted && wakeups.recv().is_ok() {
        while wakeups.try_recv().is_ok() {}
        if interrupted.is_set() {
            context.terminal.note("stopped watching");
            return Ok(Exit::Interrupted);
        }
        let before = files;
        files = Snapshot::of(&args.files);
        let changes = files.since(&before);
        if !setup.have_changed() {
            exit = verify_changes(context, &criteria, &changes, args, &interrupted)?;
            continue;
        }
        let reloaded = setup.reload(context, &watch).and_then(|context| self::criteria(&context, args));
        exit = match reloaded {
            Ok(reloaded) => {
                criteria = reloaded;
                context.terminal.note("config reloaded: verifying everything again");
                verify(context, args, &criteria, inputs, &interrupted)?
            }
            Err(failure) => {
                let hint = "still using the previous configuration; fix the error and save again";
                context.terminal.fail(&failure.hint(hint));
                verify_changes(context, &criteria, &changes, args, &interrupted)?
            }
        };
    }
    Ok(exit)
}

/// Reports what changed and verifies the files that still exist.
fn verify_changes(
    context: &Context,
    criteria: &Criteria,
    changes: &[FileChange],
    args: &VerifyArgs,
    interrupted: &InterruptFlag,
) -> Result<Exit, Failure> {
    let (mut inputs, headers) = (Vec::new(), headers(args)?);
    for change in changes {
        let (file, what) = match change {
            FileChange::Removed(file) => (file, "removed"),
            FileChange::Added(file) => (file, "added"),
            FileChange::Changed(file) => (file, "changed"),
        };
        context.terminal.note(format!("{} {what}", file.display()));
        if !matches!(change, FileChange::Removed(_)) {
            let is_named = args.files.contains(file);
            inputs.push(match is_named {
                _ if !headers.is_empty() => InputSource::Body(file.clone(), headers.clone()),
                true => InputSource::Path(file.clone()),
                false => InputSource::Found(file.clone()),
            });
        }
    }
    if inputs.is_empty() { Ok(Exit::Success) } else { verify(context, args, criteria, &inputs, interrupted) }
}

/// Listens for Ctrl-C, which also sends a wake-up.
fn on_interrupt(waker: mpsc::Sender<()>) -> Result<InterruptFlag, Failure> {
    let wake = move || {
        // The receiver is gone only once the run has ended.
        let _ = waker.send(());
    };
    InterruptFlag::watch(wake).map_err(|error| Failure::usage("can't listen for Ctrl-C").because(&error))
}

/// Watches files; a change sends a wake-up.
fn on_change(paths: &[PathBuf], waker: mpsc::Sender<()>) -> Result<Watch, Failure> {
    let wake = move || {
        // The receiver is gone only once the run has ended.
        let _ = waker.send(());
        Vec::new()
    };
    Watch::start(paths, wake).map_err(|error| Failure::usage("can't watch the files").because(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exit_code_is_that_of_the_worst_result() {
        assert_eq!(exit(&VerifyTally { verified: 1, skipped: 1, ..VerifyTally::default() }), Exit::Success);
        assert_eq!(exit(&VerifyTally { verified: 1, failed: 1, ..VerifyTally::default() }), Exit::Failed);
        assert_eq!(exit(&VerifyTally { failed: 1, unreadable: 1, ..VerifyTally::default() }), Exit::UnreadableInput);
    }
}
