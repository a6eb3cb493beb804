//! A raw HTTP request as a hex dump from `xxd`, `hexdump -C`, or `tcpdump -X`, whose packets have other headers first.

use super::{EntryFault, EntryReader, Format, GzipBudget, Input, http, whole};

/// A hex dump of a request.
pub(super) struct HexDump;

impl Format for HexDump {
    fn name(&self) -> &'static str {
        "a hex dump of an HTTP request"
    }

    fn recognises(&self, head: &[u8]) -> bool {
        // This avoids scanning every line of an input that is something else.
        head.split(|&byte| byte == b'\n').take(3).any(|line| row(line).is_some()) && message(&bytes(head)).is_some()
    }

    fn read<'a>(&self, input: Input<'a>, _: &mut GzipBudget) -> Result<Box<dyn EntryReader + 'a>, EntryFault> {
        let bytes = bytes(&whole(input)?);
        let start = message(&bytes).unwrap_or_default();
        Ok(Box::new(http::collected(bytes[start..].to_vec().into())))
    }
}

/// The offset of the request line of a delivery.
fn message(bytes: &[u8]) -> Option<usize> {
    let version = bytes.windows(8).position(|part| part == b" HTTP/1.")?;
    http::delivery_starts(&bytes[..version]).next_back()
}

/// The bytes of all rows. Each packet of a dump has its own headers, so only the first one with a request is read.
fn bytes(dump: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for line in dump.split(|&byte| byte == b'\n') {
        match row(line) {
            Some((0, _)) if message(&bytes).is_some() => break,
            Some((0, row)) => bytes = row,
            Some((_, row)) => bytes.extend(row),
            None => {}
        }
    }
    bytes
}

/// The offset and the bytes of one row.
fn row(line: &[u8]) -> Option<(u32, Vec<u8>)> {
    let line = str::from_utf8(line).ok()?.trim_start().trim_end_matches('\r');
    let (offset, rest) = line.split_once(' ')?;
    let digits = offset.strip_prefix("0x").unwrap_or(offset);
    let digits = digits.strip_suffix(':').unwrap_or(digits);
    if digits.len() < 4 {
        return None;
    }
    let offset = u32::from_str_radix(digits, 16).ok()?;
    let rest = rest.trim_start();
    // `hexdump -C` has the text between bars, and a gap in the middle; the others have the text after a gap.
    let hex = match rest.split_once(" |") {
        Some((hex, _)) if rest.ends_with('|') => hex,
        _ => rest.split("  ").next()?,
    };
    let groups: Vec<&str> = hex.split_whitespace().collect();
    let is_group = |group: &&str| matches!(group.len(), 2 | 4) && group.bytes().all(|byte| byte.is_ascii_hexdigit());
    if groups.is_empty() || !groups.iter().all(is_group) {
        return None;
    }
    let text = groups.concat();
    (0..text.len() / 2)
        .map(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).ok())
        .collect::<Option<_>>()
        .map(|row| (offset, row))
}

#[cfg(test)]
mod tests {
    use crate::store::formats::tests::{collected, fields};

    /// `printf 'POST /a HTTP/1.1\r\nHost: h\r\n\r\n{"b":1}'`, piped to each program.
    const XXD: &str = "\
00000000: 504f 5354 202f 6120 4854 5450 2f31 2e31  POST /a HTTP/1.1
00000010: 0d0a 486f 7374 3a20 680d 0a0d 0a7b 2262  ..Host: h....{\"b
00000020: 223a 317d                                \":1}
";
    const HEXDUMP: &str = "\
00000000  50 4f 53 54 20 2f 61 20  48 54 54 50 2f 31 2e 31  |POST /a HTTP/1.1|
00000010  0d 0a 48 6f 73 74 3a 20  68 0d 0a 0d 0a 7b 22 62  |..Host: h....{\"b|
00000020  22 3a 31 7d                                       |\":1}|
00000024
";
    const TCPDUMP: &str = "\
10:00:00.000000 IP 127.0.0.1.4433 > 127.0.0.1.8080: Flags [P.], length 36: HTTP: POST /a HTTP/1.1
\t0x0000:  4500 0038 504f 5354 202f 6120 4854 5450  E..8POST./a.HTTP
\t0x0010:  2f31 2e31 0d0a 486f 7374 3a20 680d 0a0d  /1.1..Host:.h...
\t0x0020:  0a7b 2262 223a 317d                      .{\"b\":1}
10:00:00.000001 IP 127.0.0.1.8080 > 127.0.0.1.4433: Flags [.], length 0
\t0x0000:  4500 0034                                E..4
";

    #[test]
    fn the_request_in_a_dump_is_read() {
        for dump in [XXD, HEXDUMP, TCPDUMP] {
            let (entries, _) = collected(dump);
            let [Ok(entry)] = &entries[..] else { panic!("{dump}: {entries:?}") };
            assert_eq!(
                (fields(&entry.request), &entry.request.body[..]),
                ("Host: h\n".to_owned(), &b"{\"b\":1}"[..]),
                "{dump}"
            );
        }
    }
}
