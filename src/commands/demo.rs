//! `hookdev demo`: the whole loop in one process. A receiver on a free port verifies every built-in event and variant.
//! A few are printed as `listen` prints them, then one line for each provider.

use std::{collections::BTreeMap, fmt::Write as _, io, sync::Arc, time::Duration};

use parking_lot::Mutex;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::{
    context::Context,
    exit::{Exit, Failure},
    reporters::{
        listen::{summary, warning},
        pause::Pause,
        printer::{DeliveryReporter, WhenDiskFull, queue},
        view::{SUMMARY, View},
        warnings::WarningSink,
    },
    runtime,
};
use crate::{
    cli::{DemoArgs, FormatArg, GlobalArgs},
    engine::{
        deliver::{self, Batch, Dispatcher, Job, OngoingDelivery},
        receive::{
            Consumers, CurrentSettings, Receiver, ReceiverSettings, ReceiverSetup, ResponsePolicy, VerdictCounter,
        },
    },
    net::{
        client::Client,
        receiver::{ReceiverLimits, serve},
        url::parse_url,
    },
    render::json::Ready,
    webhook::{
        keyring::{Keyring, SecretSource},
        provider::{catalog::Catalog, compose::BodySource},
        record::Outcome,
        signature::SigningSecret,
        trust::Trust,
    },
};

/// How many deliveries are printed without `--all`.
const MAX_PRINTED: usize = 2;

/// The time limit for a response. Providers' own limits are meant for handlers; on a busy machine, the demo would
/// exceed the short ones.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Runs the demo. The exit code is 1 if a delivery is not accepted.
///
/// # Errors
///
/// If no port is available, or the output can't be written.
pub fn run(global: &GlobalArgs, args: DemoArgs) -> Result<Exit, Failure> {
    // The demo shows the built-in providers, regardless of the user's configuration.
    let context = Context::load(GlobalArgs {
        no_config: true,
        config: None,
        providers: Vec::new(),
        secret: Vec::new(),
        ..global.clone()
    })?;
    runtime()?.block_on(demo(&context, args.all))
}

async fn demo(context: &Context, all: bool) -> Result<Exit, Failure> {
    let failed = |error: io::Error| Failure::usage("can't listen on 127.0.0.1").because(&error);
    let listener = TcpListener::bind("127.0.0.1:0").await.map_err(failed)?;
    let url = format!("http://{}", listener.local_addr().map_err(failed)?);
    let terminal = context.terminal;
    terminal.say(&format!(
        "Sending every built-in event to a receiver on {url}, signed with the public\ndevelopment secrets.\n\n"
    ));

    let keyring = development_keyring(&context.catalog)?;
    let batch = Batch { jobs: jobs(&context.catalog, &url)?, keyring: development_keyring(&context.catalog)? };
    let mut consumers = Consumers::default();
    // The queue has room for all deliveries, so none is missed and no response waits.
    let (capacity, when_full) = queue(FormatArg::Pretty, false);
    let deliveries = consumers.add(capacity, when_full);
    let verdicts = VerdictCounter::observe(&mut consumers);
    let providers = ObservedProviders::observe(&mut consumers);
    let warnings = WarningSink::start(terminal);
    let receiver = Receiver::new(setup(Arc::clone(&context.catalog), keyring, consumers, warnings));
    let view = View {
        format: context.format(),
        page: terminal.page(Some(SUMMARY)),
        quiet: context.global.quiet,
        redact: false,
        filter: None,
        only: (!all).then(|| printed(&batch.jobs)),
    };
    let ready = Ready { url: &url, ..Ready::default() };
    let reporter =
        DeliveryReporter::start(deliveries, view, terminal, ready, None, Pause::default(), WhenDiskFull::Fail);
    let stop = CancellationToken::new();
    let server =
        tokio::spawn(serve(listener, ReceiverLimits::default(), Arc::new(receiver), stop.clone().cancelled_owned()));
    let tally = send(context, &batch).await;
    stop.cancel();
    server.await.map_err(|error| Failure::new(Exit::Failed, "the receiver failed").because(&error))?;
    if !reporter.ended().await {
        return Ok(Exit::Failed);
    }
    let (accepted, sent) = (tally?, batch.jobs.len());
    if accepted < sent {
        return Err(Failure::new(Exit::Failed, format!("{} of {sent} deliveries were not accepted", sent - accepted)));
    }
    if context.format() == FormatArg::Pretty {
        let shown = if all { sent } else { printed(&batch.jobs).len() };
        if !all && !context.global.quiet {
            terminal.print(providers.table().as_bytes())?;
        }
        terminal.say(&format!("\n{}, all accepted\n{}", summary(verdicts.counts()), next_steps(context, shown, sent)));
    }
    Ok(Exit::Success)
}

/// The receiver's setup: every built-in provider, and nothing from the user's configuration.
fn setup(catalog: Arc<Catalog>, keyring: Keyring, consumers: Consumers, warnings: WarningSink) -> ReceiverSetup {
    let settings = ReceiverSettings {
        catalog,
        keyring,
        provider: None,
        public_url: None,
        accepts_development: true,
        forwards: Vec::new(),
    };
    ReceiverSetup {
        settings: Arc::new(CurrentSettings::new(settings)),
        responses: ResponsePolicy::default(),
        captures: None,
        consumers,
        pending: None,
        on_error: Box::new(move |error| warnings.warn(warning(&error))),
        on_secret: Box::new(|_, _| {}),
        now: None,
        cancel: CancellationToken::new(),
    }
}

