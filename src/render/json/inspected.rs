//! The objects that exist only in the inspector's API. Everything else it sends is lines of `listen --json`.

use serde::Serialize;

use super::{
    difference,
    judged::{Ready, ReadyLine},
    line,
    sent::AttemptLine,
};
use crate::webhook::{
    capture::objects::{HeaderPairs, RequestObject},
    diff::Difference,
    json::quote,
    record::Attempt,
    request::{Headers, Request},
};

/// What the inspector's page needs to know in addition to the ready line.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Inspected {
    /// The names of the targets for resends.
    pub targets: Vec<String>,
    /// The providers to list while there are no deliveries.
    pub providers: Vec<InspectedProvider>,
    /// The command that sends a first delivery.
    pub send: String,
    /// How many deliveries are kept.
    pub history: usize,
}

/// A provider as the page lists it.
#[derive(Clone, Debug, Serialize)]
pub struct InspectedProvider {
    pub name: String,
    /// Its name as people write it.
    pub title: String,
    /// The path of its deliveries.
    pub path: String,
    /// The URL for the provider to call.
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

/// Appends the ready line for the page.
pub fn inspected(ready: Ready<'_>, inspected: &Inspected, out: &mut Vec<u8>) {
    line(&InspectedLine { ready: ready.into(), inspected }, out);
}

#[derive(Serialize)]
struct Alive {
    kind: &'static str,
}

/// Appends the keep-alive line.
pub fn alive(out: &mut Vec<u8>) {
    line(&Alive { kind: "alive" }, out);
}

/// Appends an object with differences.
pub fn differences(differences: &[Difference], out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"differences\":");
    list(differences, difference, out);
    out.extend_from_slice(b"}\n");
}

#[derive(Serialize)]
struct Found<'a> {
    seqs: &'a [Vec<u64>],
}

/// Appends an object with the numbers of the deliveries in which each word was found.
pub fn found(seqs: &[Vec<u64>], out: &mut Vec<u8>) {
    line(&Found { seqs }, out);
}

/// A delivery resent to one handler.
#[derive(Clone, Debug)]
pub struct ResentAttempt {
    /// The result.
    pub attempt: Attempt,
    /// The status of a response that did not come as a whole.
    pub incomplete_status: Option<u16>,
    /// The headers of the request as this handler got it.
    pub sent_headers: Headers,
    /// What to do about a failure.
    pub hint: Option<String>,
}

#[derive(Serialize)]
struct ResentAttemptObject<'a> {
    #[serde(flatten)]
    attempt: AttemptLine<'a>,
    incomplete_status: Option<u16>,
    sent_headers: HeaderPairs<'a>,
    hint: Option<&'a str>,
}

/// A resent delivery.
#[derive(Clone, Copy, Debug)]
pub struct ResentDelivery<'a> {
    /// One for each handler.
    pub attempts: &'a [ResentAttempt],
    /// The differences from the delivery as received.
    pub changes: &'a [Difference],
    /// What re-signing changed, in words; `None` if it was not re-signed.
    pub renewal: Option<&'a str>,
    /// The request. Each handler got it with headers of its own.
    pub request: &'a Request,
}

/// Appends an object with a resent delivery and its results.
pub fn resent(resent: ResentDelivery<'_>, out: &mut Vec<u8>) {
    let ResentDelivery { attempts, changes, renewal, request } = resent;
    out.extend_from_slice(b"{\"attempts\":");
    let object = |resent: &ResentAttempt, out: &mut Vec<u8>| {
        let object = ResentAttemptObject {
            attempt: AttemptLine::new(&resent.attempt),
            incomplete_status: resent.incomplete_status,
            sent_headers: HeaderPairs(&resent.sent_headers),
            hint: resent.hint.as_deref(),
        };
        line(&object, out);
    };
    list(attempts, object, out);
    out.extend_from_slice(b",\"changes\":");
    list(changes, difference, out);
    let (resigned, renewal) = (renewal.is_some(), renewal.map_or_else(|| "null".to_owned(), quote));
    out.extend_from_slice(format!(",\"resigned\":{resigned},\"renewal\":{renewal},\"request\":").as_bytes());
    line(&RequestObject::new(request), out);
    out.truncate(out.trim_ascii_end().len());
    out.extend_from_slice(b"}\n");
}

/// Appends a list of objects that are lines elsewhere.
fn list<T>(items: &[T], write: impl Fn(&T, &mut Vec<u8>), out: &mut Vec<u8>) {
    out.push(b'[');
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write(item, out);
        out.truncate(out.trim_ascii_end().len());
    }
    out.push(b']');
}
