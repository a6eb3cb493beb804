//! Text in UTF-16, as Windows PowerShell 5.1 redirects output and some editors save files.

use super::{EntryFault, Position};

/// The order of the two bytes of a code unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ByteOrder {
    LittleEndian,
    BigEndian,
}

/// The byte order of an input that is UTF-16 by its mark, or because its first two characters are ASCII.
pub(super) fn detect(head: &[u8]) -> Option<ByteOrder> {
    match head {
        [0xff, 0xfe, ..] | [1..=127, 0, 1..=127, 0, ..] => Some(ByteOrder::LittleEndian),
        [0xfe, 0xff, ..] | [0, 1..=127, 0, 1..=127, ..] => Some(ByteOrder::BigEndian),
        _ => None,
    }
}

/// The text.
///
/// # Errors
///
/// If the bytes aren't UTF-16.
pub(super) fn decode(bytes: &[u8], order: ByteOrder) -> Result<String, EntryFault> {
    let unit = |pair: &[u8]| match order {
        ByteOrder::LittleEndian => u16::from_le_bytes([pair[0], pair[1]]),
        ByteOrder::BigEndian => u16::from_be_bytes([pair[0], pair[1]]),
    };
    // An incomplete last unit is part of an incomplete last line.
    let units = bytes.chunks_exact(2).map(unit).skip_while(|&unit| unit == 0xfeff);
    let text: Result<String, _> = char::decode_utf16(units).collect();
    text.map_err(|_| {
        EntryFault::Malformed(Position::Line(1), "expected UTF-16, as the start of the file is".to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_orders_are_detected_with_and_without_a_mark() {
        for (bytes, order) in [
            (&b"\xff\xfe{\0\xe4\0"[..], Some(ByteOrder::LittleEndian)),
            (b"\xfe\xff\0{\0\xe4", Some(ByteOrder::BigEndian)),
            (b"{\0\"\0", Some(ByteOrder::LittleEndian)),
            (b"\0{\0\"", Some(ByteOrder::BigEndian)),
            (b"{\"a\":1}", None),
            (b"\0\0\0\0", None),
            (b"", None),
        ] {
            assert_eq!(detect(bytes), order, "{bytes:?}");
        }
        assert_eq!(decode(b"\xff\xfe{\0\xe4\0", ByteOrder::LittleEndian).unwrap(), "{\u{e4}");
        assert_eq!(decode(b"\0{\0}", ByteOrder::BigEndian).unwrap(), "{}");
        assert!(matches!(decode(b"\x00\xd8{\0", ByteOrder::LittleEndian), Err(EntryFault::Malformed(..))));
    }
}
