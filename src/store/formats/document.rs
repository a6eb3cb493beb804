//! JSON documents in which other tools keep requests: one entry, an array of them, or several
//! documents in a row. A broken entry stands beside the whole ones, and so does a torn document:
//! what stands in it before the tear is read.

use std::fmt;

use bytes::Bytes;
use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Deserializer, value::RawValue};

use super::{
    Collected, Entry, Fault, Format, Input, Reader,
    keys::{Key, Outline},
    parts::ParseError,
    position::LineCounter,
    whole,
};

/// How deep arrays of entries may stand in each other.
const DEEPEST: usize = 32;

/// How many documents may go on to the end of the input without an end of their own. Each is read up
/// to there, which a hostile input could make of every line.
const MOST_UNENDED: usize = 8;

/// A form of which each entry can be read by itself.
pub(super) struct Documents {
    /// As [`Format::name`].
    pub name: &'static str,
    /// Whether these are the keys of its documents.
    pub is_its: fn(&Outline) -> bool,
    /// The path of keys to the array that the entries stand in.
    pub array: &'static [&'static str],
    /// Reads an entry; `None` for one that delivers nothing.
    pub entry: fn(&str) -> Result<Option<Entry>, ParseError>,
}

impl Format for Documents {
    fn name(&self) -> &'static str {
        self.name
    }

    fn recognises(&self, head: &[u8]) -> bool {
        (self.is_its)(&Outline::of(head))
    }

    fn read<'a>(&self, input: Input<'a>) -> Result<Box<dyn Reader + 'a>, Fault> {
        Ok(Box::new(collect(&whole(input)?, self.array, self.entry)))
    }
}

/// Collects the entries that stand in an array under a path of keys; a document without that array,
/// and each element of one that is an array, is an entry itself. `parse` gives `None` for an entry
/// that delivers nothing.
pub(super) fn collect(
    input: &Bytes,
    array: &[&str],
    mut parse: impl FnMut(&str) -> Result<Option<Entry>, ParseError>,
) -> Collected {
    let mut lines = LineCounter::new(input);
    let mut collected = Collected::default();
    for found in Finder::find(input, array) {
        let (at, parsed) = match found {
            Found::Entry(raw) => (raw.as_ptr().addr() - input.as_ptr().addr(), parse(raw)),
            Found::Torn(at, error) => (at, Err(ParseError::Json(error))),
        };
        match parsed {
            Ok(Some(entry)) => collected.push(Ok(entry)),
            Ok(None) => collected.pass_over(),
            Err(error) => collected.push(Err(Fault::at(lines.start(at), error))),
        }
    }
    collected
}

/// What stands in an input, in order.
enum Found<'a> {
    Entry(&'a str),
    /// A document that starts at this byte and is no JSON.
    Torn(usize, serde_json::Error),
}

struct Finder<'a, 'p> {
    array: &'p [&'p str],
    found: Vec<Found<'a>>,
}

impl<'a, 'p> Finder<'a, 'p> {
    fn find(input: &'a [u8], array: &'p [&'p str]) -> Vec<Found<'a>> {
        let mut finder = Self { array, found: Vec::new() };
        let (mut at, mut unended) = (0, 0);
        while let Some(start) = input[at..].iter().position(|byte| !byte.is_ascii_whitespace()).map(|gap| at + gap) {
            let mut documents = Deserializer::from_slice(&input[start..]).into_iter::<&RawValue>();
            match documents.next() {
                Some(Ok(document)) => {
                    at = start + documents.byte_offset();
                    finder.entries(document.get(), DEEPEST);
                }
                Some(Err(error)) => {
                    let is_entered = finder.enter(&input[start..]);
                    unended += usize::from(error.is_eof());
                    finder.found.push(Found::Torn(start, error));
                    // What follows in the array would be taken for documents.
                    let is_last = is_entered || unended == MOST_UNENDED;
                    at = if is_last { input.len() } else { next_document(input, start) };
                }
                None => break,
            }
        }
        finder.found
    }

    /// Adds the entries of a document, or the document as one.
    fn entries(&mut self, document: &'a str, depth: usize) {
        let before = self.found.len();
        if depth == 0 || !self.enter(document.as_bytes()) {
            self.found.push(Found::Entry(document));
            return;
        }
        // An element may be a folder of further ones.
        for found in self.found.split_off(before) {
            match found {
                Found::Entry(element) => self.entries(element, depth - 1),
                torn @ Found::Torn(..) => self.found.push(torn),
            }
        }
    }

    /// Adds the elements of the array in a document, up to where that is torn. Whether there is one.
    fn enter(&mut self, document: &'a [u8]) -> bool {
        let mut is_there = false;
        let walk = Walk { array: self.array, found: &mut self.found, is_there: &mut is_there };
        // Where the document is torn is known already.
        let _ = walk.deserialize(&mut Deserializer::from_slice(document));
        is_there
    }
}

/// Where the document behind a torn one starts: at the next line that starts an object, as those of
/// a log do.
fn next_document(input: &[u8], torn: usize) -> usize {
    if input[torn] != b'{' {
        return input.len();
    }
    let next = input[torn..].windows(2).position(|bytes| bytes == b"\n{");
    next.map_or(input.len(), |next| torn + next + 1)
}

/// A walk along the path to the array.
struct Walk<'f, 'a, 'p> {
    array: &'p [&'p str],
    found: &'f mut Vec<Found<'a>>,
    is_there: &'f mut bool,
}

