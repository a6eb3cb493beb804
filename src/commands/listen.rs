//! `hookdev listen`: turns its arguments into settings, runs a receiver, and chooses the exit code.

mod end;
mod followers;
mod receiving;

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
    program::{Urls, UserProgram},
    register::{self, Requested},
    reporters::{
        listen::{announce, report_in_progress, summary},
        printer::{DeliveryReporter, queue},
        status::StatusLine,
        view::View,
        warnings::WarningSink,
    },
    resolve::expectations,
    runtime,
    secret_file::SecretFile,
    streams, tunnel,
};
use crate::{
    cli::{FormatArg, ListenArgs},
    engine::receive::{Consumers, CurrentSettings, DeliveryExpectations, Receiver, ReceiverSettings, shutdown},
    net::receiver::{ReceiverLimits, serve},
    render::json::Ready,
    store::captures::CaptureStore,
};
use end::{StopReason, end, exit_code, finish};
use followers::Followers;
use receiving::{Sinks, capture_path, limits, open_captures, setup};

/// Listens until Ctrl-C, until the expected deliveries have arrived, or until the timeout.
///
/// # Errors
///
/// If an option, the config or the address is invalid.
pub fn run(context: Context, args: ListenArgs) -> Result<Exit, Failure> {
    let settings = settings(&context, &args, false)?;
    let requested = Requested::resolve(&context, &args)?;
    if args.dry_run {
        return requested.print(context.terminal);
    }
    let expectations = expectations(&context, &args.expect, args.count)?;
    let view = View::resolve(&context, &args)?;
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
    requested: Requested,
    expectations: DeliveryExpectations,
    view: View,
    limits: ReceiverLimits,
    captures: Option<CaptureStore>,
}

async fn listen(context: Context, args: ListenArgs, resolved: ResolvedArgs) -> Result<Exit, Failure> {
    let ResolvedArgs { settings, requested, expectations, view, limits, captures } = resolved;
    let terminal = context.terminal;
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
    let queue = queue(view.format, captures.is_some());
    let followers = Followers::add(&mut consumers, expectations, queue, has_keys, history);
    let (warnings, pages) = (WarningSink::start(terminal), Arc::default());
    // Opened before the tunnel, so that a failure starts no public URL.
    let sinks = Sinks { warnings, pages, secrets: SecretFile::open(args.secret_to.clone())? };
    let Some(tunnel) = tunnel::open(&context, &args, &settings, &sinks.warnings, &mut interrupts).await? else {
        return Ok(Exit::Success);
    };
    let (stop, cancel) = (CancellationToken::new(), CancellationToken::new());
    let shows_status = view.format == FormatArg::Pretty && args.program.is_empty() && terminal.shows_status();
    let pending = shows_status.then(Arc::default);
    let setup = setup(&args, Arc::clone(&settings), captures, consumers, pending.clone(), &sinks, cancel.clone());
    let receiver = Receiver::new(setup);
    let (in_progress, resender) = (receiver.in_progress(), receiver.resender());
    let receiver = Arc::new(receiver);
    let (limits, tunnel_limits) = tunnel.divide(limits);
    let serving = tokio::spawn(serve(listener, limits, Arc::clone(&receiver), stop.clone().cancelled_owned()));
    let tunnel = tunnel.serve(receiver, tunnel_limits, stop.clone());

    // The provider may call as soon as it is registered.
    let registering = requested.register(terminal, &settings, &sinks.secrets, tunnel.urls(), &sinks.warnings);
    let registered = match register::unless_interrupted(registering, terminal, &mut interrupts).await? {
        ControlFlow::Continue(registered) => registered,
        ControlFlow::Break(exit) => return Ok(exit),
    };

    let is_default = is_default(&context, address);
    let (inspector_url, registered_list) = (inspector.url(), registered.list().await);
    let subject = followers.history.map(|history| Subject {
        history,
        settings: Arc::clone(&settings),
        resender,
        pause: followers.pause.clone(),
        captures: capture_path(&context, &args),
        url: reachable(address),
        output_is_capture: followers.output_is_capture,
        redact: args.redact,
        inspector: inspector_url.clone(),
    });
    let surroundings = inspector.surroundings(address, tunnel.urls(), registered_list.clone(), is_default);
    let inspecting = inspector.serve(subject.as_ref(), surroundings, args.max_body, &sinks.warnings, &stop);
    let keys = subject.filter(|_| has_keys).and_then(|subject| Keys::start(subject, terminal));

    let (settings, format) = (settings.get(), view.format);
    let (url, tunnel_url) = (format!("http://{address}"), tunnel.urls().map(|urls| urls.current()));
    let ready = Ready {
        url: &url,
        inspector: inspector_url.as_deref(),
        tunnel: tunnel_url.as_deref(),
        registered: &registered_list,
    };
    if format == FormatArg::Pretty {
        let send_to = (!is_default).then(|| reachable(address));
        announce(terminal, &settings, &url, send_to.as_deref(), args.redact, keys.is_some());
        tunnel.announce(terminal, &settings);
        inspect::announce(terminal, ready.inspector);
    }
    for warning in secret_warnings(&settings).into_iter().chain(tunnel.warning(&settings)) {
        terminal.warn(&warning);
    }
    let status = pending.map(|pending| StatusLine::new(terminal, pending));
    let reporter = DeliveryReporter::start(followers.deliveries, view, terminal, ready, status, followers.pause);

    let urls = Urls { local: &reachable(address), tunnel: tunnel_url.as_deref() };
    let counter = &followers.counter;
    let end = match UserProgram::start(&args.program, urls, &settings.catalog, format) {
        Ok(program) => end(program, counter, &reporter, &mut interrupts, keys, args.timeout, terminal).await,
        Err(failure) => Err(failure),
    };
    registered.end(terminal, &mut interrupts).await;
    stop.cancel();
    report_in_progress(terminal, in_progress.load(Ordering::Relaxed));
    let finish = finish(serving, inspecting, tunnel, &reporter, &sinks);
    let finished = shutdown::drain(finish, &cancel, async || interrupts.next().await).await;
    // Everything registered has been removed by now, whatever went wrong.
    let end = end?;
    if format == FormatArg::Pretty && !matches!(end, StopReason::OutputClosed) {
        terminal.say(&format!("{}\n", summary(followers.verdicts.counts())));
    }
    exit_code(terminal, finished, end, &counter.missing())
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
