//! The grammar of signature headers: `<hex>`, `sha256=<hex>`, `v1,<base64> v1,<base64>`,
//! `t=<time>,v1=<hex>`.
//!
//! All of them are entries, split at a separator if there is one; each is a fixed tag and a value.
//! Entries with unknown tags are other versions and are skipped.

use std::fmt;

use serde::Deserialize;

use crate::webhook::{
    encoding, nearest,
    template::{self, TemplatePiece},
};

/// The template as a manifest writes it.
impl fmt::Display for Grammar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (tag, field)) in self.entries.iter().enumerate() {
            if let (1.., Some(separator)) = (index, &self.separator) {
                f.write_str(separator)?;
            }
            f.write_str(tag)?;
            f.write_str(match field {
                GrammarField::Timestamp => "{timestamp}",
                GrammarField::Signature(TextEncoding::Hex) => "{hex}",
                GrammarField::Signature(TextEncoding::UppercaseHex) => "{HEX}",
                GrammarField::Signature(TextEncoding::Base64) => "{base64}",
                GrammarField::Signature(TextEncoding::Base64Url) => "{base64url}",
                GrammarField::Signature(TextEncoding::Plain) => "{token}",
                GrammarField::Signature(TextEncoding::Jwt) => "{jwt}",
            })?;
        }
        Ok(())
    }
}

/// How a signature's bytes are encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextEncoding {
    /// Lowercase hexadecimal.
    Hex,
    /// Uppercase hexadecimal.
    UppercaseHex,
    /// Standard base64 with padding.
    Base64,
    /// URL-safe base64 without padding.
    Base64Url,
    /// Not encoded: a static token.
    Plain,
    /// Not encoded: a JWT.
    Jwt,
}

impl TextEncoding {
    pub(in crate::webhook) fn encode(self, bytes: &[u8]) -> String {
        match self {
            Self::Hex => encoding::hex(bytes),
            Self::UppercaseHex => encoding::hex(bytes).to_ascii_uppercase(),
            Self::Base64 => encoding::base64(bytes),
            Self::Base64Url => encoding::base64url(bytes),
            Self::Plain | Self::Jwt => String::from_utf8_lossy(bytes).into_owned(),
        }
    }

    /// Whether all of a text may be part of an encoded signature; `false` for a token, which may have any characters.
    pub(in crate::webhook) fn may_contain(self, text: &str) -> bool {
        let others = match self {
            Self::Hex | Self::UppercaseHex => return text.bytes().all(|byte| byte.is_ascii_hexdigit()),
            Self::Base64 => "+/=",
            Self::Base64Url => "-_=",
            Self::Jwt => "-_.",
            Self::Plain => return false,
        };
        text.chars().all(|c| c.is_ascii_alphanumeric() || others.contains(c))
    }

    fn decode(self, text: &str) -> ParsedSignature {
        if text.is_empty() {
            return ParsedSignature::Undecodable;
        }
        // Handlers compare text, so the other case is rejected, although it can be decoded.
        let is_other_case = match self {
            Self::Hex => text.bytes().any(|byte| byte.is_ascii_uppercase()),
            Self::UppercaseHex => text.bytes().any(|byte| byte.is_ascii_lowercase()),
            _ => false,
        };
        let decoded = match self {
            Self::Hex | Self::UppercaseHex if is_other_case && encoding::decode_hex(text).is_some() => {
                return ParsedSignature::NotCanonical;
            }
            Self::Hex | Self::UppercaseHex => encoding::decode_hex(text),
            Self::Base64 => encoding::decode_base64(text),
            Self::Base64Url => encoding::decode_base64url(text),
            Self::Plain | Self::Jwt => Some(text.as_bytes().to_vec()),
        };
        decoded.map_or(ParsedSignature::Undecodable, ParsedSignature::Decoded)
    }
}

/// The format of a signature header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grammar {
    separator: Option<String>,
    entries: Vec<(String, GrammarField)>,
    /// Whether entries have no tags, and are distinguished by their order.
    is_positional: bool,
    /// The separator between whole values, each of which has a signature.
    repetition: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum GrammarField {
    Signature(TextEncoding),
    Timestamp,
}

/// A grammar as a manifest writes it.
#[derive(Clone, Debug, Deserialize)]
pub struct GrammarText {
    /// The template, `t={timestamp},v1={hex}`.
    pub value: String,
    /// The separator between entries, any text.
    pub separator: Option<String>,
}

/// The most signatures read from one header. During a rotation, providers send one for each valid secret; every further
/// one costs a comparison per secret.
pub const MAX_SIGNATURES: usize = 64;

