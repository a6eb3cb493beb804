//! Texts with `{placeholders}`: the one syntax of all templates in a manifest.

/// A piece of a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// Text that stands for itself.
    Literal(&'a str),
    /// What stood between braces.
    Placeholder(&'a str),
}

/// Divides a template into literal text and placeholders.
///
/// # Errors
///
/// When a brace is never closed, was never opened, or has nothing in it.
pub fn split(text: &str) -> Result<Vec<Piece<'_>>, String> {
    let mut pieces = Vec::new();
    let mut rest = text;
    let at = |rest: &str| text[..text.len() - rest.len()].chars().count() + 1;
    while let Some(open) = rest.find(['{', '}']) {
        let (before, behind) = rest.split_at(open);
        if !before.is_empty() {
            pieces.push(Piece::Literal(before));
        }
        let Some(inner) = behind.strip_prefix('{') else {
            return Err(format!("`}}` at character {} was never opened", at(behind)));
        };
        let close = inner.find(['{', '}']).filter(|&i| inner[i..].starts_with('}'));
        let Some(close) = close else {
            return Err(format!("`{{` at character {} is never closed", at(behind)));
        };
        if close == 0 {
            return Err(format!("`{{}}` at character {} names nothing", at(behind)));
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
    fn says_where_a_brace_is_wrong() {
        assert_eq!(split("ü{a"), Err("`{` at character 2 is never closed".into()));
        assert_eq!(split("a}"), Err("`}` at character 2 was never opened".into()));
        assert_eq!(split("{a{b}"), Err("`{` at character 1 is never closed".into()));
        assert_eq!(split("a{}"), Err("`{}` at character 2 names nothing".into()));
    }
}
