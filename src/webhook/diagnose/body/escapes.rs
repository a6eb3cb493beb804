//! The escapes that JSON libraries write in strings: which characters each escapes, and how messages name them.

use std::ops::BitOr;

use crate::webhook::json::writer;

/// A set of characters that a library escapes although it need not, and how it writes the escapes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Escapes(u16);

impl Escapes {
    /// None.
    pub const NONE: Self = Self(0);
    /// Non-ASCII characters.
    pub const NON_ASCII: Self = Self(1);
    /// Characters outside the basic plane, such as emoji.
    pub const SUPPLEMENTARY: Self = Self(1 << 1);
    /// U+007F.
    pub const DELETE: Self = Self(1 << 2);
    /// `/`, as `\/`.
    pub const SLASH: Self = Self(1 << 3);
    /// `<`, `>` and `&`.
    pub const HTML: Self = Self(1 << 4);
    /// `'`.
    pub const APOSTROPHE: Self = Self(1 << 5);
    /// `=`.
    pub const EQUALS: Self = Self(1 << 6);
    /// `+`.
    pub const PLUS: Self = Self(1 << 7);
    /// `` ` ``.
    pub const BACKTICK: Self = Self(1 << 8);
    /// `"`, as `\u0022`.
    pub const QUOTE: Self = Self(1 << 9);
    /// U+2028 and U+2029, which JavaScript once treated as line endings.
    pub const LINE_SEPARATORS: Self = Self(1 << 10);
    /// U+0085.
    pub const NEXT_LINE: Self = Self(1 << 11);
    /// The control characters from U+0080 on, and spaces other than U+0020.
    pub const SPACES: Self = Self(1 << 12);
    /// Not a set of characters: the hexadecimal digits of escapes are uppercase.
    pub const UPPERCASE: Self = Self(1 << 13);
    /// Not a set of characters: each string stays as it is in the text.
    pub const KEPT: Self = Self(1 << 14);
    /// Control characters below U+0020 that have no escape of one letter. Every library escapes them.
    const CONTROL: Self = Self(1 << 15);

    /// Both sets.
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether any of the others is in this set.
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// The sets that a character is in.
    fn of(character: char) -> Self {
        match character {
            '\u{8}' | '\t' | '\n' | '\u{c}' | '\r' => Self::NONE,
            '\0'..='\u{1f}' => Self::CONTROL,
            '"' => Self::QUOTE,
            '/' => Self::SLASH,
            '<' | '>' | '&' => Self::HTML,
            '\'' => Self::APOSTROPHE,
            '=' => Self::EQUALS,
            '+' => Self::PLUS,
            '`' => Self::BACKTICK,
            '\u{7f}' => Self::DELETE,
            '\u{2028}' | '\u{2029}' => Self::LINE_SEPARATORS.with(Self::NON_ASCII).with(Self::SPACES),
            '\u{85}' => Self::NEXT_LINE.with(Self::NON_ASCII).with(Self::SPACES),
            '\u{80}'..='\u{a0}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}' => {
                Self::SPACES.with(Self::NON_ASCII)
            }
            '\u{10000}'.. => Self::SUPPLEMENTARY.with(Self::NON_ASCII),
            other if other.is_ascii() => Self::NONE,
            _ => Self::NON_ASCII,
        }
    }

    /// The sets that any character of a text is in.
    pub fn in_text(text: &str) -> Self {
        text.chars().fold(Self::NONE, |all, character| all | Self::of(character))
    }

    /// What is left of these escapes in texts with characters of the `present` sets only: two libraries with the same
    /// result write the same strings.
    pub const fn effective(self, present: Self) -> Self {
        if self.has(Self::KEPT) {
            return Self::KEPT;
        }
        let kinds = self.0 & present.0 & !Self::UPPERCASE.0;
        let has_digits = kinds & !Self::SLASH.0 != 0 || present.has(Self::CONTROL);
        Self(if has_digits { kinds | self.0 & Self::UPPERCASE.0 } else { kinds })
    }

