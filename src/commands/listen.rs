//! `hookdev listen`: turns its arguments into settings, runs a receiver, and chooses the exit code.

use std::{
    path::Path,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use tokio_util::sync::CancellationToken;

use super::{
    address::{bind, is_default, reachable},
    context::Context,
    exit::{Exit, Failure},
    interrupt::Interrupts,
    listen_settings::{listen_config, secret_warning, settings, watch},
    register::{Requested, registered, report},
    remedies,
    reporters::{
        browsers::RefusedPages,
        listen::{Reporter, View, announce, queue, report_in_progress, report_saving, summary, warning},
        warnings::WarningSink,
    },
    resolve::expectations,
    runtime,
    terminal::Terminal,
};
use crate::{
    cli::{Format, Listen},
    engine::receive::{
        CaptureWriter, Consumers, CurrentSettings, Expectations, ForwardPolicy, Receiver, ResponsePolicy, Settings,
        Setup, VerdictCounter, shutdown,
    },
    net::{
        descriptors,
        receiver::{Limits, ReceiveError, serve},
    },
    store::{captures::CaptureStore, private},
    webhook::{signature::SecretText, words::bytes},
};

/// Listens until Ctrl-C, until the expected deliveries have arrived, or until the timeout.
///
/// # Errors
///
/// If an option, the config or the address is invalid.
pub fn run(context: Context, args: Listen) -> Result<Exit, Failure> {
    let settings = settings(&context, &args, false)?;
    let requested = Requested::resolve(&context, &args)?;
    if args.dry_run {
        return requested.print(context.terminal);
    }
    let expectations = expectations(&context, &args.expect, args.count)?;
    let view = View::resolve(&context, &args)?;
    // Before anything else needs a file.
    let limits = limits(context.terminal, &args)?;
    let captures = open_captures(&context, &args)?;
    let runtime = runtime()?;
    let exit = runtime.block_on(listen(context, args, (settings, requested), expectations, view, limits, captures));
    // Threads that still wait for a disk or a reader are abandoned.
    runtime.shutdown_background();
    exit
}

fn open_captures(context: &Context, args: &Listen) -> Result<Option<CaptureStore>, Failure> {
    let Some(path) = args.capture.clone().or(listen_config(context).capture) else { return Ok(None) };
    let store = CaptureStore::open(&path).map_err(|error| Failure::invalid_usage(&error))?;
    if store.truncated_bytes() > 0 {
        let (path, bytes) = (path.display(), bytes(store.truncated_bytes()));
        context.terminal.note(&format!("removed an incomplete last line ({bytes}) from {path}"));
    }
    Ok(Some(store))
}

async fn listen(
    context: Context,
    args: Listen,
    (settings, requested): (Settings, Requested),
    expectations: Expectations,
    view: View,
    limits: Limits,
    captures: Option<CaptureStore>,
) -> Result<Exit, Failure> {
    let terminal = context.terminal;
    let (listener, address) = bind(&context, args.addr.as_deref()).await?;
    let mut interrupts = Interrupts::all();
    let is_local = address.ip().is_loopback() && args.register.is_empty();
    let accepts_development = args.allow_development || is_local && !args.only_verified;
    let settings = Arc::new(CurrentSettings::new(Settings { accepts_development, ..settings }));
    let _watch = watch(&context, args.clone(), Arc::clone(&settings));

    let mut consumers = Consumers::default();
    let (capacity, when_full) = queue(view.format, captures.is_some());
    let deliveries = consumers.add(capacity, when_full);
    let counter = expectations.count(&mut consumers);
    let verdicts = VerdictCounter::observe(&mut consumers);
    let (warnings, pages) = (WarningSink::start(terminal), Arc::new(RefusedPages::default()));
    let (stop, cancel) = (CancellationToken::new(), CancellationToken::new());
    let forwarded = forward_policy(&args);
    let receiver = Receiver::new(Setup {
        settings: Arc::clone(&settings),
        responses: ResponsePolicy {
            statuses: args.respond,
            delay: args.delay,
            forwarded,
            allow_browsers: args.allow_browsers,
            forward_timeout: args.forward_timeout,
        },
        captures: captures.map(|store| {
            let warnings = warnings.clone();
            CaptureWriter::start(store, args.redact, remedies::words, move |change| report_saving(&warnings, change))
        }),
        consumers,
        on_error: {
            let (warnings, pages) = (warnings.clone(), Arc::clone(&pages));
            Box::new(move |error| match error {
                ReceiveError::Browser { .. } => pages.add(&error, &warnings),
                _ => warnings.warn(warning(&error)),
            })
        },
        on_secret: {
            let (warnings, path) = (warnings.clone(), args.secret_to.clone());
            Box::new(move |title, secret| warnings.note(taken_into_use(title, path.as_deref(), secret)))
        },
        now: args.now,
        cancel: cancel.clone(),
    });
    let in_progress = receiver.in_progress();
    let serving = tokio::spawn(serve(listener, limits, Arc::new(receiver), stop.clone().cancelled_owned()));

    // When the provider may already call.
    let secret_to = args.secret_to.as_deref();
    let mut registrations = requested.register(terminal, &settings, secret_to).await?;
    let registered = registered(registrations.as_ref());

    let url = format!("http://{address}");
    let settings = settings.get();
    if view.format == Format::Pretty {
        let send_to = (!is_default(&context, address)).then(|| reachable(address));
        announce(terminal, &settings, &url, send_to.as_deref(), args.redact);
    }
    if let Some(warning) = secret_warning(&settings) {
        terminal.warn(&warning);
    }
    let is_pretty = view.format == Format::Pretty;
    let reporter = Reporter::start(deliveries, view, terminal, &url, &registered);

    let end = tokio::select! {
        () = counter.met() => End::Met,
        _ = reporter.ended() => End::OutputClosed,
        () = interrupts.next() => End::Interrupted,
        () = timeout(args.timeout) => End::TimedOut,
    };
    if let Some(registrations) = &mut registrations {
        tokio::select! {
            leftovers = registrations.unregister() => report(terminal, &leftovers),
            () = interrupts.next() => {
                terminal.warn("stopped before everything was removed at the providers; `hookdev unregister` removes the rest");
            }
        }
    }
    stop.cancel();
    report_in_progress(terminal, in_progress.load(Ordering::Relaxed));
    let finish = async {
        let served = serving.await;
        let printed = reporter.ended().await;
        pages.conclude(&warnings);
        warnings.flush().await;
        served.map(|()| printed)
    };
    let finished = shutdown::drain(finish, &cancel, async || interrupts.next().await).await;
    if is_pretty && !matches!(end, End::OutputClosed) {
        terminal.say(&format!("{}\n", summary(verdicts.counts())));
    }
    Ok(match (finished, end) {
        (Some(Err(error)), _) => return Err(Failure::new(Exit::Failed, "the receiver failed").because(&error)),
        (Some(Ok(false)), _) => Exit::Failed,
        (_, End::TimedOut) => conclude(terminal, &counter.missing()),
        (None, End::Interrupted | End::OutputClosed) => Exit::Interrupted,
        // What was expected has arrived, whether or not somebody reads the output.
        _ => Exit::Success,
    })
}

/// Saves a secret that a handshake handed over, where the user wants it, and says that it is in use.
fn taken_into_use(title: &str, path: Option<&Path>, secret: &SecretText) -> String {
    let in_use = format!("{title} handed over its secret, which is used until hookdev exits");
    match path.map(|path| (path, private::write(path, secret.expose().as_bytes()))) {
        None => format!("{in_use}; --secret-to FILE saves it"),
        Some((path, Ok(()))) => format!("{in_use}; it is saved in {}", path.display()),
        Some((path, Err(error))) => format!("{in_use}; it can't be saved in {}: {error}", path.display()),
    }
}

/// Why `listen` stops.
#[derive(Clone, Copy)]
enum End {
    Met,
    OutputClosed,
    Interrupted,
    TimedOut,
}

/// Which deliveries are forwarded.
const fn forward_policy(args: &Listen) -> ForwardPolicy {
    match (args.only_verified, args.allow_unsigned) {
        (false, _) => ForwardPolicy::All,
        (true, false) => ForwardPolicy::Verified,
        (true, true) => ForwardPolicy::VerifiedAndUnsigned,
    }
}

/// The limits for senders. The connections must fit into the limit on open files, which is raised if possible.
fn limits(terminal: Terminal, args: &Listen) -> Result<Limits, Failure> {
    let defaults = Limits::default();
    let connections = descriptors::connections(defaults.connections)
        .map_err(|error| Failure::invalid_usage(&error).hint("raise it, for example with `ulimit -n 1024`"))?;
    if connections < defaults.connections {
        let note = "raise the limit on open files for more (ulimit -n)";
        terminal.note(&format!("accepting only {connections} connections at a time; {note}"));
    }
    Ok(Limits { body: args.max_body, connections, ..defaults })
}

/// The exit code after the timeout.
fn conclude(terminal: Terminal, missing: &[String]) -> Exit {
    if missing.is_empty() {
        return Exit::Success;
    }
    terminal.fail(&Failure::new(Exit::Failed, format!("timed out waiting for: {}", missing.join(", "))));
    Exit::Failed
}

async fn timeout(after: Option<Duration>) {
    match after {
        Some(after) => tokio::time::sleep(after).await,
        None => std::future::pending().await,
    }
}
