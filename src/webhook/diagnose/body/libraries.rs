//! Libraries that write JSON, and how each differs: whitespace, escapes, numbers, and the order of members.
//! `tests/vectors/serialisers.json` records the output of the real ones.

use std::{borrow::Cow, collections::HashMap};

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
    /// Whether a number written as a fraction stays one.
    pub const fn keeps_fractions(&self) -> bool {
        matches!(self.numbers, Numbers::Python | Numbers::Ruby)
    }
}

const COMPACT_AND_LINES: &[Layout] =
    &[Layout::Compact, Layout::Indented("  "), Layout::Indented("    "), Layout::Indented("\t")];
const PYTHON: &[Layout] = &[Layout::Spaced, Layout::Compact, Layout::Indented("  "), Layout::Indented("    ")];
const PHP: &[Layout] = &[Layout::Compact, Layout::Indented("    ")];
const EVERY: &[Layout] =
    &[Layout::Compact, Layout::Spaced, Layout::Indented("  "), Layout::Indented("    "), Layout::Indented("\t")];

/// The libraries, the most likely first.
pub const WRITERS: [Writer; 14] = [
    Writer {
        call: "JavaScript's JSON.stringify",
        layouts: COMPACT_AND_LINES,
        escapes: &[],
        numbers: Numbers::JavaScript,
        members: Members::JavaScript,
    },
    Writer {
        call: "Python's json.dumps",
        layouts: PYTHON,
        escapes: &[Escape::NonAscii, Escape::Delete],
        numbers: Numbers::Python,
        members: Members::Unique,
    },
    Writer {
        call: "Python's json.dumps(ensure_ascii=False)",
        layouts: PYTHON,
        escapes: &[],
        numbers: Numbers::Python,
        members: Members::Unique,
    },
    Writer {
        call: "PHP's json_encode",
        layouts: PHP,
        escapes: &[Escape::NonAscii, Escape::Slash],
        numbers: Numbers::Php,
        members: Members::Unique,
    },
    Writer {
        call: "PHP's json_encode(JSON_UNESCAPED_SLASHES)",
        layouts: PHP,
        escapes: &[Escape::NonAscii],
        numbers: Numbers::Php,
        members: Members::Unique,
    },
    Writer {
        call: "PHP's json_encode(JSON_UNESCAPED_UNICODE)",
        layouts: PHP,
        escapes: &[Escape::Slash, Escape::LineSeparators],
        numbers: Numbers::Php,
        members: Members::Unique,
    },
    Writer {
        call: "PHP's json_encode(JSON_UNESCAPED_UNICODE|JSON_UNESCAPED_SLASHES)",
        layouts: PHP,
        escapes: &[Escape::LineSeparators],
        numbers: Numbers::Php,
        members: Members::Unique,
    },
    Writer {
        call: "PHP's json_encode of an associative array",
        layouts: PHP,
        escapes: &[Escape::NonAscii, Escape::Slash],
        numbers: Numbers::Php,
        members: Members::Php,
    },
    Writer {
        call: "Go's json.Marshal",
        layouts: COMPACT_AND_LINES,
        escapes: &[Escape::Html, Escape::LineSeparators],
        numbers: Numbers::Go,
        members: Members::Unique,
    },
    Writer {
        call: "Go's json.Encoder with SetEscapeHTML(false)",
        layouts: COMPACT_AND_LINES,
        escapes: &[Escape::LineSeparators],
        numbers: Numbers::Go,
        members: Members::Unique,
    },
    Writer {
        call: "Ruby's JSON.generate",
        layouts: COMPACT_AND_LINES,
        escapes: &[],
        numbers: Numbers::Ruby,
        members: Members::Unique,
    },
    Writer {
        call: "Ruby's JSON.pretty_generate",
        layouts: &[Layout::Indented("  ")],
        escapes: &[],
        numbers: Numbers::Ruby,
        members: Members::Ruby,
    },
    Writer {
        call: "Rails' to_json",
        layouts: &[Layout::Compact],
        escapes: &[Escape::Html, Escape::LineSeparators],
        numbers: Numbers::Ruby,
        members: Members::Unique,
    },
    Writer {
        call: "a writer that keeps each number",
        layouts: EVERY,
        escapes: &[],
        numbers: Numbers::Kept,
        members: Members::Kept,
    },
];

/// Ways to escape the same strings that occur in practice, as messages name them.
pub const SPELLINGS: [(Escapes, &str); 7] = [
    (&[], "with no unnecessary escapes"),
    (&[Escape::NonAscii], "with \\u escapes for non-ASCII characters"),
    (&[Escape::NonAscii, Escape::Uppercase], "with uppercase \\u escapes for non-ASCII characters"),
    (&[Escape::Slash], "with \\/ for each slash"),
    (&[Escape::NonAscii, Escape::Slash], "with \\/ for each slash and \\u escapes for non-ASCII characters"),
    (&[Escape::Html, Escape::LineSeparators], "with \\u escapes for <, > and &"),
    (&[Escape::NonAscii, Escape::Html], "with \\u escapes for <, >, & and non-ASCII characters"),
];

/// The whitespace between tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// None.
    Compact,
    /// A space after each comma and colon.
    Spaced,
    /// Lines, indented by this text.
    Indented(&'static str),
}

