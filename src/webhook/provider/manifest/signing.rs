//! `[secret]` and `[[scheme]]`: how a provider signs.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

use super::{
    places::{PlaceKeys, RawId, RawTimestamp, timestamp_rule},
    secret::{Defaults, RawSecret},
    values::{self, Texts, Wrong},
};
use crate::webhook::{
    place::{Place, ValueSource},
    signature::{
        Algorithm, Scheme, SecretRule,
        claims::unclaimable,
        content::SignedContent,
        grammar::{Grammar, GrammarText, TextEncoding},
    },
};

/// One way in which a provider signs.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawScheme {
    /// The scheme's name within the provider.
    pub(super) name: Spanned<String>,
    /// `hmac-md5`, `hmac-sha1`, `hmac-sha256`, `hmac-sha384`, `hmac-sha512`; the plain hashes `md5`, `sha1`, `sha256`,
    /// `sha384`, `sha512`; `ed25519`, `ecdsa-p256`, `ecdsa-p256-raw`, `rsa-sha256`; `jwt-hs256`, `jwt-es256`,
    /// `jwt-rs256`; or `token`.
    pub(super) algorithm: Algorithm,
    /// The signed bytes, a template. A JWT has claims instead, and a token signs nothing.
    content: Option<Spanned<SignedContent>>,
    signature: Spanned<RawSignature>,
    id: Option<Spanned<RawId>>,
    timestamp: Option<Spanned<RawTimestamp>>,
    /// `before-compression` if the signature covers the body before its `content-encoding`.
    encoded: Option<Encoded>,
    /// The claims of a JWT that must hold, and are written when signing: templates, such as `"{sha256-base64:body}"`.
    /// In another scheme, signed places outside the body, such as `"query:bodySHA256"`.
    #[serde(default)]
    claims: BTreeMap<String, Spanned<String>>,
    /// `false` if the signature is known to cover no part of the payload, so that a changed body verifies.
    signs_body: Option<Spanned<bool>>,
    /// The form of this scheme's own secrets.
    pub(super) secret: Option<Spanned<RawSecret>>,
    /// Whether its signature is sent along with that of the first scheme.
    pub(super) sent_along: Option<Spanned<bool>>,
}

/// Which bytes of a compressed body are signed.
#[derive(Clone, Copy, Deserialize)]
pub(super) enum Encoded {
    #[serde(rename = "before-compression")]
    BeforeCompression,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawSignature {
    /// The header, or a list of names: the first is sent, the first one present is read.
    header: Option<Spanned<Texts>>,
    /// A parameter of the URL's query, instead of a header.
    query: Option<Spanned<String>>,
    /// A field of the payload by its path.
    body: Option<Spanned<String>>,
    /// A field of a form.
    form: Option<Spanned<String>>,
    /// The value's format: fixed text and one of `{hex}`, `{HEX}`, `{base64}`, `{base64url}`, `{token}`; in a list,
    /// also `{timestamp}`. Entries without tags are distinguished by their order.
    value: Spanned<String>,
    /// The text between the entries of a list.
    separator: Option<Spanned<String>>,
    /// The text between whole values, each with a signature.
    repeated: Option<Spanned<String>>,
    /// Whether the user chooses the header's name in the provider's settings, and may set it in the config.
    #[serde(default)]
    configurable_header: bool,
}

impl RawScheme {
    /// Whether a secret is KEY:SECRET.
    pub(super) fn has_two_part_secret(&self) -> bool {
        self.content.as_ref().is_some_and(|content| content.get_ref().has_key())
            || self.claims.values().any(|claim| claim.get_ref().contains("{key}"))
    }

