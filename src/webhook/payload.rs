//! The meaning of a body: JSON, or the fields of a form. It is parsed to name the event, check the schema
//! and display it. The body's bytes are never changed.

use std::{
    borrow::Cow,
    io::{self, Read},
};

use bytes::Bytes;
use flate2::read::{MultiGzDecoder, ZlibDecoder};
use futures_util::{FutureExt, stream};

use crate::webhook::{
    json::{self, Kind, Member, Node, Path},
    request::{Headers, Request},
    words,
};

/// How a payload was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PayloadKind {
    /// JSON text.
    Json,
    /// `application/x-www-form-urlencoded`.
    Urlencoded,
    /// `multipart/form-data`.
    Multipart,
    /// Anything else, or a body that can't be parsed.
    Opaque,
}

/// The media type of a URL-encoded form.
const URLENCODED: &str = "application/x-www-form-urlencoded";

/// A parsed payload.
#[derive(Debug)]
pub struct Payload<'a> {
    /// How it was sent.
    pub kind: PayloadKind,
    /// How the body differs from its content type, if it does: a form labelled as JSON, or the reverse.
    pub mislabelled: Option<String>,
    root: Option<Node<'a>>,
    /// The fields of the form around it, if it is the JSON in one of them.
    form: Vec<(String, String)>,
}

/// The maximum size of a decoded body, in bytes. A body that decompresses to more is not parsed.
pub const MAX_DECODED_BYTES: usize = 64 << 20;

/// The maximum number of a form's fields. A form with more is not parsed: each of its fields costs many times what a
/// JSON value does, because every provider's own fields are looked for among them.
pub const MAX_FORM_FIELDS: usize = 16 << 10;

/// A body without its `content-encoding`, from which the payload is parsed.
#[derive(Debug)]
pub struct DecodedBody<'a> {
    bytes: Cow<'a, [u8]>,
    /// The form field that holds the payload, if one does.
    field: Option<JsonField>,
}

/// A form field that holds JSON, with all fields of its form.
#[derive(Debug)]
struct JsonField {
    json: String,
    form: Vec<(String, String)>,
}

/// The form field in which several providers send their JSON.
const USUAL_FIELD: &str = "payload";

impl<'a> DecodedBody<'a> {
    /// Decodes a body of at most `limit` bytes. JSON in a form field named `payload` is found, too.
    ///
    /// # Errors
    ///
    /// A message if the encoding is unknown, the data is invalid or longer than `limit` bytes.
    pub fn of(request: &'a Request, limit: usize) -> Result<Self, String> {
        Ok(Self { bytes: decoded(request, limit)?, field: None }.with_field(request, USUAL_FIELD))
    }

    /// A body without a payload.
    #[must_use]
    pub const fn empty() -> Self {
        Self { bytes: Cow::Borrowed(&[]), field: None }
    }

    /// The same body, with the payload in this field if it is a form that has the field, and the field holds JSON.
    #[must_use]
    pub fn with_field(mut self, request: &Request, name: &str) -> Self {
        let is_form = matches!(
            request.media_type().as_deref(),
            Some("application/x-www-form-urlencoded" | "multipart/form-data")
        );
        if !is_form {
            return self;
        }
        let form = Payload::parse(request, &self.bytes);
        let fields = || form.fields().map(|(name, value)| (name.to_owned(), value.to_owned()));
        let held = fields().find(|(field, value)| field == name && begins_like_json(value.as_bytes()));
        if let Some((_, json)) = held.filter(|(_, json)| json::parse(json).is_ok()) {
            let form = fields().collect();
            self.field = Some(JsonField { json, form });
        }
        self
    }

    /// The bytes of the whole body.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The JSON text in a form field, if that is how the payload is sent.
    #[must_use]
    pub fn json_in_form(&self) -> Option<&str> {
        self.field.as_ref().map(|field| field.json.as_str())
    }

