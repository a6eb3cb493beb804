//! Log lines with a JSON object after other text: `2026-01-01T00:00:00Z INFO webhook {"headers":…}`.

use std::borrow::Cow;

/// The longest text before an object, in bytes.
const MAX_PREFIX: usize = 1 << 10;

/// How many lines are searched for the first object.
const MAX_LINES: usize = 64;

/// The offset of the first object in a log line.
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

/// The offset of the object in a line, if other text precedes it.
fn object(line: &[u8]) -> Option<usize> {
    let at = line.windows(2).position(|pair| pair == b"{\"")?;
    let prefix = &line[..at];
    // An array of objects is JSON itself; a time in brackets, as Monolog writes it, is closed before the object.
    let is_array = prefix.trim_ascii_start().starts_with(b"[") && !prefix.contains(&b']');
    let is_text = at > 0 && at <= MAX_PREFIX && !prefix.contains(&b'"') && !is_array;
    // The object ends with its line.
    (is_text && end(line) > at && line[..end(line)].ends_with(b"}")).then_some(at)
}

/// The offset of the end of a line's object. Monolog appends a second one, which is usually empty.
fn end(line: &[u8]) -> usize {
    let line = line.trim_ascii_end();
    line.strip_suffix(b" []").unwrap_or(line).len()
}

/// The input with prefixes and lines without an object blanked, so that positions stay the same. Borrowed if it is not
/// a log with prefixes.
pub(super) fn without_prefixes(input: &[u8]) -> Cow<'_, [u8]> {
    let start = input.trim_ascii_start();
    let is_document = match start {
        [b'{', ..] => true,
        [b'[', ..] => start.split(|&byte| byte == b'\n').next().and_then(object).is_none(),
        _ => false,
    };
    if is_document || first_object(input).is_none() {
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
        let end = if prefix < line.len() { end(line) } else { prefix };
        blanked.extend_from_slice(&line[prefix..end]);
        blanked.extend(line[end..].iter().map(|&byte| if byte == b'\n' { b'\n' } else { b' ' }));
    }
    Cow::Owned(blanked)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_object_of_a_line_is_found_after_its_prefix() {
        assert_eq!(first_object(b"starting up\nINFO a {\"b\":1}\n"), Some(19));
        let monolog = b"[2026-11-29 02:00:00] local.INFO: hook {\"b\":1} []\n";
        assert_eq!(first_object(monolog), Some(39));
        for line in [&b"{\"a\":1}"[..], b"a {\"b\":1} c", b"[{\"a\":1}]", b"say \"x\" {\"b\":1}", b"a {b}"] {
            assert_eq!(first_object(line), None, "{}", String::from_utf8_lossy(line));
        }
    }

    #[test]
    fn prefixes_and_other_lines_are_blanked_in_place() {
        let blanked = without_prefixes(b"up\nINFO {\"b\":1}\n{\"c\":2}\n");
        assert_eq!(*blanked, *b"  \n     {\"b\":1}\n{\"c\":2}\n");
        let monolog = b"[2026-11-29] a.INFO: b {\"c\":1} []\n[2026-11-29] a.INFO: up\n";
        let blanked = without_prefixes(monolog);
        assert_eq!(blanked.trim_ascii(), b"{\"c\":1}");
        assert_eq!(blanked.len(), monolog.len());
        assert!(matches!(without_prefixes(b"{\"a\":1}\n"), Cow::Borrowed(_)));
    }
}
