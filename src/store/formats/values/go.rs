//! Headers and bytes as Go prints them with `%#v` and `%q`, which quote text. [`super::maps`] reads what `%v` prints.

use super::text;

/// The headers at the start of a text, from the `{` of `http.Header{…}` or from `map[`, and the rest of the text.
pub(in crate::store::formats) fn headers(text: &str) -> Option<(Vec<(String, String)>, &str)> {
    const SYNTAX: Syntax = Syntax {
        empty: &[":[]string{}", ":[]string(nil)"],
        open: ":[]string{",
        and: ", ",
        close: "}",
        next: ", ",
        end: "}",
    };
    const QUOTED: Syntax = Syntax { empty: &[":[]"], open: ":[", and: " ", close: "]", next: " ", end: "]" };
    match text.strip_prefix("map[") {
        Some(inside) => QUOTED.fields(inside),
        None => SYNTAX.fields(text.strip_prefix('{')?),
    }
}

/// The bytes at the start of a text: `[]byte{0x7b, 0x7d}`, or `[]byte(nil)` for none.
pub(in crate::store::formats) fn bytes(text: &str) -> Option<Vec<u8>> {
    let after = text.strip_prefix("[]byte").or_else(|| text.strip_prefix("[]uint8"))?;
    if ["{}", "(nil)"].iter().any(|empty| after.starts_with(empty)) {
        return Some(Vec::new());
    }
    let (listed, _) = after.strip_prefix('{')?.split_once('}')?;
    listed.split(", ").map(|byte| u8::from_str_radix(byte.strip_prefix("0x")?, 16).ok()).collect()
}

/// The separators between names and values: `NAME open VALUE and VALUE close next NAME … end`.
struct Syntax {
    /// What follows the name of a header without values, which is not sent.
    empty: &'static [&'static str],
    open: &'static str,
    and: &'static str,
    close: &'static str,
    next: &'static str,
    end: &'static str,
}

impl Syntax {
    fn fields<'t>(&self, mut rest: &'t str) -> Option<(Vec<(String, String)>, &'t str)> {
        let mut fields = Vec::new();
        loop {
            let (name, after) = quoted(rest)?;
            let empty = self.empty.iter().find_map(|empty| after.strip_prefix(empty));
            rest = match empty {
                Some(after) => after,
                None => self.values(&name, after.strip_prefix(self.open)?, &mut fields)?,
            };
            match rest.strip_prefix(self.next) {
                Some(more) => rest = more,
                None => return Some((fields, rest.strip_prefix(self.end)?)),
            }
        }
    }

    /// Adds the values of a header to the fields. Returns the rest of the text.
    fn values<'t>(&self, name: &str, mut rest: &'t str, fields: &mut Vec<(String, String)>) -> Option<&'t str> {
        loop {
            let (value, after) = quoted(rest)?;
            fields.push((name.to_owned(), value));
            match after.strip_prefix(self.and) {
                Some(more) => rest = more,
                None => return after.strip_prefix(self.close),
            }
        }
    }
}

fn quoted(rest: &str) -> Option<(String, &str)> {
    text(rest).filter(|_| rest.starts_with('"'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_read_as_go_quotes_them() {
        for printed in [
            r#"{"Accept":[]string{"*/*"}, "X-A":[]string{"b \"q\" é\x01", "c"}} rest"#,
            r#"map["Accept":["*/*"] "X-A":["b \"q\" é\x01" "c"]] rest"#,
            r#"{"Accept":[]string{"*/*"}, "X-A":[]string{"b \"q\" é\x01", "c"}, "X-B":[]string{}, "X-C":[]string(nil)} rest"#,
            r#"map["Accept":["*/*"] "X-B":[] "X-A":["b \"q\" é\x01" "c"]] rest"#,
        ] {
            let (fields, rest) = headers(printed).unwrap();
            let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            assert_eq!(fields, [("Accept", "*/*"), ("X-A", "b \"q\" é\u{1}"), ("X-A", "c")], "{printed}");
            assert_eq!(rest, " rest");
        }
        for text in ["", "{", "{}", r#"{"a":[]string{"#, r#"{"a":[]string{"b"}"#, r#"{"a":"b"}"#, "map[a:[b]]"] {
            assert_eq!(headers(text), None, "{text}");
        }
    }

    #[test]
    fn bytes_are_read_as_go_writes_them() {
        assert_eq!(bytes("[]byte{0x7b, 0x7d} rest"), Some(b"{}".to_vec()));
        assert_eq!(bytes("[]uint8{0x7b}"), Some(b"{".to_vec()));
        for empty in ["[]byte{}", "[]byte(nil)", "[]uint8{}"] {
            assert_eq!(bytes(empty), Some(Vec::new()), "{empty}");
        }
        for text in ["", "[]byte", "[]byte{", "[]byte{1}", "[]byte{0x7b", "[]byte{0xfff}"] {
            assert_eq!(bytes(text), None, "{text}");
        }
    }
}
