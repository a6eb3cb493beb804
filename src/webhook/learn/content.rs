//! The signed content that occurs in practice, as templates, most common first: the parts in one of the known orders,
//! with the same separator between all of them, and optionally a version before them.

use std::collections::HashSet;

use crate::webhook::diagnose::CONTENTS;

/// The templates that replace the placeholders of a pattern for one request.
pub(super) struct ContentParts<'a> {
    /// The timestamp, if there is one.
    pub time: Option<&'a str>,
    /// The id, or another value beside the body.
    pub id: Option<&'a str>,
    /// The tag before the signature without its end, such as `v1`.
    pub tag: Option<&'a str>,
    /// The path of the URL that the provider called, if the request arrived at another.
    pub path: Option<&'a str>,
}

/// Which templates are tried: first the common ones in every place, then the rare ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rarity {
    Common,
    Rare,
}

/// The orders in which values are signed: `T` is the timestamp, `I` the id, `B` the body, `H` the body's hash, `h` the
/// same in base64, `U` the URL, `M` the method, `P` the path, `F` the fields of a form.
const ORDERS: [&str; 42] = [
    "B", "TB", "BT", "IB", "BI", "ITB", "TIB", "TBI", "BTI", "IBT", "BIT", "H", "TH", "ITH", "TIH", "UB", "BU", "UF",
    "UTB", "TUB", "MUBT", "MUTB", "TMUB", "MUB", "TMPB", "MPTB", "MPB", "PB", "TPB", "U", "F", "TF", "FT", "h", "Th",
    "MPTH", "MPH", "TMPH", "MPTh", "TMPh", "PTB", "PTH",
];

const SEPARATORS: [&str; 9] = [".", ":", "", "|", "\n", ",", "-", "_", ";"];

const RARE_SEPARATORS: [&str; 6] = [", ", " ", "; ", "&", "/", "\r\n"];

/// What may precede the parts, besides the tag of the signature's value.
const VERSIONS: [&str; 2] = ["v0", "v1"];

const RARE_VERSIONS: [&str; 4] = ["v2", "v3", "1", "2"];

/// The templates of a signature that is in the payload, and so doesn't cover all of it.
pub(super) fn templates_without_body(parts: &ContentParts<'_>) -> Vec<String> {
    let mut all = Vec::new();
    for order in ["TI", "IT", "I", "T"] {
        if order.contains('T') == parts.time.is_some() && order.contains('I') == parts.id.is_some() {
            let values: Vec<&str> = order.chars().map(|part| parts.value(part)).collect();
            all.extend(SEPARATORS.map(|separator| values.join(separator)));
        }
    }
    all.dedup();
    all
}

/// The templates that are possible with these parts.
pub(super) fn templates(parts: &ContentParts<'_>, rarity: Rarity) -> Vec<String> {
    match rarity {
        Rarity::Common => common(&ContentParts { path: None, ..*parts }),
        Rarity::Rare => rare(parts),
    }
}

fn common(parts: &ContentParts<'_>) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for (pattern, _) in CONTENTS {
        let has = |placeholder: char, value: Option<&str>| pattern.contains(placeholder) == value.is_some();
        if has('T', parts.time) && has('I', parts.id) {
            let text = pattern.replace('T', parts.time.unwrap_or_default());
            // The placeholders of timestamps and headers have no capital I.
            all.push(text.replace('I', parts.id.unwrap_or_default()));
        }
    }
    for values in parts.orders() {
        for separator in SEPARATORS {
            let versions = parts.tag.into_iter().chain(VERSIONS);
            all.extend(joined(&values, separator, versions));
            all.push(values.join(separator));
        }
    }
    without_repeats(all)
}

/// The rare templates: with other separators, other versions, or the path that the provider called.
fn rare(parts: &ContentParts<'_>) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for values in parts.orders() {
        for separator in RARE_SEPARATORS.into_iter().chain(SEPARATORS) {
            all.push(values.join(separator));
            let versions = parts.tag.into_iter().chain(VERSIONS).chain(RARE_VERSIONS);
            all.extend(joined(&values, separator, versions));
        }
    }
    let common: HashSet<String> = common(&ContentParts { path: None, ..*parts }).into_iter().collect();
    all.retain(|text| !common.contains(text));
    without_repeats(all)
}

/// Several values after each of these versions.
fn joined<'a>(
    values: &'a [&str],
    separator: &'a str,
    versions: impl Iterator<Item = &'a str> + 'a,
) -> impl Iterator<Item = String> + 'a {
    versions.filter(|_| values.len() > 1).map(move |version| format!("{version}{separator}{}", values.join(separator)))
}

fn without_repeats(all: Vec<String>) -> Vec<String> {
    let mut seen = HashSet::new();
    all.into_iter().filter(|text| seen.insert(text.clone())).collect()
}

impl<'a> ContentParts<'a> {
    /// The orders that have exactly these parts, each with their values.
    fn orders(&self) -> impl Iterator<Item = Vec<&'a str>> {
        let has = |order: &str, part, value: Option<&str>| order.contains(part) == value.is_some();
        let possible = ORDERS.into_iter().filter(move |order| has(order, 'T', self.time) && has(order, 'I', self.id));
        possible.map(|order| order.chars().map(|part| self.value(part)).collect())
    }

    fn value(&self, part: char) -> &'a str {
        match part {
            'T' => self.time.unwrap_or_default(),
            'I' => self.id.unwrap_or_default(),
            'B' => "{body}",
            'H' => "{sha256:body}",
            'h' => "{sha256-base64:body}",
            'U' => "{url}",
            'M' => "{method}",
            'P' => self.path.unwrap_or("{path}"),
            _ => "{form:sorted}",
        }
    }
}
