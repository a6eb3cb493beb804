//! One HTTP request, received or to be sent: method, target, headers in order, and the exact bytes of the
//! body, which is never decoded or changed here.

use std::{borrow::Cow, fmt};

use bytes::Bytes;
use http::header::InvalidHeaderName;
pub use http::{HeaderName, HeaderValue, Method};

use super::visible;

/// One HTTP request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The method, `POST` for every known provider.
    pub method: Method,
    /// Path and query as on the request line, such as `/hooks?x=1`.
    pub target: String,
    /// All headers, in order and as spelled.
    pub headers: Headers,
    /// The body's exact bytes, still in their `content-encoding`.
    pub body: Bytes,
}

impl Request {
    /// The target without its query.
    #[must_use]
    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    /// The query without its question mark; empty without one.
    #[must_use]
    pub fn query(&self) -> &str {
        self.target.split_once('?').map_or("", |(_, query)| query)
    }

    /// The body's media type in lower case, without parameters.
    #[must_use]
    pub fn media_type(&self) -> Option<Cow<'_, str>> {
        fn essence(value: &str) -> &str {
            value.split(';').next().unwrap_or_default().trim()
        }
        Some(match self.headers.text("content-type")? {
            Cow::Borrowed(value) => match essence(value) {
                essence if essence.bytes().any(|byte| byte.is_ascii_uppercase()) => essence.to_ascii_lowercase().into(),
                essence => essence.into(),
            },
            Cow::Owned(value) => essence(&value).to_ascii_lowercase().into(),
        })
    }
}

/// The name of a header field, as it is spelled. Names that differ only in case are equal.
#[derive(Clone, Debug)]
pub struct FieldName {
    name: HeaderName,
    /// `None` if it is spelled in lower case.
    spelling: Option<Box<str>>,
}

impl FieldName {
    /// The name with this spelling.
    ///
    /// # Errors
    ///
    /// If it is not valid in HTTP.
    pub fn new(spelling: &str) -> Result<Self, InvalidHeaderName> {
        let name = HeaderName::from_bytes(spelling.as_bytes())?;
        Ok(Self::spelled(name, spelling))
    }

    /// A name with a spelling that differs from it only in case.
    pub(crate) fn spelled(name: HeaderName, spelling: &str) -> Self {
        debug_assert!(name.as_str().eq_ignore_ascii_case(spelling), "{spelling} is not a spelling of {name}");
        let spelling = (spelling != name.as_str()).then(|| spelling.into());
        Self { name, spelling }
    }

    /// The name for comparisons.
    #[must_use]
    pub const fn name(&self) -> &HeaderName {
        &self.name
    }

    /// The name in lower case.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.name.as_str()
    }

    /// The name as it is spelled.
    #[must_use]
    pub fn spelling(&self) -> &str {
        self.spelling.as_deref().unwrap_or(self.name.as_str())
    }
}

impl From<HeaderName> for FieldName {
    fn from(name: HeaderName) -> Self {
        Self { name, spelling: None }
    }
}

impl PartialEq for FieldName {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for FieldName {}

impl PartialEq<HeaderName> for FieldName {
    fn eq(&self, other: &HeaderName) -> bool {
        self.name == *other
    }
}

impl PartialEq<str> for FieldName {
    fn eq(&self, other: &str) -> bool {
        self.name == *other
    }
}

impl fmt::Display for FieldName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.spelling())
    }
}

/// A field of a header section: its name and value.
pub type HeaderField = (FieldName, HeaderValue);

/// Header fields in the order in which they were sent, including repeated names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headers(Vec<HeaderField>);

impl Headers {
    /// No headers.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// No headers, with capacity for this many fields.
    #[must_use]
    pub fn with_capacity(fields: usize) -> Self {
        Self(Vec::with_capacity(fields))
    }

    /// Adds a field at the end, even if the name is already present.
    pub fn push(&mut self, name: impl Into<FieldName>, value: HeaderValue) {
        self.0.push((name.into(), value));
    }

