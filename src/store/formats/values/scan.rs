//! Reads a text from its start. Each function removes what it finds from the remaining text.

/// Removes `start` from the text, if the text starts with it. Returns whether it does.
pub(in crate::store::formats) fn take(rest: &mut &str, start: &str) -> bool {
    let after = rest.strip_prefix(start);
    *rest = after.unwrap_or(rest);
    after.is_some()
}

pub(in crate::store::formats) fn take_while<'t>(rest: &mut &'t str, is_part: impl Fn(char) -> bool) -> &'t str {
    let end = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
    let (part, after) = rest.split_at(end);
    *rest = after;
    part
}

/// Takes the text before `end`, and removes `end` too; `None` if it is missing.
pub(in crate::store::formats) fn take_until<'t>(rest: &mut &'t str, end: &str) -> Option<&'t str> {
    let (part, after) = rest.split_once(end)?;
    *rest = after;
    Some(part)
}

pub(in crate::store::formats) fn next(rest: &mut &str) -> Option<char> {
    let c = rest.chars().next()?;
    *rest = &rest[c.len_utf8()..];
    Some(c)
}
