//! The `{{name}}` variables in the requests of Postman and `.http` files. Values that the file defines are filled in;
//! other variables stay, and the entry notes that.
//!
//! A value may use earlier variables several times, so a few hundred bytes can expand to gigabytes. The expansion is
//! limited for each entry and for the whole file. Entries beyond the limit can't be read; the others can.

use std::{borrow::Cow, collections::HashMap};

use super::{
    MAX_SIZE,
    parts::{ParseError, expected},
};

/// How many bytes variables, or gzip in messages, may add to a file per byte of the file.
const FILE_FACTOR: usize = 64;

/// The minimum and maximum of that limit, in bytes.
const FILE_LIMITS: (usize, usize) = (1 << 20, 128 << 20);

/// How many bytes variables, or gzip in messages, may add to a file of this size in bytes.
pub(super) fn file_limit(size: usize) -> usize {
    let (smallest, largest) = FILE_LIMITS;
    size.saturating_mul(FILE_FACTOR).clamp(smallest, largest)
}

/// The variables of a file.
#[derive(Debug)]
pub(super) struct FileVariables {
    /// The values; `None` for one that is too large.
    values: HashMap<String, Option<String>>,
    /// The first name without a value found since the last note.
    unknown: Option<String>,
    file_limit: usize,
    /// How many bytes the definitions, the entries, and the current entry may still add.
    definitions_left: usize,
    file_left: usize,
    entry_left: usize,
}

/// A part of a text.
enum TextPart<'t> {
    Text(&'t str),
    Variable {
        name: &'t str,
        /// With its braces.
        written: &'t str,
    },
}

impl FileVariables {
    /// No variables, for a file of this size in bytes.
    pub(super) fn of_file(size: usize) -> Self {
        let file_limit = file_limit(size);
        Self {
            values: HashMap::new(),
            unknown: None,
            file_limit,
            definitions_left: file_limit,
            file_left: file_limit,
            entry_left: MAX_SIZE,
        }
    }

    /// Defines a variable, whose value may use earlier ones; if a name occurs twice, the last value counts.
    pub(super) fn set(&mut self, name: &str, value: &str) {
        let value = self.expanded_size(value).filter(|added| *added <= self.definitions_left).map(|added| {
            self.definitions_left -= added;
            self.expanded(value)
        });
        self.values.insert(name.to_owned(), value);
    }

    /// Starts the next entry, with nothing added to it yet.
    pub(super) fn start_entry(&mut self) {
        self.entry_left = MAX_SIZE;
        self.unknown = None;
    }

    /// The text with the known values filled in.
    ///
    /// # Errors
    ///
    /// If the values exceed what may still be added to the entry or the file.
    pub(super) fn fill<'t>(&mut self, text: &'t str) -> Result<Cow<'t, str>, ParseError> {
        if !text.contains("{{") {
            return Ok(Cow::Borrowed(text));
        }
        let added = self.expanded_size(text);
        let within = |limit: usize| added.is_some_and(|added| added <= limit);
        if !within(self.file_left) || !within(self.entry_left) {
            let limit = if within(self.file_left) { MAX_SIZE } else { self.file_limit };
            return Err(expected(format!("variables that add at most {} MiB", limit >> 20)));
        }
        let added = added.unwrap_or_default();
        self.file_left -= added;
        self.entry_left -= added;
        if self.unknown.is_none() {
            let names = parts(text)
                .filter_map(|part| if let TextPart::Variable { name, .. } = part { Some(name) } else { None });
            self.unknown = names.into_iter().find(|name| !self.values.contains_key(*name)).map(str::to_owned);
        }
        Ok(Cow::Owned(self.expanded(text)))
    }

    /// How many bytes of values a text uses; `None` if one of them is too large.
    fn expanded_size(&self, text: &str) -> Option<usize> {
        parts(text).try_fold(0_usize, |size, part| match part {
            TextPart::Variable { name, .. } => match self.values.get(name) {
                Some(value) => size.checked_add(value.as_ref()?.len()),
                None => Some(size),
            },
            TextPart::Text(_) => Some(size),
        })
    }

    fn expanded(&self, text: &str) -> String {
        let mut expanded = String::with_capacity(text.len());
        expanded.extend(parts(text).map(|part| match part {
            TextPart::Text(text) => text,
            TextPart::Variable { name, written } => match self.values.get(name) {
                Some(Some(value)) => value,
                _ => written,
            },
        }));
        expanded
    }

    /// The note on variables of the current entry that have no value.
    pub(super) fn note(&mut self) -> Option<String> {
        let name = self.unknown.take()?;
        Some(format!("the variable `{{{{{name}}}}}` has no value in the file and was not replaced"))
    }
}

