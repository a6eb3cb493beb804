//! Untrusted text for a terminal: characters that are invisible, or could move the cursor, send the terminal a command
//! or change the reading direction, are shown as escapes such as `\n` or `\u{1b}`. Also the width of text in columns,
//! and text cut to a width. Colour is added elsewhere.

use std::borrow::Cow;

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use crate::webhook::visible::split_at_hidden;

/// The text with every control, bidirectional and invisible character shown as an escape.
///
/// The joiners U+200C and U+200D stay, because emoji and several scripts need them.
#[must_use]
pub fn printable(text: &str) -> Cow<'_, str> {
    if split_at_hidden(text).is_none() {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    push_printable(text, &mut out);
    Cow::Owned(out)
}

/// The bytes as [`printable`] text; bytes that are not UTF-8 are shown one by one as `\xNN`.
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
/// A carriage return is shown, since it changes the signature. A line feed at the end starts no new line.
pub fn printable_lines(bytes: &[u8]) -> impl Iterator<Item = Cow<'_, str>> {
    bytes.split_inclusive(|&byte| byte == b'\n').map(|line| printable_bytes(line.strip_suffix(b"\n").unwrap_or(line)))
}

/// The text with its line feeds shown as `\n`, and [without commands](without_commands).
#[must_use]
pub fn on_one_line(text: &str) -> String {
    without_commands(&text.replace('\n', r"\n")).into_owned()
}

