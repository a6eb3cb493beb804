//! The payload of a delivery as rows, one page at a time. A payload is scanned once to find where its pages begin;
//! after that, a page costs only its own rows. Recently read payloads are kept, because a page is usually followed by
//! the next one.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::Arc,
};

use bytes::Bytes;
use parking_lot::Mutex;
use serde::Serialize;

use crate::webhook::{
    json::{
        quote,
        rows::{NoRows, Row, RowKind, RowWalk},
        writer::line,
    },
    payload::{DecodedBody, PayloadKind},
    record::Delivery,
    schema::SchemaViolation,
};

/// The maximum number of rows of a page.
const PAGE_ROWS: usize = 5000;

/// The approximate maximum size of a page, in bytes. A pointer repeats the keys above it, and keys may be long.
const PAGE_BYTES: usize = 2 << 20;

/// The largest payload, decoded, that is shown as a tree, in bytes.
const MAX_BYTES: usize = 16 << 20;

/// How many payloads are kept.
const MAX_KEPT: usize = 2;

/// The most recently read payloads, newest first.
#[derive(Default)]
pub struct PayloadTrees(Mutex<VecDeque<(u64, Arc<PayloadTree>)>>);

/// A payload that has rows.
pub struct PayloadTree {
    text: Bytes,
    pages: Vec<PageStart>,
    total: usize,
    /// What is wrong with values, by pointer.
    notes: HashMap<String, String>,
}

/// Where a page begins.
struct PageStart {
    row: usize,
    walk: RowWalk,
}

/// The rows of a page, as the API returns them.
#[derive(Serialize)]
struct PageObject<'a> {
    rows: Vec<RowObject<'a>>,
    next: Option<usize>,
    total: usize,
}

#[derive(Serialize)]
struct RowObject<'a> {
    depth: usize,
    kind: &'static str,
    key: Option<&'a str>,
    value: Option<&'a str>,
    pointer: String,
    note: Option<&'a str>,
}

impl PayloadTrees {
    /// The tree of a delivery's payload.
    ///
    /// # Errors
    ///
    /// The reason, if it has none.
    pub fn get(&self, delivery: &Delivery) -> Result<Arc<PayloadTree>, &'static str> {
        let known = self.0.lock().iter().find(|(seq, _)| *seq == delivery.seq).map(|(_, tree)| Arc::clone(tree));
        if let Some(tree) = known {
            return Ok(tree);
        }
        let tree = Arc::new(PayloadTree::of(delivery)?);
        let mut kept = self.0.lock();
        kept.push_front((delivery.seq, Arc::clone(&tree)));
        kept.truncate(MAX_KEPT);
        Ok(tree)
    }
}

