//! `hookdev send`: delivers signed events and captured requests. The exit code says whether the endpoint accepted them.

mod edit;
mod jobs;
mod operands;
mod print;
mod script;
mod watch;

use std::path::PathBuf;

use super::{
    context::Context,
    exit::{Exit, Failure},
    interrupt::Interrupts,
    listen_settings::listen_config,
    reporters::{
        load::{AttemptWriter, ProgressBar, report},
        send::SendReporter,
    },
    resolve::goes_to_listener,
    runtime,
    secret_warnings::development_warning,
};
use crate::{
    cli::{self, FormatArg, Print, SendArgs},
    engine::{
        deliver::{self, Batch, Dispatcher, Job, Retries, RunOutcome},
        load::{self, LoadRun, Pace},
    },
    net::client::Client,
    store::captures::CaptureStore,
    webhook::{load::LoadSummary, record::Outcome, time},
};
use edit::Edit;
use jobs::jobs;
use operands::{Operand, check_no_url};
use script::script;

/// The default limit on requests in flight with `--rate`.
const CONCURRENCY_AT_A_RATE: u16 = 32;

/// Sends or prints what the arguments name.
///
/// # Errors
///
/// If an argument names nothing that can be sent, or an option does not apply to it.
pub fn run(context: Context, args: &SendArgs) -> Result<Exit, Failure> {
    let load = load_settings(args)?;
    check_no_url(args)?;
    let mut operands =
        args.what.iter().map(|operand| Operand::parse(&context, operand)).collect::<Result<Vec<_>, _>>()?;
    if args.last {
        operands.push(Operand::Last(captures_of_listen(&context, "--last")?));
    } else if operands.is_empty() {
        // Only --failed needs no other argument.
        operands.push(Operand::Path(captures_of_listen(&context, "--failed")?));
    }
    let mut dispatcher = dispatcher(args)?;
    if args.watch {
        return runtime()?.block_on(watch::run(context, args, &operands, &dispatcher));
    }
    let mut jobs = jobs(&context, args, &operands)?;
    let edit = if args.edit { edit::edit(&context, args, &mut jobs.batch)? } else { Edit::default() };
    if let Some(id) = edit.id {
        dispatcher.set_id(id);
    }
    let result = process(&context, args, load, jobs.batch, dispatcher);
    match (edit.edited, &result) {
        (Some(edited), Ok(Exit::Success)) => edited.discard(),
        (Some(edited), _) => context.terminal.warn(edited.kept()),
        (None, _) => {}
    }
    Ok(with_unreadable(result?, jobs.has_unreadable))
}

/// Sends or prints the jobs.
fn process(
    context: &Context,
    args: &SendArgs,
    load: Option<(Pace, u16)>,
    batch: Batch,
    dispatcher: Dispatcher<Client>,
) -> Result<Exit, Failure> {
    if let Some(format @ (Print::Locust | Print::K6)) = args.print {
        print::print_script(&script(&batch, format, args, context.terminal)?)?;
        return Ok(Exit::Success);
    }
    warn_of_development_secrets(context, &batch);
    if let Some(format) = args.print {
        print::print(&batch, format, args, &dispatcher, context.terminal)?;
        return Ok(Exit::Success);
    }
    match load {
        Some(settings) => run_load(context, args, settings, batch, dispatcher),
        None => runtime()?.block_on(send(context, args, &batch, &dispatcher)),
    }
}

/// The path to which `listen` captures, from the config, for an option that was given without a file.
fn captures_of_listen(context: &Context, option: &str) -> Result<PathBuf, Failure> {
    listen_config(context).capture.ok_or_else(|| {
        Failure::usage(format!("{option} reads the capture path from the config, but no config sets one"))
            .hint("set `capture = \"captures\"` under [listen] in hookdev.toml, or name the file")
    })
}

/// The exit code, taking into account inputs that could not be read. Everything else was sent regardless.
const fn with_unreadable(exit: Exit, has_unreadable: bool) -> Exit {
    if has_unreadable && !matches!(exit, Exit::Interrupted) { Exit::UnreadableInput } else { exit }
}

fn dispatcher(args: &SendArgs) -> Result<Dispatcher<Client>, Failure> {
    let captures = args.capture.as_deref().map(CaptureStore::open).transpose();
    Ok(Dispatcher::new(deliver::DeliverySettings {
        transport: Client::new(args.insecure),
        timeout: args.timeout,
        now: args.now,
        id: args.id.clone(),
        captures: captures.map_err(|error| Failure::invalid_usage(&error))?,
        redact: args.redact,
    }))
}

fn warn_of_development_secrets(context: &Context, batch: &Batch) {
    let names: Vec<&str> = batch.signing_providers().iter().map(|provider| provider.name.as_str()).collect();
    if let Some(warning) = development_warning(&context.catalog, &batch.keyring, &names) {
        context.terminal.warn(&warning);
    }
}

