//! `hookdev listen`: turns its arguments into settings, runs a receiver, and chooses the exit code.

mod addresses;
mod consumers;
mod end;
mod receiving;
mod standstill;

use std::{
    iter,
    net::SocketAddr,
    ops::ControlFlow,
    sync::{Arc, atomic::Ordering},
};

use tokio_util::sync::CancellationToken;

use super::{
    address::{bind, is_default, reachable, refuse_own_addresses},
    context::Context,
    exit::{Exit, Failure},
    inspect,
    interrupt::Interrupts,
    keys::{Keys, Subject},
    listen_settings::{secret_warnings, settings, watch},
    program::UserProgram,
    register::{self, RequestedRegistrations},
    reporters::{
        listen::{not_delivered, report_in_progress, summary, unread_output},
        printer::{DeliveryReporter, WhenDiskFull, queue},
        status::StatusLine,
        view::View,
        warnings::WarningSink,
    },
    resolve::expectations,
    runtime,
    secret_file::SecretFile,
    streams,
    terminal::Terminal,
    time_limit::TimeLimit,
    tunnel,
};
use crate::{
    cli::{FormatArg, ListenArgs},
    engine::receive::{Consumers, CurrentSettings, DeliveryExpectations, ReceiverSettings, Resender, shutdown},
    net::receiver::ReceiverLimits,
    store::captures::CaptureStore,
};
use addresses::Addresses;
use consumers::ListenConsumers;
use end::{StopReason, end, exit_code, finish};
use receiving::{Serving, Sinks, limits, open_captures, setup};

/// Listens until Ctrl-C, until the expected deliveries have arrived, or until the timeout.
///
/// # Errors
///
/// If an option, the config or the address is invalid.
pub fn run(context: Context, args: ListenArgs) -> Result<Exit, Failure> {
    let expectations = expectations(&context, &args.expect, args.count)?;
    let view = View::resolve(&context, &args)?;
    RequestedRegistrations::require(&context, &args)?;
    let settings = settings(&context, &args, false)?;
    let requested = RequestedRegistrations::resolve(&context, &args)?;
    if args.dry_run {
        return requested.print(context.terminal, view.format);
    }
    // Before anything else opens a file.
    let limits = limits(context.terminal, &args)?;
    let captures = open_captures(&context, &args)?;
    let runtime = runtime()?;
    let resolved = ResolvedArgs { settings, requested, expectations, view, limits, captures };
    let exit = runtime.block_on(listen(context, args, resolved));
    // Abandons threads that still wait for a disk or a reader.
    runtime.shutdown_background();
    exit
}

/// The arguments, resolved.
struct ResolvedArgs {
    settings: ReceiverSettings,
    requested: RequestedRegistrations,
    expectations: DeliveryExpectations,
    view: View,
    limits: ReceiverLimits,
    captures: Option<Arc<CaptureStore>>,
}