impl PayloadTree {
    fn of(delivery: &Delivery) -> Result<Self, &'static str> {
        let text = text(delivery)?;
        let readable = std::str::from_utf8(&text).map_err(|_| "the payload is not text")?;
        let errors = delivery.assessment.payload.errors();
        // A missing value has no row, so its note goes to the nearest enclosing one.
        let wanted: HashSet<&str> = errors.iter().flat_map(|error| ancestors(&error.pointer)).collect();
        let (mut walk, mut pages, mut total) = (RowWalk::default(), Vec::new(), 0);
        let (mut found, mut page_bytes) = (HashSet::new(), 0);
        loop {
            let before = (total - pages.last().map_or(0, |page: &PageStart| page.row) >= PAGE_ROWS
                || page_bytes >= PAGE_BYTES
                || pages.is_empty())
            .then(|| walk.clone());
            let row = walk.next(readable).map_err(|NoRows| "the payload is not JSON, or nested too deeply")?;
            let Some(row) = row else { break };
            if let Some(walk) = before {
                pages.push(PageStart { row: total, walk });
                page_bytes = 0;
            }
            page_bytes += 64 + walk.pointer().len() + row.key.map_or(0, str::len) + row.value.map_or(0, str::len);
            total += 1;
            if let Some(pointer) = wanted.get(walk.pointer()) {
                found.insert(*pointer);
            }
        }
        let notes = notes(errors, &found);
        Ok(Self { notes, pages, total, text: text.clone() })
    }

    /// Appends the page that begins at this row, as JSON.
    pub fn page(&self, from: usize, out: &mut Vec<u8>) {
        let text = std::str::from_utf8(&self.text).unwrap_or_default();
        let start = self.pages.partition_point(|page| page.row <= from).saturating_sub(1);
        let mut rows = Vec::new();
        let end = self.pages.get(start + 1).map_or(self.total, |page| page.row);
        if let Some(PageStart { row, walk }) = self.pages.get(start) {
            let (mut row, mut walk) = (*row, walk.clone());
            while row < end
                && let Ok(Some(next)) = walk.next(text)
            {
                if row >= from {
                    rows.push(self.object(next, walk.pointer()));
                }
                row += 1;
            }
        }
        let next = (end < self.total).then_some(end);
        line(&PageObject { rows, next, total: self.total }, out);
    }

    fn object<'a>(&'a self, Row { depth, kind, key, value }: Row<'a>, pointer: &str) -> RowObject<'a> {
        let note = self.notes.get(pointer).filter(|_| kind != RowKind::End).map(String::as_str);
        RowObject { depth, kind: kind.name(), key, value, pointer: pointer.to_owned(), note }
    }
}

/// The JSON text of a payload. A form becomes an object of its fields.
fn text(delivery: &Delivery) -> Result<Bytes, &'static str> {
    const TOO_LARGE: &str = "the payload can't be decoded, or is too large for a tree";
    let request = &delivery.request;
    let mut body = DecodedBody::of(request, MAX_BYTES).map_err(|_| TOO_LARGE)?;
    if let Some(provider) = &delivery.assessment.provider {
        body = provider.find_payload(request, body);
    }
    if let Some(json) = body.json_in_form() {
        return Ok(Bytes::copy_from_slice(json.as_bytes()));
    }
    if body.bytes().len() > MAX_BYTES {
        return Err(TOO_LARGE);
    }
    let is_plain = body.bytes().as_ptr() == request.body.as_ptr();
    if matches!(body.bytes().trim_ascii_start().first(), Some(b'{' | b'[')) {
        return Ok(if is_plain { request.body.clone() } else { Bytes::copy_from_slice(body.bytes()) });
    }
    let payload = body.payload(request);
    if !matches!(payload.kind, PayloadKind::Urlencoded | PayloadKind::Multipart) {
        return Err("the payload is neither JSON nor a form");
    }
    let fields = payload.fields().map(|(name, value)| format!("{}:{}", quote(name), quote(value)));
    Ok(format!("{{{}}}", fields.collect::<Vec<_>>().join(",")).into())
}

/// A pointer and all enclosing ones, longest first.
fn ancestors(pointer: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(pointer), |pointer| pointer.rfind('/').map(|end| &pointer[..end]))
}

