//! The fields of a form, urlencoded or multipart: one per line, with their values in one column.

use super::{BodyLayout, push_spaces, start_of};
use crate::render::palette::Role;
use crate::render::text;

/// One field of a form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FormField<'a> {
    /// The name, decoded.
    pub name: &'a str,
    /// The value, decoded; empty if it is not shown.
    pub value: &'a [u8],
    /// A remark, such as the name and size of a file; empty if there is none.
    pub note: &'a str,
}

/// The maximum width of a name, in columns.
const MAX_NAME_WIDTH: usize = 40;

/// See [`BodyLayout::fields`].
pub(super) fn push(layout: &BodyLayout, fields: &[FormField<'_>], out: &mut String) {
    let limits = &layout.limits;
    let names = fields.iter().take(limits.lines).map(|field| text::width(&text::printable(field.name)));
    let column = names.max().unwrap_or(0).min(MAX_NAME_WIDTH);

    let mut shown = 0;
    for (index, field) in fields.iter().enumerate() {
        if index >= limits.lines || shown >= limits.bytes {
            let left_out = fields[index..].iter().map(|field| field.name.len() + field.value.len());
            return layout.push_rest(left_out.sum(), out);
        }
        let value = start_of(field.value, limits.token.min(limits.bytes - shown));
        push_field(layout, field, value, column, out);
        shown += field.name.len() + value.len();
    }
}

fn push_field(layout: &BodyLayout, field: &FormField<'_>, value: &[u8], column: usize, out: &mut String) {
    let name = text::printable(field.name);
    let name = text::truncate(&name, column);
    push_spaces(layout.margin, out);
    layout.palette.push(Role::Key, &name, out);

    if !field.value.is_empty() || !field.note.is_empty() {
        push_spaces(column.saturating_sub(text::width(&name)), out);
    }
    if !field.value.is_empty() {
        out.push_str("  ");
        layout.palette.push(Role::String, &text::printable_bytes(value), out);
        if value.len() < field.value.len() {
            layout.push_more(field.value.len() - value.len(), out);
        }
    }
    if !field.note.is_empty() {
        out.push_str("  ");
        layout.palette.push(Role::Dim, &text::printable(field.note), out);
    }
    out.push('\n');
}

#[cfg(test)]
mod tests {
    use super::super::BodyLimits;
    use super::*;
    use crate::render::palette::Palette;

    fn field<'a>(name: &'a str, value: &'a str, note: &'a str) -> FormField<'a> {
        FormField { name, value: value.as_bytes(), note }
    }

    fn lines(fields: &[FormField<'_>], limits: BodyLimits) -> Vec<String> {
        let mut out = String::new();
        BodyLayout { palette: Palette::new(false), margin: 2, limits }.fields(fields, &mut out);
        out.lines().map(str::to_owned).collect()
    }

    #[test]
    fn values_are_aligned_and_followed_by_notes() {
        let fields = [
            field("uuid", "ReaDg8WRnTfcN", ""),
            field("status_string", "Done", "2 times"),
            field("漢字", "ü", ""),
            field("audio", "", "file a.wav, 1.2 MiB"),
            field("empty", "", ""),
        ];
        let expected = [
            "  uuid           ReaDg8WRnTfcN",
            "  status_string  Done  2 times",
            "  漢字           ü",
            "  audio          file a.wav, 1.2 MiB",
            "  empty",
        ];
        assert_eq!(lines(&fields, BodyLimits::EXCERPT), expected);
    }

    #[test]
    fn every_part_has_its_colour() {
        let mut out = String::new();
        let layout = BodyLayout { palette: Palette::new(true), margin: 0, limits: BodyLimits::EXCERPT };
        layout.fields(&[field("k", "v", "n")], &mut out);
        assert_eq!(out, "\u{1b}[36mk\u{1b}[0m  \u{1b}[32mv\u{1b}[0m  \u{1b}[2mn\u{1b}[0m\n");
    }

    #[test]
    fn every_part_is_escaped() {
        let field = FormField { name: "a\u{202e}", value: b"\x1b[2J\r\n\xff", note: "x\u{9b}" };
        assert_eq!(lines(&[field], BodyLimits::EXCERPT), [r"  a\u{202e}  \u{1b}[2J\r\n\xff  x\u{9b}"]);
    }

    #[test]
    fn long_names_and_values_are_cut() {
        let name = "n".repeat(50);
        let limits = BodyLimits { token: 4, ..BodyLimits::EXCERPT };
        let cut = format!("  {}…  abcd… 2 B more", "n".repeat(39));
        let short = format!("  k{}v", " ".repeat(41));
        assert_eq!(lines(&[field(&name, "abcdef", ""), field("k", "v", "")], limits), [cut, short]);
    }

    #[test]
    fn a_name_whose_flags_and_joiners_are_wider_together_keeps_its_column() {
        let name = format!("{}🇩\u{200d}🚟🇩🇩🇩\u{200d}🚀....", "n".repeat(33));
        let cut = format!("  {}🇩\u{200d}🚟🇩🇩🇩\u{200d}…  v", "n".repeat(33));
        assert_eq!(lines(&[field(&name, "v", "")], BodyLimits::EXCERPT), [cut]);
    }

    #[test]
    fn fields_that_exceed_the_limits_are_counted() {
        let fields = [field("a", "1", ""), field("b", "22", ""), field("c", "333", "")];
        assert_eq!(lines(&fields, BodyLimits { lines: 1, ..BodyLimits::EXCERPT }), ["  a  1", "  … 7 B more"]);
        assert_eq!(
            lines(&fields, BodyLimits { bytes: 3, ..BodyLimits::EXCERPT }),
            ["  a  1", "  b  2… 1 B more", "  … 4 B more"]
        );
    }

    #[test]
    fn a_form_without_fields_has_no_lines() {
        assert_eq!(lines(&[], BodyLimits::EXCERPT), [""; 0]);
    }
}
