//! Headers as Go, Java and Spring print a map of them: without quotes, so only the next name shows where a value ends.

/// The headers of the map at the start of a text, and the rest of the text.
pub(in crate::store::formats) fn headers(text: &str) -> Option<(Vec<(String, String)>, &str)> {
    if let Some(inside) = text.strip_prefix("map[") {
        return fields(inside, ":[", "] ", "]]");
    }
    if let Some(inside) = text.strip_prefix('{') {
        let listed = fields(inside, "=[", "], ", "]}");
        return listed.or_else(|| fields(inside, "=", ", ", "}"));
    }
    fields(text.strip_prefix('[')?, ":\"", "\", ", "\"]")
}

/// Reads fields of the form `NAME open VALUE`, with `between` before the next one and `end` after the last.
fn fields<'t>(mut text: &'t str, open: &str, between: &str, end: &str) -> Option<(Vec<(String, String)>, &'t str)> {
    let mut fields = Vec::new();
    loop {
        let name = &text[..name_len(text)];
        text = text[name.len()..].strip_prefix(open).filter(|_| !name.is_empty())?;
        let next = text.match_indices(between).find(|(at, _)| {
            let after = &text[at + between.len()..];
            let name = name_len(after);
            name > 0 && after[name..].starts_with(open)
        });
        let last = text.find(end)?;
        let Some(at) = next.map(|(at, _)| at).filter(|at| *at < last) else {
            fields.push((name.to_owned(), text[..last].to_owned()));
            return Some((fields, &text[last + end.len()..]));
        };
        fields.push((name.to_owned(), text[..at].to_owned()));
        text = &text[at + between.len()..];
    }
}

fn name_len(text: &str) -> usize {
    text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '_')).unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_are_read_as_each_language_prints_them() {
        for printed in [
            // fmt.Println(r.Header)
            "map[Accept:[*/*] Content-Type:[text/plain; a=b] X-A:[b c]] rest",
            // A Map<String, String> and a Map<String, List<String>>
            "{Accept=*/*, Content-Type=text/plain; a=b, X-A=b c} rest",
            "{Accept=[*/*], Content-Type=[text/plain; a=b], X-A=[b c]} rest",
            // Spring's HttpHeaders
            "[Accept:\"*/*\", Content-Type:\"text/plain; a=b\", X-A:\"b c\"] rest",
        ] {
            let (fields, rest) = headers(printed).unwrap();
            let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            assert_eq!(fields, [("Accept", "*/*"), ("Content-Type", "text/plain; a=b"), ("X-A", "b c")], "{printed}");
            assert_eq!(rest, " rest");
        }
        for text in ["", "map[", "map[]", "{}", "{a}", "{a=b", "[a]", "[a:\"b\"", "{\u{20ac}=a}"] {
            assert_eq!(headers(text), None, "{text}");
        }
    }
}
