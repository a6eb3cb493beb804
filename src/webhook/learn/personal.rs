//! Replaces the values of payloads, so that no personal data is written: names, addresses, tokens, numbers. Whatever is
//! not known to be harmless is replaced. Structure, types and formats are kept, and equal values stay equal.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    net::{Ipv4Addr, Ipv6Addr},
};

use super::value::time_unit;
use crate::webhook::{
    json::{Kind, Node, Path, quote, writer},
    schema::is_uuid,
    signature::timestamp::TimeUnit,
};

/// Keys whose values are one of a few words, such as a status.
const WORDED: [&str; 19] = [
    "type",
    "event",
    "event_type",
    "eventtype",
    "event_name",
    "action",
    "status",
    "kind",
    "object",
    "object_kind",
    "topic",
    "currency",
    "version",
    "api_version",
    "mode",
    "level",
    "format",
    "unit",
    "severity",
];

/// The moment that replaces all others: 2 March 2026, 09:18:45 UTC.
const MOMENT: &str = "2026-03-02T09:18:45";
const MOMENT_SECONDS: &str = "1772443125";

/// The values that are replaced, and what they become.
pub(super) struct Replacements {
    /// The paths whose values are kept.
    protected: Vec<Path>,
    /// Their values.
    kept: BTreeSet<String>,
    /// The replacements of texts.
    texts: HashMap<String, String>,
    /// What texts become, so that no two become the same, apart from times.
    taken: HashSet<String>,
}

impl Replacements {
    /// Replacements of everything but the values at these paths.
    pub(super) fn new(protected: Vec<Path>) -> Self {
        Self { protected, kept: BTreeSet::new(), texts: HashMap::new(), taken: HashSet::new() }
    }

    /// Adds the values of a payload.
    pub(super) fn collect(&mut self, root: &Node<'_>) {
        for path in &self.protected {
            self.kept.extend(root.get(path).and_then(Node::text).map(std::borrow::Cow::into_owned));
        }
        self.visit(root, "");
    }

    fn visit(&mut self, node: &Node<'_>, key: &str) {
        match &node.kind {
            Kind::Object(members) => {
                for member in members {
                    if !is_plain_key(&member.key) {
                        self.replace(&member.key, "key");
                    }
                    self.visit(&member.value, &member.key);
                }
            }
            Kind::Array(items) => items.iter().for_each(|item| self.visit(item, key)),
            Kind::String(text) if !is_word(key, text) && !self.kept.contains(text.as_ref()) => self.replace(text, key),
            _ => {}
        }
    }

    fn replace(&mut self, text: &str, key: &str) {
        if text.trim().is_empty() || self.texts.contains_key(text) {
            return;
        }
        if let Some(new) = time(text) {
            self.texts.insert(text.to_owned(), new);
            return;
        }
        let taken = |new: &String| self.taken.contains(new) || self.texts.contains_key(new) || new == text;
        let start = self.texts.len() + 1;
        let new = (start..start + 1000).map(|number| replacement(text, key, number)).find(|new| !taken(new));
        let new = new.unwrap_or_else(|| "example".to_owned());
        self.taken.insert(new.clone());
        self.texts.insert(text.to_owned(), new);
    }

    /// Whether the name of a member is personal, such as an e-mail address.
    pub(super) fn is_personal_key(&self, key: &str) -> bool {
        !is_plain_key(key) || self.texts.contains_key(key)
    }

    /// The payload with its values replaced, as indented JSON with a newline.
    pub(super) fn written(&self, root: &Node<'_>) -> String {
        let mut compact = String::new();
        self.write(root, &mut compact);
        let mut indented = writer::indented(compact.as_bytes());
        indented.push(b'\n');
        String::from_utf8_lossy(&indented).into_owned()
    }

