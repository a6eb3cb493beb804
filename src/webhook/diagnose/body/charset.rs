//! Hypotheses about the character set: the same characters as different bytes, or with a `?` for those that a character
//! set lacks.

use std::{borrow::Cow, ops::ControlFlow};

use icu_normalizer::{ComposingNormalizerBorrowed, DecomposingNormalizerBorrowed};

use super::hypothesis::{Emit, ReceivedBody};
use crate::webhook::diagnose::{Code, LONGEST_REWRITTEN, SearchStep};

/// UTF-8 read as another character set, and vice versa.
pub fn recoded(received: ReceivedBody<'_>, emit: &mut Emit<'_>) -> SearchStep {
    let body = received.body;
    if let Some(text) = from_utf16(body) {
        let message = "the signature matches with the body in UTF-8: it was converted to UTF-16 after signing";
        emit(text.into_bytes(), Code::BodyReencoded, message.into())?;
    }
    if body.is_ascii() {
        return ControlFlow::Continue(());
    }
    let mut changed = |body: Vec<u8>, message: &'static str| emit(body, Code::BodyReencoded, message.into());
    let Ok(text) = std::str::from_utf8(body) else {
        let message = "the signature matches with the body in UTF-8: it was converted to Latin-1 after signing";
        changed(body.iter().map(|&byte| char::from(byte)).collect::<String>().into_bytes(), message)?;
        let message = "the signature matches with the body in UTF-8: it was converted to Windows-1252 after signing";
        return changed(body.iter().map(|&byte| from_windows(byte)).collect::<String>().into_bytes(), message);
    };
    if let Some(bytes) = text.chars().map(|c| u8::try_from(c).ok()).collect::<Option<Vec<u8>>>() {
        let message = if std::str::from_utf8(&bytes).is_ok() {
            "the body is UTF-8 that was read as Latin-1 and encoded again: the signature matches with that undone"
        } else {
            "the signature matches with the body in Latin-1: it was converted to UTF-8 after signing"
        };
        changed(bytes, message)?;
    }
    if let Some(bytes) = text.chars().map(to_windows).collect::<Option<Vec<u8>>>() {
        let message = if std::str::from_utf8(&bytes).is_ok() {
            "the body is UTF-8 that was read as Windows-1252 and encoded again: the signature matches with that undone"
        } else {
            "the signature matches with the body in Windows-1252: it was converted to UTF-8 after signing"
        };
        if let Some(again) = misread(&bytes) {
            let message = "the body is UTF-8 that was read as Windows-1252 and encoded again, twice: the signature matches with that undone";
            changed(again, message)?;
        }
        changed(bytes, message)?;
    }
    changed(
        body.iter().map(|&byte| char::from(byte)).collect::<String>().into_bytes(),
        "the signature covers the body's UTF-8 read as Latin-1 and encoded again",
    )?;
    changed(
        body.iter().map(|&byte| from_windows(byte)).collect::<String>().into_bytes(),
        "the signature covers the body's UTF-8 read as Windows-1252 and encoded again",
    )
}

/// Decodes UTF-16, recognised by its byte order mark or by the NULs in Western text.
fn from_utf16(body: &[u8]) -> Option<String> {
    let is_nul = |pair: &&[u8], place: usize| pair[place] == 0 && pair[1 - place] != 0;
    let count = |place| body.chunks_exact(2).filter(|pair| is_nul(pair, place)).count();
    let most = body.len() / 4;
    let (start, unit): (usize, fn([u8; 2]) -> u16) = match body {
        [0xff, 0xfe, ..] => (2, u16::from_le_bytes),
        [0xfe, 0xff, ..] => (2, u16::from_be_bytes),
        [_, _, ..] if count(1) > most => (0, u16::from_le_bytes),
        [_, _, ..] if count(0) > most => (0, u16::from_be_bytes),
        _ => return None,
    };
    let (pairs, []) = body[start..].as_chunks::<2>() else { return None };
    String::from_utf16(&pairs.iter().map(|pair| unit(*pair)).collect::<Vec<_>>()).ok()
}

/// The bytes that were read as Windows-1252, if they are UTF-8 with non-ASCII characters.
fn misread(bytes: &[u8]) -> Option<Vec<u8>> {
    let text = str::from_utf8(bytes).ok().filter(|text| !text.is_ascii())?;
    text.chars().map(to_windows).collect()
}

/// The same text with its accents composed or decomposed, as file systems, browsers and databases change it.
pub fn normalized(ReceivedBody { body, .. }: ReceivedBody<'_>, emit: &mut Emit<'_>) -> SearchStep {
    let Ok(text) = std::str::from_utf8(body) else { return ControlFlow::Continue(()) };
    if body.is_ascii() {
        return ControlFlow::Continue(());
    }
    let mut changed = |body: Cow<'_, str>, message: &'static str| {
        emit(body.into_owned().into_bytes(), Code::BodyReencoded, message.into())
    };
    let composed =
        "the signature covers the body with composed characters (Unicode NFC): it was decomposed after signing";
    changed(ComposingNormalizerBorrowed::new_nfc().normalize(text), composed)?;
    let decomposed =
        "the signature covers the body with decomposed characters (Unicode NFD): it was composed after signing";
    changed(DecomposingNormalizerBorrowed::new_nfd().normalize(text), decomposed)
}