/// The content of one signature header.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Parsed<'a> {
    /// The signatures of the known version, in order.
    pub signatures: Vec<ParsedSignature>,
    /// The timestamps, in order; a valid header has one.
    pub timestamps: Vec<&'a str>,
    /// The tags of other versions, in order.
    pub unknown: Vec<&'a str>,
    /// Whether an entry has no tag.
    pub malformed: bool,
    /// The number of entries that are not timestamps. Those after the first [`MAX_SIGNATURES`] are only counted.
    pub count: usize,
}

/// One signature in a header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ParsedSignature {
    /// The decoded bytes.
    Decoded(Vec<u8>),
    /// Hexadecimal in the letter case that the provider doesn't use. Handlers that compare text reject it.
    NotCanonical,
    /// Not valid in the provider's encoding.
    Undecodable,
}

impl Grammar {
    /// Parses a template.
    ///
    /// # Errors
    ///
    /// A message if the template does not have exactly one signature, or its entries can't be distinguished.
    pub fn parse(text: &GrammarText) -> Result<Self, String> {
        let pieces: Vec<&str> = match text.separator.as_deref() {
            Some("") => return Err("the separator is empty".to_owned()),
            Some(separator) => text.value.split(separator).collect(),
            None => vec![&text.value],
        };
        let entry = |piece| {
            let separator = text.separator.as_deref().filter(|_| piece != text.value);
            let hint = separator.map(|separator| format!("; `{separator}` separates the entries of `{}`", text.value));
            entry(piece).map_err(|error| error + &hint.unwrap_or_default())
        };
        let entries = pieces.into_iter().map(entry).collect::<Result<Vec<_>, _>>()?;
        let signatures = entries.iter().filter(|(_, field)| matches!(field, GrammarField::Signature(_))).count();
        if signatures != 1 {
            return Err(format!(
                "`{}` must have exactly one of {{hex}}, {{HEX}}, {{base64}}, {{base64url}}, {{token}}, {{jwt}}; it has {signatures}",
                text.value
            ));
        }
        let is_positional = entries.len() > 1 && entries.iter().all(|(tag, _)| tag.is_empty());
        if is_positional {
            return Ok(Self { separator: text.separator.clone(), entries, is_positional, repetition: None });
        }
        if entries.iter().enumerate().any(|(i, (tag, _))| entries[..i].iter().any(|(other, _)| other == tag)) {
            return Err(format!("two entries of `{}` have the same tag, so they can't be distinguished", text.value));
        }
        Ok(Self { separator: text.separator.clone(), entries, is_positional, repetition: None })
    }

    /// The same format, but the whole value may be repeated after this separator, with the same timestamp.
    ///
    /// # Errors
    ///
    /// A message if the separator is empty, or is also that of the entries.
    pub fn repeated(self, separator: String) -> Result<Self, String> {
        if separator.is_empty() || self.separator.as_deref().is_some_and(|own| own.trim() == separator.trim()) {
            return Err(
                "the separator of repeated values must not be empty or the same as that of the entries".to_owned()
            );
        }
        Ok(Self { repetition: Some(separator), ..self })
    }

    /// What separates whole values, if the value may be repeated.
    pub(in crate::webhook) fn repetition(&self) -> Option<&str> {
        self.repetition.as_deref()
    }

    /// Whether the header carries the timestamp too.
    #[must_use]
    pub fn carries_timestamp(&self) -> bool {
        self.entries.iter().any(|(_, field)| *field == GrammarField::Timestamp)
    }

    /// The separator between entries, if there may be any number of them.
    pub(in crate::webhook) fn separator(&self) -> Option<&str> {
        self.separator.as_deref().filter(|_| !self.is_positional)
    }

    /// Whether the header may have several signatures.
    #[must_use]
    pub fn is_list(&self) -> bool {
        self.separator().is_some() || self.repetition.is_some()
    }

    /// A tag of a version that the provider doesn't use; `None` if the format has no versions.
    pub(in crate::webhook) fn unknown_tag(&self) -> Option<String> {
        let delimiter = self.delimiter()?;
        let tags = ["v9", "v99", "v0"].into_iter().map(|version| format!("{version}{delimiter}"));
        tags.into_iter().find(|tag| self.entries.iter().all(|(known, _)| !tag.starts_with(known.as_str())))
    }

    /// How the signature's bytes are encoded.
    #[must_use]
    pub fn encoding(&self) -> TextEncoding {
        let found = self.entries.iter().find_map(|(_, field)| match field {
            GrammarField::Signature(encoding) => Some(*encoding),
            GrammarField::Timestamp => None,
        });
        found.unwrap_or(TextEncoding::Plain)
    }