    fn write(&self, node: &Node<'_>, out: &mut String) {
        match &node.kind {
            Kind::Null => out.push_str("null"),
            Kind::Bool(truth) => out.push_str(if *truth { "true" } else { "false" }),
            Kind::Number(text) => out.push_str(&number(text)),
            Kind::String(text) => out.push_str(&quote(&self.text(text))),
            Kind::Array(items) => {
                out.push('[');
                for (index, item) in items.iter().enumerate() {
                    out.push_str(if index > 0 { "," } else { "" });
                    self.write(item, out);
                }
                out.push(']');
            }
            Kind::Object(members) => {
                out.push('{');
                for (index, member) in members.iter().enumerate() {
                    out.push_str(if index > 0 { "," } else { "" });
                    out.push_str(&quote(&self.text(&member.key)));
                    out.push(':');
                    self.write(&member.value, out);
                }
                out.push('}');
            }
        }
    }

    /// A text or its replacement. A word that contains a replaced value is one, too.
    fn text(&self, text: &str) -> String {
        if let Some(new) = self.texts.get(text).filter(|_| !self.kept.contains(text)) {
            return new.clone();
        }
        let is_kept = self.kept.contains(text) || is_plain_key(text) && text == text.to_ascii_lowercase();
        if is_kept || !parts(text).any(|part| self.texts.contains_key(part)) {
            return text.to_owned();
        }
        "example".to_owned()
    }
}

/// The longest name or word that is kept, in bytes.
const LONGEST_NAME: usize = 48;

/// The shortest value that is looked for in names and words, in bytes.
const SHORTEST_PART: usize = 4;

/// The parts of a name or a word that may be replaced values. Their number doesn't depend on how many values are
/// replaced.
fn parts(text: &str) -> impl Iterator<Item = &str> {
    let text = if text.len() <= LONGEST_NAME { text } else { "" };
    (0..text.len())
        .flat_map(move |start| (start + SHORTEST_PART..=text.len()).filter_map(move |end| text.get(start..end)))
}

/// Whether a member's name is one that a program has chosen.
fn is_plain_key(key: &str) -> bool {
    let digits = key.bytes().filter(u8::is_ascii_digit).count();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '$' | '.' | ':' | '[' | ']');
    key.len() <= LONGEST_NAME
        && digits <= 3
        && key.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_' || c == '$' || c == '@')
        && key.chars().skip(1).all(is_plain)
}

/// Whether a value is one of a few words, by its key and its look.
fn is_word(key: &str, text: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '/' | ':');
    WORDED.contains(&key.to_ascii_lowercase().as_str())
        && text.len() <= 40
        && text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(is_plain)
        && text.bytes().filter(u8::is_ascii_digit).count() <= 3
}

/// A number with as many digits. Single digits are kept.
fn number(text: &str) -> String {
    if let Some(unit) = time_unit(text) {
        return if unit == TimeUnit::Milliseconds { format!("{MOMENT_SECONDS}000") } else { MOMENT_SECONDS.to_owned() };
    }
    if text.bytes().filter(u8::is_ascii_digit).count() < 2 {
        return text.to_owned();
    }
    let (mantissa, exponent) = text.find(['e', 'E']).map_or((text, ""), |at| text.split_at(at));
    let replaced = |start: u8| {
        let mut digit = start;
        let mut is_first = true;
        let new: String = mantissa
            .chars()
            .map(|c| {
                // A zero before the point stays, because no other number may begin with it.
                let is_leading_zero = is_first && c == '0';
                is_first &= !c.is_ascii_digit();
                if !c.is_ascii_digit() || is_leading_zero {
                    return c;
                }
                digit = digit % 9 + 1;
                char::from(b'0' + digit)
            })
            .collect();
        new + exponent
    };
    let new = replaced(0);
    if new == text { replaced(4) } else { new }
}

