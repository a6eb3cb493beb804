//! JSON as other languages write it: the same document in the spelling of JavaScript, Python, PHP, Go or
//! Ruby, with their white space. `tests/vectors/serialisers.json` records what the real ones write.

use std::{borrow::Cow, collections::HashMap, fmt::Write, ops::Range};

use crate::webhook::json::{Kind, Member, Node};

/// How a library spells the tokens of a document and orders its members.
#[derive(Clone, Copy, Debug)]
pub struct Writer {
    /// The call as people write it, which is its name in the vectors.
    pub call: &'static str,
    /// The layouts that it has, the usual one first.
    pub layouts: &'static [Layout],
    escapes: Escapes,
    numbers: Numbers,
    members: Members,
}

impl Writer {
    /// Whether a number that is written as a fraction stays one.
    pub const fn keeps_fractions(&self) -> bool {
        matches!(self.numbers, Numbers::Python | Numbers::Ruby)
    }
}

/// The white space between tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// None.
    Compact,
    /// A space behind each comma and colon.
    Spaced,
    /// Lines, indented by this text.
    Indented(&'static str),
}

impl Layout {
    /// The layout in words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Compact => "without white space",
            Self::Spaced => "with a space behind each comma and colon",
            Self::Indented("  ") => "indented by 2 spaces",
            Self::Indented("    ") => "indented by 4 spaces",
            Self::Indented(_) => "indented by tabs",
        }
    }
}

/// A kind of character that is written as an escape though it need not be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Escape {
    /// All that is not ASCII.
    NonAscii,
    /// U+007F.
    Delete,
    /// `/`, as `\/`.
    Slash,
    /// `<`, `>` and `&`.
    Html,
    /// U+2028 and U+2029, which JavaScript once took for line ends.
    LineSeparators,
    /// Not a kind of character: the digits of escapes are in upper case.
    UpperCase,
}

/// The escapes that a library writes.
pub type Escapes = &'static [Escape];

/// How numbers are written.
#[derive(Clone, Copy, Debug)]
enum Numbers {
    Kept,
    /// As doubles, integers too.
    JavaScript,
    Go,
    /// Integers exactly, the others as doubles.
    Python,
    Ruby,
    Php,
}

/// What becomes of an object's members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Members {
    /// All of them stay, in their order.
    Kept,
    /// Of a repeated key the last value counts, in the first one's place.
    Unique,
    /// The same, with keys that are array indices before the others, as JavaScript has it.
    JavaScript,
    /// Unique, and an empty object has a line break in it, as old versions of Ruby's have it.
    Ruby,
    /// Unique, and an empty object is an empty array, as PHP's associative arrays have it.
    Php,
}

const COMPACT_AND_LINES: &[Layout] =
    &[Layout::Compact, Layout::Indented("  "), Layout::Indented("    "), Layout::Indented("\t")];
const PYTHON: &[Layout] = &[Layout::Spaced, Layout::Compact, Layout::Indented("  "), Layout::Indented("    ")];
const PHP: &[Layout] = &[Layout::Compact, Layout::Indented("    ")];
const EVERY: &[Layout] =
    &[Layout::Compact, Layout::Spaced, Layout::Indented("  "), Layout::Indented("    "), Layout::Indented("\t")];

/// The libraries, the likeliest first.
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

/// The ways to write the same strings that occur in life, with their words.
pub const SPELLINGS: [(Escapes, &str); 7] = [
    (&[], "with every character as UTF-8 that may be"),
    (&[Escape::NonAscii], "with \\u escapes for all that is not ASCII"),
    (&[Escape::NonAscii, Escape::UpperCase], "with \\u escapes in upper case for all that is not ASCII"),
    (&[Escape::Slash], "with \\/ for each slash"),
    (&[Escape::NonAscii, Escape::Slash], "with \\/ for each slash and \\u escapes for all that is not ASCII"),
    (&[Escape::Html, Escape::LineSeparators], "with \\u escapes for <, > and &"),
    (&[Escape::NonAscii, Escape::Html], "with \\u escapes for <, >, & and all that is not ASCII"),
];

/// A document and the longest text that may be made of it.
#[derive(Clone, Copy, Debug)]
pub struct Document<'a> {
    /// The text that it was read from.
    pub text: &'a str,
    /// Its root.
    pub root: &'a Node<'a>,
}