    /// The scheme; `defaults` are those of the provider's secrets, and `payload_field` is the form field that holds the
    /// payload.
    pub(super) fn scheme(self, defaults: &Defaults, payload_field: Option<&str>) -> Result<Scheme, Wrong> {
        values::line(&self.name)?;
        let has_two_parts = self.has_two_part_secret();
        let place = self.signature.span();
        let RawSignature { header, query, body, form, value, separator, repeated, configurable_header } =
            self.signature.into_inner();
        let signature = PlaceKeys { header, query, body, form }.source()?.ok_or_else(|| {
            Wrong::new(place.clone(), "the signature has no place: add a `header`, `query`, `body` or `form`")
        })?;
        if configurable_header && signature.headers().is_empty() {
            return Err(Wrong::new(place, "`configurable_header` needs a `header`, the one that is used by default"));
        }
        let grammar = grammar(&value, separator, repeated, self.algorithm)?;
        let timestamp = self.timestamp.map(|rule| timestamp_rule(rule, &grammar)).transpose()?;
        if grammar.carries_timestamp() && timestamp.is_none() {
            let message = "the value has a {timestamp}, but the scheme has no `timestamp`";
            return Err(Wrong::new(value.span(), message));
        }
        let id = self.id.map(id_source).transpose()?;
        let name_span = self.name.span();
        let jwt = self.algorithm.jwt_name().is_some();
        let (content, span) = match self.content {
            Some(content) => (content.get_ref().clone(), content.span()),
            None if jwt || self.algorithm == Algorithm::Token => (SignedContent::body(), name_span),
            None => return Err(Wrong::new(name_span, "the scheme has no `content`: add content = \"{body}\"")),
        };
        let (claims, place_claims) =
            if jwt { (claims(self.claims)?, Vec::new()) } else { (Vec::new(), place_claims(self.claims)?) };
        let rule = |secret: Spanned<RawSecret>| {
            let span = secret.span();
            let rule = secret.into_inner().rule(defaults, self.algorithm.family(), has_two_parts, &span)?;
            Ok::<_, Wrong>(SecretRule { scheme: Some(self.name.get_ref().clone()), ..rule })
        };
        let secret = self.secret.map(rule).transpose()?;
        let payload_field = payload_field.map(|name| Place::Form(name.to_owned()));
        let signs_payload_field = content.places().any(|place| Some(place) == payload_field.as_ref());
        let scheme = Scheme {
            signs_payload_field,
            name: self.name.into_inner().into(),
            algorithm: self.algorithm,
            content,
            signature,
            grammar,
            id,
            timestamp,
            before_compression: self.encoded.is_some(),
            claims,
            position: 0,
            place_claims: place_claims.iter().map(Spanned::get_ref).cloned().collect(),
            secret: secret.map(Box::new),
            configurable_header,
            is_sent_along: self.sent_along.is_some_and(Spanned::into_inner),
            is_body_unsigned_by_design: self.signs_body.as_ref().is_some_and(|signs| !signs.get_ref()),
        };
        for claim in &place_claims {
            let (place, content) = claim.get_ref();
            if let Some(message) = unclaimable(&scheme, place, content) {
                return Err(Wrong::new(claim.span(), message));
            }
        }
        if let Some(signs) = &self.signs_body {
            check_signs_body(signs, &scheme)?;
        }
        match unsignable(&scheme).or_else(|| unreadable(&scheme, &payload_field?)) {
            Some(message) => Err(Wrong::new(span, message)),
            None => Ok(scheme),
        }
    }
}

/// How a signature is written, which must fit the algorithm.
fn grammar(
    value: &Spanned<String>,
    separator: Option<Spanned<String>>,
    repeated: Option<Spanned<String>>,
    algorithm: Algorithm,
) -> Result<Grammar, Wrong> {
    let text = GrammarText { value: value.get_ref().clone(), separator: separator.clone().map(Spanned::into_inner) };
    let mut grammar = Grammar::parse(&text).map_err(|message| Wrong::new(value.span(), message))?;
    if let Some(separator) = separator.filter(|separator| grammar.encoding().may_contain(separator.get_ref())) {
        let message = format!("`{}` may be part of a signature, so it can't separate signatures", separator.get_ref());
        return Err(Wrong::new(separator.span(), message));
    }
    if let Some(repeated) = repeated {
        let span = repeated.span();
        grammar = grammar.repeated(repeated.into_inner()).map_err(|message| Wrong::new(span, message))?;
    }
    match mismatch(algorithm, grammar.encoding()) {
        Some(message) => Err(Wrong::new(value.span(), message)),
        None => Ok(grammar),
    }
}

fn id_source(id: Spanned<RawId>) -> Result<ValueSource, Wrong> {
    let span = id.span();
    let RawId { header, query, body, form } = id.into_inner();
    let source = PlaceKeys { header, query, body, form }.source()?;
    source.ok_or_else(|| Wrong::new(span, "the id has no place: add a `header`, `query`, `body` or `form`"))
}

/// Checks `signs_body` against the signed content.
fn check_signs_body(signs: &Spanned<bool>, scheme: &Scheme) -> Result<(), Wrong> {
    match (*signs.get_ref(), scheme.signs_body()) {
        (true, false) => {
            Err(Wrong::new(signs.span(), "the signed content contains no `{body}`, so the body isn't signed"))
        }
        (false, true) => Err(Wrong::new(signs.span(), "the signed content contains the body, so it is signed")),
        _ => Ok(()),
    }
}

/// The claims of a JWT, each a template.
fn claims(table: BTreeMap<String, Spanned<String>>) -> Result<Vec<(String, SignedContent)>, Wrong> {
    let without_secret = |text: &str| match SignedContent::claim(text)? {
        claim if claim.has_secret() => {
            Err("a token's claims are sent as they are, so `{secret}` can't be in one".to_owned())
        }
        claim => Ok(claim),
    };
    let claim = |(name, text): (String, Spanned<String>)| Ok((name, values::parse(&text, without_secret)?));
    table.into_iter().map(claim).collect()
}

/// The signed places outside the body that must have these values.
fn place_claims(table: BTreeMap<String, Spanned<String>>) -> Result<Vec<Spanned<(Place, SignedContent)>>, Wrong> {
    let one = |(name, text): (String, Spanned<String>)| {
        let claim = values::parse(&text, |template| {
            let place = Place::parse(&name).map_err(|_| {
                format!(
                    "only a JWT has the claim `{name}`; in another scheme, a claim is a place, such as `query:NAME`"
                )
            })?;
            Ok::<_, String>((place, SignedContent::claim(template)?))
        })?;
        Ok(Spanned::new(text.span(), claim))
    };
    table.into_iter().map(one).collect()
}

/// Why an encoding does not fit an algorithm; `None` if it does.
fn mismatch(algorithm: Algorithm, encoding: TextEncoding) -> Option<&'static str> {
    match (algorithm, encoding) {
        (Algorithm::Token, TextEncoding::Plain) => None,
        (algorithm, encoding) if (encoding == TextEncoding::Jwt) != algorithm.jwt_name().is_some() => {
            Some("{jwt} is for the algorithms `jwt-hs256`, `jwt-es256` and `jwt-rs256`, and they need it")
        }
        (_, TextEncoding::Jwt) => None,
        (Algorithm::Token, _) => Some("a token is sent unencoded: use {token}"),
        (_, TextEncoding::Plain) => Some("{token} sends the secret itself: use {hex} or {base64} for a MAC"),
        _ => None,
    }
}

