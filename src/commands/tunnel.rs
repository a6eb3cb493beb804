//! The tunnel of `listen`: the choice of a recipe, the messages about it, and the entrance from the internet.

use std::{
    net::Ipv4Addr,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use tokio::{net::TcpListener, sync::watch, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use super::{
    context::Context,
    exit::{Exit, Failure},
    guard::allow_tunnel,
    interrupt::Interrupts,
    listen_settings::listen_config,
    names::MAX_LISTED,
    reporters::warnings::WarningSink,
    terminal::Terminal,
    time_limit::TimeLimit,
};
use crate::{
    cli::ListenArgs,
    engine::{
        receive::{CurrentSettings, Receiver, ReceiverSettings},
        tunnel::{Entrance, Timing, Tunnel, TunnelError, TunnelEvent, TunnelSetup, new_prefix},
    },
    net::receiver::{ReceiverLimits, serve},
    render::{
        diagnostic::{Message, inline},
        shell,
    },
    store::{
        config::Config,
        recipes::{NEEDS_NOTHING, Recipe, RecipeValues, built_in},
    },
    webhook::{
        called_url::PublicUrl, keyring::SecretSource, nearest, provider::catalog::Catalog, signature::SecretText, words,
    },
};

/// The recipe of `--tunnel`, else of the config, if there is one.
///
/// # Errors
///
/// If there is no such recipe, or it comes from a config that may not start programs.
fn recipe(context: &Context, flag: Option<&str>) -> Result<Option<(String, Recipe)>, Failure> {
    let configured = listen_config(context).tunnel.filter(|_| flag.is_none());
    if configured.is_some() {
        context.name_config();
    }
    let Some(name) = flag.map(str::to_owned).or(configured) else { return Ok(None) };
    if let Some(recipe) = context.config.as_ref().and_then(|config| config.tunnels.get(&name)) {
        context.name_config();
        allow_tunnel(context.guard.as_ref(), &name, recipe)?;
        if built_in().contains_key(name.as_str()) {
            context.terminal.note(format!("[tunnel.{name}] of the config replaces the built-in recipe"));
        }
        return Ok(Some((name, recipe.clone())));
    }
    if let Some(recipe) = built_in().get(name.as_str()) {
        return Ok(Some((name, recipe.clone())));
    }
    let own = context.config.iter().flat_map(|config| config.tunnels.keys().map(String::as_str));
    let known: Vec<&str> = own.chain(built_in().keys().copied()).collect();
    Err(Failure::usage(nearest::unknown("tunnel", &name, known))
        .hint("to define another one, add a [tunnel.NAME] table to hookdev.toml"))
}

/// The variables that hold signing secrets or API keys: those named by the options and the config, and those of all
/// providers, including built-in ones that are replaced.
fn secret_variables(context: &Context) -> Vec<String> {
    let options = context.global.secret.iter().map(SecretText::expose);
    let options = options.map(|text| text.split_once('=').map_or(text, |(_, source)| source));
    let configured = context.config.iter().flat_map(Config::provider_configs).flat_map(|provider| provider.secrets);
    let named = options.chain(configured.map(SecretText::expose)).filter_map(|source| source.strip_prefix("env:"));
    let named = named.map(str::to_owned);
    named.chain(variables_of(&context.catalog)).chain(variables_of(&Catalog::builtin())).collect()
}

/// The variables of the providers of a catalog.
fn variables_of(catalog: &Catalog) -> Vec<String> {
    let secrets =
        catalog.entries().flat_map(|entry| entry.index().secrets.iter().filter_map(|rule| rule.env.as_deref()));
    let registrations = catalog.providers().filter_map(|provider| provider.registration.as_ref());
    let keys = registrations.filter_map(|registration| registration.key.as_deref());
    secrets.chain(keys).map(str::to_owned).collect()
}

/// The variables of the secrets currently in use, which a reload may have changed.
fn variables_in_use(settings: &ReceiverSettings) -> Vec<String> {
    let mut variables = variables_of(&settings.catalog);
    for entry in settings.catalog.entries() {
        let sources = (0..).map_while(|index| settings.keyring.source(entry.name(), index));
        variables.extend(sources.filter_map(|source| match source {
            SecretSource::Env(name) => Some(name.clone()),
            _ => None,
        }));
    }
    variables
}

/// The tunnel of `listen`, if there is one. Nothing is received through it yet.
pub struct OptionalTunnel(Option<OpenTunnel>);

struct OpenTunnel {
    name: String,
    tunnel: Tunnel,
    listener: TcpListener,
    prefix: String,
    accepts_development: bool,
}

/// Starts the tunnel of the command line, else the config's, and waits until it is ready. `None` if a signal interrupts
/// that.
///
/// # Errors
///
/// If there is no such tunnel, it can't be started, or it doesn't become ready in time.
pub async fn open(
    context: &Context,
    args: &ListenArgs,
    settings: &Arc<CurrentSettings>,
    warnings: &WarningSink,
    interrupts: &mut Interrupts,
    limit: TimeLimit,
) -> Result<Option<OptionalTunnel>, Failure> {
    let Some((name, recipe)) = recipe(context, args.tunnel.as_deref())? else { return Ok(Some(OptionalTunnel(None))) };
    let unbound = |error: std::io::Error| Failure::usage("can't listen for the tunnel").because(&error);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(unbound)?;
    let port = listener.local_addr().map_err(unbound)?.port();
    let prefix = new_prefix()?;
    context.terminal.note(format!("starting the tunnel {name}; this can take a few seconds"));
    let on_event = {
        let (name, prefix, warnings, settings) = (name.clone(), prefix.clone(), warnings.clone(), Arc::clone(settings));
        let to_do = if args.register.is_empty() {
            "enter it at the provider"
        } else {
            "enter it wherever hookdev doesn't register it"
        };
        move |event| report(&name, &prefix, &settings.get(), to_do, &warnings, event)
    };
    let setup = TunnelSetup {
        recipe: recipe.clone(),
        port,
        prefix: prefix.clone(),
        // The program is exposed to the internet, and needs no provider's secret.
        hidden_variables: {
            let (always, settings) = (secret_variables(context), Arc::clone(settings));
            Box::new(move || [always.clone(), variables_in_use(&settings.get())].concat())
        },
        timing: Timing::default(),
        on_event: Box::new(on_event),
    };
    let started = tokio::select! {
        started = Tunnel::start(setup) => started,
        () = interrupts.next() => return Ok(None),
        () = limit.end() => {
            let message = format!("timed out before the tunnel {name} was ready");
            return Err(Failure::new(Exit::Failed, message).hint("it can take a few seconds: raise --timeout"));
        }
    };
    let tunnel = started.map_err(|error| failure(&name, &recipe, &error))?;
    let accepts_development = args.allow_development;
    Ok(Some(OptionalTunnel(Some(OpenTunnel { name, tunnel, listener, prefix, accepts_development }))))
}

impl OptionalTunnel {
    /// The limits of the receiver itself, and of its entrance from the internet.
    pub fn divide(&self, limits: ReceiverLimits) -> (ReceiverLimits, ReceiverLimits) {
        if self.0.is_some() { divide(limits) } else { (limits, limits) }
    }

    /// Starts receiving through the tunnel.
    pub fn serve(self, receiver: Arc<Receiver>, limits: ReceiverLimits, stop: CancellationToken) -> Served {
        Served(self.0.map(|open| {
            let OpenTunnel { name, tunnel, listener, prefix, accepts_development } = open;
            let entrance = Entrance::new(receiver, prefix.clone(), tunnel.url(), accepts_development);
            let strangers = entrance.strangers();
            let serving = tokio::spawn(serve(listener, limits, Arc::new(entrance), stop.cancelled_owned()));
            let urls = PublicUrls { urls: tunnel.url(), prefix };
            ServedTunnel { name, urls, accepts_development, tunnel, serving, strangers }
        }))
    }
}

/// The public URL of a tunnel, with its secret path. It may change.
#[derive(Clone, Debug)]
pub struct PublicUrls {
    urls: watch::Receiver<PublicUrl>,
    prefix: String,
}

impl PublicUrls {
    /// The current URL, to which a provider's path is added.
    pub fn current(&self) -> String {
        format!("{}{}", *self.urls.borrow(), self.prefix)
    }

    /// Waits for the next URL; `None` once the tunnel has ended. Cancel safe.
    pub async fn changed(&mut self) -> Option<String> {
        self.urls.changed().await.ok()?;
        Some(self.current())
    }
}

/// The tunnel of `listen`, if there is one, while deliveries are received through it.
pub struct Served(Option<ServedTunnel>);

struct ServedTunnel {
    name: String,
    urls: PublicUrls,
    accepts_development: bool,
    tunnel: Tunnel,
    serving: JoinHandle<()>,
    strangers: Arc<AtomicU64>,
}

impl Served {
    /// Its public URL.
    pub fn urls(&self) -> Option<PublicUrls> {
        self.0.as_ref().map(|served| served.urls.clone())
    }

    /// Prints where providers reach the receiver.
    pub fn announce(&self, terminal: Terminal, settings: &ReceiverSettings) {
        if let Some(ServedTunnel { name, urls: public, .. }) = &self.0 {
            let urls = urls(settings, &public.current()).join("\n  ");
            terminal.say(&format!("Public, through {}:\n  {urls}\n", inline(name)));
        }
    }

    /// Whether there is a tunnel that does not accept development secrets.
    pub fn is_strict(&self) -> bool {
        self.0.as_ref().is_some_and(|served| !served.accepts_development)
    }

    /// Stops watching the tunnel. Call it once nothing more is received, because the checks would fail.
    pub fn stop_watching(&self) {
        if let Some(served) = &self.0 {
            served.tunnel.stop_watching();
        }
    }

    /// Waits until the deliveries in progress have their responses, and ends the tunnel.
    pub async fn end(self, warnings: &WarningSink) {
        let Some(ServedTunnel { tunnel, serving, strangers, .. }) = self.0 else { return };
        // An error is a panic, which has been reported.
        let _ = serving.await;
        tunnel.end().await;
        let count = strangers.load(Ordering::Relaxed);
        if count > 0 {
            let requests = words::count(count, "request");
            warnings.note(format!("{requests} came through the tunnel without its random path, and got a 404"));
        }
    }
}

/// Two sets of limits that together allow as much memory and as many connections as this one.
fn divide(limits: ReceiverLimits) -> (ReceiverLimits, ReceiverLimits) {
    let (bodies, connections) = (limits.bodies / 4, (limits.connections / 4).max(1));
    let (other_bodies, others) = (limits.bodies - bodies, limits.connections.saturating_sub(connections).max(1));
    (
        ReceiverLimits { bodies: other_bodies, connections: others, ..limits },
        ReceiverLimits { bodies, connections, ..limits },
    )
}

/// The URL for each provider in use; one with a placeholder if none is known to be in use, or many are.
fn urls(settings: &ReceiverSettings, url: &str) -> Vec<String> {
    let is_in_use =
        |name: &&str| !settings.keyring.secrets(name).is_empty() && !settings.keyring.has_only_development(name);
    let names: Vec<&str> = if let Some(provider) = &settings.provider {
        vec![&provider.name]
    } else {
        settings.catalog.names().filter(is_in_use).collect()
    };
    if names.is_empty() || names.len() > MAX_LISTED {
        return vec![format!("{url}/<provider>")];
    }
    names.iter().map(|name| format!("{url}/{name}")).collect()
}

/// Reports what happens to a tunnel that was ready. `to_do` is what to do with a new URL.
fn report(
    name: &str,
    prefix: &str,
    settings: &ReceiverSettings,
    to_do: &str,
    warnings: &WarningSink,
    event: TunnelEvent,
) {
    match event {
        TunnelEvent::Lost { reason, lines } => {
            warnings.warn(with_lines(format!("the tunnel {name} is lost: {reason}; starting it again"), &lines));
        }
        TunnelEvent::StillLost(error) => {
            warnings.warn(with_lines(
                format!("the tunnel {name} can't be started again, still trying: {error}"),
                error.lines(),
            ));
        }
        TunnelEvent::Back => warnings.note(format!("the tunnel {name} works again, at the same URL")),
        TunnelEvent::Moved(url) => warnings.warn(moved(name, prefix, settings, to_do, &url)),
    }
}

fn moved(name: &str, prefix: &str, settings: &ReceiverSettings, to_do: &str, url: &PublicUrl) -> Message {
    let urls = urls(settings, &format!("{url}{prefix}")).into_iter().map(|url| format!("  {url}"));
    Message::with_lines(format!("the tunnel {name} has a new public URL; {to_do}:"), urls)
}

/// A message with the last lines that the program printed.
fn with_lines(message: String, lines: &[String]) -> Message {
    match lines {
        [] => message.into(),
        lines => {
            Message::with_lines(format!("{message}; its last lines:"), lines.iter().map(|line| format!("  {line}")))
        }
    }
}

fn failure(name: &str, recipe: &Recipe, error: &TunnelError) -> Failure {
    let (exit, message) = match error {
        TunnelError::Missing(_) | TunnelError::Refused(_) => (Exit::Usage, "can't be started"),
        TunnelError::Exited { .. } | TunnelError::NotReady { .. } => (Exit::Unreachable, "did not become ready"),
    };
    let mut failure = Failure::new(exit, format!("the tunnel {name} {message}"));
    failure.causes.push(with_lines(error.to_string(), error.lines()));
    let install = recipe.install.as_ref().map(|install| format!("install it: {install}"));
    let account = recipe.account.as_ref().filter(|account| *account != "none");
    let account = account.map(|account| format!("an account is {account}"));
    let other = (name != NEEDS_NOTHING).then(|| format!("--tunnel {NEEDS_NOTHING} needs only an SSH client"));
    let hints = match error {
        TunnelError::Missing(_) => [install, other],
        _ => [account, Some(format!("to see more, run it yourself: {}", command_to_try(recipe)))],
    };
    let hints: Vec<String> = hints.into_iter().flatten().collect();
    failure.hint = (!hints.is_empty()).then(|| hints.join("; ").into());
    failure
}

/// The command for people to type, with a tunnel to the default port of `listen`.
fn command_to_try(recipe: &Recipe) -> String {
    let values = RecipeValues {
        port: 4400,
        free_port: 4402,
        empty_file: Path::new(if cfg!(windows) { "NUL" } else { "/dev/null" }),
    };
    let words = std::iter::once(&recipe.command.program).chain(&recipe.command.args);
    words.map(|word| shell::word(&word.fill(values))).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limits_are_divided_and_not_doubled() {
        let limits = ReceiverLimits { connections: 9, bodies: 101, ..ReceiverLimits::default() };
        let (own, tunnel) = divide(limits);
        assert_eq!((own.connections, tunnel.connections), (7, 2));
        assert_eq!((own.bodies, tunnel.bodies), (76, 25));
    }

    #[test]
    fn a_command_to_try_has_no_placeholders() {
        assert_eq!(command_to_try(&built_in()["bore"]), "bore local 4400 --local-host 127.0.0.1");
        for (name, recipe) in built_in() {
            let command = command_to_try(recipe);
            assert!(!command.contains(['{', '}']), "{name}: {command}");
        }
    }
}
