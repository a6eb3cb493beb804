//! The events that can be sent, as a table: each provider, followed by its events.

use std::fmt::Write;

use super::{
    flow::Flow,
    palette::{Palette, Role},
    payload::{BodyLayout, BodyLimits},
    text,
};
use crate::webhook::{
    json::Path,
    provider::{
        Provider, SecretRule,
        index::{IndexEntry, IndexedEvent},
    },
};

/// A provider and some of its events.
#[derive(Clone, Debug)]
pub struct ProviderEvents<'a> {
    /// The entry that is printed for every provider.
    pub index: &'a IndexEntry,
    /// The provider, if its requirements and how it signs are printed too.
    pub provider: Option<&'a Provider>,
    /// The sources of its secrets that the config lists, without secrets.
    pub configured: Vec<&'a str>,
    /// The events.
    pub rows: Vec<EventRow<'a>>,
}

/// One event in the table.
#[derive(Clone, Debug)]
pub struct EventRow<'a> {
    pub event: &'a IndexedEvent,
    /// The payloads to print below the event, if any.
    pub payloads: Vec<EventPayload<'a>>,
}

/// A payload of an event.
#[derive(Clone, Debug)]
pub struct EventPayload<'a> {
    /// The changes that make up the variant. `None` for the plain event.
    pub variant: Option<&'a [(Path, String)]>,
    /// The payload.
    pub text: String,
}

/// The layout of the table.
#[derive(Clone, Copy, Debug)]
pub struct EventTable {
    /// The colours.
    pub palette: Palette,
    /// The width of the terminal in columns, if it is one.
    pub columns: Option<usize>,
}

/// The minimum width of a description next to its event's name, in columns.
const MIN_DESCRIPTION: usize = 28;