    /// Replaces the value of the first field of that name, and removes the others; adds the field at the end if there
    /// is none.
    pub fn set(&mut self, name: &HeaderName, value: HeaderValue) {
        if let Some(first) = self.0.iter().position(|(n, _)| n == name) {
            self.0[first].1 = value;
            let mut seen = 0;
            self.0.retain(|(n, _)| {
                seen += usize::from(n == name);
                n != name || seen == 1
            });
        } else {
            self.push(name.clone(), value);
        }
    }

    /// Replaces the fields of the same names, with the spelling of `fields`. A name that is repeated in `fields` is
    /// repeated in the result.
    pub fn set_all(&mut self, fields: &Self) {
        for (index, (name, value)) in fields.iter().enumerate() {
            if !fields.0[..index].iter().any(|(earlier, _)| earlier == name)
                && let Some(first) = self.0.iter().position(|(n, _)| n == name)
            {
                self.set(name.name(), value.clone());
                self.0[first].0 = name.clone();
            } else {
                self.push(name.clone(), value.clone());
            }
        }
    }

    /// Removes every field of a lower-case name.
    pub fn remove(&mut self, name: &str) {
        self.0.retain(|(n, _)| n.as_str() != name);
    }

    /// Every value of a lower-case name, in order.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a HeaderValue> {
        self.iter().filter(move |(n, _)| n.as_str() == name).map(|(_, value)| value)
    }

    /// The first value of a lower-case name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&HeaderValue> {
        self.iter().find(|(n, _)| n.as_str() == name).map(|(_, value)| value)
    }

    /// The first value of a lower-case name, as [`text`].
    #[must_use]
    pub fn text(&self, name: &str) -> Option<Cow<'_, str>> {
        self.get(name).map(text)
    }

    /// Whether a lower-case name is present.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// The fields in order.
    pub fn iter(&self) -> std::slice::Iter<'_, HeaderField> {
        self.0.iter()
    }

    /// The number of fields.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are no fields.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<'a> IntoIterator for &'a Headers {
    type Item = &'a HeaderField;
    type IntoIter = std::slice::Iter<'a, HeaderField>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl IntoIterator for Headers {
    type Item = HeaderField;
    type IntoIter = std::vec::IntoIter<HeaderField>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<N: Into<FieldName>> FromIterator<(N, HeaderValue)> for Headers {
    fn from_iter<T: IntoIterator<Item = (N, HeaderValue)>>(fields: T) -> Self {
        Self(fields.into_iter().map(|(name, value)| (name.into(), value)).collect())
    }
}

/// The target of a request line, or of a URL: its path and query.
#[must_use]
pub fn target(text: &str) -> Option<String> {
    let is_plain = visible::plain_len(text.as_bytes()) == text.len() && !text.contains(' ');
    if !is_plain && text.contains(|c: char| c.is_control() || c.is_whitespace()) {
        return None;
    }
    if text.starts_with('/') || text == "*" {
        return Some(text.to_owned());
    }
    let (_, rest) = text.split_once("://")?;
    let rest = rest.split('#').next().unwrap_or_default();
    let target = rest.find(['/', '?']).map_or("", |end| &rest[end..]);
    Some(if target.starts_with('/') { target.to_owned() } else { format!("/{target}") })
}

/// A header value as text. Non-ASCII bytes are read as Latin-1, so none are lost.
#[must_use]
pub fn text(value: &HeaderValue) -> Cow<'_, str> {
    match value.to_str() {
        Ok(ascii) => Cow::Borrowed(ascii),
        Err(_) => Cow::Owned(value.as_bytes().iter().map(|&byte| char::from(byte)).collect()),
    }
}

/// The header value whose [`text`] this is.
///
/// # Errors
///
/// If there is a character outside Latin-1, or a control character that a header may not have.
pub fn value(text: &str) -> Result<HeaderValue, InvalidHeaderValue> {
    if text.is_ascii() {
        return HeaderValue::from_str(text).map_err(|_| InvalidHeaderValue);
    }
    let bytes: Option<Vec<u8>> = text.chars().map(|c| u8::try_from(c).ok()).collect();
    bytes.and_then(|bytes| HeaderValue::from_bytes(&bytes).ok()).ok_or(InvalidHeaderValue)
}

