//! Places: where a value of a request is. They have the same syntax everywhere in a manifest, and [`Lookup`] reads
//! them.
//!
//! `header:NAME`, `query:NAME`, `body:PATH` and `form:NAME` are single values. `url`, `decoded-url:CHARACTERS`,
//! `method`, `path`, `query`, `body` and `form:sorted` are larger parts. `sha1:`, `sha256:`, `sha512:`,
//! `sha256-base64:` and `sha256-base64url:` before another place are its hash.

mod edit;
mod lookup;
mod source;

use std::fmt;

use http::HeaderName;

pub(in crate::webhook) use edit::multipart;
pub use edit::{remove, write};
pub use lookup::Lookup;
pub use source::ValueSource;

use super::{json::Path, nearest};

/// Where a value of a request is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// A header, `header:NAME`.
    Header(HeaderName),
    /// A parameter of the URL's query, `query:NAME`, decoded.
    Query(String),
    /// A value of the payload, `body:PATH`: a string's decoded text, a number's own digits.
    Body(Path),
    /// A field of a form, `form:NAME`, decoded.
    Form(String),
    /// The whole URL as the provider called it, `url`.
    Url,
    /// The URL in which these characters, and no others, are percent-decoded: `decoded-url:CHARACTERS`.
    DecodedUrl(String),
    /// The method, `method`.
    Method,
    /// The URL's path, `path`.
    Path,
    /// The URL's query, `query`, without the question mark.
    QueryString,
    /// The names and values of all form fields, sorted and concatenated, `form:sorted`.
    SortedForm,
    /// The exact bytes of the body, `body`.
    RawBody,
    /// A hash of another place, such as `sha256:body`.
    Hash(Hash, Box<Place>),
    /// The MAC of another place under the secret, `hmac-sha256:PLACE` in hexadecimal or `hmac-sha256-base64:PLACE`.
    /// Only handshakes have it.
    Mac(MacEncoding, Box<Place>),
}

/// How a MAC is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MacEncoding {
    /// In hexadecimal.
    Hex,
    /// In base64.
    Base64,
}

/// A hash as a manifest names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Hash {
    /// SHA-1 in hexadecimal.
    Sha1,
    /// SHA-256 in hexadecimal.
    Sha256,
    /// SHA-512 in hexadecimal.
    Sha512,
    /// SHA-256 in base64.
    Sha256Base64,
    /// SHA-256 in URL-safe base64 without padding.
    Sha256Base64Url,
}

/// The prefixes of places.
const PREFIXES: [&str; 12] = [
    "header",
    "query",
    "body",
    "form",
    "decoded-url",
    "sha1",
    "sha256",
    "sha512",
    "sha256-base64",
    "sha256-base64url",
    "hmac-sha256",
    "hmac-sha256-base64",
];

/// The words that are places by themselves.
const WORDS: [&str; 5] = ["url", "method", "path", "query", "body"];

