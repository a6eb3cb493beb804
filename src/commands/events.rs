//! `hookdev events`: what can be sent, and what each provider wants of a handler.

use std::{fmt::Write as _, io::Write, sync::Arc};

use super::{
    context::{Context, now},
    failure::{Exit, Failure},
    listen::provider,
    send::moment,
    target::pattern,
};
use crate::{
    cli::{Events, Format},
    render::{
        flow::Flow,
        json,
        palette::{Palette, Role},
        payload::{Layout, Limits},
        text,
    },
    webhook::{
        contract::terms,
        json::Path,
        provider::{Provider, compose::BodySource, event::Event},
    },
};

/// Lists the events that a glob matches, or all.
///
/// # Errors
///
/// When none matches, or the output can't be written.
pub fn run(context: &Context, args: &Events) -> Result<Exit, Failure> {
    let of_provider = args.provider.as_deref().map(|name| provider(&context.catalog, name)).transpose()?;
    let of_provider = of_provider.map(|provider| format!("{}.*", provider.name));
    let all = of_provider.as_deref().or(args.glob.as_deref()).unwrap_or("*");
    let matching = context.catalog.matching(&pattern(all)?);
    if matching.is_empty() {
        let near = context.catalog.nearest_events(all);
        let failure = Failure::usage(format!("no event matches `{all}`"));
        return Err(if near.is_empty() { failure } else { failure.hint(format!("did you mean {}?", near.join(", "))) });
    }
    let mut out = context.terminal.stdout();
    if args.contract {
        out.write_all(&contracts(context, &matching))?;
    } else if context.format() == Format::Json {
        let mut lines = Vec::new();
        for (provider, event) in matching {
            let shown = if args.show { Some(payload(provider, event, None)?) } else { None };
            json::event(provider, event, shown.as_deref(), &mut lines);
        }
        out.write_all(&lines)?;
    } else {
        let page = Page { palette: context.terminal.out, columns: context.terminal.width };
        out.write_all(page.table(&matching, args.show)?.as_bytes())?;
    }
    out.flush()?;
    Ok(Exit::Good)
}

/// The contracts of the providers of some events.
fn contracts(context: &Context, events: &[(&Arc<Provider>, &Event)]) -> Vec<u8> {
    let mut providers: Vec<&Provider> = events.iter().map(|(provider, _)| provider.as_ref()).collect();
    providers.dedup_by(|a, b| a.name == b.name);
    if context.format() == Format::Json {
        let mut lines = Vec::new();
        for provider in providers {
            for term in terms(provider) {
                json::term(provider, &term, &mut lines);
            }
        }
        return lines;
    }
    let page = context.terminal.page(None);
    let mut text = String::new();
    for (place, provider) in providers.into_iter().enumerate() {
        text.push_str(if place > 0 { "\n" } else { "" });
        page.contract(provider, &terms(provider), &mut text);
    }
    text.into_bytes()
}

/// How the table is set out.
#[derive(Clone, Copy)]
struct Page {
    palette: Palette,
    /// The columns of the screen, if it is one.
    columns: Option<usize>,
}

/// What is said of an event needs so many columns to be read beside its name.
const BESIDE: usize = 28;

impl Page {
    fn table(self, events: &[(&Arc<Provider>, &Event)], show: bool) -> Result<String, Failure> {
        let names = events.iter().map(|(_, event)| text::width(&text::printable(&event.full_name)));
        let width = names.max().unwrap_or_default();
        let mut out = String::new();
        let mut last: Option<&Arc<Provider>> = None;
        for (provider, event) in events {
            if last.is_none_or(|last| !Arc::ptr_eq(last, provider)) {
                if last.is_some() {
                    out.push('\n');
                }
                self.heading(provider, show, &mut out);
                last = Some(provider);
            }
            self.event(provider, event, width, &mut out);
            if show {
                show_payloads(self.palette, provider, event, &mut out)?;
            }
        }
        Ok(out)
    }

    /// One event, whose name is padded to `width` columns.
    fn event(self, provider: &Provider, event: &Event, width: usize, out: &mut String) {
        let beside = width + 4;
        let is_narrow = self.columns.is_some_and(|columns| columns < beside + BESIDE);
        let mut flow = Flow::new(self.palette, self.columns, if is_narrow { 4 } else { beside }, out);
        let padding = width.saturating_sub(text::width(&text::printable(&event.full_name)));
        flow.gap(2).whole(Some(Role::Key), &event.full_name).gap(padding + 2).text(None, &event.about);
        let marks = marks(provider, event);
        if !marks.is_empty() {
            flow.gap(2).text(Some(Role::Dim), &format!("({})", marks.join(", ")));
        }
        flow.end();
    }