/// Delivers every job, or as many as it can until Ctrl-C.
async fn send(
    context: &Context,
    args: &SendArgs,
    batch: &Batch,
    dispatcher: &Dispatcher<Client>,
) -> Result<Exit, Failure> {
    let retries = if args.retry { Retries::AtSpeed(args.speed) } else { Retries::None };
    if retries.are_wanted() {
        for note in schedule_notes(batch) {
            context.terminal.note(&note);
        }
    }
    let mut interrupts = interrupts()?;
    let mut reporter = SendReporter::new(context, batch, args.to.is_some());
    tokio::select! {
        // Polled first, so that Ctrl-C is noticed before anything else is sent.
        biased;
        () = interrupts.next() => {
            reporter.interrupted();
            Ok(Exit::Interrupted)
        }
        outcome = deliver::run(batch, dispatcher, retries, &mut reporter) => Ok(match outcome? {
            RunOutcome::Good => Exit::Success,
            RunOutcome::Failed => Exit::Failed,
            RunOutcome::Unreachable => Exit::Unreachable,
        }),
    }
}

fn interrupts() -> Result<Interrupts, Failure> {
    Interrupts::ctrl_c().map_err(|error| Failure::usage("can't listen for Ctrl-C").because(&error))
}

/// Notes about providers that do not publish a retry schedule, or have none.
fn schedule_notes(batch: &Batch) -> Vec<String> {
    let mut notes = Vec::new();
    for job in &batch.jobs {
        let retry = &job.policy().retry;
        let title = job.provider.as_ref().map_or("the sender", |provider| provider.title.as_str());
        let note = if retry.assumed {
            let waits: Vec<String> = retry.waits.iter().copied().map(time::words).collect();
            format!("{title} doesn't publish its exact retry times; assuming retries after {}", waits.join(", "))
        } else if retry.waits.is_empty() {
            format!("{title} documents only immediate retries")
        } else {
            continue;
        };
        if !notes.contains(&note) {
            notes.push(note);
        }
    }
    notes
}

/// The pace and concurrency of a load; `None` if each job is to be delivered once.
fn load_settings(args: &SendArgs) -> Result<Option<(Pace, u16)>, Failure> {
    let cli::LoadArgs { repeat, duration, concurrency, rate } = args.load;
    if let Some(format) = args.print {
        let paced =
            [("--duration", duration.is_some()), ("--concurrency", concurrency.is_some()), ("--rate", rate.is_some())];
        return match paced.iter().find(|(_, is_given)| *is_given) {
            Some((option, _)) if !matches!(format, Print::Locust | Print::K6) => {
                Err(Failure::usage(format!("{option} works with --print only for locust and k6")))
            }
            _ => Ok(None),
        };
    }
    if repeat == Some(0) {
        return Err(Failure::usage("--repeat 0 works only with --print, which then prints endlessly")
            .hint("use --duration DUR to repeat for a given time"));
    }
    if repeat.is_none() && duration.is_none() {
        return match rate.map(|_| "--rate").or(concurrency.map(|_| "--concurrency")) {
            Some(flag) => Err(Failure::usage(format!("{flag} needs an end: add --repeat N or --duration DUR"))),
            None => Ok(None),
        };
    }
    let concurrency = concurrency.unwrap_or(if rate.is_some() { CONCURRENCY_AT_A_RATE } else { 1 });
    Ok(Some((Pace { total: repeat, duration, rate }, concurrency)))
}

fn run_load(
    context: &Context,
    args: &SendArgs,
    (pace, concurrency): (Pace, u16),
    batch: Batch,
    dispatcher: Dispatcher<Client>,
) -> Result<Exit, Failure> {
    if batch.jobs.is_empty() {
        return Ok(Exit::Success);
    }
    let (writer, attempts) = match context.format() {
        FormatArg::Json => Some(AttemptWriter::start(context.terminal)).unzip(),
        _ => (None, None),
    };
    let goes_to_listener = |job: &Job| goes_to_listener(context, job.provider.as_deref());
    let to_listener = args.to.is_none() && batch.jobs.iter().all(goes_to_listener);
    let settings = load::LoadSettings { pace, concurrency, attempts, failures_only: context.global.quiet };
    let result = runtime()?.block_on(async {
        let mut interrupts = interrupts()?;
        let load = LoadRun::new(batch, dispatcher, settings)?;
        let progress = load.progress();
        let bar = ProgressBar::new(context, &pace);
        let result = tokio::select! {
            result = load.run(interrupts.next()) => result,
            never = bar.follow(&progress) => match never {},
        };
        bar.finish();
        Ok::<_, Failure>(result?)
    });
    // Wait for the last line even if the run failed.
    if let Some(writer) = writer {
        writer.finish().map_err(Failure::output)?;
    }
    let result = result?;
    report(context, &result, &pace, to_listener).map_err(Failure::output)?;
    Ok(if result.is_cancelled { Exit::Interrupted } else { load_exit(&result.summary) })
}

/// The exit code of a load that ran to completion.
fn load_exit(summary: &LoadSummary) -> Exit {
    if summary.count(Outcome::Unreachable) > 0 {
        Exit::Unreachable
    } else if summary.is_good() {
        Exit::Success
    } else {
        Exit::Failed
    }
}
