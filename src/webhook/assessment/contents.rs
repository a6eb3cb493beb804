//! The events of a payload, which has one or a list of them: their names, their summaries, and how they compare with
//! the schema.

use super::{PayloadCheck, Warning};
use crate::webhook::{
    payload::Payload,
    place::Lookup,
    provider::{
        EventPlace, Provider,
        event::{Event, EventName},
    },
};

/// The maximum number of events of a list that a summary describes.
const MAX_SUMMARISED: usize = 5;

/// What is known about the events of one payload.
#[derive(Debug, Default)]
pub(super) struct EventContents {
    /// Each event's full name, if it has one, and its summary.
    events: Vec<(Option<String>, Option<String>)>,
    /// The names that the provider doesn't document, each once.
    pub unlisted: Vec<String>,
    check: Option<PayloadCheck>,
    warnings: Vec<Warning>,
    /// How many events were skipped, because there are too many.
    left_out: usize,
}

impl EventContents {
    /// The events of a payload, which is the given event unless the provider sends lists.
    pub fn of(provider: &Provider, event: Option<&EventName<'_>>, lookup: &Lookup<'_>, payload: &Payload<'_>) -> Self {
        let mut contents = Self::default();
        match provider.list() {
            Some(list) => {
                contents.left_out = list.visit(payload, |place, alone| {
                    let lookup = Lookup { payload: Some(alone), ..*lookup };
                    contents.add(provider, provider.event_of(&lookup).as_ref(), &lookup, alone, place);
                });
            }
            None => contents.add(provider, event, lookup, payload, &EventPlace::default()),
        }
        contents
    }

    fn add(
        &mut self,
        provider: &Provider,
        event: Option<&EventName<'_>>,
        lookup: &Lookup<'_>,
        payload: &Payload<'_>,
        place: &EventPlace,
    ) {
        if let Some(EventName::Unlisted(name)) = event
            && !self.unlisted.contains(name)
        {
            self.unlisted.push(name.clone());
        }
        let listed = event.and_then(EventName::listed);
        self.add_check(provider, listed, payload, place);
        let name = event.map(|event| event.full_name().to_owned());
        self.events.push((name, provider.summary(listed, lookup)));
    }

    /// Compares one event with the schema. A list is valid if each of its events is.
    fn add_check(&mut self, provider: &Provider, event: Option<&Event>, payload: &Payload<'_>, place: &EventPlace) {
        let definition = provider.schema_of(event).and_then(|name| provider.schema().ok()?.definition(name));
        let (Some(definition), Some(root)) = (definition, payload.root()) else {
            if !matches!(self.check, Some(PayloadCheck::Invalid(_))) {
                let has_schema = definition.is_some();
                self.check = Some(if has_schema { PayloadCheck::Unreadable } else { PayloadCheck::Unknown });
            }
            return;
        };
        let mut report = definition.check(root);
        for violation in report.errors.iter_mut().chain(&mut report.warnings) {
            violation.pointer = place.pointer(&violation.pointer);
        }
        self.warnings.extend(
            report.warnings.iter().map(|violation| format!("{}: {}", violation.pointer, violation.message).into()),
        );
        match &mut self.check {
            Some(PayloadCheck::Invalid(errors)) => errors.extend(report.errors),
            _ if !report.errors.is_empty() => self.check = Some(PayloadCheck::Invalid(report.errors)),
            Some(_) => {}
            None => self.check = Some(PayloadCheck::Valid),
        }
    }

    /// How the payload compares with the schema. Adds oddities to `warnings`.
    pub fn check(&mut self, warnings: &mut Vec<Warning>) -> PayloadCheck {
        warnings.append(&mut self.warnings);
        if self.left_out > 0 {
            let (seen, total) = (self.events.len(), self.total());
            warnings.push(format!("only the first {seen} of {total} events are checked: the list is too long").into());
        }
        self.check.take().unwrap_or(PayloadCheck::Unknown)
    }

    /// How many events there are.
    pub const fn total(&self) -> usize {
        self.events.len() + self.left_out
    }

    /// The names of the events after the first that differ from it, each once.
    pub fn further(&self) -> Vec<String> {
        let first = self.events.first().and_then(|(name, _)| name.as_ref());
        let mut further: Vec<String> = Vec::new();
        for name in self.events.iter().skip(1).filter_map(|(name, _)| name.as_ref()) {
            if Some(name) != first && !further.contains(name) {
                further.push(name.clone());
            }
        }
        further
    }

    /// A line about the events, for people. That of a single event is taken.
    pub fn summary(&mut self, provider: &Provider) -> Option<String> {
        if let [(_, summary)] = self.events.as_mut_slice() {
            return summary.take();
        }
        let own = format!("{}.", provider.name);
        let one = |(name, summary): &(Option<String>, Option<String>)| {
            let name = name.as_deref().map(|name| name.strip_prefix(&own).unwrap_or(name));
            [name, summary.as_deref()].into_iter().flatten().collect::<Vec<_>>().join("  ")
        };
        let total = self.total();
        let mut parts: Vec<String> = self.events.iter().take(MAX_SUMMARISED).map(one).collect();
        let others = total - parts.len();
        parts.extend((others > 0).then(|| format!("and {others} more")));
        Some(format!("{total} events: {}", parts.join("; ")))
    }
}
