//! Log lines with a JSON object after other text: `2026-01-01T00:00:00Z INFO webhook {"headers":…}`.

use std::borrow::Cow;

/// The longest text before an object, in bytes.
const MAX_PREFIX: usize = 1 << 10;

/// How many lines are searched for the first object.
const MAX_LINES: usize = 64;

/// Where the first object in a line of a log starts.
pub(super) fn first_object(head: &[u8]) -> Option<usize> {
    let mut start = 0;
    for line in head.split_inclusive(|&byte| byte == b'\n').take(MAX_LINES) {
        if let Some(at) = object(line) {
            return Some(start + at);
        }
        start += line.len();
    }
    None
}

/// Where the object in a line starts, if other text comes before it.
fn object(line: &[u8]) -> Option<usize> {
    let at = line.windows(2).position(|pair| pair == b"{\"")?;
    let is_text =
        at > 0 && at <= MAX_PREFIX && !line[..at].contains(&b'"') && !line.trim_ascii_start().starts_with(b"[");
    // The object ends with its line.
    (is_text && line.trim_ascii_end().ends_with(b"}")).then_some(at)
}

/// The input with each line's prefix and the lines without an object blanked, so that positions stay the same. Borrowed if
/// it is no log with prefixes.
pub(super) fn without_prefixes(input: &[u8]) -> Cow<'_, [u8]> {
    if matches!(input.trim_ascii_start(), [b'{' | b'[', ..]) || first_object(input).is_none() {
        return Cow::Borrowed(input);
    }
    let mut blanked = Vec::with_capacity(input.len());
    for line in input.split_inclusive(|&byte| byte == b'\n') {
        let prefix = match object(line) {
            Some(at) => at,
            None if line.starts_with(b"{") => 0,
            None => line.len(),
        };
        blanked.extend(line[..prefix].iter().map(|&byte| if byte == b'\n' { b'\n' } else { b' ' }));
        blanked.extend_from_slice(&line[prefix..]);
    }
    Cow::Owned(blanked)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_object_of_a_line_is_found_after_its_prefix() {
        assert_eq!(first_object(b"starting up\nINFO a {\"b\":1}\n"), Some(19));
        for line in [&b"{\"a\":1}"[..], b"a {\"b\":1} c", b"[{\"a\":1}]", b"say \"x\" {\"b\":1}", b"a {b}"] {
            assert_eq!(first_object(line), None, "{}", String::from_utf8_lossy(line));
        }
    }

    #[test]
    fn prefixes_and_other_lines_are_blanked_in_place() {
        let blanked = without_prefixes(b"up\nINFO {\"b\":1}\n{\"c\":2}\n");
        assert_eq!(*blanked, *b"  \n     {\"b\":1}\n{\"c\":2}\n");
        assert!(matches!(without_prefixes(b"{\"a\":1}\n"), Cow::Borrowed(_)));
    }
}