    /// Writes the header for a signature.
    #[must_use]
    pub fn write(&self, signature: &[u8], timestamp: &str) -> String {
        let mut value = String::with_capacity(2 * signature.len() + 32);
        for (index, (tag, field)) in self.entries.iter().enumerate() {
            value.push_str(self.separator.as_deref().filter(|_| index > 0).unwrap_or_default());
            value.push_str(tag);
            match field {
                GrammarField::Signature(encoding) => value.push_str(&encoding.encode(signature)),
                GrammarField::Timestamp => value.push_str(timestamp),
            }
        }
        value
    }

    /// Parses a header. This never fails: the result says what is wrong.
    #[must_use]
    pub fn read<'a>(&self, value: &'a str) -> Parsed<'a> {
        let mut parsed = Parsed::default();
        match self.repetition.as_deref() {
            Some(repetition) => value.split(repetition).for_each(|value| self.read_value(value, &mut parsed)),
            None => self.read_value(value, &mut parsed),
        }
        if self.repetition.is_some() {
            parsed.timestamps.dedup();
        }
        parsed
    }

    fn read_value<'a>(&self, value: &'a str, parsed: &mut Parsed<'a>) {
        match self.separator.as_deref() {
            Some(separator) if self.is_positional => self.read_positions(value, separator, parsed),
            Some(separator) => {
                // Padding in HTTP lists. If whitespace is the separator, there is no padding.
                let visible = separator.trim();
                let (separator, padding): (_, &[char]) =
                    if visible.is_empty() { (separator, &[]) } else { (visible, &[' ', '\t']) };
                let mut read = |piece: &'a str| {
                    let piece = piece.trim_matches(padding);
                    if !piece.is_empty() {
                        self.read_entry(piece, parsed);
                    }
                };
                // To search for a text rather than a character takes 2% of the time of `verify`.
                match separator.parse::<char>() {
                    Ok(separator) => value.split(separator).for_each(&mut read),
                    Err(_) => value.split(separator).for_each(&mut read),
                }
            }
            None => self.read_entry(value, parsed),
        }
    }

    /// Reads values that are distinguished by their order. There must be as many as the template has.
    fn read_positions<'a>(&self, value: &'a str, separator: &str, parsed: &mut Parsed<'a>) {
        let mut pieces = value.splitn(self.entries.len(), separator);
        for (_, field) in &self.entries {
            match (pieces.next(), field) {
                (Some(piece), GrammarField::Timestamp) => parsed.timestamps.push(piece),
                (Some(piece), GrammarField::Signature(encoding)) => {
                    parsed.count += 1;
                    parsed.signatures.push(encoding.decode(piece));
                }
                (None, _) => parsed.malformed = true,
            }
        }
    }

    fn read_entry<'a>(&self, piece: &'a str, parsed: &mut Parsed<'a>) {
        let known =
            self.entries.iter().filter(|(tag, _)| piece.starts_with(tag.as_str())).max_by_key(|(tag, _)| tag.len());
        if let Some((tag, GrammarField::Timestamp)) = known {
            parsed.timestamps.push(&piece[tag.len()..]);
            return;
        }
        parsed.count += 1;
        if parsed.count > MAX_SIGNATURES {
            return;
        }
        if let Some((tag, GrammarField::Signature(encoding))) = known {
            parsed.signatures.push(encoding.decode(&piece[tag.len()..]));
        } else if let Some((version, _)) = self.delimiter().and_then(|delimiter| piece.split_once(delimiter)) {
            parsed.unknown.push(version);
        } else {
            parsed.malformed = true;
        }
    }

    /// The last character of a tag, `=` in `v1=`. Only a list may have entries of other versions.
    fn delimiter(&self) -> Option<char> {
        self.separator()?;
        self.entries.first()?.0.chars().last()
    }
}