    /// Parses the payload.
    #[must_use]
    pub fn payload(&self, request: &Request) -> Payload<'_> {
        match &self.field {
            Some(field) => Payload {
                kind: PayloadKind::Json,
                mislabelled: None,
                root: json(field.json.as_bytes()),
                form: field.form.clone(),
            },
            None => Payload::parse(request, &self.bytes),
        }
    }
}

/// Decodes the body of a request, as [`decoded_body`] does.
///
/// # Errors
///
/// Those of [`decoded_body`].
pub fn decoded(request: &Request, limit: usize) -> Result<Cow<'_, [u8]>, String> {
    decoded_body(&request.headers, &request.body, limit)
}

/// Decodes the `content-encoding` of a body; without one, returns the bytes as they are.
///
/// # Errors
///
/// A message if the encoding is unknown, the data is invalid or longer than `limit` bytes.
pub fn decoded_body<'a>(headers: &Headers, body: &'a [u8], limit: usize) -> Result<Cow<'a, [u8]>, String> {
    let encoding = headers.text("content-encoding").unwrap_or_default().trim().to_ascii_lowercase();
    match encoding.as_str() {
        "" | "identity" => Ok(Cow::Borrowed(body)),
        "gzip" | "x-gzip" => inflate(MultiGzDecoder::new(body), limit),
        "deflate" => inflate(ZlibDecoder::new(body), limit),
        other => Err(format!("unsupported content-encoding `{other}`")),
    }
}

fn inflate(decoder: impl Read, limit: usize) -> Result<Cow<'static, [u8]>, String> {
    let mut out = Vec::new();
    let read = decoder.take(limit as u64 + 1).read_to_end(&mut out);
    match read {
        Ok(_) if out.len() > limit => Err(format!("the decoded body is larger than {limit} bytes")),
        Ok(_) => Ok(Cow::Owned(out)),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            Err("the compressed body is truncated".to_owned())
        }
        Err(error) => Err(format!("can't decompress the body: {error}")),
    }
}

impl<'a> Payload<'a> {
    /// Parses a decoded body by the request's content type. Other bodies that start like JSON are parsed as
    /// JSON, even if they are labelled as a form; a form that is labelled as JSON is parsed as a form.
    #[must_use]
    pub fn parse(request: &Request, body: &'a [u8]) -> Self {
        let media = request.media_type().unwrap_or_default();
        let mislabelled = |what| Some(format!("the body is {what}, but its content-type is {media}"));
        let (kind, root, mislabelled) = match &*media {
            URLENCODED => match json(body) {
                Some(root) => (PayloadKind::Json, Some(root), mislabelled("JSON")),
                None => (PayloadKind::Urlencoded, urlencoded(body), None),
            },
            "multipart/form-data" => (PayloadKind::Multipart, multipart(request, body), None),
            _ if begins_like_json(body) => (PayloadKind::Json, json(body), None),
            _ if is_json(&media) && looks_urlencoded(body) => {
                (PayloadKind::Urlencoded, urlencoded(body), mislabelled("a URL-encoded form"))
            }
            _ => (PayloadKind::Opaque, None, None),
        };
        Self { kind: if root.is_some() { kind } else { PayloadKind::Opaque }, mislabelled, root, form: Vec::new() }
    }

    /// A payload from parsed JSON.
    #[must_use]
    pub fn of(root: Node<'a>) -> Self {
        Self { kind: PayloadKind::Json, mislabelled: None, root: Some(root), form: Vec::new() }
    }

    /// The scalar at a path, as text.
    #[must_use]
    pub fn text(&self, path: &Path) -> Option<Cow<'_, str>> {
        self.root.as_ref()?.get(path)?.text()
    }

    /// The root of the payload; a form is an object of strings.
    #[must_use]
    pub fn root(&self) -> Option<&Node<'a>> {
        self.root.as_ref()
    }

    /// Whether the body is a form, perhaps with the payload in one of its fields.
    #[must_use]
    pub fn is_form(&self) -> bool {
        matches!(self.kind, PayloadKind::Urlencoded | PayloadKind::Multipart) || !self.form.is_empty()
    }

    /// The fields of a form, in order, even if one of them holds the payload; empty for JSON alone.
    pub fn form(&self) -> impl Iterator<Item = (&str, &str)> {
        let around = self.form.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        around.chain(self.fields())
    }

    /// The fields of a form that is itself the payload, in order; empty for JSON.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        let members = match (&self.kind, &self.root) {
            (PayloadKind::Urlencoded | PayloadKind::Multipart, Some(Node { kind: Kind::Object(members), .. })) => {
                members.as_slice()
            }
            _ => &[],
        };
        members.iter().filter_map(|member| match &member.value.kind {
            Kind::String(text) => Some((member.key.as_ref(), text.as_ref())),
            _ => None,
        })
    }
}

