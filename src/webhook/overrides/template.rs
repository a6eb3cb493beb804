//! A payload whose changing values are located once, so that each of many sends only fills them in. The caller provides
//! the values, such as a time or a new id.

use std::ops::Range;

use super::{OverrideError, find};
use crate::webhook::json::{Kind, Node, Path, parse, quote};

/// A payload with blanks for the values that are new in every send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PayloadTemplate {
    text: String,
    blanks: Vec<Blank>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Blank {
    span: Range<usize>,
    /// The index of its path, and so of its value.
    index: usize,
    is_number: bool,
}

impl PayloadTemplate {
    /// Finds the values at `paths`.
    ///
    /// # Errors
    ///
    /// If the text is not JSON, a path does not exist, or one is inside the value of another.
    pub fn new(text: impl Into<String>, paths: &[Path]) -> Result<Self, OverrideError> {
        let text = text.into();
        let document = parse(&text)?;
        let mut blanks = Vec::with_capacity(paths.len());
        for (index, path) in paths.iter().enumerate() {
            let node = find(&document, path)?;
            blanks.push(Blank { span: node.span.clone(), index, is_number: matches!(node.kind, Kind::Number(_)) });
        }
        blanks.sort_by_key(|blank| (blank.span.start, usize::MAX - blank.span.end));
        if let Some((outer, inner)) =
            blanks.iter().zip(blanks.iter().skip(1)).find(|(outer, inner)| inner.span.start < outer.span.end)
        {
            let path = |blank: &Blank| paths[blank.index].clone();
            return Err(OverrideError::Overlap { inner: path(inner), outer: path(outer) });
        }
        Ok(Self { text, blanks })
    }

    /// Finds the values that equal one of `marks`, as a string or a number.
    ///
    /// # Errors
    ///
    /// If the text is not JSON.
    pub(in crate::webhook) fn marked(text: impl Into<String>, marks: &[String]) -> Result<Self, OverrideError> {
        let text = text.into();
        let mut blanks = Vec::with_capacity(marks.len());
        collect(&parse(&text)?, marks, &mut blanks);
        Ok(Self { text, blanks })
    }

    /// The payload with these values, in the order of the paths. Each becomes a string, except that a number stays one
    /// if the value is a number. A blank without a value keeps its old one.
    #[must_use]
    pub fn fill<T: AsRef<str>>(&self, values: &[T]) -> String {
        let given = |index: usize| values.get(index).map(AsRef::as_ref);
        self.filled(|blank, value| given(blank.index).map(|text| value.push_str(text)).is_some())
    }

    /// The payload with values that `write` appends, given the index of the value's mark or path. Digits that replace a
    /// number don't begin with a zero, so that they form a number too.
    pub(in crate::webhook) fn fill_with(&self, mut write: impl FnMut(usize, &mut String)) -> String {
        self.filled(|blank, value| {
            let start = value.len();
            write(blank.index, value);
            let is_zero_led = value.len() > start + 1 && value.as_bytes()[start] == b'0';
            if blank.is_number && is_zero_led && value[start..].bytes().all(|byte| byte.is_ascii_digit()) {
                value.replace_range(start..=start, "1");
            }
            true
        })
    }

    fn filled(&self, mut write: impl FnMut(&Blank, &mut String) -> bool) -> String {
        let mut filled = String::with_capacity(self.text.len() + 64);
        let mut copied = 0;
        for blank in &self.blanks {
            let before = filled.len();
            filled.push_str(&self.text[copied..blank.span.start]);
            // Written in place, and rewritten only if it needs escapes or quotes.
            filled.push('"');
            let start = filled.len();
            if !write(blank, &mut filled) {
                filled.truncate(before);
                continue;
            }
            let value = &filled[start..];
            if blank.is_number && is_number(value) {
                filled.remove(start - 1);
            } else if needs_escapes(value) {
                let quoted = quote(value);
                filled.replace_range(start - 1.., &quoted);
            } else {
                filled.push('"');
            }
            copied = blank.span.end;
        }
        filled.push_str(&self.text[copied..]);
        filled
    }
}

/// Adds the blanks within a node in the order of the text.
fn collect(node: &Node<'_>, marks: &[String], blanks: &mut Vec<Blank>) {
    let (found, is_number) = match &node.kind {
        Kind::Array(items) => return items.iter().for_each(|item| collect(item, marks, blanks)),
        Kind::Object(members) => return members.iter().for_each(|member| collect(&member.value, marks, blanks)),
        Kind::String(text) => (text.as_ref(), false),
        Kind::Number(text) => (*text, true),
        Kind::Null | Kind::Bool(_) => return,
    };
    if let Some(index) = marks.iter().position(|mark| mark == found) {
        blanks.push(Blank { span: node.span.clone(), index, is_number });
    }
}