fn entry(piece: &str) -> Result<(String, GrammarField), String> {
    let (tag, placeholder) = match template::split(piece)?.as_slice() {
        [TemplatePiece::Placeholder(name)] => ("", *name),
        [TemplatePiece::Literal(tag), TemplatePiece::Placeholder(name)] => (*tag, *name),
        [_, .., TemplatePiece::Placeholder(_)] if piece.contains("{timestamp}") => {
            return Err(format!(
                "`{piece}` has several entries: add the separator between them, such as separator = \",\""
            ));
        }
        _ => {
            return Err(format!("`{piece}` must be fixed text followed by one placeholder, such as `sha256={{hex}}`"));
        }
    };
    let field = match placeholder {
        "hex" => GrammarField::Signature(TextEncoding::Hex),
        "HEX" => GrammarField::Signature(TextEncoding::UppercaseHex),
        "base64" => GrammarField::Signature(TextEncoding::Base64),
        "base64url" => GrammarField::Signature(TextEncoding::Base64Url),
        "token" => GrammarField::Signature(TextEncoding::Plain),
        "jwt" => GrammarField::Signature(TextEncoding::Jwt),
        "timestamp" => GrammarField::Timestamp,
        other => return Err(nearest::unknown("placeholder", other, VALUE_PLACEHOLDERS)),
    };
    Ok((tag.trim_start().to_owned(), field))
}

/// The placeholders of a value.
const VALUE_PLACEHOLDERS: [&str; 7] = ["hex", "HEX", "base64", "base64url", "token", "jwt", "timestamp"];

#[cfg(test)]
mod tests {
    use super::*;

    fn grammar(value: &str, separator: Option<char>) -> Result<Grammar, String> {
        Grammar::parse(&GrammarText { value: value.to_owned(), separator: separator.map(String::from) })
    }

    #[test]
    fn a_plain_value_is_only_the_signature() {
        let hex = grammar("{hex}", None).unwrap();
        assert_eq!(hex.write(&[0x0a, 0xff], ""), "0aff");
        assert_eq!(hex.read("0aff").signatures, [ParsedSignature::Decoded(vec![0x0a, 0xff])]);
        assert_eq!(hex.read("0AFF").signatures, [ParsedSignature::NotCanonical]);
        let upper = grammar("{HEX}", None).unwrap();
        assert_eq!((upper.write(&[0x0a, 0xff], ""), upper.to_string()), ("0AFF".to_owned(), "{HEX}".to_owned()));
        assert_eq!(upper.read("0AFF").signatures, [ParsedSignature::Decoded(vec![0x0a, 0xff])]);
        assert_eq!(upper.read("0aff").signatures, [ParsedSignature::NotCanonical]);
        for wrong in ["0af", "0afg", "", "0aff "] {
            assert_eq!(hex.read(wrong).signatures, [ParsedSignature::Undecodable], "{wrong:?}");
        }
    }

    #[test]
    fn a_prefix_is_required() {
        let prefixed = grammar("sha256={hex}", None).unwrap();
        assert_eq!(prefixed.read("sha256=00").signatures, [ParsedSignature::Decoded(vec![0])]);
        assert_eq!(prefixed.read("sha1=00"), Parsed { malformed: true, count: 1, ..Parsed::default() });
    }

    #[test]
    fn a_versioned_list_skips_other_versions() {
        let svix = grammar("v1,{base64}", Some(' ')).unwrap();
        let parsed = svix.read("v1a,AAAA v1,AQ==  v1,AQ bare");
        assert_eq!(parsed.signatures, [ParsedSignature::Decoded(vec![1]), ParsedSignature::Undecodable]);
        assert_eq!((parsed.unknown, parsed.malformed), (vec!["v1a"], true));
    }

    #[test]
    fn only_padding_of_http_lists_is_trimmed() {
        let svix = grammar("v1,{base64}", Some(' ')).unwrap();
        assert_eq!(svix.read("  v1,AQ== ").signatures, [ParsedSignature::Decoded(vec![1])]);
        assert_eq!(svix.read("v1,AQ==\t").signatures, [ParsedSignature::Undecodable]);
        assert_eq!(svix.read("\tv1,AQ==").unknown, ["\tv1"]);
        let stripe = grammar("t={timestamp},v1={hex}", Some(',')).unwrap();
        assert_eq!(stripe.read("t=12,\t v1=07 ").signatures, [ParsedSignature::Decoded(vec![7])]);
        // A byte 0xA0 of a header is U+00A0 as text, which Unicode counts as whitespace.
        assert_eq!(stripe.read("t=12,v1=07\u{a0}").signatures, [ParsedSignature::Undecodable]);
    }

    #[test]
    fn a_keyed_list_has_a_timestamp_and_several_signatures() {
        let stripe = grammar("t={timestamp},v1={hex}", Some(',')).unwrap();
        assert_eq!(stripe.write(&[7], "12"), "t=12,v1=07");
        let parsed = stripe.read("t=12, v1=07,v0=08,v1=09");
        assert_eq!(parsed.timestamps, ["12"]);
        assert_eq!(parsed.signatures, [ParsedSignature::Decoded(vec![7]), ParsedSignature::Decoded(vec![9])]);
        assert_eq!(parsed.unknown, ["v0"]);
    }

