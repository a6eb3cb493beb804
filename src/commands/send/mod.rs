//! `hookdev send`: signs fixture events, or takes captured requests, and delivers them as the
//! provider would.

mod captured;
mod deliver;
mod load;
mod plan;
mod print;
mod resolve;
mod schedule;
mod teller;
mod watching;

use super::{
    context::{Context, development_note},
    exit::{Exit, Failure},
    runtime,
};
use crate::{cli::Send, net::sender::Sender, store::captures::CaptureStore, webhook::time::words};
pub use deliver::{Courier, Delivery, Pins};
use plan::Plan;
pub use plan::{Job, fixture_job};
use resolve::resolve;
use schedule::Retries;
use teller::Teller;

/// Sends, or prints, everything that was named.
///
/// # Errors
///
/// When something named is neither an event nor a file, or does not fit the options.
pub fn run(context: Context, args: &Send) -> Result<Exit, Failure> {
    let load = load::Settings::of(args)?;
    let sender = Sender::new(args.insecure);
    let courier = courier(args, if load.is_some() { sender.keeping_connections() } else { sender })?;
    if args.watch {
        return runtime()?.block_on(watching::run(context, args, &courier));
    }
    let plan = resolve(&context, args)?;
    say_secrets(&context, &plan);
    if let Some(form) = args.print {
        print::print(&plan, form, args, &courier, context.terminal)?;
        return Ok(plan.exit(Exit::Success));
    }
    if let Some(load) = load {
        return load::run(&context, load, plan, courier, args.to.is_none());
    }
    runtime()?.block_on(send(&context, args, &plan, &courier))
}

fn courier(args: &Send, sender: Sender) -> Result<Courier, Failure> {
    let captures = args.capture.as_deref().map(CaptureStore::open).transpose();
    let captures = captures.map_err(|error| Failure::invalid_usage(&error))?;
    let pins = Pins { now: args.now, id: args.id.clone() };
    Ok(Courier::new(sender, args.timeout, pins, captures).redacting(args.redact))
}

fn say_secrets(context: &Context, plan: &Plan) {
    if let Some(note) = development_note(&context.catalog, &plan.keyring, &plan.signing_providers()) {
        context.terminal.note(&note);
    }
}

/// Delivers everything, until that is done or Ctrl-C is pressed.
async fn send(context: &Context, args: &Send, plan: &Plan, courier: &Courier) -> Result<Exit, Failure> {
    let retries = if args.retry { Retries::AtSpeed(args.speed) } else { Retries::None };
    if retries.wanted() {
        for note in schedules(plan) {
            context.terminal.note(&note);
        }
    }
    let mut teller = Teller::new(context, plan, args.to.is_none());
    let deliveries = plan.jobs.iter().map(|job| Delivery::new(job, plan.secret_of(job), retries.wanted()));
    let exit = tokio::select! {
        // Ctrl-C is listened for before anything is sent.
        biased;
        interrupted = tokio::signal::ctrl_c() => {
            interrupted?;
            teller.interrupted();
            Exit::Interrupted
        }
        exit = schedule::run(deliveries, courier, retries, &mut teller) => exit?,
    };
    Ok(plan.exit(exit))
}

/// What is said once of the schedules that are followed.
fn schedules(plan: &Plan) -> Vec<String> {
    let mut notes = Vec::new();
    for job in &plan.jobs {
        let retry = &job.policy().retry;
        let title = job.provider.as_ref().map_or("the sender", |provider| provider.title.as_str());
        let waits: Vec<String> = retry.waits.iter().copied().map(words).collect();
        let note = if retry.assumed {
            format!(
                "{title} publishes no retry schedule; assumed is one more attempt after each of {}",
                waits.join(", ")
            )
        } else if waits.is_empty() {
            format!("{title} documents no attempts but those that it makes at once")
        } else {
            continue;
        };
        if !notes.contains(&note) {
            notes.push(note);
        }
    }
    notes
}
