//! `hookdev listen`: a local receiver that verifies, explains, prints, captures and forwards.

mod ending;
mod expectation;
mod explainer;
mod keeper;
mod output;
mod receiver;
mod settings;
mod troubles;

use std::{
    cell::Cell,
    net::SocketAddr,
    sync::{Arc, RwLock, atomic::Ordering},
    thread,
    time::Duration,
};

use tokio::{
    net::TcpListener,
    sync::{mpsc, oneshot},
};

pub use self::{
    ending::Cut,
    expectation::Expectations,
    output::{Output, View, Writer},
    receiver::{Answers, Receiver},
    settings::{Current, Settings},
    troubles::Troubles,
};
use ending::Ending;

use super::{
    context::{Context, development_note},
    exit::{Exit, Failure},
    interrupt::Interrupts,
    resolve::{DEFAULT_ADDR, pattern, unmatched},
    runtime,
    terminal::Terminal,
};
use crate::{
    cli::{Body, Format, Listen},
    net::{
        descriptors,
        receiver::{Limits, serve},
    },
    render::payload,
    store::{captures::CaptureStore, config::ListenConfig, watch::Watch},
    webhook::redact,
};

/// The deliveries that may wait for a slow terminal; then senders wait too. Each may hold the 8 KiB and more
/// that its connection read it into.
const WAITING: usize = 128;

/// How much of a payload `--body summary` shows.
const SUMMARY: payload::Limits = payload::Limits { depth: 16, bytes: 8 << 10, lines: 60, token: 1 << 10 };

/// Listens until Ctrl-C, or until what was expected has come or its time has run out.
///
/// # Errors
///
/// When the options, the config or the address are wrong.
pub fn run(context: Context, args: Listen) -> Result<Exit, Failure> {
    let settings = Settings::resolve(&context, &args)?;
    let expectations = Expectations::parse(&context, &args.expect, args.count)?;
    let filter = args.filter.as_deref().map(pattern).transpose()?;
    if let Some(warning) = filter.as_ref().and_then(|filter| unmatched(&context.catalog, "--filter", filter)) {
        context.terminal.warn(&warning);
    }
    let quiet = context.global.quiet;
    let view = View {
        format: context.format(),
        page: context.terminal.page(shown_of_payloads(args.body, quiet)),
        quiet,
        redact: args.redact,
        filter,
    };
    let captures = open_captures(&context, &args)?;
    let runtime = runtime()?;
    let exit = runtime.block_on(listen(context, args, settings, expectations, view, captures));
    // What is left then waits for a disk or a reader that may never come.
    runtime.shutdown_background();
    exit
}

/// How much of a payload is shown; nothing when only that shall be told which went wrong, as the lines
/// above the payload say it.
const fn shown_of_payloads(body: Body, quiet: bool) -> Option<payload::Limits> {
    match body {
        Body::Full if !quiet => Some(payload::Limits { bytes: 1 << 20, ..payload::Limits::FULL }),
        Body::Summary if !quiet => Some(SUMMARY),
        Body::Full | Body::Summary | Body::None => None,
    }
}

fn open_captures(context: &Context, args: &Listen) -> Result<Option<CaptureStore>, Failure> {
    let configured = context.config.as_ref().and_then(|config| config.listen.capture.clone());
    let Some(path) = args.capture.clone().or(configured) else { return Ok(None) };
    let store = CaptureStore::open(&path).map_err(|error| Failure::invalid_usage(&error))?;
    if store.torn_bytes() > 0 {
        context.terminal.note(&format!(
            "{} ended in a line that was never finished ({} bytes): it was removed",
            path.display(),
            store.torn_bytes()
        ));
    }
    Ok(Some(store))
}

