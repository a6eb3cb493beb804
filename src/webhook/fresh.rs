//! Fresh values: ids, times and random text, new in each send. The same template, time and seed yield the same value.

use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::webhook::{
    nearest,
    template::{self, TemplatePiece},
    time::Timestamp,
};

/// The source of a send's fresh values.
#[derive(Clone, Debug)]
pub struct FreshSource<'a> {
    now: Timestamp,
    seed: &'a [u8; 32],
    /// The delivery's id; empty while the id itself is being made.
    id: &'a str,
}

impl<'a> FreshSource<'a> {
    /// A source for this time and seed, which is random, or fixed for a reproducible send.
    #[must_use]
    pub const fn new(now: Timestamp, seed: &'a [u8; 32]) -> Self {
        Self { now, seed, id: "" }
    }

    /// The source for the other values of the delivery with this id.
    #[must_use]
    pub fn with_id(self, id: &'a str) -> Self {
        Self { id, ..self }
    }
}

/// The seed of a send whose id the user chose.
#[must_use]
pub fn seed_of(id: &str) -> [u8; 32] {
    Sha256::digest(id.as_bytes()).into()
}

/// The template of a fresh value, such as `msg_{base62:27}`, `{now}` or `{uuid}`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Fresh(Vec<FreshPiece>);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::webhook) enum FreshPiece {
    Literal(String),
    Now,
    NowMillis,
    Unix,
    UnixMillis,
    Id,
    Uuid,
    Random(Alphabet, usize),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::webhook) enum Alphabet {
    Hex,
    Base62,
    Digits,
}

/// The maximum length of random text.
const LONGEST: usize = 256;

const HEX: &[u8; 16] = b"0123456789abcdef";
const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const DIGITS: &[u8; 10] = b"0123456789";

impl Fresh {
    pub(in crate::webhook) fn pieces(&self) -> &[FreshPiece] {
        &self.0
    }

    /// A random UUID.
    #[must_use]
    pub fn uuid() -> Self {
        Self(vec![FreshPiece::Uuid])
    }

    /// Whether it contains the delivery's id.
    #[must_use]
    pub fn has_id(&self) -> bool {
        self.0.contains(&FreshPiece::Id)
    }

    /// Whether it is only the delivery's id.
    #[must_use]
    pub fn is_id(&self) -> bool {
        self.0 == [FreshPiece::Id]
    }

    /// Makes a value. Values of one send differ by their labels.
    #[must_use]
    pub fn make(&self, source: &FreshSource<'_>, label: &str) -> String {
        let mut value = String::with_capacity(40);
        self.write(source, label, &mut value);
        value
    }

    /// Appends a value.
    pub fn write(&self, source: &FreshSource<'_>, label: &str, value: &mut String) {
        let mut stream = SeededBytes::new(source.seed, label);
        for piece in &self.0 {
            match piece {
                FreshPiece::Literal(text) => value.push_str(text),
                FreshPiece::Now => value.push_str(&source.now.rfc3339_seconds()),
                FreshPiece::NowMillis => value.push_str(&source.now.to_string()),
                FreshPiece::UnixMillis => value.push_str(&source.now.unix_millis().to_string()),
                FreshPiece::Unix => value.push_str(&source.now.unix_seconds().to_string()),
                FreshPiece::Id => value.push_str(source.id),
                FreshPiece::Uuid => stream.uuid(value),
                FreshPiece::Random(Alphabet::Hex, length) => stream.text(HEX, *length, value),
                FreshPiece::Random(Alphabet::Base62, length) => stream.text(BASE62, *length, value),
                FreshPiece::Random(Alphabet::Digits, length) => stream.text(DIGITS, *length, value),
            }
        }
    }
}

impl TryFrom<String> for Fresh {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        template::split(&text)?.into_iter().map(piece).collect::<Result<_, _>>().map(Self)
    }
}

