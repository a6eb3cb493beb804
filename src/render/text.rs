//! The one gate for untrusted text on its way to a terminal: what could move the cursor, give the
//! terminal a command, turn the reading direction or hide is shown as an escape, `\n` or `\u{1b}`.
//! Also the width of text in columns, and text cut to a width. Colour is not made here.

use std::borrow::Cow;
use std::iter;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::webhook::visible::split_at_hidden;

/// The text with every control, bidirectional and invisible character shown as an escape.
///
/// The joiners U+200C and U+200D stay, since emoji and several scripts are written with them.
#[must_use]
pub fn printable(text: &str) -> Cow<'_, str> {
    if split_at_hidden(text).is_none() {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    push_printable(text, &mut out);
    Cow::Owned(out)
}

/// The bytes as [`printable`] text; what is not UTF-8 is shown byte by byte as `\xNN`.
#[must_use]
pub fn printable_bytes(bytes: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = str::from_utf8(bytes) {
        return printable(text);
    }
    let mut out = String::with_capacity(bytes.len() + 16);
    for chunk in bytes.utf8_chunks() {
        push_printable(chunk.valid(), &mut out);
        out.extend(chunk.invalid().escape_ascii().map(char::from));
    }
    Cow::Owned(out)
}

/// The lines of the bytes, each as [`printable_bytes`] without its line feed.
///
/// A carriage return is shown, since a signature depends on it. A line feed at the end adds no line.
pub fn printable_lines(bytes: &[u8]) -> impl Iterator<Item = Cow<'_, str>> {
    bytes.split_inclusive(|&byte| byte == b'\n').map(|line| printable_bytes(line.strip_suffix(b"\n").unwrap_or(line)))
}

/// Appends the text as [`printable`] shows it.
pub fn push_printable(mut text: &str, out: &mut String) {
    while let Some((plain, hidden, behind)) = split_at_hidden(text) {
        out.push_str(plain);
        out.extend(hidden.escape_default());
        text = behind;
    }
    out.push_str(text);
}

/// The columns that a printable text takes on a terminal.
#[must_use]
pub fn width(text: &str) -> usize {
    text.width()
}

/// A printable text cut to at most `columns`, with `…` at its end where it was cut.
///
/// A character is kept or left out with the marks, joiners and modifiers that belong to it.
#[must_use]
pub fn truncate(text: &str, columns: usize) -> Cow<'_, str> {
    if width(text) <= columns {
        return Cow::Borrowed(text);
    }
    // Flags and joiners can be wider side by side than each alone: then less must do.
    match (0..columns).rev().map(|room| start(text, room)).find(|kept| width(kept) < columns) {
        Some(kept) => Cow::Owned(format!("{kept}…")),
        None => Cow::Borrowed(""),
    }
}

/// As many characters from the start as there is room for, each measured alone.
fn start(text: &str, mut room: usize) -> &str {
    let fits = |cluster: &&str| room.checked_sub(width(cluster)).map(|left| room = left).is_some();
    let kept = clusters(text).take_while(fits).map(str::len).sum();
    &text[..kept]
}

/// The characters of a text as a reader counts them.
fn clusters(mut rest: &str) -> impl Iterator<Item = &str> {
    iter::from_fn(move || {
        let (cluster, behind) = rest.split_at(cluster_len(rest)?);
        rest = behind;
        Some(cluster)
    })
}