async fn listen(
    context: Context,
    args: Listen,
    settings: Settings,
    expectations: Expectations,
    view: View,
    captures: Option<CaptureStore>,
) -> Result<Exit, Failure> {
    let (listener, address) = bind(&context, args.addr.as_deref()).await?;
    let (sender, outputs) = mpsc::channel(WAITING);
    let terminal = context.terminal;
    let mut writer = Writer::start(outputs, view.clone(), terminal, expectations);
    let url = format!("http://{address}");
    // Before it is said to be ready, so that whoever waits for that may end it at once.
    let mut interruptions = Interrupts::all();
    announce(&context, &settings, &url);

    let current = Arc::new(Current(RwLock::new(Arc::new(settings))));
    let _watch = watch(&context, args.clone(), Arc::clone(&current));
    // A receiver that is gone can't be told, and needs not be.
    let _ = sender.send(Output::Ready(url)).await;
    let answers = Answers {
        respond: args.respond,
        delay: args.delay,
        only_verified: args.only_verified,
        patience: args.forward_timeout,
    };
    let (ending, cut) = Ending::new();
    let troubles = Troubles::start(terminal);
    let receiver = Receiver::new(current, answers, captures, sender, troubles.clone(), args.now, cut);
    let receiver = Arc::new(receiver.redacting(args.redact));
    let defaults = Limits::default();
    let connections = descriptors::connections(defaults.connections);
    if connections < defaults.connections {
        terminal.note(&format!(
            "only {connections} connections are taken at one time: the system allows no more open files (ulimit -n)"
        ));
    }
    let limits = Limits { body: args.max_body, connections, ..defaults };
    let exit = Cell::new(Exit::Success);
    let (end, ending_begins) = oneshot::channel();
    let (under_way, met) = (receiver.under_way(), writer.ended());
    let ended = async {
        exit.set(tokio::select! {
            () = met => Exit::Success,
            () = interruptions.next() => Exit::Success,
            () = time_out(args.timeout) => Exit::Failed,
        });
        // It is waited for below.
        let _ = end.send(Interrupts::all());
    };
    let run_out = async {
        // An error says that the receiver has ended by itself, which it does not.
        let Ok(again) = ending_begins.await else { return std::future::pending().await };
        tell_under_way(terminal, under_way.load(Ordering::Relaxed));
        ending.run_out(again).await;
    };
    let finished = tokio::select! {
        () = run_out => None,
        finished = async {
            serve(listener, limits, receiver, ended).await;
            let finished = writer.finish().await;
            troubles.finish().await;
            finished
        } => Some(finished),
    };
    Ok(match (exit.get(), finished) {
        (Exit::Failed, Some(Some(expectations))) => conclude(terminal, &expectations),
        (Exit::Failed, _) | (_, Some(None)) => Exit::Failed,
        (exit, Some(Some(_))) => exit,
        (_, None) => Exit::Interrupted,
    })
}

/// Says what is waited for, from a thread of its own: where nobody reads standard error, that takes
/// for ever.
fn tell_under_way(terminal: Terminal, under_way: usize) {
    let message = match under_way {
        0 => return,
        1 => "waiting for a delivery that is under way; Ctrl-C again cuts it short".to_owned(),
        many => format!("waiting for {many} deliveries that are under way; Ctrl-C again cuts them short"),
    };
    thread::spawn(move || terminal.note(&message));
}

/// The exit code once time has run out.
fn conclude(terminal: Terminal, expectations: &Expectations) -> Exit {
    let missing = expectations.missing();
    if missing.is_empty() {
        return Exit::Success;
    }
    terminal.fail(&Failure::new(Exit::Failed, format!("time ran out; still expected: {}", missing.join(", "))));
    Exit::Failed
}

