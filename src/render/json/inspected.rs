//! The objects of the inspector's API that are its own. Everything else that it says has the lines of `listen`.

use serde::Serialize;

use super::{
    judged::{Ready, ReadyLine},
    line,
};

/// What the inspector's page needs to know besides what is ready.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Inspected {
    /// The names of the targets that a delivery may be sent to again.
    pub targets: Vec<String>,
    /// The providers to list while there is no delivery.
    pub providers: Vec<InspectedProvider>,
    /// The command that makes the first delivery.
    pub send: String,
    /// How many deliveries are kept.
    pub history: usize,
}

/// A provider as the page lists it.
#[derive(Clone, Debug, Serialize)]
pub struct InspectedProvider {
    /// Its name.
    pub name: String,
    /// Its name as people write it.
    pub title: String,
    /// The path of its deliveries.
    pub path: String,
    /// The URL that it has to call.
    pub url: String,
    /// How long it waits for a response, in milliseconds, if that is documented.
    pub limit_ms: Option<u64>,
}

#[derive(Serialize)]
struct InspectedLine<'a> {
    #[serde(flatten)]
    ready: ReadyLine<'a>,
    #[serde(flatten)]
    inspected: &'a Inspected,
}

/// Appends the line that says what is ready, for the page.
pub fn inspected(ready: Ready<'_>, inspected: &Inspected, out: &mut Vec<u8>) {
    line(&InspectedLine { ready: ready.into(), inspected }, out);
}

#[derive(Serialize)]
struct Alive {
    kind: &'static str,
}

/// Appends the line that says that there is nothing to say.
pub fn alive(out: &mut Vec<u8>) {
    line(&Alive { kind: "alive" }, out);
}