/// The notes for the rows at these pointers.
fn notes(errors: &[SchemaViolation], found: &HashSet<&str>) -> HashMap<String, String> {
    let mut notes: HashMap<String, String> = HashMap::new();
    for SchemaViolation { pointer, message } in errors {
        let Some(place) = ancestors(pointer).find(|place| found.contains(place)) else { continue };
        let note = match pointer.strip_prefix(place).and_then(|below| below.strip_prefix('/')) {
            Some(below) => format!("{below} {message}"),
            None => message.clone(),
        };
        let known = notes.entry(place.to_owned()).or_default();
        if !known.is_empty() {
            known.push_str("; ");
        }
        known.push_str(&note);
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        engine::receive::tests::delivery_of,
        webhook::{assessment::PayloadCheck, request::HeaderName},
    };

    fn page(tree: &PayloadTree, from: usize) -> serde_json::Value {
        let mut out = Vec::new();
        tree.page(from, &mut out);
        serde_json::from_slice(&out).unwrap()
    }

    fn violation(pointer: &str, message: &str) -> SchemaViolation {
        SchemaViolation { pointer: pointer.to_owned(), message: message.to_owned() }
    }

    #[test]
    fn an_error_is_at_its_value_and_that_of_a_missing_value_around_it() {
        let mut delivery = delivery_of(1, r#"{"a":{"b":1}}"#);
        delivery.assessment.payload = PayloadCheck::Invalid(vec![
            violation("/a/b", "expected a string, found 1"),
            violation("/a/c/d", "is required but missing"),
            violation("/a/e", "is required but missing"),
        ]);
        let tree = PayloadTrees::default().get(&delivery).unwrap();
        let notes: Vec<_> = page(&tree, 0)["rows"].as_array().unwrap().iter().map(|row| row["note"].clone()).collect();
        assert_eq!(
            notes,
            [
                serde_json::Value::Null,
                "c/d is required but missing; e is required but missing".into(),
                "expected a string, found 1".into(),
                serde_json::Value::Null,
                serde_json::Value::Null,
            ]
        );
    }

    #[test]
    fn pages_join_up_and_begin_where_they_are_asked_to() {
        let text = format!("[{}]", vec!["1"; 12_000].join(","));
        let tree = PayloadTrees::default().get(&delivery_of(1, text)).unwrap();
        let (mut from, mut lengths, mut values) = (Some(0), Vec::new(), 0);
        while let Some(start) = from {
            let page = page(&tree, usize::try_from(start).unwrap());
            let rows = page["rows"].as_array().unwrap();
            lengths.push(rows.len());
            values += rows.iter().filter(|row| row["kind"] == "number").count();
            from = page["next"].as_u64();
            assert_eq!(page["total"], 12_002);
        }
        assert_eq!((lengths, values), (vec![5000, 5000, 2002], 12_000));
        let middle = page(&tree, 4_999);
        assert_eq!((middle["rows"][0]["pointer"].as_str(), middle["next"].as_u64()), (Some("/4998"), Some(5000)));
        assert_eq!(page(&tree, 99_999), serde_json::json!({"rows": [], "next": null, "total": 12_002}));
    }

    #[test]
    fn long_keys_make_pages_of_fewer_rows() {
        let depth = 100;
        let key = "k".repeat(10_000);
        let text = format!("{}1{}", format!("{{\"{key}\":").repeat(depth), "}".repeat(depth));
        let tree = PayloadTrees::default().get(&delivery_of(1, text)).unwrap();
        let first = page(&tree, 0);
        assert!(first["rows"].as_array().unwrap().len() < 30, "{first}");
        assert_eq!(first["total"], 201);
    }

    #[test]
    fn a_form_is_an_object_of_its_fields_and_other_bodies_have_no_tree() {
        let mut form = delivery_of(1, "a=%22x&a=2");
        let name = HeaderName::from_static("content-type");
        form.request.headers.push(name, "application/x-www-form-urlencoded".parse().unwrap());
        let tree = PayloadTrees::default().get(&form).unwrap();
        let rows = page(&tree, 0);
        let shown: Vec<_> = rows["rows"].as_array().unwrap().iter().map(|row| (&row["key"], &row["value"])).collect();
        let text = |text: &str| serde_json::Value::from(text);
        let null = serde_json::Value::Null;
        let (key, first, second, end) = (text("\"a\""), text("\"\\\"x\""), text("\"2\""), text("}"));
        assert_eq!(shown, [(&null, &null), (&key, &first), (&key, &second), (&null, &end)]);
        let reason = |body: &'static [u8]| PayloadTrees::default().get(&delivery_of(2, body)).err();
        for body in ["hello", "", "\u{feff}{}"] {
            assert_eq!(reason(body.as_bytes()), Some("the payload is neither JSON nor a form"), "{body}");
        }
        assert_eq!(reason(b"{\"a\":"), Some("the payload is not JSON, or nested too deeply"));
        assert_eq!(reason(b"{\"a\":\"\xff\"}"), Some("the payload is not text"));
    }
}