impl Document<'_> {
    /// The document as a library writes it; nothing when that library can't, or the text grows
    /// out of proportion.
    pub fn written(&self, writer: &Writer, layout: Layout, sorted: bool) -> Option<String> {
        let limit = 4 * self.text.len() + (64 << 10);
        let mut writing =
            Writing { text: self.text, writer, layout, sorted, limit, out: String::with_capacity(self.text.len()) };
        writing.value(self.root, 0)?;
        Some(writing.out)
    }

    /// The same text with its strings spelled another way, white space and numbers as they are.
    pub fn respelled(&self, escapes: Escapes) -> String {
        self.replaced(|node| match node {
            Token::String(text) => Some(quoted(text, escapes)),
            Token::Number(_) => None,
        })
    }

    /// The same text with some numbers replaced, named by where they begin.
    pub fn renumbered(&self, numbers: &HashMap<usize, String>) -> String {
        self.replaced(|node| match node {
            Token::Number(span) => numbers.get(&span.start).cloned(),
            Token::String(_) => None,
        })
    }

    /// The numbers in their order.
    pub fn numbers(&self) -> Vec<(usize, &str)> {
        let mut found = Vec::new();
        tokens(self.root, &mut |span, token| {
            if let Token::Number(_) = token {
                found.push((span.start, &self.text[span]));
            }
        });
        found
    }

    fn replaced(&self, replace: impl Fn(&Token<'_>) -> Option<String>) -> String {
        let mut out = String::with_capacity(self.text.len());
        let mut copied = 0;
        tokens(self.root, &mut |span, token| {
            if let Some(new) = replace(&token) {
                out.push_str(&self.text[copied..span.start]);
                out.push_str(&new);
                copied = span.end;
            }
        });
        out.push_str(&self.text[copied..]);
        out
    }
}

enum Token<'a> {
    String(&'a str),
    Number(Range<usize>),
}

/// Calls back for each string (keys too) and number in the order of the text.
fn tokens<'a>(node: &'a Node<'a>, visit: &mut impl FnMut(Range<usize>, Token<'a>)) {
    match &node.kind {
        Kind::String(text) => visit(node.span.clone(), Token::String(text)),
        Kind::Number(_) => visit(node.span.clone(), Token::Number(node.span.clone())),
        Kind::Array(items) => items.iter().for_each(|item| tokens(item, visit)),
        Kind::Object(members) => {
            for member in members {
                visit(member.key_span.clone(), Token::String(&member.key));
                tokens(&member.value, visit);
            }
        }
        Kind::Null | Kind::Bool(_) => {}
    }
}

struct Writing<'a> {
    text: &'a str,
    writer: &'a Writer,
    layout: Layout,
    sorted: bool,
    limit: usize,
    out: String,
}

impl Writing<'_> {
    fn value(&mut self, node: &Node<'_>, depth: usize) -> Option<()> {
        if self.out.len() > self.limit {
            return None;
        }
        match &node.kind {
            Kind::Null | Kind::Bool(_) => self.out.push_str(&self.text[node.span.clone()]),
            Kind::Number(text) => self.out.push_str(&self.writer.numbers.write(text)?),
            Kind::String(text) => push_quoted(text, self.writer.escapes, &mut self.out),
            Kind::Array(items) => self.list('[', ']', items, depth, |this, item, depth| this.value(item, depth))?,
            Kind::Object(members) if members.is_empty() && self.writer.members == Members::Php => {
                self.out.push_str("[]");
            }
            Kind::Object(members) if members.is_empty() && self.writer.members == Members::Ruby => {
                self.out.push('{');
                self.new_line(depth);
                self.out.push('}');
            }
            Kind::Object(members) => {
                let members = self.writer.members.arrange(members, self.sorted);
                self.list('{', '}', &members, depth, |this, member, depth| {
                    push_quoted(&member.key, this.writer.escapes, &mut this.out);
                    this.out.push_str(if this.layout == Layout::Compact { ":" } else { ": " });
                    this.value(&member.value, depth)
                })?;
            }
        }
        Some(())
    }

    fn list<T>(
        &mut self,
        open: char,
        close: char,
        items: &[T],
        depth: usize,
        write: impl Fn(&mut Self, &T, usize) -> Option<()>,
    ) -> Option<()> {
        self.out.push(open);
        for (number, item) in items.iter().enumerate() {
            if number > 0 {
                self.out.push_str(if self.layout == Layout::Spaced { ", " } else { "," });
            }
            self.new_line(depth + 1);
            write(self, item, depth + 1)?;
        }
        if !items.is_empty() {
            self.new_line(depth);
        }
        self.out.push(close);
        Some(())
    }

    fn new_line(&mut self, depth: usize) {
        if let Layout::Indented(by) = self.layout {
            self.out.push('\n');
            for _ in 0..depth {
                self.out.push_str(by);
            }
        }
    }
}