fn piece(piece: TemplatePiece<'_>) -> Result<FreshPiece, String> {
    let name = match piece {
        TemplatePiece::Literal(text) => return Ok(FreshPiece::Literal(text.to_owned())),
        TemplatePiece::Placeholder(name) => name,
    };
    let (kind, length) = name.split_once(':').map_or((name, None), |(kind, length)| (kind, Some(length)));
    let random = |alphabet| match length.and_then(|length| length.parse().ok()) {
        Some(length @ 1..=LONGEST) => Ok(FreshPiece::Random(alphabet, length)),
        _ => Err(format!("`{{{name}}}` needs a length from 1 to 256, such as `{{{kind}:24}}`")),
    };
    match (kind, length) {
        ("now", None) => Ok(FreshPiece::Now),
        ("now_ms", None) => Ok(FreshPiece::NowMillis),
        ("unix", None) => Ok(FreshPiece::Unix),
        ("unix_ms", None) => Ok(FreshPiece::UnixMillis),
        ("id", None) => Ok(FreshPiece::Id),
        ("uuid", None) => Ok(FreshPiece::Uuid),
        ("hex", _) => random(Alphabet::Hex),
        ("base62", _) => random(Alphabet::Base62),
        ("digits", _) => random(Alphabet::Digits),
        _ => Err(nearest::unknown(
            "placeholder",
            name,
            ["now", "now_ms", "unix", "unix_ms", "id", "uuid", "hex:N", "base62:N", "digits:N"],
        )),
    }
}

/// An endless stream of bytes: SHA-256 of the seed, a label and a counter.
struct SeededBytes {
    hash: Sha256,
    counter: u64,
    block: [u8; 32],
    used: usize,
}

impl SeededBytes {
    fn new(seed: &[u8; 32], label: &str) -> Self {
        let hash = Sha256::new_with_prefix(seed).chain_update(label.as_bytes());
        Self { hash, counter: 0, block: [0; 32], used: 32 }
    }

    fn byte(&mut self) -> u8 {
        if self.used == self.block.len() {
            self.block = self.hash.clone().chain_update(self.counter.to_be_bytes()).finalize().into();
            self.counter += 1;
            self.used = 0;
        }
        self.used += 1;
        self.block[self.used - 1]
    }

    /// A character of the alphabet, all equally likely.
    fn pick<const N: usize>(&mut self, alphabet: &[u8; N]) -> u8 {
        loop {
            let byte = usize::from(self.byte());
            if byte < 256 - 256 % N {
                return alphabet[byte % N];
            }
        }
    }

    fn text<const N: usize>(&mut self, alphabet: &[u8; N], length: usize, text: &mut String) {
        let mut picked = [0; LONGEST];
        let picked = &mut picked[..length];
        picked.fill_with(|| self.pick(alphabet));
        text.push_str(std::str::from_utf8(picked).unwrap_or_default());
    }

    /// A version 4 UUID.
    fn uuid(&mut self, text: &mut String) {
        let mut form = *b"xxxxxxxx-xxxx-4xxx-yxxx-xxxxxxxxxxxx";
        for place in &mut form {
            match *place {
                b'x' => *place = self.pick(HEX),
                b'y' => *place = self.pick(b"89ab"),
                _ => {}
            }
        }
        text.push_str(std::str::from_utf8(&form).unwrap_or_default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn make(template: &str, id: &str) -> String {
        let seed = seed_of(id);
        let source = FreshSource::new(Timestamp::from_unix_seconds(1_735_732_800), &seed).with_id(id);
        Fresh::try_from(template.to_owned()).unwrap().make(&source, "label")
    }

    #[test]
    fn the_same_id_and_time_give_the_same_values() {
        assert_eq!(make("{now_ms} {unix_ms}", "a"), "2025-01-01T12:00:00.000Z 1735732800000");
        let template = "{now} {unix} {id} {uuid} x{base62:22}";
        assert_eq!(make(template, "a"), make(template, "a"));
        assert_ne!(make(template, "a")[40..], make(template, "b")[40..]);
        assert!(make(template, "a").starts_with("2025-01-01T12:00:00Z 1735732800 a "));
    }

    #[test]
    fn values_have_the_format_of_their_template() {
        let uuid =
            regex_lite::Regex::new("^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$").unwrap();
        assert!(uuid.is_match(&make("{uuid}", "a")), "{}", make("{uuid}", "a"));
        let random = regex_lite::Regex::new("^[0-9A-Za-z]{200}[0-9a-f]{5}[0-9]{3}$").unwrap();
        let value = make("{base62:200}{hex:5}{digits:3}", "a");
        assert!(random.is_match(&value), "{value}");
    }

    #[test]
    fn an_invalid_placeholder_is_explained() {
        let wrong = |template: &str| Fresh::try_from(template.to_owned());
        assert_eq!(wrong("{base62}"), Err("`{base62}` needs a length from 1 to 256, such as `{base62:24}`".into()));
        assert_eq!(
            wrong("{uid}"),
            Err("unknown placeholder `uid`; did you mean `uuid`? (known: `now`, `now_ms`, `unix`, `unix_ms`, `id`, `uuid`, `hex:N`, `base62:N`, `digits:N`)"
                .into())
        );
    }
}
