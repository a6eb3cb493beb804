//! `send --repeat` and `--duration`: many deliveries over connections that are kept, each with
//! values and a signature of its own, and what they came to.

mod printer;
mod progress;
mod schedule;
mod tally;
mod worker;

use std::{
    io::Write,
    sync::{Arc, Mutex},
};

use tokio::task::{JoinError, JoinSet};

use super::{deliver::Courier, plan::Plan, teller::NO_LISTENER};
use crate::{
    cli::{Format, Send},
    commands::{
        context::Context,
        exit::{Exit, Failure},
        runtime,
    },
    engine::entropy::entropy,
    render::{load, size, text},
    webhook::{load::Summary, record::Outcome},
};
use printer::Printer;
use progress::Progress;
use schedule::Schedule;
use tally::Tally;
use worker::{Load, locked};

/// How many requests may be under way at a rate, when nothing is said.
const AT_A_RATE: u16 = 32;

/// What the command line asks for.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    schedule: schedule::Plan,
    concurrency: u16,
}

impl Settings {
    /// Reads them; none when one delivery of each is wanted.
    ///
    /// # Errors
    ///
    /// When nothing would end the run, or it has no beginning.
    pub fn of(args: &Send) -> Result<Option<Self>, Failure> {
        let Send { repeat, duration, concurrency, rate, .. } = *args;
        if args.print.is_some() {
            return Ok(None);
        }
        if repeat == Some(0) {
            let failure = Failure::usage("--repeat 0 sends nothing: it is without end, for --print alone");
            return Err(failure.hint("--duration DUR repeats until a time is over"));
        }
        if repeat.is_none() && duration.is_none() {
            let lonely = rate.map(|_| "--rate").or(concurrency.map(|_| "--concurrency"));
            return match lonely {
                Some(flag) => Err(Failure::usage(format!("{flag} says nothing of how many requests there shall be"))
                    .hint("add --repeat N, --duration DUR, or both")),
                None => Ok(None),
            };
        }
        let concurrency = concurrency.unwrap_or(if rate.is_some() { AT_A_RATE } else { 1 });
        Ok(Some(Self { schedule: schedule::Plan { total: repeat, duration, rate }, concurrency }))
    }

    /// How many connections there is work for.
    fn connections(&self) -> usize {
        let total = self.schedule.total.and_then(|total| usize::try_from(total).ok());
        usize::from(self.concurrency).min(total.unwrap_or(usize::MAX))
    }
}

/// Makes the deliveries and tells what they came to.
///
/// # Errors
///
/// When one could not be kept or told.
pub fn run(
    context: &Context,
    settings: Settings,
    plan: Plan,
    courier: Courier,
    to_listener: bool,
) -> Result<Exit, Failure> {
    if plan.jobs.is_empty() {
        return Ok(plan.exit(Exit::Success));
    }
    let (printer, lines) = match context.format() {
        Format::Json => Some(Printer::start(context.terminal)).unzip(),
        _ => (None, None),
    };
    let entropy = entropy()?;
    let runtime = runtime()?;
    let load =
        Arc::new(Load::new(plan, courier, Schedule::new(settings.schedule), entropy, lines, context.global.quiet));
    let (tally, interrupted) = runtime.block_on(all(context, &settings, &load))?;
    let summary = tally.summary(load.schedule.elapsed());
    let ended = Arc::into_inner(load).unwrap_or_else(|| unreachable!("no task is left")).end();
    if let Some(printer) = printer {
        printer.finish()?;
    }
    if let Some(failure) = ended.failure {
        return Err(failure);
    }
    tell(context, &summary, ended.gone)?;
    if interrupted {
        let of = settings.schedule.total.map(|total| format!(" of {}", size::count(total))).unwrap_or_default();
        let made = size::count(summary.requests);
        context.terminal.note(&format!("stopped: {made}{of} requests were made; what was under way is not counted"));
    }
    if ended.gone && to_listener {
        context.terminal.note(NO_LISTENER);
    }
    Ok(ended.plan.exit(if interrupted { Exit::Interrupted } else { exit(&summary) }))
}

/// Makes all deliveries, and says whether Ctrl-C has ended that.
async fn all(context: &Context, settings: &Settings, load: &Arc<Load>) -> Result<(Tally, bool), Failure> {
    let progress = Progress::new(context, &settings.schedule);
    let tallies: Vec<_> = (0..settings.connections()).map(|_| Arc::new(Mutex::new(Tally::new()))).collect();
    let done = || tallies.iter().map(|tally| locked(tally).requests()).sum();
    let mut tasks = JoinSet::new();
    let work = async {
        tasks.extend(tallies.iter().map(|tally| Arc::clone(load).work(Arc::clone(tally))));
        finished(&mut tasks).await;
    };
    let interrupted = tokio::select! {
        // Ctrl-C is listened for before anything is sent.
        biased;
        pressed = tokio::signal::ctrl_c() => pressed.map(|()| true)?,
        () = load.schedule.stopped() => false,
        () = work => false,
        () = progress.follow(&load.schedule, done) => false,
    };
    let stopped = !load.schedule.stop() || interrupted;
    // What is under way then is given up, and not counted.
    tasks.abort_all();
    finished(&mut tasks).await;
    progress.finish();
    let mut sum = Tally::new();
    for tally in tallies {
        sum.add(std::mem::replace(&mut *locked(&tally), Tally::new()));
    }
    if !stopped {
        load.schedule.missed(sum.requests()).for_each(|due| sum.not_started(due.elapsed()));
    }
    Ok((sum, interrupted))
}

/// Waits for the end of all connections.
async fn finished(tasks: &mut JoinSet<()>) {
    while let Some(ended) = tasks.join_next().await {
        if let Err(Ok(panic)) = ended.map_err(JoinError::try_into_panic) {
            std::panic::resume_unwind(panic);
        }
    }
}

fn tell(context: &Context, summary: &Summary, gone: bool) -> Result<(), Failure> {
    let mut out = context.terminal.stdout();
    if context.format() == Format::Json {
        let mut line = Vec::new();
        load::json(summary, &mut line);
        out.write_all(&line)?;
    } else if gone {
        let reason = summary.reasons.first().map_or("the endpoint can't be reached", |(reason, _)| reason.as_str());
        context.terminal.fail(&Failure::new(Exit::Unreachable, text::printable(reason)));
    } else if !context.global.quiet || exit(summary) != Exit::Success {
        let mut text = String::new();
        load::table(&context.terminal.page(None), summary, &mut text);
        out.write_all(text.as_bytes())?;
    }
    Ok(out.flush()?)
}

/// The exit code of a run that nobody has broken off.
fn exit(summary: &Summary) -> Exit {
    if summary.count(Outcome::Unreachable) > 0 {
        Exit::Unreachable
    } else if summary.count(Outcome::Refused) + summary.count(Outcome::TimedOut) + summary.not_started > 0 {
        Exit::Failed
    } else {
        Exit::Success
    }
}