    /// What these escapes change in a text, as messages say it: `with \/ for each slash`.
    pub fn words(self) -> String {
        let digits = if self.has(Self::UPPERCASE) { "uppercase \\u escapes" } else { "\\u escapes" };
        let characters = [
            (Self::NON_ASCII, "non-ASCII characters"),
            (Self::SUPPLEMENTARY, "characters such as emoji"),
            (Self::SPACES, "unusual spaces"),
            (Self::LINE_SEPARATORS, "U+2028 and U+2029"),
            (Self::NEXT_LINE, "U+0085"),
            (Self::DELETE, "U+007F"),
            (Self::HTML, "<, > and &"),
            (Self::APOSTROPHE, "'"),
            (Self::EQUALS, "="),
            (Self::PLUS, "+"),
            (Self::BACKTICK, "`"),
            (Self::QUOTE, "\""),
        ];
        // Those below are among the non-ASCII characters.
        let covered = Self::SUPPLEMENTARY | Self::SPACES | Self::LINE_SEPARATORS | Self::NEXT_LINE;
        let is_named = |set: Self| self.has(set) && !(self.has(Self::NON_ASCII) && covered.has(set));
        let named: Vec<&str> = characters.iter().filter(|(set, _)| is_named(*set)).map(|(_, words)| *words).collect();
        let mut parts = Vec::new();
        if self.has(Self::SLASH) {
            parts.push("\\/ for each slash".to_owned());
        }
        match named.split_last() {
            None if self.has(Self::UPPERCASE) => parts.push(format!("{digits} for control characters")),
            None => {}
            Some((last, [])) => parts.push(format!("{digits} for {last}")),
            Some((last, others)) => parts.push(format!("{digits} for {} and {last}", others.join(", "))),
        }
        if parts.is_empty() {
            "with no unnecessary escapes".to_owned()
        } else {
            format!("with {}", parts.join(" and "))
        }
    }
}

impl BitOr for Escapes {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        self.with(other)
    }
}

/// What Gson escapes, unless `disableHtmlEscaping` is set.
pub const GSON: Escapes = Escapes::HTML.with(Escapes::APOSTROPHE).with(Escapes::EQUALS).with(Escapes::LINE_SEPARATORS);

/// What System.Text.Json escapes with its default encoder.
pub const SYSTEM_TEXT_JSON: Escapes = Escapes::NON_ASCII
    .with(Escapes::HTML)
    .with(Escapes::APOSTROPHE)
    .with(Escapes::PLUS)
    .with(Escapes::BACKTICK)
    .with(Escapes::QUOTE)
    .with(Escapes::DELETE)
    .with(Escapes::UPPERCASE);

/// What System.Text.Json escapes with the encoder `UnsafeRelaxedJsonEscaping`.
pub const SYSTEM_TEXT_JSON_RELAXED: Escapes =
    Escapes::SUPPLEMENTARY.with(Escapes::SPACES).with(Escapes::DELETE).with(Escapes::UPPERCASE);

/// What Newtonsoft.Json escapes.
pub const NEWTONSOFT: Escapes = Escapes::LINE_SEPARATORS.with(Escapes::NEXT_LINE);

