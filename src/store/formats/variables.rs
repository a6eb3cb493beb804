//! The `{{name}}` variables in the requests of Postman and `.http` files. Values that the file defines are filled in; other
//! variables stay, and the entry notes that.

use std::borrow::Cow;

/// The variables of a file.
#[derive(Debug, Default)]
pub(super) struct Variables {
    values: Vec<(String, String)>,
    /// Names without a value that were met since the last note.
    unknown: Vec<String>,
}

impl Variables {
    /// Defines a variable, whose value may use earlier ones; of the same name the last counts.
    pub(super) fn set(&mut self, name: &str, value: &str) {
        let value = self.fill(value).into_owned();
        self.unknown.clear();
        self.values.push((name.to_owned(), value));
    }

    /// The text with the known values filled in.
    pub(super) fn fill<'t>(&mut self, text: &'t str) -> Cow<'t, str> {
        if !text.contains("{{") {
            return Cow::Borrowed(text);
        }
        let mut filled = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(start) = rest.find("{{") {
            let Some(length) = rest[start..].find("}}") else { break };
            let (before, place) = rest.split_at(start);
            let (place, after) = place.split_at(length + 2);
            filled.push_str(before);
            let name = place[2..length].trim();
            // JSON may have two braces in a row; a name has neither braces nor quotes.
            let is_name = !name.is_empty() && !name.contains(['{', '"', ':', '\n']);
            match self.values.iter().rev().find(|(known, _)| is_name && known == name) {
                Some((_, value)) => filled.push_str(value),
                None if is_name => {
                    self.unknown.push(name.to_owned());
                    filled.push_str(place);
                }
                None => {
                    filled.push_str("{{");
                    rest = &rest[start + 2..];
                    continue;
                }
            }
            rest = after;
        }
        filled.push_str(rest);
        Cow::Owned(filled)
    }

    /// The note on variables without a value since the last one.
    pub(super) fn note(&mut self) -> Option<String> {
        let name = self.unknown.first().cloned();
        self.unknown.clear();
        name.map(|name| format!("the variable `{{{{{name}}}}}` has no value in the file and was not replaced"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_variables_are_filled_in_and_others_noted() {
        let mut variables = Variables::default();
        variables.set("host", "http://h");
        variables.set("url", "{{host}}/p");
        assert_eq!(
            (variables.fill("{{ url }}?a={{host}}"), variables.note()),
            (Cow::from("http://h/p?a=http://h"), None)
        );
        let note = "the variable `{{token}}` has no value in the file and was not replaced";
        assert_eq!(
            (variables.fill("a {{token}} {{b}}"), variables.note()),
            (Cow::from("a {{token}} {{b}}"), Some(note.to_owned()))
        );
        assert_eq!(variables.note(), None);
    }

    #[test]
    fn braces_of_json_are_not_a_variable() {
        let mut variables = Variables::default();
        variables.set("a", "1");
        for text in [r#"{"a":{"b":{{"c":1}}}}"#, "{{", "{{}}", "}}{{", "{{{{"] {
            assert_eq!((variables.fill(text), variables.note()), (Cow::from(text), None), "{text}");
        }
        assert_eq!(variables.fill(r#"{"x":{{"y":{{a}}}}"#), r#"{"x":{{"y":1}}"#);
    }
}
