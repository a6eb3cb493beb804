//! The forms in which JSON libraries write one document, each tried once.

use std::collections::{HashMap, HashSet};

use super::{
    escapes::Escapes,
    libraries::{Layout, Members, WRITERS, Writer, array_index},
    number_style::Numbers,
    serialise::JsonDocument,
};
use crate::webhook::json::{Kind, Node};

/// One way in which libraries write a document, and the calls that produce it.
#[derive(Debug)]
pub struct LibraryForm {
    /// The first of the libraries.
    pub writer: &'static Writer,
    pub layout: Layout,
    /// All the calls, the most likely first.
    pub calls: Vec<String>,
}

impl LibraryForm {
    /// Who writes a document like this, as messages say it.
    pub fn words(&self) -> String {
        match self.calls.as_slice() {
            [] => "a JSON library".to_owned(),
            [one] => one.clone(),
            [one, other] => format!("{one} or {other}"),
            [one, other, third] => format!("{one}, {other} or {third}"),
            [one, ..] => format!("most JSON libraries, such as {one}"),
        }
    }
}

/// The forms in which libraries write a document, each once: libraries differ only where the document has what they
/// treat differently.
pub fn forms(document: JsonDocument<'_>) -> Vec<LibraryForm> {
    let traits = Traits::of(document);
    let mut forms: Vec<LibraryForm> = Vec::new();
    let mut places = HashMap::new();
    let is_list = matches!(&document.root.kind, Kind::Array(items) if items.len() > 1);
    for writer in &WRITERS {
        for &layout in writer.layouts.iter().filter(|layout| is_list || **layout != Layout::Items) {
            let call = writer.call_for(layout);
            let place = *places.entry(traits.effective(writer, layout)).or_insert(forms.len());
            match forms.get_mut(place) {
                Some(form) => form.calls.push(call),
                None => forms.push(LibraryForm { writer, layout, calls: vec![call] }),
            }
        }
    }
    forms
}

/// The traits of a document that libraries treat differently.
struct Traits {
    escapes: Escapes,
    has_backslashes: bool,
    numbers: HashSet<NumberKind>,
    has_special_members: bool,
}

/// Which libraries may write a number differently.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum NumberKind {
    /// Those that turn integers into doubles.
    Integer,
    /// Any.
    Other,
}

impl Traits {
    fn of(document: JsonDocument<'_>) -> Self {
        let mut traits = Self {
            escapes: Escapes::NONE,
            has_backslashes: document.text.contains('\\'),
            numbers: HashSet::new(),
            has_special_members: false,
        };
        traits.add(document.root);
        traits
    }

    fn add(&mut self, node: &Node<'_>) {
        match &node.kind {
            Kind::Null | Kind::Bool(_) => {}
            Kind::Number(text) => {
                self.numbers.insert(if Numbers::is_plain(text) { NumberKind::Integer } else { NumberKind::Other });
            }
            Kind::String(text) => self.escapes = self.escapes | Escapes::in_text(text),
            Kind::Array(items) => items.iter().for_each(|item| self.add(item)),
            Kind::Object(members) => {
                let mut keys = HashSet::with_capacity(members.len());
                for member in members {
                    self.escapes = self.escapes | Escapes::in_text(&member.key);
                    self.has_special_members |= !keys.insert(&member.key) || array_index(&member.key).is_some();
                    self.add(&member.value);
                }
                self.has_special_members |= members.is_empty();
            }
        }
    }

    /// Equal for two libraries that write the document alike.
    fn effective(&self, writer: &Writer, layout: Layout) -> (Escapes, Option<Numbers>, Option<Members>, Layout) {
        let turns_integers = self.numbers.contains(&NumberKind::Integer) && writer.numbers == Numbers::JavaDoubles;
        let numbers = (self.numbers.contains(&NumberKind::Other) || turns_integers).then_some(writer.numbers);
        let members = (self.has_special_members || writer.members == Members::Stored).then_some(writer.members);
        let keeps_strings = writer.escapes.has(Escapes::KEPT) && !self.has_backslashes;
        let escapes = if keeps_strings { Escapes::NONE } else { writer.escapes.effective(self.escapes) };
        (escapes, numbers, members, layout)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::webhook::json;

    fn calls(text: &str) -> Vec<String> {
        let root = json::parse(text).unwrap();
        forms(JsonDocument { text, root: &root }).iter().map(LibraryForm::words).collect()
    }

    #[test]
    fn libraries_that_write_a_document_alike_are_tried_once() {
        let plain = calls(r#"{"a":1,"b":"c"}"#);
        assert_eq!(plain[0], "most JSON libraries, such as JavaScript's JSON.stringify");
        assert_eq!(plain.len(), 9, "{plain:#?}");
        assert!(calls(r#"{"a":1.0,"b":"é/<'"}"#).len() > 40);
    }

    #[test]
    fn the_call_for_compact_json_is_not_pythons_default() {
        let text = "[\"é\\u007f\"]";
        let calls = calls(text);
        assert!(calls.contains(&"Python's json.dumps".to_owned()), "{calls:#?}");
        assert!(calls.contains(&"Python's json.dumps with separators=(',', ':')".to_owned()), "{calls:#?}");
    }
}
