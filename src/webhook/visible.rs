//! Which characters of a text are visible. The others act on the terminal or the surrounding text, or have no visible
//! form; output for people and JSON lines escape them.

/// The text before the first [hidden](is_hidden) character, that character, and the text after it. A symbol's style,
/// such as that of ✔️, is not hidden.
pub(crate) fn split_at_hidden(text: &str) -> Option<(&str, char, &str)> {
    let mut at = 0;
    loop {
        at += plain_len(&text.as_bytes()[at..]);
        let next = text[at..].chars().next()?;
        let after = at + next.len_utf8();
        if is_hidden(next) && !is_style(next, &text[..at]) {
            return Some((&text[..at], next, &text[after..]));
        }
        at = after;
    }
}

/// The number of bytes at the start that are visible ASCII or spaces, as most text is.
pub(crate) fn plain_len(bytes: &[u8]) -> usize {
    let is_plain = |byte: &u8| matches!(byte, b' '..=b'~');
    // The compiler vectorises a test without early exit. Byte by byte, `listen` would take a tenth more CPU time.
    let (chunks, _) = bytes.as_chunks::<32>();
    let plain_chunks = chunks.iter().take_while(|chunk| chunk.iter().fold(true, |all, byte| all & is_plain(byte)));
    let start = 32 * plain_chunks.count();
    start + bytes[start..].iter().take_while(|byte| is_plain(byte)).count()
}

/// Whether a character acts on the terminal or the text around it, or cannot be seen: Unicode's
/// `Default_Ignorable_Code_Point`, other controls of the format, blanks that aren't spaces, and noncharacters, which
/// XML can't hold.
///
/// The joiners U+200C and U+200D are not hidden: emoji and several scripts are written with them.
pub(crate) const fn is_hidden(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_control();
    }
    if c as u32 & 0xfffe == 0xfffe {
        return true;
    }
    matches!(
        c,
        '\u{80}'..='\u{9f}' | '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}' | '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{fdd0}'..='\u{fdef}' | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{13430}'..='\u{1343f}' | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}'
    )
}

/// Whether a character at the end of a text and this one are a symbol in one of its two styles, text or emoji.
fn is_style(c: char, before: &str) -> bool {
    let is_symbol =
        |c| matches!(c, '©' | '®' | '\u{2010}'..='\u{2bff}' | '\u{3030}'..='\u{3299}' | '\u{1f000}'..='\u{1faff}');
    matches!(c, '\u{fe0e}' | '\u{fe0f}')
        && before.chars().next_back().is_some_and(|base| is_symbol(base) && !is_hidden(base))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plain_prefix_ends_at_a_control_character_or_a_byte_outside_ascii() {
        for byte in (0..b' ').chain(0x7f..=0xff) {
            assert_eq!(plain_len(&[b' ', b'~', byte, b'a']), 2, "{byte}");
            for before in 0..100 {
                let bytes = [vec![b'a'; before], vec![byte], vec![b'a'; 40]].concat();
                assert_eq!(plain_len(&bytes), before, "{byte}");
            }
        }
        assert_eq!(plain_len(b"a plain text"), 12);
    }

    /// `Default_Ignorable_Code_Point` of Unicode 16's DerivedCoreProperties.txt.
    const IGNORABLE: [(u32, u32); 17] = [
        (0xad, 0xad),
        (0x34f, 0x34f),
        (0x61c, 0x61c),
        (0x115f, 0x1160),
        (0x17b4, 0x17b5),
        (0x180b, 0x180f),
        (0x200b, 0x200f),
        (0x202a, 0x202e),
        (0x2060, 0x206f),
        (0x3164, 0x3164),
        (0xfe00, 0xfe0f),
        (0xfeff, 0xfeff),
        (0xffa0, 0xffa0),
        (0xfff0, 0xfff8),
        (0x1_bca0, 0x1_bca3),
        (0x1_d173, 0x1_d17a),
        (0xe_0000, 0xe_0fff),
    ];

    #[test]
    fn all_that_unicode_calls_ignorable_is_hidden_except_the_joiners() {
        for c in IGNORABLE.iter().flat_map(|(first, last)| *first..=*last).filter_map(char::from_u32) {
            assert_eq!(is_hidden(c), !matches!(c, '\u{200c}' | '\u{200d}'), "{c:?}");
        }
        for c in ['\u{2800}', '\u{fdd0}', '\u{fffe}', '\u{ffff}', '\u{10ffff}', '\u{85}', '\u{7f}', '\u{1b}'] {
            assert!(is_hidden(c), "{c:?}");
        }
    }

    #[test]
    fn only_a_symbol_has_a_style() {
        for visible in ["✔\u{fe0f}", "a❤\u{fe0e}b", "🏳\u{fe0f}\u{200d}🌈", "©\u{fe0f}"] {
            assert_eq!(split_at_hidden(visible), None, "{visible:?}");
        }
        for text in ["a\u{fe0f}", "\u{fe0f}", "✔\u{fe0f}\u{fe0f}", "✔\u{fe00}", "✔\u{e0100}", "\u{2800}\u{fe0f}"]
        {
            assert!(split_at_hidden(text).is_some(), "{text:?}");
        }
    }
}
