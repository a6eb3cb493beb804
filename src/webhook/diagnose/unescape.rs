//! Removes the escapes with which a page or a program wrote a text.

/// Decodes the HTML entities that escapers write.
pub fn without_entities(text: &[u8]) -> Vec<u8> {
    const NAMED: [(&[u8], char); 6] =
        [(b"quot", '"'), (b"amp", '&'), (b"lt", '<'), (b"gt", '>'), (b"apos", '\''), (b"nbsp", '\u{a0}')];
    /// `&#x10ffff;`.
    const LONGEST: usize = 10;
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        let end = after.iter().take(LONGEST).position(|&byte| byte == b';').filter(|_| byte == b'&');
        let character = end.and_then(|end| {
            let name = &after[..end];
            match name.strip_prefix(b"#") {
                Some(digits) => match digits.strip_prefix(b"x").or_else(|| digits.strip_prefix(b"X")) {
                    Some(digits) => char::from_u32(number(digits, 16)?),
                    None => char::from_u32(number(digits, 10)?),
                },
                None => NAMED.iter().find(|(known, _)| *known == name).map(|(_, character)| *character),
            }
        });
        match (character, end) {
            (Some(character), Some(end)) => {
                out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                rest = &after[end + 1..];
            }
            _ => out.push(byte),
        }
    }
    out
}

/// The number that these digits represent in a radix.
pub fn number(digits: &[u8], radix: u32) -> Option<u32> {
    let digits = std::str::from_utf8(digits).ok().filter(|digits| digits.chars().all(|c| c.is_digit(radix)))?;
    u32::from_str_radix(digits, radix).ok()
}
