//! Regular expressions of `pattern` and `patternProperties`.
//!
//! JSON Schema uses those of ECMAScript. `regex-lite` supports the subset that the specification recommends (classes,
//! quantifiers, groups, anchors) in time linear in the text. Lookaround, backreferences and Unicode properties need a
//! backtracking engine and are not supported: where such a pattern applies, the payload gets a warning instead.

use regex_lite::Regex;

/// One pattern of a schema.
#[derive(Clone, Debug)]
pub(super) struct SchemaPattern {
    text: String,
    regex: Option<Regex>,
}

impl SchemaPattern {
    /// Compiles a pattern.
    ///
    /// # Errors
    ///
    /// The reason, if it is not a regular expression.
    pub(super) fn new(text: &str) -> Result<Self, String> {
        let regex = match Regex::new(text) {
            Ok(regex) => Some(regex),
            Err(_) if is_beyond_regular(text) => None,
            Err(error) => return Err(error.to_string()),
        };
        Ok(Self { text: text.to_owned(), regex })
    }

    /// Whether texts can be matched against it.
    pub(super) fn is_supported(&self) -> bool {
        self.regex.is_some()
    }

    /// Whether part of a text matches; `None` if that can't be determined.
    pub(super) fn is_match(&self, text: &str) -> Option<bool> {
        self.regex.as_ref().map(|regex| regex.is_match(text))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.text
    }
}

/// Whether a pattern uses features that are not regular, or Unicode properties.
fn is_beyond_regular(pattern: &str) -> bool {
    let has_reference = || {
        let mut bytes = pattern.bytes();
        while let Some(byte) = bytes.next() {
            if byte == b'\\' && bytes.next().is_some_and(|escaped| matches!(escaped, b'1'..=b'9' | b'k' | b'p' | b'P'))
            {
                return true;
            }
        }
        false
    };
    ["(?=", "(?!", "(?<=", "(?<!"].iter().any(|group| pattern.contains(group)) || has_reference()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_that_need_backtracking_differ_from_invalid_ones() {
        for pattern in [r"^(?!a)", r"(?<=a)b", r"(a)\1", r"^\p{L}+$", r"(?<n>a)\k<n>"] {
            assert_eq!(SchemaPattern::new(pattern).unwrap().is_match("a"), None, "{pattern}");
        }
        for wrong in ["[", "(", r"\\1(", "a{2,1}"] {
            assert!(SchemaPattern::new(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_pattern_is_not_anchored() {
        assert_eq!(SchemaPattern::new(r"b\/c").unwrap().is_match("ab/cd"), Some(true));
        assert_eq!(SchemaPattern::new("^b").unwrap().is_match("ab"), Some(false));
    }
}
