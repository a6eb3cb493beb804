//! `hookdev events`: lists the events that can be sent, or what each provider requires of a handler.

use std::sync::Arc;

use glob::Pattern;

use super::{
    context::{Context, Needed},
    exit::{Exit, Failure},
    resolve::{pattern, provider},
};
use crate::{
    cli::{EventsArgs, FormatArg},
    engine::{clock::now, entropy::send_context},
    render::{
        events::{EventPayload, EventRow, EventTable, ProviderEvents},
        json,
    },
    webhook::{
        contract::terms,
        json::Path,
        provider::{
            Provider,
            catalog::{Catalog, CatalogEntry},
            compose::BodySource,
            event::Event,
            index::IndexedEvent,
        },
        signature::SecretText,
    },
};

/// Prints the events that match, or their providers' contracts.
///
/// # Errors
///
/// If no event matches, or the output can't be written.
pub fn run(context: &Context, args: &EventsArgs) -> Result<Exit, Failure> {
    let of_provider = args.provider.as_deref().map(|name| provider(&context.catalog, name)).transpose()?;
    let of_provider = of_provider.map(|provider| format!("{}.*", provider.name));
    let globs: Vec<&str> = of_provider.iter().chain(&args.glob).map(String::as_str).collect();
    globs.iter().copied().map(Needed::Named).try_for_each(|needed| context.require(needed))?;
    context.warn_of_broken();
    let matching = matching(&context.catalog, if globs.is_empty() { &["*"] } else { &globs })?;
    match (args.contract, context.format()) {
        (true, FormatArg::Json) => context.terminal.print(&term_lines(&matching)?)?,
        (true, _) => context.terminal.print_text(&contracts(context, &matching)?)?,
        (false, FormatArg::Json) => context.terminal.print(&lines(&matching, args.show)?)?,
        (false, _) if context.global.quiet => {
            let names: Vec<u8> =
                matching.iter().flat_map(|(_, event)| [event.full_name.as_bytes(), b"\n"].concat()).collect();
            context.terminal.print(&names)?;
        }
        (false, _) => context.terminal.print_text(&table(context, &matching, args.show)?)?,
    }
    Ok(Exit::Success)
}

/// The events that match any of the globs, in the catalog's order.
fn matching<'a>(
    catalog: &'a Catalog,
    globs: &[&str],
) -> Result<Vec<(&'a Arc<CatalogEntry>, &'a IndexedEvent)>, Failure> {
    let mut patterns = Vec::new();
    for glob in globs {
        // `acme` means `acme.*`, and `acme.v2` means `acme.v2.*`.
        let below = format!("{}.*", Pattern::escape(glob));
        let found = [pattern(glob)?, pattern(&below)?].into_iter().find(|glob| catalog.matching(glob).next().is_some());
        patterns.push(found.ok_or_else(|| {
            let failure = Failure::usage(format!("no event matches `{glob}`"));
            match catalog.nearest_events(glob).as_slice() {
                [] => failure.hint("`hookdev events` lists all events"),
                near => failure.hint(format!("did you mean {}?", near.join(", "))),
            }
        })?);
    }
    let is_wanted = |event: &IndexedEvent| patterns.iter().any(|glob| glob.matches(&event.full_name));
    Ok(catalog.events().filter(|(_, event)| is_wanted(event)).collect())
}

type Matching<'a> = [(&'a Arc<CatalogEntry>, &'a IndexedEvent)];

/// The contracts of the events' providers.
fn contracts(context: &Context, events: &Matching<'_>) -> Result<String, Failure> {
    let (page, mut text) = (context.terminal.page(None), String::new());
    for group in by_provider(events) {
        let provider = group[0].0.load()?;
        text.push_str(if text.is_empty() { "" } else { "\n" });
        page.contract(provider, &terms(provider), &mut text);
    }
    Ok(text)
}

/// One JSON object per term of these contracts.
fn term_lines(events: &Matching<'_>) -> Result<Vec<u8>, Failure> {
    let mut lines = Vec::new();
    for group in by_provider(events) {
        let provider = group[0].0.load()?;
        for term in &terms(provider) {
            json::term(provider, term, &mut lines);
        }
    }
    Ok(lines)
}

/// The events of each provider.
fn by_provider<'a>(events: &'a Matching<'a>) -> impl Iterator<Item = &'a Matching<'a>> {
    events.chunk_by(|(a, _), (b, _)| Arc::ptr_eq(a, b))
}

/// One JSON object per event.
fn lines(events: &Matching<'_>, show: bool) -> Result<Vec<u8>, Failure> {
    let mut lines = Vec::new();
    for (entry, event) in events {
        let shown = if show { Some(payload(entry.load()?, find(entry, event)?, None)?) } else { None };
        json::event(entry.name(), event, shown.as_deref(), &mut lines);
    }
    Ok(lines)
}

/// The table, grouped by provider. A provider's requirements are included if it is the only one asked for, or if
/// everything is.
fn table(context: &Context, events: &Matching<'_>, show: bool) -> Result<String, Failure> {
    let is_alone = by_provider(events).nth(1).is_none();
    let groups = by_provider(events).map(|events| {
        let entry = events[0].0;
        let rows = events.iter().map(|(entry, event)| {
            let payloads = if show { payloads(entry, event)? } else { Vec::new() };
            Ok(EventRow { event, payloads })
        });
        let rows = rows.collect::<Result<_, Failure>>()?;
        let provider = if is_alone || show { Some(entry.load()?.as_ref()) } else { None };
        Ok(ProviderEvents { index: entry.index(), provider, configured: configured(context, entry.name()), rows })
    });
    let groups = groups.collect::<Result<Vec<_>, Failure>>()?;
    let table = EventTable { palette: context.terminal.out, columns: context.terminal.width() };
    Ok(table.render(&groups, show))
}

/// The sources of a provider's secrets in the config, without secrets.
fn configured<'a>(context: &'a Context, provider: &str) -> Vec<&'a str> {
    let config = context.config.as_ref().and_then(|config| config.provider(provider));
    let source = |text: &'a SecretText| match text.expose() {
        source if source.starts_with("env:") || source.starts_with("file:") => source,
        _ => "a literal",
    };
    config.map(|config| config.secrets.iter().map(source).collect()).unwrap_or_default()
}

/// The payloads of an event and its variants.
fn payloads<'a>(entry: &'a CatalogEntry, event: &IndexedEvent) -> Result<Vec<EventPayload<'a>>, Failure> {
    let (provider, event) = (entry.load()?, find(entry, event)?);
    let variants = event.variants.iter().map(|variant| Some(variant.as_slice()));
    std::iter::once(None)
        .chain(variants)
        .map(|variant| Ok(EventPayload { variant, text: payload(provider, event, variant)? }))
        .collect()
}

/// The event that an index entry stands for.
fn find<'a>(entry: &'a CatalogEntry, event: &IndexedEvent) -> Result<&'a Event, Failure> {
    let mut events = entry.load()?.events.iter();
    let missing = || Failure::usage(format!("the index of providers is out of date: it lists {}", event.full_name));
    events.find(|other| other.full_name == event.full_name).ok_or_else(missing)
}

/// The payload of a delivery sent now.
fn payload(provider: &Provider, event: &Event, variant: Option<&[(Path, String)]>) -> Result<String, Failure> {
    let send = send_context(now(), None)?;
    let draft = provider
        .draft(event, BodySource::Fixture(variant, &[]), &send)
        .map_err(|error| Failure::usage(error.to_string()))?;
    // A fixture sent byte for byte.
    Ok(draft.payload().unwrap_or_else(|| event.fixture.trim_end()).to_owned())
}