/// The parts of a text. Each byte is examined once.
fn parts(text: &str) -> impl Iterator<Item = TextPart<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (at, length) = next_variable(rest);
        if at > 0 {
            let (before, after) = rest.split_at(at);
            rest = after;
            return Some(TextPart::Text(before));
        }
        let (written, after) = rest.split_at(length);
        rest = after;
        Some(TextPart::Variable { name: written[2..length - 2].trim(), written })
    })
}

/// The offset and length of the next variable; at the end of the text if there is none.
fn next_variable(text: &str) -> (usize, usize) {
    let mut at = 0;
    while let Some(start) = text[at..].find("{{").map(|gap| at + gap) {
        let inside = &text[start + 2..];
        // JSON may have two braces in a row; a name has neither braces nor quotes.
        let Some(length) = inside.find(['{', '}', '"', ':', '\n']) else { break };
        if inside[length..].starts_with("}}") && !inside[..length].trim().is_empty() {
            return (start, length + 4);
        }
        at = start + 2 + length;
    }
    (text.len(), 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::formats::tests::collected;

    fn filled(variables: &mut FileVariables, text: &str) -> (String, Option<String>) {
        variables.start_entry();
        (variables.fill(text).unwrap().into_owned(), variables.note())
    }

    #[test]
    fn known_variables_are_filled_in_and_others_noted() {
        let mut variables = FileVariables::of_file(0);
        variables.set("host", "http://h");
        variables.set("url", "{{host}}/p");
        assert_eq!(filled(&mut variables, "{{ url }}?a={{host}}"), ("http://h/p?a=http://h".to_owned(), None));
        let note = "the variable `{{token}}` has no value in the file and was not replaced";
        let text = "a {{token}} {{b}}";
        assert_eq!(filled(&mut variables, text), (text.to_owned(), Some(note.to_owned())));
        assert_eq!(variables.note(), None);
    }

    #[test]
    fn braces_of_json_are_not_a_variable() {
        let mut variables = FileVariables::of_file(0);
        variables.set("a", "1");
        for text in [r#"{"a":{"b":{{"c":1}}}}"#, "{{", "{{}}", "{{ }}", "}}{{", "{{{{", "{{a}", "{{{a}}"] {
            assert_eq!(filled(&mut variables, text), (text.to_owned(), None), "{text}");
        }
        for (text, expected) in
            [(r#"{"x":{{"y":{{a}}}}"#, r#"{"x":{{"y":1}}"#), ("{{{{a}}", "{{1"), ("{{é{{a}}}}", "{{é1}}")]
        {
            assert_eq!(filled(&mut variables, text), (expected.to_owned(), None));
        }
    }

    /// `@v0 = xxxx…` and `@v1 = {{v0}}{{v0}}`, up to this number.
    fn doubling(last: usize, first_value: &str) -> Vec<(String, String)> {
        let doubled = |number: usize| (format!("v{number}"), format!("{{{{v{0}}}}}{{{{v{0}}}}}", number - 1));
        let first = ("v0".to_owned(), first_value.to_owned());
        std::iter::once(first).chain((1..=last).map(doubled)).collect()
    }

    /// The variables come after the first request, because the start of a file decides its format.
    fn http_file(variables: &[(String, String)], bodies: &[&str]) -> String {
        let variables: Vec<String> = variables.iter().map(|(name, value)| format!("@{name}={value}\n")).collect();
        let request = |body: &&str| format!("POST http://h/\nA: b\n\n{body}\n###\n");
        let requests: Vec<String> = bodies.iter().map(request).collect();
        format!("###\n{}{}{}", requests[0], variables.concat(), requests[1..].concat())
    }

    fn postman(variables: &[(String, String)], bodies: &[&str]) -> String {
        let variables: Vec<_> =
            variables.iter().map(|(key, value)| serde_json::json!({"key": key, "value": value})).collect();
        let item = |body: &&str| {
            let body = serde_json::json!({"mode": "raw", "raw": body});
            serde_json::json!({"name": "n", "request": {"method": "POST", "url": "http://h/", "body": body}})
        };
        let items: Vec<_> = bodies.iter().map(item).collect();
        let schema = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json";
        let info = serde_json::json!({"name": "hooks", "schema": schema});
        serde_json::json!({"info": info, "item": items, "variable": variables}).to_string()
    }

    /// The sizes of the bodies, or the errors without their position.
    fn bodies(file: &str) -> Vec<Result<usize, String>> {
        let (entries, _) = collected(file);
        let without_position = |error: String| error.split_once(": ").unwrap().1.to_owned();
        entries.into_iter().map(|entry| entry.map(|entry| entry.request.body.len()).map_err(without_position)).collect()
    }

    fn beyond(mebibytes: usize) -> Result<usize, String> {
        Err(format!("expected variables that add at most {mebibytes} MiB"))
    }

    /// 900 bytes that stand for 32 GiB, in the middle of a file whose other entries are small.
    #[test]
    fn variables_that_double_are_an_error_of_the_entry_that_uses_them() {
        let variables = doubling(30, "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
        let texts = ["{{v0}}", "{{v30}}", "{\"a\":\"{{v1}}\"}"];
        for file in [http_file(&variables, &texts), postman(&variables, &texts)] {
            assert_eq!(bodies(&file), [Ok(32), beyond(1), Ok(72)], "{} bytes", file.len());
        }
    }

    #[test]
    fn a_large_variable_that_is_used_often_is_an_error() {
        let variables = [("a".to_owned(), "x".repeat(256 << 10))];
        let uses = "{{a}}".repeat(50_000);
        let file = http_file(&variables, &["{}", &uses, "{{a}}{{a}}"]);
        assert!(file.len() < 520_000);
        assert_eq!(bodies(&file), [Ok(2), beyond(31), Ok(512 << 10)]);
    }

    #[test]
    fn the_entries_of_a_file_share_a_limit() {
        let variables = [("a".to_owned(), "x".repeat(400 << 10))];
        let texts = ["{{a}}{{a}}"; 60];
        let found = bodies(&http_file(&variables, &[&["{}"], &texts[..]].concat()));
        // 64 times the file's 402 KiB.
        assert_eq!(found[..33], [vec![Ok(2)], vec![Ok(800 << 10); 32]].concat());
        assert_eq!(found[33..], vec![beyond(25); 28]);
    }

    #[test]
    fn an_entry_has_a_limit_of_its_own() {
        let mut variables = FileVariables::of_file(16 << 20);
        variables.set("a", &"x".repeat(16 << 20));
        let error = variables.fill("{{a}}{{a}}{{a}}{{a}}{{a}}").unwrap_err();
        assert!(matches!(error, ParseError::Expected(what) if what == "variables that add at most 64 MiB"));
        for _ in 0..4 {
            variables.fill("{{a}}").unwrap();
        }
        let error = variables.fill("{{a}}").unwrap_err();
        assert!(matches!(error, ParseError::Expected(what) if what == "variables that add at most 64 MiB"));
        variables.start_entry();
        assert!(variables.fill("{{a}}").is_ok());
    }

    #[test]
    fn many_braces_take_linear_time() {
        let mut variables = FileVariables::of_file(0);
        let text = "{{".repeat(2 << 20) + "}}";
        assert_eq!(filled(&mut variables, &text), (text.clone(), None));
    }
}