impl Place {
    /// Reads a place as a template or table of a manifest names it.
    ///
    /// # Errors
    ///
    /// A message with the nearest valid word.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text {
            "url" => return Ok(Self::Url),
            "method" => return Ok(Self::Method),
            "path" => return Ok(Self::Path),
            "query" => return Ok(Self::QueryString),
            "body" => return Ok(Self::RawBody),
            "form:sorted" => return Ok(Self::SortedForm),
            _ => {}
        }
        let Some((prefix, rest)) = text.split_once(':') else { return Err(without_kind(text)) };
        if rest.is_empty() {
            return Err(format!("`{text}` has nothing after the colon"));
        }
        Ok(match prefix {
            "header" => Self::Header(rest.parse().map_err(|_| format!("invalid header name `{rest}`"))?),
            "query" => Self::Query(rest.to_owned()),
            "body" => Self::Body(rest.parse().map_err(|error| format!("{error}"))?),
            "form" => Self::Form(rest.to_owned()),
            "decoded-url" if rest.bytes().all(|byte| byte.is_ascii_punctuation()) => Self::DecodedUrl(rest.to_owned()),
            "decoded-url" => return Err(format!("`{text}` may only list ASCII punctuation, such as `:/?@`")),
            "sha1" => Self::Hash(Hash::Sha1, Box::new(Self::parse(rest)?)),
            "sha256" => Self::Hash(Hash::Sha256, Box::new(Self::parse(rest)?)),
            "sha512" => Self::Hash(Hash::Sha512, Box::new(Self::parse(rest)?)),
            "sha256-base64" => Self::Hash(Hash::Sha256Base64, Box::new(Self::parse(rest)?)),
            "sha256-base64url" => Self::Hash(Hash::Sha256Base64Url, Box::new(Self::parse(rest)?)),
            "hmac-sha256" => Self::Mac(MacEncoding::Hex, Box::new(Self::parse(rest)?)),
            "hmac-sha256-base64" => Self::Mac(MacEncoding::Base64, Box::new(Self::parse(rest)?)),
            _ => return Err(nearest::unknown("place", prefix, PREFIXES)),
        })
    }

    /// Reads a place that may also be a bare path of the payload, as in `match` and summaries: `data.id` is
    /// `body:data.id`.
    ///
    /// # Errors
    ///
    /// A message with the nearest valid word.
    pub fn parse_or_path(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            Some((prefix, _)) if PREFIXES.contains(&prefix) => Self::parse(text),
            Some((prefix, _)) if nearest::nearest(prefix, PREFIXES).is_some() => Self::parse(text),
            _ => text.parse().map(Self::Body).map_err(|error| format!("{error}")),
        }
    }

    /// Reads a key of a `match`: a place, a bare path, or one of the words `method` and `path`.
    ///
    /// # Errors
    ///
    /// A message with the nearest valid word.
    pub fn parse_condition(text: &str) -> Result<Self, String> {
        match text {
            "method" | "path" => Self::parse(text),
            _ => Self::parse_or_path(text),
        }
    }

    /// Whether finding it needs the payload, which is otherwise not parsed before a signature is verified.
    #[must_use]
    pub fn needs_payload(&self) -> bool {
        match self {
            Self::Body(_) | Self::Form(_) | Self::SortedForm => true,
            Self::Hash(_, inner) | Self::Mac(_, inner) => inner.needs_payload(),
            _ => false,
        }
    }

    /// Whether finding it needs the URL that was called.
    #[must_use]
    pub fn needs_url(&self) -> bool {
        match self {
            Self::Url | Self::DecodedUrl(_) => true,
            Self::Hash(_, inner) | Self::Mac(_, inner) => inner.needs_url(),
            _ => false,
        }
    }

    /// Whether it contains all of the URL's query.
    #[must_use]
    pub const fn covers_query(&self) -> bool {
        matches!(self, Self::Url | Self::DecodedUrl(_) | Self::QueryString)
    }

    /// Whether it depends on all of the body.
    #[must_use]
    pub fn covers_body(&self) -> bool {
        match self {
            Self::RawBody | Self::SortedForm => true,
            Self::Hash(_, inner) | Self::Mac(_, inner) => inner.covers_body(),
            _ => false,
        }
    }

    /// The place whose hash it is, or itself.
    #[must_use]
    pub fn innermost(&self) -> &Self {
        match self {
            Self::Hash(_, inner) | Self::Mac(_, inner) => inner.innermost(),
            other => other,
        }
    }

    /// The header that this place is, or is a hash of.
    #[must_use]
    pub fn header(&self) -> Option<&HeaderName> {
        match self {
            Self::Header(name) => Some(name),
            Self::Hash(_, inner) | Self::Mac(_, inner) => inner.header(),
            _ => None,
        }
    }

    /// Whether a value can be sent here by itself.
    #[must_use]
    pub const fn is_writable(&self) -> bool {
        matches!(self, Self::Header(_) | Self::Query(_) | Self::Body(_) | Self::Form(_))
    }

    /// The name that messages quote: a header's own, or the place as a manifest writes it.
    #[must_use]
    pub fn label(&self) -> String {
        match self {
            Self::Header(name) => name.to_string(),
            other => other.to_string(),
        }
    }

    /// The place in words, for messages.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Header(name) => format!("the `{name}` header"),
            Self::Query(name) => format!("the query parameter `{name}`"),
            Self::Body(path) => format!("the field `{path}` of the body"),
            Self::Form(name) => format!("the form field `{name}`"),
            Self::SortedForm => "the fields of a URL-encoded form".to_owned(),
            Self::DecodedUrl(characters) => format!("the URL with `{characters}` decoded"),
            other => format!("the {other}"),
        }
    }
}