/// Whether a text needs escapes between quotes.
fn needs_escapes(text: &str) -> bool {
    // Counting is vectorised; a search for the first is not.
    text.bytes().filter(|byte| *byte < b' ' || matches!(byte, b'"' | b'\\')).count() > 0
}

fn is_number(text: &str) -> bool {
    parse(text).is_ok_and(|node| matches!(node.kind, Kind::Number(number) if number == text))
}

/// Replaces one value by a text: as a string, except that a number stays one if the text is a number.
///
/// # Errors
///
/// If the payload is not JSON or the path does not exist.
pub fn replace(text: &str, path: &Path, value: &str) -> Result<String, OverrideError> {
    Ok(PayloadTemplate::new(text, std::slice::from_ref(path))?.fill(&[value]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::webhook::json::SyntaxError;

    fn path(text: &str) -> Path {
        text.parse().unwrap()
    }

    #[test]
    fn values_go_to_their_paths_in_any_order_of_the_paths() {
        let text = r#"{ "id" : "evt_1", "created": 1735732800, "data": {"n": "1"} }"#;
        let template = PayloadTemplate::new(text, &[path("created"), path("data.n"), path("id")]).unwrap();
        let expected = r#"{ "id" : "evt_\"2\"", "created": 1735732801, "data": {"n": "2"} }"#;
        assert_eq!(template.fill(&["1735732801", "2", "evt_\"2\""]), expected);
        assert_eq!(template.fill(&["1735732802"]), text.replace("800", "802"));
        assert_eq!(template.fill::<&str>(&[]), text);
    }

    #[test]
    fn fresh_digits_in_the_place_of_a_number_are_one() {
        let template = PayloadTemplate::new(r#"{"n":12,"t":"12","z":5}"#, &[path("n"), path("t"), path("z")]).unwrap();
        let fresh = ["0071", "0071", "0"];
        let filled = template.fill_with(|index, value| value.push_str(fresh[index]));
        assert_eq!(filled, r#"{"n":1071,"t":"0071","z":0}"#);
    }

    #[test]
    fn text_becomes_a_number_only_where_a_number_was() {
        let set = |text: &str, value: &str| replace(text, &path("a"), value).unwrap();
        assert_eq!(set(r#"{"a":1}"#, "2"), r#"{"a":2}"#);
        assert_eq!(set(r#"{"a":1}"#, " 2"), r#"{"a":" 2"}"#);
        assert_eq!(set(r#"{"a":1}"#, "007"), r#"{"a":"007"}"#);
        assert_eq!(set(r#"{"a":"1"}"#, "2"), r#"{"a":"2"}"#);
        assert_eq!(set(r#"{"a":null}"#, "2"), r#"{"a":"2"}"#);
        assert_eq!(set(r#"{"a":"x"}"#, r#""y""#), r#"{"a":"\"y\""}"#);
    }

    #[test]
    fn a_path_that_leads_nowhere_is_named_with_the_nearest() {
        let error = OverrideError::Missing { path: path("event.typ"), nearest: Some(path("event.type")) };
        assert_eq!(replace(r#"{"event":{"type":1}}"#, &path("event.typ"), ""), Err(error.clone()));
        assert_eq!(error.to_string(), "there is no `event.typ` in the payload; the nearest is `event.type`");
    }

    #[test]
    fn a_value_within_another_cannot_be_replaced_besides_it() {
        let template = |paths: &[&str]| {
            PayloadTemplate::new(r#"{"a":{"b":1}}"#, &paths.iter().map(|p| path(p)).collect::<Vec<_>>())
        };
        let overlap = |inner, outer| Err(OverrideError::Overlap { inner: path(inner), outer: path(outer) });
        assert_eq!(template(&["a.b", "a"]), overlap("a.b", "a"));
        assert_eq!(template(&["a", "/a"]), overlap("a", "a"));
    }

    #[test]
    fn a_payload_that_is_not_json_is_an_error() {
        let error = SyntaxError { offset: 6, line: 1, column: 7, message: "expected a value" };
        assert_eq!(replace(r#"{"a": x}"#, &path("a"), ""), Err(OverrideError::Syntax(error)));
    }
}