fn begins_like_json(body: &[u8]) -> bool {
    matches!(body.trim_ascii_start().first(), Some(b'{' | b'['))
}

/// Whether a media type in lower case is that of JSON.
fn is_json(media: &str) -> bool {
    media == "application/json" || media == "text/json" || media.ends_with("+json")
}

/// Whether a body has fields, and only characters that a URL-encoded form may have: RFC 3986's, without brackets, which
/// other formats use.
fn looks_urlencoded(body: &[u8]) -> bool {
    let is_of_a_form = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+,;=:@/?".contains(byte);
    let ends_name = body.iter().position(|&byte| byte == b'=');
    ends_name.is_some_and(|end| end > 0) && body.trim_ascii().iter().all(is_of_a_form)
}

/// The parsed document of an object or array.
fn json(body: &[u8]) -> Option<Node<'_>> {
    if !begins_like_json(body) {
        return None;
    }
    json::parse(std::str::from_utf8(body).ok()?).ok()
}

/// The fields of a URL-encoded form, unless there are too many.
fn urlencoded(body: &[u8]) -> Option<Node<'_>> {
    let fits = form_urlencoded::parse(body).nth(MAX_FORM_FIELDS).is_none();
    fits.then(|| object(form_urlencoded::parse(body)))
}

/// The fields of a multipart body, unless there are too many; a file is represented by its name and size.
fn multipart<'a>(request: &Request, body: &[u8]) -> Option<Node<'a>> {
    let content_type = request.headers.text("content-type")?;
    let boundary = multer::parse_boundary(&content_type).ok()?;
    let whole = stream::iter([Ok::<_, io::Error>(Bytes::copy_from_slice(body))]);
    let mut parts = multer::Multipart::new(whole, boundary);
    let mut fields = Vec::new();
    // The whole body is available, so the parser never waits.
    while let Some(part) = parts.next_field().now_or_never()?.ok()? {
        if fields.len() == MAX_FORM_FIELDS {
            return None;
        }
        let name = part.name().unwrap_or_default().to_owned();
        let file = part.file_name().map(str::to_owned);
        let bytes = part.bytes().now_or_never()?.ok()?;
        let value = match file {
            Some(file) => format!("(file {file}, {})", words::bytes(bytes.len())),
            None => String::from_utf8_lossy(&bytes).into_owned(),
        };
        fields.push((Cow::Owned(name), Cow::Owned(value)));
    }
    Some(object(fields))
}