/// A text of the same format.
fn replacement(text: &str, key: &str, number: usize) -> String {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    if text.parse::<Ipv4Addr>().is_ok() {
        return format!("192.0.2.{}", number % 255);
    }
    if text.parse::<Ipv6Addr>().is_ok() {
        return format!("2001:db8::{number:x}");
    }
    if let Some((scheme, _)) =
        text.split_once("://").filter(|(scheme, _)| scheme.bytes().all(|byte| byte.is_ascii_alphanumeric()))
    {
        return format!("{}://example.com/{number}", if scheme.len() <= 6 { scheme } else { "https" });
    }
    if text.contains('@') && !text.contains(char::is_whitespace) {
        return format!("user{number}@example.com");
    }
    if is_uuid(text) {
        return format!("00000000-0000-4000-8000-{number:012}");
    }
    if text.len() >= 2 && digits > 0 && text.bytes().all(|byte| byte.is_ascii_digit() || b"+-() ./,".contains(&byte)) {
        return scrambled(text, number);
    }
    let is_compact = !text.contains(char::is_whitespace) && text.is_ascii();
    let is_mixed = text.bytes().skip(1).any(|byte| byte.is_ascii_uppercase())
        && text.bytes().any(|byte| byte.is_ascii_lowercase());
    if is_compact && (digits > 0 || text.len() >= 20 || is_mixed) {
        return scrambled(text, number);
    }
    words(text, key, number)
}

/// [`MOMENT`] in the format of a text that is a time or a date; `None` if it is neither.
fn time(text: &str) -> Option<String> {
    match time_unit(text) {
        Some(TimeUnit::Seconds) => Some(MOMENT_SECONDS.to_owned()),
        Some(TimeUnit::Milliseconds) => Some(format!("{MOMENT_SECONDS}000")),
        Some(_) => Some(moment(text)),
        None => is_dated(text).then(|| moment(text)),
    }
}

/// Whether a text begins with a date.
fn is_dated(text: &str) -> bool {
    let is_right = |(index, byte): (usize, u8)| match index {
        4 | 7 => byte == b'-',
        _ => byte.is_ascii_digit(),
    };
    text.len() >= 10
        && text.is_ascii()
        && text.bytes().take(10).enumerate().all(is_right)
        && !text[10..].contains(char::is_alphabetic)
        || text.len() >= 19
            && text.is_ascii()
            && text.bytes().take(10).enumerate().all(is_right)
            && text.as_bytes()[10] == b'T'
}

/// [`MOMENT`] as far as the text goes, with its offset and the zeros of its fraction.
fn moment(text: &str) -> String {
    let rest = text.chars().skip(MOMENT.len()).map(|c| if c.is_ascii_digit() { '0' } else { c });
    let separator = text.chars().nth(10).filter(|c| *c == ' ');
    let known: String =
        MOMENT.chars().take(text.len()).map(|c| if c == 'T' { separator.unwrap_or(c) } else { c }).collect();
    known.chars().chain(rest).collect()
}

/// A text with as many letters and digits in the same places, which depend only on the number.
fn scrambled(text: &str, number: usize) -> String {
    let is_hex = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let mut state = number as u64;
    let mut next = |range: u8| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        u8::try_from((state >> 33) % u64::from(range)).unwrap_or_default()
    };
    let mut new = |c: char| match c {
        '1'..='9' => char::from(b'1' + next(9)),
        'a'..='z' => char::from(b'a' + next(if is_hex { 6 } else { 26 })),
        'A'..='Z' => char::from(b'A' + next(26)),
        _ => c,
    };
    text.chars().map(&mut new).collect()
}

