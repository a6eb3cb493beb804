//! Values as PHP's `print_r`, `var_dump` and `var_export` write them, and its frameworks' `dump`.
//!
//! `print_r` doesn't mark the end of a text: it ends where the next key, or the end of the array, starts a line.

use super::{
    literal::{self, Literal},
    var_dumper,
};

/// How deeply arrays may be nested.
const MAX_DEPTH: usize = 8;

/// How many lines are searched for an array.
const MAX_LINES: usize = 64;

/// The first array at the start of a line, and the rest of the text.
pub(in crate::store::formats) fn value(text: &str) -> Option<(Literal, &str)> {
    let starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1));
    let start = starts.take(MAX_LINES).find(|at| {
        let line = &text[*at..];
        line.starts_with("Array\n(")
            || line.starts_with("array:")
            || line.starts_with("array(")
            || line.starts_with("array (\n")
    })?;
    let text = &text[start..];
    var_dumper::array(text)
        .or_else(|| dumped(text, MAX_DEPTH))
        .or_else(|| printed(text, 0, MAX_DEPTH))
        .or_else(|| if text.starts_with("array (") { exported(text, MAX_DEPTH) } else { None })
}

/// The text of `string(LENGTH) "…"`, as `var_dump` writes it, or of `dump`.
pub(in crate::store::formats) fn text(text: &str) -> Option<String> {
    match dumped(text, 1) {
        Some((Literal::Text(text), _)) => Some(text),
        _ => var_dumper::text(text),
    }
}

/// A value of `var_dump`: `array(1) {`, `["key"]=>`, `string(3) "abc"`.
fn dumped(text: &str, depth: usize) -> Option<(Literal, &str)> {
    let depth = depth.checked_sub(1)?;
    let (kind, rest) = text.split_once('(')?;
    let (inside, rest) = rest.split_once(')')?;
    match kind {
        "string" => {
            let rest = rest.strip_prefix(" \"")?;
            let (value, rest) = rest.split_at_checked(inside.parse().ok()?)?;
            Some((Literal::Text(value.to_owned()), rest.strip_prefix('"')?))
        }
        "array" => {
            let mut rest = rest.strip_prefix(" {")?.trim_start();
            let mut members = Vec::new();
            while let Some(after) = rest.strip_prefix('[') {
                let (key, after) = after.split_once("]=>")?;
                let (value, after) = dumped(after.trim_start(), depth)?;
                members.push((key.trim_matches('"').to_owned(), value));
                rest = after.trim_start();
            }
            Some((Literal::Object(members), rest.strip_prefix('}')?))
        }
        "int" | "float" | "bool" => Some((Literal::Word(inside.to_owned()), rest)),
        _ => text.strip_prefix("NULL").map(|rest| (Literal::Word("null".to_owned()), rest)),
    }
}

/// An array of `print_r` whose parentheses are indented by as many spaces.
fn printed(text: &str, indent: usize, depth: usize) -> Option<(Literal, &str)> {
    let depth = depth.checked_sub(1)?;
    let spaces = " ".repeat(indent);
    let mut rest = text.strip_prefix("Array\n")?.strip_prefix(&format!("{spaces}(\n"))?;
    let (key_start, end) = (format!("{spaces}    ["), format!("{spaces})\n"));
    let mut members = Vec::new();
    loop {
        if let Some(after) = rest.strip_prefix(&end).or_else(|| (rest == end.trim_end_matches('\n')).then_some("")) {
            return Some((Literal::Object(members), after));
        }
        let (key, after) = rest.strip_prefix(&key_start)?.split_once("] => ")?;
        if let Some((value, after)) = printed(after, indent + 8, depth) {
            members.push((key.to_owned(), value));
            rest = after.trim_start_matches('\n');
            continue;
        }
        let ends =
            |line: &str| line.starts_with(&key_start) || line.starts_with(&end) || line == end.trim_end_matches('\n');
        let at = after.match_indices('\n').map(|(at, _)| at).find(|at| ends(&after[at + 1..]))?;
        members.push((key.to_owned(), Literal::Text(after[..at].to_owned())));
        rest = &after[at + 1..];
    }
}

/// A value of `var_export`: `array (`, `'key' => 'value',`.
fn exported(text: &str, depth: usize) -> Option<(Literal, &str)> {
    let depth = depth.checked_sub(1)?;
    let Some(rest) = text.strip_prefix("array (") else { return literal::value(text) };
    let mut rest = rest.trim_start();
    let mut members = Vec::new();
    loop {
        if let Some(after) = rest.strip_prefix(')') {
            return Some((Literal::Object(members), after));
        }
        let (key, after) = literal::value(rest)?;
        let (value, after) = exported(after.trim_start().strip_prefix("=>")?.trim_start(), depth)?;
        members.push((key.text()?.to_owned(), value));
        rest = after.trim_start_matches(|c: char| c == ',' || c.is_whitespace());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrays_are_read_as_each_function_prints_them() {
        // php -r '$f(["a" => "b", "c-d" => ["e" => "f\ng"], "h" => "i"]);', and text after it.
        for printed in [
            "Array\n(\n    [a] => b\n    [c-d] => Array\n        (\n            [e] => f\ng\n        )\n\n    [h] => i\n)\n{}",
            "array(3) {\n  [\"a\"]=>\n  string(1) \"b\"\n  [\"c-d\"]=>\n  array(1) {\n    [\"e\"]=>\n    string(3) \"f\ng\"\n  }\n  [\"h\"]=>\n  string(1) \"i\"\n}{}",
            "array (\n  'a' => 'b',\n  'c-d' => \n  array (\n    'e' => 'f\ng',\n  ),\n  'h' => 'i',\n){}",
        ] {
            let (value, rest) = value(printed).unwrap();
            assert_eq!(value.json(), r#"{"a":"b","c-d":{"e":"f\ng"},"h":"i"}"#, "{printed}");
            assert_eq!(rest, "{}", "{printed}");
        }
        assert_eq!(text("string(3) \"a\"b\"\n").as_deref(), Some("a\"b"));
    }

    #[test]
    fn other_text_is_no_array() {
        for text in
            ["", "Array\n(\n", "array(1) {", "array(9) {\n  [\"a\"]=>\n  string(99) \"b\"\n}", "array (\n  'a' => \n"]
        {
            assert!(value(text).is_none(), "{text}");
        }
        let deep = "array(1) {\n  [\"a\"]=>\n  ".repeat(10_000);
        assert!(value(&deep).is_none());
    }
}
