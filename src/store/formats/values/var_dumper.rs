//! Values as Symfony's `dump` and Laravel's `dd` print them in a terminal.
//!
//! Quotes within a text are not escaped, so only the end of its line marks its end. A multi-line text is between lines
//! of `"""`, and each of its line feeds is also written as `\n`.

use super::literal::Literal;

/// How deeply arrays may be nested.
const MAX_DEPTH: usize = 8;

/// The array at the start of a text, and the rest of the text.
pub(super) fn array(text: &str) -> Option<(Literal, &str)> {
    if text.starts_with("array:") { value(text, MAX_DEPTH) } else { None }
}

/// A text dumped on its own, if it has several lines or is JSON, in which other languages would escape the quotes.
pub(super) fn text(text: &str) -> Option<String> {
    let (Literal::Text(found), _) = value(text, 1)? else { return None };
    let is_json = || serde_json::from_str::<serde::de::IgnoredAny>(&found).is_ok();
    (text.starts_with("\"\"\"\n") || is_json()).then_some(found)
}

fn value(text: &str, depth: usize) -> Option<(Literal, &str)> {
    let depth = depth.checked_sub(1)?;
    if let Some(rest) = text.strip_prefix("\"\"\"\n") {
        return block(rest);
    }
    let (line, rest) = text.split_once('\n').unwrap_or((text, ""));
    let line = without_place(line);
    if line.starts_with("array:") && line.ends_with('[') {
        return members(rest, depth);
    }
    if let Some(inside) = line.strip_prefix('"') {
        return Some((Literal::Text(inside.strip_suffix('"')?.to_owned()), rest));
    }
    let value = if line == "[]" { Literal::List(Vec::new()) } else { Literal::Word(line.to_owned()) };
    Some((value, rest))
}

/// A line without the source position that the first line may have: ` // app/Hook.php:12`.
fn without_place(line: &str) -> &str {
    let is_place = |place: &str| {
        let Some((file, number)) = place.rsplit_once(':') else { return false };
        !file.contains('"') && !number.is_empty() && number.bytes().all(|digit| digit.is_ascii_digit())
    };
    let place = line.rsplit_once(" // ").filter(|(_, place)| is_place(place.trim_end()));
    place.map_or(line, |(line, _)| line).trim_end()
}

/// The lines up to a line of `"""` with their indentation.
fn block(text: &str) -> Option<(Literal, &str)> {
    let (mut lines, mut rest) = (Vec::new(), text);
    while let Some((line, after)) = rest.split_once('\n').or_else(|| (!rest.is_empty()).then_some((rest, ""))) {
        if line.trim() == "\"\"\"" {
            let indent = line.len() - line.trim_start().len();
            let text = lines.into_iter().map(|line: &str| {
                let line = line.get(indent..)?;
                Some(line.strip_suffix("\\n").map_or_else(|| line.to_owned(), |line| format!("{line}\n")))
            });
            return Some((Literal::Text(text.collect::<Option<String>>()?), after));
        }
        lines.push(line);
        rest = after;
    }
    None
}

/// The members up to the closing bracket: a list if their keys are numbers.
fn members(text: &str, depth: usize) -> Option<(Literal, &str)> {
    let (mut members, mut is_list) = (Vec::new(), true);
    let mut rest = text;
    loop {
        rest = rest.trim_start();
        if let Some(after) = rest.strip_prefix(']') {
            let after = after.strip_prefix('\n').unwrap_or(after);
            let list = || members.iter().map(|(_, value): &(String, Literal)| value.clone()).collect();
            return Some((if is_list { Literal::List(list()) } else { Literal::Object(members) }, after));
        }
        let (key, found) = rest.split_once(" => ")?;
        is_list &= key.bytes().all(|byte| byte.is_ascii_digit());
        let (value, after) = value(found, depth)?;
        members.push((key.trim_matches('"').to_owned(), value));
        rest = after;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As `dump` of symfony/var-dumper 5.4 prints them.
    #[test]
    fn values_are_read_as_dump_prints_them() {
        let printed = "array:6 [ // app/Hook.php:12\n  \"headers\" => array:3 [\n    \"host\" => array:1 [\n      0 => \"h\"\n    ]\n    \"x-a\" => array:2 [\n      0 => \"b\"\n      1 => \"c\"d\"\n    ]\n    \"content-length\" => array:1 [\n      0 => \"\"\n    ]\n  ]\n  \"body\" => \"{\"n\":1.0}\"\n  \"n\" => 1\n  \"x\" => null\n  \"e\" => []\n  \"c\" => \"a\" // \"b:1\"\n]\nrest";
        let (value, rest) = array(printed).unwrap();
        let expected = r#"{"headers":{"host":["h"],"x-a":["b","c\"d"],"content-length":[""]},"body":"{\"n\":1.0}","n":1,"x":null,"e":[],"c":"a\" // \"b:1"}"#;
        assert_eq!((value.json().as_str(), rest), (expected, "rest"));
        for text in ["array:1 [", "array:1 [\n  \"a\" => \"b\"\n", "array:1 [\n  \"a\"\n]", "array(1) {"] {
            assert_eq!(array(text), None, "{text}");
        }
        assert_eq!(array(&"array:1 [\n0 => ".repeat(100_000)), None);
    }

    #[test]
    fn a_text_ends_with_its_line_or_block() {
        assert_eq!(
            text("\"{\"n\":1.0,\"t\":\"\u{e9} \\\" q\"}\"\n").as_deref(),
            Some("{\"n\":1.0,\"t\":\"\u{e9} \\\" q\"}")
        );
        assert_eq!(text("\"\"\"\n{\\n\n  \"a\": 1\\n\n}\\n\n\"\"\"\n").as_deref(), Some("{\n  \"a\": 1\n}\n"));
        assert_eq!(text("\"\"\"\n{\\n\n  \"a\": 1\\n\n}\n\"\"\"\n").as_deref(), Some("{\n  \"a\": 1\n}"));
        // What other languages print.
        for other in ["\"{\\\"n\\\":1.0}\"\n", "\"a\"b\"", "\"\"\"\nnever ends", "{}"] {
            assert_eq!(text(other), None, "{other}");
        }
    }
}
