//! The signed contents that occur in practice, as templates, the commonest first.

use crate::webhook::diagnose::CONTENTS;

/// What the placeholders of a pattern mean for one request: templates.
pub(super) struct Parts<'a> {
    /// The timestamp, if there is one.
    pub time: Option<&'a str>,
    /// The id, or another value beside the body.
    pub id: Option<&'a str>,
    /// The tag before the signature without its end, such as `v1`.
    pub tag: Option<&'a str>,
}

/// The orders in which values are signed: `T` is the timestamp, `I` the id, `B` the body, `H` the body's hash, `h` the same in
/// base64, `U` the URL, `M` the method, `P` the path, `F` the fields of a form.
const ORDERS: [&str; 40] = [
    "B", "TB", "BT", "IB", "BI", "ITB", "TIB", "TBI", "BTI", "IBT", "BIT", "H", "TH", "ITH", "TIH", "UB", "BU", "UF",
    "UTB", "TUB", "MUBT", "MUTB", "TMUB", "MUB", "TMPB", "MPTB", "MPB", "PB", "TPB", "U", "F", "TF", "FT", "h", "Th",
    "MPTH", "MPH", "TMPH", "MPTh", "TMPh",
];

const SEPARATORS: [&str; 9] = [".", ":", "", "|", "\n", ",", "-", "_", ";"];

/// The templates of a signature that is in the payload, and so doesn't cover all of it.
pub(super) fn templates_without_body(parts: &Parts<'_>) -> Vec<String> {
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
pub(super) fn templates(parts: &Parts<'_>) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    let mut add = |text: String| {
        if !all.contains(&text) {
            all.push(text);
        }
    };
    for (pattern, _) in CONTENTS {
        let has = |placeholder: char, value: Option<&str>| pattern.contains(placeholder) == value.is_some();
        if has('T', parts.time) && has('I', parts.id) {
            let text = pattern.replace('T', parts.time.unwrap_or_default());
            // The placeholder of the timestamp has no capital I, and that of a header has none either.
            add(text.replace('I', parts.id.unwrap_or_default()));
        }
    }
    for order in ORDERS {
        let (has_time, has_id) = (order.contains('T'), order.contains('I'));
        if has_time != parts.time.is_some() || has_id != parts.id.is_some() {
            continue;
        }
        let values: Vec<&str> = order.chars().map(|part| parts.value(part)).collect();
        for separator in SEPARATORS {
            let text = values.join(separator);
            if values.len() > 1 {
                for tag in parts.tag.into_iter().chain(["v0", "v1"]) {
                    add(format!("{tag}{separator}{text}"));
                }
            }
            add(text);
        }
    }
    all
}

impl<'a> Parts<'a> {
    fn value(&self, part: char) -> &'a str {
        match part {
            'T' => self.time.unwrap_or_default(),
            'I' => self.id.unwrap_or_default(),
            'B' => "{body}",
            'H' => "{sha256:body}",
            'h' => "{sha256-base64:body}",
            'U' => "{url}",
            'M' => "{method}",
            'P' => "{path}",
            _ => "{form:sorted}",
        }
    }
}
