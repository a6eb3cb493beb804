//! `hookdev events`: lists the events that can be sent, or what each provider requires of a handler.

use std::{io::Write, sync::Arc};

use glob::Pattern;

use super::{
    context::Context,
    exit::{Exit, Failure},
    resolve::{pattern, provider},
};
use crate::{
    cli::{Events, Format},
    engine::{clock::now, entropy::moment},
    render::{
        events::{EventTable, Payload, Row},
        json,
    },
    webhook::{
        contract::terms,
        json::Path,
        provider::{Provider, catalog::Catalog, compose::BodySource, event::Event},
    },
};

/// Prints the events that match, or their providers' contracts.
///
/// # Errors
///
/// If no event matches, or the output can't be written.
pub fn run(context: &Context, args: &Events) -> Result<Exit, Failure> {
    let of_provider = args.provider.as_deref().map(|name| provider(&context.catalog, name)).transpose()?;
    let of_provider = of_provider.map(|provider| format!("{}.*", provider.name));
    let globs: Vec<&str> = of_provider.iter().chain(&args.glob).map(String::as_str).collect();
    let matching = matching(&context.catalog, if globs.is_empty() { &["*"] } else { &globs })?;
    let is_json = context.format() == Format::Json;
    let text = match (args.contract, is_json) {
        (true, _) => contracts(context, &matching, is_json),
        (false, true) => lines(&matching, args.show)?,
        (false, false) => table(context, &matching, args.show)?,
    };
    let mut out = context.terminal.stdout();
    out.write_all(&text)?;
    out.flush()?;
    Ok(Exit::Success)
}

/// The events that any of the globs matches, in the catalog's order.
fn matching<'a>(catalog: &'a Catalog, globs: &[&str]) -> Result<Vec<(&'a Arc<Provider>, &'a Event)>, Failure> {
    let mut patterns = Vec::new();
    for glob in globs {
        // `acme` means `acme.*`, and `acme.v2` means `acme.v2.*`.
        let below = format!("{}.*", Pattern::escape(glob));
        let found = [pattern(glob)?, pattern(&below)?].into_iter().find(|glob| !catalog.matching(glob).is_empty());
        patterns.push(found.ok_or_else(|| {
            let failure = Failure::usage(format!("no event matches `{glob}`"));
            match catalog.nearest_events(glob).as_slice() {
                [] => failure.hint("`hookdev events` lists all events"),
                near => failure.hint(format!("did you mean {}?", near.join(", "))),
            }
        })?);
    }
    let is_wanted = |event: &Event| patterns.iter().any(|glob| glob.matches(&event.full_name));
    Ok(catalog.events().filter(|(_, event)| is_wanted(event)).collect())
}

type Matching<'a> = [(&'a Arc<Provider>, &'a Event)];

/// The contracts of the events' providers.
fn contracts(context: &Context, events: &Matching<'_>, is_json: bool) -> Vec<u8> {
    let mut providers: Vec<&Provider> = events.iter().map(|(provider, _)| provider.as_ref()).collect();
    providers.dedup_by(|a, b| a.name == b.name);
    let page = context.terminal.page(None);
    let (mut lines, mut text) = (Vec::new(), String::new());
    for provider in providers {
        let terms = terms(provider);
        if is_json {
            for term in &terms {
                json::term(provider, term, &mut lines);
            }
        } else {
            text.push_str(if text.is_empty() { "" } else { "\n" });
            page.contract(provider, &terms, &mut text);
        }
    }
    if is_json { lines } else { text.into_bytes() }
}

/// One JSON object per event.
fn lines(events: &Matching<'_>, show: bool) -> Result<Vec<u8>, Failure> {
    let mut lines = Vec::new();
    for (provider, event) in events {
        let shown = if show { Some(payload(provider, event, None)?) } else { None };
        json::event(provider, event, shown.as_deref(), &mut lines);
    }
    Ok(lines)
}

fn table(context: &Context, events: &Matching<'_>, show: bool) -> Result<Vec<u8>, Failure> {
    let rows = events.iter().map(|(provider, event)| {
        let variants = event.variants.iter().map(|variant| Some(variant.as_slice()));
        let shown = std::iter::once(None).chain(variants).filter(|_| show);
        let payloads = shown
            .map(|variant| Ok(Payload { variant, text: payload(provider, event, variant)? }))
            .collect::<Result<_, Failure>>()?;
        Ok(Row { provider, event, payloads })
    });
    let rows = rows.collect::<Result<Vec<_>, Failure>>()?;
    let table = EventTable { palette: context.terminal.out, columns: context.terminal.width() };
    Ok(table.render(&rows, show).into_bytes())
}

/// The payload of a delivery sent now.
fn payload(provider: &Provider, event: &Event, variant: Option<&[(Path, String)]>) -> Result<String, Failure> {
    let moment = moment(now(), None)?;
    let draft = provider
        .draft(event, BodySource::Fixture(variant, &[]), &moment)
        .map_err(|error| Failure::usage(error.to_string()))?;
    // A fixture that is sent byte for byte.
    Ok(draft.payload().unwrap_or_else(|| event.fixture.trim_end()).to_owned())
}