/// Why a scheme's content can't be signed; `None` if it can.
fn unsignable(scheme: &Scheme) -> Option<String> {
    let content = scheme.content.as_str();
    if scheme.algorithm.is_plain_hash() && !scheme.content.has_secret() {
        return Some(format!(
            "a plain hash proves nothing unless the secret is in it: add `{{secret}}` to `{content}`"
        ));
    }
    if scheme.content.has_secret() && !scheme.algorithm.is_plain_hash() {
        return Some(format!("`{{secret}}` is only for plain hashes, and {} has a key", scheme.algorithm));
    }
    if scheme.content.signs_id() && scheme.id.is_none() {
        return Some(format!("`{content}` signs the id, but the scheme has no `id`"));
    }
    if scheme.content.signs_timestamp() && scheme.timestamp.is_none() {
        return Some(format!("`{content}` signs the timestamp, but the scheme has no `timestamp`"));
    }
    if scheme.algorithm != Algorithm::Token && contains_signature(scheme) {
        return Some(format!("`{content}` contains {}, where the signature itself is sent", scheme.signature));
    }
    // These three values are made by signing.
    let time = scheme.timestamp.as_ref().and_then(|rule| rule.source.as_ref());
    let made = [
        (scheme.id.as_ref(), "the id's place: use {id}", "the id's header: use {id}"),
        (time, "the timestamp's place: use {timestamp}", "the timestamp's header: use {timestamp}"),
        (Some(&scheme.signature), "the signature's own place", "the signature's own header"),
    ];
    scheme.content.places().find_map(|place| {
        let is_made = |source: &ValueSource| source.places().contains(place);
        let (_, what, header) = made.iter().find(|(source, ..)| source.is_some_and(is_made))?;
        Some(format!("`{{{place}}}` is {}", if place.header().is_some() { header } else { what }))
    })
}

/// Why a scheme can't be read from a form whose field holds the payload: it signs a field of the payload, or sends a
/// value in one. `None` if it can.
fn unreadable(scheme: &Scheme, payload_field: &Place) -> Option<String> {
    let time = scheme.timestamp.as_ref().and_then(|rule| rule.source.as_ref());
    let sources = [Some(&scheme.signature), scheme.id.as_ref(), time].into_iter().flatten();
    let mut places = sources.flat_map(ValueSource::places).chain(scheme.content.places());
    let inside = places.find(|place| matches!(place, Place::Body(_)))?;
    Some(format!(
        "`{inside}` is inside `{payload_field}`, and a scheme reads form fields only as a whole: use `{payload_field}`"
    ))
}

/// Whether the signed content would contain the signature.
fn contains_signature(scheme: &Scheme) -> bool {
    let mut places = scheme.content.places();
    match &scheme.signature {
        ValueSource::At(Place::Body(_) | Place::Form(_)) => places.any(Place::covers_body),
        ValueSource::At(Place::Query(_)) => places.any(Place::covers_query),
        _ => false,
    }
}
