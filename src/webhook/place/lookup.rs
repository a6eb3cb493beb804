//! Looks up the values at places in a request.

use std::borrow::Cow;

use sha1::{Digest, Sha1};
use sha2::{Sha256, Sha512};

use super::{Hash, Place};
use crate::webhook::{
    called_url, encoding,
    json::Kind,
    payload::Payload,
    request::{self, Request},
};

/// Everything that places are looked up in.
#[derive(Clone, Copy, Debug)]
pub struct Lookup<'a> {
    pub request: &'a Request,
    /// The exact bytes of the body: the request's own, or those before compression.
    pub body: &'a [u8],
    /// The URL that the provider called, if it is known; otherwise it is the one that the request names.
    pub url: Option<&'a str>,
    /// The payload; without one, `body:` and `form:` are missing.
    pub payload: Option<&'a Payload<'a>>,
}

impl<'a> Lookup<'a> {
    /// A lookup in a request whose payload is not parsed, and where no URL but the request's own is known.
    #[must_use]
    pub fn new(request: &'a Request) -> Self {
        Self { request, body: &request.body, url: None, payload: None }
    }

    /// A lookup in a request and its payload.
    #[must_use]
    pub fn of(request: &'a Request, payload: &'a Payload<'a>) -> Self {
        Self { payload: Some(payload), ..Self::new(request) }
    }

    /// The value at a place, as bytes; `None` if it is missing.
    #[must_use]
    pub fn bytes(&self, place: &Place) -> Option<Cow<'a, [u8]>> {
        Some(match place {
            Place::Header(name) => Cow::Borrowed(self.request.headers.get(name.as_str())?.as_bytes()),
            Place::RawBody => Cow::Borrowed(self.body),
            Place::Hash(hash, inner) => Cow::Owned(hash.of(&self.bytes(inner)?).into_bytes()),
            Place::Mac(..) => return None,
            _ => match self.text(place)? {
                Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
                Cow::Owned(text) => Cow::Owned(text.into_bytes()),
            },
        })
    }

    /// The value at a place, as text; `None` if it is missing.
    #[must_use]
    pub fn text(&self, place: &Place) -> Option<Cow<'a, str>> {
        let request = self.request;
        Some(match place {
            Place::Header(name) => request::text(request.headers.get(name.as_str())?),
            Place::Query(name) => query(request).find(|(key, _)| key == name)?.1,
            Place::Body(path) => self.payload?.text(path)?,
            Place::Form(name) => Cow::Borrowed(self.payload?.form().find(|(key, _)| key == name)?.1),
            Place::Url => self.url(),
            Place::DecodedUrl(characters) => Cow::Owned(decoded(&self.url(), characters)),
            Place::Method => Cow::Borrowed(request.method.as_str()),
            Place::Path => Cow::Borrowed(request.path()),
            Place::QueryString => Cow::Borrowed(request.query()),
            Place::SortedForm => Cow::Owned(self.sorted_form()?),
            Place::RawBody | Place::Hash(..) => Cow::Owned(String::from_utf8_lossy(&self.bytes(place)?).into_owned()),
            Place::Mac(..) => return None,
        })
    }

    /// Whether there is a value other than null at a place; an object or an array counts.
    #[must_use]
    pub fn has(&self, place: &Place) -> bool {
        let node = match place {
            Place::Body(path) => self.payload.and_then(|payload| payload.root()?.get(path)),
            _ => None,
        };
        node.map_or_else(|| self.text(place).is_some(), |node| !matches!(node.kind, Kind::Null))
    }

    /// How often a value is sent under this name; a handler might not read the first one.
    #[must_use]
    pub fn count(&self, place: &Place) -> usize {
        match place {
            Place::Header(name) => self.request.headers.all(name.as_str()).count(),
            Place::Query(name) => query(self.request).filter(|(key, _)| key == name).count(),
            Place::Form(name) => {
                self.payload.map_or(0, |payload| payload.form().filter(|(key, _)| key == name).count())
            }
            _ => usize::from(self.text(place).is_some()),
        }
    }

    /// The URL that was called.
    fn url(&self) -> Cow<'a, str> {
        if let Some(url) = self.url {
            return Cow::Borrowed(url);
        }
        Cow::Owned(called_url::of(self.request))
    }

    /// Names and values of a form, sorted by name and then by value; a repeated pair counts once, as in Twilio's
    /// libraries. Without a body, there are none. `None` if the body isn't a URL-encoded form, because its fields are
    /// then not all that it contains.
    fn sorted_form(&self) -> Option<String> {
        // A multipart form also has files, and headers for each part.
        let is_multipart = self.request.media_type().is_some_and(|media| media == "multipart/form-data");
        let payload = self.payload.filter(|payload| payload.is_form() && !is_multipart);
        let mut pairs: Vec<(&str, &str)> = payload.map(|payload| payload.form().collect()).unwrap_or_default();
        // A body such as `=` has only empty fields, so there is nothing in it to sign.
        let is_empty = pairs.iter().all(|(name, value)| name.is_empty() && value.is_empty());
        if is_empty && !self.request.body.is_empty() {
            return None;
        }
        pairs.sort_unstable();
        pairs.dedup();
        Some(pairs.into_iter().flat_map(|(name, value)| [name, value]).collect())
    }
}

/// A URL in which these characters are percent-decoded.
fn decoded(url: &str, characters: &str) -> String {
    let mut pieces = url.split('%');
    let mut decoded = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let code = piece.get(..2).filter(|code| code.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let character = code.and_then(|code| u8::from_str_radix(code, 16).ok()).map(char::from);
        if let Some(character) = character.filter(|character| characters.contains(*character)) {
            decoded.push(character);
            decoded.push_str(&piece[2..]);
        } else {
            decoded.push('%');
            decoded.push_str(piece);
        }
    }
    decoded
}

/// The parameters of a request's query, decoded.
pub(super) fn query(request: &Request) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
    form_urlencoded::parse(request.query().as_bytes())
}

impl Hash {
    fn of(self, bytes: &[u8]) -> String {
        match self {
            Self::Sha1 => encoding::hex(&Sha1::digest(bytes)),
            Self::Sha256 => encoding::hex(&Sha256::digest(bytes)),
            Self::Sha512 => encoding::hex(&Sha512::digest(bytes)),
            Self::Sha256Base64 => encoding::base64(&Sha256::digest(bytes)),
            Self::Sha256Base64Url => encoding::base64url(&Sha256::digest(bytes)),
        }
    }
}
