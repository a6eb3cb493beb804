//! `send --print locust` and `--print k6`: the jobs as a script that makes and signs a new delivery for each request.

use http::header::{AUTHORIZATION, HeaderValue};

use crate::{
    cli::{Print, SendArgs},
    commands::{exit::Failure, terminal::Terminal},
    engine::deliver::{Batch, Job, JobContent},
    net::url::credentials,
    render::script::{Script, Sender, Signer, comment, distinct, k6, locust},
    webhook::{
        load::Rate,
        provider::{Provider, live::NotLive},
        signature::SigningSecret,
    },
};

use super::CONCURRENCY_AT_A_RATE;

/// The script. Handshakes that a glob also matches are left out, with a note.
///
/// # Errors
///
/// If a job can't be made or signed by a script, or an option doesn't apply to one.
pub(super) fn script(batch: &Batch, format: Print, args: &SendArgs, terminal: Terminal) -> Result<String, Failure> {
    check_options(format, args)?;
    let mut script = Script {
        senders: Vec::new(),
        concurrency: args.load.concurrency.unwrap_or(if args.load.rate.is_some() { CONCURRENCY_AT_A_RATE } else { 1 }),
        rate: args.load.rate.map(Rate::per_second),
        duration: args.load.duration,
        repeat: args.load.repeat,
        insecure: args.insecure,
    };
    let (handshakes, events): (Vec<&Job>, Vec<&Job>) = batch.jobs.iter().partition(|job| is_handshake(job));
    if !events.is_empty() && !handshakes.is_empty() {
        let names: Vec<&str> = handshakes.iter().filter_map(|job| job.event.as_deref()).collect();
        terminal.note(format!("left out handshakes: {}", names.join(", ")));
    }
    for job in if events.is_empty() { handshakes } else { events } {
        add(&mut script, job, batch.secrets_of(job), args)?;
    }
    Ok(if format == Print::K6 { k6(&script) } else { locust(&script) })
}

/// Rejects the options that have no meaning for a script.
fn check_options(format: Print, args: &SendArgs) -> Result<(), Failure> {
    let pinned = [
        ("--now", args.now.is_some()),
        ("--id", args.id.is_some()),
        ("--tamper", args.tamper.is_some()),
        ("--redact", args.redact),
    ];
    if let Some((option, _)) = pinned.iter().find(|(_, is_given)| *is_given) {
        return Err(Failure::usage(format!(
            "{option} doesn't apply to a script, which makes valid deliveries with new ids and times"
        ))
        .hint("print single requests with --print curl, http, json or vegeta"));
    }
    match (format, args.load.repeat) {
        (_, Some(0)) => {
            Err(Failure::usage("--repeat 0 doesn't apply to a script").hint("leave it out, or use --duration DUR"))
        }
        (Print::Locust, Some(_)) => {
            Err(Failure::usage("Locust can't limit the number of requests, so --repeat doesn't apply")
                .hint("use --duration DUR"))
        }
        (_, Some(_)) if args.load.rate.is_some() => {
            Err(Failure::usage("k6 can't limit the number of requests at a fixed rate")
                .hint("use --duration DUR instead of --repeat"))
        }
        (_, Some(_)) if args.load.duration.is_some() => {
            Err(Failure::usage("a k6 script ends after --repeat requests or after --duration, not both"))
        }
        _ => Ok(()),
    }
}

fn is_handshake(job: &Job) -> bool {
    let provider = job.provider.as_deref();
    provider.is_some_and(|provider| job.event.as_deref().is_some_and(|event| provider.handshake(event).is_some()))
}

/// Adds a job to its provider's part of the script.
fn add(script: &mut Script, job: &Job, secrets: &[SigningSecret], args: &SendArgs) -> Result<(), Failure> {
    let (JobContent::Event(prepared), Some(provider)) = (&job.content, &job.provider) else {
        let source = job.source.as_ref().map_or("a captured request", |source| source.location.as_str());
        return Err(Failure::usage(format!(
            "{source} is a captured request, which has fixed bytes; a script needs events"
        ))
        .hint("print captures with --print vegeta"));
    };
    let mut headers = job.headers.clone();
    if let Some(credentials) = credentials(&job.url).and_then(|text| HeaderValue::try_from(text).ok()) {
        headers.set(&AUTHORIZATION, credentials);
    }
    let event = provider.live(prepared, job.url.as_str(), &headers, secrets.first()).map_err(|error| unable(&error))?;
    let signers = provider.live_signers(&event, secrets).map_err(|error| unable(&error))?;
    let origin = job.url.origin().ascii_serialization();
    let known = script.senders.iter().position(|sender| sender.name == provider.name && sender.origin == origin);
    let at = known.unwrap_or_else(|| {
        let identifier = distinct(&provider.name, &identifiers(script));
        script.senders.push(sender(provider, identifier, origin, args));
        script.senders.len() - 1
    });
    if script.senders[at].signers.is_empty() {
        for (index, live) in signers.into_iter().enumerate() {
            let own = script.senders[at].identifier.clone();
            let identifier = match index {
                0 => own,
                _ => distinct(&format!("{own}_{}", live.scheme), &identifiers(script)),
            };
            script.senders[at].signers.push(Signer { identifier, live });
        }
    }
    script.senders[at].events.push(event);
    Ok(())
}

/// The identifiers that are taken.
fn identifiers(script: &Script) -> Vec<&str> {
    let signers = script.senders.iter().flat_map(|sender| &sender.signers).map(|signer| signer.identifier.as_str());
    script.senders.iter().map(|sender| sender.identifier.as_str()).chain(signers).collect()
}

fn sender(provider: &Provider, identifier: String, origin: String, args: &SendArgs) -> Sender {
    let policy = &provider.delivery;
    Sender {
        name: provider.name.clone(),
        identifier,
        title: comment(&provider.title),
        origin,
        events: Vec::new(),
        signers: Vec::new(),
        success: policy.success.clone(),
        success_in_words: policy.success_in_words(),
        timeout: args.timeout.unwrap_or_else(|| policy.timeout_or_default()),
    }
}

fn unable(error: &NotLive) -> Failure {
    Failure::usage(format!("no script can send this: {error}"))
        .hint("`--print vegeta` prints requests that hookdev has signed; send them while their timestamps are fresh")
}
