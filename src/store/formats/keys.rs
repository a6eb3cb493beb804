//! The keys by which a form that is JSON is told: those of the outermost object, read from the first
//! bytes of an input, wherever these end.

use std::{borrow::Cow, fmt};

use serde::{
    Deserializer,
    de::{Error, IgnoredAny, MapAccess, Visitor},
};

/// Whether `head` starts with an object that has one of these keys in its first level.
pub(super) fn has_any(head: &[u8], keys: &[&str]) -> bool {
    let mut found = false;
    let search = Search { keys, found: &mut found };
    // That the object ends too early for the parser is no matter: the keys before are known.
    let _ = serde_json::Deserializer::from_slice(head).deserialize_map(search);
    found
}

struct Search<'a> {
    keys: &'a [&'a str],
    found: &'a mut bool,
}

impl<'de> Visitor<'de> for Search<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<(), A::Error> {
        while let Some(key) = object.next_key::<Cow<'de, str>>()? {
            if self.keys.contains(&key.as_ref()) {
                *self.found = true;
                return Err(A::Error::custom("the rest is not needed"));
            }
            object.next_value::<IgnoredAny>()?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_found_before_the_head_ends() {
        for (head, found) in [
            (r#"{"kind":"deli"#, true),
            (r#"{"a":{"b":[1e400]},"kind"#, false),
            (r#"{"a":{"b":[1e400]},"kind""#, true),
            (r#" {"a":{"kind":1}}"#, false),
            (r#"["kind"]"#, false),
            ("{", false),
            ("", false),
        ] {
            assert_eq!(has_any(head.as_bytes(), &["log", "kind"]), found, "{head}");
        }
    }
}