impl Layout {
    /// How messages name the layout.
    pub fn words(self) -> &'static str {
        match self {
            Self::Compact => "without whitespace",
            Self::Spaced => "with a space after each comma and colon",
            Self::Indented("  ") => "indented by 2 spaces",
            Self::Indented("    ") => "indented by 4 spaces",
            Self::Indented(_) => "indented by tabs",
        }
    }
}

/// A kind of character that a library escapes though it need not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Escape {
    /// Non-ASCII characters.
    NonAscii,
    /// U+007F.
    Delete,
    /// `/`, as `\/`.
    Slash,
    /// `<`, `>` and `&`.
    Html,
    /// U+2028 and U+2029, which JavaScript once treated as line endings.
    LineSeparators,
    /// Not a kind of character: the hex digits of escapes are uppercase.
    Uppercase,
}

/// The escapes that a library writes.
pub type Escapes = &'static [Escape];

/// How numbers are written.
#[derive(Clone, Copy, Debug)]
pub enum Numbers {
    /// As in the source.
    Kept,
    /// As doubles, integers too.
    JavaScript,
    /// As doubles, integers too.
    Go,
    /// Integers exactly, other numbers as doubles.
    Python,
    /// Integers exactly, other numbers as doubles.
    Ruby,
    /// 64-bit integers exactly, other numbers as doubles.
    Php,
}

impl Numbers {
    /// Writes a number as the library does; `None` if the library can't.
    pub fn write(self, text: &str) -> Option<Cow<'_, str>> {
        let is_integer = !text.contains(['.', 'e', 'E']);
        match self {
            Self::Kept => return Some(text.into()),
            Self::Python | Self::Ruby | Self::Php if text == "-0" => return Some("0".into()),
            Self::Python | Self::Ruby if is_integer => return Some(text.into()),
            Self::Php if is_integer && text.parse::<i64>().is_ok() => return Some(text.into()),
            _ => {}
        }
        let number: f64 = text.parse().ok()?;
        if number.is_infinite() {
            return match self {
                Self::JavaScript => Some("null".into()),
                Self::Python => Some(if number > 0.0 { "Infinity".into() } else { "-Infinity".into() }),
                _ => None,
            };
        }
        Some(self.double(number).into())
    }

    /// The shortest digits that parse to the same double, laid out as the library does.
    fn double(self, number: f64) -> String {
        let sign = if number.is_sign_negative() { "-" } else { "" };
        let fraction = if matches!(self, Self::Python | Self::Ruby) { ".0" } else { "" };
        if number == 0.0 {
            let sign = if matches!(self, Self::JavaScript) { "" } else { sign };
            return format!("{sign}0{fraction}");
        }
        let scientific = format!("{:e}", number.abs());
        let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
        let digits = mantissa.replace('.', "");
        // The position of the decimal point, counted from the first digit.
        let point = exponent.parse::<i32>().unwrap_or_default() + 1;
        let length = i32::try_from(digits.len()).unwrap_or(i32::MAX);
        let (lowest, highest) = match self {
            Self::JavaScript | Self::Go | Self::Kept => (-5, 21),
            Self::Python => (-3, 16),
            Self::Ruby => (-3, if length < point { 15 } else { 16 }),
            Self::Php => (-3, 17),
        };
        let zeros = |count: i32| "0".repeat(usize::try_from(count).unwrap_or_default());
        if point < lowest || point > highest {
            let (first, rest) = digits.split_at(1);
            let tail = match self {
                _ if !rest.is_empty() => format!(".{rest}"),
                Self::Ruby | Self::Php => ".0".to_owned(),
                _ => String::new(),
            };
            let width = if matches!(self, Self::Python | Self::Ruby) { 2 } else { 1 };
            let direction = if point > 0 { '+' } else { '-' };
            format!("{sign}{first}{tail}e{direction}{:0width$}", (point - 1).unsigned_abs())
        } else if point <= 0 {
            format!("{sign}0.{}{digits}", zeros(-point))
        } else if length <= point {
            format!("{sign}{digits}{}{fraction}", zeros(point - length))
        } else {
            let (whole, rest) = digits.split_at(usize::try_from(point).unwrap_or_default());
            format!("{sign}{whole}.{rest}")
        }
    }
}

/// How an object's members are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
}

impl Members {
    /// The members in the order in which they are written.
    pub fn arrange<'n, 'a>(self, members: &'n [Member<'a>], sorted: bool) -> Vec<&'n Member<'a>> {
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
        if sorted {
            arranged.sort_by(|one, other| one.key.cmp(&other.key));
        }
        if self == Self::JavaScript {
            arranged.sort_by_key(|member| array_index(&member.key).unwrap_or(u32::MAX));
        }
        arranged
    }
}

/// The array index that a key is to JavaScript, which puts such keys first.
fn array_index(key: &str) -> Option<u32> {
    let index: u32 = key.parse().ok()?;
    let is_plain = !key.starts_with(['0', '+']) || key == "0";
    (is_plain && index < u32::MAX).then_some(index)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_beyond_doubles_are_written_as_each_library_does() {
        let all = [Numbers::JavaScript, Numbers::Python, Numbers::Go, Numbers::Ruby, Numbers::Php];
        let written = all.map(|numbers| numbers.write("-1e400"));
        assert_eq!(written, [Some("null".into()), Some("-Infinity".into()), None, None, None]);
    }
}
