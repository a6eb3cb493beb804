//! How JSON libraries write a document: layout, escapes, numbers, and the order of members.
//! `tests/vectors/serialisers.json` records the output of the real ones.

use std::collections::HashMap;

use super::{
    escapes::{Escapes, GSON, NEWTONSOFT, SYSTEM_TEXT_JSON, SYSTEM_TEXT_JSON_RELAXED},
    number_style::Numbers,
    order::MemberOrder,
};
use crate::webhook::json::Member;

/// How a library spells the tokens of a document and orders its members.
#[derive(Clone, Copy, Debug)]
pub struct Writer {
    /// The call as developers know it, which is also its name in the vectors.
    pub call: &'static str,
    /// Its layouts, the default first.
    pub layouts: &'static [Layout],
    /// The escapes that it writes.
    pub escapes: Escapes,
    /// How it writes numbers.
    pub numbers: Numbers,
    /// How it treats an object's members.
    pub members: Members,
}

impl Writer {
    /// The call that gives this layout, as messages name it.
    pub fn call_for(&self, layout: Layout) -> String {
        // The default of Python's writer has spaces.
        match (self.layouts.first(), layout) {
            (Some(Layout::Spaced), Layout::Compact) => format!("{} with separators=(',', ':')", self.call),
            _ => self.call.to_owned(),
        }
    }
}

const COMPACT_AND_LINES: &[Layout] =
    &[Layout::Compact, Layout::Indented("  "), Layout::Indented("    "), Layout::Indented("\t")];
const COMPACT_AND_TWO: &[Layout] = &[Layout::Compact, Layout::Indented("  ")];
const PYTHON: &[Layout] = &[Layout::Spaced, Layout::Compact, Layout::Indented("  "), Layout::Indented("    ")];
const PHP: &[Layout] = &[Layout::Compact, Layout::Indented("    ")];
const JACKSON: &[Layout] = &[Layout::Compact, Layout::Jackson];
const EVERY: &[Layout] = &[
    Layout::Compact,
    Layout::Spaced,
    Layout::Indented("  "),
    Layout::Indented("    "),
    Layout::Indented("\t"),
    Layout::Items,
];

const fn writer(
    call: &'static str,
    layouts: &'static [Layout],
    escapes: Escapes,
    numbers: Numbers,
    members: Members,
) -> Writer {
    Writer { call, layouts, escapes, numbers, members }
}

/// The libraries, the most likely first.
pub const WRITERS: [Writer; 28] = {
    use Members::{JavaScript as Indices, Kept, Php as PhpArray, Ruby as OldRuby, Unique};
    const NON_ASCII: Escapes = Escapes::NON_ASCII;
    const SLASH: Escapes = Escapes::SLASH;
    const LINES: Escapes = Escapes::LINE_SEPARATORS;
    const UPPERCASE: Escapes = Escapes::UPPERCASE;
    [
        writer("JavaScript's JSON.stringify", COMPACT_AND_LINES, Escapes::NONE, Numbers::JavaScript, Indices),
        writer("Python's json.dumps", PYTHON, NON_ASCII.with(Escapes::DELETE), Numbers::Python, Unique),
        writer("Python's json.dumps(ensure_ascii=False)", PYTHON, Escapes::NONE, Numbers::Python, Unique),
        writer("PHP's json_encode", PHP, NON_ASCII.with(SLASH), Numbers::Php, Unique),
        writer("PHP's json_encode(JSON_UNESCAPED_SLASHES)", PHP, NON_ASCII, Numbers::Php, Unique),
        writer("PHP's json_encode(JSON_UNESCAPED_UNICODE)", PHP, SLASH.with(LINES), Numbers::Php, Unique),
        writer("PHP's json_encode(JSON_UNESCAPED_UNICODE|JSON_UNESCAPED_SLASHES)", PHP, LINES, Numbers::Php, Unique),
        writer("PHP's json_encode of an associative array", PHP, NON_ASCII.with(SLASH), Numbers::Php, PhpArray),
        writer("Go's json.Marshal", COMPACT_AND_LINES, Escapes::HTML.with(LINES), Numbers::Go, Unique),
        writer("Go's json.Encoder with SetEscapeHTML(false)", COMPACT_AND_LINES, LINES, Numbers::Go, Unique),
        writer("Ruby's JSON.generate", COMPACT_AND_LINES, Escapes::NONE, Numbers::Ruby, Unique),
        writer("Ruby's JSON.pretty_generate", &[Layout::Indented("  ")], Escapes::NONE, Numbers::Ruby, OldRuby),
        writer("Rails' to_json", &[Layout::Compact], Escapes::HTML.with(LINES), Numbers::Ruby, Unique),
        writer("Jackson's writeValueAsString", JACKSON, UPPERCASE, Numbers::Java, Unique),
        writer("Jackson's writeValueAsBytes", JACKSON, UPPERCASE.with(Escapes::SUPPLEMENTARY), Numbers::Java, Unique),
        writer(
            "Jackson's writeValueAsString with ESCAPE_NON_ASCII",
            JACKSON,
            UPPERCASE.with(NON_ASCII),
            Numbers::Java,
            Unique,
        ),
        writer("Gson's toJson", COMPACT_AND_TWO, GSON, Numbers::Kept, Unique),
        writer("Gson's toJson with disableHtmlEscaping", COMPACT_AND_TWO, LINES, Numbers::Kept, Unique),
        writer("Gson's toJson of a Map", COMPACT_AND_TWO, GSON, Numbers::JavaDoubles, Unique),
        writer("System.Text.Json's JsonSerializer", COMPACT_AND_TWO, SYSTEM_TEXT_JSON, Numbers::Kept, Kept),
        writer(
            "System.Text.Json with UnsafeRelaxedJsonEscaping",
            COMPACT_AND_TWO,
            SYSTEM_TEXT_JSON_RELAXED,
            Numbers::Kept,
            Kept,
        ),
        writer("Newtonsoft's JsonConvert", COMPACT_AND_TWO, NEWTONSOFT, Numbers::DotNet, Unique),
        writer(
            "Newtonsoft's JsonConvert with EscapeHtml",
            COMPACT_AND_TWO,
            NEWTONSOFT.with(Escapes::HTML).with(Escapes::APOSTROPHE).with(Escapes::QUOTE),
            Numbers::DotNet,
            Unique,
        ),
        writer("Newtonsoft's JsonConvert with EscapeNonAscii", COMPACT_AND_TWO, NON_ASCII, Numbers::DotNet, Unique),
        writer("PostgreSQL's jsonb", &[Layout::Spaced], Escapes::NONE, Numbers::Postgres, Members::Stored),
        writer("a formatter that keeps each value", EVERY, Escapes::KEPT, Numbers::Kept, Kept),
        writer("a writer that keeps each number", EVERY, Escapes::NONE, Numbers::Kept, Kept),
        writer(
            "a writer that keeps each number and escapes non-ASCII characters",
            EVERY,
            NON_ASCII,
            Numbers::Kept,
            Kept,
        ),
    ]
};

