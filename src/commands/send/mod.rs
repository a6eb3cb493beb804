//! `hookdev send`: signs fixture events, or takes captured requests, and delivers them as the
//! provider would.

mod captured;
mod deliver;
mod load;
mod plan;
mod print;
mod schedule;
mod teller;

use super::{
    context::{Context, development_note},
    failure::{Exit, Failure},
    runtime,
};
use crate::{cli::Send, store::captures::CaptureStore, webhook::time::words};
pub use deliver::{Courier, Delivery, Pins};
use plan::Plan;
pub use plan::{Job, fixture_job, moment};
use schedule::Retries;
use teller::Teller;

/// Sends, or prints, everything that was named.
///
/// # Errors
///
/// When something named is neither an event nor a file, or does not fit the options.
pub fn run(context: &Context, args: &Send) -> Result<Exit, Failure> {
    let load = load::Settings::of(args)?;
    let plan = Plan::resolve(context, args)?;
    if let Some(note) = development_note(&plan.keyring, &plan.signing_providers()) {
        context.terminal.note(&note);
    }
    let captures = args.capture.as_deref().map(CaptureStore::open).transpose();
    let captures = captures.map_err(|error| Failure::asked(&error))?;
    let courier = Courier::new(args.insecure, args.timeout, Pins { now: args.now, id: args.id.clone() }, captures);
    if let Some(form) = args.print {
        print::print(&plan, form, args.repeat, &courier)?;
        return Ok(plan.exit(Exit::Good));
    }
    if let Some(load) = load {
        return load::run(context, load, plan, courier, args.to.is_none());
    }
    let retries = if args.retry { Retries::AtSpeed(args.speed) } else { Retries::None };
    if retries.wanted() {
        for note in schedules(&plan) {
            context.terminal.note(&note);
        }
    }
    let mut teller = Teller::new(context, &plan, args.to.is_none());
    let deliveries = plan.jobs.iter().map(|job| Delivery::new(job, plan.secret_of(job), retries.wanted()));
    let exit = runtime()?.block_on(async {
        tokio::select! {
            exit = schedule::run(deliveries, &courier, retries, &mut teller) => exit,
            interrupted = tokio::signal::ctrl_c() => match interrupted {
                Ok(()) => Ok(Exit::Interrupted),
                Err(error) => Err(Failure::from(error)),
            },
        }
    })?;
    if exit == Exit::Interrupted {
        teller.interrupted();
    }
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