/// Like [`value`], without copying text in ASCII.
///
/// # Errors
///
/// Those of [`value`].
pub fn owned_value(text: Cow<'static, str>) -> Result<HeaderValue, InvalidHeaderValue> {
    if !text.is_ascii() {
        return value(&text);
    }
    let bytes = match text {
        Cow::Borrowed(text) => Bytes::from_static(text.as_bytes()),
        Cow::Owned(text) => Bytes::from(text),
    };
    HeaderValue::from_maybe_shared(bytes).map_err(|_| InvalidHeaderValue)
}

/// A text that is not valid in a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid header value: it has a control character or one outside Latin-1")]
pub struct InvalidHeaderValue;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_text_keeps_every_byte_above_ascii() {
        let bytes: Vec<u8> = (0x20..=0xff).filter(|&b| b != 0x7f).collect();
        let original = HeaderValue::from_bytes(&bytes).unwrap();
        assert_eq!(value(&text(&original)), Ok(original));
    }

    #[test]
    fn setting_a_header_replaces_the_first_and_removes_the_others() {
        let field = |n: &'static str, v: &'static str| (HeaderName::from_static(n), HeaderValue::from_static(v));
        let mut headers: Headers = [field("a", "1"), field("b", "2"), field("a", "3")].into_iter().collect();
        headers.set(&HeaderName::from_static("a"), HeaderValue::from_static("4"));
        assert_eq!(headers, [field("a", "4"), field("b", "2")].into_iter().collect());
    }

    #[test]
    fn repeated_fields_set_together_are_kept() {
        let field = |n: &'static str, v: &'static str| (HeaderName::from_static(n), HeaderValue::from_static(v));
        let mut headers: Headers = [field("a", "1"), field("b", "2"), field("a", "3")].into_iter().collect();
        headers.set_all(&[field("a", "4"), field("c", "5"), field("a", "6")].into_iter().collect());
        assert_eq!(headers, [field("a", "4"), field("b", "2"), field("c", "5"), field("a", "6")].into_iter().collect());
    }

    #[test]
    fn names_keep_their_spelling_and_are_equal_in_any() {
        let field = |n: &str, v: &'static str| (FieldName::new(n).unwrap(), HeaderValue::from_static(v));
        let mut headers: Headers = [field("X-Id", "1"), field("x-ID", "2"), field("accept", "3")].into_iter().collect();
        assert_eq!(headers.all("x-id").collect::<Vec<_>>(), ["1", "2"]);
        headers.set(&HeaderName::from_static("x-id"), HeaderValue::from_static("4"));
        headers.set_all(&[field("Accept", "5"), field("ACCEPT", "6")].into_iter().collect());
        let spelled: Vec<_> = headers.iter().map(|(n, v)| (n.spelling(), v.to_str().unwrap())).collect();
        assert_eq!(spelled, [("X-Id", "4"), ("Accept", "5"), ("ACCEPT", "6")]);
        assert_eq!(headers.iter().map(|(n, _)| n.as_str()).collect::<Vec<_>>(), ["x-id", "accept", "accept"]);
        assert_eq!(FieldName::new("X-Id").unwrap(), HeaderName::from_static("x-id"));
        for name in ["x id", ""] {
            assert_eq!(FieldName::new(name).unwrap_err().to_string(), "invalid HTTP header name");
        }
    }

    #[test]
    fn a_line_feed_is_not_valid_in_a_header() {
        assert_eq!(value("a\nb"), Err(InvalidHeaderValue));
    }

    #[test]
    fn a_target_is_the_path_and_query_of_a_url() {
        for (text, expected) in [
            ("/a?b=c#d", Some("/a?b=c#d")),
            ("*", Some("*")),
            ("http://h:1/a?b=c#d", Some("/a?b=c")),
            ("https://h?b", Some("/?b")),
            ("https://h", Some("/")),
            ("https://h#a/b", Some("/")),
            ("a:80", None),
            ("", None),
            ("/a b", None),
            ("/a\r\nb", None),
        ] {
            assert_eq!(target(text).as_deref(), expected, "{text:?}");
        }
    }
}
