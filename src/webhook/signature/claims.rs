//! What signed values outside the body claim about the request: a signature that covers only the URL also covers the
//! body if a query parameter is the body's hash.

use std::borrow::Cow;

use super::{
    algorithm::Algorithm,
    content::{ContentValues, SecretParts, SignedContent},
    scheme::{Scheme, decoded},
    sole::once,
    verdict::{Claim, Reason},
};
use crate::webhook::{
    place::{self, Lookup, Place},
    request::{self, Request},
};

impl Scheme {
    /// The template of the signed content, with what its values claim.
    #[must_use]
    pub fn signed_in_words(&self) -> String {
        let claims: Vec<String> =
            self.place_claims.iter().map(|(place, content)| format!("{place} is {}", content.as_str())).collect();
        let content = self.content.as_str();
        if claims.is_empty() { content.to_owned() } else { format!("{content}, whose {}", claims.join(" and ")) }
    }

    /// Writes the claimed values into a request, before it is signed.
    pub(in crate::webhook) fn write_claims(&self, request: &mut Request) {
        for (place, content) in &self.place_claims {
            let body = content.needs_payload().then(|| decoded(request));
            let payload = body.as_ref().map(|body| body.payload(request));
            let lookup = Lookup { payload: payload.as_ref(), ..Lookup::new(request) };
            let value = claimed(content, lookup);
            place::write(request, place, &value);
        }
    }

    /// The URL to sign, with the claimed values in its query.
    #[must_use]
    pub fn url_with_claims<'a>(&self, url: &'a str, request: &Request) -> Cow<'a, str> {
        if self.place_claims.is_empty() {
            return Cow::Borrowed(url);
        }
        let (Some((scheme, rest)), Some(mut called)) = (url.split_once("://"), at(url, request)) else {
            return Cow::Borrowed(url);
        };
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
        self.write_claims(&mut called);
        Cow::Owned(format!("{scheme}://{host}{}", called.target))
    }

    /// Checks what the signed values of a request claim, once their signature matches.
    pub(super) fn check_place_claims(&self, lookup: &Lookup<'_>) -> Result<(), Reason> {
        // A signed URL is the one that the provider called, which may differ from that of the request.
        let url = lookup.url.filter(|_| self.content.signs_url());
        let called = url.map(|url| at(url, lookup.request));
        for (place, content) in &self.place_claims {
            let mismatch = || Reason::ClaimMismatch { claim: Claim::Place(place.words()) };
            let signed = match &called {
                Some(called) => Lookup { request: called.as_ref().ok_or_else(mismatch)?, ..*lookup },
                None => *lookup,
            };
            once(place, &signed)?;
            let value = signed.text(place).ok_or_else(|| Reason::MissingValue { place: place.words() })?;
            if value != claimed(content, *lookup) {
                return Err(mismatch());
            }
        }
        Ok(())
    }

    /// Whether a rejection by this scheme is final, even if another scheme accepts the request, because the provider
    /// signed a value that contradicts the request.
    pub(in crate::webhook) fn refutes(&self, reason: &Reason) -> bool {
        match reason {
            Reason::ClaimMismatch { claim: Claim::Place(_) } => true,
            Reason::AmbiguousHeader { header, .. } => {
                self.place_claims.iter().any(|(place, _)| place.label() == *header)
            }
            _ => false,
        }
    }
}

fn claimed(content: &SignedContent, lookup: Lookup<'_>) -> String {
    content.resolve(ContentValues { id: b"", timestamp: b"", lookup }).text(SecretParts::default())
}

/// The request at the URL that the provider called.
fn at(url: &str, request: &Request) -> Option<Request> {
    Some(Request { target: request::target(url)?, ..request.clone() })
}

/// Why a scheme can't have one of its claims about places; `None` if it can.
pub(in crate::webhook) fn unclaimable(scheme: &Scheme, place: &Place, content: &SignedContent) -> Option<String> {
    let is_signed = scheme.content.places().any(|other| match other {
        other if other.covers_query() => matches!(place, Place::Query(_)),
        other => other == place,
    });
    let time = scheme.timestamp.as_ref().and_then(|rule| rule.source.as_ref());
    let made = [Some(&scheme.signature), scheme.id.as_ref(), time].into_iter().flatten();
    let is_made = |place: &Place| made.clone().any(|source| source.places().contains(place));
    // Its value would depend on the order in which they are written, or on itself.
    let is_changed = |place: &Place| match place.innermost() {
        source if source.covers_query() => true,
        source => is_made(source) || scheme.place_claims.iter().any(|(claimed, _)| claimed == source),
    };
    if scheme.algorithm == Algorithm::Token {
        Some("a token signs nothing, so no value of the request can be relied on".to_owned())
    } else if !matches!(place, Place::Query(_) | Place::Header(_)) {
        Some(format!("`{place}` is neither a header nor a query parameter"))
    } else if is_made(place) {
        Some(format!("`{place}` is where the signature, the id or the timestamp is sent"))
    } else if !is_signed {
        Some(format!("`{place}` isn't signed, so anyone can write it: add `{{url}}` or `{{{place}}}` to `content`"))
    } else if content.places().any(is_changed) {
        Some(format!("`{}` contains a value that is written when the request is signed", content.as_str()))
    } else if content.signs_id() || content.signs_timestamp() || content.has_secret() || content.has_key() {
        Some(format!("`{}` may contain only places, such as {{sha256:body}}", content.as_str()))
    } else {
        None
    }
}
