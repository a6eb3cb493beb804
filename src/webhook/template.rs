//! Text with `{placeholders}`: the syntax of all templates in a manifest.

/// A piece of a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// Literal text.
    Literal(&'a str),
    /// The name between braces.
    Placeholder(&'a str),
}

/// Splits a template into literal text and placeholders.
///
/// # Errors
///
/// If a brace is not closed, was not opened, or is empty.
pub fn split(text: &str) -> Result<Vec<Piece<'_>>, String> {
    let mut pieces = Vec::new();
    let mut rest = text;
    let at = |rest: &str| text[..text.len() - rest.len()].chars().count() + 1;
    while let Some(open) = rest.find(['{', '}']) {
        let (before, after) = rest.split_at(open);
        if !before.is_empty() {
            pieces.push(Piece::Literal(before));
        }
        let Some(inner) = after.strip_prefix('{') else {
            return Err(format!("`}}` at character {} has no opening brace", at(after)));
        };
        let close = inner.find(['{', '}']).filter(|&i| inner[i..].starts_with('}'));
        let Some(close) = close else {
            return Err(format!("`{{` at character {} is not closed", at(after)));
        };
        if close == 0 {
            return Err(format!("`{{}}` at character {} is empty", at(after)));
        }
        pieces.push(Piece::Placeholder(&inner[..close]));
        rest = &inner[close + 1..];
    }
    if !rest.is_empty() {
        pieces.push(Piece::Literal(rest));
    }
    Ok(pieces)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_literals_from_placeholders() {
        let pieces = [Piece::Literal("v1,"), Piece::Placeholder("base64"), Piece::Literal(" ü")];
        assert_eq!(split("v1,{base64} ü").as_deref(), Ok(&pieces[..]));
        assert_eq!(split(""), Ok(vec![]));
    }

    #[test]
    fn a_wrong_brace_is_reported_with_its_position() {
        assert_eq!(split("ü{a"), Err("`{` at character 2 is not closed".into()));
        assert_eq!(split("a}"), Err("`}` at character 2 has no opening brace".into()));
        assert_eq!(split("{a{b}"), Err("`{` at character 1 is not closed".into()));
        assert_eq!(split("a{}"), Err("`{}` at character 2 is empty".into()));
    }
}
