//! The lines of `providers`: the known providers, and checked provider directories.

use serde::Serialize;

use super::line;
use crate::{
    render::providers::{CheckedProvider, WrittenProvider},
    webhook::provider::index::IndexEntry,
};

#[derive(Serialize)]
struct ProviderLine<'a> {
    kind: &'static str,
    name: &'a str,
    title: &'a str,
    signs: Option<String>,
    secret_env: Option<&'a str>,
    events: usize,
    source: &'a str,
}

/// Appends the line of a provider; `source` is its directory, or `built-in`.
pub fn provider(index: &IndexEntry, source: &str, out: &mut Vec<u8>) {
    line(
        &ProviderLine {
            kind: "provider",
            name: &index.name,
            title: &index.title,
            signs: (!index.signs.is_empty()).then(|| index.signs.join(", or ")),
            secret_env: index.secret_env(),
            events: index.events().len(),
            source,
        },
        out,
    );
}

/// Appends the line of a checked provider directory.
pub fn checked_provider(checked: &CheckedProvider<'_>, out: &mut Vec<u8>) {
    line(checked, out);
}

/// Appends the line of a new provider directory.
pub fn written_provider(written: &WrittenProvider<'_>, out: &mut Vec<u8>) {
    line(written, out);
}
