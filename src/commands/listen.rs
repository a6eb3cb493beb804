//! `hookdev listen`: turns its arguments into settings, runs a receiver, and chooses the exit code.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::Path,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::{
    context::{Context, development_warning, no_secret_warning},
    exit::{Exit, Failure},
    guard::allow_forwards,
    interrupt::Interrupts,
    reload, remedies,
    reporters::{
        browsers::RefusedPages,
        listen::{Reporter, View, announce, queue, report_in_progress, report_saving, summary, warning},
        warnings::WarningSink,
    },
    resolve::{DEFAULT_ADDR, expectations, forward, forward_of, full_addr, is_default, provider, unmatched},
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
    store::{captures::CaptureStore, config::ListenConfig, private, watch::Watch},
    webhook::{called_url::PublicUrl, signature::SecretText, words::bytes},
};

/// Listens until Ctrl-C, until the expected deliveries have arrived, or until the timeout.
///
/// # Errors
///
/// If an option, the config or the address is invalid.
pub fn run(context: Context, args: Listen) -> Result<Exit, Failure> {
    let settings = settings(&context, &args, false)?;
    let expectations = expectations(&context, &args.expect, args.count)?;
    let view = View::resolve(&context, &args)?;
    // Before anything else needs a file.
    let limits = limits(context.terminal, &args)?;
    let captures = open_captures(&context, &args)?;
    let runtime = runtime()?;
    let exit = runtime.block_on(listen(context, args, settings, expectations, view, limits, captures));
    // Threads that still wait for a disk or a reader are abandoned.
    runtime.shutdown_background();
    exit
}

/// Resolves the settings that are reloaded when the config changes.
fn settings(context: &Context, args: &Listen, accepts_development: bool) -> Result<Settings, Failure> {
    let provider = args.provider.as_deref().map(|name| provider(&context.catalog, name)).transpose()?;
    // A directory that is saved while it has an error must not affect the provider in use.
    for entry in context.catalog.entries().filter(|entry| entry.directory().is_some()) {
        entry.load()?;
    }
    let keyring = context.complete_keyring(args.provider.as_deref())?;
    let (source, forwards) = if args.forward.is_empty() {
        let configured = context.config.iter().flat_map(|config| &config.forward);
        let forwards = configured.map(|entry| forward_of(&entry.events, &entry.to)).collect::<Result<Vec<_>, _>>()?;
        if !forwards.is_empty() {
            context.name_config();
        }
        allow_forwards(context.guard.as_ref(), &forwards)?;
        ("[[forward]]", forwards)
    } else {
        ("--forward", args.forward.iter().map(|text| forward(text)).collect::<Result<_, _>>()?)
    };
    for warning in forwards.iter().filter_map(|forward| unmatched(&context.catalog, source, &forward.events)) {
        context.terminal.warn(&warning);
    }
    let public_url = args.public_url.as_deref().map(public_url).transpose()?;
    Ok(Settings { catalog: Arc::clone(&context.catalog), keyring, provider, public_url, accepts_development, forwards })
}