impl EventTable {
    /// The table of these groups. With `notes`, it includes the providers' caveats.
    #[must_use]
    pub fn render(self, groups: &[ProviderEvents<'_>], notes: bool) -> String {
        let mut out = String::new();
        for group in groups {
            if !out.is_empty() {
                out.push('\n');
            }
            self.push_provider(group, notes, &mut out);
            let names = group.rows.iter().map(|row| text::width(&text::printable(&row.event.full_name)));
            let width = names.max().unwrap_or_default();
            for (place, row) in group.rows.iter().enumerate() {
                self.push_event(group.index, row.event, width, &mut out);
                for payload in &row.payloads {
                    self.push_payload(payload, &mut out);
                }
                if !row.payloads.is_empty() && place + 1 < group.rows.len() {
                    out.push('\n');
                }
            }
        }
        out
    }

    fn push_provider(self, group: &ProviderEvents<'_>, notes: bool, out: &mut String) {
        let mut flow = Flow::new(self.palette, self.columns, 2, out);
        flow.whole(Some(Role::Title), &group.index.title).gap(2).text(None, &group.index.about);
        flow.end();
        let Some(provider) = group.provider else { return };
        let mut lines = properties(group.index, provider, &group.configured);
        if notes {
            lines.extend(provider.notes.iter().cloned());
        }
        for line in lines {
            let mut flow = Flow::new(self.palette, self.columns, 4, out);
            flow.gap(2).text(Some(Role::Dim), &line);
            flow.end();
        }
    }

    /// Appends the event, with its name padded to `width` columns.
    fn push_event(self, provider: &IndexEntry, event: &IndexedEvent, width: usize, out: &mut String) {
        let description = width + 4;
        let is_narrow = self.columns.is_some_and(|columns| columns < description + MIN_DESCRIPTION);
        let mut flow = Flow::new(self.palette, self.columns, if is_narrow { 4 } else { description }, out);
        let padding = width.saturating_sub(text::width(&text::printable(&event.full_name)));
        flow.gap(2).whole(Some(Role::Key), &event.full_name).gap(padding + 2).text(None, &event.about);
        let marks = marks(provider, event);
        if !marks.is_empty() {
            flow.gap(2).text(Some(Role::Dim), &format!("({})", marks.join(", ")));
        }
        flow.end();
    }

    fn push_payload(self, payload: &EventPayload<'_>, out: &mut String) {
        let layout = BodyLayout { palette: self.palette, margin: 4, limits: BodyLimits::FULL };
        if let Some(changes) = payload.variant {
            let changes: Vec<String> = changes.iter().map(|(path, value)| format!("{path}={value}")).collect();
            let changes = format!("--set {}", changes.join(" --set "));
            let _ = writeln!(out, "    {}", self.palette.paint(Role::Dim, text::printable(&changes)));
        }
        if !layout.json(payload.text.as_bytes(), out) {
            layout.raw(payload.text.as_bytes(), out);
        }
    }
}

/// What the provider expects of a handler, how it signs, and where its secret comes from.
fn properties(index: &IndexEntry, provider: &Provider, configured: &[&str]) -> Vec<String> {
    let delivery = &provider.delivery;
    let within = delivery.timeout.map(|limit| format!(" within {} s", limit.as_secs_f64())).unwrap_or_default();
    let mut lines = vec![format!("expects {}{within}; follows no redirects", delivery.success_in_words())];
    if provider.schemes.is_empty() {
        lines.push("does not sign deliveries".to_owned());
    } else {
        lines.push(format!("signs with {}", index.signs.join(", or ")));
        if !provider.has_replay_protection() {
            lines.push("no replay protection: an old delivery still verifies".to_owned());
        }
    }
    lines.extend(provider.secret_rules().map(|rule| secret(rule, configured)));
    lines
}

/// Where a secret comes from.
fn secret(rule: &SecretRule, configured: &[&str]) -> String {
    let config = (!configured.is_empty()).then(|| format!("the config ({})", configured.join(", ")));
    let own: Vec<String> = rule.env.clone().into_iter().chain(config).collect();
    let own = if own.is_empty() { String::new() } else { format!("secret from {}, else ", own.join(", else ")) };
    let public = rule.public.as_ref().map(|key| format!("; a handler verifies with its public key: {key}"));
    format!("{own}the public development secret: {}{}", rule.development, public.unwrap_or_default())
}

fn marks(provider: &IndexEntry, event: &IndexedEvent) -> Vec<String> {
    let mut marks = Vec::new();
    if !event.signed && !provider.signs.is_empty() {
        marks.push("unsigned".to_owned());
    }
    if event.illustrative {
        marks.push("illustrative".to_owned());
    }
    if !event.variants.is_empty() {
        marks.push(format!("also {}", event.variants.join(", ")));
    }
    marks
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::webhook::provider::catalog::Catalog;

    #[test]
    fn lines_are_broken_between_words_next_to_the_names_where_there_is_room() {
        let catalog = Catalog::builtin();
        let groups: Vec<ProviderEvents<'_>> = catalog
            .entries()
            .map(|entry| {
                let rows = entry.index().events().iter().map(|event| EventRow { event, payloads: Vec::new() });
                ProviderEvents {
                    index: entry.index(),
                    provider: entry.load().ok().map(AsRef::as_ref),
                    configured: Vec::new(),
                    rows: rows.collect(),
                }
            })
            .collect();
        let table = |columns| EventTable { palette: Palette::new(false), columns }.render(&groups, false);
        let whole = table(None);
        for columns in [40, 60, 80, 100] {
            let broken = table(Some(columns));
            assert_eq!(broken.split_whitespace().collect::<Vec<_>>(), whole.split_whitespace().collect::<Vec<_>>());
            let too_long = broken.lines().filter(|line| text::width(line) > columns && line.trim().contains(' '));
            assert_eq!(too_long.collect::<Vec<_>>(), [""; 0], "{columns}");
        }
        let line = "\n  cyanite.v1.test                             Legacy: an unsigned test event  (unsigned)\n";
        assert!(whole.contains(line), "{whole}");
    }

    #[test]
    fn a_variant_is_printed_below_its_event_with_the_change_that_makes_it() {
        let catalog = Catalog::builtin();
        let entry = catalog.entry("cyanite").unwrap();
        let (index, provider) = (entry.index(), entry.load().unwrap());
        let event = provider.events.iter().find(|event| !event.variants.is_empty()).unwrap();
        let listed = index.events().iter().find(|listed| listed.full_name == event.full_name).unwrap();
        let payload = |variant, text: &str| EventPayload { variant, text: text.to_owned() };
        let payloads = vec![payload(None, "{\"a\":1}"), payload(Some(event.variants[0].as_slice()), "not JSON")];
        let table = EventTable { palette: Palette::new(false), columns: None };
        let rows = vec![EventRow { event: listed, payloads }];
        let printed =
            table.render(&[ProviderEvents { index, provider: Some(provider), configured: Vec::new(), rows }], true);
        let (path, value) = &event.variants[0][0];
        let expected = format!("    {{\n      \"a\": 1\n    }}\n    --set {path}={value}\n    not JSON\n");
        assert!(printed.ends_with(&expected), "{printed}");
    }
}