/// The events received from each provider, each with its degree of trust.
#[derive(Clone, Default)]
struct ObservedProviders(Arc<Mutex<BTreeMap<String, BTreeMap<String, Trust>>>>);

impl ObservedProviders {
    /// Observes the deliveries of a receiver from now on.
    fn observe(consumers: &mut Consumers) -> Self {
        let providers = Self::default();
        let observed = providers.clone();
        consumers.observe(move |delivery| {
            let assessment = &delivery.assessment;
            let Some((provider, trust)) = assessment.provider_name().zip(assessment.trust()) else { return };
            let mut providers = observed.0.lock();
            providers.entry(provider.to_owned()).or_default().insert(assessment.title().to_owned(), trust);
        });
        providers
    }

    /// A line for each provider.
    fn table(&self) -> String {
        let providers = self.0.lock();
        let width = providers.keys().map(String::len).max().unwrap_or_default();
        let mut table = String::from("\n");
        for (provider, events) in providers.iter() {
            let count = events.len();
            let unsigned = events.values().filter(|trust| **trust == Trust::UnsignedByDesign).count();
            let verdicts = match count - unsigned {
                0 => "all unsigned by design".to_owned(),
                _ if unsigned == 0 => "all verified".to_owned(),
                verified => format!("{verified} verified, {unsigned} unsigned by design"),
            };
            let _ = writeln!(table, "{provider:<width$}  {count:>2} events  {verdicts}");
        }
        table
    }
}

/// The numbers of the deliveries that are printed: the first of each provider, at most [`MAX_PRINTED`]. They arrive in
/// the order of the jobs, and are numbered from 1.
fn printed(jobs: &[Job]) -> Vec<u64> {
    let name = |job: &Job| job.provider.as_ref().map(|provider| provider.name.clone());
    let mut before = None;
    let firsts = (1..).zip(jobs).filter(|(_, job)| {
        let name = name(job);
        let is_first = name != before;
        before = name;
        is_first
    });
    firsts.map(|(number, _)| number).take(MAX_PRINTED).collect()
}

/// What to try after the demo.
fn next_steps(context: &Context, shown: usize, sent: usize) -> String {
    let all = if shown < sent {
        format!("{shown} deliveries are shown in full; `hookdev demo --all` shows every one.\n")
    } else {
        String::new()
    };
    let event = context.catalog.example().and_then(|entry| entry.index().events().first());
    let event = event.map(|event| event.full_name.as_str()).unwrap_or_default();
    let handler = format!("http://localhost:3000/{}", event.split('.').next().unwrap_or_default());
    let steps = [
        ("hookdev listen".to_owned(), "receive webhooks, in one terminal"),
        (format!("hookdev send {event}"), "send it one, from another"),
        (format!("hookdev listen --forward {handler}"), "pass deliveries on to your handler"),
        (format!("hookdev check --to {handler}"), "test your handler"),
    ];
    let width = steps.iter().map(|(command, _)| command.len()).max().unwrap_or_default();
    let steps: Vec<_> = steps.iter().map(|(command, why)| format!("  {command:<width$}  # {why}")).collect();
    format!("{all}\nTry next:\n{}\n", steps.join("\n"))
}

/// Delivers every job, signed with the development secret of its provider, and returns how many were accepted.
async fn send(context: &Context, batch: &Batch) -> Result<usize, Failure> {
    let dispatcher = Dispatcher::new(deliver::DeliverySettings {
        transport: Client::new(false),
        timeout: Some(TIMEOUT),
        now: None,
        id: None,
        captures: None,
        redact: false,
    });
    let mut accepted = 0;
    for job in &batch.jobs {
        let attempt = OngoingDelivery::new(job, batch.secrets_of(job), false).attempt(&dispatcher).await?.attempt;
        if attempt.outcome == Outcome::Accepted {
            accepted += 1;
        } else {
            context.terminal.warn(format!("{}: {}", job.event.as_deref().unwrap_or("a delivery"), attempt.reason));
        }
    }
    Ok(accepted)
}

fn jobs(catalog: &Catalog, url: &str) -> Result<Vec<Job>, Failure> {
    let mut jobs = Vec::new();
    let events = catalog.providers().flat_map(|provider| provider.events.iter().map(move |event| (provider, event)));
    for (provider, event) in events {
        let endpoint = parse_url(&format!("{url}/{}", provider.name))?;
        let variants = event.variants.iter().map(|variant| Some(variant.as_slice()));
        for variant in std::iter::once(None).chain(variants) {
            jobs.push(Job::event(provider, event, BodySource::Fixture(variant, &[]), endpoint.clone())?);
        }
    }
    Ok(jobs)
}

fn development_keyring(catalog: &Catalog) -> Result<Keyring, Failure> {
    let mut keyring = Keyring::default();
    for provider in catalog.providers() {
        if let Some(rule) = &provider.secret {
            let secret = SigningSecret::parse(&rule.development, &rule.format);
            let secret = secret.map_err(|error| {
                Failure::usage(format!("{}'s development secret is malformed: {error}", provider.title))
            })?;
            keyring.add(&provider.name, secret, SecretSource::Development);
        }
    }
    Ok(keyring)
}