/// What is wrong with a text that doesn't begin with the kind of a place.
fn without_kind(text: &str) -> String {
    if text.is_empty() || nearest::nearest(text, WORDS).is_some() {
        return nearest::unknown("place", text, WORDS);
    }
    let kinds = ["header", "query", "body", "form"].map(|kind| format!("`{kind}:{text}`"));
    let [others @ .., last] = &kinds;
    format!("unknown place `{text}`; did you mean {} or {last}?", others.join(", "))
}

/// The place as a manifest writes it.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header(name) => write!(f, "header:{name}"),
            Self::Query(name) => write!(f, "query:{name}"),
            Self::Body(path) => write!(f, "body:{path}"),
            Self::Form(name) => write!(f, "form:{name}"),
            Self::Url => f.write_str("url"),
            Self::DecodedUrl(characters) => write!(f, "decoded-url:{characters}"),
            Self::Method => f.write_str("method"),
            Self::Path => f.write_str("path"),
            Self::QueryString => f.write_str("query"),
            Self::SortedForm => f.write_str("form:sorted"),
            Self::RawBody => f.write_str("body"),
            Self::Hash(Hash::Sha1, inner) => write!(f, "sha1:{inner}"),
            Self::Hash(Hash::Sha256, inner) => write!(f, "sha256:{inner}"),
            Self::Hash(Hash::Sha512, inner) => write!(f, "sha512:{inner}"),
            Self::Hash(Hash::Sha256Base64, inner) => write!(f, "sha256-base64:{inner}"),
            Self::Hash(Hash::Sha256Base64Url, inner) => write!(f, "sha256-base64url:{inner}"),
            Self::Mac(MacEncoding::Hex, inner) => write!(f, "hmac-sha256:{inner}"),
            Self::Mac(MacEncoding::Base64, inner) => write!(f, "hmac-sha256-base64:{inner}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::{edit::URLENCODED, *};
    use crate::webhook::{
        payload::Payload,
        request::{self, Headers, Method, Request},
    };

    fn request(target: &str, headers: &[(&'static str, &str)], body: &'static str) -> Request {
        let headers: Headers =
            headers.iter().map(|(name, text)| (HeaderName::from_static(name), request::value(text).unwrap())).collect();
        Request { method: Method::POST, target: target.into(), headers, body: body.into() }
    }

    fn look(request: &Request, place: &str) -> Option<String> {
        let payload = Payload::parse(request, &request.body);
        let place = Place::parse(place).unwrap();
        Lookup::of(request, &payload).text(&place).map(Cow::into_owned)
    }

    #[test]
    fn every_place_has_its_value() {
        let json = request("/a/b?x=1%202&y", &[("host", "h:8"), ("x-id", "7")], r#"{"a":{"n":1.50},"t":"\u00e9"}"#);
        for (place, expected) in [
            ("header:X-Id", "7"),
            ("query:x", "1 2"),
            ("query:y", ""),
            ("body:a.n", "1.50"),
            ("body:t", "é"),
            ("url", "http://h:8/a/b?x=1%202&y"),
            ("method", "POST"),
            ("path", "/a/b"),
            ("query", "x=1%202&y"),
            // sha256sum and openssl of the body.
            ("sha256:header:x-id", "7902699be42c8a8e46fbbb4501726517e86b22c56a189f7625a6da49081b2451"),
            ("sha1:header:x-id", "902ba3cda1883801594b6e1b452790cc53948fda"),
            ("sha256-base64:header:x-id", "eQJpm+Qsio5G+7tFAXJlF+hrIsVqGJ92JabaSQgbJFE="),
            ("sha256-base64url:header:x-id", "eQJpm-Qsio5G-7tFAXJlF-hrIsVqGJ92JabaSQgbJFE"),
        ] {
            assert_eq!(look(&json, place).as_deref(), Some(expected), "{place}");
        }
        for missing in ["header:other", "query:z", "body:a", "body:b", "form:a", "form:sorted", "sha256:form:sorted"] {
            assert_eq!(look(&json, missing), None, "{missing}");
        }
    }

    #[test]
    fn a_decoded_url_decodes_only_its_characters_and_each_once() {
        let encoded = request("/%2Fa%3a%20%253A%3?b=%C3%BC%&c=é%", &[("host", "h")], "");
        assert_eq!(look(&encoded, "decoded-url::/").as_deref(), Some("http://h//a:%20%253A%3?b=%C3%BC%&c=é%"));
        assert_eq!(look(&encoded, "decoded-url:%").as_deref(), Some("http://h/%2Fa%3a%20%3A%3?b=%C3%BC%&c=é%"));
        let message = "`decoded-url:abc` may only list ASCII punctuation, such as `:/?@`";
        assert_eq!(Place::parse("decoded-url:abc"), Err(message.into()));
    }

    #[test]
    fn a_form_is_sorted_by_name_and_joined_by_nothing() {
        let form = request("/", &[("content-type", URLENCODED)], "b=2&a=1+x&c=3&b=1&b=2");
        assert_eq!(look(&form, "form:sorted").as_deref(), Some("a1 xb1b2c3"));
        assert_eq!(look(&form, "form:a").as_deref(), Some("1 x"));
    }

    #[test]
    fn a_body_that_is_no_form_has_no_sorted_form() {
        let place = Place::parse("form:sorted").unwrap();
        let sorted = |body: &'static str, decoded: &[u8]| {
            let request = request("/", &[("content-type", URLENCODED)], body);
            Lookup::of(&request, &Payload::parse(&request, decoded)).text(&place).map(Cow::into_owned)
        };
        assert_eq!(sorted("", b"").as_deref(), Some(""));
        // It can't be decoded.
        assert_eq!(sorted("a=1", b""), None);
        assert_eq!(sorted("{}", b"{}"), None);
    }

    #[test]
    fn a_misspelt_place_gets_a_suggestion() {
        for (wrong, right) in [("heder:x", "header"), ("methd", "method"), ("sha265:body", "sha256")] {
            let message = Place::parse(wrong).unwrap_err();
            assert!(message.contains(&format!("did you mean `{right}`?")), "{message}");
        }
        assert_eq!(Place::parse("header:"), Err("`header:` has nothing after the colon".into()));
        assert_eq!(Place::parse_or_path("heder:x"), Place::parse("heder:x"));
        assert_eq!(Place::parse_or_path("data.id"), Ok(Place::Body("data.id".parse().unwrap())));
        assert_eq!(Place::parse_or_path("dc:title"), Ok(Place::Body("dc:title".parse().unwrap())));
    }

    #[test]
    fn a_place_is_written_as_it_is_read() {
        for text in [
            "header:x-a",
            "query:q",
            "body:a.0",
            "form:f",
            "url",
            "form:sorted",
            "sha256:body",
            "query",
            "decoded-url::/",
        ] {
            assert_eq!(Place::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn a_value_is_written_where_it_is_read() {
        let mut json = request("/a?x=1", &[], r#"{"s":{"v":"old"}}"#);
        for place in ["header:x-new", "query:x", "query:token", "body:s.v", "body:s.new"] {
            let place = Place::parse(place).unwrap();
            write(&mut json, &place, "a b");
            let payload = Payload::parse(&json, &json.body);
            assert_eq!(Lookup::of(&json, &payload).text(&place).as_deref(), Some("a b"));
        }
        assert_eq!(json.target, "/a?x=a+b&token=a+b");
        assert_eq!(json.body, r#"{"s":{"v":"a b","new":"a b"}}"#);
        remove(&mut json, &Place::parse("query:x").unwrap());
        remove(&mut json, &Place::parse("body:s.v").unwrap());
        assert_eq!((json.target.as_str(), &*json.body), ("/a?token=a+b", &br#"{"s":{"new":"a b"}}"#[..]));
        let mut form = request("/", &[("content-type", URLENCODED)], "b=2");
        write(&mut form, &Place::parse("form:signature").unwrap(), "x");
        assert_eq!(form.body, "b=2&signature=x");
    }
}