impl Members {
    fn arrange<'n, 'a>(self, members: &'n [Member<'a>], sorted: bool) -> Vec<&'n Member<'a>> {
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

/// The number that a key is to JavaScript, whose objects have such keys in front.
fn array_index(key: &str) -> Option<u32> {
    let index: u32 = key.parse().ok()?;
    let is_plain = !key.starts_with(['0', '+']) || key == "0";
    (is_plain && index < u32::MAX).then_some(index)
}

impl Numbers {
    /// A number as the library writes it; nothing when it can't.
    fn write(self, text: &str) -> Option<Cow<'_, str>> {
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

    /// The shortest digits that make the double again, set out as the library does.
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
        // Where the decimal point stands, counted from the first digit.
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

fn quoted(text: &str, escapes: Escapes) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    push_quoted(text, escapes, &mut out);
    out
}

/// Appends a string literal.
fn push_quoted(text: &str, escapes: Escapes, out: &mut String) {
    out.push('"');
    for character in text.chars() {
        let literal = match character {
            '"' => "\\\"",
            '\\' => "\\\\",
            '\n' => "\\n",
            '\r' => "\\r",
            '\t' => "\\t",
            '\u{8}' => "\\b",
            '\u{c}' => "\\f",
            '/' if escapes.contains(&Escape::Slash) => "\\/",
            other if must_escape(other, escapes) => {
                push_units(other, escapes.contains(&Escape::UpperCase), out);
                continue;
            }
            other => {
                out.push(other);
                continue;
            }
        };
        out.push_str(literal);
    }
    out.push('"');
}

fn must_escape(character: char, escapes: Escapes) -> bool {
    let has = |escape| escapes.contains(&escape);
    match character {
        '\0'..='\u{1f}' => true,
        '\u{7f}' => has(Escape::Delete),
        '<' | '>' | '&' => has(Escape::Html),
        '\u{2028}' | '\u{2029}' => has(Escape::LineSeparators) || has(Escape::NonAscii),
        other => has(Escape::NonAscii) && !other.is_ascii(),
    }
}

/// Appends a character as one or two `\u` escapes.
fn push_units(character: char, upper_case: bool, out: &mut String) {
    for unit in character.encode_utf16(&mut [0; 2]) {
        // Writing to a text in memory does not fail.
        let _ = if upper_case { write!(out, "\\u{unit:04X}") } else { write!(out, "\\u{unit:04x}") };
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;
    use crate::webhook::json;

    const RECORDED: &str = include_str!("../../../tests/vectors/serialisers.json");

    #[derive(Deserialize)]
    struct Recorded {
        count: usize,
        inputs: HashMap<String, String>,
        vectors: Vec<Vector>,
    }

    #[derive(Deserialize)]
    struct Vector {
        writer: String,
        layout: String,
        sorted: bool,
        tool: String,
        command: String,
        input: String,
        output: String,
    }

    fn layout(name: &str) -> Layout {
        match name {
            "compact" => Layout::Compact,
            "spaced" => Layout::Spaced,
            "2" => Layout::Indented("  "),
            "4" => Layout::Indented("    "),
            "tab" => Layout::Indented("\t"),
            other => panic!("unknown layout {other}"),
        }
    }

    #[test]
    fn documents_are_written_as_the_real_libraries_wrote_them() {
        let recorded: Recorded = serde_json::from_str(RECORDED).unwrap();
        assert_eq!(recorded.vectors.len(), recorded.count);
        for Vector { writer, layout: name, sorted, tool, command, input, output } in &recorded.vectors {
            let text = &recorded.inputs[input];
            let root = json::parse(text).unwrap();
            let writer = WRITERS.iter().find(|known| known.call == writer).unwrap();
            let layout = layout(name);
            assert!(writer.layouts.contains(&layout), "{} {layout:?}", writer.call);
            let made = Document { text, root: &root }.written(writer, layout, *sorted);
            assert_eq!(made.as_deref(), Some(output.as_str()), "{tool}: {command}");
        }
    }

    #[test]
    fn numbers_beyond_the_doubles_are_what_each_library_makes_of_them() {
        let all = [Numbers::JavaScript, Numbers::Python, Numbers::Go, Numbers::Ruby, Numbers::Php];
        let written = all.map(|numbers| numbers.write("-1e400"));
        assert_eq!(written, [Some("null".into()), Some("-Infinity".into()), None, None, None]);
    }

    #[test]
    fn a_text_that_grows_out_of_proportion_is_not_written() {
        let text = format!("{}{}{}", "[".repeat(500), "1,".repeat(60_000) + "1", "]".repeat(500));
        let root = json::parse(&text).unwrap();
        let document = Document { text: &text, root: &root };
        assert_eq!(document.written(&WRITERS[0], Layout::Indented("    "), false), None);
        assert_eq!(document.written(&WRITERS[0], Layout::Compact, false).as_deref(), Some(&*text));
    }

    #[test]
    fn strings_are_respelled_and_all_else_stays() {
        let text = "{ \"\\u00E9\": [1.0, \"a/\\u00fc<\"] }\n";
        let root = json::parse(text).unwrap();
        let document = Document { text, root: &root };
        let spelled: Vec<String> = SPELLINGS.iter().map(|(escapes, _)| document.respelled(escapes)).collect();
        assert_eq!(
            spelled,
            [
                "{ \"é\": [1.0, \"a/ü<\"] }\n",
                "{ \"\\u00e9\": [1.0, \"a/\\u00fc<\"] }\n",
                "{ \"\\u00E9\": [1.0, \"a/\\u00FC<\"] }\n",
                "{ \"é\": [1.0, \"a\\/ü<\"] }\n",
                "{ \"\\u00e9\": [1.0, \"a\\/\\u00fc<\"] }\n",
                "{ \"é\": [1.0, \"a/ü\\u003c\"] }\n",
                "{ \"\\u00e9\": [1.0, \"a/\\u00fc\\u003c\"] }\n",
            ]
        );
    }
}
