//! The keys by which a JSON format is detected, read from the start of an input, which may be cut off anywhere.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, Error, IgnoredAny, MapAccess, SeqAccess, Visitor},
};

/// A key, borrowed from the document if it has no escapes.
#[derive(Deserialize)]
pub(super) struct ObjectKey<'a>(#[serde(borrow)] pub(super) Cow<'a, str>);

/// The string at a key of the object that `head` starts with. The string must be complete; the object need not be.
pub(super) fn string_at<'a>(head: &'a [u8], key: &str) -> Option<Cow<'a, str>> {
    let mut found = None;
    // Errors don't matter, not even an early end, because everything before them has been read.
    let _ = serde_json::Deserializer::from_slice(head).deserialize_map(KeyVisitor { key, found: &mut found });
    found
}

struct KeyVisitor<'s, 'de> {
    key: &'s str,
    found: &'s mut Option<Cow<'de, str>>,
}

impl<'de> Visitor<'de> for KeyVisitor<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<(), A::Error> {
        while let Some(ObjectKey(key)) = object.next_key()? {
            if key == self.key {
                let ObjectKey(value) = object.next_value()?;
                *self.found = Some(value);
                return Err(A::Error::custom("the rest is not needed"));
            }
            object.next_value::<IgnoredAny>()?;
        }
        Ok(())
    }
}

/// The keys in the top levels of a document, as paths such as `log.entries`. The first element of an array represents
/// all of them, as in `requests[].start`. If the document is an array, its first element is treated as the document.
pub(super) struct Outline(Vec<String>);

impl Outline {
    const MAX_DEPTH: usize = 4;

    /// How many lines are tried to find a valid one.
    const MAX_LINES: usize = 4;

    /// The outline of an input that starts with `head`.
    pub(super) fn new(head: &[u8]) -> Self {
        let mut paths = Vec::new();
        let mut rest = head;
        for _ in 0..Self::MAX_LINES {
            if !matches!(rest.trim_ascii_start(), [b'{' | b'[', ..]) {
                break;
            }
            let level = Level { above: "", depth: Self::MAX_DEPTH, paths: &mut paths };
            let read = level.deserialize(&mut serde_json::Deserializer::from_slice(rest));
            let Some(next) = rest.windows(2).position(|bytes| bytes == b"\n{") else { break };
            // In a log, the line after a broken one also shows the format.
            if !read.is_err_and(|error| error.is_syntax()) {
                break;
            }
            rest = &rest[next + 1..];
        }
        Self(paths)
    }

    /// The paths of all keys.
    pub(super) fn paths(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// Whether all of these keys are under `above`, which is empty or ends in a dot.
    pub(super) fn has_all(&self, above: &str, paths: &[&str]) -> bool {
        let has = |path: &str| self.0.iter().any(|known| known.strip_prefix(above) == Some(path));
        paths.iter().all(|path| has(path))
    }
}

struct Level<'p> {
    above: &'p str,
    depth: usize,
    paths: &'p mut Vec<String>,
}

impl<'de> DeserializeSeed<'de> for Level<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        if self.depth == 0 {
            IgnoredAny::deserialize(deserializer).map(drop)
        } else {
            deserializer.deserialize_any(self)
        }
    }
}

impl<'de> Visitor<'de> for Level<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<(), A::Error> {
        while let Some(ObjectKey(key)) = object.next_key()? {
            let path = format!("{}{key}", self.above);
            self.paths.push(path.clone());
            let above = format!("{path}.");
            object.next_value_seed(Level { above: &above, depth: self.depth - 1, paths: &mut *self.paths })?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<(), A::Error> {
        let above = self.above.strip_suffix('.').map_or_else(String::new, |above| format!("{above}[]."));
        array.next_element_seed(Level { above: &above, depth: self.depth, paths: &mut *self.paths })?;
        while array.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_string_is_found_before_the_head_ends() {
        for (head, found) in [
            (r#"{"kind":"deli"#, None),
            (r#"{"a":{"b":[1e400]},"kind":"a\u0062""#, Some("ab")),
            (r#"{"kind":"delivery" "request""#, Some("delivery")),
            (r#"{"kind":1,"kind":"a"}"#, None),
            (r#" {"a":{"kind":"a"}}"#, None),
            (r#"["kind"]"#, None),
            ("", None),
        ] {
            assert_eq!(string_at(head.as_bytes(), "kind").as_deref(), found, "{head}");
        }
    }

    #[test]
    fn an_outline_has_the_keys_of_the_top_levels() {
        let Outline(paths) = Outline::new(br#"{"a":[{"b":{"c":{"d":{"e":1}}}},{"f":1}],"g":1.5,"h":"#);
        assert_eq!(paths, ["a", "a[].b", "a[].b.c", "a[].b.c.d", "g", "h"]);
        let Outline(paths) = Outline::new(br#" [{"a":null,"b":[{"c":tr"#);
        assert_eq!(paths, ["a", "b", "b[].c"]);
        assert_eq!(Outline::new(b"{\"a\" 1}\n{\"b\":2}\n{\"c\":3}").0, ["a", "b"]);
        assert_eq!(Outline::new(b"\"a\"").0, Vec::<String>::new());
    }

    #[test]
    fn all_of_several_keys_must_be_there() {
        let outline = Outline::new(br#"{"log":{"version":"1.2","entries":[]}}"#);
        assert!(outline.has_all("log.", &["entries", "version"]));
        assert!(!outline.has_all("log.", &["entries", "creator"]));
        assert!(!outline.has_all("", &["entries"]));
    }

    #[test]
    fn a_deep_document_has_an_outline_too() {
        let deep = ["[".repeat(100_000), r#"{"a":"#.repeat(100_000)].concat();
        assert_eq!(Outline::new(deep.as_bytes()).0, Vec::<String>::new());
    }
}
