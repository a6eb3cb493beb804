//! The formats that a signature's value may have: `{hex}`, `sha256={hex}`, `t={timestamp},v1={hex}`,
//! `{timestamp}.{hex}`.

use super::value::{signatures, time_unit};
use crate::webhook::signature::grammar::{Grammar, GrammarText, TextEncoding};

/// A format that a value may have, and the signature in it.
#[derive(Clone, Debug)]
pub(super) struct ValueForm {
    /// The format as a manifest writes it.
    pub text: GrammarText,
    /// The format.
    pub grammar: Grammar,
    pub signature: Vec<u8>,
    /// The timestamp in the value.
    pub time: Option<String>,
    /// What comes before the signature, such as `v1=`.
    pub tag: String,
}

/// What separates the entries of lists.
const SEPARATORS: [&str; 6] = [", ", ",", " ", ";", "&", "."];

/// What ends a tag.
const TAG_ENDS: [char; 4] = ['=', ':', ',', ' '];

/// The longest tag, in bytes.
const LONGEST_TAG: usize = 24;

/// All formats in which a value may have a signature, the simplest first.
pub(super) fn forms(value: &str) -> Vec<ValueForm> {
    let mut found = Vec::new();
    for (tag, encoding, signature) in tagged(value) {
        found.extend(ValueForm::new(format!("{tag}{}", placeholder(encoding)), None, signature, None, tag));
    }
    for separator in SEPARATORS {
        lists(value, separator, &mut found);
    }
    found
}

fn lists(value: &str, separator: &str, found: &mut Vec<ValueForm>) {
    let pieces: Vec<&str> = value.split(separator).collect();
    if !(2..=8).contains(&pieces.len()) {
        return;
    }
    let time = pieces.iter().enumerate().find_map(|(index, piece)| timed(piece).map(|(tag, time)| (index, tag, time)));
    for (index, piece) in pieces.iter().enumerate() {
        for (tag, encoding, signature) in tagged(piece) {
            let entry = format!("{tag}{}", placeholder(encoding));
            let (text, time) = match &time {
                Some((at, ..)) if *at == index => continue,
                Some((at, time_tag, time)) => {
                    // Without tags, entries are distinguished by their order, so there must be no others.
                    if (tag.is_empty() || time_tag.is_empty())
                        && (pieces.len() > 2 || !tag.is_empty() || !time_tag.is_empty())
                    {
                        continue;
                    }
                    let time_entry = format!("{time_tag}{{timestamp}}");
                    let entries = if *at < index { [time_entry, entry] } else { [entry, time_entry] };
                    (entries.join(separator), Some((*time).to_owned()))
                }
                None if tag.is_empty() => continue,
                None => (entry, None),
            };
            found.extend(ValueForm::new(text, Some(separator.to_owned()), signature, time, tag));
        }
    }
}

impl ValueForm {
    fn new(
        value: String,
        separator: Option<String>,
        signature: Vec<u8>,
        time: Option<String>,
        tag: &str,
    ) -> Option<Self> {
        let text = GrammarText { value, separator };
        let grammar = Grammar::parse(&text).ok()?;
        Some(Self { text, grammar, signature, time, tag: tag.to_owned() })
    }
}

/// The signatures at the end of a text, with the tags before them.
fn tagged(text: &str) -> Vec<(&str, TextEncoding, Vec<u8>)> {
    let ends = text.char_indices().filter(|(_, c)| TAG_ENDS.contains(c)).map(|(at, _)| at + 1);
    let starts = std::iter::once(0).chain(ends).take_while(|start| *start <= LONGEST_TAG);
    let readings = starts.flat_map(|start| {
        let (tag, rest) = text.split_at(start);
        signatures(rest).into_iter().map(move |(encoding, bytes)| (tag, encoding, bytes))
    });
    // A tag with a time would match only captures from the same second.
    let has_time = |tag: &str| tag.bytes().filter(u8::is_ascii_digit).count() >= 6;
    readings.filter(|(tag, ..)| !tag.contains(['{', '}']) && !has_time(tag)).collect()
}

/// A time at the end of a text, with the tag before it.
fn timed(text: &str) -> Option<(&str, &str)> {
    if time_unit(text).is_some() {
        return Some(("", text));
    }
    let start = text.find(['=', ':'])? + 1;
    let (tag, rest) = text.split_at(start);
    (start <= LONGEST_TAG && !tag.contains(['{', '}']) && time_unit(rest).is_some()).then_some((tag, rest))
}

const fn placeholder(encoding: TextEncoding) -> &'static str {
    match encoding {
        TextEncoding::Hex => "{hex}",
        TextEncoding::UppercaseHex => "{HEX}",
        TextEncoding::Base64 => "{base64}",
        TextEncoding::Base64Url => "{base64url}",
        TextEncoding::Plain => "{token}",
        TextEncoding::Jwt => "{jwt}",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEX: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

    fn texts(value: &str) -> Vec<(String, Option<String>)> {
        forms(value).into_iter().map(|form| (form.text.value, form.text.separator)).collect()
    }

    #[test]
    fn a_value_is_read_in_each_format_that_it_may_have() {
        let plain = |text: &str| (text.to_owned(), None);
        assert!(texts(HEX).contains(&plain("{hex}")));
        assert!(texts(&format!("sha256={HEX}")).contains(&plain("sha256={hex}")));
        let list = (String::from("t={timestamp},v1={hex}"), Some(String::from(",")));
        assert!(texts(&format!("t=1772443125,v1={HEX}")).contains(&list));
        let positional = (String::from("{timestamp}.{hex}"), Some(String::from(".")));
        assert!(texts(&format!("1772443125.{HEX}")).contains(&positional));
        assert!(!texts(&format!("t=1772443125,v1={HEX}")).contains(&plain("t=1772443125,v1={hex}")));
        assert!(texts("order.placed").is_empty());
    }
}