/// Ways to escape the same strings that occur in practice, most likely first, and who writes them, if that is
/// informative.
pub const SPELLINGS: [(Escapes, Option<&str>); 15] = [
    (Escapes::NONE, None),
    (Escapes::NON_ASCII, None),
    (Escapes::NON_ASCII.with(Escapes::UPPERCASE), None),
    (Escapes::SLASH, Some("PHP")),
    (Escapes::NON_ASCII.with(Escapes::SLASH), Some("PHP")),
    (Escapes::HTML.with(Escapes::LINE_SEPARATORS), Some("Go and Rails")),
    (Escapes::NON_ASCII.with(Escapes::HTML), None),
    (Escapes::SLASH.with(Escapes::HTML).with(Escapes::UPPERCASE), Some("PHP with JSON_HEX_TAG and JSON_HEX_AMP")),
    (GSON, Some("Gson")),
    (SYSTEM_TEXT_JSON, Some("System.Text.Json")),
    (SYSTEM_TEXT_JSON_RELAXED, Some("System.Text.Json with UnsafeRelaxedJsonEscaping")),
    (Escapes::SUPPLEMENTARY.with(Escapes::UPPERCASE), Some("Jackson")),
    (
        NEWTONSOFT.with(Escapes::HTML).with(Escapes::APOSTROPHE).with(Escapes::QUOTE),
        Some("Newtonsoft.Json with EscapeHtml"),
    ),
    (NEWTONSOFT, Some("Newtonsoft.Json")),
    (Escapes::UPPERCASE, Some("Jackson")),
];

/// The spellings that differ in a text with characters of these sets, in words: `with \\/ for each slash, as from PHP`.
pub fn spellings(present: Escapes) -> Vec<(Escapes, String)> {
    let mut found: Vec<(Escapes, String)> = Vec::new();
    for (escapes, by) in SPELLINGS {
        let escapes = escapes.effective(present);
        if found.iter().any(|(known, _)| *known == escapes) {
            continue;
        }
        let by = by.filter(|_| escapes != Escapes::NONE).map(|by| format!(", as from {by}")).unwrap_or_default();
        found.push((escapes, format!("{}{by}", escapes.words())));
    }
    found
}

/// The string literal of a text.
pub fn quoted(text: &str, escapes: Escapes) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    push_quoted(text, escapes, &mut out);
    out
}

/// Appends the string literal of a text.
pub fn push_quoted(text: &str, escapes: Escapes, out: &mut String) {
    let unicode =
        if escapes.has(Escapes::UPPERCASE) { writer::Escape::UnicodeUppercase } else { writer::Escape::Unicode };
    let escape = |character: char| match character {
        '/' => escapes.has(Escapes::SLASH).then_some(writer::Escape::Backslash),
        _ => (escapes | Escapes::CONTROL).has(Escapes::of(character)).then_some(unicode),
    };
    writer::push_string(text, escape, out);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_escapes_that_a_text_needs_are_named() {
        let words = |escapes: Escapes, text| escapes.effective(Escapes::in_text(text)).words();
        assert_eq!(words(Escapes::NON_ASCII | Escapes::SLASH, "a/b"), "with \\/ for each slash");
        assert_eq!(
            words(Escapes::NON_ASCII | Escapes::SLASH, "é/"),
            "with \\/ for each slash and \\u escapes for non-ASCII characters"
        );
        assert_eq!(words(GSON, "a=b it's"), "with \\u escapes for ' and =");
        assert_eq!(words(SYSTEM_TEXT_JSON, "é +"), "with uppercase \\u escapes for non-ASCII characters and +");
        assert_eq!(words(Escapes::UPPERCASE, "\u{1b}"), "with uppercase \\u escapes for control characters");
        assert_eq!(words(SYSTEM_TEXT_JSON_RELAXED, "🎧"), "with uppercase \\u escapes for characters such as emoji");
        assert_eq!(words(GSON, "plain"), "with no unnecessary escapes");
    }

    #[test]
    fn libraries_that_write_a_text_alike_have_the_same_effective_escapes() {
        let of = |escapes: Escapes| escapes.effective(Escapes::in_text("é"));
        assert_eq!(of(GSON), of(Escapes::NONE));
        assert_eq!(of(Escapes::NON_ASCII | Escapes::SLASH), of(Escapes::NON_ASCII | Escapes::DELETE));
        assert_ne!(of(Escapes::NON_ASCII), of(Escapes::NON_ASCII | Escapes::UPPERCASE));
    }
}
