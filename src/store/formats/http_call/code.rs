//! The code of a text, without comments and literals.

use super::super::values::text_literal::{QUOTES, SourceLanguage};

/// The text with comments and string literals replaced by spaces, so that offsets and lines stay the same. A quote
/// without a second one on its line quotes nothing, unless it is a triple quote in Python.
pub(super) fn code(text: &str, language: SourceLanguage) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    // Delimiters without an end are searched for only once.
    let mut unended = Vec::new();
    while let Some(at) = rest.find(['"', '\'', '`', '#', '/', '\\']) {
        code.push_str(&rest[..at]);
        rest = &rest[at..];
        // `*/*` is an unquoted media type, and `/[/*]/` a regular expression.
        let is_comment = !(rest.starts_with("/*") && code.ends_with(['*', '[']));
        let len = Span::open(rest, language).filter(|_| is_comment).and_then(|span| {
            let len = if unended.contains(&span.close) { None } else { span.len(rest) };
            if len.is_none() && span.has_lines {
                unended.push(span.close);
            }
            len
        });
        if let Some(len) = len {
            code.extend(rest[..len].bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' }));
            rest = &rest[len..];
        } else {
            // An escaped character opens nothing, such as the slash in `/\//`.
            let len = rest.chars().take(if rest.starts_with('\\') { 2 } else { 1 }).map(char::len_utf8).sum();
            code.push_str(&rest[..len]);
            rest = &rest[len..];
        }
    }
    code + rest
}

/// A comment or a string literal.
struct Span {
    open: usize,
    close: &'static str,
    has_lines: bool,
    has_escapes: bool,
}

impl Span {
    /// The span that a text starts with, if any.
    fn open(text: &str, language: SourceLanguage) -> Option<Self> {
        let is_python = language == SourceLanguage::Python;
        match text.as_bytes() {
            [b'#', ..] if is_python => Some(Self::comment(1, "\n")),
            [b'/', b'/', ..] if !is_python => Some(Self::comment(2, "\n")),
            [b'/', b'*', ..] if !is_python => Some(Self::comment(2, "*/")),
            _ => {
                let of_language = |quotes: &&str| if is_python { *quotes != "`" } else { quotes.len() == 1 };
                let quotes = QUOTES.into_iter().filter(of_language).find(|quotes| text.starts_with(quotes))?;
                Some(Self { open: quotes.len(), close: quotes, has_lines: quotes.len() > 1, has_escapes: true })
            }
        }
    }

    fn comment(open: usize, close: &'static str) -> Self {
        Self { open, close, has_lines: close != "\n", has_escapes: false }
    }

    /// Its length in bytes; `None` if it has no end.
    fn len(&self, text: &str) -> Option<usize> {
        let mut at = self.open;
        loop {
            let rest = &text[at..];
            if !self.has_escapes {
                let end = rest.find(self.close);
                return end.map(|end| at + end + self.close.len()).or_else(|| (!self.has_lines).then_some(text.len()));
            }
            at += rest.find(|c: char| c == '\\' || c == '\n' || self.close.starts_with(c))?;
            let rest = &text[at..];
            if rest.starts_with(self.close) {
                return Some(at + self.close.len());
            }
            let mut chars = rest.chars();
            match chars.next()? {
                '\\' => at += 1 + chars.next()?.len_utf8(),
                '\n' if !self.has_lines => return None,
                c => at += c.len_utf8(),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_quotes_are_not_code() {
        for (text, language, found) in [
            ("a = 'b' # c", SourceLanguage::Python, "a =        "),
            ("a # it's\nb 'c'", SourceLanguage::Python, "a       \nb    "),
            ("f(\"\"\"\na 'b\n\"\"\")", SourceLanguage::Python, "f(   \n    \n   )"),
            ("'\\'a' b", SourceLanguage::Python, "      b"),
            ("a // b\nc", SourceLanguage::JavaScript, "a     \nc"),
            ("a /* b\n'c */ d", SourceLanguage::JavaScript, "a     \n      d"),
            ("/\\//; a `b`", SourceLanguage::JavaScript, "/\\//; a    "),
            ("a # \u{e9}\nb", SourceLanguage::Python, "a     \nb"),
            ("it's\n\"\"\" a /* b", SourceLanguage::Python, "it's\n\"   a /* b"),
            ("it's /* b", SourceLanguage::JavaScript, "it's /* b"),
        ] {
            let code = code(text, language);
            assert_eq!((code.as_str(), code.len()), (found, text.len()), "{text}");
        }
    }
}
