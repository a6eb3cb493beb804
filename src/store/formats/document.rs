//! JSON documents in which other tools store requests: one entry, an array of entries, or several documents in a row. A
//! broken entry doesn't hide the others, and the complete entries of an incomplete document are read.

use std::fmt;

use bytes::Bytes;
use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Deserializer, value::RawValue};

use super::{
    Collected, Entry, EntryFault, EntryReader, Format, GzipBudget, Input,
    keys::{ObjectKey, Outline},
    parts::{ParseError, expected},
    position::LineCounter,
    whole,
};

/// How deeply arrays of entries may be nested.
const MAX_DEPTH: usize = 32;

/// How much may be reread after broken documents, in multiples of the input's length. Reading continues at the next
/// line that may start a document, which can be long before the error, and in a hostile input every line could be such
/// a line.
const MAX_REREAD: usize = 8;

/// How many entries an input may have, because an entry of two bytes takes far more memory.
const MAX_ENTRIES: usize = 1 << 20;

/// A format whose entries can be read independently.
pub(super) struct Documents {
    /// See [`Format::name`].
    pub name: &'static str,
    /// Whether a document with these keys is in this format.
    pub matches: fn(&Outline) -> bool,
    /// The path of keys to the array that holds the entries.
    pub array: &'static [&'static str],
    /// Parses an entry; `None` for one that delivers nothing.
    pub parse: fn(&str) -> Result<Option<Entry>, ParseError>,
}

impl Format for Documents {
    fn name(&self) -> &'static str {
        self.name
    }

    fn recognises(&self, head: &[u8]) -> bool {
        (self.matches)(&Outline::new(head))
    }

    fn read<'a>(&self, input: Input<'a>, _: &mut GzipBudget) -> Result<Box<dyn EntryReader + 'a>, EntryFault> {
        Ok(Box::new(collect(&whole(input)?, self.array, self.parse)))
    }
}

/// Collects the entries in the array at a path of keys. A document without that array is an entry itself, and so is
/// each element of a document that is an array. `parse` returns `None` for an entry that delivers nothing.
pub(super) fn collect(
    input: &Bytes,
    array: &[&str],
    mut parse: impl FnMut(&str) -> Result<Option<Entry>, ParseError>,
) -> Collected {
    collect_all(input, array, |json| Ok(parse(json)?.map(Ok).into_iter().collect()))
}

/// Like [`collect`], for entries that each contain any number of requests.
pub(super) fn collect_all(
    input: &Bytes,
    array: &[&str],
    mut parse: impl FnMut(&str) -> Result<Vec<Result<Entry, ParseError>>, ParseError>,
) -> Collected {
    let mut lines = LineCounter::new(input);
    let mut collected = Collected::default();
    for found in ItemFinder::find(input, array) {
        let (at, parsed) = match found {
            ArrayItem::Entry(raw) => (raw.as_ptr().addr() - input.as_ptr().addr(), parse(raw)),
            ArrayItem::Broken(at, error) => (at, Err(error)),
        };
        collected.extend(lines.start(at), parsed);
    }
    collected
}

/// What an input holds, in order.
enum ArrayItem<'a> {
    Entry(&'a str),
    /// The offset of a document, and what is wrong with it.
    Broken(usize, ParseError),
}

struct ItemFinder<'a, 'p> {
    array: &'p [&'p str],
    found: Vec<ArrayItem<'a>>,
}

impl<'a, 'p> ItemFinder<'a, 'p> {
    fn find(input: &'a [u8], array: &'p [&'p str]) -> Vec<ArrayItem<'a>> {
        let mut finder = Self { array, found: Vec::new() };
        let (mut at, mut reread) = (0, 0);
        while let Some(start) = input[at..].iter().position(|byte| !byte.is_ascii_whitespace()).map(|gap| at + gap) {
            let mut documents = Deserializer::from_slice(&input[start..]).into_iter::<&RawValue>();
            match documents.next() {
                Some(Ok(document)) => {
                    at = start + documents.byte_offset();
                    finder.entries(document.get(), MAX_DEPTH);
                    if finder.found.len() > MAX_ENTRIES {
                        finder.found.truncate(MAX_ENTRIES);
                        let limit = format!("at most {MAX_ENTRIES} entries");
                        finder.found.push(ArrayItem::Broken(start, expected(limit)));
                        break;
                    }
                }
                Some(Err(error)) => {
                    let is_entered = finder.enter(&input[start..]);
                    at = next_document(input, start);
                    reread += (start + offset(&error, &input[start..])).saturating_sub(at);
                    finder.found.push(ArrayItem::Broken(start, ParseError::Json(error)));
                    // The rest of the array would be mistaken for documents.
                    if is_entered || reread > input.len().saturating_mul(MAX_REREAD) {
                        break;
                    }
                }
                None => break,
            }
        }
        finder.found
    }

    /// Adds the entries of a document, or the document as an entry.
    fn entries(&mut self, document: &'a str, depth: usize) {
        let before = self.found.len();
        if depth == 0 || !self.enter(document.as_bytes()) {
            self.found.push(ArrayItem::Entry(document));
            return;
        }
        // An element may be a folder with its own entries.
        for found in self.found.split_off(before) {
            match found {
                ArrayItem::Entry(element) => self.entries(element, depth - 1),
                broken @ ArrayItem::Broken(..) => self.found.push(broken),
            }
        }
    }

    /// Adds the elements of the array in a document, as far as it is readable. Returns whether there is such an array.
    fn enter(&mut self, document: &'a [u8]) -> bool {
        let mut has_array = false;
        let visitor = ArrayVisitor { array: self.array, found: &mut self.found, has_array: &mut has_array };
        // The position of an error is already known.
        let _ = visitor.deserialize(&mut Deserializer::from_slice(document));
        has_array
    }
}

/// The offset of the document after a broken one: the next line that starts an object, as in a log.
fn next_document(input: &[u8], broken: usize) -> usize {
    if input[broken] != b'{' {
        return input.len();
    }
    let next = input[broken..].windows(2).position(|bytes| bytes == b"\n{");
    next.map_or(input.len(), |next| broken + next + 1)
}

/// The number of bytes of a document that were read before an error.
fn offset(error: &serde_json::Error, document: &[u8]) -> usize {
    let lines = document.split_inclusive(|&byte| byte == b'\n').take(error.line().saturating_sub(1));
    lines.map(<[u8]>::len).sum::<usize>() + error.column()
}

/// Follows the path to the array.
struct ArrayVisitor<'f, 'a, 'p> {
    array: &'p [&'p str],
    found: &'f mut Vec<ArrayItem<'a>>,
    has_array: &'f mut bool,
}

