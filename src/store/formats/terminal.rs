//! Text recorded from a terminal, with colours, and an extra carriage return at the end of each line.

/// The text without the escape sequences that set colours; `None` if it has none.
pub(super) fn without_colours(text: &[u8]) -> Option<Vec<u8>> {
    let mut plain = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = memchr::memmem::find(rest, b"\x1b[") {
        let sequence = &rest[at + 2..];
        let length = sequence.iter().take_while(|byte| byte.is_ascii_digit() || matches!(byte, b';' | b':')).count();
        let is_colour = sequence.get(length) == Some(&b'm');
        plain.extend_from_slice(&rest[..at]);
        if !is_colour {
            plain.extend_from_slice(b"\x1b[");
        }
        rest = if is_colour { &sequence[length + 1..] } else { sequence };
    }
    if rest.len() == text.len() {
        return None;
    }
    plain.extend_from_slice(rest);
    // A terminal ends a line that ends in CR LF with CR CR LF.
    let is_extra = |at: usize| plain[at..].starts_with(b"\r\r\n");
    Some((0..plain.len()).filter(|at| !is_extra(*at)).map(|at| plain[at]).collect())
}

#[cfg(test)]
mod tests {
    use crate::store::formats::tests::collected;

    /// As `HTTPie` prints to a terminal, recorded by `script`.
    #[test]
    fn a_coloured_request_is_read_without_its_colours() {
        let recorded = "\x1b[32mPOST\x1b[39;49;00m \x1b[04m\x1b[36m/a\x1b[39;49;00m \x1b[34mHTTP\x1b[39;49;00m/\x1b[34m1.1\x1b[39;49;00m\r\n\x1b[36mX-A\x1b[39;49;00m: b\r\r\n\r\r\n{\x1b[37m\x1b[39;49;00m\x1b[94m\"a\"\x1b[39;49;00m:1}";
        let (entries, _) = collected(recorded);
        let [Ok(entry)] = &entries[..] else { panic!("{entries:?}") };
        assert_eq!((entry.request.headers.len(), &entry.request.body[..]), (1, &b"{\"a\":1}"[..]));
    }

    #[test]
    fn other_sequences_are_kept() {
        assert_eq!(super::without_colours(b"a\x1b[2Kb\x1b[1mc"), Some(b"a\x1b[2Kbc".to_vec()));
        assert_eq!(super::without_colours(b"abc"), None);
    }
}
