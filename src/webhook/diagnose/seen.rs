//! Observations: what can be seen of a rejected request without recomputing anything. They prove nothing, and are said
//! only when no cause is proven.

use http::HeaderName;
use memchr::memmem;

use super::{Code, Finding, LONGEST_REWRITTEN, RejectedRequest, body, headers, url};
use crate::webhook::{
    place::{Lookup, Place},
    request::Method,
    signature::{
        Algorithm, Scheme, SigningSecret, asymmetric::named_keys, grammar::ParsedSignature, jwt::Token,
        timestamp::TimestampRule,
    },
    words::{REDACTED, bytes},
};

/// Everything that may explain a rejection at sight, the most telling first.
pub fn observations(case: &RejectedRequest<'_>) -> Vec<Finding> {
    let mut all = Vec::new();
    all.extend(redacted(case));
    all.extend(url::seen(case));
    all.extend(unknown_key(case));
    if case.provider.schemes.iter().any(|scheme| scheme.algorithm.covers_content() && scheme.content.signs_body()) {
        of_body(case, &mut all);
    }
    all.extend(headers::seen(case));
    all.extend(length(case));
    all
}

/// Something that is judged or signed was redacted, so that nothing can be proven.
pub fn redacted(case: &RejectedRequest<'_>) -> Option<Finding> {
    let headers = &case.request.headers;
    let is_hidden = |name: &&HeaderName| headers.text(name.as_str()).is_some_and(|value| is_redacted(&value));
    let schemes = &case.provider.schemes;
    let finding = |message| Some(Finding::new(Code::Redacted, message));
    if let Some(name) = schemes.iter().flat_map(Scheme::headers).find(is_hidden) {
        return finding(format!("the `{name}` header was redacted, so there is nothing to verify"));
    }
    let signed = schemes.iter().filter(|scheme| scheme.algorithm.covers_content());
    if let Some(name) = signed.clone().flat_map(signed_headers).find(is_hidden) {
        return finding(format!("the `{name}` header was redacted, but it is part of what is signed"));
    }
    let is_of_url = |place: &Place| matches!(place, Place::Url | Place::QueryString | Place::Query(_));
    if signed.clone().any(|scheme| scheme.content.places().any(is_of_url)) && case.request.target.contains(REDACTED) {
        return finding("the URL's query was redacted, but it is part of what is signed".to_owned());
    }
    if case.request.method == Method::GET && case.request.body.is_empty() && case.request.target.contains(REDACTED) {
        return finding("the URL's query was redacted, so a handshake can't be recognised".to_owned());
    }
    let place = redacted_secret(case).filter(|_| signed.clone().any(|scheme| scheme.content.signs_body()))?;
    let words = place.words();
    finding(format!("{words} was redacted because it is a secret, but it is part of what is signed"))
}

/// A token names a key, and each secret is a JWKS without it.
fn unknown_key(case: &RejectedRequest<'_>) -> Option<Finding> {
    let wanted = case.named_key()?;
    let ids = |secret: &SigningSecret| named_keys(secret.expose()).into_iter().map(|(id, _)| id).collect::<Vec<_>>();
    let sets: Vec<Vec<String>> = case.secrets().iter().map(ids).collect();
    let known = sets.concat();
    let is_unknown = !sets.is_empty() && sets.iter().all(|set| !set.is_empty()) && !known.contains(&wanted);
    let known: Vec<String> = known.iter().map(|id| format!("`{id}`")).collect();
    let message =
        format!("the token names the key `{wanted}`, which the JWKS does not have: it has {}", known.join(", "));
    is_unknown.then(|| Finding::new(Code::SeenUnknownKey, message))
}

/// A signature that is shorter or longer than its algorithm makes them.
fn length(case: &RejectedRequest<'_>) -> Option<Finding> {
    case.provider.schemes.iter().find_map(|scheme| {
        let value = case.request.headers.text(scheme.headers().first()?.as_str())?;
        let parsed = scheme.grammar.read(&value);
        let [ParsedSignature::Decoded(signature)] = parsed.signatures.as_slice() else { return None };
        let signature = match scheme.algorithm.jwt_name() {
            Some(_) => Token::parse(std::str::from_utf8(signature).ok()?)?.signature,
            None => signature.clone(),
        };
        let (found, whole) = (signature.len(), whole_length(scheme.algorithm, &signature)?);
        let message = format!("the signature has {}; {} signatures have {whole}", bytes(found), scheme.algorithm);
        (found != whole).then(|| Finding::new(Code::SeenSignatureLength, message))
    })
}