async fn listen(context: Context, args: ListenArgs, resolved: ResolvedArgs) -> Result<Exit, Failure> {
    let ResolvedArgs { settings, requested, expectations, view, limits, captures } = resolved;
    let (terminal, format, limit) = (context.terminal, view.format, TimeLimit::start(args.timeout));
    let (listener, address) = bind(&context, args.addr.as_deref()).await?;
    let inspector = inspect::open(&context, &args).await?;
    let own_addresses: Vec<_> = iter::once(address).chain(inspector.address()).collect();
    refuse_own_addresses(&settings, &own_addresses)?;
    let mut interrupts = Interrupts::all();
    let settings = Arc::new(CurrentSettings::new(ReceiverSettings {
        accepts_development: accepts_development(&args, address),
        ..settings
    }));
    let _watch = watch(&context, args.clone(), Arc::clone(&settings), own_addresses);

    let has_keys = has_keys(&args);
    let history = (has_keys || inspector.address().is_some()).then_some(args.history);
    let mut consumers = Consumers::default();
    let queue = queue(format, captures.is_some());
    let listen_consumers = ListenConsumers::add(&mut consumers, expectations, queue, has_keys, history);
    let (warnings, pages) = (WarningSink::start(terminal), Arc::default());
    standstill::report(warnings.clone());
    let stalled = warnings.clone();
    consumers.on_stall(move |limit| stalled.warn(unread_output(limit)));
    // Opened before the tunnel, so that a failure starts no public URL.
    let sinks = Sinks { warnings, pages, secrets: SecretFile::open(args.secret_to.clone())? };
    let Some(tunnel) = tunnel::open(&context, &args, &settings, &sinks.warnings, &mut interrupts, limit).await? else {
        return Ok(exit_before_ready(&args, terminal, Exit::Success));
    };
    let (stop, cancel) = (CancellationToken::new(), CancellationToken::new());
    let shows_status = format == FormatArg::Pretty && args.program.is_empty() && terminal.shows_status();
    let pending = shows_status.then(Arc::default);
    let setup =
        setup(&args, Arc::clone(&settings), captures.clone(), consumers, pending.clone(), &sinks, cancel.clone());
    let Serving { task: serving, tunnel, in_progress, resender } =
        Serving::start(setup, listener, tunnel, limits, &stop);
    let targets = resender.targets();

    // The provider may call as soon as it is registered.
    let registering = requested.register(terminal, &settings, &sinks.secrets, tunnel.urls(), &sinks.warnings);
    let registered = match register::in_time(registering, terminal, &mut interrupts, limit).await? {
        ControlFlow::Continue(registered) => registered,
        ControlFlow::Break(exit) => return Ok(exit_before_ready(&args, terminal, exit)),
    };

    let is_default = is_default(&context, address);
    let addresses = Addresses::new(address, is_default, inspector.url(), tunnel.urls(), registered.list().await);
    let subject = subject(&args, captures, &listen_consumers, &settings, resender, address, inspector.url());
    let surroundings = inspector.surroundings(address, tunnel.urls(), addresses.registered.clone(), is_default);
    let inspecting = inspector.serve(subject.as_ref(), surroundings, args.max_body, &sinks.warnings, &stop);
    let keys = subject.filter(|_| has_keys).and_then(|subject| Keys::start(subject, terminal));
    let settings = settings.get();
    if format == FormatArg::Pretty {
        addresses.announce(terminal, &settings, &tunnel, args.redact, keys.is_some());
    }
    for warning in secret_warnings(&settings, tunnel.is_strict()) {
        terminal.warn(&warning);
    }
    let status = pending.map(|pending| StatusLine::new(terminal, pending));
    let (deliveries, pause) = (listen_consumers.deliveries, listen_consumers.pause);
    let ready = addresses.ready();
    let reporter = DeliveryReporter::start(deliveries, view, terminal, ready, status, pause, WhenDiskFull::Wait);

    let counter = &listen_consumers.counter;
    let end = match UserProgram::start(&args.program, addresses.for_program(), &settings.catalog, format) {
        Ok(program) => end(program, counter, &reporter, &mut interrupts, keys, limit, terminal).await,
        Err(failure) => Err(failure),
    };
    registered.end(terminal, &mut interrupts).await;
    stop.cancel();
    report_in_progress(terminal, in_progress.load(Ordering::Relaxed), targets.in_flight());
    let finish = finish(serving, inspecting, tunnel, &reporter, &sinks);
    let finished = shutdown::drain(finish, &cancel, async || interrupts.next().await).await;
    // Everything registered has been removed by now, whatever went wrong.
    let end = end?;
    if format == FormatArg::Pretty && !matches!(end, StopReason::OutputClosed) {
        let missed = not_delivered(&targets.missed(), args.redact);
        terminal.say(&format!("{}\n{missed}", summary(listen_consumers.verdicts.counts())));
    }
    exit_code(terminal, finished, end, counter.shortfall().as_ref())
}

/// The exit code of a run that was interrupted before it was ready. A program that did not run has not succeeded.
fn exit_before_ready(args: &ListenArgs, terminal: Terminal, exit: Exit) -> Exit {
    let Some(program) = args.program.first() else { return exit };
    terminal.warn(format!("interrupted before {} was started", program.to_string_lossy()));
    Exit::Interrupted
}

/// What the keys and the inspector act on, if deliveries are kept for them.
fn subject(
    args: &ListenArgs,
    captures: Option<Arc<CaptureStore>>,
    listen_consumers: &ListenConsumers,
    settings: &Arc<CurrentSettings>,
    resender: Resender,
    address: SocketAddr,
    inspector: Option<String>,
) -> Option<Subject> {
    Some(Subject {
        history: listen_consumers.history.clone()?,
        settings: Arc::clone(settings),
        resender,
        pause: listen_consumers.pause.clone(),
        captures,
        url: reachable(address),
        output_is_capture: listen_consumers.output_is_capture,
        redact: args.redact,
        inspector,
    })
}

/// Whether the receiver at this address accepts deliveries signed with a public development secret.
const fn accepts_development(args: &ListenArgs, address: SocketAddr) -> bool {
    let is_local = address.ip().is_loopback() && args.register.is_empty();
    args.allow_development || is_local && !args.only_verified
}

/// Whether keys are read: only if a user can press them and see the effect. A program after `--` has the keyboard to
/// itself.
fn has_keys(args: &ListenArgs) -> bool {
    args.program.is_empty() && streams::stdin_is_terminal() && streams::stderr_is_terminal()
}
