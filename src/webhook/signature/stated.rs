//! What signed values outside the body say of the request: a signature that covers only the URL covers the body too if
//! a parameter of the query is the body's hash.

use std::borrow::Cow;

use super::{
    content::{ContentValues, SecretParts, SignedContent},
    scheme::{Scheme, decoded},
    sole::once,
    verdict::Reason,
};
use crate::webhook::{
    place::{self, Lookup, Place},
    request::{self, Request},
};

impl Scheme {
    /// The template of the signed content, with what signed values state.
    #[must_use]
    pub fn signed_in_words(&self) -> String {
        let stated = self.stated.iter().map(|(place, content)| format!(" with {place} = {}", content.as_str()));
        std::iter::once(self.content.as_str().to_owned()).chain(stated).collect()
    }

    /// Writes what the scheme states into a request, before it is signed.
    pub(in crate::webhook) fn state(&self, request: &mut Request) {
        for (place, content) in &self.stated {
            let body = content.needs_payload().then(|| decoded(request));
            let payload = body.as_ref().map(|body| body.payload(request));
            let lookup = Lookup { payload: payload.as_ref(), ..Lookup::new(request) };
            let value = stated(content, lookup);
            place::write(request, place, &value);
        }
    }

    /// The URL to sign, with what the scheme states in its query.
    #[must_use]
    pub fn stated_url<'a>(&self, url: &'a str, request: &Request) -> Cow<'a, str> {
        if self.stated.is_empty() {
            return Cow::Borrowed(url);
        }
        let (Some((scheme, rest)), Some(mut called)) = (url.split_once("://"), at(url, request)) else {
            return Cow::Borrowed(url);
        };
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
        self.state(&mut called);
        Cow::Owned(format!("{scheme}://{host}{}", called.target))
    }

    /// Checks what the signed values of a request state.
    pub(super) fn check_stated(&self, lookup: &Lookup<'_>) -> Result<(), Reason> {
        // The signature covers the URL that the provider called, which may differ from that of the request.
        let called = lookup.url.and_then(|url| at(url, lookup.request));
        let signed = Lookup { request: called.as_ref().unwrap_or(lookup.request), ..*lookup };
        for (place, content) in &self.stated {
            once(place, &signed)?;
            if signed.text(place).as_deref() != Some(&stated(content, *lookup)) {
                return Err(Reason::StatedMismatch { place: place.words() });
            }
        }
        Ok(())
    }
}

fn stated(content: &SignedContent, lookup: Lookup<'_>) -> String {
    content.resolve(ContentValues { id: b"", timestamp: b"", lookup }).text(SecretParts::default())
}

/// The request at the URL that the provider called.
fn at(url: &str, request: &Request) -> Option<Request> {
    Some(Request { target: request::target(url)?, ..request.clone() })
}

/// Why a place can't state anything; `None` if it can.
pub(in crate::webhook) fn unstatable(place: &Place, content: &SignedContent, signed: &SignedContent) -> Option<String> {
    let is_signed = signed.places().any(|other| match other {
        Place::Url | Place::QueryString => matches!(place, Place::Query(_)),
        other => other == place,
    });
    let is_of_itself = content.places().any(|other| matches!(other, Place::Url | Place::QueryString) || other == place);
    if !matches!(place, Place::Query(_) | Place::Header(_)) {
        Some(format!("`{place}` is no header and no parameter of the query"))
    } else if !is_signed {
        Some(format!("`{place}` isn't signed, so anyone can write it: add `{{url}}` or `{{{place}}}` to `content`"))
    } else if is_of_itself {
        Some(format!("`{}` contains the value that it is compared with", content.as_str()))
    } else if content.signs_id() || content.signs_timestamp() || content.has_secret() || content.has_key() {
        Some(format!("`{}` may contain only places, such as {{sha256:body}}", content.as_str()))
    } else {
        None
    }
}
