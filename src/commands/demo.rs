//! `hookdev demo`: the whole loop in one process. A receiver on a free port, every built-in event
//! and variant delivered to it, verified and printed as `listen` would.

use std::sync::{Arc, RwLock};

use tokio::{net::TcpListener, sync::mpsc};

use super::{
    context::Context,
    exit::{Exit, Failure},
    listen::{Answers, Current, Cut, Output, Receiver, Settings, Troubles, View, Writer},
    runtime,
    terminal::Terminal,
};
use crate::{
    cli::Global,
    engine::deliver::{self, Batch, Delivery, Dispatcher, Job},
    net::{
        client::Client,
        receiver::{Limits, serve},
        url::parse_url,
    },
    render::payload,
    webhook::{
        keyring::{Keyring, SecretSource},
        provider::{catalog::Catalog, compose::BodySource},
        record::Outcome,
        signature::SigningSecret,
    },
};

/// Runs the demonstration; exit 1 when any delivery is not accepted.
///
/// # Errors
///
/// When no port can be had, or the output can't be written.
pub fn run(global: &Global) -> Result<Exit, Failure> {
    // It shows what is built in, whatever is configured here.
    let context = Context::load(Global {
        no_config: true,
        config: None,
        providers: Vec::new(),
        secret: Vec::new(),
        ..global.clone()
    })?;
    runtime()?.block_on(demo(&context))
}

async fn demo(context: &Context) -> Result<Exit, Failure> {
    let unbound = |error: std::io::Error| Failure::usage("no free port can be had on 127.0.0.1").because(&error);
    let listener = TcpListener::bind("127.0.0.1:0").await.map_err(unbound)?;
    let url = format!("http://{}", listener.local_addr().map_err(unbound)?);
    let terminal = context.terminal;
    terminal.say(&format!("A receiver listens on {url}; every built-in event is sent to it, signed with the public\ndevelopment secrets. `hookdev listen` and `hookdev send` are the two halves.\n\n"));

    let keyring = development_keyring(&context.catalog)?;
    let batch = Batch { jobs: jobs(&context.catalog, &url)?, keyring: development_keyring(&context.catalog)? };
    let (outputs, receiver) = mpsc::channel(64);
    let limits = payload::Limits { depth: 16, bytes: 8 << 10, lines: 60, token: 1 << 10 };
    let view = View {
        format: context.format(),
        page: terminal.page(Some(limits)),
        quiet: context.global.quiet,
        redact: false,
        filter: None,
    };
    let writer = Writer::start(receiver, view, terminal, super::listen::Expectations::default());
    // Fails only when nobody reads, which the writer finds by itself.
    let _ = outputs.send(Output::Ready(url)).await;
    let settings = Settings { catalog: Arc::clone(&context.catalog), keyring, provider: None, forwards: Vec::new() };
    let handler = Receiver::new(
        Arc::new(Current(RwLock::new(Arc::new(settings)))),
        Answers::default(),
        None,
        outputs,
        Troubles::start(terminal),
        None,
        Cut::never(),
    );

    let (stop, stopped) = tokio::sync::oneshot::channel();
    let server = tokio::spawn(serve(listener, Limits::default(), Arc::new(handler), async {
        // An error means that the demonstration has ended, too.
        let _ = stopped.await;
    }));
    let tally = send(context, &batch).await;
    // The server ends by itself only by a panic, which is found below.
    let _ = stop.send(());
    server.await.map_err(|error| Failure::new(Exit::Failed, "the receiver failed").because(&error))?;
    writer.finish().await;
    conclude(terminal, tally?, batch.jobs.len())
}

/// Delivers every job with the development secret of its provider; how many were accepted.
async fn send(context: &Context, batch: &Batch) -> Result<usize, Failure> {
    let dispatcher = Dispatcher::new(deliver::Settings {
        transport: Client::new(false),
        timeout: None,
        now: None,
        id: None,
        captures: None,
        redact: false,
    });
    let mut accepted = 0;
    for job in &batch.jobs {
        let attempt = Delivery::new(job, batch.secret_of(job), false).attempt(&dispatcher).await?.attempt;
        if attempt.outcome == Outcome::Accepted {
            accepted += 1;
        } else {
            context.terminal.warn(&format!("{}: {}", job.event.as_deref().unwrap_or("a delivery"), attempt.reason));
        }
    }
    Ok(accepted)
}

fn conclude(terminal: Terminal, accepted: usize, sent: usize) -> Result<Exit, Failure> {
    if accepted < sent {
        return Err(Failure::new(Exit::Failed, format!("{} of {sent} deliveries were not accepted", sent - accepted)));
    }
    terminal.say(&format!("\n{sent} deliveries, all of them accepted: each verified, or unsigned by design.\n"));
    Ok(Exit::Success)
}

fn jobs(catalog: &Catalog, url: &str) -> Result<Vec<Job>, Failure> {
    let mut jobs = Vec::new();
    for (provider, event) in catalog.events() {
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
