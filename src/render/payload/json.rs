//! A JSON body, re-indented: two spaces per level, empty `{}` and `[]` on one line, coloured by kind of token.

use super::tokens::{NotJson, Token, TokenKind, Tokens};
use super::{BodyLayout, push_spaces};
use crate::render::palette::Role;
use crate::render::text::push_printable;
use crate::webhook::json::lexer::escape_length;

/// See [`BodyLayout::json`].
pub(super) fn push(layout: &BodyLayout, body: &[u8], out: &mut String) -> bool {
    let start = out.len();
    let is_json =
        str::from_utf8(body).is_ok_and(|text| push_tokens(Tokens::new(text), BodyPrinter::new(layout, out)).is_ok());
    if !is_json {
        out.truncate(start);
    }
    is_json
}

fn push_tokens(mut tokens: Tokens<'_>, mut page: BodyPrinter<'_>) -> Result<(), NotJson> {
    while let Some(token) = tokens.next()? {
        if !page.push(token) {
            page.end_before(tokens.left());
            // The rest is not shown, but must also be valid.
            while tokens.next()?.is_some() {}
            return Ok(());
        }
    }
    page.end();
    Ok(())
}

/// Prints one body, and keeps track of the limits.
struct BodyPrinter<'a> {
    layout: &'a BodyLayout,
    out: &'a mut String,
    /// The number of objects and arrays around the next token.
    depth: usize,
    /// The number of lines, including the current one.
    lines: usize,
    /// The number of bytes of the body that are shown.
    shown: usize,
    last: Option<TokenKind>,
}

impl<'a> BodyPrinter<'a> {
    fn new(layout: &'a BodyLayout, out: &'a mut String) -> Self {
        push_spaces(layout.margin, out);
        Self { layout, out, depth: 0, lines: 1, shown: 0, last: None }
    }

    /// Appends a token, unless a limit is reached.
    fn push(&mut self, token: Token<'_>) -> bool {
        let limits = &self.layout.limits;
        let begins_line = self.begins_line(token.kind);
        if self.shown >= limits.bytes || begins_line && self.lines >= limits.lines {
            return false;
        }
        self.depth -= usize::from(token.kind == TokenKind::Close);
        if begins_line {
            self.push_line_break();
        } else if self.last == Some(TokenKind::Comma) {
            self.out.push(' ');
        }
        match token.kind {
            TokenKind::Open | TokenKind::Close | TokenKind::Comma => self.push_mark(token.text),
            TokenKind::Colon => self.push_mark(": "),
            TokenKind::Key => self.push_scalar(Role::Key, token.text),
            TokenKind::String => self.push_scalar(Role::String, token.text),
            TokenKind::Number => self.push_scalar(Role::Number, token.text),
            TokenKind::Literal => self.push_scalar(Role::Literal, token.text),
        }
        self.depth += usize::from(token.kind == TokenKind::Open);
        self.last = Some(token.kind);
        true
    }

    fn end(self) {
        self.out.push('\n');
    }

    fn end_before(self, left_out: usize) {
        self.out.push('\n');
        self.layout.push_rest(left_out, self.out);
    }

    fn begins_line(&self, kind: TokenKind) -> bool {
        let is_at_edge = match self.last {
            Some(TokenKind::Comma) => true,
            Some(TokenKind::Open) => kind != TokenKind::Close,
            _ => kind == TokenKind::Close,
        };
        is_at_edge && self.depth <= self.layout.limits.depth
    }

    fn push_line_break(&mut self) {
        self.out.push('\n');
        push_spaces(self.layout.margin + 2 * self.depth, self.out);
        self.lines += 1;
    }

    fn push_mark(&mut self, mark: &str) {
        self.out.push_str(mark);
        self.shown += 1;
    }

    fn push_scalar(&mut self, role: Role, scalar: &str) {
        let limits = &self.layout.limits;
        let room = limits.token.min(limits.bytes - self.shown);
        if scalar.len() > room {
            return self.push_cut(role, scalar, room);
        }
        self.out.push_str(self.layout.palette.open(role));
        push_printable(scalar, self.out);
        self.out.push_str(self.layout.palette.close());
        self.shown += scalar.len();
    }

    /// Appends the start of a scalar, closes its quotes, and notes how much is left out.
    fn push_cut(&mut self, role: Role, scalar: &str, room: usize) {
        let quote = if scalar.starts_with('"') { "\"" } else { "" };
        let inside = &scalar[quote.len()..scalar.len() - quote.len()];
        let kept = start_of(inside, room.saturating_sub(2 * quote.len()));

        self.out.push_str(self.layout.palette.open(role));
        self.out.push_str(quote);
        push_printable(kept, self.out);
        self.out.push_str(quote);
        self.out.push_str(self.layout.palette.close());
        self.layout.push_more(inside.len() - kept.len(), self.out);
        self.shown += quote.len() + kept.len() + quote.len();
    }
}