    #[test]
    fn signatures_after_the_first_64_are_only_counted() {
        let svix = grammar("v1,{base64}", Some(' ')).unwrap();
        for (sent, read) in [(64, 64), (65, 64), (100_000, 64)] {
            let header = vec!["v1,AQ=="; sent].join(" ");
            let parsed = svix.read(&header);
            assert_eq!((parsed.count, parsed.signatures.len()), (sent, read));
        }
        let stripe = grammar("t={timestamp},v1={hex}", Some(',')).unwrap();
        assert_eq!(stripe.read("t=1,v0=08,v1=07,bare").count, 3);
    }

    #[test]
    fn values_without_tags_are_told_apart_by_their_order() {
        let docuseal = grammar("{timestamp}.{hex}", Some('.')).unwrap();
        assert_eq!(docuseal.write(&[7], "12"), "12.07");
        let parsed = docuseal.read("12.07");
        assert_eq!((parsed.timestamps, parsed.signatures), (vec!["12"], vec![ParsedSignature::Decoded(vec![7])]));
        assert!(docuseal.read("12").malformed && !docuseal.is_list());
        assert_eq!(docuseal.read("12.07.08").signatures, [ParsedSignature::Undecodable]);
    }

    #[test]
    fn a_separator_may_be_any_text_and_is_read_with_any_padding() {
        let text = GrammarText { value: "t={timestamp}, v1={hex}".into(), separator: Some(", ".into()) };
        let workos = Grammar::parse(&text).unwrap();
        assert_eq!(workos.write(&[7], "12"), "t=12, v1=07");
        for value in ["t=12, v1=07", "t=12,v1=07"] {
            assert_eq!(workos.read(value).signatures, [ParsedSignature::Decoded(vec![7])], "{value}");
        }
    }

    #[test]
    fn url_safe_base64_is_written_without_padding_and_read_with_either() {
        let sanity = grammar("{base64url}", None).unwrap();
        assert_eq!(sanity.write(&[0xfb, 0xff], ""), "-_8");
        for value in ["-_8", "-_8="] {
            assert_eq!(sanity.read(value).signatures, [ParsedSignature::Decoded(vec![0xfb, 0xff])]);
        }
        assert_eq!(sanity.read("+/8").signatures, [ParsedSignature::Undecodable]);
    }

    #[test]
    fn whole_values_are_repeated_with_the_same_timestamp() {
        let persona = grammar("t={timestamp},v1={hex}", Some(',')).unwrap().repeated(" ".to_owned()).unwrap();
        assert_eq!(persona.write(&[7], "12"), "t=12,v1=07");
        let parsed = persona.read("t=12,v1=07 t=12,v1=08");
        assert_eq!(parsed.timestamps, ["12"]);
        assert_eq!(parsed.signatures, [ParsedSignature::Decoded(vec![7]), ParsedSignature::Decoded(vec![8])]);
        // There is no telling which one is signed.
        assert_eq!(persona.read("t=12,v1=07 t=13,v1=08").timestamps, ["12", "13"]);
        for separator in ["", ","] {
            let stripe = grammar("t={timestamp},v1={hex}", Some(',')).unwrap();
            assert!(stripe.repeated(separator.to_owned()).is_err(), "{separator:?}");
        }
    }

    #[test]
    fn an_invalid_template_is_explained() {
        assert_eq!(
            grammar("{hx}", None),
            Err("unknown placeholder `hx`; did you mean `hex`? (known: `hex`, `HEX`, `base64`, `base64url`, `token`, `jwt`, `timestamp`)".into())
        );
        assert_eq!(
            grammar("t={timestamp}", Some(',')),
            Err("`t={timestamp}` must have exactly one of {hex}, {HEX}, {base64}, {base64url}, {token}, {jwt}; it has 0"
                .into())
        );
        assert_eq!(
            grammar("t={timestamp},v1={hex}", None),
            Err("`t={timestamp},v1={hex}` has several entries: add the separator between them, such as separator = \",\""
                .into())
        );
        assert_eq!(
            grammar("{hex}{base64}", None),
            Err("`{hex}{base64}` must be fixed text followed by one placeholder, such as `sha256={hex}`".into())
        );
        assert_eq!(
            grammar("v={timestamp},v={hex}", Some(',')),
            Err("two entries of `v={timestamp},v={hex}` have the same tag, so they can't be distinguished".into())
        );
    }
}
