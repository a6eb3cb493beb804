//! Which characters of a text a person sees. The others act on the terminal or on the text around them, or take no
//! visible form; output for people and JSON lines escape them.

/// The text before the first [hidden](is_hidden) character, that character, and the text after it.
pub(crate) fn split_at_hidden(text: &str) -> Option<(&str, char, &str)> {
    let mut at = 0;
    loop {
        at += plain_len(&text.as_bytes()[at..]);
        let next = text[at..].chars().next()?;
        let after = at + next.len_utf8();
        if is_hidden(next) {
            return Some((&text[..at], next, &text[after..]));
        }
        at = after;
    }
}

/// How many bytes at the start are visible ASCII or spaces, the usual text, checked eight bytes at a time.
pub(crate) fn plain_len(bytes: &[u8]) -> usize {
    let (words, rest) = bytes.as_chunks();
    for (number, word) in words.iter().enumerate() {
        if let plain @ 0..8 = plain_in(*word) {
            return 8 * number + plain;
        }
    }
    8 * words.len() + rest.iter().take_while(|byte| matches!(byte, b' '..=b'~')).count()
}

/// How many of eight bytes come before the first that is neither visible ASCII nor a space.
const fn plain_in(word: [u8; 8]) -> usize {
    const EACH: u64 = u64::MAX / 0xff;
    let word = u64::from_le_bytes(word);
    // The highest bit of such a byte is set, or becomes set by adding 1 to 0x7f or subtracting 0x20 from less than
    // 0x20. Carries and borrows only reach the bytes after it.
    let odd = (word | word.wrapping_add(EACH) | word.wrapping_sub(0x20 * EACH)) & (0x80 * EACH);
    odd.trailing_zeros() as usize / 8
}

/// Whether a character acts on the terminal or the text around it, or cannot be seen.
///
/// The joiners U+200C and U+200D are not hidden: emoji and several scripts are written with them.
pub(crate) fn is_hidden(c: char) -> bool {
    let is_separator = matches!(c, '\u{2028}' | '\u{2029}');
    let sets_direction =
        matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    // Soft hyphen, zero-width spaces, invisible operators, deprecated controls, annotations, tags.
    let is_invisible = matches!(c, '\u{ad}' | '\u{180e}' | '\u{200b}' | '\u{2060}'..='\u{2065}' | '\u{206a}'..='\u{206f}')
        || matches!(c, '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}');
    c.is_control() || is_separator || sets_direction || is_invisible
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_plain_prefix_ends_at_any_other_byte_in_any_position() {
        for (byte, place) in (0..=u8::MAX).flat_map(|byte| (0..12).map(move |place| (byte, place))) {
            let mut bytes = [b'a'; 12];
            bytes[place] = byte;
            let expected = if (b' '..=b'~').contains(&byte) { 12 } else { place };
            assert_eq!(plain_len(&bytes), expected, "{byte} at {place}");
        }
    }

    proptest! {
        #[test]
        fn the_plain_prefix_ends_at_the_first_other_byte(bytes in "[ -~]{0,20}", odd in any::<[u8; 9]>()) {
            let bytes = [bytes.as_bytes(), &odd].concat();
            let expected = bytes.iter().position(|byte| !(b' '..=b'~').contains(byte));
            prop_assert_eq!(plain_len(&bytes), expected.unwrap_or(bytes.len()));
        }
    }
}
