//! One HTTP request as it was received or is to be sent: method, target, headers in order and the
//! exact bytes of the body. It knows nothing of connections and never decodes or changes a body.

use std::borrow::Cow;

use bytes::Bytes;
pub use http::{HeaderName, HeaderValue, Method};

/// One HTTP request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The method, `POST` for every known provider.
    pub method: Method,
    /// Path and query as they stood on the request line, `/cyanite?x=1`.
    pub target: String,
    /// Every header, in order; names are lower case.
    pub headers: Headers,
    /// The body's exact bytes, still encoded when a `content-encoding` says so.
    pub body: Bytes,
}

impl Request {
    /// The target up to its query.
    #[must_use]
    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    /// The media type of the body in lower case, without its parameters.
    #[must_use]
    pub fn media_type(&self) -> Option<String> {
        let value = self.headers.text("content-type")?;
        let essence = value.split(';').next().unwrap_or_default();
        Some(essence.trim().to_ascii_lowercase())
    }
}

/// Header fields in the order of the message, a repeated name as often as it was sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headers(Vec<(HeaderName, HeaderValue)>);

impl Headers {
    /// No headers.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// No headers yet, and room for so many.
    #[must_use]
    pub fn with_capacity(fields: usize) -> Self {
        Self(Vec::with_capacity(fields))
    }

    /// Adds a field behind the others, also when the name is there already.
    pub fn push(&mut self, name: HeaderName, value: HeaderValue) {
        self.0.push((name, value));
    }

    /// Puts `value` in the place of the first field of that name and drops its others; adds the
    /// field at the end when there is none.
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

    /// Puts these fields into the place of those of the same names; a name that comes several times
    /// among them stands several times after.
    pub fn set_all(&mut self, fields: &Self) {
        for (place, (name, value)) in fields.iter().enumerate() {
            if fields.0[..place].iter().any(|(earlier, _)| earlier == name) {
                self.push(name.clone(), value.clone());
            } else {
                self.set(name, value.clone());
            }
        }
    }

    /// Drops every field of that name (in lower case).
    pub fn remove(&mut self, name: &str) {
        self.0.retain(|(n, _)| n.as_str() != name);
    }

    /// Every value of a name (in lower case), in order.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a HeaderValue> {
        self.iter().filter(move |(n, _)| n.as_str() == name).map(|(_, value)| value)
    }

    /// The first value of a name (in lower case).
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&HeaderValue> {
        self.iter().find(|(n, _)| n.as_str() == name).map(|(_, value)| value)
    }

    /// The first value of a name (in lower case) as [`text`].
    #[must_use]
    pub fn text(&self, name: &str) -> Option<Cow<'_, str>> {
        self.get(name).map(text)
    }

    /// Whether the name (in lower case) was sent at all.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// The fields in order.
    pub fn iter(&self) -> std::slice::Iter<'_, (HeaderName, HeaderValue)> {
        self.0.iter()
    }

    /// How many fields there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<'a> IntoIterator for &'a Headers {
    type Item = &'a (HeaderName, HeaderValue);
    type IntoIter = std::slice::Iter<'a, (HeaderName, HeaderValue)>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl IntoIterator for Headers {
    type Item = (HeaderName, HeaderValue);
    type IntoIter = std::vec::IntoIter<(HeaderName, HeaderValue)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl FromIterator<(HeaderName, HeaderValue)> for Headers {
    fn from_iter<T: IntoIterator<Item = (HeaderName, HeaderValue)>>(fields: T) -> Self {
        Self(fields.into_iter().collect())
    }
}

/// The target of a request line, or of a URL: its path and query.
#[must_use]
pub fn target(text: &str) -> Option<String> {
    if text.contains(|c: char| c.is_control() || c.is_whitespace()) {
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

/// A header value as text; bytes outside ASCII are read as Latin-1, so that none is lost.
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
/// When a character stands outside Latin-1, or is a control character that no header may carry.
pub fn value(text: &str) -> Result<HeaderValue, InvalidHeaderValue> {
    if text.is_ascii() {
        return HeaderValue::from_str(text).map_err(|_| InvalidHeaderValue);
    }
    let bytes: Option<Vec<u8>> = text.chars().map(|c| u8::try_from(c).ok()).collect();
    bytes.and_then(|bytes| HeaderValue::from_bytes(&bytes).ok()).ok_or(InvalidHeaderValue)
}

/// A text that cannot stand in a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a header value holds a control character or one outside Latin-1")]
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
    fn setting_a_header_leaves_one_in_the_place_of_the_first() {
        let field = |n: &'static str, v: &'static str| (HeaderName::from_static(n), HeaderValue::from_static(v));
        let mut headers: Headers = [field("a", "1"), field("b", "2"), field("a", "3")].into_iter().collect();
        headers.set(&HeaderName::from_static("a"), HeaderValue::from_static("4"));
        assert_eq!(headers, [field("a", "4"), field("b", "2")].into_iter().collect());
    }

    #[test]
    fn fields_that_are_set_together_stay_together() {
        let field = |n: &'static str, v: &'static str| (HeaderName::from_static(n), HeaderValue::from_static(v));
        let mut headers: Headers = [field("a", "1"), field("b", "2"), field("a", "3")].into_iter().collect();
        headers.set_all(&[field("a", "4"), field("c", "5"), field("a", "6")].into_iter().collect());
        assert_eq!(headers, [field("a", "4"), field("b", "2"), field("c", "5"), field("a", "6")].into_iter().collect());
    }

    #[test]
    fn a_line_feed_cannot_stand_in_a_header() {
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
