//! Describes what a reloaded config changes for a receiver.

use super::guard::in_words;
use crate::{
    engine::receive::{Forward, ReceiverSettings},
    webhook::{keyring::Keyring, provider::Provider, redact},
};

/// The differences between two settings: forwards, the user's providers, and secrets.
pub(super) fn changes(before: &ReceiverSettings, after: &ReceiverSettings) -> Vec<String> {
    [forwards(&before.forwards, &after.forwards), providers(before, after), secrets(before, after)].concat()
}

fn forwards(before: &[Forward], after: &[Forward]) -> Vec<String> {
    let words = |forward: &Forward| format!("{} to {}", forward.events, redact::query(forward.url.as_str()));
    let is_in = |forward: &Forward, others: &[Forward]| {
        others.iter().any(|other| other.events == forward.events && other.url == forward.url)
    };
    let gone = before.iter().filter(|forward| !is_in(forward, after));
    let new = after.iter().filter(|forward| !is_in(forward, before));
    let gone = gone.map(|forward| format!("no longer forwards {}", words(forward)));
    gone.chain(new.map(|forward| format!("now forwards {}", words(forward)))).collect()
}

fn providers(before: &ReceiverSettings, after: &ReceiverSettings) -> Vec<String> {
    let users = |settings: &ReceiverSettings| {
        let entries = settings.catalog.entries().filter(|entry| entry.directory().is_some());
        entries.filter_map(|entry| entry.load().ok()).cloned().collect::<Vec<_>>()
    };
    let (old, new) = (users(before), users(after));
    let words = |provider: &Provider| format!("the provider {} from {}", provider.name, provider.files().origin());
    let gone = old.iter().filter(|provider| new.iter().all(|other| other.name != provider.name));
    let mut changes: Vec<String> = gone.map(|provider| format!("no longer uses {}", words(provider))).collect();
    for provider in &new {
        match old.iter().find(|other| other.name == provider.name) {
            None => changes.push(format!("now uses {}", words(provider))),
            Some(old) if old.files() != provider.files() => changes.push(format!("{} changed", words(provider))),
            Some(_) => {}
        }
    }
    changes
}

fn secrets(before: &ReceiverSettings, after: &ReceiverSettings) -> Vec<String> {
    let sources = |keyring: &Keyring, name: &str| {
        let sources: Vec<String> = (0..).map_while(|index| keyring.source(name, index)).map(in_words).collect();
        if sources.is_empty() { "no secret".to_owned() } else { sources.join(", ") }
    };
    let mut changes = Vec::new();
    for provider in after.catalog.entries().map(|entry| entry.index()).filter(|index| !index.secrets.is_empty()) {
        let name = &provider.name;
        let (old, new) = (sources(&before.keyring, name), sources(&after.keyring, name));
        if old != new && before.catalog.get(name).is_some() {
            changes.push(format!("now uses {new} for {} instead of {old}", provider.title));
        } else if old != new {
            changes.push(format!("now uses {new} for {}", provider.title));
        } else if before.keyring.secrets(name) != after.keyring.secrets(name) {
            changes.push(format!("the {} secret from {new} changed", provider.title));
        }
    }
    changes
}