/// Typographic quotes and spaces, which chats and word processors substitute for plain ones.
pub fn plain(ReceivedBody { body, .. }: ReceivedBody<'_>, emit: &mut Emit<'_>) -> SearchStep {
    let Ok(text) = std::str::from_utf8(body) else { return ControlFlow::Continue(()) };
    let plain = text
        .replace(['\u{201c}', '\u{201d}', '\u{201e}', '\u{ab}', '\u{bb}'], "\"")
        .replace(['\u{2018}', '\u{2019}'], "'")
        .replace(['\u{a0}', '\u{202f}'], " ");
    if plain == text {
        return ControlFlow::Continue(());
    }
    let message = "the signature covers the body with plain quotes and spaces: it was copied through a chat or a word processor, which replaces them";
    emit(plain.into_bytes(), Code::BodyLogged, message.into())
}

/// Characters that were lost when the signed bytes were produced.
pub fn lossy(ReceivedBody { body, .. }: ReceivedBody<'_>, emit: &mut Emit<'_>) -> SearchStep {
    let Ok(text) = std::str::from_utf8(body) else { return ControlFlow::Continue(()) };
    let mut changed = |body: Vec<u8>, message: &'static str| emit(body, Code::BodyReencoded, message.into());
    if body.len() <= LONGEST_REWRITTEN {
        let message = "the signature covers the body in UTF-16 instead of UTF-8, as .NET's Encoding.Unicode writes it";
        changed(text.encode_utf16().flat_map(u16::to_le_bytes).collect(), message)?;
        let message = "the signature covers the body in UTF-16 (big-endian) instead of UTF-8";
        changed(text.encode_utf16().flat_map(u16::to_be_bytes).collect(), message)?;
    }
    if body.is_ascii() {
        return ControlFlow::Continue(());
    }
    let ascii = "the signature covers the body with ? for each non-ASCII character: it was signed as ASCII, as by .NET's Encoding.ASCII or Java's US_ASCII";
    changed(with_marks(text, |c| u8::try_from(c).ok().filter(u8::is_ascii), char::len_utf16), ascii)?;
    changed(with_marks(text, |c| u8::try_from(c).ok().filter(u8::is_ascii), |_| 1), ascii)?;
    changed(with_marks(text, |c| u8::try_from(c).ok().filter(u8::is_ascii), char::len_utf8), ascii)?;
    let latin1 = "the signature covers the body in Latin-1, with ? for each character beyond it";
    changed(with_marks(text, |c| u8::try_from(c).ok(), char::len_utf16), latin1)?;
    changed(with_marks(text, |c| u8::try_from(c).ok(), |_| 1), latin1)?;
    let windows = "the signature covers the body in Windows-1252, with ? for each character beyond it";
    changed(with_marks(text, to_windows, char::len_utf16), windows)?;
    changed(with_marks(text, to_windows, |_| 1), windows)?;
    let removed = "the signature covers the body without its non-ASCII characters: they were removed before signing";
    changed(body.iter().copied().filter(u8::is_ascii).collect(), removed)?;
    let masked = "the signature covers the body with only seven bits of each byte, as toString('ascii') does in Node";
    changed(body.iter().map(|byte| byte & 0x7f).collect(), masked)?;
    let low = "the signature covers the body with only the lowest byte of each character, as Buffer.from(text, 'latin1') does in Node";
    changed(text.encode_utf16().map(|unit| unit.to_le_bytes()[0]).collect(), low)?;
    let unknown = "the signature covers the body with U+FFFD for each byte that is not ASCII: it was decoded as ASCII before signing";
    let replaced: String =
        body.iter().map(|&byte| if byte.is_ascii() { char::from(byte) } else { '\u{fffd}' }).collect();
    changed(replaced.into_bytes(), unknown)
}

/// The text in a character set, with question marks for what it lacks.
fn with_marks(text: &str, encode: impl Fn(char) -> Option<u8>, marks: impl Fn(char) -> usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for character in text.chars() {
        match encode(character) {
            Some(byte) => out.push(byte),
            None => out.resize(out.len() + marks(character), b'?'),
        }
    }
    out
}

/// The characters of Windows-1252 that Latin-1 has as control characters, from 0x80 on. The five bytes without a
/// character keep their value, as browsers read them.
const WINDOWS: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}', '\u{90}', '‘', '’',
    '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];

fn from_windows(byte: u8) -> char {
    match byte {
        0x80..=0x9f => WINDOWS[usize::from(byte - 0x80)],
        _ => char::from(byte),
    }
}

fn to_windows(character: char) -> Option<u8> {
    match u8::try_from(character) {
        Ok(byte) if !(0x80..=0x9f).contains(&byte) => Some(byte),
        _ => (0x80..).zip(WINDOWS).find(|(_, known)| *known == character).map(|(byte, _)| byte),
    }
}
