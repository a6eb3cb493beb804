//! Env files: one `NAME=value` per line, with optional `export` and quotes; `#` starts a comment.

use std::{io, path::Path};

use zeroize::Zeroizing;

use super::read;

/// The variables of a file, in order; if a name occurs twice, the last value counts. Any of them may be a secret.
///
/// # Errors
///
/// If the file can't be read, or a line isn't an assignment; the error has the line's number.
pub fn variables(path: &Path) -> io::Result<Vec<(String, Zeroizing<String>)>> {
    parse(&read::text(path)?)
}

fn parse(text: &str) -> io::Result<Vec<(String, Zeroizing<String>)>> {
    let mut variables = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        let line = line.strip_prefix("export ").unwrap_or(line).trim_start();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let assignment = line.split_once('=').filter(|(name, _)| is_name(name.trim_end()));
        let Some((name, value)) = assignment else {
            let message = format!("line {}: expected NAME=value", number + 1);
            return Err(io::Error::new(io::ErrorKind::InvalidData, message));
        };
        variables.push((name.trim_end().to_owned(), Zeroizing::new(unquote(value.trim_start()))));
    }
    Ok(variables)
}

/// Whether a text is a variable name by the rules of shells.
pub(super) fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && text.chars().all(is_name_part)
}

pub(super) fn is_name_part(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// A value as a shell reads it: single quotes preserve everything, double quotes have the escapes `\n`, `\"` and `\\`,
/// and ` #` after an unquoted value starts a comment.
fn unquote(value: &str) -> String {
    if let Some((inner, _)) = value.strip_prefix('\'').and_then(|rest| rest.split_once('\'')) {
        return inner.to_owned();
    }
    let Some(rest) = value.strip_prefix('"') else {
        return value.split(" #").next().unwrap_or_default().trim_end().to_owned();
    };
    // Allocated in full, because a growing string would leave copies of the secret in memory.
    let mut text = String::with_capacity(rest.len());
    let mut chars = rest.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => break,
            '\\' => match chars.next() {
                Some('n') => text.push('\n'),
                Some(escaped @ ('"' | '\\' | '$')) => text.push(escaped),
                Some(other) => text.extend(['\\', other]),
                None => text.push('\\'),
            },
            other => text.push(other),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_as_a_shell_reads_them() {
        let text = "# comment\nA=plain # comment\nexport B='it''s'\nC=\"two\\nlines\"\n\nD = x=y#z\nE=\n";
        let expected = [("A", "plain"), ("B", "it"), ("C", "two\nlines"), ("D", "x=y#z"), ("E", "")];
        let expected = expected.map(|(name, value)| (name.to_owned(), Zeroizing::new(value.to_owned())));
        assert_eq!(parse(text).unwrap(), expected);
    }

    #[test]
    fn a_line_that_is_not_an_assignment_is_located() {
        assert_eq!(parse("A=1\nnonsense\n").unwrap_err().to_string(), "line 2: expected NAME=value");
    }
}