impl<'de> DeserializeSeed<'de> for ArrayVisitor<'_, 'de, '_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ArrayVisitor<'_, 'de, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object or an array")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<(), A::Error> {
        while let Some(ObjectKey(key)) = object.next_key()? {
            match self.array.split_first() {
                Some((first, rest)) if key == *first => {
                    let (found, has_array) = (&mut *self.found, &mut *self.has_array);
                    object.next_value_seed(ArrayVisitor { array: rest, found, has_array })?;
                }
                _ => drop(object.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<(), A::Error> {
        *self.has_array = true;
        while let Some(element) = array.next_element::<&RawValue>()? {
            if self.found.len() <= MAX_ENTRIES {
                self.found.push(ArrayItem::Entry(element.get()));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each entry's text, or the error.
    fn found(input: &str, array: &[&str]) -> Vec<String> {
        let show = |found| match found {
            ArrayItem::Entry(text) => String::from(text),
            ArrayItem::Broken(at, ParseError::Json(error)) => format!("{at}: {error}"),
            ArrayItem::Broken(at, error) => format!("{at}: {error:?}"),
        };
        ItemFinder::find(input.as_bytes(), array).into_iter().map(show).collect()
    }

    #[test]
    fn entries_are_in_an_array_or_documents_themselves() {
        let path = ["log", "entries"];
        assert_eq!(found(r#"{"log":{"a":[7],"entries":[1, {"b":2}]},"c":3}"#, &path), ["1", r#"{"b":2}"#]);
        assert_eq!(found(r#"[{"a":1},2]"#, &path), [r#"{"a":1}"#, "2"]);
        assert_eq!(found("{\"a\":1}\n\n{\"b\":2}", &path), [r#"{"a":1}"#, r#"{"b":2}"#]);
        assert_eq!(found(r#"{"log":{"entries":[]}}"#, &path), Vec::<String>::new());
    }

    #[test]
    fn folders_of_entries_are_opened() {
        assert_eq!(found(r#"{"item":[1,{"item":[2,{"item":[3]}]},4]}"#, &["item"]), ["1", "2", "3", "4"]);
        let deep = format!("{}{}", r#"{"item":["#.repeat(100_000), "]}".repeat(100_000));
        assert_eq!(found(&deep, &["item"]).len(), 1);
    }

    #[test]
    fn entries_before_the_end_of_an_incomplete_document_are_found() {
        let torn = found(r#"{"log":{"entries":[1,{"a":2},{"b":"#, &["log", "entries"]);
        assert_eq!(torn, ["1", r#"{"a":2}"#, "0: EOF while parsing a value at line 1 column 34"]);
    }

    #[test]
    fn a_broken_line_does_not_hide_the_next() {
        let log = "{\"a\":1}\n{\"a\" 2}\n{\"a\":3}\n";
        assert_eq!(found(log, &[]), [r#"{"a":1}"#, "8: expected `:` at line 1 column 6", r#"{"a":3}"#]);
        let array = "{\"a\":[\n{}\n{}\n{}";
        assert_eq!(found(array, &["a"]), ["{}", "0: expected `,` or `]` at line 3 column 1"]);
        assert_eq!(found("[1]\n,\n{}", &[]), ["1", "4: expected value at line 1 column 1"]);
    }

    #[test]
    fn broken_documents_are_read_again_a_few_times_at_most() {
        for end in ["", "!", "]", "{\"a\" 1}", "\"\u{1}\""] {
            let found = found(&format!("{}{end}\n", "{\"a\":\n".repeat(50_000)), &[]);
            assert_eq!(found.len(), MAX_REREAD + 1, "{end}");
        }
        // Each of these is only read up to the next one.
        let log = "{\"a\":\n{\"a\":1}\n".repeat(500);
        assert_eq!(found(&log, &[]).iter().filter(|found| found.ends_with("1}")).count(), 500);
    }

    #[test]
    fn entries_of_a_few_bytes_have_a_limit() {
        let entries = format!("{{\"a\":[{}0]}}", "1,".repeat(MAX_ENTRIES + 5));
        let found = ItemFinder::find(entries.as_bytes(), &["a"]);
        assert_eq!(found.len(), MAX_ENTRIES + 1);
        assert!(matches!(found.last(), Some(ArrayItem::Broken(0, ParseError::Expected(_)))));
    }
}