/// The whitespace between tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Layout {
    /// None.
    Compact,
    /// A space after each comma and colon.
    Spaced,
    /// Lines, indented by this text.
    Indented(&'static str),
    /// Lines for members, indented by two spaces, and arrays on one line, as Jackson writes them.
    Jackson,
    /// A line, ended by CRLF, for each item of the outermost array, as senders of batches write them.
    Items,
}

impl Layout {
    /// How messages name the layout.
    pub fn words(self) -> &'static str {
        match self {
            Self::Compact => "without whitespace",
            Self::Spaced => "with a space after each comma and colon",
            Self::Jackson => "indented as Jackson's pretty printer does",
            Self::Items => "with each item of the list on a line of its own, ended by CRLF",
            Self::Indented("  ") => "indented by 2 spaces",
            Self::Indented("    ") => "indented by 4 spaces",
            Self::Indented(_) => "indented by tabs",
        }
    }
}

/// How an object's members are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Members {
    /// All of them, in order.
    Kept,
    /// For a repeated key, the last value in the position of the first.
    Unique,
    /// Unique, with array indices before other keys, as in JavaScript.
    JavaScript,
    /// Unique, with a newline in an empty object, as in old versions of Ruby's json.
    Ruby,
    /// Unique, with an empty array for an empty object, as for PHP's associative arrays.
    Php,
    /// Unique, in the order of `PostgreSQL`'s jsonb.
    Stored,
}

impl Members {
    /// The members in the order in which they are written.
    pub fn arrange<'n, 'a>(self, members: &'n [Member<'a>], order: MemberOrder<'_>) -> Vec<&'n Member<'a>> {
        let mut arranged: Vec<&Member<'_>> = Vec::with_capacity(members.len());
        if self == Self::Kept {
            arranged.extend(members);
        } else {
            let mut places: HashMap<&str, usize> = HashMap::with_capacity(members.len());
            for member in members {
                if let Some(&place) = places.get(member.key.as_ref()) {
                    arranged[place] = member;
                } else {
                    places.insert(&member.key, arranged.len());
                    arranged.push(member);
                }
            }
        }
        if self == Self::Stored { MemberOrder::Stored } else { order }.sort(&mut arranged);
        if self == Self::JavaScript {
            arranged.sort_by_key(|member| array_index(&member.key).unwrap_or(u32::MAX));
        }
        arranged
    }
}

/// The array index for which JavaScript takes a key; it puts such keys first.
pub(super) fn array_index(key: &str) -> Option<u32> {
    let index: u32 = key.parse().ok()?;
    let is_plain = !key.starts_with(['0', '+']) || key == "0";
    (is_plain && index < u32::MAX).then_some(index)
}