/// Words for a text, by its key.
fn words(text: &str, key: &str, number: usize) -> String {
    let key = key.to_ascii_lowercase();
    let has = |word: &str| key.contains(word);
    let words = if has("first") || has("given") {
        "Sam"
    } else if has("last") || has("family") || has("surname") {
        "Example"
    } else if has("street") || has("address") || has("line") {
        "Example Street"
    } else if has("city") || has("town") {
        "Exampleton"
    } else if has("company") || has("organi") {
        "Example Ltd"
    } else if has("name") && text.contains(' ') {
        "Sam Example"
    } else if text.contains(' ') {
        "Example text"
    } else if text.len() <= 3 {
        return scrambled(text, number);
    } else if text.starts_with(|c: char| c.is_uppercase()) {
        "Example"
    } else {
        "example"
    };
    let separator = if text.contains(' ') { " " } else { "-" };
    format!("{}{separator}{number}", if separator == "-" { words.replace(' ', "-") } else { words.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::webhook::json;

    #[test]
    fn values_are_replaced_and_formats_are_kept() {
        let text = r#"{"type":"order.placed","id":"ord_7Hq2","email":"ada@lovelace.dev","at":"2025-07-01T08:00:00.123Z","born":"1815-12-10","ip":"203.0.113.77","phone":"+44 20 7946 0958","url":"https://ada:pw@shop.test/u/ada?token=abc","total":1234.50,"count":3,"unix":1751356800,"note":"","ok":true,"by":{"ada@lovelace.dev":[null]}}"#;
        let root = json::parse(text).unwrap();
        let mut replacements = Replacements::new(Vec::new());
        replacements.collect(&root);
        let written = replacements.written(&root);
        for personal in
            ["7Hq2", "ada", "lovelace", "2025", "1815", "203.0", "7946", "0958", "shop", "abc", "1234.50", "1751356800"]
        {
            assert!(!written.contains(personal), "{personal}: {written}");
        }
        let parsed: serde_json::Value = serde_json::from_str(&written).unwrap();
        assert_eq!(parsed["type"], "order.placed");
        assert_eq!(parsed["at"], "2026-03-02T09:18:45.000Z");
        assert_eq!(parsed["born"], "2026-03-02");
        assert_eq!((parsed["count"].as_u64(), parsed["unix"].as_u64()), (Some(3), Some(1_772_443_125)));
        assert_eq!(parsed["total"].to_string(), "1234.56");
        assert_eq!(parsed["email"], parsed["by"].as_object().unwrap().keys().next().unwrap().as_str());
        assert_eq!((parsed["note"].as_str(), parsed["ok"].as_bool()), (Some(""), Some(true)));
        assert!(parsed["phone"].as_str().unwrap().starts_with('+'));
    }

    #[test]
    fn every_time_keeps_its_format_and_so_does_every_date() {
        let text = r#"{"a":"2025-07-01T08:00:00Z","b":"2025-07-04T09:30:00Z","c":"2024-02-29","d":"1815-12-10","e":"1751356800","f":"1751443200"}"#;
        let root = json::parse(text).unwrap();
        let mut replacements = Replacements::new(Vec::new());
        replacements.collect(&root);
        let parsed: serde_json::Value = serde_json::from_str(&replacements.written(&root)).unwrap();
        let expected = serde_json::json!({
            "a": "2026-03-02T09:18:45Z", "b": "2026-03-02T09:18:45Z", "c": "2026-03-02", "d": "2026-03-02",
            "e": "1772443125", "f": "1772443125",
        });
        assert_eq!(parsed, expected);
    }

    #[test]
    fn the_work_for_a_word_does_not_grow_with_the_number_of_values() {
        assert_eq!(parts("Alovel").collect::<Vec<_>>(), ["Alov", "Alove", "Alovel", "love", "lovel", "ovel"]);
        assert_eq!(parts("abc").count(), 0);
        // The longest name has 45 beginnings of 1 to 45 parts each, and longer texts are never searched.
        assert_eq!(parts(&"a".repeat(LONGEST_NAME)).count(), 45 * 46 / 2);
        assert_eq!(parts(&" ".repeat(LONGEST_NAME + 1)).count(), 0);

        let text = r#"{"people":[{"name":"Lovelace"},{"name":"Hopper"}],"status":"AskHopper","kind":"AskNobody"}"#;
        let root = json::parse(text).unwrap();
        let mut replacements = Replacements::new(Vec::new());
        replacements.collect(&root);
        let parsed: serde_json::Value = serde_json::from_str(&replacements.written(&root)).unwrap();
        assert_eq!((&parsed["status"], &parsed["kind"]), (&"example".into(), &"AskNobody".into()));
    }
}
