//! Observations: what can be seen in a rejected request without recomputing anything. They prove nothing, and are
//! reported only if no cause is proven.

use http::HeaderName;
use memchr::memmem;

use super::{Code, Finding, LONGEST_REWRITTEN, RejectedRequest, body, headers, url};
use crate::webhook::{
    json::{self, Kind, Node},
    place::{Lookup, Place},
    request::{Method, Request},
    signature::{
        Algorithm, Scheme, SigningSecret, asymmetric::named_keys, grammar::ParsedSignature, jwt::Jwt,
        timestamp::TimestampRule,
    },
    words::{REDACTED, bytes},
};

/// Everything visible that may explain a rejection, most telling first.
pub fn observations(case: &RejectedRequest<'_>) -> Vec<Finding> {
    let mut all = Vec::new();
    all.extend(redacted(case));
    all.extend(url::seen(case));
    all.extend(unknown_key(case));
    if case.provider.schemes.iter().any(Scheme::depends_on_body) {
        of_body(case, &mut all);
    }
    all.extend(headers::seen(case));
    all.extend(length(case));
    all
}

/// Something that is verified or signed was redacted, so nothing can be proven.
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
    let is_of_url = |place: &Place| place.covers_query() || matches!(place, Place::Query(_));
    if signed.clone().any(|scheme| scheme.content.places().any(is_of_url)) && case.request.target.contains(REDACTED) {
        return finding("the URL's query was redacted, but it is part of what is signed".to_owned());
    }
    if case.request.method == Method::GET && case.request.body.is_empty() && case.request.target.contains(REDACTED) {
        return finding("the URL's query was redacted, so a handshake can't be recognised".to_owned());
    }
    let place = redacted_secret(case).filter(|_| signed.clone().any(Scheme::depends_on_body))?;
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
            Some(_) => Jwt::parse(std::str::from_utf8(signature).ok()?)?.signature,
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

/// The place in the body of a redacted secret that a handshake handed over: `listen` neither shows nor saves it.
fn redacted_secret<'a>(case: &RejectedRequest<'a>) -> Option<&'a Place> {
    let place = case.provider.handshake_of(case.request)?.secret.as_ref()?;
    let is_in_body = matches!(place, Place::Body(_) | Place::Form(_));
    let body = case.provider.decode(case.request, LONGEST_REWRITTEN).ok().filter(|_| is_in_body)?;
    let payload = body.payload(case.request);
    (Lookup::of(case.request, &payload).text(place).as_deref() == Some(REDACTED)).then_some(place)
}

/// Whether a value is a placeholder for a hidden one.
fn is_redacted(value: &str) -> bool {
    let inner = value.trim().trim_matches(['[', ']', '<', '>', '(', ')', '{', '}', '"', '\'']).to_ascii_lowercase();
    let words = ["redacted", "filtered", "masked", "hidden", "removed", "sanitized", "omitted", "secret"];
    let is_mark = |c: char| matches!(c, '*' | '•' | '█' | 'x' | 'X' | '.');
    let is_masked = inner.chars().count() >= 3 && inner.chars().all(is_mark);
    value.contains(REDACTED) || is_masked || words.contains(&inner.as_str())
}

fn of_body(case: &RejectedRequest<'_>, all: &mut Vec<Finding>) {
    let request = case.request;
    let before = all.len();
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
    if memmem::find(&request.body, REDACTED.as_bytes()).is_some() {
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
        add(Code::SeenLogEscapes, "the body has escapes, or quotes around it, as added by a log or a page".to_owned());
    }
    if memmem::find(&request.body, "\u{fffd}".as_bytes()).is_some() {
        let message =
            "the body has U+FFFD (\u{fffd}) where bytes could not be decoded: these bytes are lost".to_owned();
        add(Code::SeenReplacementCharacter, message);
    }
    // The other findings say more precisely why it isn't JSON.
    if all.len() == before {
        all.extend(invalid_json(request).or_else(|| sorted_keys(case)));
    }
}