/// The text without the commands that CI services find in a log: `::` at the start of a line (GitHub), and `##[`,
/// `##vso[` or `##teamcity[` anywhere in it (GitHub, Azure Pipelines, `TeamCity`). A backslash is inserted to break
/// them.
///
/// Sources: `ActionCommand.cs` of actions/runner, `Command.cs` of microsoft/azure-pipelines-agent, and `TeamCity`'s
/// *Service Messages*.
#[must_use]
pub fn without_commands(text: &str) -> Cow<'_, str> {
    if !text.contains("::") && !text.contains("##") {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for line in text.split_inclusive('\n') {
        let start = line.len() - line.trim_start().len();
        out.push_str(&line[..start]);
        let line = &line[start..];
        out.push_str(if line.starts_with("::") { "\\" } else { "" });
        let mut rest = line;
        while let Some((before, after)) = rest.split_once("##") {
            let name = after.trim_start_matches(|c: char| c.is_ascii_alphabetic());
            out.push_str(before);
            out.push_str(if name.starts_with('[') { r"##\" } else { "#" });
            // Of three number signs, the last two may still begin a command.
            rest = if name.starts_with('[') { after } else { &rest[before.len() + 1..] };
        }
        out.push_str(rest);
    }
    Cow::Owned(out)
}

/// Appends the text as [`printable`] shows it.
pub fn push_printable(mut text: &str, out: &mut String) {
    while let Some((plain, hidden, after)) = split_at_hidden(text) {
        out.push_str(plain);
        out.extend(hidden.escape_default());
        text = after;
    }
    out.push_str(text);
}

/// The columns that printable text takes on a terminal.
#[must_use]
pub fn width(text: &str) -> usize {
    text.width()
}

/// Printable text cut to at most `columns`, with `…` at the end if it was cut.
///
/// Only whole grapheme clusters are kept: characters with their marks, joiners and modifiers.
#[must_use]
pub fn truncate(text: &str, columns: usize) -> Cow<'_, str> {
    if width(text) <= columns {
        return Cow::Borrowed(text);
    }
    // Adjacent clusters can be wider than the sum of their widths, so try with less room until they fit.
    match (0..columns).rev().map(|room| prefix(text, room)).find(|kept| width(kept) < columns) {
        Some(kept) => Cow::Owned(format!("{kept}…")),
        None => Cow::Borrowed(""),
    }
}

/// The leading grapheme clusters that fit into `room` columns, each measured alone.
fn prefix(text: &str, mut room: usize) -> &str {
    let fits = |cluster: &&str| room.checked_sub(width(cluster)).map(|left| room = left).is_some();
    let len = text.graphemes(true).take_while(fits).map(str::len).sum();
    &text[..len]
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
    fn bytes_that_are_not_utf_8_are_shown_one_by_one() {
        assert_eq!(printable_bytes(b"caf\xe9\n\xc3\xa9\xff\x00"), r"caf\xe9\né\xff\u{0}");
        assert!(matches!(printable_bytes("é".as_bytes()), Cow::Borrowed("é")));
    }

    #[test]
    fn only_line_feeds_break_lines() {
        let lines = |bytes| printable_lines(bytes).map(Cow::into_owned).collect::<Vec<_>>();
        assert_eq!(lines(b"one\r\n\ntwo\x85\n"), [r"one\r", "", r"two\x85"]);
        assert_eq!(lines(b""), [""; 0]);
        assert_eq!(lines(b"\n"), [""]);
    }

    #[test]
    fn no_command_of_a_ci_service_stays_whole() {
        let cases = [
            ("a\n  ::error::b\n\n::c", "a\n  \\::error::b\n\n\\::c"),
            ("a::b ::c", "a::b ::c"),
            ("x ##[error]y", r"x ##\[error]y"),
            ("##vso[task.complete]##teamcity[a]", r"##\vso[task.complete]##\teamcity[a]"),
            ("###[group]a", r"###\[group]a"),
            ("## A heading [1]\n#### b", "## A heading [1]\n#### b"),
            ("::##[a]", r"\::##\[a]"),
        ];
        for (text, expected) in cases {
            assert_eq!(without_commands(text), expected);
            assert_eq!(without_commands(expected), expected);
        }
    }

    #[test]
    fn text_is_cut_to_a_width_between_grapheme_clusters() {
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
            ("🇩\u{200d}🚟🇩🇩🇩\u{200d}🚀..", 8, "🇩\u{200d}🚟🇩🇩🇩\u{200d}…"),
            ("9\u{200d}🇩🇩🇩\u{200d}🚀....", 6, "9\u{200d}🇩🇩🇩\u{200d}…"),
        ];
        for (text, columns, expected) in cases {
            assert_eq!(truncate(text, columns), expected, "{text} {columns}");
            assert!(width(expected) <= columns, "{text} {columns}");
        }
    }

    #[test]
    fn clusters_of_every_kind_are_kept_or_dropped_as_a_whole() {
        let cases = [
            // Flags are pairs of regional indicators; an odd one is a cluster by itself.
            ("🇩🇪🇫🇷🇯🇵", 5, "🇩🇪🇫🇷…"),
            ("🇩🇪🇫🇷🇯🇵", 4, "🇩🇪…"),
            ("🇩🇪🇫..", 4, "🇩🇪🇫…"),
            // A variation selector and a joiner.
            ("🏳\u{fe0f}\u{200d}🌈abc", 4, "🏳\u{fe0f}\u{200d}🌈a…"),
            // Families, with and without skin tones.
            ("👨\u{200d}👩\u{200d}👧\u{200d}👦!!", 3, "👨\u{200d}👩\u{200d}👧\u{200d}👦…"),
            ("👩🏽\u{200d}🚀👩🏽\u{200d}🚀", 3, "👩🏽\u{200d}🚀…"),
            ("👩🏽\u{200d}🚀👩🏽\u{200d}🚀", 2, "…"),
            // Combining marks, several on one letter and one on nothing.
            ("a\u{308}\u{301}\u{327}bcd", 3, "a\u{308}\u{301}\u{327}b…"),
            ("\u{301}abc", 2, "\u{301}a…"),
            // Lone joiners.
            ("\u{200d}abc", 2, "\u{200d}a…"),
            ("ab\u{200d}\u{200d}cd", 3, "ab\u{200d}\u{200d}…"),
            ("\u{200d}\u{200c}\u{200d}", 0, "\u{200d}\u{200c}\u{200d}"),
            // Scripts whose letters combine.
            ("한국어", 5, "한국…"),
            ("\u{1112}\u{1161}\u{11ab}\u{1100}\u{116e}\u{11a8}", 3, "\u{1112}\u{1161}\u{11ab}…"),
            ("क्षि....", 4, "क्षि…"),
            // Wide characters at an odd edge.
            ("ａｂｃ", 4, "ａ…"),
        ];
        for (text, columns, expected) in cases {
            assert_eq!(truncate(text, columns), expected, "{text} {columns}");
            assert!(width(expected) <= columns, "{text} {columns}");
        }
    }

    proptest! {
        #[test]
        fn no_hidden_character_gets_through(text in any::<String>(), bytes in any::<Vec<u8>>()) {
            // A symbol keeps its style.
            let is_wrong = |c| is_hidden(c) && !matches!(c, '\u{fe0e}' | '\u{fe0f}');
            prop_assert!(!printable(&text).chars().any(is_wrong));
            prop_assert!(!printable_bytes(&bytes).chars().any(is_wrong));
        }

        #[test]
        fn cut_text_is_never_wider_than_the_limit(text in any::<String>(), columns in 0_usize..40) {
            let text = printable(&text);
            prop_assert!(width(&truncate(&text, columns)) <= columns);
        }

        #[test]
        fn joiners_marks_and_flags_in_any_order_are_cut_to_the_width(
            parts in proptest::collection::vec(
                prop::sample::select(&["a", "漢", "🇩", "🚟", "👩", "🏽", "\u{200d}", "\u{200c}", "\u{301}", "\u{fe0f}"][..]),
                0..20,
            ),
            columns in 0_usize..20,
        ) {
            let text = parts.concat();
            let cut = truncate(&text, columns);
            prop_assert!(width(&cut) <= columns, "{cut:?}");
            let kept = cut.strip_suffix('…').unwrap_or(&cut);
            prop_assert!(text.starts_with(kept));
            prop_assert!(kept.is_empty() || text.grapheme_indices(true).any(|(at, _)| at == kept.len()) || kept == text);
        }
    }
}
