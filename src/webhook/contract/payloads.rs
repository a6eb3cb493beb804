//! Edits that turn a fixture into another valid payload: with other text, more text, or empty values. If the schema
//! allows it, they change text that a person wrote; otherwise they add a member, as providers do without notice.

use crate::webhook::{
    json::{self, Kind, Node, Path, PointerToken, quote},
    overrides::{self, Override, OverrideValue},
    schema::SchemaDefinition,
};

/// A payload to edit.
#[derive(Clone, Copy)]
pub(super) struct OriginalPayload<'a> {
    /// Its JSON text.
    pub text: &'a str,
    /// The schema that it must match.
    pub definition: Option<SchemaDefinition<'a>>,
    /// The values that name its event, which must not change.
    pub kept: &'a [&'a Path],
}

/// The member that is added if no text can be changed.
const ADDED: &str = "hookdev_text";

/// Values of each JSON type but null. A schema that rejects one of them says which types it allows.
const OF_EACH_TYPE: [&str; 5] = ["true", "0.5", "\"\"", "[]", "{}"];

impl OriginalPayload<'_> {
    /// Puts a text where a person could have written it, or else into a new member.
    pub(super) fn with_text(self, text: &str) -> Option<Override> {
        let value = OverrideValue::json(&quote(text)).ok()?;
        let root = json::parse(self.text).ok()?;
        let mut found = None;
        self.visit(&root, &mut String::new(), &mut |path, node| {
            if let (None, Kind::String(old)) = (&found, &node.kind) {
                let edit = Override::Set { path: path.clone(), value: value.clone() };
                found = (is_prose(old) && self.allows(&edit)).then_some(edit);
            }
            true
        });
        found.or_else(|| self.with_member(ADDED, value))
    }

    /// Adds a member with a text, which readers ignore.
    pub(super) fn with_added_text(self, text: &str) -> Option<Override> {
        self.with_member(ADDED, OverrideValue::json(&quote(text)).ok()?)
    }

    /// Adds a member whose value, JSON text, is or has empty values.
    pub(super) fn with_added(self, json: &str) -> Option<Override> {
        self.with_member("hookdev_empty", OverrideValue::json(json).ok()?)
    }

    /// Sets values to null, and lists to empty ones, where the schema allows exactly that.
    pub(super) fn emptied(self) -> Vec<Override> {
        let Ok(root) = json::parse(self.text) else { return Vec::new() };
        let mut edits = Vec::new();
        self.visit(&root, &mut String::new(), &mut |path, node| {
            let set = |json: &str| {
                let value = OverrideValue::json(json).ok()?;
                Some(Override::Set { path: path.clone(), value }).filter(|edit| self.allows(edit))
            };
            let is_typed = || OF_EACH_TYPE.iter().any(|json| set(json).is_none());
            let empty = match &node.kind {
                Kind::Null => None,
                Kind::Array(items) if !items.is_empty() => set("null").or_else(|| set("[]")),
                _ => set("null"),
            };
            let edit = empty.filter(|_| is_typed());
            let is_left = edit.is_none();
            edits.extend(edit);
            is_left
        });
        if self.definition.is_none() || edits.is_empty() || !self.allows_all(&edits) { Vec::new() } else { edits }
    }

    fn with_member(self, name: &str, value: OverrideValue) -> Option<Override> {
        let root = json::parse(self.text).ok()?;
        let Kind::Object(_) = root.kind else { return None };
        let path = PointerToken(name).to_string().parse().ok()?;
        Some(Override::Add { path, value }).filter(|edit| self.allows(edit))
    }

    fn allows(self, edit: &Override) -> bool {
        self.allows_all(std::slice::from_ref(edit))
    }

    /// Whether the payload is as valid after the edits as before.
    fn allows_all(self, edits: &[Override]) -> bool {
        let Ok(edited) = overrides::apply(self.text, edits) else { return false };
        let is_valid = |text: &str| match (json::parse(text), self.definition) {
            (Ok(root), Some(definition)) => definition.check(&root).is_valid(),
            (Ok(_), None) => true,
            (Err(_), _) => false,
        };
        is_valid(&edited) || !is_valid(self.text)
    }

    /// Visits each value below the root except those that name the event. `visit` says whether to visit what is inside.
    fn visit(self, node: &Node<'_>, pointer: &mut String, visit: &mut impl FnMut(&Path, &Node<'_>) -> bool) {
        let mut child = |key: &str, value: &Node<'_>| {
            let length = pointer.len();
            pointer.push_str(&PointerToken(key).to_string());
            if let Ok(path) = pointer.parse::<Path>() {
                let is_parent_of_kept = self.kept.iter().any(|kept| kept.keys().starts_with(path.keys()));
                if is_parent_of_kept || visit(&path, value) {
                    self.visit(value, pointer, visit);
                }
            }
            pointer.truncate(length);
        };
        match &node.kind {
            Kind::Object(members) => members.iter().for_each(|member| child(&member.key, &member.value)),
            Kind::Array(items) => {
                items.iter().enumerate().for_each(|(index, item)| child(&index.to_string(), item));
            }
            _ => {}
        }
    }
}

/// Whether a text is what a person wrote, such as a title: several words, and not a date.
fn is_prose(text: &str) -> bool {
    let words = text.split(' ').filter(|word| word.chars().any(char::is_alphabetic)).count();
    words >= 2 && !text.contains("://")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::webhook::schema::Schema;

    const TEXT: &str = r#"{"type":"made","title":"A song","list":[1],"n":null,"who":{"name":"Zoë Bar","age":7}}"#;
    const SCHEMA: &str = r#"{"$defs":{"made":{"type":"object","properties":{"type":{"const":"made"},
        "title":{"maxLength":9},"list":{"type":"array"},"who":{"properties":{"age":{"type":["integer","null"]}}}},
        "maxProperties":LIMIT}}}"#;

    fn edited(limit: &str, edit: impl FnOnce(OriginalPayload<'_>) -> Vec<Override>) -> String {
        let schema = Schema::parse(&SCHEMA.replace("LIMIT", limit)).unwrap();
        let kept: Path = "type".parse().unwrap();
        let original = OriginalPayload { text: TEXT, definition: schema.definition("made"), kept: &[&kept] };
        overrides::apply(TEXT, &edit(original)).unwrap()
    }

    #[test]
    fn a_text_goes_where_a_person_could_have_written_it() {
        let with = |text: &'static str| edited("6", |original| original.with_text(text).into_iter().collect());
        assert_eq!(with("東京"), TEXT.replace("A song", "東京"));
        // Too long for the first.
        assert_eq!(with("1234567890"), TEXT.replace("Zoë Bar", "1234567890"));
    }

    #[test]
    fn a_member_is_added_only_where_the_schema_allows_it() {
        let with = |limit| edited(limit, |original| original.with_added("[]").into_iter().collect());
        assert_eq!(with("6"), TEXT.replace("}}", r#"},"hookdev_empty":[]}"#));
        assert_eq!(with("5"), TEXT);
    }

    #[test]
    fn values_are_emptied_only_where_the_schema_says_so() {
        assert_eq!(
            edited("6", |original| original.emptied().into_iter().collect()),
            TEXT.replace("[1]", "[]").replace('7', "null")
        );
    }
}