/// The length of the first cluster: near enough to Unicode's annex 29 to keep columns aligned.
fn cluster_len(text: &str) -> Option<usize> {
    const ZERO_WIDTH_JOINER: char = '\u{200d}';
    let is_flag_half = |c| matches!(c, '\u{1f1e6}'..='\u{1f1ff}');
    let is_skin_tone = |c| matches!(c, '\u{1f3fb}'..='\u{1f3ff}');

    let mut chars = text.char_indices();
    let (_, mut last) = chars.next()?;
    let mut is_half = is_flag_half(last);
    for (at, c) in chars {
        let completes_flag = is_half && is_flag_half(c);
        let belongs = last == ZERO_WIDTH_JOINER || c.width() == Some(0) || is_skin_tone(c) || completes_flag;
        if !belongs {
            return Some(at);
        }
        // Two halves are a flag only side by side.
        is_half = false;
        last = c;
    }
    Some(text.len())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::webhook::visible::is_hidden;

    #[test]
    fn clean_text_is_borrowed() {
        for text in ["", "plain ~", "é ü 漢字", "👩‍👩‍👧 🇩🇪 ✌🏽", "نص", "क्‍ष", "\u{e000}\u{378}"]
        {
            assert!(matches!(printable(text), Cow::Borrowed(same) if same == text), "{text:?}");
        }
    }

    #[test]
    fn hidden_characters_are_shown_as_escapes() {
        let cases = [
            ("a\nb\r\n\tc", r"a\nb\r\n\tc"),
            ("\u{0}\u{1b}[2J\u{7f}", r"\u{0}\u{1b}[2J\u{7f}"),
            ("é\u{9b}31m\u{85}", r"é\u{9b}31m\u{85}"),
            ("\u{2028}\u{2029}", r"\u{2028}\u{2029}"),
            ("user\u{202e}gpj.exe", r"user\u{202e}gpj.exe"),
            ("\u{61c}\u{200e}\u{200f}\u{2066}\u{2069}", r"\u{61c}\u{200e}\u{200f}\u{2066}\u{2069}"),
            ("a\u{200b}b\u{2060}\u{feff}\u{ad}", r"a\u{200b}b\u{2060}\u{feff}\u{ad}"),
            ("\u{e0001}\u{e0041}", r"\u{e0001}\u{e0041}"),
        ];
        for (text, expected) in cases {
            assert_eq!(printable(text), expected);
        }
    }

    #[test]
    fn bytes_outside_utf8_are_shown_one_by_one() {
        assert_eq!(printable_bytes(b"caf\xe9\n\xc3\xa9\xff\x00"), r"caf\xe9\né\xff\u{0}");
        assert!(matches!(printable_bytes("é".as_bytes()), Cow::Borrowed("é")));
    }

    #[test]
    fn lines_break_at_line_feeds_alone() {
        let lines = |bytes| printable_lines(bytes).map(Cow::into_owned).collect::<Vec<_>>();
        assert_eq!(lines(b"one\r\n\ntwo\x85\n"), [r"one\r", "", r"two\x85"]);
        assert_eq!(lines(b""), [""; 0]);
        assert_eq!(lines(b"\n"), [""]);
    }

    #[test]
    fn text_is_cut_to_a_width_and_never_within_a_character() {
        let cases = [
            ("webhook", 7, "webhook"),
            ("webhook", 6, "webho…"),
            ("webhook", 1, "…"),
            ("webhook", 0, ""),
            ("漢字漢", 6, "漢字漢"),
            ("漢字漢", 5, "漢字…"),
            ("漢字漢", 4, "漢…"),
            ("e\u{301}e\u{301}e\u{301}", 2, "e\u{301}…"),
            ("👩‍👩‍👧👩‍👩‍👧", 3, "👩‍👩‍👧…"),
            ("👩‍👩‍👧👩‍👩‍👧", 2, "…"),
            ("🇩🇪🇫🇷", 3, "🇩🇪…"),
            ("✌🏽✌🏽", 3, "✌🏽…"),
            ("🇩\u{200d}🚟🇩🇩🇩\u{200d}🚀..", 8, "🇩\u{200d}🚟🇩🇩…"),
            ("9\u{200d}🇩🇩🇩\u{200d}🚀....", 6, "9\u{200d}🇩…"),
        ];
        for (text, columns, expected) in cases {
            assert_eq!(truncate(text, columns), expected, "{text} {columns}");
        }
    }

    proptest! {
        #[test]
        fn nothing_hidden_gets_through(text in any::<String>(), bytes in any::<Vec<u8>>()) {
            prop_assert!(!printable(&text).chars().any(is_hidden));
            prop_assert!(!printable_bytes(&bytes).chars().any(is_hidden));
        }

        #[test]
        fn a_cut_text_is_no_wider_than_asked_for(text in any::<String>(), columns in 0_usize..40) {
            let text = printable(&text);
            prop_assert!(width(&truncate(&text, columns)) <= columns);
        }
    }
}
