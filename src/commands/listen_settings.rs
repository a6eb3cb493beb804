//! The settings of `listen` that can change while it runs: those of the config and of the files that it names.

use std::{net::SocketAddr, sync::Arc};

use super::{
    address::refuse_own_addresses,
    context::{Context, Needed},
    exit::Failure,
    guard::allow_forwards,
    reload,
    resolve::{all_of_provider, check_glob, forward, forward_of, provider},
    secret_warnings::{development_warning, no_secret_warning, private_key_warning, tunnel_warning},
};
use crate::{
    cli::ListenArgs,
    engine::receive::{CurrentSettings, Forward, ReceiverSettings},
    store::{config::ListenConfig, watch::Watch},
    webhook::{called_url::PublicUrl, redact},
};

/// Resolves the settings that are reloaded when the config changes.
///
/// # Errors
///
/// If an option or the config is invalid, or a secret can't be read.
pub fn settings(context: &Context, args: &ListenArgs, accepts_development: bool) -> Result<ReceiverSettings, Failure> {
    let provider = args.provider.as_deref().map(|name| provider(&context.catalog, name)).transpose()?;
    // Providers are loaded now, so that a directory saved with an error doesn't affect the one in use.
    if provider.is_none() {
        context.require(Needed::All)?;
    }
    let forwards = forwards(context, args)?;
    let keyring = context.complete_keyring(args.provider.as_deref())?;
    let public_url = args.public_url.as_deref().map(public_url).transpose()?;
    Ok(ReceiverSettings {
        catalog: Arc::clone(&context.catalog),
        keyring,
        provider,
        public_url,
        accepts_development,
        forwards,
    })
}

/// The forwards of the command line, else those of the config.
fn forwards(context: &Context, args: &ListenArgs) -> Result<Vec<Forward>, Failure> {
    let (option, forwards) = if !args.respond.is_empty() {
        // `--respond` excludes `--forward`, so only the config can have forwards.
        if context.config.as_ref().is_some_and(|config| !config.forward.is_empty()) {
            context.terminal.note("--respond is set, so the forwards in the config are not used");
        }
        ("--respond", Vec::new())
    } else if args.forward.is_empty() {
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
    let forwards: Vec<_> = forwards.into_iter().map(|forward| all_of_provider(&context.catalog, forward)).collect();
    forwards.iter().try_for_each(|forward| check_glob(context, option, &forward.events))?;
    Ok(forwards)
}

/// The URL at which providers reach the receiver.
fn public_url(text: &str) -> Result<PublicUrl, Failure> {
    text.parse().map_err(|reason| {
        Failure::usage(format!("invalid URL `{}` for --public-url: {reason}", redact::invalid_url(text)))
            .hint("write the URL that providers call, such as https://example.com")
    })
}

/// Warnings about providers whose secret is not set, and about private keys, if there are any. `has_strict_tunnel` says
/// whether there is a tunnel that does not accept development secrets.
pub fn secret_warnings(settings: &ReceiverSettings, has_strict_tunnel: bool) -> Vec<String> {
    let private = private_key_warning(&settings.catalog, &settings.keyring);
    unset_secret_warning(settings, has_strict_tunnel).into_iter().chain(private).collect()
}

/// A warning about providers whose secret is not set, if there are any.
fn unset_secret_warning(settings: &ReceiverSettings, has_strict_tunnel: bool) -> Option<String> {
    let names: Vec<&str> = match &settings.provider {
        Some(provider) => vec![&provider.name],
        None => settings.catalog.names().collect(),
    };
    if settings.accepts_development {
        let warning = if has_strict_tunnel { tunnel_warning } else { development_warning };
        return warning(&settings.catalog, &settings.keyring, &names);
    }
    let warning = no_secret_warning(&settings.catalog, &settings.keyring, &names)?;
    Some(format!("{warning}, or accept the public development secret with --allow-development"))
}

/// Reloads the settings of a process that listens on these addresses whenever a file changes. After an invalid change,
/// the previous settings stay in use.
pub fn watch(
    context: &Context,
    args: ListenArgs,
    current: Arc<CurrentSettings>,
    addresses: Vec<SocketAddr>,
) -> Option<Watch> {
    let (global, terminal, shared) = (context.global.clone(), context.terminal, context.shared());
    let initial = listen_config(context);
    let changed = move || {
        let context = Context::load_again(global.clone(), shared.clone());
        // The changed config may name files that were not watched.
        let watched = context.as_ref().map(Context::watched).unwrap_or_default();
        let before = current.get();
        let reload = |context| {
            let settings = settings(&context, &args, before.accepts_development)?;
            refuse_own_addresses(&settings, &addresses)?;
            Ok((settings, listen_config(&context)))
        };
        match context.and_then(reload) {
            Ok((settings, config)) => {
                let changes = reload::changes(&before, &settings);
                let mut warnings = secret_warnings(&settings, false);
                let known = secret_warnings(&before, false);
                warnings.retain(|new| !known.contains(new));
                current.replace(settings);
                terminal.note("config reloaded");
                for change in changes {
                    terminal.note(&change);
                }
                for warning in warnings {
                    terminal.warn(&warning);
                }
                if let Some(note) = restart_note(&args, &initial, &config) {
                    terminal.note(&note);
                }
            }
            Err(mut failure) => {
                failure.hint = Some("still using the previous configuration; fix the error and save again".into());
                terminal.fail(&failure);
            }
        }
        watched
    };
    Watch::start(&context.watched(), changed)
        .map_err(|error| terminal.warn(format!("can't watch the config for changes: {error}")))
        .ok()
}

pub fn listen_config(context: &Context) -> ListenConfig {
    context.config.as_ref().map(|config| config.listen.clone()).unwrap_or_default()
}

/// A note about changes that need a restart: those in `[listen]` that no flag overrides.
fn restart_note(args: &ListenArgs, initial: &ListenConfig, config: &ListenConfig) -> Option<String> {
    let addr = args.addr.is_none() && initial.addr != config.addr;
    let capture = args.capture.is_none() && initial.capture != config.capture;
    let tunnel = args.tunnel.is_none() && initial.tunnel != config.tunnel;
    let inspect = args.inspect.is_none() && initial.inspect != config.inspect;
    let changed = [(addr, "addr"), (capture, "capture"), (tunnel, "tunnel"), (inspect, "inspect")];
    let changed: Vec<&str> = changed.iter().filter(|(is_changed, _)| *is_changed).map(|(_, key)| *key).collect();
    (!changed.is_empty()).then(|| format!("restart to apply the new {} of [listen]", changed.join(" and ")))
}