async fn bind(context: &Context, addr: Option<&str>) -> Result<(TcpListener, SocketAddr), Failure> {
    let configured = context.config.as_ref().and_then(|config| config.listen.addr.as_deref());
    let addr = addr.or(configured).unwrap_or(DEFAULT_ADDR);
    let full = match (addr.parse::<u16>(), addr.strip_prefix(':')) {
        (Ok(port), _) => format!("127.0.0.1:{port}"),
        (_, Some(port)) => format!("127.0.0.1:{port}"),
        _ => addr.to_owned(),
    };
    let failed = |error: std::io::Error| {
        let failure = Failure::usage(format!("can't listen on {full}")).because(&error);
        match error.kind() {
            std::io::ErrorKind::AddrInUse => failure.hint(
                "another program listens there; end it, or choose another port: --addr 127.0.0.1:0 takes a free one",
            ),
            std::io::ErrorKind::PermissionDenied => failure.hint("ports below 1024 are reserved; choose a higher one"),
            _ => failure.hint("an address is HOST:PORT, such as 127.0.0.1:4400"),
        }
    };
    let listener = TcpListener::bind(&full).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    if !address.ip().is_loopback() {
        context
            .terminal
            .warn(&format!("{address} can be reached from other machines: whoever can reach it can send to it"));
    }
    Ok((listener, address))
}

/// Says on standard error where to deliver, and what becomes of it.
fn announce(context: &Context, settings: &Settings, url: &str) {
    let names: Vec<&str> = context.catalog.names().collect();
    if context.format() == Format::Pretty {
        let mut text = format!("hookdev listens on {url} (Ctrl-C ends it)\n");
        match &settings.provider {
            Some(provider) => text.extend([format!("  every request is taken as {}'s\n", provider.title)]),
            None => text.extend(names.iter().map(|name| format!("  {url}/{name}\n"))),
        }
        text.extend(
            settings
                .forwards
                .iter()
                .map(|forward| format!("  forwards {} to {}\n", forward.events, redact::seen(forward.url.as_str()))),
        );
        context.terminal.say(&text);
    }
    if let Some(note) = development_note(&settings.keyring, &names) {
        context.terminal.note(&note);
    }
}

/// Takes changed files into force while listening; a broken change is told, and the old stays.
fn watch(context: &Context, args: Listen, current: Arc<Current>) -> Option<Watch> {
    let (global, terminal) = (context.global.clone(), context.terminal);
    let begun_with = listen_config(context);
    let changed = move || {
        let context = Context::load(global.clone());
        // The changed config may name files that none named before.
        let watched = context.as_ref().map(Context::watched).unwrap_or_default();
        match context.and_then(|context| Ok((Settings::resolve(&context, &args)?, listen_config(&context)))) {
            Ok((settings, configured)) => {
                current.replace(settings);
                terminal.note("the changed configuration is in force");
                if let Some(note) = for_the_next_start(&args, &begun_with, &configured) {
                    terminal.note(&note);
                }
            }
            Err(mut failure) => {
                failure.hint = Some("what was in force before stays so until this is mended".to_owned());
                terminal.fail(&failure);
            }
        }
        watched
    };
    Watch::start(&context.watched(), changed)
        .map_err(|error| terminal.warn(&format!("changes of files will not be noticed: {error}")))
        .ok()
}

fn listen_config(context: &Context) -> ListenConfig {
    context.config.as_ref().map(|config| config.listen.clone()).unwrap_or_default()
}

/// What of the config is not in force, as it is looked at once, and no flag stands above it.
fn for_the_next_start(args: &Listen, begun_with: &ListenConfig, configured: &ListenConfig) -> Option<String> {
    let addr = args.addr.is_none() && begun_with.addr != configured.addr;
    let capture = args.capture.is_none() && begun_with.capture != configured.capture;
    match (addr, capture) {
        (true, true) => Some("[listen] addr and capture take effect at the next start".to_owned()),
        (true, false) => Some("[listen] addr takes effect at the next start".to_owned()),
        (false, true) => Some("[listen] capture takes effect at the next start".to_owned()),
        (false, false) => None,
    }
}

async fn time_out(after: Option<Duration>) {
    match after {
        Some(after) => tokio::time::sleep(after).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quietly_no_payload_is_shown() {
        let all = [Body::Full, Body::Summary, Body::None];
        assert_eq!(all.map(|body| shown_of_payloads(body, false).is_some()), [true, true, false]);
        assert_eq!(all.map(|body| shown_of_payloads(body, true).is_some()), [false; 3]);
    }
}