    /// Who the provider is, what it wants of a handler, and its caveats if `notes` are wanted.
    fn heading(self, provider: &Provider, notes: bool, out: &mut String) {
        let mut flow = Flow::new(self.palette, self.columns, 2, out);
        flow.whole(Some(Role::Title), &provider.title).gap(2).text(None, &provider.about);
        flow.end();
        let mut lines = demands(provider);
        if notes {
            lines.extend(provider.notes.iter().cloned());
        }
        for line in lines {
            let mut flow = Flow::new(self.palette, self.columns, 4, out);
            flow.gap(2).text(Some(Role::Dim), &line);
            flow.end();
        }
    }
}

/// What the provider wants of a handler, and how it signs.
fn demands(provider: &Provider) -> Vec<String> {
    let delivery = &provider.delivery;
    let within = delivery.timeout.map(|limit| format!(" within {} s", limit.as_secs_f64())).unwrap_or_default();
    let mut lines = vec![format!("wants {}{within}; follows no redirects", delivery.success_in_words())];
    if provider.schemes.is_empty() {
        lines.push("signs nothing".to_owned());
    } else {
        let schemes: Vec<String> = provider
            .schemes
            .iter()
            .map(|scheme| format!("{} of {} in {}", scheme.algorithm, scheme.content.as_str(), scheme.header[0]))
            .collect();
        lines.push(format!("signs with {}", schemes.join(", or ")));
        if !provider.has_replay_protection() {
            lines.push("no replay protection: what it sends has no signed time".to_owned());
        }
    }
    if let Some(rule) = &provider.secret {
        let own = rule.env.as_deref().map(|env| format!("secret from {env}, else ")).unwrap_or_default();
        lines.push(format!("{own}the public one for development: {}", rule.development));
    }
    lines
}

fn marks(provider: &Provider, event: &Event) -> Vec<String> {
    let mut marks = Vec::new();
    if event.unsigned && !provider.schemes.is_empty() {
        marks.push("unsigned".to_owned());
    }
    if event.illustrative {
        marks.push("illustrative".to_owned());
    }
    if !event.variants.is_empty() {
        let values: Vec<&str> = event.variants.iter().flatten().map(|(_, value)| value.as_str()).collect();
        marks.push(format!("also {}", values.join(", ")));
    }
    marks
}

fn show_payloads(palette: Palette, provider: &Provider, event: &Event, out: &mut String) -> Result<(), Failure> {
    let layout = Layout { palette, margin: 4, limits: Limits::FULL };
    let variants = event.variants.iter().map(|variant| Some(variant.as_slice()));
    for variant in std::iter::once(None).chain(variants) {
        if let Some(changes) = variant {
            let changes: Vec<String> = changes.iter().map(|(path, value)| format!("{path}={value}")).collect();
            let _ = writeln!(
                out,
                "    {}",
                palette.paint(Role::Dim, format_args!("--set {}", text::printable(&changes.join(" --set "))))
            );
        }
        let payload = payload(provider, event, variant)?;
        if !layout.json(payload.as_bytes(), out) {
            layout.raw(payload.as_bytes(), out);
        }
    }
    out.push('\n');
    Ok(())
}

/// The payload that a send would have now.
fn payload(provider: &Provider, event: &Event, variant: Option<&[(Path, String)]>) -> Result<String, Failure> {
    let moment = moment(now(), None)?;
    let draft = provider
        .draft(event, BodySource::Fixture(variant, &[]), &moment)
        .map_err(|error| Failure::usage(error.to_string()))?;
    Ok(draft.payload().unwrap_or_default().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::webhook::provider::catalog::Catalog;

    #[test]
    fn the_table_is_broken_between_words_beside_the_names_where_there_is_room() {
        let catalog = Catalog::builtin();
        let matching = catalog.matching(&pattern("*").unwrap());
        let table = |columns| Page { palette: Palette::new(false), columns }.table(&matching, false).unwrap();
        let whole = table(None);
        for columns in [40, 60, 80, 100] {
            let broken = table(Some(columns));
            assert_eq!(broken.split_whitespace().collect::<Vec<_>>(), whole.split_whitespace().collect::<Vec<_>>());
            let too_long = broken.lines().filter(|line| text::width(line) > columns && line.trim().contains(' '));
            assert_eq!(too_long.collect::<Vec<_>>(), [""; 0], "{columns}");
        }
        let beside = "\n  cyanite.v1.test                             Legacy: an unsigned test event  (unsigned)\n";
        assert!(whole.contains(beside), "{whole}");
    }
}
