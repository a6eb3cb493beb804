//! The inspector of `listen`: its address, its token, and what it shows about the receiver.

use std::{io, net::SocketAddr, sync::Arc};

use tokio::{
    net::{TcpListener, lookup_host},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;

use super::{
    address::{full_addr, reachable},
    context::Context,
    exit::Failure,
    keys::Subject,
    listen_settings::listen_config,
    remedies,
    reporters::warnings::WarningSink,
    terminal::Terminal,
    tunnel::PublicUrls,
};
use crate::{
    cli::ListenArgs,
    engine::{
        entropy::random_hex,
        inspect::{Hints, Inspection, InspectorSetup, Surroundings},
    },
    net::{
        inspector::{Inspector, limits},
        receiver::serve,
    },
    render::json::RegisteredEndpoint,
};

/// The address that the inspector uses by default.
const DEFAULT_ADDR: &str = "127.0.0.1:4401";

/// Hints for failed calls from the page.
const HINTS: Hints = Hints {
    forgotten: "--history N keeps more, and --capture all of them",
    no_target: "start `hookdev listen` with --forward URL, or add a [[forward]] to hookdev.toml",
    no_match: "choose a target by its name, or add a --forward whose glob matches",
    no_secret: "pass one that can sign with --secret PROVIDER=SOURCE",
};

/// The inspector of `listen`, if there is one. It is not served yet.
pub struct OptionalInspector(Option<OpenInspector>);

struct OpenInspector {
    listener: TcpListener,
    address: SocketAddr,
    token: String,
}

/// Binds the address of `--inspect`, else the config's, if either asks for an inspector.
///
/// # Errors
///
/// If it can't be bound, or other machines could reach it.
pub async fn open(context: &Context, args: &ListenArgs) -> Result<OptionalInspector, Failure> {
    let configured = listen_config(context).inspect.filter(|_| args.inspect.is_none());
    if configured.is_some() {
        context.name_config();
    }
    let Some(chosen) = args.inspect.clone().or(configured.map(Some)) else { return Ok(OptionalInspector(None)) };
    if args.history == 0 {
        return Err(Failure::usage("--inspect shows the deliveries in memory, and --history 0 keeps none"));
    }
    let listener = match &chosen {
        Some(addr) => bind(&full_addr(addr)).await?,
        None => bind_default(context.terminal).await?,
    };
    let address = listener.local_addr().map_err(|error| cannot_bind(DEFAULT_ADDR, &error))?;
    Ok(OptionalInspector(Some(OpenInspector { listener, address, token: random_hex::<32>()? })))
}

/// Binds an address of this machine.
async fn bind(addr: &str) -> Result<TcpListener, Failure> {
    let addresses: Vec<SocketAddr> = lookup_host(addr).await.map_err(|error| cannot_bind(addr, &error))?.collect();
    if let Some(open) = addresses.iter().find(|address| !address.ip().to_canonical().is_loopback()) {
        let port = open.port();
        return Err(Failure::usage(format!("the inspector can't listen on {addr}: other machines could reach it"))
            .hint(format!("use 127.0.0.1:{port}, and `ssh -L {port}:127.0.0.1:{port} HOST` on the other machine")));
    }
    TcpListener::bind(&*addresses).await.map_err(|error| cannot_bind(addr, &error))
}

/// Binds the default address, or a free port if that one is taken, for example by another `listen`.
async fn bind_default(terminal: Terminal) -> Result<TcpListener, Failure> {
    match TcpListener::bind(DEFAULT_ADDR).await {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            terminal.note(format!("{DEFAULT_ADDR} is in use; the inspector uses a free port"));
            bind("127.0.0.1:0").await
        }
        bound => bound.map_err(|error| cannot_bind(DEFAULT_ADDR, &error)),
    }
}

fn cannot_bind(addr: &str, error: &io::Error) -> Failure {
    let failure = Failure::usage(format!("the inspector can't listen on {addr}")).because(error);
    match error.kind() {
        io::ErrorKind::AddrInUse => failure.hint("choose another port with --inspect 127.0.0.1:PORT"),
        io::ErrorKind::PermissionDenied => failure.hint("ports below 1024 are reserved; choose a higher one"),
        _ => failure.hint("write the address as HOST:PORT, such as 127.0.0.1:4401"),
    }
}

fn send_command(event: &str, to: Option<&str>) -> String {
    to.map_or_else(|| format!("hookdev send {event}"), |to| format!("hookdev send {event} --to {to}"))
}

/// Prints the URL of the page, if there is one.
pub fn announce(terminal: Terminal, url: Option<&str>) {
    if let Some(url) = url {
        terminal.say(&format!("Inspector: {url}\n"));
    }
}

impl OptionalInspector {
    /// Its address.
    pub fn address(&self) -> Option<SocketAddr> {
        self.0.as_ref().map(|open| open.address)
    }

    /// The URL to open, with its token.
    pub fn url(&self) -> Option<String> {
        self.0.as_ref().map(|OpenInspector { address, token, .. }| format!("http://{address}/#token={token}"))
    }

    /// What the page shows about the receiver at this address. `is_default` says whether `send` delivers there by
    /// default.
    pub fn surroundings(
        &self,
        receiver: SocketAddr,
        tunnel: Option<PublicUrls>,
        registered: Vec<RegisteredEndpoint>,
        is_default: bool,
    ) -> Surroundings {
        Surroundings {
            url: format!("http://{receiver}"),
            local: reachable(receiver),
            inspector: self.address().map_or_else(String::new, |address| format!("http://{address}/")),
            tunnel: Box::new(move || tunnel.as_ref().map(PublicUrls::current)),
            registered,
            is_default,
            send_command,
        }
    }

    /// Starts serving the page, for deliveries with bodies of up to `max_body` bytes.
    pub fn serve(
        self,
        subject: Option<&Subject>,
        surroundings: Surroundings,
        max_body: usize,
        warnings: &WarningSink,
        stop: &CancellationToken,
    ) -> Option<JoinHandle<()>> {
        let OpenInspector { listener, address, token } = self.0?;
        let Subject { history, settings, resender, redact, .. } = subject?.clone();
        let warnings = warnings.clone();
        let inspection = Inspection::new(InspectorSetup {
            history,
            settings,
            resender,
            surroundings,
            wording: remedies::words,
            hints: HINTS,
            redact,
            on_error: Box::new(move |error| warnings.warn(format!("the inspector: {error}"))),
            stop: stop.clone(),
        });
        let inspector = Arc::new(Inspector::new(address, token, inspection));
        Some(tokio::spawn(serve(listener, limits(max_body), inspector, stop.clone().cancelled_owned())))
    }
}