impl<'de> DeserializeSeed<'de> for Walk<'_, 'de, '_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_, 'de, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object or an array")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<(), A::Error> {
        while let Some(Key(key)) = object.next_key()? {
            match self.array.split_first() {
                Some((first, rest)) if key == *first => {
                    let (found, is_there) = (&mut *self.found, &mut *self.is_there);
                    object.next_value_seed(Walk { array: rest, found, is_there })?;
                }
                _ => drop(object.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<(), A::Error> {
        *self.is_there = true;
        while let Some(element) = array.next_element::<&RawValue>()? {
            self.found.push(Found::Entry(element.get()));
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
            Found::Entry(text) => String::from(text),
            Found::Torn(at, error) => format!("{at}: {error}"),
        };
        Finder::find(input.as_bytes(), array).into_iter().map(show).collect()
    }

    #[test]
    fn entries_stand_in_an_array_or_for_themselves() {
        let path = ["log", "entries"];
        assert_eq!(found(r#"{"log":{"a":[7],"entries":[1, {"b":2}]},"c":3}"#, &path), ["1", r#"{"b":2}"#]);
        assert_eq!(found(r#"[{"a":1},2]"#, &path), [r#"{"a":1}"#, "2"]);
        assert_eq!(found("{\"a\":1}\n\n{\"b\":2}", &path), [r#"{"a":1}"#, r#"{"b":2}"#]);
        assert_eq!(found(r#"{"log":{"entries":[]}}"#, &path), Vec::<String>::new());
    }

    #[test]
    fn a_folder_of_entries_is_its_entries() {
        assert_eq!(found(r#"{"item":[1,{"item":[2,{"item":[3]}]},4]}"#, &["item"]), ["1", "2", "3", "4"]);
        let deep = format!("{}{}", r#"{"item":["#.repeat(100_000), "]}".repeat(100_000));
        assert_eq!(found(&deep, &["item"]).len(), 1);
    }

    #[test]
    fn what_stands_before_a_tear_is_found() {
        let torn = found(r#"{"log":{"entries":[1,{"a":2},{"b":"#, &["log", "entries"]);
        assert_eq!(torn, ["1", r#"{"a":2}"#, "0: EOF while parsing a value at line 1 column 34"]);
    }

    #[test]
    fn a_broken_line_does_not_hide_the_next() {
        let log = "{\"a\":1}\n{\"a\" 2}\n{\"a\":3}\n";
        assert_eq!(found(log, &[]), [r#"{"a":1}"#, "8: expected `:` at line 1 column 6", r#"{"a":3}"#]);
        let array = "{\"a\":[\n{}\n{}\n{}";
        assert_eq!(found(array, &["a"]), ["{}", "0: expected `,` or `]` at line 3 column 1"]);
        assert_eq!(found(&"{\"a\":\n".repeat(100_000), &[]).len(), MOST_UNENDED);
        assert_eq!(found("[1]\n,\n{}", &[]), ["1", "4: expected value at line 1 column 1"]);
    }
}