/// A body that should be JSON, but is what a language prints instead, or has lost its quotes or escapes.
fn invalid_json(request: &Request) -> Option<Finding> {
    let body = request.body.trim_ascii();
    let is_declared =
        request.headers.text("content-type").is_some_and(|kind| kind.to_ascii_lowercase().contains("json"));
    let error = serde_json::from_slice::<serde::de::IgnoredAny>(body).err().filter(|error| !error.is_eof())?;
    let has = |part: &[u8]| memmem::find(body, part).is_some();
    let printed = [
        (
            body == b"[object Object]",
            "the body is [object Object], which is what JavaScript makes of an object used as text",
        ),
        (body.starts_with(b"{'") || body.starts_with(b"[{'"), "the body is what Python prints for a dict, not JSON"),
        (
            body.starts_with(b"{\"") && (has(b"\"=>") || has(b"\" => ")),
            "the body is what Ruby prints for a hash, not JSON",
        ),
        (is_console(body), "the body is what console.log prints for an object, not JSON"),
        (body.starts_with(b"a:") && body.ends_with(b"}"), "the body is what PHP's serialize() writes, not JSON"),
    ];
    if let Some((_, message)) = printed.into_iter().find(|(is_printed, _)| *is_printed) {
        return Some(Finding::new(Code::SeenInvalidJson, message.to_owned()));
    }
    let is_text = is_declared && std::str::from_utf8(body).is_ok();
    let message = format!("the content-type says JSON, but the body isn't valid JSON: {error}");
    is_text.then(|| Finding::new(Code::SeenInvalidJson, message))
}

/// The keys of all objects are in alphabetical order or in that of databases, unlike in any of the provider's examples.
fn sorted_keys(case: &RejectedRequest<'_>) -> Option<Finding> {
    let body = std::str::from_utf8(&case.request.body).ok().filter(|body| body.len() <= LONGEST_REWRITTEN)?;
    let root = json::parse(body).ok()?;
    if key_pairs(&root) < MANY_KEY_PAIRS {
        return None;
    }
    let examples = || case.provider.events.iter().filter_map(|event| json::parse(&event.fixture).ok());
    let orders: [(IsInOrder, &str); 2] = [
        (
            |one, next| one <= next,
            "the keys are in alphabetical order, and those of the provider's examples are not: the body was parsed and serialised again, as Go does with a map and Python with sort_keys=True",
        ),
        (
            |one, next| (one.len(), one) <= (next.len(), next),
            "shorter keys come before longer ones, as in PostgreSQL's jsonb and MySQL's JSON, and not in the provider's examples: the body was read back from a column of that type; store it as text or bytes",
        ),
    ];
    let is_unusual = |order| is_sorted(&root, order) && !examples().any(|root| is_sorted(&root, order));
    let found = orders.into_iter().find(|(order, _)| is_unusual(*order));
    found.map(|(_, message)| Finding::new(Code::SeenSortedKeys, message))
}

/// Whether a key may come before another one.
type IsInOrder = fn(&str, &str) -> bool;

/// How many pairs of neighbouring keys must be in order to rule out coincidence: one of 720 orders of six keys is
/// sorted.
const MANY_KEY_PAIRS: usize = 5;

/// How many times one key follows another in the same object.
fn key_pairs(node: &Node<'_>) -> usize {
    match &node.kind {
        Kind::Array(items) => items.iter().map(key_pairs).sum(),
        Kind::Object(members) => {
            members.len().saturating_sub(1) + members.iter().map(|member| key_pairs(&member.value)).sum::<usize>()
        }
        _ => 0,
    }
}

fn is_sorted(node: &Node<'_>, order: IsInOrder) -> bool {
    match &node.kind {
        Kind::Array(items) => items.iter().all(|item| is_sorted(item, order)),
        Kind::Object(members) => {
            members.is_sorted_by(|one, next| order(&one.key, &next.key))
                && members.iter().all(|member| is_sorted(&member.value, order))
        }
        _ => true,
    }
}

/// `{ id: 1` or `{ 'a-b': 1`, as Node prints them.
fn is_console(body: &[u8]) -> bool {
    let Some(inside) = body.strip_prefix(b"{").filter(|inside| inside.starts_with(b" ") || inside.starts_with(b"\n"))
    else {
        return false;
    };
    let inside = inside.trim_ascii_start();
    let name = inside.iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_').count();
    inside.starts_with(b"'") || name > 0 && inside[name..].starts_with(b": ")
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
