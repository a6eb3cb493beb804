//! A body shown as it is, line by line, with the escapes of [`text`].

use super::{BodyLayout, push_spaces, start_of};
use crate::render::text;

/// See [`BodyLayout::raw`].
pub(super) fn push(layout: &BodyLayout, body: &[u8], out: &mut String) {
    let start = start_of(body, layout.limits.bytes);
    let lines = start.split_inclusive(|&byte| byte == b'\n').take(layout.limits.lines);
    let shown = &start[..lines.map(<[u8]>::len).sum()];
    for line in text::printable_lines(shown) {
        push_spaces(layout.margin, out);
        out.push_str(&line);
        out.push('\n');
    }
    if shown.len() < body.len() {
        layout.push_rest(body.len() - shown.len(), out);
    }
}

#[cfg(test)]
mod tests {
    use super::super::BodyLimits;
    use super::*;
    use crate::render::palette::Palette;

    fn raw(body: &[u8], limits: BodyLimits) -> String {
        let mut out = String::new();
        BodyLayout { palette: Palette::new(false), margin: 2, limits }.raw(body, &mut out);
        out
    }

    #[test]
    fn every_line_is_escaped_and_has_the_margin() {
        assert_eq!(
            raw(b"{\"a\":\r\n\n\t1}\x1b[2J\xff", BodyLimits::EXCERPT),
            "  {\"a\":\\r\n  \n  \\t1}\\u{1b}[2J\\xff\n"
        );
        assert_eq!(raw("\u{feff}{}".as_bytes(), BodyLimits::EXCERPT), "  \\u{feff}{}\n");
    }

    #[test]
    fn an_empty_body_has_no_line() {
        assert_eq!(raw(b"", BodyLimits::EXCERPT), "");
    }

    #[test]
    fn bytes_beyond_the_limits_are_counted() {
        assert_eq!(raw(b"a\nb\nc\nd\n", BodyLimits { lines: 2, ..BodyLimits::EXCERPT }), "  a\n  b\n  … 4 B more\n");
        assert_eq!(raw(b"abcdef", BodyLimits { bytes: 4, ..BodyLimits::EXCERPT }), "  abcd\n  … 2 B more\n");
        assert_eq!(raw(b"abcdef", BodyLimits { bytes: 6, ..BodyLimits::EXCERPT }), "  abcdef\n");
    }

    #[test]
    fn one_line_of_a_mebibyte_is_cut() {
        let shown = raw(&vec![b'x'; 1 << 20], BodyLimits::EXCERPT);
        assert!(shown.ends_with("x\n  … 960 KiB more\n"));
        assert_eq!(shown.len(), 2 + (64 << 10) + 1 + "  … 960 KiB more\n".len());
    }
}
