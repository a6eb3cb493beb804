//! The arguments of `send`, and the events and captured requests that they name.

use std::{
    ffi::OsStr,
    fmt, iter,
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{
    cli::SendArgs,
    commands::{
        context::{Context, Needed},
        exit::Failure,
        names::listed,
        resolve::pattern,
    },
    net::url::parse_url,
    render::{diagnostic::Message, shell},
    webhook::{
        provider::{Provider, catalog::Catalog, event::Event},
        redact,
    },
};

/// What one argument names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Operand {
    /// An event, or a glob that matches some.
    Events(String),
    /// A file or directory of captured requests.
    Path(PathBuf),
    /// The newest request of a directory or file of captures.
    Last(PathBuf),
    /// Captured requests on standard input.
    Stdin,
}

impl Operand {
    /// Determines what an argument names. Events take precedence, so a file with the name of an event needs a `./`.
    pub(super) fn parse(context: &Context, text: &OsStr) -> Result<Self, Failure> {
        let catalog = &context.catalog;
        let Some(text) = text.to_str() else {
            // No event has such a name.
            let path = PathBuf::from(text);
            return if path.exists() {
                Ok(Self::Path(path))
            } else {
                Err(Failure::usage(format!("no such file: `{}`", path.display())))
            };
        };
        if catalog.has_event(text) || pattern(text).is_ok_and(|glob| catalog.matching(&glob).next().is_some()) {
            return Ok(Self::Events(text.to_owned()));
        }
        if text == "-" {
            return Ok(Self::Stdin);
        }
        if Path::new(text).exists() {
            return Ok(Self::Path(text.into()));
        }
        if let Some(provider) = catalog.get(text) {
            return Err(no_event(provider));
        }
        context.require(Needed::Named(text))?;
        let shown = redact::invalid_url(text);
        let near = catalog.nearest_events(text);
        if near.is_empty() && is_path(text) {
            return Err(Failure::usage(format!("no such file: `{shown}`")));
        }
        let failure = Failure::usage(format!("`{shown}` is neither an event nor a file"));
        Err(match near.as_slice() {
            [] => failure.hint(match text.split_once('.') {
                Some((provider, _)) if !catalog.contains(provider) => Message::with_lines(
                    "`hookdev events` lists all events",
                    ["to add a provider of your own: --providers DIR, or providers = [\"DIR\"] in hookdev.toml"
                        .to_owned()],
                ),
                _ => "`hookdev events` lists all events".into(),
            }),
            [first, ..] => {
                let meant = format!("did you mean {}?", near.join(", "));
                failure.hint(match own_payload(catalog, text, first) {
                    Some(others) => Message::with_lines(meant, others),
                    None => meant.into(),
                })
            }
        })
    }
}

/// Whether text can only be a path: no event's name contains a separator, or ends like a capture's.
fn is_path(text: &str) -> bool {
    text.contains(std::path::is_separator)
        || Path::new(text)
            .extension()
            .is_some_and(|end| ["har", "http", "json", "ndjson"].iter().any(|known| end == *known))
}

/// The error for a provider's name alone. It lists the provider's events.
fn no_event(provider: &Provider) -> Failure {
    let names: Vec<&str> = provider.events.iter().map(|event| event.full_name.as_str()).collect();
    let failure =
        Failure::usage(format!("`{}` is a provider; name one of its events: {}", provider.name, listed(&names)));
    match names.as_slice() {
        [] => failure,
        [first, ..] => {
            let all = format!("or all of them: hookdev send '{}.*'", provider.name);
            failure.hint(Message::with_lines(format!("hookdev send {first}"), [all]))
        }
    }
}

/// How to send an event that its provider may well have, but for which hookdev has no payload.
fn own_payload(catalog: &Catalog, text: &str, similar: &str) -> Option<Vec<String>> {
    let (provider, event) = text.split_once('.')?;
    let (known, similar) = catalog.event(similar)?;
    let is_name = event.chars().all(|c| c.is_ascii_alphanumeric() || "._-/:".contains(c));
    if known.name != provider || !is_name {
        return None;
    }
    let send = format!("hookdev send {}", similar.full_name);
    let set = similar.name_field().map(|field| format!("or that of a similar one: {send} --set {field}={event}"));
    Some(iter::once(format!("to send your own payload: {send} --data FILE")).chain(set).collect())
}

/// Checks that no argument is a URL, which belongs to `--to`.
pub(super) fn check_no_url(args: &SendArgs) -> Result<(), Failure> {
    let is_url = |text: &str| (text.contains(':') || text.parse::<u16>().is_ok()) && parse_url(text).is_ok();
    let what: Vec<_> = args.what.iter().map(|text| text.to_string_lossy()).collect();
    let Some(at) = what.iter().position(|text| is_url(text) && !Path::new(&**text).exists()) else { return Ok(()) };
    let url = redact::query(&what[at]);
    let failure = Failure::usage(format!("`{url}` is a URL, not an event or a file"));
    if args.to.is_some() {
        return Err(failure.hint("--to names the URL already; remove one of the two"));
    }
    let others = what.iter().enumerate().filter(|(other, _)| *other != at).map(|(_, text)| shell::word(text));
    let others: Vec<String> = others.collect();
    let what = if others.is_empty() { "EVENT".to_owned() } else { others.join(" ") };
    Err(failure.hint(format!("hookdev send {what} --to {}", shell::word(&url))))
}

/// The operand as it was typed.
impl fmt::Display for Operand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Events(text) => f.write_str(text),
            Self::Path(path) | Self::Last(path) => path.display().fmt(f),
            Self::Stdin => f.write_str("-"),
        }
    }
}

/// The events that an argument names. Only their providers are loaded.
pub(super) fn events<'a>(catalog: &'a Catalog, text: &str) -> Result<Vec<(&'a Arc<Provider>, &'a Event)>, Failure> {
    // An event's name is not a glob, even if it contains brackets.
    let glob = if catalog.has_event(text) { None } else { pattern(text).ok() };
    let is_named = |name: &str| glob.as_ref().map_or(name == text, |glob| glob.matches(name));
    let mut events = Vec::new();
    for entry in catalog.entries() {
        if entry.index().events().iter().any(|event| is_named(&event.full_name)) {
            let provider = entry.load()?;
            events.extend(
                provider.events.iter().filter(|event| is_named(&event.full_name)).map(|event| (provider, event)),
            );
        }
    }
    Ok(events)
}

/// The provider, if all operands name events of a single one. A `--secret` without a name applies to it.
pub(super) fn only_provider<'a>(catalog: &'a Catalog, operands: &[Operand]) -> Option<&'a str> {
    let mut only = None;
    for operand in operands {
        let Operand::Events(text) = operand else { return None };
        let provider = catalog.entry(text.split('.').next()?)?.name();
        if only.is_some_and(|other| other != provider) {
            return None;
        }
        only = Some(provider);
    }
    only
}
