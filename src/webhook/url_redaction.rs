//! Redaction of URLs (user, password and query values), and the names that look like those of credentials.

use std::borrow::Cow;

use super::words::REDACTED;

/// Words in the names of headers and parameters that carry credentials.
const WORDS: [&str; 19] = [
    "apikey",
    "auth",
    "authorisation",
    "authorization",
    "bearer",
    "cookie",
    "cookies",
    "credential",
    "credentials",
    "jwt",
    "key",
    "pass",
    "passwd",
    "password",
    "pwd",
    "secret",
    "session",
    "sid",
    "token",
];

/// Words for URL parameters only: a signed URL is a credential, a signed body is not.
const OF_URLS: [&str; 4] = ["hmac", "sig", "sign", "signature"];

/// Endings of names written as one word.
const ENDS: [&str; 5] = ["apikey", "password", "secret", "token", "signature"];

/// What is hidden in a URL's query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hidden {
    /// The values of parameters that look like tokens.
    Tokens,
    /// Every value.
    AllValues,
}

/// Redacts a URL or request target for display: the user and password, and the values of parameters that
/// look like tokens. Tokens in the path can't be recognised and stay.
#[must_use]
pub fn tokens(url: &str) -> Cow<'_, str> {
    hide(url, Hidden::Tokens)
}

/// Redacts a URL or request target for sharing: the user and password, and every value of the query.
#[must_use]
pub fn query(url: &str) -> Cow<'_, str> {
    hide(url, Hidden::AllValues)
}

/// Redacts text that should have been a URL, for an error. Everything before its last `@` may be a password with any
/// characters.
#[must_use]
pub fn invalid_url(text: &str) -> Cow<'_, str> {
    let start = authority(text);
    match text.rfind('@') {
        Some(at) if at >= start => {
            Cow::Owned(query(&format!("{}{REDACTED}{}", &text[..start], &text[at..])).into_owned())
        }
        _ => query(text),
    }
}

/// Redacts each URL, and each request target with a query, in a text for people, as [`query`] does.
#[must_use]
pub fn in_text(text: &str) -> String {
    let ends_word = |c: char| c.is_whitespace() || c == '`';
    text.split_inclusive(ends_word).map(redacted_word).collect()
}

/// Redacts a word, which may contain several URLs with punctuation around them.
fn redacted_word(word: &str) -> String {
    let mut redacted = String::new();
    let mut from = 0;
    for (at, _) in word.match_indices("://") {
        let is_of_scheme = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
        let before = &word[from..at];
        let start = from + before.trim_end_matches(is_of_scheme).len();
        // A URL in another one's query is part of a value.
        if !before.contains('?') {
            redacted.push_str(&redacted_part(&word[from..start]));
            from = start;
        }
    }
    redacted.push_str(&redacted_part(&word[from..]));
    redacted
}

/// A URL with the punctuation after it, or other text.
fn redacted_part(word: &str) -> Cow<'_, str> {
    let is_target = word.trim_start_matches(['(', '"', '\'', '<', '[']).starts_with('/') && word.contains('?');
    if !is_target && !word.contains("://") {
        return Cow::Borrowed(word);
    }
    let is_after = |c: char| c.is_whitespace() || matches!(c, '`' | '"' | '\'' | ')' | '>' | ',' | '.' | ';' | ':');
    let (url, after) = word.split_at(word.trim_end_matches(is_after).len());
    Cow::Owned(format!("{}{after}", query(url)))
}

fn hide(url: &str, hidden: Hidden) -> Cow<'_, str> {
    let url = without_user(url);
    let Some((before, rest)) = url.split_once('?') else { return url };
    let (pairs, fragment) = rest.split_once('#').map_or((rest, None), |(pairs, fragment)| (pairs, Some(fragment)));
    let shown: Vec<Cow<'_, str>> = pairs.split('&').map(|pair| hide_pair(pair, hidden)).collect();
    if shown.iter().all(|pair| matches!(pair, Cow::Borrowed(_))) {
        return url;
    }
    let fragment = fragment.map(|fragment| format!("#{fragment}")).unwrap_or_default();
    Cow::Owned(format!("{before}?{}{fragment}", shown.join("&")))
}

fn hide_pair(pair: &str, hidden: Hidden) -> Cow<'_, str> {
    match pair.split_once('=') {
        _ if pair.is_empty() => Cow::Borrowed(pair),
        // Without a value, the name itself may be a token: base64 ends with `=`.
        Some((_, value)) if hidden == Hidden::AllValues && value.trim_matches('=').is_empty() => {
            Cow::Owned(REDACTED.to_owned())
        }
        None if hidden == Hidden::AllValues => Cow::Owned(REDACTED.to_owned()),
        Some((name, value)) if hidden == Hidden::AllValues || !value.is_empty() && names_token(name) => {
            Cow::Owned(format!("{name}={REDACTED}"))
        }
        _ => Cow::Borrowed(pair),
    }
}

/// A URL with its `user:password@` redacted.
#[must_use]
pub fn without_user(url: &str) -> Cow<'_, str> {
    let start = authority(url);
    let authority = &url[start..];
    let authority = &authority[..authority.find(['/', '?', '#', '\\']).unwrap_or(authority.len())];
    match authority.rfind('@') {
        Some(at) => Cow::Owned(format!("{}{REDACTED}{}", &url[..start], &url[start + at..])),
        None => Cow::Borrowed(url),
    }
}

/// Where the authority of a URL starts: after its scheme and slashes. For http, parsers take any number of slashes and
/// backslashes, and skip tabs and newlines.
fn authority(url: &str) -> usize {
    let is_skipped = |c: char| matches!(c, '/' | '\\' | '\t' | '\n' | '\r');
    let Some((scheme, rest)) = url.split_once(':') else { return 0 };
    let is_http = ["http", "https"].iter().any(|http| scheme.trim().eq_ignore_ascii_case(http));
    // A `:` after the path does not follow a scheme, nor does one before a password or a port.
    if scheme.contains(['/', '?', '#', '@']) || !is_http && !rest.starts_with(is_skipped) {
        return 0;
    }
    url.len() - rest.trim_start_matches(is_skipped).len()
}

/// Whether a header looks like a credential even though a manifest names it, judging by its lower-case name.
pub(super) fn is_credential(header: &str) -> bool {
    words(header).iter().any(|word| WORDS.contains(&word.as_str())) || ENDS[..4].iter().any(|end| header.ends_with(end))
}

/// Whether a parameter's name, which may be percent-encoded, looks like the name of a token.
fn names_token(name: &str) -> bool {
    let name = form_urlencoded::parse(name.as_bytes()).next().map(|(name, _)| name).unwrap_or_default();
    let known = |word: &String| WORDS.contains(&word.as_str()) || OF_URLS.contains(&word.as_str());
    let lower = name.to_ascii_lowercase();
    words(&name).iter().any(known) || ENDS.iter().any(|end| lower.ends_with(end))
}

/// The words of `access_token`, `X-Api-Key` or `accessToken`, in lower case.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut was_lower = false;
    for c in name.chars() {
        if !c.is_alphanumeric() || c.is_ascii_uppercase() && was_lower {
            words.push(String::new());
        }
        if c.is_alphanumeric() {
            words.last_mut().into_iter().for_each(|word| word.push(c.to_ascii_lowercase()));
        }
        was_lower = c.is_ascii_lowercase();
    }
    words
}