fn object<'a>(fields: impl IntoIterator<Item = (Cow<'a, str>, Cow<'a, str>)>) -> Node<'a> {
    let member = |(key, value)| Member { key, key_span: 0..0, value: Node { span: 0..0, kind: Kind::String(value) } };
    Node { span: 0..0, kind: Kind::Object(fields.into_iter().map(member).collect()) }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::webhook::request::{self, HeaderName, Headers, Method};

    fn request(headers: &[(&'static str, &str)], body: impl Into<Bytes>) -> Request {
        let headers: Headers =
            headers.iter().map(|(name, text)| (HeaderName::from_static(name), request::value(text).unwrap())).collect();
        Request { method: Method::POST, target: "/".into(), headers, body: body.into() }
    }

    #[test]
    fn both_kinds_of_forms_have_the_same_fields() {
        let urlencoded = request(
            &[("content-type", "application/x-www-form-urlencoded; charset=utf-8")],
            "status=3&status_string=Done+%C3%BC",
        );
        let multipart = request(
            &[("content-type", "multipart/form-data; boundary=x")],
            "--x\r\ncontent-disposition: form-data; name=\"status\"\r\n\r\n3\r\n--x\r\ncontent-disposition: form-data; name=\"status_string\"\r\n\r\nDone ü\r\n--x--\r\n",
        );
        for (request, kind) in [(urlencoded, PayloadKind::Urlencoded), (multipart, PayloadKind::Multipart)] {
            let payload = Payload::parse(&request, &request.body);
            assert_eq!(payload.kind, kind);
            assert_eq!(payload.fields().collect::<Vec<_>>(), [("status", "3"), ("status_string", "Done ü")]);
        }
    }

    #[test]
    fn a_mislabelled_body_is_read_for_what_it_is() {
        let form = "application/x-www-form-urlencoded";
        for (media, body, kind, mislabelled) in [
            ("application/json", "a=1&b[]=2", PayloadKind::Opaque, None),
            ("application/json", "a=1&b%5B%5D=2\n", PayloadKind::Urlencoded, Some("a URL-encoded form")),
            ("application/problem+json; charset=utf-8", "a=1", PayloadKind::Urlencoded, Some("a URL-encoded form")),
            ("application/json", "true", PayloadKind::Opaque, None),
            ("application/json", "=", PayloadKind::Opaque, None),
            ("text/plain", "a=1", PayloadKind::Opaque, None),
            (form, " {\"a\":1}", PayloadKind::Json, Some("JSON")),
            (form, "[]", PayloadKind::Json, Some("JSON")),
            (form, "{a=1", PayloadKind::Urlencoded, None),
            (form, "a={}", PayloadKind::Urlencoded, None),
        ] {
            let request = request(&[("content-type", media)], body);
            let payload = Payload::parse(&request, &request.body);
            let media = media.split(';').next().unwrap();
            let expected = mislabelled.map(|what| format!("the body is {what}, but its content-type is {media}"));
            assert_eq!((payload.kind, payload.mislabelled), (kind, expected), "{media}: {body}");
        }
    }

    #[test]
    fn a_broken_multipart_body_is_opaque() {
        let broken = request(&[("content-type", "multipart/form-data; boundary=x")], "--x\r\nno end");
        assert_eq!(Payload::parse(&broken, &broken.body).kind, PayloadKind::Opaque);
    }

    #[test]
    fn a_form_with_too_many_fields_is_opaque() {
        let part = "--x\r\ncontent-disposition: form-data; name=a\r\n\r\nb\r\n";
        for (media, field, end, kind) in [
            (URLENCODED, "&a", "", PayloadKind::Urlencoded),
            ("multipart/form-data; boundary=x", part, "--x--\r\n", PayloadKind::Multipart),
        ] {
            for (fields, expected) in [(MAX_FORM_FIELDS, kind), (MAX_FORM_FIELDS + 1, PayloadKind::Opaque)] {
                let form = request(&[("content-type", media)], field.repeat(fields) + end);
                assert_eq!(Payload::parse(&form, &form.body).kind, expected, "{media} {fields}");
            }
        }
    }

    #[test]
    fn a_compressed_body_is_decoded_up_to_the_limit() {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(&[b'a'; 1000]).unwrap();
        let zipped = request(&[("content-encoding", "gzip")], encoder.finish().unwrap());
        assert_eq!(decoded(&zipped, 1000).as_deref(), Ok(&[b'a'; 1000][..]));
        assert_eq!(decoded(&zipped, 999), Err("the decoded body is larger than 999 bytes".into()));
        let cut = request(&[("content-encoding", "gzip")], zipped.body.slice(..20));
        assert_eq!(decoded(&cut, 1000), Err("the compressed body is truncated".into()));
        let brotli = request(&[("content-encoding", "br")], "x");
        assert_eq!(decoded(&brotli, 9), Err("unsupported content-encoding `br`".into()));
    }
}
