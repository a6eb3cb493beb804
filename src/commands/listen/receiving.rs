//! Sets up and starts the receiver of `listen`: limits, captures, policies, and where it reports.

use std::sync::{Arc, atomic::AtomicUsize};

use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use crate::{
    cli::ListenArgs,
    commands::{
        context::Context,
        exit::Failure,
        listen_settings::listen_config,
        remedies,
        reporters::{
            browsers::RefusedPages,
            listen::{report_saving, warning},
            warnings::WarningSink,
        },
        secret_file::{Saved, SecretFile},
        terminal::Terminal,
        tunnel::{OptionalTunnel, Served},
    },
    engine::receive::{
        CaptureWriter, Consumers, CurrentSettings, ForwardPolicy, PendingForwards, Receiver, ReceiverSetup, Resender,
        ResponsePolicy, UnusedSecret,
    },
    net::{
        descriptors,
        receiver::{ReceiveError, ReceiverLimits, serve},
    },
    store::captures::CaptureStore,
    webhook::{signature::SecretText, words::bytes},
};

/// The limits for senders. The number of connections must fit the limit on open files, which is raised if possible.
pub fn limits(terminal: Terminal, args: &ListenArgs) -> Result<ReceiverLimits, Failure> {
    let defaults = ReceiverLimits::default();
    let connections = descriptors::connections(defaults.connections)
        .map_err(|error| Failure::invalid_usage(&error).hint("raise it, for example with `ulimit -n 1024`"))?;
    if connections < defaults.connections {
        let note = "raise the limit on open files for more (ulimit -n)";
        terminal.note(format!("accepting only {connections} connections at a time; {note}"));
    }
    Ok(ReceiverLimits { body: args.max_body, connections, ..defaults })
}

/// Opens the captures, at `--capture` or else the config's path, and notes if an incomplete last line was removed.
pub fn open_captures(context: &Context, args: &ListenArgs) -> Result<Option<Arc<CaptureStore>>, Failure> {
    let Some(path) = args.capture.clone().or(listen_config(context).capture) else { return Ok(None) };
    let store = CaptureStore::open(&path).map_err(|error| Failure::invalid_usage(&error))?;
    if store.truncated_bytes() > 0 {
        let (path, bytes) = (path.display(), bytes(store.truncated_bytes()));
        context.terminal.note(format!("removed an incomplete last line ({bytes}) from {path}"));
    }
    Ok(Some(Arc::new(store)))
}

/// Where the receiver reports problems, and saves the secrets it is given.
pub struct Sinks {
    pub warnings: WarningSink,
    pub pages: Arc<RefusedPages>,
    pub secrets: SecretFile,
}

/// The receiver's setup.
pub fn setup(
    args: &ListenArgs,
    settings: Arc<CurrentSettings>,
    captures: Option<Arc<CaptureStore>>,
    consumers: Consumers,
    pending: Option<Arc<PendingForwards>>,
    sinks: &Sinks,
    cancel: CancellationToken,
) -> ReceiverSetup {
    let (warnings, pages) = (sinks.warnings.clone(), Arc::clone(&sinks.pages));
    let (saving, secrets, file) = (warnings.clone(), warnings.clone(), sinks.secrets.clone());
    ReceiverSetup {
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
            let path = store.path().display().to_string();
            let on_change = move |change| report_saving(&saving, &path, change);
            CaptureWriter::start(store, args.redact, remedies::words, on_change)
        }),
        consumers,
        pending,
        on_error: Box::new(move |error| match error {
            ReceiveError::Browser { .. } => pages.add(&error, &warnings),
            _ => warnings.warn(warning(&error)),
        }),
        on_secret: Box::new(move |title, secret| match secret {
            Ok(secret) => save_handshake_secret(title, &file, secret, &secrets),
            Err(reason) => secrets.warn(unused(title, reason)),
        }),
        now: args.now,
        cancel,
    }
}

/// A receiver that serves requests, directly and through the tunnel.
pub struct Serving {
    pub task: JoinHandle<()>,
    pub tunnel: Served,
    /// The number of deliveries that have been received but not responded to.
    pub in_progress: Arc<AtomicUsize>,
    pub resender: Resender,
}

impl Serving {
    /// Starts receiving, until `stop` is cancelled.
    pub fn start(
        setup: ReceiverSetup,
        listener: TcpListener,
        tunnel: OptionalTunnel,
        limits: ReceiverLimits,
        stop: &CancellationToken,
    ) -> Self {
        let receiver = Receiver::new(setup);
        let (in_progress, resender) = (receiver.in_progress(), receiver.resender());
        let receiver = Arc::new(receiver);
        let (limits, tunnel_limits) = tunnel.divide(limits);
        let task = tokio::spawn(serve(listener, limits, Arc::clone(&receiver), stop.clone().cancelled_owned()));
        let tunnel = tunnel.serve(receiver, tunnel_limits, stop.clone());
        Self { task, tunnel, in_progress, resender }
    }
}

/// Saves a secret from a handshake, if the user wants that, and notes that it is in use.
fn save_handshake_secret(title: &str, file: &SecretFile, secret: &SecretText, warnings: &WarningSink) {
    let in_use = format!("{title} handed over its secret, which is used until hookdev exits");
    match file.save(secret) {
        Saved::NotWanted => warnings.note(format!("{in_use}; --secret-to FILE saves it")),
        Saved::In(path) => warnings.note(format!("{in_use}; it is saved in {}", path.display())),
        Saved::Failed(path, error) => {
            warnings.warn(format!("{in_use}; it can't be saved in {}: {error}", path.display()));
        }
    }
}

/// Why a secret from a handshake is not used, and what to do.
fn unused(title: &str, reason: UnusedSecret) -> String {
    let why = match reason {
        UnusedSecret::OwnSecret => "your own is set; remove that to use the handshake's",
        UnusedSecret::OwnSecretsOnly => {
            "with --only-verified, only your own secrets count; receive the handshake without it, and set the secret after that"
        }
        UnusedSecret::NotFirst => {
            "another one is in use, and anyone who knows the URL can send a handshake; --allow-development accepts several"
        }
    };
    format!("a handshake from {title} handed over a secret, which is not used: {why}")
}

/// Which deliveries are forwarded.
const fn forward_policy(args: &ListenArgs) -> ForwardPolicy {
    match (args.only_verified, args.allow_unsigned) {
        (false, _) => ForwardPolicy::All,
        (true, false) => ForwardPolicy::Verified,
        (true, true) => ForwardPolicy::VerifiedAndUnsigned,
    }
}
