//! Events that no provider documents: another value of the field that names the event, or a field with another name.

use crate::webhook::{
    json::{self, Path},
    overrides::{Override, OverrideValue},
};

/// An undocumented value that is a number if the old one is.
pub(super) fn value(old: &str) -> &'static str {
    if old.parse::<i64>().is_ok() { "97" } else { NAME }
}

/// A name that no provider uses for an event or a field.
pub(super) const NAME: &str = "hookdev.unknown";

/// The edits that give a field of a payload a name that the provider doesn't document.
pub(super) fn renamed(payload: &str, path: &Path) -> Vec<Override> {
    let value =
        json::parse(payload).ok().and_then(|root| OverrideValue::json(&payload[root.get(path)?.span.clone()]).ok());
    let parents = path.keys().iter().take(path.keys().len().saturating_sub(1)).cloned();
    let new = parents.chain([NAME.to_owned()]).collect();
    let add = value.map(|value| Override::Add { path: new, value });
    add.into_iter().chain([Override::Remove { path: path.clone() }]).collect()
}
