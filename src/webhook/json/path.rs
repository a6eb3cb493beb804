//! The path of a value in a document, as people type it: `data.platforms.0.name`. `Node::get` follows it.

use std::{fmt, str::FromStr};

/// The keys that lead from a document's root to a value.
///
/// Parsed from dotted text, in which a backslash makes the punctuation after it part of a key (`a\.b`), or, if the text
/// begins with `/`, from an RFC 6901 pointer. Array items are addressed by index.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Path(Vec<String>);

impl Path {
    /// The keys, outermost first.
    #[must_use]
    pub fn keys(&self) -> &[String] {
        &self.0
    }

    /// The path as an RFC 6901 pointer, `/data/platforms/0/name`.
    #[must_use]
    pub fn pointer(&self) -> String {
        self.0.iter().map(|key| PointerToken(key).to_string()).collect()
    }
}

impl FromStr for Path {
    type Err = InvalidPath;

    fn from_str(text: &str) -> Result<Self, InvalidPath> {
        match text.strip_prefix('/') {
            Some(tokens) => tokens
                .split('/')
                .map(unescape_token)
                .collect::<Option<_>>()
                .ok_or_else(|| InvalidPath::Tilde(text.into())),
            None => dotted_keys(text),
        }
        .map(Self)
    }
}

fn dotted_keys(text: &str) -> Result<Vec<String>, InvalidPath> {
    if text.is_empty() {
        return Err(InvalidPath::Empty);
    }
    let (mut keys, mut key) = (Vec::new(), String::new());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '.' => keys.push(std::mem::take(&mut key)),
            '\\' => match characters.next() {
                Some(literal) if literal.is_ascii_punctuation() => key.push(literal),
                _ => return Err(InvalidPath::Backslash(text.into())),
            },
            _ => key.push(character),
        }
    }
    keys.push(key);
    if keys.iter().any(String::is_empty) { Err(InvalidPath::EmptyKey(text.into())) } else { Ok(keys) }
}

/// Decodes `~1` and `~0`; `None` if a `~` comes before anything else.
fn unescape_token(token: &str) -> Option<String> {
    let mut parts = token.split('~');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.try_fold(first, |key, part| {
        let rest = part.strip_prefix('0').map(|rest| ('~', rest));
        let (decoded, rest) = rest.or_else(|| part.strip_prefix('1').map(|rest| ('/', rest)))?;
        Some(key + decoded.encode_utf8(&mut [0; 4]) + rest)
    })
}

/// The dotted form, which parses as the same path; or the pointer if a key is empty, which dots can't express.
impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.iter().any(String::is_empty) {
            return f.write_str(&self.pointer());
        }
        for (index, key) in self.0.iter().enumerate() {
            f.write_str(match index {
                0 if key.starts_with('/') => "\\",
                0 => "",
                _ => ".",
            })?;
            for character in key.chars() {
                // `=` ends a path on the command line.
                f.write_str(if matches!(character, '.' | '\\' | '=') { "\\" } else { "" })?;
                write!(f, "{character}")?;
            }
        }
        Ok(())
    }
}

impl FromIterator<String> for Path {
    fn from_iter<T: IntoIterator<Item = String>>(keys: T) -> Self {
        Self(keys.into_iter().collect())
    }
}

/// One key in an RFC 6901 pointer, with the slash before it.
pub(crate) struct PointerToken<'a>(pub(crate) &'a str);

impl fmt::Display for PointerToken<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "/{}", self.0.replace('~', "~0").replace('/', "~1"))
    }
}

/// The key as an array index, if it is one: decimal digits without leading zeros (RFC 6901, section 4).
pub(super) fn index(key: &str) -> Option<usize> {
    let is_canonical = key == "0" || !key.starts_with(['0', '+']);
    if is_canonical { key.parse().ok() } else { None }
}

/// Why a text is not a path.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPath {
    /// Two dots in a row, or a dot at either end.
    #[error("the path `{0}` has an empty key; write a JSON pointer (`/a//b`) if that is meant")]
    EmptyKey(String),
    /// An empty text.
    #[error("the path is empty")]
    Empty,
    /// A backslash before a letter, a digit, a space or the end.
    #[error("a backslash in the path `{0}` must come before `.` or other punctuation")]
    Backslash(String),
    /// A `~` that is not part of an escape.
    #[error("a `~` in the JSON pointer `{0}` must be followed by 0 or 1")]
    Tilde(String),
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn keys(text: &str) -> Vec<String> {
        text.parse::<Path>().unwrap().0
    }

    #[test]
    fn dots_separate_keys_and_a_backslash_escapes_one() {
        assert_eq!(keys("event.type"), ["event", "type"]);
        assert_eq!(keys("data.platforms.0.name"), ["data", "platforms", "0", "name"]);
        assert_eq!(keys(r"a\.b.c\\d"), ["a.b", r"c\d"]);
        assert_eq!(keys(r"\/a.b/c"), ["/a", "b/c"]);
    }

    #[test]
    fn a_leading_slash_makes_it_a_pointer_as_in_rfc_6901() {
        // The examples of RFC 6901, section 5.
        assert_eq!(keys("/foo/0"), ["foo", "0"]);
        assert_eq!(keys("/"), [""]);
        assert_eq!(keys("/a~1b"), ["a/b"]);
        assert_eq!(keys("/m~0n"), ["m~n"]);
        assert_eq!(keys(r"/i\j"), [r"i\j"]);
        assert_eq!(keys("/~01"), ["~1"]);
    }

    #[test]
    fn an_invalid_path_is_named() {
        assert_eq!("".parse::<Path>(), Err(InvalidPath::Empty));
        for text in [".", "a..b", ".a", "a."] {
            assert_eq!(text.parse::<Path>(), Err(InvalidPath::EmptyKey(text.into())));
        }
        for text in [r"a\", r"a\b", r"\é"] {
            assert_eq!(text.parse::<Path>(), Err(InvalidPath::Backslash(text.into())));
        }
        for text in ["/~", "/a~2", "/~/0"] {
            assert_eq!(text.parse::<Path>(), Err(InvalidPath::Tilde(text.into())));
        }
    }

    #[test]
    fn a_path_with_an_empty_key_is_shown_as_a_pointer() {
        assert_eq!("/a//b".parse::<Path>().unwrap().to_string(), "/a//b");
    }

    proptest! {
        #[test]
        fn both_forms_read_back_as_the_same_path(keys in prop::collection::vec(r"[ab0./~\\=:é]{0,4}", 1..5)) {
            let path: Path = keys.into_iter().collect();
            prop_assert_eq!(path.to_string().parse(), Ok(path.clone()));
            prop_assert_eq!(path.pointer().parse(), Ok(path));
        }
    }
}
