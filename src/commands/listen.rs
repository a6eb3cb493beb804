//! `hookdev listen`: turns its arguments into settings, runs a receiver, and chooses the exit code.

use std::{
    future::pending,
    iter,
    ops::ControlFlow,
    path::{Path, PathBuf},
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use tokio::task::{JoinError, JoinHandle};
use tokio_util::sync::CancellationToken;

use super::{
    address::{bind, is_default, reachable, refuse_own_addresses},
    context::Context,
    exit::{Exit, Failure},
    inspect,
    interrupt::Interrupts,
    keys::{Keys, Subject},
    listen_settings::{listen_config, secret_warnings, settings, watch},
    program::{ProgramEnd, Urls, UserProgram},
    register::{self, Requested},
    remedies,
    reporters::{
        browsers::RefusedPages,
        listen::{announce, report_in_progress, report_saving, summary, warning},
        pause::Pause,
        printer::{Reporter, queue},
        status::StatusLine,
        view::View,
        warnings::WarningSink,
    },
    resolve::expectations,
    runtime, streams,
    terminal::Terminal,
    tunnel::{self, Served},
};
use crate::{
    cli::{Format, Listen},
    engine::receive::{
        CaptureWriter, Consumers, Counter, CurrentSettings, Expectations, ForwardPolicy, History, PendingForwards,
        Receiver, ResponsePolicy, Settings, Setup, VerdictCounter, WhenFull, shutdown,
    },
    net::{
        descriptors,
        receiver::{Limits, ReceiveError, serve},
    },
    render::json::Ready,
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

fn capture_path(context: &Context, args: &Listen) -> Option<PathBuf> {
    args.capture.clone().or(listen_config(context).capture)
}

/// Whether somebody can press keys, and sees what they do. A program that follows `--` has the keyboard itself.
fn has_keys(args: &Listen) -> bool {
    args.program.is_empty() && streams::stdin_is_terminal() && streams::stderr_is_terminal()
}

/// Waits until there is a reason to stop. The terminal is restored then.
async fn end(
    program: Option<UserProgram>,
    counter: &Counter,
    reporter: &Reporter,
    interrupts: &mut Interrupts,
    mut keys: Option<Keys>,
    time: Option<Duration>,
    terminal: Terminal,
) -> Result<End, Failure> {
    if let Some(mut program) = program {
        return program.attend(interrupts, time, terminal).await.map(End::Program);
    }
    let quit = async {
        match &mut keys {
            Some(keys) => keys.quit().await,
            None => pending().await,
        }
    };
    Ok(tokio::select! {
        () = counter.met() => End::Met,
        _ = reporter.ended() => End::OutputClosed,
        () = interrupts.next() => End::Interrupted,
        () = quit => End::Interrupted,
        () = timeout(time) => End::TimedOut,
    })
}

fn open_captures(context: &Context, args: &Listen) -> Result<Option<CaptureStore>, Failure> {
    let Some(path) = capture_path(context, args) else { return Ok(None) };
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
    let inspector = inspect::open(&context, &args).await?;
    let own_addresses: Vec<_> = iter::once(address).chain(inspector.address()).collect();
    refuse_own_addresses(&settings, &own_addresses)?;
    let mut interrupts = Interrupts::all();
    let is_local = address.ip().is_loopback() && args.register.is_empty();
    let accepts_development = args.allow_development || is_local && !args.only_verified;
    let settings = Arc::new(CurrentSettings::new(Settings { accepts_development, ..settings }));
    let _watch = watch(&context, args.clone(), Arc::clone(&settings), own_addresses);

    let mut consumers = Consumers::default();
    let (capacity, when_full) = queue(view.format, captures.is_some());
    let output_is_capture = when_full != WhenFull::Skip;
    let deliveries = consumers.add(capacity, when_full);
    let counter = expectations.count(&mut consumers);
    let pause = Pause::default();
    let has_keys = has_keys(&args);
    if has_keys {
        let counting = pause.clone();
        consumers.observe(move |_| counting.count());
    }
    let is_remembered = has_keys || inspector.address().is_some();
    let history = is_remembered.then(|| History::start(&mut consumers, args.history));
    let verdicts = VerdictCounter::observe(&mut consumers);
    let (warnings, pages) = (WarningSink::start(terminal), Arc::new(RefusedPages::default()));
    let Some(tunnel) = tunnel::open(&context, &args, &settings, &warnings, &mut interrupts).await? else {
        return Ok(Exit::Success);
    };
    let (stop, cancel) = (CancellationToken::new(), CancellationToken::new());
    let shows_status = view.format == Format::Pretty && args.program.is_empty() && terminal.shows_status();
    let pending = shows_status.then(Arc::default);
    let talk = Talk { warnings: warnings.clone(), pages: Arc::clone(&pages) };
    let setup = setup(&args, Arc::clone(&settings), captures, consumers, pending.clone(), &talk, cancel.clone());
    let receiver = Receiver::new(setup);
    let (in_progress, resender) = (receiver.in_progress(), receiver.resender());
    let receiver = Arc::new(receiver);
    let (limits, tunnel_limits) = tunnel.divide(limits);
    let serving = tokio::spawn(serve(listener, limits, Arc::clone(&receiver), stop.clone().cancelled_owned()));

    let tunnel = tunnel.serve(receiver, tunnel_limits, stop.clone());
    // The provider may call as soon as it is registered.
    let secret_to = args.secret_to.as_deref();
    let registering = requested.register(terminal, &settings, secret_to, tunnel.urls(), &warnings);
    let registered = match register::unless_interrupted(registering, terminal, &mut interrupts).await? {
        ControlFlow::Continue(registered) => registered,
        ControlFlow::Break(exit) => return Ok(exit),
    };

    let url = format!("http://{address}");
    let is_default = is_default(&context, address);
    let (inspector_url, registered_list) = (inspector.url(), registered.list().await);
    let subject = history.map(|history| Subject {
        history,
        settings: Arc::clone(&settings),
        resender,
        pause: pause.clone(),
        captures: capture_path(&context, &args),
        url: reachable(address),
        output_is_capture,
        redact: args.redact,
        inspector: inspector_url.clone(),
    });
    let surroundings = inspector.surroundings(address, tunnel.urls(), registered_list.clone(), is_default);
    let inspecting = inspector.serve(subject.as_ref(), surroundings, args.max_body, &warnings, &stop);
    let keys = subject.filter(|_| has_keys).and_then(|subject| Keys::start(subject, terminal));
    let settings = settings.get();
    let (is_pretty, format) = (view.format == Format::Pretty, view.format);
    if is_pretty {
        let send_to = (!is_default).then(|| reachable(address));
        announce(terminal, &settings, &url, send_to.as_deref(), args.redact, keys.is_some());
        tunnel.announce(terminal, &settings);
        inspect::announce(terminal, inspector_url.as_deref());
    }
    for warning in secret_warnings(&settings).into_iter().chain(tunnel.warning(&settings)) {
        terminal.warn(&warning);
    }
    let status = pending.map(|pending| StatusLine::new(terminal, pending));
    let tunnel_url = tunnel.urls().map(|urls| urls.current());
    let ready = Ready {
        url: &url,
        inspector: inspector_url.as_deref(),
        tunnel: tunnel_url.as_deref(),
        registered: &registered_list,
    };
    let reporter = Reporter::start(deliveries, view, terminal, ready, status, pause);

    let urls = Urls { local: &reachable(address), tunnel: tunnel_url.as_deref() };
    let end = match UserProgram::start(&args.program, urls, &settings.catalog, format) {
        Ok(program) => end(program, &counter, &reporter, &mut interrupts, keys, args.timeout, terminal).await,
        Err(failure) => Err(failure),
    };
    registered.end(terminal, &mut interrupts).await;
    stop.cancel();
    report_in_progress(terminal, in_progress.load(Ordering::Relaxed));
    let finish = finish(serving, inspecting, tunnel, &reporter, &warnings, &pages);
    let finished = shutdown::drain(finish, &cancel, async || interrupts.next().await).await;
    // What was registered is removed by now, whatever went wrong.
    let end = end?;
    if is_pretty && !matches!(end, End::OutputClosed) {
        terminal.say(&format!("{}\n", summary(verdicts.counts())));
    }
    exit_code(terminal, finished, end, &counter.missing())
}

/// The exit code of a run that ended in this way; `finished` says whether everything is printed, if that ended in time.
fn exit_code(
    terminal: Terminal,
    finished: Option<Result<bool, JoinError>>,
    end: End,
    missing: &[String],
) -> Result<Exit, Failure> {
    if finished.is_none() && !matches!(end, End::OutputClosed) {
        terminal.warn("stopped before all deliveries were printed: nothing reads the output, or the disk is too slow");
    }
    Ok(match (finished, end) {
        (Some(Err(error)), _) => return Err(Failure::new(Exit::Failed, "the receiver failed").because(&error)),
        (_, End::Program(end)) => end.conclude(terminal, missing),
        (Some(Ok(false)), _) => Exit::Failed,
        (_, End::TimedOut) => conclude(terminal, missing),
        (None, End::Interrupted | End::OutputClosed) => Exit::Interrupted,
        // What was expected has arrived, whether or not somebody reads the output.
        _ => Exit::Success,
    })
}

/// Waits until everything that was received has its response and is printed. Returns whether it could be.
async fn finish(
    serving: JoinHandle<()>,
    inspecting: Option<JoinHandle<()>>,
    tunnel: Served,
    reporter: &Reporter,
    warnings: &WarningSink,
    pages: &RefusedPages,
) -> Result<bool, JoinError> {
    let served = serving.await;
    if let Some(inspecting) = inspecting {
        // An error is a panic, which is reported already.
        let _ = inspecting.await;
    }
    tunnel.end(warnings).await;
    let printed = reporter.ended().await;
    pages.conclude(warnings);
    warnings.flush().await;
    served.map(|()| printed)
}

/// Where the receiver says what goes wrong.
struct Talk {
    warnings: WarningSink,
    pages: Arc<RefusedPages>,
}

/// What the receiver works with.
fn setup(
    args: &Listen,
    settings: Arc<CurrentSettings>,
    captures: Option<CaptureStore>,
    consumers: Consumers,
    pending: Option<Arc<PendingForwards>>,
    talk: &Talk,
    cancel: CancellationToken,
) -> Setup {
    let (warnings, pages) = (talk.warnings.clone(), Arc::clone(&talk.pages));
    let (saving, secrets, path) = (warnings.clone(), warnings.clone(), args.secret_to.clone());
    Setup {
        settings,
        responses: ResponsePolicy {
            statuses: args.respond.clone(),
            delay: args.delay,
            forwarded: forward_policy(args),
            allow_browsers: args.allow_browsers,
            forward_timeout: args.forward_timeout,
            forward_wait: args.forward_wait,
        },
        captures: captures.map(|store| {
            CaptureWriter::start(store, args.redact, remedies::words, move |change| report_saving(&saving, change))
        }),
        consumers,
        pending,
        on_error: Box::new(move |error| match error {
            ReceiveError::Browser { .. } => pages.add(&error, &warnings),
            _ => warnings.warn(warning(&error)),
        }),
        on_secret: Box::new(move |title, secret| secrets.note(taken_into_use(title, path.as_deref(), secret))),
        now: args.now,
        cancel,
    }
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
    /// The program that follows `--` has ended.
    Program(ProgramEnd),
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