/// The length of a whole signature; `None` if it depends on the key, or the algorithm has none.
fn whole_length(algorithm: Algorithm, signature: &[u8]) -> Option<usize> {
    match (algorithm, signature) {
        (Algorithm::JwtHs256, _) => Some(32),
        (Algorithm::JwtEs256, _) => Some(64),
        // DER, which says how long it is.
        (Algorithm::EcdsaP256, [0x30, rest @ 0..0x80, ..]) if signature.len() != 64 => Some(2 + usize::from(*rest)),
        _ => algorithm.signature_length(),
    }
}

/// The headers whose values a scheme signs.
fn signed_headers(scheme: &Scheme) -> impl Iterator<Item = &HeaderName> {
    let time = scheme.timestamp.as_ref().map_or(&[][..], TimestampRule::headers);
    scheme.id_headers().iter().chain(time).chain(scheme.content.headers())
}

/// Where the body has the mark of a secret that a handshake handed over: `listen` neither shows nor saves it.
fn redacted_secret<'a>(case: &RejectedRequest<'a>) -> Option<&'a Place> {
    let place = case.provider.handshake_of(case.request)?.secret.as_ref()?;
    let is_in_body = matches!(place, Place::Body(_) | Place::Form(_));
    let body = case.provider.decode(case.request, LONGEST_REWRITTEN).ok().filter(|_| is_in_body)?;
    let payload = body.payload(case.request);
    (Lookup::of(case.request, &payload).text(place).as_deref() == Some(REDACTED)).then_some(place)
}

/// Whether a value stands for one that is not shown.
fn is_redacted(value: &str) -> bool {
    let inner = value.trim().trim_matches(['[', ']', '<', '>', '(', ')', '{', '}', '"', '\'']).to_ascii_lowercase();
    let words = ["redacted", "filtered", "masked", "hidden", "removed", "sanitized", "omitted", "secret"];
    let is_mark = |c: char| matches!(c, '*' | '•' | '█' | 'x' | 'X' | '.');
    let is_masked = inner.chars().count() >= 3 && inner.chars().all(is_mark);
    value.contains(REDACTED) || is_masked || words.contains(&inner.as_str())
}

fn of_body(case: &RejectedRequest<'_>, all: &mut Vec<Finding>) {
    let request = case.request;
    let mut add = |code, message: String| all.push(Finding::new(code, message));
    if request.body.is_empty() {
        let handshakes = case.provider.events.iter().filter_map(|event| event.handshake.as_deref());
        if handshakes.map(|handshake| &handshake.method).any(|method| *method == request.method) {
            // It is empty by design.
            return;
        }
        let how = if request.method == Method::GET { ", and the method is GET" } else { "" };
        add(Code::SeenEmptyBody, format!("the body is empty{how}"));
        return;
    }
    if contains(&request.body, REDACTED.as_bytes()) {
        let message = format!("the body has `{REDACTED}` in it: if that replaced a value, the signed bytes are gone");
        add(Code::Redacted, message);
        return;
    }
    let stated = request.headers.text("content-length").and_then(|text| text.trim().parse::<usize>().ok());
    if let Some(missing) =
        stated.and_then(|stated| stated.checked_sub(request.body.len())).filter(|missing| *missing > 0)
    {
        let message = format!(
            "Content-Length says {}, but the body has {}: {missing} {} missing",
            bytes(missing + request.body.len()),
            request.body.len(),
            if missing == 1 { "is" } else { "are" }
        );
        add(Code::SeenMissingBytes, message);
    } else if request.body.starts_with(b"{")
        && serde_json::from_slice::<serde::de::IgnoredAny>(&request.body).is_err_and(|error| error.is_eof())
    {
        add(Code::SeenMissingBytes, "the body ends in the middle of its JSON: the rest is missing".to_owned());
    }
    if body::has_chunk_sizes(&request.body) {
        add(Code::SeenChunkSizes, "the body begins with a chunk size, as sent on the connection".to_owned());
    }
    if body::has_boundaries(&request.body) {
        add(Code::SeenBoundary, "the body begins with a boundary of a multipart message".to_owned());
    }
    if body::has_escapes(&request.body) {
        add(Code::SeenLogEscapes, "the body has escapes or quotes around it that a log or a page adds".to_owned());
    }
    if contains(&request.body, "\u{fffd}".as_bytes()) {
        let message =
            "the body has U+FFFD (\u{fffd}) where bytes could not be decoded: these bytes are lost".to_owned();
        add(Code::SeenReplacementCharacter, message);
    }
}

fn contains(text: &[u8], sought: &[u8]) -> bool {
    memmem::find(text, sought).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_in_the_place_of_a_value_are_recognised() {
        for value in
            ["[redacted]", "REDACTED", "<redacted>", "[FILTERED]", "***", "••••••••", "xxxxxxxx", "sha256=[redacted]"]
        {
            assert!(is_redacted(value), "{value}");
        }
        for value in ["sha256=0f9f", "xx", "", "v1,abc", "a token"] {
            assert!(!is_redacted(value), "{value}");
        }
    }
}