/// The URL under which providers reach the receiver.
fn public_url(text: &str) -> Result<PublicUrl, Failure> {
    text.parse().map_err(|reason| {
        Failure::usage(format!("invalid URL `{text}` for --public-url: {reason}"))
            .hint("write it as providers have it, such as https://example.com")
    })
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
    settings: Settings,
    expectations: Expectations,
    view: View,
    limits: Limits,
    captures: Option<CaptureStore>,
) -> Result<Exit, Failure> {
    let terminal = context.terminal;
    let (listener, address) = bind(&context, args.addr.as_deref()).await?;
    let mut interrupts = Interrupts::all();
    let accepts_development = args.allow_development || address.ip().is_loopback() && !args.only_verified;
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
    let reporter = Reporter::start(deliveries, view, terminal, &url);

    let end = tokio::select! {
        () = counter.met() => End::Met,
        _ = reporter.ended() => End::OutputClosed,
        () = interrupts.next() => End::Interrupted,
        () = timeout(args.timeout) => End::TimedOut,
    };
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

/// A URL at which this machine reaches an address. One of `0.0.0.0` doesn't name a host.
fn reachable(mut address: SocketAddr) -> String {
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    format!("http://{address}")
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

/// A warning about the providers whose secret is not set, if there are any.
fn secret_warning(settings: &Settings) -> Option<String> {
    let names: Vec<&str> = match &settings.provider {
        Some(provider) => vec![&provider.name],
        None => settings.catalog.names().collect(),
    };
    if settings.accepts_development {
        return development_warning(&settings.catalog, &settings.keyring, &names);
    }
    let warning = no_secret_warning(&settings.catalog, &settings.keyring, &names)?;
    Some(format!("{warning}, or accept the public development secret with --allow-development"))
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

async fn bind(context: &Context, addr: Option<&str>) -> Result<(TcpListener, SocketAddr), Failure> {
    let configured = context.config.as_ref().and_then(|config| config.listen.addr.as_deref());
    let configured = configured.filter(|_| addr.is_none()).inspect(|_| context.name_config());
    let full = full_addr(addr.or(configured).unwrap_or(DEFAULT_ADDR));
    let failed = |error: std::io::Error| {
        let failure = Failure::usage(format!("can't listen on {full}")).because(&error);
        match error.kind() {
            std::io::ErrorKind::AddrInUse => {
                failure.hint("stop the program that uses this port, or choose a free one with --addr 127.0.0.1:0; `hookdev send` then needs the --to that `listen` prints, or its deliveries reach that program")
            }
            std::io::ErrorKind::PermissionDenied => failure.hint("ports below 1024 are reserved; choose a higher one"),
            _ => failure.hint("write the address as HOST:PORT, such as 127.0.0.1:4400"),
        }
    };
    let listener = TcpListener::bind(&full).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    if !address.ip().is_loopback() {
        context.terminal.warn(&format!("other machines can reach {address} and send requests to it"));
    }
    Ok((listener, address))
}

/// Reloads the settings when a file changes. If the change is broken, the previous settings stay.
fn watch(context: &Context, args: Listen, current: Arc<CurrentSettings>) -> Option<Watch> {
    let (global, terminal, announced) = (context.global.clone(), context.terminal, context.announced());
    let initial = listen_config(context);
    let changed = move || {
        let context = Context::load_again(global.clone(), announced.clone());
        // The changed config may name files that were not watched.
        let watched = context.as_ref().map(Context::watched).unwrap_or_default();
        let before = current.get();
        let reload = |context| Ok((settings(&context, &args, before.accepts_development)?, listen_config(&context)));
        match context.and_then(reload) {
            Ok((settings, config)) => {
                let changes = reload::changes(&before, &settings);
                let warning = secret_warning(&settings).filter(|new| secret_warning(&before).as_ref() != Some(new));
                current.replace(settings);
                terminal.note("config reloaded");
                for change in changes {
                    terminal.note(&change);
                }
                if let Some(warning) = warning {
                    terminal.warn(&warning);
                }
                if let Some(note) = restart_note(&args, &initial, &config) {
                    terminal.note(&note);
                }
            }
            Err(mut failure) => {
                failure.hint = Some("still using the previous configuration; fix the error and save again".to_owned());
                terminal.fail(&failure);
            }
        }
        watched
    };
    Watch::start(&context.watched(), changed)
        .map_err(|error| terminal.warn(&format!("can't watch the config for changes: {error}")))
        .ok()
}

fn listen_config(context: &Context) -> ListenConfig {
    context.config.as_ref().map(|config| config.listen.clone()).unwrap_or_default()
}

/// A note about changes that need a restart: those of `[listen]`, where no flag overrides them.
fn restart_note(args: &Listen, initial: &ListenConfig, config: &ListenConfig) -> Option<String> {
    let addr = args.addr.is_none() && initial.addr != config.addr;
    let capture = args.capture.is_none() && initial.capture != config.capture;
    let changed = match (addr, capture) {
        (true, true) => "addr and capture",
        (true, false) => "addr",
        (false, true) => "capture",
        (false, false) => return None,
    };
    Some(format!("restart to apply the new {changed} of [listen]"))
}

async fn timeout(after: Option<Duration>) {
    match after {
        Some(after) => tokio::time::sleep(after).await,
        None => std::future::pending().await,
    }
}