/// The start of a JSON string's content, at most `max` bytes, not cut within a character or an escape.
fn start_of(inside: &str, max: usize) -> &str {
    let mut end = 0;
    while let Some(next) = inside[end..].chars().next() {
        let escape = if next == '\\' { escape_length(&inside.as_bytes()[end..]).ok() } else { None };
        let len = escape.unwrap_or(next.len_utf8());
        if end + len > max {
            break;
        }
        end += len;
    }
    &inside[..end]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::super::BodyLimits;
    use super::*;
    use crate::render::palette::Palette;
    use crate::render::text::printable;

    const PLAIN: BodyLimits = BodyLimits { depth: 32, bytes: usize::MAX, lines: usize::MAX, token: usize::MAX };

    fn pretty(body: impl AsRef<[u8]>, limits: BodyLimits) -> Option<String> {
        let layout = BodyLayout { palette: Palette::new(false), margin: 0, limits };
        let mut out = String::from("before\n");
        let is_json = layout.json(body.as_ref(), &mut out);
        let appended = out.strip_prefix("before\n").unwrap().to_owned();
        assert_eq!(is_json, !appended.is_empty());
        is_json.then_some(appended)
    }

    #[test]
    fn objects_and_arrays_are_broken_into_lines() {
        let body = r#"{"id":1,"tags":["a",{"b":[]},{}],"none":null}"#;
        let expected = r#"{
  "id": 1,
  "tags": [
    "a",
    {
      "b": []
    },
    {}
  ],
  "none": null
}
"#;
        assert_eq!(pretty(body, PLAIN).as_deref(), Some(expected));
        assert_eq!(pretty(expected, PLAIN).as_deref(), Some(expected), "indented JSON is unchanged");
    }

    #[test]
    fn scalars_are_shown_as_they_were_sent() {
        let scalars = [
            "1.0",
            "1e400",
            "-0",
            "0.1000000000000000055",
            "123456789012345678901234567890",
            "1E+2",
            r#""\u00e9""#,
            r#""é\/\ud800""#,
            "true",
            "\"\"",
            "{}",
            "[]",
        ];
        for scalar in scalars {
            assert_eq!(pretty(format!(" {scalar}\n"), PLAIN), Some(format!("{scalar}\n")));
        }
    }

    #[test]
    fn duplicate_keys_keep_their_order() {
        assert_eq!(
            pretty(r#"{"b":1,"a":2,"b":3}"#, PLAIN).as_deref(),
            Some("{\n  \"b\": 1,\n  \"a\": 2,\n  \"b\": 3\n}\n")
        );
    }

    #[test]
    fn every_line_keeps_the_margin_and_every_kind_has_its_colour() {
        let layout = BodyLayout { palette: Palette::new(true), margin: 2, limits: PLAIN };
        let mut out = String::new();
        assert!(layout.json(br#"{"a":["s",1,true]}"#, &mut out));
        let expected = [
            "  {",
            "    \u{1b}[36m\"a\"\u{1b}[0m: [",
            "      \u{1b}[32m\"s\"\u{1b}[0m,",
            "      \u{1b}[35m1\u{1b}[0m,",
            "      \u{1b}[33mtrue\u{1b}[0m",
            "    ]",
            "  }",
        ];
        assert_eq!(out.lines().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn strings_and_keys_cannot_reach_the_terminal() {
        let body = "{\"\u{9b}31m\":\"\u{202e}cod.exe\u{7f}\u{2028}\"}";
        let expected = "{\n  \"\\u{9b}31m\": \"\\u{202e}cod.exe\\u{7f}\\u{2028}\"\n}\n";
        assert_eq!(pretty(body, PLAIN).as_deref(), Some(expected));
    }

    #[test]
    fn a_body_that_is_not_json_appends_nothing() {
        let bodies: [&[u8]; 9] = [
            b"",
            b"{\"a\":1",
            b"{\"a\":1}x",
            b"[1,]",
            b"\xef\xbb\xbf{}",
            b"\"\x1b[2J\"",
            b"\"\x00\"",
            b"\"\xff\"",
            b"a=1&b=2",
        ];
        for body in bodies {
            assert_eq!(pretty(body, PLAIN), None, "{body:?}");
        }
    }

    #[test]
    fn an_error_beyond_the_limits_is_still_an_error() {
        let limits = BodyLimits { lines: 2, ..PLAIN };
        assert_eq!(pretty("[1,2,3,4,]", limits), None);
        assert_eq!(pretty("[1,2,3,4]", limits).as_deref(), Some("[\n  1,\n… 6 B more\n"));
    }

    #[test]
    fn deep_nesting_stays_on_one_line() {
        let limits = BodyLimits { depth: 2, ..PLAIN };
        let expected = r#"{
  "a": [
    [1, {"b": [], "c": [2]}],
    [{}]
  ]
}
"#;
        assert_eq!(pretty(r#"{"a":[[1,{"b":[],"c":[2]}],[{}]]}"#, limits).as_deref(), Some(expected));
    }

    #[test]
    fn bytes_beyond_the_limit_are_counted() {
        let limits = BodyLimits { bytes: 6, ..PLAIN };
        assert_eq!(pretty("[ 10, 20,  30, 40 ]", limits).as_deref(), Some("[\n  10,\n  20\n… 11 B more\n"));
    }

    #[test]
    fn a_long_string_is_cut_between_characters_and_escapes() {
        let cases = [
            (1, r#"[""… 9 B more]"#),
            (5, r#"["abc"… 6 B more]"#),
            (6, r#"["abc"… 6 B more]"#),
            (7, r#"["abc\n"… 4 B more]"#),
            (9, r#"["abc\n"… 4 B more]"#),
            (10, r#"["abc\n漢"… 1 B more]"#),
            (11, r#"["abc\n漢."]"#),
        ];
        for (token, expected) in cases {
            let limits = BodyLimits { token, depth: 0, ..PLAIN };
            assert_eq!(pretty(r#"["abc\n漢."]"#, limits), Some(format!("{expected}\n")), "{token}");
        }
    }

    #[test]
    fn a_long_number_is_cut_too() {
        let limits = BodyLimits { token: 4, ..PLAIN };
        assert_eq!(pretty("1234567", limits).as_deref(), Some("1234… 3 B more\n"));
    }

    #[test]
    fn hostile_bodies_stay_within_the_limits() {
        let bodies = [
            "[".repeat(500_000) + &"]".repeat(500_000),
            "{\"a\":".repeat(500_000) + "1" + &"}".repeat(500_000),
            format!("[{}1]", "1,".repeat(5 << 20)),
            format!("\"{}\"", "\u{7f}".repeat(10 << 20)),
            format!("{{\"{}\":1}}", "k".repeat(1 << 20)),
            format!("[{}]", "1".repeat(1 << 20)),
        ];
        for body in bodies {
            let shown = pretty(&body, BodyLimits::EXCERPT).unwrap();
            assert!(shown.len() < 3 * BodyLimits::EXCERPT.bytes, "{} of {}", shown.len(), &body[..8]);
            assert!(shown.lines().count() <= BodyLimits::EXCERPT.lines + 1, "{}", &body[..8]);
            assert!(shown.contains(" more"), "{}", &body[..8]);
        }
    }

    proptest! {
        #[test]
        fn only_the_whitespace_between_tokens_changes(value in json_value()) {
            for body in [value.to_string(), serde_json::to_string_pretty(&value).unwrap()] {
                let shown = pretty(&body, PLAIN).unwrap();
                prop_assert_eq!(without_space(&shown), without_space(&printable(&value.to_string())));
            }
        }

        #[test]
        fn a_text_is_json_if_serde_json_accepts_it(value in json_value(), at: prop::sample::Index, put in "[ -~\n]?") {
            let mut body: Vec<char> = value.to_string().chars().collect();
            let at = at.index(body.len());
            body.splice(at..=at, put.chars());
            let body = String::from_iter(body);
            let is_json = serde_json::from_str::<&serde_json::value::RawValue>(&body).is_ok();
            prop_assert_eq!(pretty(&body, PLAIN).is_some(), is_json);
        }
    }

    fn json_value() -> impl Strategy<Value = Value> {
        let scalar = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        scalar.prop_recursive(6, 64, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::vec((any::<String>(), inner), 0..6)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    /// The text without the whitespace outside its strings.
    fn without_space(text: &str) -> String {
        let (mut is_in_string, mut is_escaped) = (false, false);
        text.chars()
            .filter(|&c| {
                let is_significant = is_in_string || !c.is_ascii_whitespace();
                is_in_string ^= c == '"' && !is_escaped;
                is_escaped = c == '\\' && !is_escaped;
                is_significant
            })
            .collect()
    }
}
